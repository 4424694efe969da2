// The kernels of the first layer by centre frequency: what each passes, what all pass together, and the chosen one in
// time.

import { attribute, fill, h } from "./dom.js";
import { clamp, hz, ms } from "./numbers.js";
import { curve, fit, frequencyAxis } from "./paint.js";
import { largest, peakOf } from "./signal.js";

const FEW_TAPS = 40; // of which each is drawn by itself
const FEW_KERNELS = 24; // between which there are lines

export const kernelName = (first, index) => `kernel ${first.numbers?.[index] ?? index}`;

// Samples of a kernel: of a bank of several widths, those between the zeros that fill it up.
export function kernelSamples(first, index) {
  const { w, lags, width } = first;
  const own = width?.[index] ?? lags;
  const begin = index * lags + Math.floor(lags / 2) - Math.floor(own / 2);
  return w.subarray(begin, begin + own);
}

// Shares of its own peak, from the dB of the file: one row a kernel.
function shares({ q, F: n, T: bins, floor }) {
  const amplitude = Float32Array.from({ length: 256 }, (_, v) => (v ? 10 ** (((v / 255 - 1) * floor) / 20) : 0));
  const out = Float32Array.from(q, (v) => amplitude[v]);
  for (let i = 0; i < n; i++) {
    const row = out.subarray(i * bins, (i + 1) * bins);
    const top = largest(row) || 1;
    row.forEach((v, k) => { row[k] = v / top; });
  }
  return out;
}

export function kernelsView(page) {
  const { $, S, set, on } = page;
  let near = false;
  let late = false;
  const size = (id) => [$(id).clientWidth, $(id).clientHeight];
  const fmax = () => S.first.rate / 2;

  // A column a kernel.
  function drawResponses() {
    const canvas = $("f-k");
    const [w, hgt] = size("f-k");
    const c = fit(page, canvas, w, hgt);
    const { F: n, T: bins } = S.first.mag;
    const values = page.keep(S.first.mag, "shares", () => shares(S.first.mag));
    const image = c.createImageData(canvas.width, canvas.height);
    const out = new Uint32Array(image.data.buffer);
    const kernel = Int32Array.from({ length: canvas.width }, (_, x) => Math.floor((x / canvas.width) * n) * bins);
    for (let y = 0, i = 0; y < canvas.height; y++) {
      const p = clamp((page.freq(1 - (y + 0.5) / canvas.height, fmax()) / fmax()) * (bins - 1), 0, bins - 1);
      const bin = Math.min(p | 0, Math.max(0, bins - 2));
      const next = bins > 1 ? 1 : 0;
      const u = p - bin;
      for (let x = 0; x < canvas.width; x++, i++) {
        const k = kernel[x] + bin;
        out[i] = page.lut.warm[((values[k] * (1 - u) + values[k + next] * u) * 1023) | 0];
      }
    }
    c.putImageData(image, 0, 0);
    c.fillStyle = page.css.paper;
    if (n <= FEW_KERNELS) for (let i = 1; i < n; i++) c.fillRect(Math.round((i * w) / n) - 0.5, 0, 1, hgt);
    markKernel(c, (S.kernel * w) / n, ((S.kernel + 1) * w) / n, hgt);
  }

  // A frame around the column of the chosen kernel, or two marks where it is narrow.
  function markKernel(c, a, b, hgt) {
    c.strokeStyle = page.css.ink;
    c.lineWidth = 2;
    if (b - a > 10) {
      c.strokeRect(a + 1, 1, b - a - 2, hgt - 2);
      return;
    }
    const m = (a + b) / 2;
    c.fillStyle = page.css.ink;
    c.strokeStyle = page.css.paper;
    for (const [y, d] of [[0, 7], [hgt, -7]]) {
      c.beginPath();
      c.moveTo(m - 5, y);
      c.lineTo(m + 5, y);
      c.lineTo(m, y + d);
      c.closePath();
      c.stroke();
      c.fill();
    }
  }

  function drawCumulative() {
    const { cumulative } = S.first;
    const [w, hgt] = size("f-cum");
    const c = fit(page, $("f-cum"), w, hgt);
    c.fillStyle = page.css.rule2;
    c.fillRect(8, 0, 1, hgt);
    const top = largest(cumulative) || 1;
    const strongest = hz((cumulative.indexOf(largest(cumulative)) * fmax()) / Math.max(1, cumulative.length - 1));
    attribute($("f-cum"), "aria-label", `Cumulative frequency response: strongest at ${strongest}`);
    const below = Float32Array.from(cumulative, (v) => v / top - 1);
    curve(page, c, w, hgt, below, fmax() / Math.max(1, below.length - 1), fmax(), -1, page.css.warm, { width: 1.6 });
  }

  // The chosen kernel in time.
  function drawKernel() {
    const { first } = S;
    const index = first.order[S.kernel];
    const x = kernelSamples(first, index);
    const [w, hgt] = size("kern");
    const c = fit(page, $("kern"), w, hgt);
    const top = peakOf(x) || 1;
    const X = (i) => (x.length > 1 ? 4 + (i / (x.length - 1)) * (w - 8) : w / 2);
    const Y = (v) => hgt / 2 - (v / top) * (hgt / 2 - 5);
    c.fillStyle = page.css.rule;
    c.fillRect(0, hgt / 2, w, 1);
    c.strokeStyle = c.fillStyle = page.css.warm;
    c.lineWidth = 1.4;
    c.lineJoin = "round";
    c.beginPath();
    if (x.length > FEW_TAPS) x.forEach((v, i) => c.lineTo(X(i), Y(v)));
    c.stroke();
    if (x.length <= FEW_TAPS) x.forEach((v, i) => drawTap(c, X(i), hgt / 2, Y(v)));
    const words = kernelName(first, index);
    $("kernsay").replaceChildren(
      h("b", {}, words[0].toUpperCase() + words.slice(1)), h("br"),
      `centre ${hz(first.centre[index])}`, h("br"), `bandwidth ${hz(first.bandwidth[index])}`, h("br"),
      `${x.length} ${x.length === 1 ? "sample" : "samples"}, ${ms(x.length / first.rate)}`,
    );
    attribute($("kern"), "aria-label", `${words} in time, ${ms(x.length / first.rate)} long`);
  }

  function drawTap(c, x, zero, y) {
    c.fillRect(x - 0.7, Math.min(zero, y), 1.4, Math.abs(y - zero));
    c.beginPath();
    c.arc(x, y, 2.6, 0, 7);
    c.fill();
  }

  function draw() {
    if (!S.first) return;
    late = !near;
    if (late) return;
    const [w, hgt] = size("f-ax");
    frequencyAxis(page, fit(page, $("f-ax"), w, hgt), w, hgt, fmax());
    drawResponses();
    drawCumulative();
    drawKernel();
    describe();
  }

  function describe() {
    const { first } = S;
    const index = first.order[S.kernel];
    const slider = $("f-k");
    slider.setAttribute("aria-valuemax", first.mag.F);
    slider.setAttribute("aria-valuenow", S.kernel + 1);
    attribute(slider, "aria-valuetext", `${kernelName(first, index)}, centre ${hz(first.centre[index])}`);
  }

  function say(f, x) {
    const { first } = S;
    if (f == null) {
      fill($("f-kt"), "each to its own peak");
      fill($("f-cumt"), "0 to peak");
      return;
    }
    const { cumulative } = first;
    const at = cumulative[Math.round((f / fmax()) * (cumulative.length - 1))];
    fill($("f-kt"), `${x == null ? "" : kernelName(first, first.order[S.kernel]) + " at "}${hz(f)}`);
    fill($("f-cumt"), `${(at / (largest(cumulative) || 1)).toFixed(2)} of the peak`);
  }

  // The same frequency in every picture; over the kernels the one under the pointer is chosen.
  function hovered(id, chooses) {
    const element = $(id);
    element.addEventListener("pointermove", (event) => {
      if (!S.first) return;
      const box = element.getBoundingClientRect();
      const x = clamp((event.clientX - box.left) / box.width, 0, 1);
      const f = page.freq(1 - clamp((event.clientY - box.top) / box.height, 0, 1), fmax());
      const { F: n } = S.first.mag;
      if (chooses) set({ kernel: clamp(Math.floor(x * n), 0, n - 1) });
      set({ hover: { t: null, f, from: element } });
      say(f, chooses ? x : null);
    });
    element.addEventListener("pointerleave", () => {
      set({ hover: null });
      if (S.first) say(null);
    });
  }

  hovered("f-k", true);
  hovered("f-cum", false);
  $("f-k").addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1, ArrowDown: -1, ArrowUp: 1, PageDown: -10, PageUp: 10 }[event.key];
    if (!by || !S.first) return;
    event.preventDefault();
    event.stopPropagation();
    set({ kernel: clamp(S.kernel + by, 0, S.first.mag.F - 1) });
  });
  page.watch($("f-row"), "near", (seen) => {
    near = seen;
    if (near && late) draw();
  });
  page.watch($("f-row"), "size", draw);
  on("scale theme first", () => {
    draw();
    if (S.first) say(null);
  });
  on("kernel", () => {
    if (!S.first || !near) return;
    drawResponses();
    drawKernel();
    describe();
  });
}
