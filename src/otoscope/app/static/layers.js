// The layers as a table in the order of the calls: how often each gives a value, how much it sees, what it folds down.

import { copyButton } from "./copy.js";
import { h, icon } from "./dom.js";
import { clamp, count, hz, ms, NB, sig } from "./numbers.js";

const TICKS = [0.0001, 0.001, 0.01, 0.1, 1, 10]; // s
const SPARE = 20; // rows beyond those in view
const LONGEST_NAME = 26; // characters in the table
const TITLES = {
  rate: "values a second",
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

// A name without its middle where it is long: begin and end tell layers apart.
export function clipped(name, longest = LONGEST_NAME) {
  if (name.length <= longest) return name;
  const end = Math.ceil((longest - 1) * 0.6);
  return `${name.slice(0, longest - 1 - end)}\u2026${name.slice(-end)}`;
}

// Where a block begins: at a convolution that is no further branch beside the one before.
export function blockStarts(taps) {
  const parent = (name) => name.slice(0, name.lastIndexOf(".") + 1);
  return taps.map((tap, i) => {
    const before = taps[i - 1];
    if (tap.kind !== "convolution" || !before) return false;
    return before.kind !== "convolution" || parent(before.name) !== parent(tap.name);
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
  return { X, ticks: TICKS.filter((s) => Math.log10(s) >= a - 0.01 && Math.log10(s) <= b + 0.01) };
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
  if (maps?.left_out) facts.push(`the ${count(maps.items.length)} most active are in this page`);
  if (folds?.share != null) facts.push(`folds ${sig(100 * folds.share, 2)}${NB}% above ${hz(folds.nyquist)}`);
  if (geometry?.A != null) facts.push(`frame bounds ${sig(geometry.A)} to ${sig(geometry.B)}`);
  if (geometry?.mu != null) facts.push(`\u03bc ${geometry.mu.toFixed(2)}`);
  if (geometry?.beta_min != null) facts.push(`nearest kernels ${sig(geometry.beta_min)}\u00b0 apart`);
  if (geometry?.dead) facts.push(`${count(geometry.dead)} dead`);
  return facts;
}

function layersHead({ X, ticks }) {
  const column = (text, name, title) => h("th", { scope: "col", class: name, title }, text);
  const marks = ticks.map((s) => h("span", { style: `left:${X(s)}%` }, sig(s * 1000, 1)));
  const axis = [h("span", { class: "ft2" }, "hop to field, ms"), h("span", { class: "fh", "aria-hidden": "true" }, marks)];
  return h("thead", {}, h("tr", {},
    column("layer", "l"), column("maps", "m"), h("th", { scope: "col", class: "f" }, axis),
    column("rate, Hz", "o", TITLES.rate), column("folds, %", null, TITLES.folds),
    column("\u03bc", "o mu", TITLES.mu), column("silent", "o", TITLES.silent)));
}

function funnel(run, tap, X) {
  if (!tap.hop) return h("span", { class: "xs" }, "whole sound");
  const [hop, field] = [tap.hop / run.rate, tap.receptive_field / run.rate];
  const style = `left:${X(hop)}%;width:${Math.max(1.5, X(field) - X(hop))}%`;
  return h("span", { class: "fun", title: `hop ${ms(hop)}, receptive field ${ms(field)}` }, h("i", { style }));
}

export function layersView(page) {
  const { $, S, set, on } = page;
  const box = $("lay").parentElement;
  let rows = []; // what is in a row: [tap, folds, geometry, whether a block begins]
  let scale = null;
  let height = 22;
  let drawn = "";

  function row([tap, folds, geometry, begins], index) {
    const { run } = S;
    const rate = tap.rate ? (tap.rate >= 100 ? count(Math.round(tap.rate)) : sig(tap.rate)) : "";
    const dot = run.maps[tap.name] && h("i", { class: "snd", title: "can be heard", role: "img", "aria-label": "can be heard" });
    const title = [`${tap.name}, ${tap.op}`, tap.note].filter(Boolean).join("; ");
    const name = h("span", { class: "nm", title }, icon(tap.kind, "kd"), h("span", {}, clipped(shortName(run, tap.name))), dot);
    const mu = geometry?.taps[0] === tap.name && geometry.mu != null ? geometry.mu.toFixed(2) : "";
    return h("tr", {
      class: begins ? "b" : null, "aria-selected": String(tap.name === S.layer), "aria-rowindex": index + 2,
      id: `l:${index}`, onclick: () => set({ layer: tap.name }),
    },
    h("td", {}, name), h("td", {}, count(tap.channels)), h("td", {}, funnel(run, tap, scale.X)), h("td", { class: "o" }, rate),
    h("td", {}, folds?.share != null ? sig(100 * folds.share, 2) : ""),
    h("td", { class: "o" }, mu), h("td", { class: "o" }, tap.silent ? count(tap.silent) : ""));
  }

  // The rows in view, with room for the others above and below.
  function drawRows(again) {
    const first = clamp(Math.floor(box.scrollTop / height) - SPARE, 0, Math.max(0, rows.length - 1));
    const last = Math.min(rows.length, first + Math.ceil((box.clientHeight || 600) / height) + 2 * SPARE);
    const key = `${first}-${last}`;
    if (key === drawn && !again) return;
    drawn = key;
    const room = (n) => n > 0 && h("tr", { class: "room", "aria-hidden": "true" }, h("td", { colspan: 7, style: `height:${n * height}px` }));
    const body = h("tbody", {}, room(first), rows.slice(first, last).map((one, i) => row(one, first + i)), room(rows.length - last));
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
    const begins = blockStarts(run.taps);
    rows = run.taps.map((tap, i) => [tap, folds.get(tap.name), geometry.get(tap.name), begins[i]]);
    $("layers").hidden = !rows.length;
    $("lay").setAttribute("aria-rowcount", rows.length + 1);
    $("lay").replaceChildren(h("caption", { class: "vh" }, `Layers of ${run.model}`), layersHead(scale));
    box.scrollTop = 0;
    drawRows(true);
  }

  function showRow(index) {
    const top = index * height;
    if (top < box.scrollTop) box.scrollTop = top;
    else if (top + 2 * height > box.scrollTop + box.clientHeight - 34) box.scrollTop = top + height - box.clientHeight + 40;
  }

  function drawLayer() {
    const { run } = S;
    const index = chosenRow();
    if (!run || index < 0) return;
    const [tap] = rows[index];
    showRow(index);
    drawRows(true);
    $("layname").textContent = `${shortName(run, tap.name)}, ${count(tap.channels)} ${tap.channels === 1 ? "map" : "maps"}`;
    $("layname").title = tap.name;
    const note = tap.note ? ` ${tap.note[0].toUpperCase()}${tap.note.slice(1)}.` : "";
    $("layfacts").textContent = layerFacts(run, tap).join("; ") + "." + note;
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
