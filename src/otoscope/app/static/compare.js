// Two models on one sound: the same axes, the same range below each peak, and whether they agree more than chance.

import { brief, className, trustBlock } from "./answer.js";
import { fticks } from "./axes.js";
import { h } from "./dom.js";
import { clamp, corr, eqr, hz, minus, NB, prob, sec, span } from "./numbers.js";
import { fit, haloed } from "./paint.js";
import { amount, at, inDb, level, spectrum } from "./signal.js";
import { Stack } from "./stack.js";

const GRID = [101, 200]; // bins and frames of the difference
const BOTTOM = -45; // dB

// Shares of a map's energy on a grid of both models; what speaks against is left out.
function sharesOf(picture, fmax, duration) {
  const [F, T] = GRID;
  const out = new Float64Array(F * T);
  let sum = 0;
  for (let f = 0; f < F; f++) {
    for (let t = 0; t < T; t++) {
      const q = at(picture, (f * fmax) / (F - 1), (t * duration) / T);
      const power = picture.kind === "signed" ? Math.max(0, amount(picture, q)) : q < 1 ? 0 : 10 ** (level(picture, q) / 10);
      out[f * T + t] = power;
      sum += power;
    }
  }
  return sum > 0 ? out.map((v) => v / sum) : out;
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
  return { F, T, q, kind: "signed", df: fmax / (F - 1), hop: duration / T, r: correlation(A.map(Math.sqrt), B.map(Math.sqrt)) };
}

// Whether two maps agree more than those of random networks, in words.
export function judgePair(r, random, signed) {
  if (!random) return ["none", "No control for this pair", `The two maps agree with ${eqr(r)}. How far random networks of these shapes agree was not computed.`];
  const [, low, high] = random;
  const range = `pairs with random weights (${corr(low)}${NB}to${NB}${corr(high)})`;
  if (signed && Math.abs(r) < 0.2) return ["ok", "Nothing in common", `The two maps have nothing in common (${eqr(r)}), as little as ${range}.`];
  if (r < low) return ["ok", "They listen to different things", `The two maps agree with ${eqr(r)}: less than any of the ${range}.`];
  if (r <= high) {
    return ["no", "No more alike than chance", `The two maps agree with ${eqr(r)}, and so do ${range}: do not read their likeness as a common cue.`];
  }
  return ["ok", "More alike than chance", `The two maps agree with ${eqr(r)}: more than any of the ${range}.`];
}

export function compareView(page) {
  const { $, S, set, on, player } = page;
  let near = false;
  let late = false;
  const otherRun = () => page.data.runs.get(S.other);
  const fmax = () => Math.min(S.run?.rate ?? Infinity, otherRun()?.rate ?? Infinity) / 2;

  const rows = (get, hue) => [
    {
      kind: "wave", h: "44px",
      get: () => get() && {
        x: get().x, outline: get().outline, rate: get().rate, colour: page.css[hue], mark: page.css[hue], signed: get().signed,
        time: brief(get(), S.dur), label: "Relevance over time",
      },
    },
    {
      kind: "pic", h: "clamp(130px, 22vh, 210px)",
      get: () => get()?.pic && {
        pic: get().pic, lut: get().signed ? page.lut.signed : page.lut[hue], mark: page.css[hue], band: get().band,
        label: `Relevance for ${get().label}` + (get().band ? `; half of it in ${span(...get().band, "Hz")}` : ""),
      },
    },
  ];
  const stackOf = (id, label, more) => new Stack(page, $(id), { label: `Position in the sound, ${label}`, overview: false, fmax, ...more });
  const stacks = [
    stackOf("cmpA", "first model", { rows: rows(() => S.rel, "warm") }),
    stackOf("cmpB", "second model", { rows: rows(() => S.otherRel, "cool") }),
    stackOf("cmpD", "difference", {
      read: $("cmpread"),
      rows: [{ kind: "pic", h: "190px", get: () => S.diff && { pic: S.diff, lut: page.lut.signed, label: "Difference of the two relevance maps" } }],
      probe: (t, f) => {
        if (t == null || f == null || !S.diff) return "";
        const v = amount(S.diff, at(S.diff, f, t));
        return `${sec(t)}   ${hz(f)}   ${v >= 0 ? S.run.model : otherRun().model} ${Math.round(Math.abs(100 * v))}${NB}%`;
      },
    }),
  ];

  function who(id, run, entry, colour, source) {
    const listen = () => {
      set({ source });
      if (!player.playing) player.play(0);
    };
    const [top] = run.order;
    const half = [brief(entry, S.dur) && span(...entry.time, "s"), entry.band && span(...entry.band, "Hz")].filter(Boolean).join(", ");
    $(id).replaceChildren(h("b", {}, top === undefined ? "no class" : className(run, top)),
      h("span", { class: "s" }, h("b", { class: colour }, run.model), run.probabilities && top !== undefined ? `, ${prob(run.probabilities[top])}` : ""),
      h("button", { type: "button", class: "tx", onclick: listen }, "listen"),
      h("span", { class: "s half" }, half ? `half of its relevance in ${half}` : "its relevance is zero"));
  }

  // Relevance of both models and the sound over frequency.
  function drawSpectra() {
    if (!S.otherRel || !S.rel) return;
    if (!near) {
      late = true;
      return;
    }
    late = false;
    const canvas = $("ov");
    const w = canvas.clientWidth;
    const hgt = canvas.clientHeight;
    if (!w) return;
    const { css } = page;
    const c = fit(page, canvas, w, hgt);
    const top = fmax();
    const bottom = hgt - 22;
    const left = w < 420 ? 32 : 40;
    const X = (f) => left + page.up(f, top) * (w - left - 4);
    const Y = (v) => 4 + clamp(v / BOTTOM, 0, 1) * (bottom - 4);
    c.textBaseline = "middle";
    for (const v of [0, -20, -40]) {
      c.fillStyle = css.rule;
      c.fillRect(left, Math.round(Y(v)), w - left - 4, 1);
      c.fillStyle = css.ink3;
      c.textAlign = "right";
      c.fillText(v ? minus(v) : "0 dB", left - 5, clamp(Y(v), 7, bottom));
    }
    c.textBaseline = "alphabetic";
    c.textAlign = "center";
    for (const f of fticks(top, w * 0.45, S.scale)) {
      c.fillStyle = css.rule2;
      c.fillRect(X(f), bottom, 1, 4);
      c.fillStyle = css.ink3;
      c.fillText(f >= 1000 ? `${f / 1000} kHz` : f || "0 Hz", clamp(X(f), left + 10, w - 16), hgt - 5);
    }
    const marks = Object.entries(S.sound.marks ?? {}).filter(([, f]) => f <= top);
    c.strokeStyle = css.ink3;
    c.setLineDash([1, 2]);
    for (const [, f] of marks) {
      c.beginPath();
      c.moveTo(X(f), 14);
      c.lineTo(X(f), bottom);
      c.stroke();
    }
    c.setLineDash([]);
    const lines = [[S.sound.pic, css.mid, [], 1.2], [S.rel.pic, css.warm, [], 1.8], [S.otherRel.pic, css.cool, [5, 3], 1.8]];
    for (const [picture, colour, dash, width] of lines) {
      if (!picture) continue;
      const v = inDb(spectrum(picture, 0, S.dur));
      c.beginPath();
      for (let x = left; x <= w - 4; x++) {
        const p = clamp(page.freq((x - left) / (w - left - 4), top) / picture.df, 0, v.length - 1.001);
        const i = p | 0;
        c.lineTo(x, Y(v[i] + (v[i + 1] - v[i]) * (p - i)));
      }
      c.strokeStyle = colour;
      c.lineWidth = width;
      c.lineJoin = "round";
      c.setLineDash(dash);
      c.stroke();
      c.setLineDash([]);
    }
    for (const [name, f] of marks) haloed(page, c, name, X(f), bottom - 4, css.ink2);
  }

  function draw() {
    const A = S.run;
    const B = otherRun();
    $("compare").hidden = !B || !S.otherRel || !S.rel;
    if ($("compare").hidden) return;
    who("whoA", A, S.rel, "warm", "relevance");
    who("whoB", B, S.otherRel, "cool", "other");
    S.diff = S.rel.pic && S.otherRel.pic ? differenceOf(S.rel.pic, S.otherRel.pic, fmax(), S.dur) : null;
    const pair = page.manifest.pairs?.find((p) => (p.a === A.id && p.b === B.id) || (p.a === B.id && p.b === A.id));
    const same = S.rel.target === "top" && S.otherRel.rule === S.rel.rule;
    const r = (same ? pair?.r?.[S.rule] : null) ?? S.diff?.r;
    const random = pair?.r_twin?.[S.rule];
    const [verdict, head, text] = judgePair(r, random, S.rel.signed);
    const bars = [["the two maps", r, null, null, "model"], random && ["random networks", ...random, "model"],
      pair && ["first layers (CRS)", pair.crs_cosine, null, null, "sound"]].filter(Boolean);
    const upTo = A.rate !== B.rate ? ` Shown up to ${hz(fmax())}, which both take.` : "";
    $("cmpcontrol").replaceChildren(trustBlock({
      method: "compare", level: verdict, head, text, bars: { columns: ["likeness of", "r"], signed: S.rel.signed, rows: bars },
      note: `r of the pictures; for the first layers the cosine of their response spectra.${upTo}`,
    }));
    const key = (name, colour, style) => h("span", { class: "lg" + (style ?? ""), style: `--c:${colour}` }, name);
    const { css } = page;
    $("ovleg").replaceChildren(h("h3", {}, "Relevance spectra"), key(A.model, css.warm), key(B.model, css.cool, " d"), key("the sound", css.mid));
    $("diffleg").replaceChildren(key(`more in ${A.model}`, css.warm, " f"), key(`more in ${B.model}`, css.cool, " f"));
    for (const stack of stacks) stack.touch();
    drawSpectra();
  }

  // The other models that heard the same sound.
  async function load() {
    const mine = S.run;
    const { sounds } = page.manifest;
    const others = [...page.data.runs.values()].filter((run) => run.id !== mine.id && sounds[run.sound].name === sounds[mine.sound].name);
    const id = others.some((run) => run.id === S.other) ? S.other : others[0]?.id ?? null;
    $("other").replaceChildren(...others.map((run) => h("option", { value: run.id, selected: run.id === id }, run.model)));
    const entry = id ? await page.data.relevance(id, S.rule, "top") : null;
    if (S.run !== mine) return;
    const run = page.data.runs.get(id);
    set({ other: id, otherRel: entry });
    page.hear("other", entry?.x ? { x: entry.x, rate: entry.rate, label: run.model, short: "Other" } : null);
    draw();
  }

  page.watch($("ov"), "near", (seen) => {
    near = seen;
    if (near && late) drawSpectra();
  });
  page.watch($("ov"), "size", drawSpectra);
  on("scale theme", drawSpectra);
  on("theme", () => S.otherRel && draw());
  on("late rel", () => {
    if (S.late) load();
  });
  page.commands.compare = (id) => {
    S.other = id;
    return load();
  };
  $("other").addEventListener("change", (event) => page.commands.compare(event.target.value));
}
