"use strict";
// An axis: from values to pixels and back, and where its ticks are.
const Scale = (() => {
  function make(domain, range, log) {
    const forward = log ? Math.log10 : (value) => value;
    const [low, high] = domain.map(forward);
    const toPixel = (value) => range[0] + ((forward(value) - low) / (high - low)) * (range[1] - range[0]);
    const toValue = (pixel) => {
      const value = low + ((pixel - range[0]) / (range[1] - range[0])) * (high - low);
      return log ? 10 ** value : value;
    };
    return { domain, range, log, toPixel, toValue, ticks: (count) => (log ? logTicks : ticks)(domain, count) };
  }

  // The same axis, zoomed by a factor about a pixel and moved by pixels: a new domain.
  function moved(scale, factor, centre, shift) {
    return scale.range.map((edge) => scale.toValue(centre + (edge - centre) / factor - shift));
  }

  function ticks([low, high], count) {
    const rough = (high - low) / count;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough);
    const values = [];
    for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k++) values.push(k * step);
    return { values, label: (value) => Format.tick(value, step) };
  }

  function logTicks(domain, count) {
    const [low, high] = domain;
    if (high / low < 10) {
      const plain = ticks(domain, count);
      return { values: plain.values.filter((value) => value > 0), label: plain.label };
    }
    const factors = high / low > 1e3 ? [1] : [1, 2, 5];
    const values = [];
    for (let power = Math.floor(Math.log10(low)); 10 ** power <= high; power++) {
      for (const factor of factors) values.push(factor * 10 ** power);
    }
    return {
      values: values.filter((value) => value >= low && value <= high),
      label: (value) => String(Number(value.toPrecision(2))),
    };
  }

  return { make, moved };
})();
