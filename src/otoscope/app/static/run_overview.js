// All maps of a run in one picture: layers side by side in their order, each map a dot at the height of what is asked.

import { fill, h } from "./dom.js";
import { count, fx, sig } from "./numbers.js";
import { cutText } from "./paint.js";
import { chartOf, niceTicks } from "./run_charts.js";
import { SORTS } from "./run_table.js";

const MARGIN = 40;
const FOOT = 20;

// What the dots stand at for each order of the list: [values from a map, words, what a map without one is, whether on a
// scale of powers of ten].
function heights(table, sort, fact) {
  const { told, apart } = table;
  const explained = [(i) => (told?.is[i] ? told.explained[i] : NaN), "share that a fact explains (R2)", "without a description", false];
  const all = {
    active: [(i) => 100 * table.active[i], "clips in which it is active, %", "unknown", false],
    selectivity: [(i) => table.selectivity[fact]?.index[i], `selectivity for one ${fact}`, "active in too few clips for one", false],
    score: explained, explained,
    difference: [(i) => (apart ? apart.difference[i] / Math.max(table.activity[i], 1e-12) : NaN), "difference, as a share of its activity", "in no clip of both runs", false],
    correlation: [(i) => apart?.correlation[i], "correlation of both over the clips", "the same in all clips", false],
  };
  return all[sort] ?? [(i) => (table.activity[i] > 0 ? Math.log10(table.activity[i]) : NaN), SORTS.activity, "zero in every clip", true];
}

// What the dots say, as [mark, words]: by their place, and by their colour.
export function dotWords({ layers, n, chosen, absent, why, marked, beyond }) {
  const across = layers === 1 ? "from left to right by number" : "columns are the layers in their order, within one the maps by number";
  return [
    ["", `Each dot is a map: the higher, the more; ${across}.`],
    ["chosen", chosen < n ? `in the list below: ${count(chosen)}` : "all are in the list below"],
    ...(chosen < n ? [["other", `not in it: ${count(n - chosen)}`]] : []),
    ...(marked ? [["ring", "shown below"]] : []),
    ...(absent ? [["floor", `on the lowest line, ${why}: ${count(absent)}`]] : []),
    ...(beyond ? [["", `beyond the axis, at its end: ${count(beyond)}`]] : []),
  ];
}

export function overviewView(run) {
  const { page, R, on } = run;
  const canvas = page.$("run-all");
  const read = page.$("run-allread");
  let places = null; // of every map: x, y

  function draw() {
    const { table } = run;
    const chart = run.isChosen?.length === table?.n && table && chartOf(page, canvas);
    if (!chart) return;
    const { c, w, hgt, css } = chart;
    const { layers } = table.run;
    const [height, words, why, powers] = heights(table, R.sort, R.fact);
    const values = Float64Array.from({ length: table.n }, (_, i) => height(i) ?? NaN);
    const known = values.filter(Number.isFinite).sort();
    fill(page.$("run-allname"), `Every map: ${words}`);
    let low = known.length ? known[0] : 0;
    let high = known.length ? known.at(-1) : 1;
    if (R.sort === "difference") [low, high] = [Math.max(low, -2), Math.min(high, 4)];
    else if (!powers) low = Math.min(low, 0);
    if (high - low < 1e-9) high = low + 1;
    const top = 8;
    const y = (v) => top + (1 - (Math.min(Math.max(v, low), high) - low) / (high - low)) * (hgt - FOOT - top - 6);
    const band = (w - MARGIN - 4) / layers.length;
    const { ticks, digits } = niceTicks(low, high, Math.max(2, Math.floor(hgt / 40)));
    c.textAlign = "right";
    c.textBaseline = "middle";
    for (const tick of powers ? ticks.filter(Number.isInteger) : ticks) {
      c.fillStyle = css.rule;
      c.fillRect(MARGIN, Math.round(y(tick)), w - MARGIN, 1);
      c.fillStyle = css.ink3;
      c.fillText(powers ? sig(10 ** tick, 1) : fx(tick, digits), MARGIN - 6, y(tick));
    }
    const chosen = run.isChosen;
    const size = table.n > 4000 ? 1.5 : table.n > 1200 ? 2 : 3;
    places = { x: new Float32Array(table.n), y: new Float32Array(table.n) };
    layers.forEach((layer, number) => {
      const left = MARGIN + number * band + Math.min(4, band * 0.1);
      const width = band - 2 * Math.min(4, band * 0.1);
      for (let k = 0; k < layer.maps; k++) {
        const i = layer.first + k;
        const missing = !Number.isFinite(values[i]);
        places.x[i] = left + ((k + 0.5) / layer.maps) * width;
        places.y[i] = missing ? hgt - FOOT - 2 : y(values[i]);
      }
    });
    fill(page.$("run-alllegend"), ...dotWords({
      layers: layers.length, n: table.n, chosen: chosen.reduce((a, b) => a + b, 0), absent: table.n - known.length, why, marked: R.map >= 0,
      beyond: known.filter((v) => v < low || v > high).length,
    }).map(([mark, text]) => h("span", {}, mark && h("i", { class: mark }), text)));
    for (const pass of [false, true]) {
      c.fillStyle = pass ? css.warm : css.rule2;
      for (let i = 0; i < table.n; i++) {
        if (chosen[i] === Number(pass)) c.fillRect(places.x[i] - size / 2, places.y[i] - size / 2, size, size);
      }
    }
    c.textBaseline = "alphabetic";
    c.textAlign = "center";
    const step = Math.max(1, Math.ceil(40 / band));
    layers.forEach((layer, number) => {
      c.fillStyle = layer.name === R.layer ? css.ink : css.ink3;
      if (number) {
        c.fillStyle = css.rule;
        if (band > 8) c.fillRect(Math.round(MARGIN + number * band), top, 1, hgt - FOOT - top + 4);
      }
      c.fillStyle = layer.name === R.layer ? css.ink : css.ink3;
      if (number % step === 0) c.fillText(cutText(c, run.ending(layer.name, Math.max(4, Math.floor((band * step) / 7))), Math.max(20, band * step - 4)), MARGIN + (number + 0.5) * band, hgt - 4);
    });
    if (R.map >= 0) {
      c.strokeStyle = css.ink;
      c.lineWidth = 1.6;
      c.beginPath();
      c.arc(places.x[R.map], places.y[R.map], 5, 0, 7);
      c.stroke();
    }
  }

  // The map nearest to a point, within a few pixels.
  function nearest(event) {
    if (!places || !run.table) return -1;
    const box = canvas.getBoundingClientRect();
    const [px, py] = [event.clientX - box.left, event.clientY - box.top];
    let best = -1;
    let least = 14 ** 2;
    for (let i = 0; i < places.x.length; i++) {
      const d = (places.x[i] - px) ** 2 + (places.y[i] - py) ** 2;
      if (d < least) {
        least = d;
        best = i;
      }
    }
    return best;
  }

  canvas.addEventListener("pointermove", (event) => {
    const i = nearest(event);
    canvas.style.cursor = i >= 0 ? "pointer" : "default";
    fill(read, i < 0 ? "" : `${run.nameOf(i)}   ${run.said(i)}`);
  });
  canvas.addEventListener("pointerleave", () => { fill(read, ""); });
  canvas.addEventListener("click", (event) => {
    const i = nearest(event);
    if (i >= 0) run.choose(i, { layer: R.layer && run.layerName(i) !== R.layer ? run.layerName(i) : R.layer });
  });
  page.watch(canvas, "size", draw);
  on("chosen map layer", draw);
  page.on("theme", draw);
}
