"use strict";
// Starts every part of the page.
(() => {
  const root = document.documentElement;
  const button = document.getElementById("theme");
  const dark = matchMedia("(prefers-color-scheme: dark)");

  button.addEventListener("click", () => {
    const isDark = root.dataset.theme ? root.dataset.theme === "dark" : dark.matches;
    root.dataset.theme = isDark ? "light" : "dark";
  });

  State.start();
  for (const part of [Curves, Deltas, Speed, Images, Viewer]) part.start();
  for (const link of document.querySelectorAll("nav a")) {
    link.hidden = document.querySelector(link.getAttribute("href")).hidden;
  }
})();
