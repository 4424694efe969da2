// Spectra of several relevances and of the sound over one axis of frequency.

import { fticks } from "./axes.js";
import { clamp, minus } from "./numbers.js";
import { fit, haloed } from "./paint.js";
import { inDb, spectrum } from "./signal.js";

const BOTTOM = -45; // dB

// Lines are {pic, colour, dash, width}; marks are named frequencies of the sound.
export function drawSpectra(page, canvas, lines, fmax, marks) {
  const w = canvas.clientWidth;
  const hgt = canvas.clientHeight;
  if (!w) return;
  const { css } = page;
  const c = fit(page, canvas, w, hgt);
  const bottom = hgt - 22;
  const left = w < 420 ? 32 : 40;
  const X = (f) => left + page.up(f, fmax) * (w - left - 4);
  const Y = (v) => 4 + clamp(v / BOTTOM, 0, 1) * (bottom - 4);
  drawGrid(page, c, { w, hgt, bottom, left, X, Y }, fmax);
  const known = Object.entries(marks ?? {}).filter(([, f]) => f <= fmax);
  c.strokeStyle = css.ink3;
  c.setLineDash([1, 2]);
  for (const [, f] of known) {
    c.beginPath();
    c.moveTo(X(f), 14);
    c.lineTo(X(f), bottom);
    c.stroke();
  }
  c.lineJoin = "round";
  for (const { pic, colour, dash, width } of lines) {
    const v = inDb(spectrum(pic, 0, page.S.dur));
    c.beginPath();
    for (let x = left; x <= w - 4; x++) {
      const p = clamp(page.freq((x - left) / (w - left - 4), fmax) / pic.df, 0, v.length - 1);
      const i = Math.min(p | 0, Math.max(0, v.length - 2));
      c.lineTo(x, Y(v[i] + ((v[i + 1] ?? v[i]) - v[i]) * (p - i)));
    }
    c.strokeStyle = colour;
    c.lineWidth = width;
    c.setLineDash(dash ?? []);
    c.stroke();
  }
  c.setLineDash([]);
  c.textAlign = "center";
  for (const [name, f] of known) haloed(page, c, name, X(f), bottom - 4, css.ink2);
}

function drawGrid(page, c, { w, hgt, bottom, left, X, Y }, fmax) {
  const { css } = page;
  c.textBaseline = "middle";
  c.textAlign = "right";
  for (const v of [0, -20, -40]) {
    c.fillStyle = css.rule;
    c.fillRect(left, Math.round(Y(v)), w - left - 4, 1);
    c.fillStyle = css.ink3;
    c.fillText(v ? minus(v) : "0 dB", left - 5, clamp(Y(v), 7, bottom));
  }
  c.textBaseline = "alphabetic";
  c.textAlign = "center";
  for (const f of fticks(fmax, w * 0.45, page.S.scale)) {
    c.fillStyle = css.rule2;
    c.fillRect(X(f), bottom, 1, 4);
    c.fillStyle = css.ink3;
    c.fillText(f >= 1000 ? `${f / 1000} kHz` : f || "0 Hz", clamp(X(f), left + 10, w - 16), hgt - 5);
  }
}
