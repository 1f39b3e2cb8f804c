"use strict";
// Two versions of an image, one over the other, with a divider between them that is dragged or moved by keys.
const Viewer = (() => {
  const { el, choice, button } = DOM;
  const { state } = State;
  const LARGEST_ZOOM = 16;
  const SHARP_FROM = 3; // at this zoom pixels become squares

  function start() {
    const section = document.getElementById("viewer");
    section.hidden = state.data.comparisons.length === 0;
    if (section.hidden) return;
    const view = { image: 0, left: 0, right: 1, split: 50, zoom: 1, x: 0, y: 0 };
    const parts = build(document.getElementById("viewer-stage"));
    const controls = document.getElementById("viewer-controls");
    const comparison = () => state.data.comparisons[view.image];

    function drawControls() {
      const images = state.data.comparisons.map((one, index) => [String(index), one.source]);
      const versions = comparison().versions.map((version, index) => [String(index), version.name]);
      controls.replaceChildren(
        choice("Image", images, String(view.image), (index) => openImage(Number(index))),
        choice("Left", versions, String(view.left), (index) => { view.left = Number(index); drawImages(); }),
        choice("Right", versions, String(view.right), (index) => { view.right = Number(index); drawImages(); }),
        el("div", { class: "zoom-tools", role: "group", "aria-label": "Zoom" },
          button("\u2212", "Zoom out", () => zoomAt(1 / 1.5)), button("+", "Zoom in", () => zoomAt(1.5)),
          button("1:1", "Show a pixel of the image as a pixel of the screen", oneToOne),
          button("Fit", "Show the whole image", fit)));
    }

    function openImage(index) {
      const names = [view.left, view.right].map((place) => comparison().versions[place].name);
      view.image = index;
      const there = names.map((name) => comparison().versions.findIndex((version) => version.name === name));
      const last = comparison().versions.length - 1;
      view.left = Math.max(0, there[0]);
      view.right = there[1] < 0 ? last : there[1];
      fit();
      drawControls();
      controls.querySelector("select").focus(); // what was pressed is a new element now
      drawImages();
    }

    function drawImages() {
      const { versions, width, height, source } = comparison();
      parts.stage.style.aspectRatio = `${width} / ${height}`;
      parts.stage.style.setProperty("--ratio", width / height);
      for (const side of ["left", "right"]) {
        const version = versions[view[side]];
        parts[side].src = version.uri;
        parts[side].alt = `${source}, ${version.name}`;
        parts[`${side}Caption`].replaceChildren(el("strong", {}, version.name), ...facts(version));
      }
      place();
    }

    // Put the divider and the zoomed images where the view says.
    function place() {
      const { stage, handle, top } = parts;
      const { clientWidth, clientHeight } = stage;
      const slack = (size) => size * (view.zoom - 1);
      view.x = Math.min(0, Math.max(-slack(clientWidth), view.x));
      view.y = Math.min(0, Math.max(-slack(clientHeight), view.y));
      top.style.clipPath = `inset(0 0 0 ${view.split}%)`;
      handle.style.left = `${view.split}%`;
      handle.setAttribute("aria-valuenow", Math.round(view.split));
      stage.classList.toggle("zoomed", view.zoom > 1);
      stage.classList.toggle("sharp", view.zoom * clientWidth >= SHARP_FROM * comparison().width);
      for (const image of [parts.left, parts.right]) {
        image.style.transform = `translate(${view.x}px, ${view.y}px) scale(${view.zoom})`;
      }
    }

    function split(percent) {
      view.split = Math.min(100, Math.max(0, percent));
      place();
    }

    function zoomAt(factor, x = parts.stage.clientWidth / 2, y = parts.stage.clientHeight / 2) {
      const zoom = Math.min(LARGEST_ZOOM, Math.max(1, view.zoom * factor));
      view.x = x - ((x - view.x) * zoom) / view.zoom;
      view.y = y - ((y - view.y) * zoom) / view.zoom;
      view.zoom = zoom;
      place();
    }

    function oneToOne() {
      const zoom = comparison().width / (parts.stage.clientWidth * window.devicePixelRatio);
      zoomAt(zoom / view.zoom);
    }

    function fit() {
      Object.assign(view, { zoom: 1, x: 0, y: 0 });
      place();
    }

    function pan(dx, dy) {
      view.x += dx;
      view.y += dy;
      place();
    }

    drawControls();
    drawImages();
    new ResizeObserver(place).observe(parts.stage);
    listen(parts, { view, split, zoomAt, pan, fit });
  }

  function build(stage) {
    const image = (attributes) => el("img", { draggable: "false", ...attributes });
    const parts = {
      stage, left: image(), right: image(),
      handle: el("div", { class: "handle", role: "slider", tabindex: 0, "aria-label": "Divider between left and right",
        "aria-valuemin": 0, "aria-valuemax": 100, "aria-valuenow": 50 }, el("span", { "aria-hidden": "true" }, "\u2039\u203a")),
    };
    parts.top = el("div", { class: "layer top" }, parts.right);
    stage.append(el("div", { class: "layer" }, parts.left), parts.top, parts.handle);
    for (const side of ["left", "right"]) {
      parts[`${side}Caption`] = document.getElementById(`viewer-${side}`);
    }
    return parts;
  }

  function listen({ stage, handle }, { view, split, zoomAt, pan, fit }) {
    let dragged = null; // what moves: "divider" or "image"
    const percent = (event) => {
      const box = stage.getBoundingClientRect();
      return (100 * (event.clientX - box.left)) / box.width;
    };
    stage.addEventListener("pointerdown", (event) => {
      dragged = view.zoom > 1 && !handle.contains(event.target) ? "image" : "divider";
      stage.setPointerCapture(event.pointerId);
      if (dragged === "divider") split(percent(event));
    });
    stage.addEventListener("pointermove", (event) => {
      if (dragged === "divider") split(percent(event));
      else if (dragged === "image") pan(event.movementX, event.movementY);
    });
    for (const type of ["pointerup", "pointercancel"]) stage.addEventListener(type, () => { dragged = null; });
    stage.addEventListener("dblclick", (event) => {
      const box = stage.getBoundingClientRect();
      if (view.zoom > 1) fit();
      else zoomAt(4, event.clientX - box.left, event.clientY - box.top);
    });
    stage.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.metaKey) return; // the wheel alone scrolls the page
      event.preventDefault();
      const box = stage.getBoundingClientRect();
      zoomAt(1.0015 ** -event.deltaY, event.clientX - box.left, event.clientY - box.top);
    }, { passive: false });
    handle.addEventListener("keydown", (event) => {
      const step = event.shiftKey ? 10 : 1;
      const actions = {
        ArrowLeft: () => split(view.split - step), ArrowRight: () => split(view.split + step),
        ArrowDown: () => split(view.split - step), ArrowUp: () => split(view.split + step),
        PageDown: () => split(view.split - 10), PageUp: () => split(view.split + 10),
        Home: () => split(0), End: () => split(100),
        "+": () => zoomAt(1.5), "=": () => zoomAt(1.5), "-": () => zoomAt(1 / 1.5), "0": fit,
      };
      if (!(event.key in actions)) return;
      event.preventDefault();
      actions[event.key]();
    });
  }

  function facts({ label, bpp, psnr, msSsim }) {
    const known = [
      bpp === null ? null : `${Format.number(bpp, 3)} bpp`,
      psnr === null ? null : `${Format.number(psnr, 2)} dB`,
      msSsim === null ? null : `MS-SSIM ${Format.number(msSsim, 4)}`,
      label || null,
    ];
    return known.filter(Boolean).map((fact) => el("span", {}, fact));
  }

  return { start };
})();
