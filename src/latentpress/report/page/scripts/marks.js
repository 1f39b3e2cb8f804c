"use strict";
// How curves are told apart: colour, marker and dashes, the same in charts, legends and tables.
const Marks = (() => {
  const { svg } = DOM;
  const DASHES = { solid: null, dashed: "7 4", dotted: "1.5 3.5" };
  // Outlines of markers of radius 1 about the origin.
  const OUTLINES = {
    circle: "M-1 0A1 1 0 1 1 1 0A1 1 0 1 1-1 0Z",
    square: "M-.86-.86H.86V.86H-.86Z",
    triangle: "M0-1.1L1.05.8H-1.05Z",
    wedge: "M0 1.1L1.05-.8H-1.05Z",
    diamond: "M0-1.2L1 0L0 1.2L-1 0Z",
    plus: "M-.38-1.1H.38V-.38H1.1V.38H.38V1.1H-.38V.38H-1.1V-.38H-.38Z",
    cross: "M-1-.5L-.5-1L0-.5L.5-1L1-.5L.5 0L1 .5L.5 1L0 .5L-.5 1L-1 .5L-.5 0Z",
    star: "M0-1.25L.31-.42L1.19-.39L.5.16L.73 1.01L0 .52L-.73 1.01L-.5.16L-1.19-.39L-.31-.42Z",
  };

  function colour(curve) {
    return `var(--curve-${curve.colour})`;
  }

  function line(curve, d) {
    return svg("path", {
      d, class: `line ${curve.kind}`, fill: "none", stroke: colour(curve), "stroke-dasharray": DASHES[curve.dash],
    });
  }

  function marker(curve, x, y, radius) {
    const place = `translate(${x.toFixed(1)} ${y.toFixed(1)}) scale(${radius})`;
    return svg("path", { d: OUTLINES[curve.marker], class: "marker", fill: colour(curve), transform: place });
  }

  function swatch(curve) {
    return svg("svg", { class: "swatch", viewBox: "0 0 34 14", width: 34, height: 14, "aria-hidden": "true" },
      line(curve, "M1 7H33"), marker(curve, 17, 7, curve.kind === "result" ? 4.5 : 3.8));
  }

  return { line, marker, swatch, colour };
})();
