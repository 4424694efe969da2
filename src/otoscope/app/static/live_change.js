// Change the sound and ask again: filter a band out, silence a stretch, move the pitch; hear both, see both.

import { className, ruleName } from "./answer.js";
import { bandView } from "./live_band.js";
import { attribute, choices, fill, h } from "./dom.js";
import { fx, hz, NB, numberFrom, prob, scoreText, sec, sig } from "./numbers.js";
import { valueAt } from "./signal.js";
import { Stack } from "./stack.js";

const LIKELIEST = 4; // classes with bars

// What a model says of a run, in a few words.
export function verdictOf(run) {
  const [top] = run.order ?? [];
  if (top === undefined) return run.answer?.reason ?? "it has none";
  return run.probabilities ? `${className(run, top)} (${prob(run.probabilities[top])})` : className(run, top);
}

// Whether the answer is another one, as a sentence; `words` are those of `changeWords`.
export function outcomeWords(before, after, words) {
  const [a, b] = [before, after].map((run) => (run.order?.length ? className(run, run.order[0]) : null));
  const lead = words[0].toUpperCase() + words.slice(1);
  if (b === null) return `${lead} the model names no class: ${verdictOf(after)}.`;
  if (a !== b) return `${lead} the model says ${verdictOf(after)}${a === null ? "" : ` instead of ${verdictOf(before)}`}.`;
  const was = before.probabilities && after.probabilities ? [before, after].map((run) => prob(run.probabilities[run.order[0]])) : null;
  return was ? `${lead} the model still says ${b} (${was[1]}; before, ${was[0]}).` : `${lead} the model still says ${b}.`;
}

// The classes that are likeliest before or after, with what they had and have: [name, before, after], likeliest first.
export function outcomeRows(before, after) {
  const values = (run) => run.probabilities ?? run.logits ?? [];
  const names = new Map();
  for (const run of [before, after]) for (const i of (run.order ?? []).slice(0, LIKELIEST)) names.set(className(run, i), true);
  const of = (run, name) => {
    const i = (run.order ?? []).find((index) => className(run, index) === name);
    return i === undefined ? null : values(run)[i];
  };
  return [...names.keys()].map((name) => [name, of(before, name), of(after, name)])
    .sort((p, q) => Math.max(q[1] ?? -Infinity, q[2] ?? -Infinity) - Math.max(p[1] ?? -Infinity, p[2] ?? -Infinity))
    .slice(0, LIKELIEST + 1);
}

// A probability in few digits, never more certain than it is.
export const shareWords = (p) => (p < 0.001 ? `<${NB}0.001` : p > 0.999 ? `>${NB}0.999` : p.toFixed(3));

// A number within bounds from a field, or null with its complaint set.
function numberOf(input, low, high) {
  const value = Number(input.value);
  const fits = input.value !== "" && value >= low && value <= high;
  input.setCustomValidity(fits ? "" : `A number from ${sig(low)} to ${sig(high)}`);
  return fits ? value : null;
}

const field = (name, attributes) => h("input", { type: "number", "aria-label": name, class: "num", ...attributes });

// Where changes stand: below the answer, and in the navigation.
export function changePlace(page) {
  page.$("answer").after(h("section", { id: "change", "aria-labelledby": "h-change" }));
  page.$$(".nav a")[0]?.after(h("a", { href: "#change" }, "Change"));
}

export function changeView(page, bench) {
  const { S, set, on, player } = page;
  const low = field("From, Hz", { min: 0, step: "any" });
  const high = field("To, Hz", { min: 0, step: "any" });
  const start = field("From, s", { min: 0, step: "any" });
  const stop = field("To, s", { min: 0, step: "any" });
  const factor = h("input", { type: "range", min: -12, max: 12, step: 1, value: 7, id: "semitones", "aria-label": "Move the pitch by, in semitones" });
  const semitones = h("output", { for: "semitones", class: "n" });
  const says = h("p", { class: "say", role: "status" });
  const bars = h("table", { class: "versus" });
  const hear = h("div", { class: "seg", role: "radiogroup", "aria-label": "What is heard, before or after" });
  const keep = h("button", { type: "button", class: "tx" }, "Look into the changed sound");
  const undo = h("button", { type: "button", class: "tx" }, "Forget the change");
  const after = h("div", { class: "row2", hidden: true }, hear, keep, undo);
  const notes = h("p", { class: "xs" });
  const readA = h("span", { class: "read" });
  const readB = h("span", { class: "read" });
  const boxA = h("div", { class: "stack", id: "before" });
  const boxB = h("div", { class: "stack", id: "after" });
  const headB = h("h3", {}, "After");
  const pictures = h("div", { class: "cmp", hidden: true },
    h("div", {}, h("div", { class: "group" }, h("h3", {}, "Before"), readA), boxA),
    h("div", {}, h("div", { class: "group" }, headB, readB), boxB));

  const form = (legend, hint, button, ...fields) => {
    const element = h("form", { class: "change" }, h("span", { class: "lead" }, legend), ...fields,
      h("button", { class: "act" }, button), hint && h("span", { class: "xs" }, hint));
    element.addEventListener("submit", (event) => {
      event.preventDefault();
      event.stopPropagation();
    });
    return element;
  };
  const filter = form("Filter out", "or drag along a frequency axis above", "Filter", low, "to", high, "Hz");
  const gap = form("Silence", "or drag over a picture to choose a region", "Silence", start, "to", stop, "s");
  const pitch = form("Move the pitch by", "formants stay where they are", "Move", factor, semitones);
  page.$("change").append(h("div", { class: "two" },
    h("div", { class: "words" }, h("h2", { id: "h-change" }, "Change the sound"),
      h("p", {}, "Take a band or a stretch away, or move the pitch, and ask again: what the answer needs shows when it is gone."),
      filter, gap, pitch),
    h("div", { class: "outcome" }, says, bars, after, notes, pictures)));

  const rows = (of, name) => [
    { kind: "wave", h: "40px", get: () => of() && { x: of().sound.x, rate: of().sound.rate, colour: page.css.ink2, label: `Waveform ${name}` } },
    { kind: "pic", h: "150px", get: () => of()?.sound.pic && { pic: of().sound.pic, lut: page.lut.sound, tag: "the sound", label: `Spectrogram ${name}` } },
    { kind: "pic", h: "150px", get: () => of()?.rel?.pic && {
      pic: of().rel.pic, lut: of().rel.signed ? page.lut.signed : page.lut.warm, tag: `relevance for ${of().rel.label}`, label: `Relevance ${name}`,
    } },
  ];
  const probe = (of) => (t, f) => {
    if (t == null || !of()) return "";
    if (f == null || !of().sound.pic) return sec(t);
    const relevance = of().rel?.pic ? `   relevance ${valueAt(of().rel.pic, f, t)}` : "";
    return `${sec(t)}   ${hz(f)}   sound ${valueAt(of().sound.pic, f, t)}${relevance}`;
  };
  const before = () => S.changed && { sound: S.changed.from, rel: S.changed.fromRel };
  const fmax = () => (S.changed ? S.changed.run.rate / 2 : 0);
  const stacks = [[boxA, before, readA, "before"], [boxB, () => S.changed, readB, "after"]].map(([box, of, read, name]) => new Stack(page, box, {
    rows: rows(of, name), label: `Position in the sound ${name} the change`, read, probe: probe(of), overview: false, fmax,
  }));

  const change = (given) => bench.first(async (from) => {
    const { id, words } = await bench.change(given);
    const [run] = await bench.take("Asking again", { ...bench.asking({ kind: "relevance", rule: S.rule }), sound: id });
    if (S.run !== from) return;
    const sound = await page.data.sound(run.sound);
    const rel = await page.data.relevance(run.id, S.rule, "top");
    const fromRel = await page.data.relevance(from.id, S.rule, "top");
    set({ changed: { run, sound, rel, from: S.sound, fromRel, fromRun: from, id, words } });
    page.hear("changed", { x: sound.x, rate: sound.rate, label: "Changed" });
  });

  filter.addEventListener("submit", () => {
    const top = S.run ? S.run.rate / 2 : Infinity;
    const [a, b] = [numberOf(low, 0, top), numberOf(high, 0, top)];
    if (a === null || b === null) return filter.reportValidity();
    return change({ kind: "band_stop", low: Math.min(a, b), high: Math.max(a, b) });
  });
  gap.addEventListener("submit", () => {
    const [a, b] = [numberOf(start, 0, S.dur), numberOf(stop, 0, S.dur)];
    if (a === null || b === null) return gap.reportValidity();
    return change({ kind: "gap", start: Math.min(a, b), stop: Math.max(a, b) });
  });
  const times = () => Number((2 ** (factor.value / 12)).toFixed(3));
  const tell = () => {
    const steps = Number(factor.value);
    fill(semitones, `${steps > 0 ? "+" : ""}${fx(steps, 0)} semitones, \u00d7 ${times().toFixed(2)}`);
    attribute(factor, "aria-valuetext", semitones.textContent);
  };
  factor.addEventListener("input", tell);
  tell();
  pitch.addEventListener("submit", () => change({ kind: "f0", factor: times() }));
  keep.addEventListener("click", () => bench.look(S.changed.id));
  undo.addEventListener("click", () => set({ changed: null }));

  function drawBars() {
    const { run, fromRun } = S.changed;
    const all = outcomeRows(fromRun, run);
    const values = all.flatMap(([, a, b]) => [a, b]).map(numberFrom).filter(Number.isFinite);
    const [least, most] = fromRun.probabilities ? [0, 1] : [Math.min(0, ...values), Math.max(0, ...values)];
    const width = (v) => `width:${!Number.isFinite(numberFrom(v)) || most === least ? 0 : Math.max(0, (100 * (v - least)) / (most - least))}%`;
    const shown = (v) => (v == null ? "" : fromRun.probabilities ? shareWords(v) : scoreText(v));
    const bar = (v, name) => h("td", { class: name }, h("span", { class: "t" }, h("i", { style: width(v) })), h("span", { class: "n" }, shown(v)));
    const kind = fromRun.probabilities ? "probability" : fromRun.answer?.score_kind ?? "score";
    bars.replaceChildren(h("caption", { class: "vh" }, `What the model says before and after, ${kind}`),
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "class"), h("th", { scope: "col" }, `before, ${kind}`), h("th", { scope: "col" }, "after"))),
      h("tbody", {}, ...all.map(([name, a, b]) => h("tr", {}, h("th", { scope: "row" }, name), bar(a, "was"), bar(b, "is")))));
  }

  function drawHear() {
    if (!S.changed) return;
    choices(hear, [["input", "Hear before"], ["changed", "Hear after"]], S.source, (source) => {
      set({ source });
      if (!player.playing) player.play(0);
    });
  }

  function draw() {
    const { changed } = S;
    for (const element of [bars, after, pictures, notes]) element.hidden = !changed;
    if (!changed) {
      page.hear("changed", null);
      fill(says, "Nothing is changed yet.");
      return;
    }
    fill(says, outcomeWords(changed.fromRun, changed.run, changed.words));
    fill(headB, `After, ${changed.words}`);
    const note = bench.sound(changed.id)?.note;
    fill(notes, `${note ? note + ". " : ""}Relevance, ${ruleName(changed.run, S.rule)}, is for the class that is likeliest of each.`);
    drawBars();
    drawHear();
    for (const stack of stacks) stack.touch();
  }

  on("changed", draw);
  on("source", drawHear);
  on("run", () => set({ changed: null, band: null }));
  on("reg", () => {
    if (S.reg) [start.value, stop.value] = S.reg.map((t) => t.toFixed(3));
  });
  on("band", () => {
    if (S.band) [low.value, high.value] = S.band;
  });
  on("rel", () => { // where it listens is the first guess at what it needs
    if (S.rel?.band && !S.band && !S.changed) [low.value, high.value] = S.rel.band.map((f) => Math.round(f));
    if (S.rel?.time && !S.reg && !S.changed) [start.value, stop.value] = S.rel.time.map((t) => t.toFixed(3));
  });
  bandView(page, page.mainStack, ([a, b]) => {
    page.$("change").scrollIntoView();
    change({ kind: "band_stop", low: a, high: b });
  });
  draw();
}
