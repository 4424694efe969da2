// Two models on one sound: the same axes, the same range below each peak, and whether they agree more than chance.

import { brief, className, ruleName, trustBlock } from "./answer.js";
import { copyButton } from "./copy.js";
import { differenceOf } from "./difference.js";
import { fill, h } from "./dom.js";
import { hz, NB, prob, sec, span } from "./numbers.js";
import { amount, at } from "./signal.js";
import { drawSpectra } from "./spectra.js";
import { Stack } from "./stack.js";

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
        time: brief(get(), S.dur), label: `Relevance for ${get().label} over time`,
      },
    },
    {
      kind: "pic", h: "clamp(130px, 22vh, 210px)",
      get: () => get()?.pic && {
        pic: get().pic, lut: get().signed ? page.lut.signed : page.lut[hue], mark: page.css[hue], band: get().band,
        label: `Relevance for ${get().label}`, holds: get().band && `half of it from ${span(...get().band, "Hz")}`,
      },
    },
  ];
  const difference = () => S.diff && {
    pic: S.diff, lut: page.lut.signed, label: "Difference of the two relevance maps",
  };
  const stackOf = (id, label, more) => new Stack(page, $(id), {
    label: `Position in the sound, ${label}`, overview: false, fmax, ...more,
  });
  const stacks = [
    stackOf("cmpA", "first model", { rows: rows(() => S.rel, "warm") }),
    stackOf("cmpB", "second model", { rows: rows(() => S.otherRel, "cool") }),
    stackOf("cmpD", "difference", {
      read: $("cmpread"),
      rows: [{ kind: "pic", h: "190px", get: difference }],
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
    const parts = [brief(entry, S.dur) && span(...entry.time, "s"), entry.band && span(...entry.band, "Hz")];
    const half = parts.filter(Boolean).join(" and ");
    const what = entry.signed ? `half of what speaks for ${entry.label}` : "half of its relevance";
    const sure = run.probabilities && top !== undefined ? h("span", { class: "pr" }, prob(run.probabilities[top])) : null;
    $(id).replaceChildren(
      h("b", {}, top === undefined ? "no class" : className(run, top)),
      h("span", { class: "s" }, h("b", { class: colour }, run.model), sure && ", ", sure),
      h("button", { type: "button", class: "tx", onclick: listen }, "listen"),
      h("span", { class: "s half" }, half ? `${what} from ${half}` : "its relevance is zero"),
    );
  }

  function drawSpectrum() {
    if (!S.otherRel || !S.rel) return;
    late = !near;
    if (late) return;
    const { css } = page;
    const lines = [
      { pic: S.sound?.pic, colour: css.mid, width: 1.2 }, { pic: S.rel.pic, colour: css.warm, width: 1.8 },
      { pic: S.otherRel.pic, colour: css.cool, dash: [5, 3], width: 1.8 },
    ];
    drawSpectra(page, $("ov"), lines.filter(({ pic }) => pic), fmax(), S.sound?.marks);
  }

  const pairOf = () => {
    const is = (a, b) => a === S.run?.id && b === S.other;
    return page.manifest.pairs?.find(({ a, b }) => is(a, b) || is(b, a));
  };

  // What was tested of the pair, in its own words; of other relevances the likeness of the pictures alone.
  function blockOf(pair) {
    const isTested = pair?.trust && pair.rule === S.rel.rule && S.rel.target === "top" && S.otherRel.target === "top";
    if (isTested) return pair.trust;
    const compared = pair?.trust ? ` for these two, but for those that were asked for, by the rule ${ruleName(S.run, pair.rule)}` : "";
    return {
      method: "compare", level: "none", head: "No control for this pair",
      text: `How far random networks of these shapes agree was not computed${compared}.`,
      bars: { columns: ["likeness of", "r"], signed: S.rel.signed, rows: [["the two maps", S.diff?.r, null, null, "model"]] },
    };
  }

  // What the two have in common, against what random networks have.
  function judge(A, B) {
    const pair = pairOf();
    const { bars, ...block } = blockOf(pair);
    const first = pair?.crs_cosine == null ? [] : [["first layers (CRS)", pair.crs_cosine, null, null, "sound"]];
    const upTo = A.rate !== B.rate ? ` Shown up to ${hz(fmax())}, which both take.` : "";
    return trustBlock({
      ...block, bars: { ...bars, rows: [...bars.rows, ...first] },
      note: `r of the pictures; for the first layers the cosine of their response spectra.${upTo}${pair?.note ? ` ${pair.note}` : ""}`,
    });
  }

  function draw() {
    const A = S.run;
    const B = otherRun();
    const alone = !B || !S.otherRel || !S.rel;
    $("compare").hidden = !B && !page.live; // a live page can ask another model
    $("compare").classList.toggle("alone", alone);
    if (alone) {
      fill($("cmpcontrol"), B && S.rel && h("p", { class: "s txt" }, unlike(B)));
      return;
    }
    who("whoA", A, S.rel, "warm", "relevance");
    who("whoB", B, S.otherRel, "cool", "other");
    S.diff = S.rel.pic && S.otherRel.pic ? differenceOf(S.rel.pic, S.otherRel.pic, fmax(), S.dur) : null;
    $("cmpcontrol").replaceChildren(judge(A, B));
    $("cmpcopy").hidden = !pairOf()?.call;
    const key = (name, colour, style) => h("span", { class: "lg" + (style ?? ""), style: `--c:${colour}` }, name);
    const { css } = page;
    $("ovleg").replaceChildren(
      h("h3", {}, "Relevance spectra"), key(A.model, css.warm), key(B.model, css.cool, " d"), key("the sound", css.mid),
    );
    $("diffleg").replaceChildren(key(`more in ${A.model}`, css.warm, " f"), key(`more in ${B.model}`, css.cool, " f"));
    for (const stack of stacks) stack.touch();
    drawSpectrum();
  }

  const unlike = (run) => `The relevance of ${run.model} by the rule ${ruleName(run, S.rule)} is not on this page: choose another rule.`;

  // The call that compares the two, in the order in which they were given.
  function calls() {
    const pair = pairOf();
    if (!pair?.call) return null;
    const models = [pair.a, pair.b].map((id) => page.data.runs.get(id).opened ?? {});
    return [pair.opened ?? { ...models[0], models, rate: S.run.rate }, pair.call];
  }

  // Of the other model the same class by the same rule, or else what it says itself; null where it has none by the rule.
  function targetAlike(run, rel) {
    const known = run.relevance.filter((one) => one.rule === S.rule);
    const same = rel?.target === "contrast" ? null : known.find((one) => one.label === rel?.label);
    return (same ?? known.find((one) => one.target === "top") ?? known[0])?.target ?? null;
  }

  // The other models that heard the same sound.
  async function load() {
    const mine = S.run;
    const { sounds } = page.manifest;
    const same = (run) => run.id !== mine.id && sounds[run.sound].name === sounds[mine.sound].name;
    const others = [...page.data.runs.values()].filter(same);
    const id = others.some((run) => run.id === S.other) ? S.other : others[0]?.id ?? null;
    $("other").replaceChildren(...others.map((run) => h("option", { value: run.id, selected: run.id === id }, run.model)));
    const run = page.data.runs.get(id);
    const target = run && targetAlike(run, S.rel);
    const entry = target ? await page.data.relevance(id, S.rule, target).catch(page.failed("The relevance of the other model")) : null;
    if (S.run !== mine) return;
    set({ other: id, otherRel: entry });
    page.hear("other", entry?.x ? { x: entry.x, rate: entry.rate, label: run.model, short: "Other" } : null);
    draw();
  }

  page.watch($("ov"), "near", (seen) => {
    near = seen;
    if (near && late) drawSpectrum();
  });
  page.watch($("ov"), "size", drawSpectrum);
  on("scale theme", drawSpectrum);
  on("theme", () => S.otherRel && draw());
  on("late rel", () => {
    if (S.late) load();
  });
  $("cmpcopy").append(copyButton(page, "the comparison", calls));
  page.commands.compare = (id) => {
    S.other = id;
    return load();
  };
  $("other").addEventListener("change", (event) => page.commands.compare(event.target.value));
}
