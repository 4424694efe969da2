// The first layer: its kernels by centre frequency, what they pass together, and what they pass on of this sound. The
// four pictures share one frequency axis.

import { h } from "./dom.js";
import { clamp, fx, hz, ms, NB, sec } from "./numbers.js";
import { curve, fit, frequencyAxis, paint } from "./paint.js";
import { largest, peakOf, spectrum, valueAt } from "./signal.js";
import { surface } from "./surface.js";

const STRS_RANGE = 30; // dB

export function firstView(page) {
  const { $, S, on, set } = page;
  const over = surface(page, $("f-over"));
  let picked = null; // kernel by rank of its centre frequency
  let near = false;
  let late = false;

  const middle = () => picked ?? ((S.first.mag.F - 1) >> 1);
  const size = (id) => [$(id).clientWidth, $(id).clientHeight];

  function drawAxes(fmax) {
    for (const id of ["f-ax", "f-ay"]) {
      const [w, hgt] = size(id);
      if (w) frequencyAxis(page, fit(page, $(id), w, hgt), w, hgt, fmax);
    }
  }

  // Magnitude responses, a column a kernel, each to its own peak.
  function drawKernels(fmax) {
    const [w, hgt] = size("f-k");
    const canvas = $("f-k");
    const c = fit(page, canvas, w, hgt);
    const { q, F: n, T: bins } = S.first.mag;
    const df = fmax / (bins - 1);
    const amplitude = (v) => 10 ** (2 * (v / 255 - 1));
    const own = Float32Array.from({ length: n }, (_, i) => amplitude(largest(q.subarray(i * bins, (i + 1) * bins))));
    const image = c.createImageData(canvas.width, canvas.height);
    const out = new Uint32Array(image.data.buffer);
    for (let y = 0; y < canvas.height; y++) {
      const p = clamp(page.freq(1 - (y + 0.5) / canvas.height, fmax) / df, 0, bins - 1.001);
      const bin = p | 0;
      const u = p - bin;
      for (let x = 0; x < canvas.width; x++) {
        const kernel = Math.min(n - 1, Math.floor((x / canvas.width) * n));
        const k = kernel * bins + bin;
        const v = amplitude(q[k] * (1 - u) + q[k + 1] * u) / own[kernel];
        out[y * canvas.width + x] = page.lut.warm[Math.min(1023, (v * 1023) | 0)];
      }
    }
    c.putImageData(image, 0, 0);
    c.fillStyle = page.css.paper;
    if (n <= 24) for (let i = 1; i < n; i++) c.fillRect(Math.round((i * w) / n) - 0.5, 0, 1, hgt);
    markKernel(c, (middle() * w) / n, ((middle() + 1) * w) / n, hgt);
    $("f-kt").textContent = "each to its own peak";
  }

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

  function drawCurves(id, fmax, series, text) {
    const [w, hgt] = size(id);
    const c = fit(page, $(id), w, hgt);
    c.strokeStyle = page.css.rule2;
    c.lineWidth = 1;
    c.beginPath();
    c.moveTo(8.5, 0);
    c.lineTo(8.5, hgt);
    c.stroke();
    for (const { values, df, colour, width = 1.6 } of series) {
      const top = largest(values);
      const shares = Float32Array.from(values, (v) => v / top - 1);
      curve(page, c, w, hgt, shares, df, fmax, -1, colour, { width });
    }
    $(id + "t").textContent = text;
  }

  const note = () => `${fx(S.v0, 3)} to ${sec(S.v1)}; ${STRS_RANGE}${NB}dB; mean over ${ms(page.manifest.window)}`;

  function drawResponse(fmax) {
    const [w, hgt] = size("f-strs");
    if (S.first.pic) paint(page, $("f-strs"), w, hgt, S.first.pic, page.lut.warm, fmax, STRS_RANGE);
    $("f-strst").textContent = S.first.pic ? note() : "";
  }

  function draw() {
    const { first, sound } = S;
    if (!first) return;
    if (!near) {
      late = true;
      return;
    }
    late = false;
    const fmax = first.rate / 2;
    const even = (values) => fmax / (values.length - 1);
    drawAxes(fmax);
    drawKernels(fmax);
    drawCurves("f-cum", fmax, [{ values: first.cumulative, df: even(first.cumulative), colour: page.css.warm }], "0 to peak");
    const series = first.crs ? [{ values: first.crs, df: even(first.crs), colour: page.css.warm }] : [];
    if (sound?.pic) {
      const amplitude = spectrum(sound.pic, 0, S.dur).map(Math.sqrt);
      series.unshift({ values: amplitude, df: sound.pic.df, colour: page.css.mid, width: 1.2 });
    }
    drawCurves("f-crs", fmax, series, "");
    const key = (colour, text) => h("span", { class: "lg", style: `--c:${colour}` }, text);
    $("f-crst").replaceChildren(key(page.css.warm, "CRS"), " ", key(page.css.mid, "sound"));
    drawResponse(fmax);
    drawKernel(middle());
  }

  // The chosen kernel in time.
  function drawKernel(rank) {
    const { order, w: weights, lags, rate, centre, bandwidth } = S.first;
    const kernel = order[rank];
    const [w, hgt] = size("kern");
    const c = fit(page, $("kern"), w, hgt);
    const x = weights.subarray(kernel * lags, (kernel + 1) * lags);
    const top = peakOf(x) || 1;
    const X = (i) => (lags > 1 ? 4 + (i / (lags - 1)) * (w - 8) : w / 2);
    const Y = (v) => hgt / 2 - (v / top) * (hgt / 2 - 5);
    c.fillStyle = page.css.rule;
    c.fillRect(0, hgt / 2, w, 1);
    c.strokeStyle = c.fillStyle = page.css.warm;
    c.lineWidth = 1.4;
    c.lineJoin = "round";
    if (lags <= 40) {
      for (let i = 0; i < lags; i++) {
        c.fillRect(X(i) - 0.7, Math.min(hgt / 2, Y(x[i])), 1.4, Math.abs(Y(x[i]) - hgt / 2));
        c.beginPath();
        c.arc(X(i), Y(x[i]), 2.6, 0, 7);
        c.fill();
      }
    } else {
      c.beginPath();
      x.forEach((v, i) => c.lineTo(X(i), Y(v)));
      c.stroke();
    }
    $("kernsay").replaceChildren(h("b", {}, `Kernel ${kernel}`), h("br"), `centre ${hz(centre[kernel])}`, h("br"),
      `bandwidth ${hz(bandwidth[kernel])}`, h("br"), `${lags} taps, ${ms(lags / rate)}`);
  }

  // What all four pictures hold at one frequency.
  function read(f, rank, t) {
    const { first } = S;
    const fmax = first.rate / 2;
    if (f == null) {
      $("f-kt").textContent = "each to its own peak";
      $("f-cumt").textContent = "0 to peak";
      $("f-strst").textContent = first.pic ? note() : "";
      return;
    }
    const share = (values) => (values[Math.round((f / fmax) * (values.length - 1))] / largest(values)).toFixed(2);
    $("f-kt").textContent = rank == null ? hz(f) : `kernel ${first.order[rank]} at ${hz(f)}`;
    $("f-cumt").textContent = share(first.cumulative);
    if (t == null || !first.pic) return;
    const crs = first.crs ? `; CRS ${share(first.crs)} of its peak` : "";
    $("f-strst").textContent = `${sec(t)}, ${hz(f)}: ${valueAt(first.pic, f, t)}${crs}`;
  }

  function showFrequency(top) {
    $("f-hor").style.opacity = top == null ? 0 : 0.9;
    if (top != null) $("f-hor").style.top = top + "px";
  }

  function hoverFrom(id, at) {
    const element = $(id);
    element.addEventListener("pointermove", (event) => {
      if (!S.first) return;
      const box = element.getBoundingClientRect();
      const x = clamp((event.clientX - box.left) / box.width, 0, 1);
      const y = clamp((event.clientY - box.top) / box.height, 0, 1);
      showFrequency(event.clientY - $("fstack").getBoundingClientRect().top);
      const { rank, t } = at?.(x) ?? {};
      read(page.freq(1 - y, S.first.rate / 2), rank, t);
    });
    element.addEventListener("pointerleave", () => {
      showFrequency(null);
      if (S.first) read(null);
    });
  }

  // The line of what another picture is hovered at.
  function hoverElsewhere() {
    const { hover } = S;
    over.hov.style.opacity = hover ? 0.9 : 0;
    if (hover) over.hov.style.transform = `translateX(${page.px(hover.t, over.w).toFixed(1)}px)`;
    if (!hover) showFrequency(null);
    else if (hover.from !== over && hover.f != null && S.first) {
      const y = 1 - page.up(hover.f, S.first.rate / 2);
      showFrequency(y >= 0 ? $("f-ax").parentElement.offsetTop + y * $("f-ax").clientHeight : null);
    }
  }

  function pickKernel(rank) {
    const k = clamp(rank, 0, S.first.mag.F - 1);
    if (k === picked) return;
    picked = k;
    draw();
  }

  function say() {
    const { first } = S;
    const centres = first.order.map((i) => first.centre[i]).filter((v) => v != null);
    const text = [`${first.n} kernels of ${ms(first.lags / first.rate)}`];
    if (centres.length) text.push(`, centred from ${hz(centres[0])} to ${hz(centres.at(-1))}, half of them below ${hz(centres[centres.length >> 1])}`);
    text.push(".");
    if (first.crs) {
      const top = (first.crs.indexOf(largest(first.crs.slice(2))) * first.rate) / 2 / (first.crs.length - 1);
      text.push(" Of this sound they pass on most at ", h("b", {}, hz(top)), ".");
    }
    $("firstsay").replaceChildren(...text);
  }

  hoverFrom("f-k", (x) => {
    pickKernel(Math.floor(x * S.first.mag.F));
    return { rank: picked };
  });
  hoverFrom("f-cum");
  hoverFrom("f-crs");
  hoverFrom("f-over", (x) => ({ t: S.v0 + x * (S.v1 - S.v0) }));
  $("f-k").addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by || !S.first) return;
    event.preventDefault();
    event.stopPropagation();
    pickKernel(middle() + by);
    page.say($("kernsay").innerText);
  });
  page.watch($("fstack"), "near", (seen) => {
    near = seen;
    if (near && late) draw();
  });
  page.watch($("fstack"), "size", draw);
  on("run", () => { picked = null; });
  on("scale theme", draw);
  on("v0 v1", () => {
    if (S.first && near && !late) drawResponse(S.first.rate / 2);
  });
  on("hover", hoverElsewhere);
  on("first", () => {
    $("first").hidden = !S.first;
    if (!S.first) return;
    say();
    draw();
  });
  on("late", async () => {
    const id = S.late;
    if (!id) return;
    const first = await page.data.first(id);
    if (S.late === id) set({ first });
    if (!first) $("first").hidden = true;
  });
}
