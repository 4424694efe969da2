// The answer: what the model says, where in time and frequency it listened, and what tells whether that may be believed.

import { copyButton } from "./copy.js";
import { attribute, choices, dot, fill, h } from "./dom.js";
import { clamp, corr, hz, minus, NB, numberFrom, prob, scoreText, sec, sig, span, visible } from "./numbers.js";
import { RANGE } from "./paint.js";
import { segmentStrip } from "./segments.js";
import { inDb, largest, spectrum, valueAt } from "./signal.js";
import { Stack } from "./stack.js";

const RULES = { guided: "guided", gradient: "gradient", gradient_x_input: "gradient \u00d7 input" };
const OF_PICTURES = ["hop", "window", "segments", "tier"]; // arguments of a relevance that its tests do not share
const TARGETS = ["top", "second", "contrast"]; // what is explained: the class, the one next to it, their difference
const TEST = "control"; // the method that tells whether a relevance may be believed
const SHOWN = 4; // classes with a bar
const ROOM = 162; // px beside the class, for its probability
const SMALLEST = 30; // px of a class on one line
const NONE = 40; // px of what is said where there is no class
const LOWEST_BAND = 50; // Hz: from here on bands are looked for
const EVEN = 0.35; // share of the sound above which half of the relevance has no place to be marked

export const ruleName = (run, rule) => run.rules?.[rule] ?? RULES[rule] ?? rule.replaceAll("_", " ");

const labelOf = (run, target) => run.relevance.find((e) => e.target === target)?.label ?? target;

// Why a rule, or what is explained, cannot be chosen beside what is chosen now: there is no such relevance on the page.
export function refusals(run, chosenRule, chosenTarget) {
  const known = (rule, target) => run.relevance.some((e) => e.rule === rule && e.target === target);
  const none = (rule, target) => (known(rule, target) ? null
    : `The relevance for ${labelOf(run, target)} by the rule ${ruleName(run, rule)} is not on this page.`);
  return { rule: (rule) => none(rule, chosenTarget), target: (target) => none(chosenRule, target) };
}

// Name of a class, or its number.
export const className = (run, index) => visible(run.classes?.[index] ?? index);

// The interval that holds half of the relevance, or null where it is spread over the sound or there is none.
export const brief = (entry, duration) => (entry.time && entry.time[1] - entry.time[0] <= EVEN * duration ? entry.time : null);

const nowhere = ({ time, signed, picture }) => {
  if (time) return `most of it below ${hz(LOWEST_BAND)}`;
  return signed && picture.top ? "all of it against" : "zero throughout";
};

// The spectrum beside a picture over a stretch of time.
export const sideCurve = (page, picture, colour, more = {}) => ({
  v: inDb(spectrum(picture, ...page.range())), df: picture.df, colour, ...more,
});

// Bars of correlations: from 0 to 1, or from -1 to 1 where the map has a sign; a range as a thin line.
export function correlationBars(rows, signed) {
  const X = (r) => (signed ? (clamp(r, -1, 1) + 1) * 50 : clamp(r, 0, 1) * 100);
  const zero = X(0);
  const bars = h("div", { class: "rbars", style: `--zero:${zero}%` });
  for (const [name, r, low, high, of, limit] of rows) {
    const track = h("span", { class: "t" });
    if (typeof r === "number") {
      const a = Math.min(zero, X(r));
      const bar = h("i", { class: of === "sound" ? "snd" : null, style: `left:${a}%;width:${Math.max(0.6, Math.abs(X(r) - zero))}%` });
      track.append(bar);
    }
    if (low != null) track.append(h("u", { style: `left:${X(low)}%;width:${Math.max(0.5, X(high) - X(low))}%` }));
    bars.append(h("span", { class: "s" }, name), track, h("span", { class: "n" }, corr(r, limit)));
  }
  return bars;
}

const shownCell = (value) => (typeof value === "number" ? scoreText(value) : value ?? "");

function trustTable({ columns, rows, strong = [] }) {
  const isStrong = (i, j) => strong.some(([row, column]) => row === i && column === j);
  const cell = (value, i, j) => h("td", {}, isStrong(i, j) ? h("b", {}, shownCell(value)) : shownCell(value));
  return h("table", {},
    h("thead", {}, h("tr", {}, columns.map((name) => h("th", { scope: "col" }, name)))),
    h("tbody", {}, rows.map((row, i) => h("tr", {}, row.map((value, j) => cell(value, i, j))))));
}

// A correlation and a frequency stay on one line.
const unbroken = (text) => text.replace(/\br ([=<>]) /g, `r${NB}$1${NB}`).replace(/ (Hz|kHz|s|ms|dB|%)(?![\w])/g, `${NB}$1`);

// One line of evidence: a verdict in words, then the numbers it comes from.
export function trustBlock({ method, level, head, text, bars, table, note }) {
  return h("div", { class: "trust", "data-method": method },
    h("p", { class: "head" }, dot(level), h("span", {}, head)),
    h("p", { class: "s txt" }, unbroken(text)),
    bars && h("p", { class: "xs rh" }, bars.columns.map((name) => h("span", {}, name))),
    bars && correlationBars(bars.rows, bars.signed),
    table && trustTable(table),
    note && h("p", { class: "xs note" }, note));
}

// What there is in place of a class, and the number that is explained.
function withoutClass({ reason = "Its output is not one value a class.", label, score } = {}) {
  return label && score != null ? `${reason.replace(/\.$/, "")}: ${label} ${sig(score, 4)}` : reason;
}

// How far the class that is next is from the first.
export function runnerUpWords({ order: [top, second], logits, answer }) {
  const [first, next] = [top, second].map((i) => numberFrom(logits[i]));
  const below = first === next && answer?.margin == null ? 0 : numberFrom(answer?.margin ?? first - next); // of all digits
  if (below === 0) return "a tie";
  return `${answer?.score_kind ?? "logit"} ${scoreText(below)} lower`;
}

// Bars of scores, from zero or the lowest one: in per cent where zero is, and [left, width] of each; what is not finite
// has none.
export function barsOf(scores) {
  const finite = scores.filter(Number.isFinite);
  const low = Math.min(0, ...finite);
  const high = Math.max(0, ...finite);
  const X = (v) => (high > low ? (v / (high - low) - low / (high - low)) * 100 : 0);
  const bar = (v) => (Number.isFinite(v) ? [Math.min(X(0), X(v)), Math.abs(X(v) - X(0))] : null);
  return { zero: X(0), bars: scores.map(bar) };
}

function verdictWords(page) {
  const { $, S } = page;
  const { run } = S;
  const [top, second] = run.order ?? [];
  fill($("eyebrow"), `${run.model} says`);
  $("says").parentElement.classList.toggle("none", top === undefined);
  if (top === undefined) {
    fill($("says"), "no class");
    fill($("prob"));
    fill($("runner"), withoutClass(run.answer));
    return;
  }
  fill($("says"), className(run, top));
  fill($("prob"), run.probabilities?.[top] != null ? prob(run.probabilities[top]) : `${run.answer?.score_kind ?? "score"} ${sig(run.logits[top])}`);
  attribute($("prob"), "title", run.answer?.how ?? "");
  const n = run.class_count ?? run.logits.length;
  fill($("runner"), ...(second === undefined
    ? [run.answer?.label ? `its only output, ${run.answer.label}` : "its only output"]
    : [`of ${n} classes; then `, h("bdi", {}, className(run, second)), ",", h("br"), runnerUpWords(run)]));
}

function logitBars(page) {
  const { $, S } = page;
  const { run } = S;
  const shown = (run.order ?? []).slice(0, SHOWN);
  if (shown.length < 2) {
    $("bars").replaceChildren();
    return;
  }
  const { zero, bars } = barsOf(shown.map((i) => numberFrom(run.logits[i])));
  const kind = run.answer?.score_kind ?? "logit";
  $("bars").style.setProperty("--zero", zero + "%");
  attribute($("bars"), "aria-label", `${kind}: ` + shown.map((i) => `${className(run, i)} ${scoreText(run.logits[i])}`).join(", "));
  const bar = (place) => place && h("i", { style: `left:${place[0]}%;width:${place[1]}%` });
  $("bars").replaceChildren(h("span"), h("span"), h("span", { class: "xs n" }, kind), ...shown.flatMap((i, rank) => [
    h("span", { class: rank ? "s nm" : "nm" }, className(run, i)),
    h("span", { class: "t" + (rank ? "" : " on") }, bar(bars[rank])),
    h("span", { class: "n" }, scoreText(run.logits[i])),
  ]));
}

// What there is where no part of a relevance has a place: nothing at all, or only what speaks against.
function noneWords({ signed, label, picture }) {
  if (!signed || !picture.top) return "The relevance is zero throughout this sound: nothing in it moves this score.";
  return `Nothing in this sound speaks for ${label}: all of the relevance speaks against it.`;
}

// Where half of the relevance lies, as a sentence.
function whereWords(page, entry) {
  const { S, player } = page;
  if (!entry && S.run.relevance.length) return ["The relevance could not be read."];
  if (!entry) return [S.run.relevance_note ?? "No relevance was asked for in this page."];
  if (!entry.time) return [noneWords(entry)];
  const band = entry.band ? ["from ", h("b", { class: "lk" }, span(...entry.band, "Hz"))] : [`below ${hz(LOWEST_BAND)}`];
  const what = entry.signed ? `what speaks for ${entry.label}` : entry.target === "top" ? "its relevance" : `the relevance for ${entry.label}`;
  if (!brief(entry, S.dur)) {
    return [`${what[0].toUpperCase()}${what.slice(1)} is spread over the whole sound; half of it lies `, ...band, "."];
  }
  const loop = () => {
    page.region(...entry.time);
    player.play(entry.time[0]);
  };
  const time = h("button", { type: "button", class: "lk", title: "Loop this interval", onclick: loop }, span(...entry.time, "s"));
  return [`Half of ${what} lies from `, time, ", and half ", ...band, "."];
}

// As large as leaves room for the probability beside it; a name that would be too small stands above it, on lines.
function fitVerdict(page) {
  const says = page.$("says");
  says.parentElement.classList.remove("long");
  if (says.parentElement.classList.contains("none")) {
    says.style.fontSize = NONE + "px";
    return;
  }
  const room = says.parentElement.clientWidth - ROOM;
  const most = page.narrow ? 76 : 128;
  says.style.fontSize = most + "px";
  const width = says.scrollWidth;
  if (width <= room) return;
  const size = Math.floor((most * room) / width);
  says.style.fontSize = Math.max(SMALLEST, size) + "px";
  says.parentElement.classList.toggle("long", size < SMALLEST);
}

export function answerView(page) {
  const { $, S, set, on } = page;
  const head = h("h3", {});
  const targets = h("div", { class: "seg", role: "radiogroup", "aria-label": "What is explained" });
  const rules = h("div", { class: "seg", role: "radiogroup", "aria-label": "Rule" });
  const copy = copyButton(page, "the relevance", () => S.rel?.call && [S.run.opened, S.rel.call]);
  const group = h("div", { class: "group g2", style: "visibility:hidden" }, head, targets, rules, copy);

  const soundWave = () => S.sound && {
    x: S.sound.x, outline: S.sound.outline, rate: S.sound.rate, colour: page.css.ink2, label: `Waveform of ${S.sound.name}`,
    legend: [page.lut.sound, minus(-RANGE), "0 dB"],
  };
  const soundPicture = () => S.sound?.pic && {
    pic: S.sound.pic, lut: page.lut.sound, marks: S.sound.marks, label: `Spectrogram of ${S.sound.name}`,
    curves: [sideCurve(page, S.sound.pic, page.css.ink2)], tag: S.sound.signal.peak ? null : "silent: every sample is zero",
  };
  const relevanceWave = () => S.rel && {
    x: S.rel.x, outline: S.rel.outline, rate: S.rel.rate, colour: page.css.warm, signed: S.rel.signed, time: brief(S.rel, S.dur),
    label: `Relevance for ${S.rel.label} over time`, holds: S.rel.time ? `half of it from ${span(...S.rel.time, "s")}` : nowhere(S.rel),
    legend: S.rel.signed ? [page.lut.signed, "against", "for"] : [page.lut.warm, minus(-RANGE), "0 dB"],
  };
  const relevancePicture = () => {
    const { rel, sound } = S;
    if (!rel?.pic) return null;
    const power = spectrum(rel.pic, ...page.range());
    const curves = [{ v: inDb(power), df: rel.pic.df, colour: page.css.warm, width: 1.6 }];
    if (rel.signed) {
      const against = inDb(spectrum(rel.pic, ...page.range(), -1), largest(power));
      curves.unshift({ v: against, df: rel.pic.df, colour: page.css.cool, dash: [3, 2] });
    }
    if (sound?.pic) curves.unshift(sideCurve(page, sound.pic, page.css.mid));
    const where = rel.band ? `half of it from ${span(...rel.band, "Hz")}, strongest at ${hz(rel.peak_frequency)}` : nowhere(rel);
    return {
      pic: rel.pic, lut: rel.signed ? page.lut.signed : page.lut.warm, band: rel.band, curves, tag: rel.time ? null : nowhere(rel),
      label: `Relevance for ${rel.label} in time and frequency`, holds: where,
    };
  };

  const stack = new Stack(page, $("main"), {
    label: "Position in the sound", read: $("read"),
    rows: [
      { kind: "wave", h: "var(--wv)", get: soundWave },
      { head: segmentStrip(page) },
      { kind: "pic", h: "var(--sp)", get: soundPicture },
      { head: group },
      { kind: "wave", h: "var(--wv)", get: relevanceWave },
      { kind: "pic", h: "var(--sp)", get: relevancePicture },
    ],
    probe: (t, f) => {
      if (t == null) return "";
      const at = (picture, name) => (picture ? `   ${name} ${valueAt(picture, f, t)}` : "");
      return f == null ? sec(t) : `${sec(t)}   ${hz(f)}${at(S.sound?.pic, "sound")}${at(S.rel?.pic, "relevance")}`;
    },
  });
  page.mainStack = stack;
  const below = stack.rows.findIndex((row) => row.head === group) + 1; // the first row of the relevance

  function drawSound() {
    const { sound } = S;
    if (!sound) return;
    $("soundname").replaceChildren(
      h("span", { class: "wide" }, `${sound.name}, ${sec(sound.duration)} at ${hz(sound.rate)}`),
      h("span", { class: "thin" }, `Sound, ${RANGE}${NB}dB`),
    );
    stack.touch();
  }

  // A test of a relevance is asked what the relevance was asked.
  function copyTrust(method) {
    const same = Object.entries(S.rel.call.arguments).filter(([name]) => !OF_PICTURES.includes(name));
    const call = { ...S.rel.call, method, arguments: Object.fromEntries(same) };
    return copyButton(page, method.replaceAll("_", " "), () => [S.run.opened, call]);
  }

  function drawTrust() {
    const { rel } = S;
    const text = rel?.trust_note ?? "Whether this picture may be believed was not tested: no control is in this page.";
    const blocks = rel?.trust?.length || !rel ? rel?.trust ?? [] : [{ method: "none", level: "none", head: "Not tested", text }];
    $("trust").replaceChildren(...blocks.map((block) => {
      const shown = trustBlock(block);
      const test = block.method === "none" ? TEST : block.method; // what was not tested can be, by what is copied
      if (rel?.call) shown.querySelector(".head").append(copyTrust(test));
      return shown;
    }));
    $("trust").classList.toggle("short", blocks.length < 2);
  }

  function drawChoices() {
    const { run } = S;
    const entries = run.relevance;
    group.hidden = !entries.length;
    group.style.visibility = ""; // until now it kept its place
    fill(head, "Relevance for");
    const of = TARGETS.filter((target) => entries.some((e) => e.target === target));
    const { rule: byRule, target: byTarget } = refusals(run, S.rule, S.target);
    choices(targets, of.map((target) => [target, labelOf(run, target), null, byTarget(target)]), S.target, (target) => set({ target }));
    const names = [...new Set(entries.map((e) => e.rule))];
    choices(rules, names.map((rule) => [rule, ruleName(run, rule), null, byRule(rule)]), S.rule, (rule) => set({ rule }));
  }

  function draw() {
    for (const row of stack.rows.slice(below)) row.el.hidden = !S.run.relevance.length;
    $("main").classList.toggle("short", !S.run.relevance.length);
    verdictWords(page);
    fitVerdict(page);
    logitBars(page);
    fill($("where"), ...whereWords(page, S.rel));
    drawTrust();
    drawChoices();
    stack.touch();
  }

  on("sound", drawSound);
  on("answered", draw);
  page.watch($("says").parentElement, "size", () => S.run && fitVerdict(page));
  return { stack, below };
}
