"use strict";
// Bjøntegaard deltas: the numbers of the `bjontegaard` package, and the refusals of latentpress.report.bd.
const BD = (() => {
  const METHODS = ["cubic", "pchip", "akima"];
  const FEWEST_POINTS = { cubic: 4, pchip: 2, akima: 2 };
  const LEAST_OVERLAP = 0.5;

  // Curves are {name, points}, where points are [rate, dB], by rising rate.
  function rate(anchor, test, method) {
    const delta = compare(anchor, test, method, "quality", ([bpp, quality]) => [quality, Math.log10(bpp)]);
    return delta.value === null ? delta : checked(100 * (10 ** delta.value - 1), delta, anchor, test, method);
  }

  function quality(anchor, test, method) {
    const delta = compare(anchor, test, method, "rate", ([bpp, quality]) => [Math.log10(bpp), quality]);
    return delta.value === null ? delta : checked(delta.value, delta, anchor, test, method);
  }

  function compare(anchor, test, method, what, toPair) {
    for (const curve of [test, anchor]) {
      const warning = unusable(curve, method);
      if (warning) return { value: null, warning };
    }
    const a = columns(anchor.points.map(toPair));
    const b = columns(test.points.map(toPair));
    const low = Math.max(a.x[0], b.x[0]);
    const high = Math.min(a.x.at(-1), b.x.at(-1));
    if (high <= low) {
      return { value: null, warning: `${test.name} and ${anchor.name} share no range of ${what}.` };
    }
    const shared = (high - low) / Math.min(a.x.at(-1) - a.x[0], b.x.at(-1) - b.x[0]);
    const area = (curve) => INTEGRALS[method](curve.x, curve.y, low, high);
    const short = `${test.name} and ${anchor.name} share only ${Math.round(100 * shared)}% of the shorter one's ${what}.`;
    return { value: (area(b) - area(a)) / (high - low), warning: shared < LEAST_OVERLAP ? short : null };
  }

  function checked(value, delta, anchor, test, method) {
    if (Number.isFinite(value)) return { value, warning: delta.warning };
    const warning = `The ${method} curves of ${test.name} and ${anchor.name} are too far apart for a number.`;
    return { value: null, warning };
  }

  function unusable({ name, points }, method) {
    const fewest = FEWEST_POINTS[method];
    if (points.length < fewest) {
      const count = points.length === 1 ? "1 point" : `${points.length} points`;
      return `${name} has ${count}, and ${method} needs ${fewest}.`;
    }
    if (points[0][0] <= 0) return `${name} has a point without any rate.`;
    const rising = points.every(([bpp, q], i) => i === 0 || (bpp > points[i - 1][0] && q > points[i - 1][1]));
    return rising ? null : `The quality of ${name} does not rise with its rate everywhere.`;
  }

  function columns(pairs) {
    return { x: pairs.map((pair) => pair[0]), y: pairs.map((pair) => pair[1]) };
  }

  const INTEGRALS = {
    cubic: integrateFit,
    pchip: (x, y, low, high) => integratePieces(x, y, pchipSlopes(x, y), low, high),
    akima: (x, y, low, high) => integratePieces(x, y, akimaSlopes(x, y), low, high),
  };

  // The least-squares cubic through all points. In t, which is x moved to [-1, 1], the equations are well posed.
  function integrateFit(x, y, low, high) {
    const middle = (x[0] + x.at(-1)) / 2;
    const half = (x.at(-1) - x[0]) / 2;
    const powers = x.map((value) => [0, 1, 2, 3].map((k) => ((value - middle) / half) ** k));
    const matrix = [0, 1, 2, 3].map((i) => [
      ...[0, 1, 2, 3].map((j) => sum(powers.map((row) => row[i] * row[j]))),
      sum(powers.map((row, k) => row[i] * y[k])),
    ]);
    const coefficients = solve(matrix);
    const at = (value) => sum(coefficients.map((c, k) => (c * ((value - middle) / half) ** (k + 1)) / (k + 1)));
    return half * (at(high) - at(low));
  }

  // Gaussian elimination, with the right-hand side as the last column.
  function solve(matrix) {
    const n = matrix.length;
    for (let column = 0; column < n; column++) {
      let pivot = column;
      for (let row = column + 1; row < n; row++) {
        if (Math.abs(matrix[row][column]) > Math.abs(matrix[pivot][column])) pivot = row;
      }
      [matrix[column], matrix[pivot]] = [matrix[pivot], matrix[column]];
      for (let row = 0; row < n; row++) {
        if (row === column) continue;
        const factor = matrix[row][column] / matrix[column][column];
        for (let k = column; k <= n; k++) matrix[row][k] -= factor * matrix[column][k];
      }
    }
    return matrix.map((row, i) => row[n] / row[i]);
  }

  // Fritsch and Butland (1984): slopes of piecewise cubics that rise where the points do.
  function pchipSlopes(x, y) {
    const { h, m } = secants(x, y);
    if (m.length === 1) return [m[0], m[0]];
    const inner = m.slice(1).map((right, i) => {
      const left = m[i];
      if (left * right <= 0) return 0;
      const [w, v] = [2 * h[i + 1] + h[i], h[i + 1] + 2 * h[i]];
      return (w + v) / (w / left + v / right);
    });
    const n = m.length - 1;
    return [edgeSlope(h[0], h[1], m[0], m[1]), ...inner, edgeSlope(h[n], h[n - 1], m[n], m[n - 1])];
  }

  function edgeSlope(h, next, m, following) {
    const slope = ((2 * h + next) * m - h * following) / (h + next);
    if (Math.sign(slope) !== Math.sign(m)) return 0;
    return Math.sign(m) !== Math.sign(following) && Math.abs(slope) > 3 * Math.abs(m) ? 3 * m : slope;
  }

  // Akima (1970): slopes weighted towards the side on which the curve bends less.
  function akimaSlopes(x, y) {
    const { m } = secants(x, y);
    if (m.length === 1) return [m[0], m[0]];
    const before = 2 * m[0] - m[1];
    const after = 2 * m.at(-1) - m.at(-2);
    const s = [2 * before - m[0], before, ...m, after, 2 * after - m.at(-1)];
    const bends = s.slice(1).map((slope, i) => Math.abs(slope - s[i]));
    const weights = x.map((_, i) => bends[i + 2] + bends[i]);
    const smallest = 1e-9 * Math.max(...weights);
    return x.map((_, i) =>
      weights[i] > smallest
        ? (bends[i + 2] * s[i + 1] + bends[i] * s[i + 2]) / weights[i]
        : (s[i] + s[i + 3]) / 2
    );
  }

  function secants(x, y) {
    const h = x.slice(1).map((value, i) => value - x[i]);
    return { h, m: h.map((width, i) => (y[i + 1] - y[i]) / width) };
  }

  function integratePieces(x, y, slopes, low, high) {
    const { h, m } = secants(x, y);
    return sum(h.map((width, i) => {
      const [from, to] = [Math.max(low, x[i]) - x[i], Math.min(high, x[i + 1]) - x[i]];
      if (to <= from) return 0;
      const c2 = (3 * m[i] - 2 * slopes[i] - slopes[i + 1]) / width;
      const c3 = (slopes[i] + slopes[i + 1] - 2 * m[i]) / width ** 2;
      const at = (s) => s * (y[i] + s * (slopes[i] / 2 + s * (c2 / 3 + (s * c3) / 4)));
      return at(to) - at(from);
    }));
  }

  function sum(numbers) {
    return numbers.reduce((total, number) => total + number, 0);
  }

  return { METHODS, rate, quality };
})();
