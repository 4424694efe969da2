// Where two relevances differ: shares of each on a grid of both, and how far they agree.

import { amount, at, level } from "./signal.js";

const GRID = [101, 200]; // bins and frames of the difference

// Shares of a map's energy on a grid of both models; what speaks against is left out.
function sharesOf(picture, fmax, duration) {
  const [F, T] = GRID;
  const out = new Float64Array(F * T);
  let sum = 0;
  for (let f = 0; f < F; f++) {
    for (let t = 0; t < T; t++) {
      const q = at(picture, (f * fmax) / (F - 1), (t * duration) / T);
      out[f * T + t] = powerOf(picture, q);
      sum += out[f * T + t];
    }
  }
  return sum > 0 ? out.map((v) => v / sum) : out;
}

function powerOf(picture, q) {
  if (picture.kind === "signed") return Math.max(0, amount(picture, q));
  return q < 1 ? 0 : 10 ** (level(picture, q) / 10);
}

// Pearson's correlation.
export function correlation(a, b) {
  const mean = (v) => v.reduce((sum, u) => sum + u, 0) / v.length;
  const [ma, mb] = [mean(a), mean(b)];
  let ab = 0;
  let aa = 0;
  let bb = 0;
  for (let i = 0; i < a.length; i++) {
    ab += (a[i] - ma) * (b[i] - mb);
    aa += (a[i] - ma) ** 2;
    bb += (b[i] - mb) ** 2;
  }
  return aa > 0 && bb > 0 ? ab / Math.sqrt(aa * bb) : NaN;
}

// First minus second, companded by a square root as in the file, with the correlation of their amplitudes.
export function differenceOf(a, b, fmax, duration) {
  const [F, T] = GRID;
  const A = sharesOf(a, fmax, duration);
  const B = sharesOf(b, fmax, duration);
  const d = A.map((v, i) => v - B[i]);
  const top = d.reduce((most, v) => Math.max(most, Math.abs(v)), 0) || 1;
  const q = Uint8Array.from(d, (v) => Math.round(128 + 127 * Math.sign(v) * Math.sqrt(Math.abs(v) / top)));
  const r = correlation(A.map(Math.sqrt), B.map(Math.sqrt));
  return { F, T, q, kind: "signed", df: fmax / (F - 1), hop: duration / T, r };
}
