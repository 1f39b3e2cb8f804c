"use strict";
// BD-rate and BD-PSNR against the anchor that the reader chooses.
const Deltas = (() => {
  const { el, choice, segmented } = DOM;
  const { state } = State;
  const METHODS = { cubic: "Cubic", pchip: "PCHIP", akima: "Akima" };
  const GROUPS = { result: "Measured", codec: "Published codecs", model: "Published learned models" };
  const FULL_BAR = 60; // percent of BD-rate at which the bar beside it ends

  function start() {
    const controls = document.getElementById("deltas-controls");
    const everything = el("input", { type: "checkbox", id: "deltas-all", onchange: draw });
    const anchors = el("div");
    controls.append(anchors,
      segmented("Interpolation", "method", BD.METHODS.map((method) => [method, METHODS[method]]), state.method,
        (method) => State.set({ method })),
      el("label", { class: "check" }, everything, el("span", {}, "Also curves that the chart does not show")));
    const place = document.getElementById("deltas-table");
    let table = null;

    function drawAnchors() {
      const options = state.data.curves.filter((curve) => curve.points[state.metric].length)
        .map((curve) => [curve.id, curve.name, GROUPS[curve.kind]]);
      anchors.replaceChildren(choice("Anchor", options, state.anchor, (anchor) => State.set({ anchor })));
    }

    function drawHeadings() {
      place.replaceChildren();
      table = Table.make(place, columns(), { sort: 1, part: Infinity, attributes: (row) => ({ "data-id": row.curve.id }) });
    }

    function draw() {
      const anchor = State.curve(state.anchor);
      const wanted = state.data.curves.filter((curve) => everything.checked || state.shown.has(curve.id));
      table.setRows(wanted.filter((curve) => curve.points[state.metric].length).map((curve) => row(anchor, curve)));
    }

    State.on(["metric"], () => { drawAnchors(); drawHeadings(); });
    State.on(["metric", "method", "anchor", "shown"], draw);
  }

  function row(anchor, curve) {
    const [a, b] = [anchor, curve].map((one) => ({ name: one.name, points: State.points(one) }));
    if (anchor === curve) return { curve, isAnchor: true, rate: { value: 0 }, quality: { value: 0 }, warnings: [] };
    const [rate, quality] = [BD.rate(a, b, state.method), BD.quality(a, b, state.method)];
    const warnings = [...new Set([rate.warning, quality.warning].filter(Boolean))];
    return { curve, isAnchor: false, rate, quality, warnings };
  }

  function columns() {
    const metric = state.data.metrics[state.metric];
    return [
      { title: "Curve", value: (r) => r.curve.name,
        cell: (r) => el("span", { class: "curve-name" }, Marks.swatch(r.curve), el("span", {}, r.curve.name),
          r.isAnchor ? el("em", {}, "anchor") : null) },
      { title: "BD-rate [%]", number: true, value: (r) => r.rate.value, cell: rateCell },
      { title: `BD-${metric} [dB]`, number: true, value: (r) => r.quality.value,
        cell: (r) => value(r.quality, 3, "quality") },
      { title: "Note", value: (r) => r.warnings.join(" ") || null,
        cell: (r) => r.warnings.map((warning) => el("span", { class: "warning" }, warning)) },
    ];
  }

  function rateCell(r) {
    const share = Math.min(Math.abs(r.rate.value ?? 0) / FULL_BAR, 1) * 50;
    const side = r.rate.value < 0 ? "right" : "left";
    const bar = el("span", { class: `bar ${r.rate.value < 0 ? "better" : "worse"}`, "aria-hidden": "true",
      style: `${side}: 50%; width: ${share}%` });
    return el("span", { class: "barred" }, el("span", { class: "track" }, share ? bar : null), value(r.rate, 2, "rate"));
  }

  // The number as it is read, and whole for scripts and for who points at it.
  function value(delta, digits, kind) {
    const whole = delta.value === null ? null : String(delta.value);
    const text = delta.value === null ? "undefined" : Format.signed(delta.value, digits);
    return el("span", { class: whole ? "value" : "value none", "data-kind": kind, "data-value": whole, title: whole }, text);
  }

  return { start };
})();
