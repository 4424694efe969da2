// Charts of a run on canvases: bars by value, quantiles over clips, means with intervals, counts as a matrix.

import { clamp, count, fx, minus, sig, visible } from "./numbers.js";
import { cutText, fit } from "./paint.js";

// The size of a canvas on the screen, and its context, cleared; null while it is not shown.
export function chartOf(page, canvas) {
  const w = canvas.clientWidth;
  const hgt = canvas.clientHeight;
  return w && hgt ? { c: fit(page, canvas, w, hgt), w, hgt, css: page.css } : null;
}

// Round numbers between low and high, at most so many.
export function niceTicks(low, high, most) {
  const raw = Math.max((high - low) / Math.max(1, most), 1e-12);
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((k) => k * power).find((s) => s >= raw * (1 - 1e-9));
  const ticks = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + step * 1e-9; k++) ticks.push(Math.abs(k * step) < step * 1e-9 ? 0 : k * step);
  return { ticks, digits: clamp(-Math.floor(Math.log10(step) + 1e-9), 0, 6) };
}

// An amount of any size: small ones with a power of ten.
export const amountOf = (v) => (v !== 0 && Math.abs(v) < 1e-3 ? minus(v.toExponential(1)) : sig(v, Math.abs(v) >= 100 ? 3 : 2));

// Bars side by side, from zero; `strong` is the one in the colour of the model. With labels below where there is room.
export function drawBars(page, canvas, { values, names, strong = -1, bare = false }) {
  const chart = chartOf(page, canvas);
  if (!chart) return;
  const { c, w, hgt, css } = chart;
  const left = bare ? 0 : 40;
  const bottom = bare ? 1 : 18;
  const top = Math.max(...values.filter(Number.isFinite), 0);
  const width = (w - left) / values.length;
  const y = (v) => (hgt - bottom) * (1 - v / (top || 1)) + (bare ? 1 : 4) * (v / (top || 1));
  c.fillStyle = css.rule2;
  c.fillRect(left, hgt - bottom, w - left, 1);
  values.forEach((v, i) => {
    if (!Number.isFinite(v)) return;
    c.fillStyle = i === strong ? css.warm : css.mid;
    const gap = width > 6 ? Math.min(4, width * 0.2) : width > 2 ? 0.5 : 0;
    c.fillRect(left + i * width + gap / 2, y(v), Math.max(0.7, width - gap), hgt - bottom - y(v));
  });
  if (bare) return;
  c.fillStyle = css.ink3;
  c.textBaseline = "middle";
  c.textAlign = "right";
  c.fillText(amountOf(top), left - 6, 8);
  c.fillText("0", left - 6, hgt - bottom);
  c.textAlign = "center";
  c.textBaseline = "alphabetic";
  const step = Math.max(1, Math.ceil(28 / width));
  for (let i = 0; i < values.length; i += step) {
    c.fillStyle = i === strong ? css.ink : css.ink3;
    c.fillText(cutText(c, names[i], width * step - 4), left + (i + 0.5) * width, hgt - 4);
  }
}

// Quantiles over clips: which share of them has at most so much.
export function drawQuantiles(page, canvas, { values, unit }) {
  const chart = chartOf(page, canvas);
  if (!chart || !values.some(Number.isFinite)) return;
  const { c, w, hgt, css } = chart;
  const [left, bottom] = [40, 18];
  const top = Math.max(...values) || 1;
  const x = (i) => left + (i / (values.length - 1)) * (w - left - 6);
  const y = (v) => (hgt - bottom) * (1 - v / top) + 4 * (v / top);
  c.beginPath();
  c.moveTo(x(0), hgt - bottom);
  values.forEach((v, i) => c.lineTo(x(i), y(v)));
  c.lineTo(x(values.length - 1), hgt - bottom);
  c.closePath();
  c.fillStyle = css.rule;
  c.fill();
  c.beginPath();
  values.forEach((v, i) => c.lineTo(x(i), y(v)));
  c.strokeStyle = css.warm;
  c.lineWidth = 1.6;
  c.lineJoin = "round";
  c.stroke();
  c.fillStyle = css.rule2;
  c.fillRect(left, hgt - bottom, w - left, 1);
  c.fillStyle = css.ink3;
  c.textBaseline = "middle";
  c.textAlign = "right";
  c.fillText(amountOf(top), left - 6, 8);
  c.fillText("0", left - 6, hgt - bottom);
  c.textBaseline = "alphabetic";
  [0, 50, 100].forEach((share) => {
    c.textAlign = share === 0 ? "left" : share === 100 ? "right" : "center";
    c.fillText(share === 100 ? `100 % ${unit}` : `${share}${share ? " %" : ""}`, share === 100 ? w : x(((values.length - 1) * share) / 100), hgt - 4);
  });
}

// Where names stand below n points of a chart, as {i, text, x} of their centres: cut to the room between those that are
// shown, within the chart, and left out where they would stand in another.
export function labelsAlong(names, width, measured, cut) {
  const apart = width / Math.max(1, names.length - 1);
  const step = Math.max(1, Math.ceil(44 / apart));
  const room = Math.ceil(names.length / step) === 2 ? (step * apart) / 2 - 4 : step * apart - 4;
  const found = [];
  let end = -Infinity;
  for (let i = 0; i < names.length; i += step) {
    const text = cut(names[i], room);
    const half = measured(text) / 2;
    const x = clamp(i * apart, half - 12, width + 14 - half); // a little beyond the first point and the last
    if (x - half < end + 2) continue;
    end = x + half;
    found.push({ i, text, x });
  }
  return found;
}

// Means with their intervals over names or numbers: series are {mean, low, high, colour, name}.
export function drawMeans(page, canvas, { names, numbers, series, zero = true }) {
  const chart = chartOf(page, canvas);
  if (!chart) return;
  const { c, w, hgt, css } = chart;
  const [left, bottom, right] = [52, 20, 10];
  const all = series.flatMap((one) => [...one.mean, ...(one.low ?? []), ...(one.high ?? [])]).filter((v) => v != null && Number.isFinite(v));
  if (!all.length) return;
  let low = Math.min(...all);
  let high = Math.max(...all);
  if (zero && low > 0 && low < 0.6 * high) low = 0;
  if (high === low) high = low + (Math.abs(low) || 1);
  const n = (names ?? numbers).length;
  const [first, last] = numbers ? [Math.min(...numbers), Math.max(...numbers)] : [0, n - 1];
  const x = (i) => left + (n > 1 ? ((numbers ? numbers[i] : i) - first) / (last - first || 1) : 0.5) * (w - left - right - 8) + 4;
  const y = (v) => 6 + (1 - (v - low) / (high - low)) * (hgt - bottom - 12);
  const { ticks, digits } = niceTicks(low, high, Math.max(2, Math.floor(hgt / 34)));
  c.textBaseline = "middle";
  c.textAlign = "right";
  for (const tick of ticks) {
    c.fillStyle = css.rule;
    c.fillRect(left, Math.round(y(tick)), w - left - right, 1);
    c.fillStyle = css.ink3;
    c.fillText(Math.abs(tick) >= 1e4 ? count(tick) : fx(tick, digits), left - 6, y(tick));
  }
  for (const { mean, low: lows, high: highs, colour } of series) {
    c.strokeStyle = c.fillStyle = colour ?? css.warm;
    if (n <= 60 || !lows) {
      c.lineWidth = 1;
      mean.forEach((v, i) => {
        if (v == null || lows?.[i] == null || highs?.[i] == null) return;
        c.fillRect(x(i) - 0.5, y(highs[i]), 1, Math.max(1, y(lows[i]) - y(highs[i])));
      });
    }
    c.lineWidth = 1.5;
    c.beginPath();
    let pen = false;
    mean.forEach((v, i) => {
      if (v == null) pen = false;
      else if (pen) c.lineTo(x(i), y(v));
      else {
        c.moveTo(x(i), y(v));
        pen = true;
      }
    });
    c.stroke();
    if (n <= 60) {
      mean.forEach((v, i) => {
        if (v == null) return;
        c.beginPath();
        c.arc(x(i), y(v), 2.5, 0, 7);
        c.fill();
      });
    }
  }
  c.fillStyle = css.ink3;
  c.textBaseline = "alphabetic";
  c.textAlign = "center";
  if (numbers) {
    const { ticks: places, digits: after } = niceTicks(first, last, Math.max(2, Math.floor(w / 110)));
    for (const tick of places) c.fillText(Math.abs(tick) >= 1e4 ? count(tick) : minus(tick.toFixed(after)), left + 4 + ((tick - first) / (last - first || 1)) * (w - left - right - 8), hgt - 4);
    return;
  }
  const labels = labelsAlong(names, w - left - right - 8, (text) => c.measureText(text).width, (name, room) => cutText(c, name, room));
  for (const { text, x: at } of labels) c.fillText(text, n > 1 ? left + 4 + at : x(0), hgt - 4);
}

// Counts of clips, true classes down and answers across; the diagonal is what is right.
export function drawMatrix(page, canvas, { classes, counts }, marked = -1) {
  const chart = chartOf(page, canvas);
  if (!chart) return;
  const { c, w, hgt, css } = chart;
  const n = classes.length;
  const named = n <= 40;
  const left = named ? Math.min(90, Math.max(...classes.map((name) => c.measureText(visible(name)).width)) + 12) : 8;
  const bottom = named ? 20 : 8;
  const size = Math.min((w - left - 4) / n, (hgt - bottom - 4) / n);
  const sums = classes.map((_, i) => counts.slice(i * n, (i + 1) * n).reduce((a, b) => a + b, 0));
  const colour = (lut, share) => {
    const v = lut[Math.round(clamp(Math.sqrt(share), 0, 1) * (lut.length - 1))];
    return `rgb(${v & 255},${(v >> 8) & 255},${(v >> 16) & 255})`;
  };
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      const share = sums[i] ? counts[i * n + j] / sums[i] : 0;
      c.fillStyle = colour(i === j ? page.lut.cool : page.lut.warm, share);
      c.fillRect(left + j * size, 4 + i * size, Math.max(1, size - (size > 6 ? 1 : 0)), Math.max(1, size - (size > 6 ? 1 : 0)));
    }
  }
  if (size >= 22) {
    c.textAlign = "center";
    c.textBaseline = "middle";
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) {
        if (!counts[i * n + j]) continue;
        const share = counts[i * n + j] / sums[i];
        c.fillStyle = share > 0.3 ? css.paper : css.ink;
        c.fillText(count(counts[i * n + j]), left + (j + 0.5) * size, 4 + (i + 0.5) * size);
      }
    }
  }
  if (named) {
    c.textBaseline = "middle";
    c.textAlign = "right";
    classes.forEach((name, i) => {
      c.fillStyle = i === marked ? css.ink : css.ink3;
      c.fillText(cutText(c, name, left - 10), left - 6, 4 + (i + 0.5) * size);
    });
    c.textBaseline = "alphabetic";
    c.textAlign = "center";
    const step = Math.max(1, Math.ceil(20 / size));
    c.fillStyle = css.ink3;
    classes.forEach((name, j) => {
      if (j % step === 0) c.fillText(cutText(c, name, size * step - 2), left + (j + 0.5) * size, 4 + n * size + 14);
    });
  }
  return { left, top: 4, size };
}
