// Drawing on canvases: pictures, waves, curves, axes. Each takes the page, whose view and colours it follows.

import { flabel, fticks } from "./axes.js";
import { clamp, visible } from "./numbers.js";
import { pictureLevels, wavePeaks } from "./peaks.js";
import { finer, peakOf } from "./signal.js";

export const RANGE = 50; // dB shown below the peak, in every spectrogram

const WIDE = 6; // pixels between two frames above which finer frames are made
const RESTING = 120; // ms the view rests before that

export const pixelRatio = () => Math.min(3, window.devicePixelRatio || 1);

// The context of a canvas at the size it has on the screen, cleared.
export function fit(page, canvas, w, hgt) {
  const ratio = pixelRatio();
  const W = Math.max(1, Math.round(w * ratio));
  const H = Math.max(1, Math.round(hgt * ratio));
  if (canvas.width !== W || canvas.height !== H) {
    canvas.width = W;
    canvas.height = H;
  }
  const c = canvas.getContext("2d");
  c.setTransform(ratio, 0, 0, ratio, 0, 0);
  c.clearRect(0, 0, w, hgt);
  c.font = `11px ${page.css.sans}`;
  return c;
}

// Frames j0 to j1 of a picture at the height of the screen: between two bins, or of several the one farthest from none.
function screenRows(page, picture, H, fmax, j0, j1) {
  const { F, T, q, df, kind } = picture;
  const width = j1 - j0;
  const out = new Float32Array(H * width);
  for (let y = 0; y < H; y++) {
    const low = page.freq(1 - (y + 1) / H, fmax) / df;
    const high = page.freq(1 - y / H, fmax) / df;
    const o = y * width - j0;
    if (high - low <= 1) {
      const middle = clamp((low + high) / 2, 0, F - 1);
      const i = Math.min(middle | 0, Math.max(0, F - 2));
      const u = F > 1 ? middle - i : 0;
      const above = F > 1 ? T : 0;
      for (let t = j0; t < j1; t++) out[o + t] = q[i * T + t] * (1 - u) + q[i * T + above + t] * u;
      continue;
    }
    const first = clamp(Math.round(low), 0, F - 1);
    const last = clamp(Math.round(high), first, F - 1);
    for (let t = j0; t < j1; t++) {
      let v = q[first * T + t];
      for (let i = first + 1; i <= last; i++) {
        const w = q[i * T + t];
        if (kind === "signed" ? Math.abs(w - 128) > Math.abs(v - 128) : w > v) v = w;
      }
      out[o + t] = v;
    }
  }
  return out;
}

// The rows on the screen, computed once for a height, an axis and a stretch of time somewhat wider than the view.
function rowsInView(page, level, H, fmax, first, last) {
  const state = page.keep(level, "rows", () => ({}));
  const key = `${H}|${fmax}|${page.S.scale}`;
  if (state.key !== key || first < state.j0 || last > state.j1) {
    const spare = level.T <= 4096 ? level.T : last - first;
    state.key = key;
    state.j0 = Math.max(0, first - spare);
    state.j1 = Math.min(level.T, last + spare);
    state.out = screenRows(page, level, H, fmax, state.j0, state.j1);
  }
  return state;
}

// The level of the pyramid that has about a frame a pixel; where the frames of a picture are too far apart for the view,
// finer ones, which are computed once the view rests.
function levelInView(page, picture, W) {
  const { S } = page;
  const pixel = ((S.v1 - S.v0) / W) * pixelRatio();
  const levels = page.keep(picture, "levels", () => pictureLevels(picture));
  const index = levels.findIndex((level, i) => (S.v1 - S.v0) / W <= 1.5 * level.hop || i === levels.length - 1);
  if (index > 0 || !picture.of || picture.hop < WIDE * pixel) return levels[index];
  const found = page.keep(picture, "finer", () => ({}));
  const width = S.v1 - S.v0;
  const covers = found.level && found.a <= S.v0 && found.b >= S.v1 && found.level.hop < WIDE * pixel;
  if (covers) return found.level;
  clearTimeout(found.waiting);
  found.waiting = setTimeout(() => {
    const a = Math.max(0, S.v0 - width / 4);
    const b = Math.min(S.dur, S.v1 + width / 4);
    if (a * picture.of.rate >= picture.of.x.length) return; // of what cannot be heard there are no samples
    Object.assign(found, { a, b, level: finer(picture, a, b, Math.max(1.5 * pixel, 4 / picture.of.rate)) });
    for (const stack of page.stacks) stack.touch();
  }, RESTING);
  return levels[0];
}

// A picture over the time in view. `range` is how many dB below the peak are shown.
export function paint(page, canvas, w, hgt, picture, lut, fmax, range = RANGE) {
  const { S } = page;
  const c = fit(page, canvas, w, hgt);
  const W = canvas.width;
  const H = canvas.height;
  const level = levelInView(page, picture, W);
  const T = level.T;
  const place = (x) => clamp((S.v0 + ((x + 0.5) / W) * (S.v1 - S.v0) - (level.at ?? 0)) / level.hop, 0, T - 1);
  const { j0, j1, out: rows } = rowsInView(
    page, level, H, fmax, place(0) | 0, Math.min(T, (place(W - 1) | 0) + 2),
  );
  const width = j1 - j0;
  const frame = new Int32Array(W);
  const between = new Float32Array(W);
  for (let x = 0; x < W; x++) {
    const p = place(x) - j0;
    frame[x] = Math.min(p | 0, Math.max(0, width - 2));
    between[x] = width > 1 ? p - frame[x] : 0;
  }
  const next = width > 1 ? 1 : 0;
  const signed = picture.kind === "signed";
  const cut = signed ? 0 : Math.max(0, 255 * (1 - range / picture.floor));
  const gain = (lut.length - 1) / (255 - cut);
  const image = c.createImageData(W, H);
  const out = new Uint32Array(image.data.buffer);
  for (let y = 0, i = 0; y < H; y++) {
    const o = y * width;
    for (let x = 0; x < W; x++, i++) {
      const j = o + frame[x];
      const v = rows[j] + (rows[j + next] - rows[j]) * between[x] - cut;
      out[i] = lut[v <= 0 ? 0 : (v * gain) | 0];
    }
  }
  c.putImageData(image, 0, 0);
}

// Lowest and highest sample of each pixel; from the pyramid where a pixel holds many samples.
function waveColumns(page, c, w, hgt, { x, outline }, start, per, scale) {
  const d = 1 / pixelRatio();
  const middle = hgt / 2;
  const levels = page.keep(x, "peaks", () => wavePeaks(x));
  const unheard = outline && start + w * per > x.length + per; // of this part there is only the outline
  const level = unheard || (outline && outline.size <= per * d) ? outline : levels.findLast(({ size }) => size * 2 <= per * d);
  const size = level?.size ?? 1;
  const lows = level?.low ?? x;
  const highs = level?.high ?? x;
  c.beginPath();
  for (let p = 0; p < w; p += d) {
    const a = Math.max(0, Math.floor((start + p * per) / size));
    const b = Math.min(lows.length, Math.max(a + 1, Math.floor((start + (p + d) * per) / size) + 1));
    let low = Infinity;
    let high = -Infinity;
    for (let i = a; i < b; i++) {
      if (lows[i] < low) low = lows[i];
      if (highs[i] > high) high = highs[i];
    }
    if (high >= low) c.rect(p, middle - high * scale - 0.5, d, (high - low) * scale + 1);
  }
  c.fill();
}

// A waveform over the time in view, scaled to its peak: extremes, a line, or samples as dots.
export function wave(page, c, w, hgt, sound, colour) {
  const { S } = page;
  const { x, rate, outline } = sound;
  const peak = outline?.peak ?? page.keep(x, "peak", () => peakOf(x));
  const middle = hgt / 2;
  const scale = peak > 0 ? (hgt / 2 - 2) / peak : 0;
  const start = S.v0 * rate;
  const per = ((S.v1 - S.v0) * rate) / w;
  c.strokeStyle = c.fillStyle = colour;
  c.lineWidth = 1;
  if (per > 1.5 || start + w * per > x.length + 2) {
    waveColumns(page, c, w, hgt, sound, start, per, scale);
    return;
  }
  const last = Math.min(x.length, start + w * per + 2);
  c.beginPath();
  for (let i = Math.max(0, Math.floor(start) - 1); i < last; i++) c.lineTo((i - start) / per, middle - x[i] * scale);
  c.lineJoin = "round";
  c.lineWidth = 1.2;
  c.stroke();
  if (per >= 0.15) return;
  for (let i = Math.max(0, Math.floor(start)); i < last; i++) {
    c.beginPath();
    c.arc((i - start) / per, middle - x[i] * scale, 1.8, 0, 7);
    c.fill();
  }
}

// A bar of the colours in use, with what its ends mean.
export function legend(page, c, w, hgt, lut, left, right) {
  const { css } = page;
  const y = hgt - 22;
  const a = 10;
  const b = w - a - 2;
  if (w < 70) return;
  for (let i = 0; i < b; i++) {
    const v = lut[Math.round((i / (b - 1)) * (lut.length - 1))];
    c.fillStyle = `rgb(${v & 255},${(v >> 8) & 255},${(v >> 16) & 255})`;
    c.fillRect(a + i, y, 1, 6);
  }
  c.strokeStyle = css.rule2;
  c.lineWidth = 1;
  c.strokeRect(a - 0.5, y - 0.5, b + 1, 7);
  c.fillStyle = css.ink3;
  c.textBaseline = "alphabetic";
  c.textAlign = "left";
  c.fillText(left, a, hgt - 3);
  c.textAlign = "right";
  c.fillText(right, a + b, hgt - 3);
}

// A spectrum on its side: frequency up, level to the right from `low` to 0.
export function curve(page, c, w, hgt, values, df, fmax, low, colour, { dash, width = 1.4, pad = 8 } = {}) {
  const X = (u) => pad + clamp(1 - u / low, 0, 1) * (w - pad - 4);
  if (!values.some((v) => v > low)) return; // silence
  c.beginPath();
  for (let y = 0; y <= hgt; y++) {
    const p = clamp(page.freq(1 - y / hgt, fmax) / df, 0, values.length - 1);
    const i = Math.min(p | 0, Math.max(0, values.length - 2));
    const next = values[i + 1] ?? values[i];
    c.lineTo(X(values[i] + (next - values[i]) * (p - i)), y);
  }
  c.strokeStyle = colour;
  c.lineWidth = width;
  c.setLineDash(dash ?? []);
  c.lineJoin = "round";
  c.stroke();
  c.setLineDash([]);
}

// The axis of frequency at the left of a picture.
export function frequencyAxis(page, c, w, hgt, fmax) {
  c.textAlign = "right";
  c.textBaseline = "middle";
  for (const f of fticks(fmax, hgt, page.S.scale)) {
    const y = hgt * (1 - page.up(f, fmax));
    c.fillStyle = page.css.rule2;
    c.fillRect(w - 4, Math.round(y) - (f ? 0 : 1), 4, 1);
    c.fillStyle = page.css.ink3;
    c.fillText(flabel(f, fmax), w - 7, clamp(y, 6, hgt - 5));
  }
}

// A name that fits, with … where it was cut.
export function cutText(c, name, width) {
  const text = visible(name);
  if (c.measureText(text).width <= width) return text;
  let low = 0;
  let high = text.length;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (c.measureText(text.slice(0, middle) + "\u2026").width <= width) low = middle;
    else high = middle - 1;
  }
  return low ? text.slice(0, low) + "\u2026" : "";
}

// Text with the paper around it, so that it can be read on any picture.
export function haloed(page, c, words, x, y, colour, width = Infinity) {
  const text = cutText(c, words, width);
  c.lineJoin = "round";
  c.lineWidth = 4;
  c.strokeStyle = page.css.paper;
  c.strokeText(text, x, y);
  c.fillStyle = colour;
  c.fillText(text, x, y);
}
