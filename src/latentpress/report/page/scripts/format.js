"use strict";
// Numbers as people read them.
const Format = (() => {
  const MINUS = "\u2212";

  function number(value, digits) {
    return value === null || value === undefined ? "\u2013" : value.toFixed(digits).replace("-", MINUS);
  }

  function signed(value, digits) {
    const text = number(value, digits);
    return value > 0 && Number(value.toFixed(digits)) !== 0 ? `+${text}` : text;
  }

  // Seconds, with the unit that gives a handy number.
  function seconds(value, write = (figure) => figure.toPrecision(3)) {
    if (value === null || value === undefined) return "\u2013";
    if (value >= 1) return `${write(value)} s`;
    return value >= 1e-3 ? `${write(1e3 * value)} ms` : `${write(1e6 * value)} \u00b5s`;
  }

  // The same without zeros that say nothing, for ticks.
  function roundSeconds(value) {
    return seconds(value, (figure) => String(Number(figure.toPrecision(3))));
  }

  // A tick of an axis whose ticks are `step` apart.
  function tick(value, step) {
    return number(value, Math.max(0, Math.min(6, -Math.floor(Math.log10(step) + 1e-9))));
  }

  return { number, signed, seconds, roundSeconds, tick };
})();
