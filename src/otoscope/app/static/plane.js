// The plane of time and frequency of the first layer: the Wigner-Ville energy of all kernels, and where each of them
// lies.

import { tticks } from "./axes.js";
import { attribute, fill } from "./dom.js";
import { clamp, hz, ms, sig } from "./numbers.js";
import { fit } from "./paint.js";
import { kernelName } from "./kernels.js";
import { contourLines, finerColumns, wignerVille } from "./wigner.js";

const LEVEL = 0.7; // of the peak of a kernel, at which its line is drawn
const FREQUENCIES = [256, 1024]; // at least and at most
const MOST_TIMES = 1024;
const FEWEST_COLUMNS = 128; // to be drawn smoothly
const GREYEST = 0.62; // of the ramp, so that lines can be seen on it
const AT_ONCE = 12; // ms of work between two frames

// Where a kernel lies: the line around it in s from its centre and Hz, and its peak.
export function kernelPlace(samples, rate) {
  const n = samples.length;
  let F = FREQUENCIES[0];
  while (F < Math.min(n, FREQUENCIES[1])) F *= 2;
  const step = 2 * n <= MOST_TIMES ? 1 : Math.ceil((2 * n - 1) / MOST_TIMES);
  const found = wignerVille(samples, F, step);
  let top = 0;
  for (let i = 1; i < found.values.length; i++) if (found.values[i] > found.values[top]) top = i;
  const seconds = (column) => ((column * step + (step - 1) / 2) / 2 - Math.floor(n / 2)) / rate;
  const peak = { t: seconds(top % found.T), f: (Math.floor(top / found.T) * rate) / (2 * F) };
  if (!(found.values[top] > 0)) return null;
  const between = found.T > 1 ? Math.max(1, Math.ceil(FEWEST_COLUMNS / (found.T - 1))) : 1;
  const lines = contourLines(finerColumns(found, between), LEVEL * found.values[top]);
  for (let i = 0; i < lines.length; i += 2) {
    lines[i] = seconds(lines[i] / between);
    lines[i + 1] = (lines[i + 1] * rate) / (2 * F);
  }
  return { lines, peak };
}

export function planeView(page) {
  const { $, S, set, on } = page;
  let near = false;
  let working = null; // the first layer whose lines are being found

  const canvas = () => $("f-wv");
  const fmax = () => S.first.rate / 2;
  const energy = () => S.first?.energy;
  const extent = () => S.first.wigner.time;
  const X = (t, w) => ((t - extent()[0]) / (extent()[1] - extent()[0] || 1)) * w;
  const Y = (f, hgt) => (1 - page.up(f, fmax())) * hgt;
  const places = () => page.keep(S.first, "places", () => new Map());

  // The energy of all kernels: grey that goes with its square root, or else a few strong cells leave all else white.
  function drawEnergy(c, W, H) {
    const { F, T, q } = energy();
    const [low, high] = S.first.wigner.frequency ?? [0, (fmax() * (F - 1)) / F];
    const image = c.createImageData(W, H);
    const out = new Uint32Array(image.data.buffer);
    const gain = (GREYEST * (page.lut.sound.length - 1)) / 255;
    const right = T > 1 ? 1 : 0;
    const above = F > 1 ? T : 0;
    for (let y = 0, i = 0; y < H; y++) {
      const p = clamp(((page.freq(1 - (y + 0.5) / H, fmax()) - low) / (high - low || 1)) * (F - 1), 0, F - 1);
      const f = Math.min(p | 0, Math.max(0, F - 2));
      const u = p - f;
      for (let x = 0; x < W; x++, i++) {
        const s = clamp(((x + 0.5) / W) * (T - 1), 0, T - 1);
        const t = Math.min(s | 0, Math.max(0, T - 2));
        const v = s - t;
        const k = f * T + t;
        const lower = q[k] * (1 - v) + q[k + right] * v;
        const upper = q[k + above] * (1 - v) + q[k + above + right] * v;
        out[i] = page.lut.sound[((lower * (1 - u) + upper * u) * gain) | 0];
      }
    }
    c.putImageData(image, 0, 0);
  }

  // Colours tell widths apart where there are several, else neighbours in frequency.
  function colourOf(index) {
    const widths = page.keep(S.first, "widths", () => [...new Set(S.first.width ?? [])].sort((a, b) => a - b));
    if (widths.length < 2) return page.keep(S.first, "ranks", () => ranksOf(S.first.order))[index] % 2 ? 0.86 : 0.56;
    return 0.45 + 0.5 * (widths.indexOf(S.first.width[index]) / (widths.length - 1));
  }

  function drawLine(c, index, w, hgt, chosen) {
    const place = places().get(index);
    if (!place) return;
    const colour = page.lut.warm[Math.round(colourOf(index) * 1023)];
    c.beginPath();
    for (let i = 0; i < place.lines.length; i += 4) {
      c.moveTo(X(place.lines[i], w), Y(place.lines[i + 1], hgt));
      c.lineTo(X(place.lines[i + 2], w), Y(place.lines[i + 3], hgt));
    }
    c.lineCap = "round";
    if (chosen) {
      c.strokeStyle = page.css.paper;
      c.lineWidth = 4.5;
      c.stroke();
    }
    c.strokeStyle = chosen ? page.css.ink : `rgb(${colour & 255},${(colour >> 8) & 255},${(colour >> 16) & 255})`;
    c.lineWidth = chosen ? 2 : 1.2;
    c.stroke();
  }

  function draw() {
    if (!energy() || !near) return;
    const [w, hgt] = [canvas().clientWidth, canvas().clientHeight];
    if (!w) return;
    const c = fit(page, canvas(), w, hgt);
    drawEnergy(c, canvas().width, canvas().height);
    for (const index of places().keys()) drawLine(c, index, w, hgt, false);
    drawLine(c, S.first.order[S.kernel], w, hgt, true);
    drawAxis();
  }

  function drawAxis() {
    const [w, hgt] = [$("f-wt").clientWidth, $("f-wt").clientHeight];
    const c = fit(page, $("f-wt"), w, hgt);
    const [a, b] = extent().map((t) => 1000 * t);
    if (!(b > a)) return;
    const { ticks, digits } = tticks(a, b, 1.6 * w);
    c.textBaseline = "alphabetic";
    c.textAlign = "left";
    ticks.forEach((t, i) => {
      const x = X(t / 1000, w);
      const text = t.toFixed(digits).replace("-", "\u2212") + (i === ticks.length - 1 ? " ms" : "");
      const half = c.measureText(text).width / 2;
      c.fillStyle = page.css.rule2;
      c.fillRect(clamp(Math.round(x), 0, w - 1), 0, 1, 4);
      c.fillStyle = page.css.ink3;
      c.fillText(text, clamp(x - half, 0, w - 2 * half), 15);
    });
  }

  // Lines are found a few at a time, so that nothing else waits for them; none while a sound plays.
  function work() {
    const { first } = S;
    if (!first?.energy || working === first) return;
    working = first;
    const known = places();
    const wanted = (first.wigner.numbers ?? first.order).filter((index) => !known.has(index));
    const next = () => {
      if (S.first !== first || !near || !wanted.length) {
        working = null;
        return;
      }
      const until = performance.now() + AT_ONCE;
      while (!S.playing && wanted.length && performance.now() < until) {
        const index = wanted.shift();
        known.set(index, kernelPlace(samplesOf(first, index), first.rate));
      }
      if (!S.playing) draw();
      setTimeout(next, S.playing ? 300 : 0);
    };
    next();
  }

  const samplesOf = (first, index) => Float64Array.from(first.w.subarray(index * first.lags, (index + 1) * first.lags));

  function say(t, f) {
    const [a, b] = extent();
    fill($("f-wvt"), t == null
      ? `lines at ${LEVEL} of each kernel's peak`
      : `${sig(1000 * t)} ms, ${hz(f)}; ${kernelName(S.first, S.first.order[S.kernel])}`);
    const said = `Wigner-Ville energy of all kernels over ${ms(b - a)}, with a line around each`;
    attribute(canvas(), "aria-label", said);
  }

  // The kernel whose peak is nearest to a point is chosen.
  function chooseNear(x, y, w, hgt) {
    let best = null;
    let least = 40 ** 2;
    for (const [index, place] of places()) {
      if (!place) continue;
      const d = (X(place.peak.t, w) - x) ** 2 + (Y(place.peak.f, hgt) - y) ** 2;
      if (d < least) [best, least] = [index, d];
    }
    if (best != null) set({ kernel: S.first.order.indexOf(best) });
  }

  canvas().addEventListener("pointermove", (event) => {
    if (!energy()) return;
    const box = canvas().getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, clamp(event.clientY - box.top, 0, box.height)];
    chooseNear(x, y, box.width, box.height);
    const f = page.freq(1 - y / box.height, fmax());
    set({ hover: { t: null, f, from: canvas() } });
    say(extent()[0] + (x / box.width) * (extent()[1] - extent()[0]), f);
  });
  canvas().addEventListener("pointerleave", () => {
    set({ hover: null });
    if (energy()) say(null);
  });
  page.watch($("f-row"), "near", (seen) => {
    near = seen;
    if (!near) return;
    draw();
    work();
  });
  page.watch($("f-row"), "size", draw);
  on("scale theme kernel", draw);
  on("first", () => {
    $("f-row").classList.toggle("noplane", !energy());
    if (!energy()) return;
    say(null);
    draw();
    if (near) work();
  });
}

function ranksOf(order) {
  const ranks = [];
  order.forEach((index, rank) => { ranks[index] = rank; });
  return ranks;
}
