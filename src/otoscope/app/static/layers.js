// The layers as a table in the order of the calls: how often each gives a value, how much it sees, what it folds down.

import { copyButton } from "./copy.js";
import { attribute, fill, h, icon } from "./dom.js";
import { clamp, count, hz, many, ms, NB, sig, visible } from "./numbers.js";

const TICKS = [0.0001, 0.001, 0.01, 0.1, 1, 10]; // s
const CLOSEST_TICKS = 28; // per cent of the column
const SPARE = 8; // rows beyond those in view
const LETTER = 6.8; // px of a letter in the table
const TITLES = {
  rate: "values per second of each map",
  folds: "share of energy above the new limit, which the step folds down",
  mu: "mutual coherence of the kernels: 1 where two are the same",
  silent: "maps that are zero throughout this sound",
};

// What all names of taps begin with, up to a point.
export function commonPrefix(run) {
  const names = run.taps.map((tap) => tap.name);
  if (names.length < 2) return "";
  let prefix = names[0].slice(0, names[0].lastIndexOf(".") + 1);
  while (prefix && !names.every((name) => name.startsWith(prefix))) {
    prefix = prefix.slice(0, prefix.lastIndexOf(".", prefix.length - 2) + 1);
  }
  return prefix;
}

export const shortName = (run, name) => name.slice(commonPrefix(run).length);

// A name that is no longer than that. Its longest words lose letters, those of the last part last, since it tells layers
// apart, and numbers stay; then its first parts go.
export function clipped(name, longest) {
  const parts = visible(name).split(".").map((part) => {
    const [, word, number] = part.match(/^(.*?)(\d*)$/);
    return { word, number, cut: "" };
  });
  let begin = "";
  const text = () => begin + parts.map(({ word, cut, number }) => word + cut + number).join(".");
  const shorten = (some) => {
    while (text().length > longest) {
      const most = some.reduce((a, b) => (b.word.length > a.word.length ? b : a), { word: "" });
      if (most.word.length < (most.cut ? 2 : 3)) return;
      most.word = most.word.slice(0, most.cut ? -1 : -2);
      most.cut = "\u2026";
    }
  };
  shorten(parts.slice(0, -1));
  while (text().length > longest && parts.length > 1) {
    parts.shift();
    begin = "\u2026";
  }
  shorten(parts);
  return text().length <= longest ? text() : "\u2026" + text().slice(1 - longest);
}

// Where a block begins: at a convolution that is no further branch of the same parent as the one before.
export function blockStarts(run) {
  let before = null;
  return run.taps.map((tap, i) => {
    if (tap.kind !== "convolution") return false;
    const name = shortName(run, tap.name);
    const parent = name.slice(0, name.lastIndexOf(".") + 1);
    const begins = i > 0 && (parent === "" || parent !== before);
    before = parent;
    return begins;
  });
}

// A scale of durations from the shortest hop to the widest field, in per cent of the column.
export function durationScale(run) {
  const timed = run.taps.filter((tap) => tap.hop);
  const times = timed.flatMap((tap) => [tap.hop / run.rate, tap.receptive_field / run.rate]).filter((s) => s > 0);
  if (!times.length) return { X: () => 0, ticks: [] };
  const a = Math.log10(times.reduce((least, s) => Math.min(least, s)));
  const b = Math.max(a + 0.1, Math.log10(times.reduce((most, s) => Math.max(most, s))));
  const X = (seconds) => clamp((Math.log10(seconds) - a) / (b - a), 0, 1) * 100;
  const inside = TICKS.filter((s) => Math.log10(s) >= a - 0.01 && Math.log10(s) <= b + 0.01);
  const every = Math.ceil((CLOSEST_TICKS * (b - a)) / 100); // decades from one to the next
  return { X, ticks: inside.filter((_, i) => i % every === 0) };
}

// What is known of a layer beside its place in the table, as facts.
export function layerFacts(run, tap) {
  const geometry = (run.geometry ?? []).find((one) => one.taps.includes(tap.name));
  const folds = (run.aliasing ?? []).find((one) => one.step === tap.name);
  const facts = tap.hop
    ? [`one value every ${ms(tap.hop / run.rate)}`, `each sees ${ms(tap.receptive_field / run.rate)}`]
    : ["one value for the whole sound"];
  if (tap.hop && tap.whole) facts[1] = "each sees the whole sound";
  if (tap.silent) facts.push(`${count(tap.silent)} silent`);
  const maps = run.maps[tap.name];
  if (maps?.left_out) facts.push(maps.items.length === 1 ? "the most active is in this page" : `the ${count(maps.items.length)} most active are in this page`);
  if (folds?.share != null) facts.push(`folds ${sig(100 * folds.share, 2)}${NB}% above ${hz(folds.nyquist)}`);
  if (geometry?.A != null) facts.push(`frame bounds ${sig(geometry.A)} to ${sig(geometry.B)}`);
  if (geometry?.mu != null) facts.push(`\u03bc ${geometry.mu.toFixed(2)}`);
  if (geometry?.beta_min != null) facts.push(`nearest kernels ${sig(geometry.beta_min)}\u00b0 apart`);
  if (geometry?.dead) facts.push(`${count(geometry.dead)} dead`);
  return facts;
}

// Columns that say nothing of any layer are left out.
function layersHead({ X, ticks }, shown) {
  const column = (text, name, title) => h("th", { scope: "col", class: name, title }, text);
  const side = (s) => (X(s) > 85 ? " end" : X(s) < 10 ? " start" : "");
  const marks = ticks.map((s) => h("span", { class: "tick" + side(s), style: `left:${X(s)}%` }, sig(s * 1000, 1)));
  const axis = [h("span", { class: "ft2" }, "hop to field, ms"), h("span", { class: "fh", "aria-hidden": "true" }, marks)];
  return h("thead", {}, h(
    "tr", {}, column("layer", "l"), column("maps", "m"), h("th", { scope: "col", class: "f" }, axis),
    column("rate, Hz", "o r", TITLES.rate), shown.folds && column("folds, %", "fo", TITLES.folds),
    shown.mu && column("\u03bc", "o mu", TITLES.mu), shown.silent && column("silent", "o si", TITLES.silent),
  ));
}

// From the hop to the field; where every value sees the whole sound, on to the end.
function funnel(run, tap, X) {
  if (!tap.hop) return h("span", { class: "xs" }, "whole sound");
  const [hop, field] = [tap.hop / run.rate, tap.receptive_field / run.rate];
  const end = tap.whole ? 100 : X(field);
  const style = `left:${X(hop)}%;width:${Math.max(1.5, end - X(hop))}%`;
  const seen = tap.whole ? "sees the whole sound" : `receptive field ${ms(field)}`;
  return h("span", { class: "fun" + (tap.whole ? " all" : ""), title: `hop ${ms(hop)}, ${seen}` }, h("i", { style }));
}

export function layersView(page) {
  const { $, S, set, on } = page;
  const box = $("lay").parentElement;
  let rows = []; // what is in a row: [tap, folds, geometry, whether a block begins]
  let scale = null;
  let shown = {}; // columns that are not empty
  let height = 22;
  let letters = 12; // of a name
  let drawn = "";

  const folded = (folds) => (folds?.share != null ? sig(100 * folds.share, 2) : "");
  const coherence = (tap, geometry) => (geometry?.taps[0] === tap.name && geometry.mu != null ? geometry.mu.toFixed(2) : "");

  function row([tap, folds, geometry, begins], index) {
    const { run } = S;
    const rate = tap.rate ? (tap.rate >= 100 ? count(Math.round(tap.rate)) : sig(tap.rate)) : "";
    const can = "can be heard";
    const dot = run.maps[tap.name] && h("i", { class: "snd", title: can, role: "img", "aria-label": can });
    const title = [`${tap.name}, ${tap.op}`, tap.note].filter(Boolean).join("; ");
    const text = clipped(shortName(run, tap.name), letters - (dot ? 2 : 0));
    return h(
      "tr", {
        class: begins ? "b" : null, "aria-selected": String(tap.name === S.layer), "aria-rowindex": index + 2,
        id: `l:${index}`, onclick: () => set({ layer: tap.name }),
      },
      h("td", {}, h("span", { class: "nm", title }, icon(tap.kind, "kd"), h("span", {}, text), dot)),
      h("td", {}, count(tap.channels)), h("td", {}, funnel(run, tap, scale.X)), h("td", { class: "o r" }, rate),
      shown.folds && h("td", {}, folded(folds)), shown.mu && h("td", { class: "o mu" }, coherence(tap, geometry)),
      shown.silent && h("td", { class: "o" }, tap.silent ? count(tap.silent) : ""),
    );
  }

  // The rows in view, with room for the others above and below.
  function drawRows(again) {
    const first = clamp(Math.floor(box.scrollTop / height) - SPARE, 0, Math.max(0, rows.length - 1));
    const last = Math.min(rows.length, first + Math.ceil((box.clientHeight || 600) / height) + 2 * SPARE);
    const width = $("lay").tHead.rows[0].cells[0].clientWidth;
    letters = Math.max(9, Math.floor((width - 36) / LETTER));
    const key = `${first}-${last}-${letters}`;
    if (key === drawn && !again) return;
    drawn = key;
    const room = (n) => n > 0 && h(
      "tr", { class: "room", "aria-hidden": "true" }, h("td", { style: `height:${n * height}px` }),
    );
    const inView = rows.slice(first, last).map((one, i) => row(one, first + i));
    const body = h("tbody", {}, room(first), inView, room(rows.length - last));
    $("lay").tBodies[0]?.remove();
    $("lay").append(body);
    height = body.querySelector("tr:not(.room)")?.offsetHeight || height;
    $("lay").setAttribute("aria-activedescendant", `l:${chosenRow()}`);
  }

  const chosenRow = () => rows.findIndex(([tap]) => tap.name === S.layer);

  function drawTable() {
    const { run } = S;
    scale = durationScale(run);
    const folds = new Map((run.aliasing ?? []).map((one) => [one.step, one]));
    const geometry = new Map((run.geometry ?? []).flatMap((one) => one.taps.map((tap) => [tap, one])));
    const begins = blockStarts(run);
    rows = run.taps.map((tap, i) => [tap, folds.get(tap.name), geometry.get(tap.name), begins[i]]);
    shown = {
      folds: rows.some(([, one]) => one?.share != null), mu: rows.some(([, , one]) => one?.mu != null),
      silent: run.taps.some((tap) => tap.silent),
    };
    $("layers").hidden = !rows.length;
    $("lay").setAttribute("aria-rowcount", rows.length + 1);
    $("lay").replaceChildren(h("caption", { class: "vh" }, `Layers of ${run.model}`), layersHead(scale, shown));
    box.scrollTop = 0;
    drawRows(true);
  }

  function showRow(index) {
    const top = index * height;
    if (top < box.scrollTop) box.scrollTop = top;
    else if (top + height + 36 > box.scrollTop + box.clientHeight) box.scrollTop = top + height - box.clientHeight + 40;
  }

  function drawLayer() {
    const { run } = S;
    const index = chosenRow();
    if (!run || index < 0) return;
    const [tap] = rows[index];
    showRow(index);
    drawRows(true);
    const maps = many(tap.channels, "map");
    fill($("layname"), `${clipped(shortName(run, tap.name), 40)}, ${maps}`);
    attribute($("layname"), "title", tap.name);
    const note = tap.note ? ` ${tap.note[0].toUpperCase()}${tap.note.slice(1)}.` : "";
    fill($("layfacts"), layerFacts(run, tap).join("; ") + "." + note);
  }

  function step(by) {
    if (rows.length) set({ layer: rows[clamp(chosenRow() + by, 0, rows.length - 1)][0].name });
  }

  const calls = () => ["taps", "geometry", "aliasing"].map((key) => S.run.calls?.[key]).filter(Boolean);
  $("laycopy").append(copyButton(page, "the table of layers", () => [S.run?.opened, ...calls()]));
  on("late", () => {
    if (S.late) drawTable();
  });
  on("layer", drawLayer);
  page.key("[ ]", "layer above, below", { "[": () => step(-1), "]": () => step(1) });
  box.addEventListener("scroll", () => drawRows(false), { passive: true });
  page.watch(box, "size", () => rows.length && drawRows(false));
  $("lay").addEventListener("keydown", (event) => {
    const by = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10 }[event.key];
    if (!by) return;
    event.preventDefault();
    event.stopPropagation();
    step(by);
  });
}
