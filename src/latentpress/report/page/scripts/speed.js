"use strict";
// How long encoding and decoding take at each rate, of results that have times.
const Speed = (() => {
  const { segmented } = DOM;
  const { state } = State;
  const PLACES = { encode: 1, decode: 2 };

  function start() {
    const { times, curves } = state.data;
    const section = document.getElementById("speed");
    section.hidden = times.length === 0;
    if (section.hidden) return;
    const chart = Chart.make(document.getElementById("speed-chart"), {
      label: "Time for an image against rate.",
      xLabel: "Rate [bits per pixel]",
      yLabel: "",
      fit,
      yTick: Format.roundSeconds,
      left: 76,
      onPoint: (pointed) => State.set({ pointed }),
    });
    let kind = "encode";
    const redraw = () => chart.setSeries(times.map(({ id, points }) => ({
      ...curves.find((curve) => curve.id === id),
      points: points.filter((point) => point[PLACES[kind]] > 0).map((point) => ({
        x: point[0],
        y: point[PLACES[kind]],
        lines: [`${Format.number(point[0], 4)} bpp`, `encoding ${Format.seconds(point[1])}`,
          `decoding ${Format.seconds(point[2])}`, ...(point[3] ? [point[3]] : [])],
      })),
    })).filter((series) => state.shown.has(series.id)), {
      log: { x: false, y: true },
      yLabel: kind === "encode" ? "Encoding time of an image" : "Decoding time of an image",
    });
    document.getElementById("speed-controls").append(
      segmented("Time", "time", [["encode", "Encoding"], ["decode", "Decoding"]], kind, (chosen) => {
        kind = chosen;
        redraw();
      }));
    State.on(["shown"], redraw);
    State.on(["pointed"], () => chart.point(state.pointed));
  }

  function fit(all) {
    const points = all.flatMap((series) => series.points);
    const [low, high] = [Math.min(...points.map((p) => p.y)), Math.max(...points.map((p) => p.y))];
    return { x: [0, 1.06 * Math.max(...points.map((p) => p.x))], y: [low / 1.6, high * 1.6] };
  }

  return { start };
})();
