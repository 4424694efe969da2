// The Wigner-Ville distribution of a kernel, and the lines around what is strong in it: where its energy lies in time
// and frequency. As otoscope.dsp.wigner has it.

// Tables for Fourier transforms of so many values, a power of two.
export function fourierTables(n) {
  const cos = new Float64Array(n / 2);
  const sin = new Float64Array(n / 2);
  for (let i = 0; i < n / 2; i++) {
    cos[i] = Math.cos((2 * Math.PI * i) / n);
    sin[i] = -Math.sin((2 * Math.PI * i) / n);
  }
  const reversed = new Uint32Array(n);
  for (let i = 1; i < n; i++) reversed[i] = (reversed[i >> 1] >> 1) | (i & 1 ? n >> 1 : 0);
  return { n, cos, sin, reversed };
}

// The transform of complex values, in place.
export function fourierTransform({ n, cos, sin, reversed }, re, im) {
  for (let i = 0; i < n; i++) {
    const j = reversed[i];
    if (j > i) {
      [re[i], re[j]] = [re[j], re[i]];
      [im[i], im[j]] = [im[j], im[i]];
    }
  }
  for (let half = 1; half < n; half *= 2) {
    const turn = n / (2 * half);
    for (let start = 0; start < n; start += 2 * half) {
      for (let k = 0; k < half; k++) {
        const a = start + k;
        const b = a + half;
        const u = re[b] * cos[k * turn] - im[b] * sin[k * turn];
        const v = re[b] * sin[k * turn] + im[b] * cos[k * turn];
        re[b] = re[a] - u;
        im[b] = im[a] - v;
        re[a] += u;
        im[a] += v;
      }
    }
  }
}

// A real signal without its negative frequencies, by the discrete Fourier transform of exactly its samples.
export function analyticSignal(x) {
  const n = x.length;
  const half = n >> 1;
  const re = new Float64Array(n);
  const im = new Float64Array(n);
  const cos = Float64Array.from(x, (_, i) => Math.cos((2 * Math.PI * i) / n));
  const sin = Float64Array.from(x, (_, i) => Math.sin((2 * Math.PI * i) / n));
  for (let k = 0; k <= half; k++) {
    let a = 0;
    let b = 0;
    for (let i = 0, w = 0; i < n; i++, w = (w + k) % n) {
      a += x[i] * cos[w];
      b -= x[i] * sin[w];
    }
    const weight = (k === 0 || 2 * k === n ? 1 : 2) / n;
    for (let i = 0, w = 0; i < n; i++, w = (w + k) % n) {
      re[i] += weight * (a * cos[w] - b * sin[w]);
      im[i] += weight * (a * sin[w] + b * cos[w]);
    }
  }
  return { re, im };
}

// The distribution of a kernel: rows are frequencies k / (2 F) cycles a sample, columns means of `step` half samples.
// F is a power of two; with fewer frequencies than samples it is smoothed over frequency. Values are scaled as with
// `frequencies` rows.
export function wignerVille(x, F, step = 1, frequencies = F) {
  const n = x.length;
  const T = Math.ceil((2 * n - 1) / step);
  const lags = Math.min(n, F);
  const z = analyticSignal(x);
  const tables = fourierTables(2 * F);
  const re = new Float64Array(2 * F);
  const im = new Float64Array(2 * F);
  const window = Float64Array.from({ length: lags }, (_, l) => (F < n ? 0.5 + 0.5 * Math.cos((Math.PI * l) / F) : 1));
  const out = new Float32Array(F * T);
  for (let t = 0; t < T; t += 2) { // two columns at once: each is real, so that one can be the imaginary part
    re.fill(0);
    im.fill(0);
    lagProducts(z, t * step, step, lags, window, 1 / step, re, im, 1);
    if (t + 1 < T) lagProducts(z, (t + 1) * step, step, lags, window, 1 / step, re, im, 0);
    fourierTransform(tables, re, im);
    for (let k = 0; k < F; k++) {
      out[k * T + t] = re[k] / frequencies;
      if (t + 1 < T) out[k * T + t + 1] = im[k] / frequencies;
    }
  }
  return { F, T, values: out };
}

// Adds the products z[a] conj(z[b]) of all samples whose sum lies in a column, by their lag; the second of two columns
// is multiplied by the imaginary unit.
function lagProducts(z, start, step, lags, window, scale, re, im, first) {
  const n = z.re.length;
  for (let j = start; j < Math.min(start + step, 2 * n - 1); j++) {
    for (let lag = j & 1; lag < lags; lag += 2) {
      const a = (j + lag) / 2;
      const b = (j - lag) / 2;
      if (a >= n || b < 0) break;
      const u = (z.re[a] * z.re[b] + z.im[a] * z.im[b]) * window[lag] * scale;
      const v = (z.im[a] * z.re[b] - z.re[a] * z.im[b]) * window[lag] * scale;
      const back = lag ? re.length - lag : 0;
      if (first) {
        re[lag] += u;
        im[lag] += v;
        if (lag) re[back] += u;
        if (lag) im[back] -= v;
      } else {
        re[lag] -= v;
        im[lag] += u;
        if (lag) re[back] += v;
        if (lag) im[back] += u;
      }
    }
  }
}

// Lines at a level through values in rows: x0, y0, x1, y1 of each piece, in columns and rows.
export function contourLines({ F, T, values }, level) {
  const lines = [];
  const cross = (a, b) => (level - a) / (b - a);
  for (let f = 0; f + 1 < F; f++) {
    for (let t = 0; t + 1 < T; t++) {
      const i = f * T + t;
      const [a, b, c, d] = [values[i], values[i + 1], values[i + T + 1], values[i + T]]; // around the square
      const inside = (a > level) | ((b > level) << 1) | ((c > level) << 2) | ((d > level) << 3);
      if (inside === 0 || inside === 15) continue;
      const points = [];
      if ((a > level) !== (b > level)) points.push(t + cross(a, b), f);
      if ((b > level) !== (c > level)) points.push(t + 1, f + cross(b, c));
      if ((c > level) !== (d > level)) points.push(t + 1 - cross(c, d), f + 1);
      if ((d > level) !== (a > level)) points.push(t, f + 1 - cross(d, a));
      if (points.length === 8 && (a > level) === ((a + b + c + d) / 4 > level)) points.push(...points.splice(0, 2));
      lines.push(...points);
    }
  }
  return Float32Array.from(lines);
}

// Values with so many more columns between any two, by monotone cubics (Fritsch and Butland 1984, as scipy's PCHIP).
export function finerColumns({ F, T, values }, between) {
  if (between <= 1 || T < 2) return { F, T, values };
  const width = (T - 1) * between + 1;
  const out = new Float32Array(F * width);
  const slope = new Float64Array(T);
  for (let f = 0; f < F; f++) {
    const row = values.subarray(f * T, (f + 1) * T);
    for (let t = 0; t < T; t++) slope[t] = monotoneSlope(row, t);
    for (let t = 0; t + 1 < T; t++) {
      for (let k = 0; k < between; k++) {
        const u = k / between;
        const v = 1 - u;
        const held = row[t] * (1 + 2 * u) * v * v + row[t + 1] * u * u * (3 - 2 * u);
        out[f * width + t * between + k] = held + (slope[t] * v - slope[t + 1] * u) * u * v;
      }
    }
    out[(f + 1) * width - 1] = row[T - 1];
  }
  return { F, T: width, values: out };
}

function monotoneSlope(row, t) {
  const last = row.length - 1;
  if (last === 1) return row[1] - row[0];
  if (t === 0 || t === last) {
    const inward = t === 0 ? 1 : -1;
    const near = (row[t + inward] - row[t]) * inward;
    const next = (row[t + 2 * inward] - row[t + inward]) * inward;
    const guess = (3 * near - next) / 2;
    if (guess * near <= 0) return 0;
    return near * next <= 0 && Math.abs(guess) > 3 * Math.abs(near) ? 3 * near : guess;
  }
  const before = row[t] - row[t - 1];
  const after = row[t + 1] - row[t];
  return before * after <= 0 ? 0 : (2 * before * after) / (before + after);
}
