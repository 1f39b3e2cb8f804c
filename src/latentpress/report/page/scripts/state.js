"use strict";
// What the reader has chosen, and who wants to know when that changes.
const State = (() => {
  const listeners = [];
  const state = {
    data: JSON.parse(document.getElementById("data").textContent),
    metric: "psnr-rgb",
    method: "pchip",
    anchor: null,
    shown: new Set(),
    pointed: null, // the curve under the pointer
  };

  function start() {
    const { curves, metrics } = state.data;
    for (const curve of curves) if (curve.shown) state.shown.add(curve.id);
    const measured = curves.filter((curve) => curve.kind === "result");
    const withMetric = (metric) => (curve) => curve.points[metric].length > 0;
    const first = Object.keys(metrics).find((metric) => (measured.length ? measured : curves).some(withMetric(metric)));
    state.metric = first ?? state.metric;
    const candidates = curves.filter(withMetric(state.metric));
    state.anchor = (candidates.find((curve) => curve.name === "VTM") ?? candidates[0])?.id ?? null;
  }

  function set(changes) {
    Object.assign(state, changes);
    for (const [keys, listener] of listeners) if (keys.some((key) => key in changes)) listener();
  }

  function show(ids, visible) {
    const shown = new Set(state.shown);
    for (const id of ids) visible ? shown.add(id) : shown.delete(id);
    set({ shown });
  }

  function on(keys, listener) {
    listeners.push([keys, listener]);
    listener();
  }

  function curve(id) {
    return state.data.curves.find((candidate) => candidate.id === id);
  }

  // The curve in the metric that is shown, as BD takes it.
  function points(curve) {
    return curve.points[state.metric].map(([bpp, quality]) => [bpp, quality]);
  }

  return { state, start, set, show, on, curve, points };
})();
