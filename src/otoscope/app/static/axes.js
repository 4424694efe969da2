// Axes of frequency and time: where a value stands, which value stands there, and which are written.

import { clamp } from "./numbers.js";

export const mel = (f) => 2595 * Math.log10(1 + f / 700);

export const imel = (m) => 700 * (10 ** (m / 2595) - 1);

// Height of a frequency: 0 at the bottom, 1 at fmax.
export const up = (f, fmax, scale) => (scale === "mel" ? mel(f) / mel(fmax) : f / fmax);

// Frequency at a height.
export const freq = (y, fmax, scale) => (scale === "mel" ? imel(y * mel(fmax)) : y * fmax);

// Frequencies to be written on an axis of so many pixels, at least 18 pixels apart.
export function fticks(fmax, pixels, scale) {
  const linear = [1, 2, 5, 10].map((k) => k * 10 ** Math.floor(Math.log10(fmax / 5))).find((step) => step >= fmax / 5);
  const all = scale === "mel"
    ? [0, 250, 500, 1000, 2000, 4000, 8000, 16000, 32000]
    : Array.from({ length: 8 }, (_, k) => k * linear);
  const ticks = [];
  let last = -99;
  for (const f of all) {
    if (f > fmax) break;
    const y = up(f, fmax, scale) * pixels;
    if (y - last > 17) {
      ticks.push(f);
      last = y;
    }
  }
  return ticks;
}

export function flabel(f, fmax) {
  if (f === 0) return "0 Hz";
  return f >= 1000 ? f / 1000 + (f >= fmax * 0.99 ? " kHz" : "k") : String(f);
}

// Times to be written between a and b, and how many digits they need.
export function tticks(a, b, pixels) {
  const raw = Math.max(1e-9, b - a) / Math.max(2, pixels / 84);
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((k) => k * power).find((s) => s >= raw * (1 - 1e-9));
  const ticks = [];
  for (let k = Math.ceil(a / step - 1e-9); k * step <= b + 1e-9; k++) ticks.push(k * step);
  return { ticks, digits: clamp(-Math.floor(Math.log10(step) + 1e-9), 0, 6) };
}
