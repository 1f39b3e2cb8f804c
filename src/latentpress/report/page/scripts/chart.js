"use strict";
// A chart of curves, in SVG: drawn at the size of its place, with zoom, pan, and values under the pointer.
//
// Series are {id, name, kind, colour, marker, dash, points}, where points are {x, y, lines} and lines say what
// a point is. `fit(series)` gives the first view as {x: [low, high], y: [low, high]}.
const Chart = (() => {
  const { el, svg, button } = DOM;
  const MARGINS = { right: 14, top: 12, bottom: 44 };
  const REACH = 30; // pixels from a point within which it is the one pointed at
  const FARTHEST = 60; // a view is at most so many times as narrow as the first one

  function make(place, { label, xLabel, yLabel, fit, onPoint, yTick, left = 54 }) {
    const margin = { ...MARGINS, left };
    const frame = { width: 0, height: 0, view: null, series: [], log: { x: false, y: false }, selected: null, yLabel };
    const root = svg("svg", { class: "chart", tabindex: 0, role: "group", "aria-roledescription": "chart" });
    const tip = el("div", { class: "tip", hidden: true });
    const spoken = el("p", { class: "unseen", "aria-live": "polite" });
    const tools = el("div", { class: "chart-tools" },
      button("+", "Zoom in", () => zoom(1.5)), button("\u2212", "Zoom out", () => zoom(1 / 1.5)),
      button("Reset", "Reset the view", reset));
    place.append(root, tools, tip, spoken);
    root.setAttribute("aria-label", `${label} Arrow keys go from point to point; with shift, they move the view; ` +
      "plus, minus and 0 zoom.");
    Gestures.attach(root, { zoomAt, pan, point: pointAt, leave: () => select(null), reset });
    root.addEventListener("keydown", onKey);
    root.addEventListener("blur", () => select(null));
    new ResizeObserver(() => draw()).observe(root);

    function setSeries(series, options = {}) {
      const changed = options.keepView !== true || frame.view === null;
      frame.series = series;
      Object.assign(frame, { log: options.log ?? frame.log, yLabel: options.yLabel ?? frame.yLabel });
      if (changed) frame.view = series.some((one) => one.points.length) ? fit(series, frame.log) : null;
      frame.selected = null;
      draw();
    }

    function scales(view = frame.view) {
      return {
        x: Scale.make(view.x, [margin.left, frame.width - margin.right], frame.log.x),
        y: Scale.make(view.y, [frame.height - margin.bottom, margin.top], frame.log.y),
      };
    }

    function draw() {
      frame.width = root.clientWidth;
      frame.height = root.clientHeight;
      root.replaceChildren();
      if (frame.view === null || frame.width < 120) return;
      const { x, y } = scales();
      root.append(...axes(x, y), svg("clipPath", { id: `${place.id}-clip` }, svg("rect", plotArea())));
      const plot = svg("g", { "clip-path": `url(#${place.id}-clip)` });
      for (const series of [...frame.series].reverse()) plot.append(drawSeries(series, x, y));
      root.append(plot);
      showTip();
    }

    function plotArea() {
      return {
        x: margin.left, y: margin.top,
        width: frame.width - margin.left - margin.right, height: frame.height - margin.top - margin.bottom,
      };
    }

    function axes(x, y) {
      const [bottom, right] = [frame.height - margin.bottom, frame.width - margin.right];
      const across = x.ticks(Math.max(2, frame.width / 90));
      const up = y.ticks(Math.max(2, frame.height / 60));
      return [
        ...across.values.flatMap((value) => {
          const at = x.toPixel(value);
          return [svg("path", { class: "grid", d: `M${at} ${margin.top}V${bottom}` }),
            svg("text", { class: "tick", x: at, y: bottom + 17, "text-anchor": "middle" }, across.label(value))];
        }),
        ...up.values.flatMap((value) => {
          const at = y.toPixel(value);
          const text = (yTick ?? up.label)(value);
          return [svg("path", { class: "grid", d: `M${margin.left} ${at}H${right}` }),
            svg("text", { class: "tick", x: margin.left - 7, y: at + 4, "text-anchor": "end" }, text)];
        }),
        svg("path", { class: "axis", d: `M${margin.left} ${margin.top}V${bottom}H${right}` }),
        svg("text", { class: "label", x: (margin.left + right) / 2, y: frame.height - 6, "text-anchor": "middle" }, xLabel),
        svg("text", { class: "label", "text-anchor": "middle",
          transform: `translate(13 ${(margin.top + bottom) / 2}) rotate(-90)` }, frame.yLabel),
      ];
    }

    function drawSeries(series, x, y) {
      const pixels = series.points.map((point) => [x.toPixel(point.x), y.toPixel(point.y)]);
      const d = pixels.map(([px, py], i) => `${i ? "L" : "M"}${px.toFixed(1)} ${py.toFixed(1)}`).join("");
      const radius = series.kind === "result" ? 4.6 : 3.2;
      return svg("g", { class: "series", "data-id": series.id }, Marks.line(series, d),
        pixels.map(([px, py]) => Marks.marker(series, px, py, radius)));
    }

    // Emphasise one series; null for none.
    function point(id) {
      root.classList.toggle("pointed", id !== null);
      for (const group of root.querySelectorAll(".series")) group.classList.toggle("on", group.dataset.id === id);
    }

    function pointAt(px, py) {
      if (frame.view === null) return;
      const { x, y } = scales();
      let best = null;
      for (const series of frame.series) {
        series.points.forEach((candidate, index) => {
          const distance = Math.hypot(x.toPixel(candidate.x) - px, y.toPixel(candidate.y) - py);
          if (distance < (best?.distance ?? REACH)) best = { distance, series, index };
        });
      }
      select(best);
    }

    function select(selected) {
      const before = frame.selected?.series.id ?? null;
      frame.selected = selected;
      showTip();
      const id = selected?.series.id ?? null;
      if (id !== before) {
        point(id);
        onPoint?.(id);
      }
    }

    function showTip() {
      root.querySelector(".halo")?.remove();
      tip.hidden = frame.selected === null || frame.view === null;
      if (tip.hidden) return;
      const { series, index } = frame.selected;
      const selected = series.points[index];
      const { x, y } = scales();
      const [px, py] = [x.toPixel(selected.x), y.toPixel(selected.y)];
      root.append(svg("circle", { class: "halo", cx: px, cy: py, r: 9, stroke: Marks.colour(series) }));
      tip.replaceChildren(el("strong", {}, Marks.swatch(series), series.name),
        ...selected.lines.map((line) => el("span", {}, line)));
      const across = Math.min(Math.max(4, px + 14), frame.width - tip.offsetWidth - 4);
      const above = py - tip.offsetHeight - 12;
      tip.style.left = `${across}px`;
      tip.style.top = `${above > 0 ? above : py + 14}px`;
    }

    function zoom(factor) {
      zoomAt(factor, (margin.left + frame.width - margin.right) / 2, (margin.top + frame.height - margin.bottom) / 2);
    }

    function zoomAt(factor, px, py) {
      change((scale, axis) => Scale.moved(scale, factor, axis === "x" ? px : py, 0));
    }

    function pan(dx, dy) {
      change((scale, axis) => Scale.moved(scale, 1, 0, axis === "x" ? dx : dy));
    }

    function change(move) {
      if (frame.view === null) return;
      const { x, y } = scales();
      const view = { x: move(x, "x"), y: move(y, "y") };
      const first = fit(frame.series, frame.log);
      const spans = (axis, domains) => Math.abs(domains[axis][1] - domains[axis][0]);
      const allowed = ["x", "y"].every((axis) => {
        const ratio = spans(axis, first) / spans(axis, view);
        return Number.isFinite(ratio) && ratio < FARTHEST && ratio > 1 / FARTHEST && (!frame.log[axis] || view[axis][0] > 0);
      });
      if (!allowed) return;
      frame.view = view;
      draw();
    }

    function reset() {
      if (frame.view === null) return;
      frame.view = fit(frame.series, frame.log);
      draw();
    }

    function onKey(event) {
      const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
      if (step && event.shiftKey) pan(-40 * step[0], -40 * step[1]);
      else if (step) walk(...step);
      else if (event.key === "+" || event.key === "=") zoom(1.5);
      else if (event.key === "-") zoom(1 / 1.5);
      else if (event.key === "0") reset();
      else if (event.key === "Escape") select(null);
      else return;
      event.preventDefault();
    }

    // To the next point of a series, or the next series.
    function walk(along, across) {
      const there = frame.series.filter((series) => series.points.length);
      if (!there.length) return;
      const current = frame.selected ? there.indexOf(frame.selected.series) : -1;
      const series = current < 0 ? there[0] : there[(current + across + there.length) % there.length];
      const index = current < 0 ? 0 : Math.min(Math.max(frame.selected.index + along, 0), series.points.length - 1);
      select({ series, index });
      spoken.textContent = `${series.name}: ${series.points[index].lines.join(", ")}`;
    }

    return { setSeries, point, view: () => frame.view };
  }

  return { make };
})();
