// Short-time spectra and what is read from them. A picture is {F, T, q, kind, floor, df, hop}: q in uint8, row by row
// of frequency; kind "db" has 255 at the peak and 0 at `floor` dB below it, "signed" has 128 at zero and is companded
// by a square root.

import { clamp, minus, NB } from "./numbers.js";

// Prime factors of the length of a transform.
function factorsOf(n) {
  const factors = [];
  for (let p = 2; n > 1; p++) {
    while (n % p === 0) {
      factors.push(p);
      n /= p;
    }
  }
  return factors;
}

// A plan for the discrete Fourier transform of length n by its prime factors (decimation in time).
function transformPlan(n) {
  const cos = new Float64Array(n);
  const sin = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    cos[i] = Math.cos((2 * Math.PI * i) / n);
    sin[i] = -Math.sin((2 * Math.PI * i) / n);
  }
  return { n, cos, sin, factors: factorsOf(n), re: new Float64Array(n), im: new Float64Array(n) };
}

// X[k] = sum over p of W^(pk) times the transform of every p-th sample, where the length is a product with p.
function transformInto(plan, x, from, stride, level, re, im, to, length) {
  if (length === 1) {
    re[to] = x[from];
    im[to] = 0;
    return;
  }
  const p = plan.factors[level];
  const part = length / p;
  for (let r = 0; r < p; r++) {
    transformInto(plan, x, from + r * stride, stride * p, level + 1, re, im, to + r * part, part);
  }
  const { n, cos, sin } = plan;
  const turn = n / length; // the root of unity of this length, in the table of the whole one
  const a = new Float64Array(p);
  const b = new Float64Array(p);
  for (let k = 0; k < part; k++) {
    for (let r = 0; r < p; r++) {
      const w = (r * k * turn) % n;
      const u = re[to + r * part + k];
      const v = im[to + r * part + k];
      a[r] = u * cos[w] - v * sin[w];
      b[r] = u * sin[w] + v * cos[w];
    }
    for (let s = 0; s < p; s++) {
      let u = 0;
      let v = 0;
      for (let r = 0; r < p; r++) {
        const w = ((r * s * n) / p) % n;
        u += a[r] * cos[w] - b[r] * sin[w];
        v += a[r] * sin[w] + b[r] * cos[w];
      }
      re[to + s * part + k] = u;
      im[to + s * part + k] = v;
    }
  }
}

// Short-time magnitude as Otoscope has it: Hann, as long as the transform, frames centred; uint8 below the peak in dB.
export function stft(x, rate, window, hop, floor = 70) {
  const n = Math.round(window * rate);
  const step = Math.max(1, Math.round(hop * rate));
  const F = (n >> 1) + 1;
  const T = Math.ceil(x.length / step);
  const left = n >> 1;
  const plan = transformPlan(n);
  const hann = plan.cos.map((c) => 0.5 - 0.5 * c);
  const frame = new Float64Array(n);
  const power = new Float32Array(F * T);
  let top = 0;
  for (let t = 0; t < T; t++) {
    let any = false;
    for (let i = 0; i < n; i++) {
      const v = x[t * step + i - left] || 0;
      frame[i] = v * hann[i];
      any ||= v !== 0;
    }
    if (!any) continue;
    transformInto(plan, frame, 0, 1, 0, plan.re, plan.im, 0, n);
    for (let f = 0; f < F; f++) {
      const p = plan.re[f] ** 2 + plan.im[f] ** 2;
      power[f * T + t] = p;
      if (p > top) top = p;
    }
  }
  const q = new Uint8Array(F * T);
  if (top > 0) {
    for (let i = 0; i < q.length; i++) {
      q[i] = Math.round(clamp((10 * Math.log10(power[i] / top + 1e-24)) / floor + 1, 0, 1) * 255);
    }
  }
  return { F, T, q, kind: "db", floor, df: rate / 2 / (F - 1), hop };
}

// dB below the peak of a value of a picture of kind "db".
export const level = (picture, q) => (q / 255 - 1) * picture.floor;

// Share of the largest magnitude, with its sign, of a value of a picture of kind "signed".
export function amount(picture, q) {
  const v = (q - 128) / 127;
  return Math.sign(v) * v * v;
}

// A picture at a frequency and a time, between its bins and frames, in units of q.
export function at(picture, f, t) {
  const { F, T, q, df, hop } = picture;
  const a = clamp(f / df, 0, F - 1);
  const b = clamp(t / hop, 0, T - 1);
  const i = Math.min(a | 0, Math.max(0, F - 2));
  const j = Math.min(b | 0, Math.max(0, T - 2));
  const u = a - i;
  const v = b - j;
  const right = T > 1 ? 1 : 0;
  const above = F > 1 ? T : 0;
  const k = i * T + j;
  return (q[k] * (1 - v) + q[k + right] * v) * (1 - u) + (q[k + above] * (1 - v) + q[k + above + right] * v) * u;
}

const powersOf = (floor) => Float64Array.from({ length: 256 }, (_, q) => (q ? 10 ** (((q / 255 - 1) * floor) / 10) : 0));

// Sum over time from a to b of the power, or of what has one sign: one value a bin.
export function spectrum(picture, a, b, sign = 1) {
  const { F, T, q, hop } = picture;
  const first = clamp(Math.round(a / hop), 0, T - 1);
  const last = clamp(Math.round(b / hop), first + 1, T);
  const table = picture.kind === "signed"
    ? Float64Array.from({ length: 256 }, (_, v) => Math.max(0, sign * amount(picture, v)))
    : powersOf(picture.floor);
  const out = new Float32Array(F);
  for (let f = 0; f < F; f++) {
    let sum = 0;
    for (let j = f * T + first; j < f * T + last; j++) sum += table[q[j]];
    out[f] = sum;
  }
  return out;
}

export const largest = (values) => values.reduce((top, v) => Math.max(top, v), -Infinity);

// Powers in dB below a reference, which is their peak unless given.
export function inDb(values, reference = largest(values)) {
  return values.map((v) => (reference > 0 ? 10 * Math.log10(v / reference + 1e-9) : -90));
}

export function peakOf(x) {
  let top = 0;
  for (let i = 0; i < x.length; i++) top = Math.max(top, Math.abs(x[i]));
  return top;
}

// What a picture holds at a frequency and a time, in words.
export function valueAt(picture, f, t) {
  const q = at(picture, f, t);
  if (picture.kind === "signed") return minus(Math.round(100 * amount(picture, q))) + NB + "%";
  return q < 1 ? `below ${minus(-picture.floor)}${NB}dB` : minus(Math.round(level(picture, q))) + NB + "dB";
}
