"use strict";
// The rate-distortion curves: the chart, the legend that shows and hides curves, and the same points as a table.
const Curves = (() => {
  const { el, button, segmented } = DOM;
  const { state } = State;
  const COMMON_RATE = 2; // bits per pixel
  const GROUPS = [["result", "Measured"], ["codec", "Published codecs"], ["model", "Published learned models"]];

  function start() {
    const chart = Chart.make(document.getElementById("curves-chart"), {
      label: "Rate-distortion curves.",
      xLabel: "Rate [bits per pixel]",
      yLabel: "",
      fit,
      onPoint: (pointed) => State.set({ pointed }),
    });
    const controls = document.getElementById("curves-controls");
    const metrics = Object.entries(state.data.metrics);
    controls.append(
      segmented("Quality", "metric", metrics, state.metric, (metric) => State.set({ metric })),
      segmented("Rates", "rates", [["linear", "Linear"], ["log", "Logarithmic"]], "linear", (rates) => {
        redraw({ log: { x: rates === "log", y: false } });
      })
    );
    const redraw = (options = {}) => {
      const curves = state.data.curves.filter((curve) => state.shown.has(curve.id));
      chart.setSeries(curves.map(series), { ...options, yLabel: `${state.data.metrics[state.metric]} [dB]` });
    };
    drawLegend(document.getElementById("legend"));
    State.on(["metric"], () => redraw());
    State.on(["shown"], () => redraw({ keepView: true }));
    State.on(["pointed"], () => chart.point(state.pointed));
    State.on(["shown", "metric"], drawTable);
  }

  function series(curve) {
    const points = curve.points[state.metric].map(([bpp, quality, label, value]) => ({
      x: bpp, y: quality, lines: lines(bpp, quality, label, value),
    }));
    return { ...curve, points };
  }

  function lines(bpp, quality, label, value) {
    const name = state.data.metrics[state.metric];
    const own = state.metric === "ms-ssim-rgb" ? ` (${Format.number(value, 4)})` : "";
    return [`${Format.number(bpp, 4)} bpp`, `${name} ${Format.number(quality, 2)} dB${own}`, ...(label ? [label] : [])];
  }

  // What was measured, up to the rates that people compare at, and the qualities there.
  function fit(all, log) {
    const measured = all.filter((one) => one.kind === "result" && one.points.length);
    const rates = (measured.length ? measured : all).flatMap((one) => one.points.map((point) => point.x));
    const widest = 1.06 * Math.max(Math.min(Math.max(...rates), COMMON_RATE), 2 * Math.min(...rates));
    const inside = all.flatMap((one) => one.points).filter((point) => point.x <= widest);
    const [low, high] = [Math.min(...inside.map((p) => p.y)), Math.max(...inside.map((p) => p.y))];
    const margin = 0.05 * (high - low) || 1;
    const left = log.x ? 0.9 * Math.min(...inside.map((point) => point.x)) : 0;
    return { x: [left, widest], y: [low - margin, high + margin] };
  }

  function drawLegend(place) {
    for (const [kind, title] of GROUPS) {
      const curves = state.data.curves.filter((curve) => curve.kind === kind);
      if (!curves.length) continue;
      const ids = curves.map((curve) => curve.id);
      place.append(el("fieldset", { class: "legend" },
        el("legend", {}, title),
        el("div", { class: "legend-tools" },
          button("all", `Show all: ${title}`, () => State.show(ids, true)),
          button("none", `Hide all: ${title}`, () => State.show(ids, false))),
        el("ul", {}, curves.map(entry))));
    }
  }

  function entry(curve) {
    const box = el("input", { type: "checkbox", "data-id": curve.id, onchange: () => State.show([curve.id], box.checked) });
    const item = el("li", {
      onpointerenter: () => State.set({ pointed: curve.id }), onpointerleave: () => State.set({ pointed: null }),
    }, el("label", { title: curve.reference || null }, box, Marks.swatch(curve), el("span", {}, curve.name)));
    State.on(["shown", "metric", "pointed"], () => {
      box.checked = state.shown.has(curve.id);
      item.classList.toggle("absent", curve.points[state.metric].length === 0);
      item.classList.toggle("on", state.pointed === curve.id);
    });
    return item;
  }

  function drawTable() {
    const name = `${state.data.metrics[state.metric]} [dB]`;
    const rows = state.data.curves.filter((curve) => state.shown.has(curve.id)).flatMap((curve) =>
      curve.points[state.metric].map(([bpp, quality, label]) => el("tr", {},
        el("th", { scope: "row" }, curve.name), el("td", {}, label),
        el("td", { class: "number" }, Format.number(bpp, 4)), el("td", { class: "number" }, Format.number(quality, 3)))));
    const heading = ["Curve", "Point", "bpp", name].map((text) => el("th", { scope: "col" }, text));
    document.getElementById("curves-points").replaceChildren(
      el("table", {}, el("thead", {}, el("tr", {}, heading)), el("tbody", {}, rows)));
  }

  return { start };
})();
