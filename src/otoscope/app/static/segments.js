// Words, phones or events: a strip under the waveform, and how much of the relevance lies in each.

import { choices, fill, h } from "./dom.js";
import { count, minus, NB, sig, span } from "./numbers.js";

const NARROWEST_SEGMENT = 15; // pixels of a segment that has room for a name
const MOST_NAMED_SEGMENTS = 150; // in view
const MOST_SEGMENT_ROWS = 60; // of the table
export const OUTSIDE = "(outside)";

// What is measured in segments, by the form of the rule: [name of the list, heading, whether it has shares].
const SEGMENT_MEASURES = {
  product: ["relevance", "relevance", true],
  gradient: ["energy", "energy of the relevance", true],
  "weighted sound": ["loss", "mean loss without it", false],
};

// Segments in view: those with room for a name, with the place and width of each in pixels, and all edges.
export function placedSegments(segments, v0, v1, width) {
  const X = (t) => ((t - v0) / (v1 - v0)) * width;
  const named = [];
  const edges = [];
  segments.forEach(({ start, stop, label }, index) => {
    if (stop <= v0 || start >= v1) return;
    const x = Math.max(0, X(start));
    const w = Math.min(width, X(stop)) - x;
    edges.push(X(start), X(stop));
    if (w >= NARROWEST_SEGMENT) named.push({ index, label, x, w });
  });
  named.sort((a, b) => b.w - a.w);
  const inside = edges.filter((x) => x >= 0 && x <= width).sort((a, b) => a - b);
  const apart = inside.filter((x, i) => i === 0 || x - inside[i - 1] >= 1);
  return { named: named.slice(0, MOST_NAMED_SEGMENTS), edges: apart };
}

// Rows of the table of segments, or of labels, of an entry of relevance.
export function segmentRows(sound, entry, by) {
  const sums = entry?.segments;
  if (!sums || !sound?.segments?.length) return [];
  const list = by === "label" ? sums.label : sums.segment;
  const [measure] = SEGMENT_MEASURES[sums.form];
  const rows = list[measure].map((value, i) => {
    const one = by === "label" ? null : sound.segments[i];
    return {
      index: by === "label" ? null : i,
      label: one ? one.label : list.names[i],
      start: one?.start,
      stop: one?.stop,
      value,
      share: list.share?.[i] ?? null,
      input: list.input_share?.[i] ?? null,
      time: list.time_share?.[i] ?? null,
    };
  });
  const weight = (row) => Math.abs(row.share ?? row.value ?? 0);
  const last = (row) => Number(row.label === OUTSIDE);
  if (by === "label") return rows.sort((a, b) => last(a) - last(b) || weight(b) - weight(a));
  if (rows.length <= MOST_SEGMENT_ROWS) return rows;
  return [...rows].sort((a, b) => weight(b) - weight(a)).slice(0, MOST_SEGMENT_ROWS).sort((a, b) => a.start - b.start);
}

// A share of the whole: in per cent, or unknown where the whole is nothing.
export function percent(share) {
  if (share == null || !Number.isFinite(share)) return "unknown";
  const value = 100 * share;
  return minus(Math.abs(value) < 9.95 && value !== 0 ? value.toFixed(1) : value.toFixed(0)) + NB + "%";
}

const shownLabel = (label) => (label === "" ? "(no label)" : label);

const segmentsOf = ({ S, manifest }) => (S.run && manifest.sounds[S.run.sound]?.segments) || [];

// The strip of names, as a row of a stack; it hides itself where the sound has no segments.
export function segmentStrip(page) {
  const canvas = h("canvas", { "aria-hidden": "true" });
  const names = h("div", { class: "segnames" });
  const strip = h("div", { class: "segstrip", role: "group", "aria-label": "Segments", hidden: true }, canvas, names);
  let queued = false;
  const draw = () => {
    queued = false;
    const { S } = page;
    const segments = segmentsOf(page);
    const width = names.clientWidth;
    if (!segments.length || !width) return;
    const placed = placedSegments(segments, S.v0, S.v1, width);
    drawSegmentEdges(page, canvas, width, placed.edges);
    const list = S.rel?.segments?.segment;
    placed.named.sort((a, b) => a.index - b.index);
    names.replaceChildren(...placed.named.map(({ index, label, x, w }) => {
      const { start, stop } = segments[index];
      const share = list?.share?.[index];
      const of = share == null ? "" : `, ${percent(share)} of the relevance`;
      const said = `${shownLabel(label)}, ${span(start, stop, "s")}${of}`;
      const style = `left:${x.toFixed(1)}px;width:${w.toFixed(1)}px`;
      const attributes = { type: "button", class: "segname", style, title: said, "aria-label": said };
      return h("button", { ...attributes, onclick: () => loopSegment(page, start, stop) }, label);
    }));
  };
  const later = () => {
    if (!queued) requestAnimationFrame(draw);
    queued = true;
  };
  page.on("run", () => { // at once, so that nothing moves when the sound is there
    strip.hidden = !segmentsOf(page).length;
  });
  page.on("run sound rel v0 v1 dur theme", later);
  page.watch(strip, "size", later);
  return strip;
}

function drawSegmentEdges(page, canvas, width, edges) {
  const ratio = Math.min(3, window.devicePixelRatio || 1);
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(20 * ratio);
  const c = canvas.getContext("2d");
  c.fillStyle = page.css.rule2;
  for (const x of edges) {
    c.fillRect(Math.min(canvas.width - 1, Math.round(x * ratio)), 0, Math.max(1, ratio), canvas.height);
  }
}

function loopSegment(page, start, stop) {
  page.region(start, stop);
  if (!page.player.playing) page.player.play(start);
}

// The table of sums below the pictures.
export function segmentsView(page) {
  const state = { by: "label" };
  const by = h("div", { class: "seg", role: "radiogroup", "aria-label": "Rows of the table" });
  const table = h("table", { class: "segsums" });
  const note = h("p", { class: "xs" });
  const title = h("h3", {}, "Where the relevance lies");
  const head = h("div", { class: "group" }, title, by);
  const box = h("div", { class: "segbox", hidden: true }, head, h("div", { class: "scroll" }, table), note);
  page.$("main").parentElement.append(box);
  const draw = () => {
    const { sound, rel } = page.S;
    const rows = segmentRows(sound, rel, state.by);
    box.hidden = !rows.length;
    if (box.hidden) return;
    const [, heading, shares] = SEGMENT_MEASURES[rel.segments.form];
    choices(by, [["label", "by label"], ["segment", "one by one"]], state.by, (picked) => {
      state.by = picked;
      draw();
    });
    table.replaceChildren(sumsHead(sound, state.by, heading, shares), h("tbody", {}, ...sumsRows(page, rows, shares)));
    const left = state.by === "segment" && sound.segments.length > rows.length;
    fill(note, [
      left ? `The ${rows.length} with the most of ${count(sound.segments.length)}.` : "",
      shares ? "Parts sum to the whole; beside them the shares of the sound's energy and of the time." : "",
    ].filter(Boolean).join(" "));
  };
  page.on("sound rel", draw);
}

function sumsHead(sound, by, heading, shares) {
  const cell = (text, title) => h("th", { scope: "col", title }, text);
  return h("thead", {}, h("tr", {},
    cell(sound.tier ? sound.tier : by === "label" ? "label" : "segment"), by === "segment" && cell("time"),
    h("th", { scope: "col", class: "wide2", colspan: 2 }, heading),
    shares && cell("sound", "share of the energy of the sound"), cell("time", "share of the time")));
}

function sumsRows(page, rows, shares) {
  const value = (row) => (shares ? row.share : row.value);
  const top = Math.max(1e-12, ...rows.map((row) => Math.abs(value(row) ?? 0)));
  const signed = rows.some((row) => value(row) < 0);
  return rows.map((row) => {
    const size = (Math.abs(value(row) ?? 0) / top) * (signed ? 50 : 100);
    const left = !signed ? 0 : value(row) < 0 ? 50 - size : 50;
    const style = `left:${left}%;width:${Math.max(0.5, size)}%`;
    const bar = h("i", { class: value(row) < 0 ? "against" : null, style });
    const hear = () => nextSegment(page, row);
    const button = () => h("button", { type: "button", class: "tx", onclick: hear }, shownLabel(row.label));
    return h(
      "tr", {},
      h("td", {}, row.label === OUTSIDE ? row.label : button()),
      row.start != null && h("td", {}, span(row.start, row.stop, "s")),
      h("td", { class: "barcell" }, h("span", {}, bar)),
      h("td", {}, shares ? percent(row.share) : row.value == null ? "unknown" : sig(row.value)),
      shares && h("td", {}, percent(row.input)),
      h("td", {}, percent(row.time)),
    );
  });
}

// Loops a segment; of a label the next of its segments after the cursor.
function nextSegment(page, row) {
  const { segments } = page.S.sound;
  if (row.index != null) {
    loopSegment(page, segments[row.index].start, segments[row.index].stop);
    return;
  }
  const own = segments.filter(({ label }) => label === row.label);
  const at = page.S.reg ? page.S.reg[0] : -1;
  const one = own.find(({ start }) => start > at + 1e-9) ?? own[0];
  if (one) loopSegment(page, one.start, one.stop);
}
