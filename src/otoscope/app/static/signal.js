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

// What the discrete Fourier transform of length n needs: its prime factors, the roots of unity, and room.
function transformPlan(n) {
  const cos = new Float64Array(n);
  const sin = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    cos[i] = Math.cos((2 * Math.PI * i) / n);
    sin[i] = -Math.sin((2 * Math.PI * i) / n);
  }
  const pair = () => [new Float64Array(n), new Float64Array(n)];
  return { n, cos, sin, factors: factorsOf(n), now: pair(), next: pair() };
}

// The transform of plan.now, left in plan.now. Where l samples each have been transformed, A[j][q] holds frequency j of
// the samples q, q + n/l, q + 2n/l …; joining p of these, A'[j + l s][k] = sum over r of W^(r (j + l s)) A[j][k + m r],
// with W the root of unity of l p and m = n / (l p). Each stage writes where it does not read (Stockham).
function transform(plan) {
  const { n, cos, sin, factors } = plan;
  let l = 1;
  for (const p of factors) {
    const m = n / (l * p);
    const [re, im] = plan.now;
    const [outRe, outIm] = plan.next;
    for (let f = 0; f < l * p; f++) {
      const from = (f % l) * m * p;
      const to = f * m;
      for (let k = 0; k < m; k++) {
        outRe[to + k] = re[from + k];
        outIm[to + k] = im[from + k];
      }
      for (let r = 1; r < p; r++) {
        const w = (r * f * m) % n;
        const c = cos[w];
        const d = sin[w];
        for (let k = 0, i = from + m * r; k < m; k++, i++) {
          outRe[to + k] += c * re[i] - d * im[i];
          outIm[to + k] += d * re[i] + c * im[i];
        }
      }
    }
    [plan.now, plan.next] = [plan.next, plan.now];
    l *= p;
  }
}

// Short-time power (Hann, as long as the transform, an even number of samples), two frames at a time as the parts of a
// complex one: {F, T, n, power} with frame j centred on sample `first + j step`.
function shortTimePower(x, rate, window, step, first, T) {
  const n = Math.max(4, 2 * Math.round((window * rate) / 2));
  const F = n / 2 + 1;
  const plan = transformPlan(n);
  const hann = plan.cos.map((c) => 0.5 - 0.5 * c);
  const power = new Float32Array(F * T);
  const load = (into, t) => {
    const start = first + t * step - n / 2;
    let any = false;
    for (let i = 0; i < n; i++) {
      const v = t < T ? x[start + i] || 0 : 0;
      into[i] = v * hann[i];
      any ||= v !== 0;
    }
    return any;
  };
  for (let t = 0; t < T; t += 2) {
    const heard = [load(plan.now[0], t), load(plan.now[1], t + 1)];
    if (!heard[0] && !heard[1]) continue;
    transform(plan);
    const [re, im] = plan.now;
    for (let f = 0; f < F; f++) {
      const g = (n - f) % n;
      power[f * T + t] = ((re[f] + re[g]) ** 2 + (im[f] - im[g]) ** 2) / 4;
      if (t + 1 < T) power[f * T + t + 1] = ((im[f] + im[g]) ** 2 + (re[f] - re[g]) ** 2) / 4;
    }
  }
  return { F, T, power };
}

// Powers in uint8: 255 for the reference, 0 for `floor` dB below it and less.
function quantised(power, reference, floor) {
  const q = new Uint8Array(power.length);
  if (!(reference > 0)) return q;
  for (let i = 0; i < q.length; i++) {
    q[i] = Math.round(clamp((10 * Math.log10(power[i] / reference + 1e-24)) / floor + 1, 0, 1) * 255);
  }
  return q;
}

// Short-time magnitude as Otoscope has it, frames centred on multiples of the hop, below its own peak.
export function stft(x, rate, window, hop, floor = 70) {
  const step = Math.max(1, Math.round(hop * rate));
  const { F, T, power } = shortTimePower(x, rate, window, step, 0, Math.ceil(x.length / step));
  return { F, T, q: quantised(power, largest(power), floor), kind: "db", floor, df: rate / 2 / (F - 1), hop: step / rate };
}

// A stretch of a picture with frames closer to each other, from the samples it was made of and below the same peak.
export function finer(picture, a, b, hop) {
  const { x, rate, window, ref } = picture.of;
  const step = Math.max(1, Math.round(hop * rate));
  const first = Math.max(0, Math.floor(a * rate));
  const T = Math.max(2, Math.ceil((Math.min(b * rate, x.length) - first) / step));
  const { F, power } = shortTimePower(x, rate, window, step, first, T);
  return { ...picture, F, T, q: quantised(power, ref ** 2, picture.floor), hop: step / rate, at: first / rate };
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
