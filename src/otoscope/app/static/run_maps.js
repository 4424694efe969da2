// The maps that were asked for, a row each: what excites it most and what it makes of that, one above the other, and
// what describes it.

import { attribute, fill, h } from "./dom.js";
import { NB, clamp, count, fx, many } from "./numbers.js";
import { amountOf, chartOf } from "./run_charts.js";
import { RowList } from "./run_list.js";
import { SORTS, chosenMaps, valuesOf } from "./run_table.js";
import { clipPictures, drawThumbs } from "./run_thumbs.js";

const REST_AFTER = 70; // ms after which a list that moved is looked at

export function runMapsView(run) {
  const { page, R, on } = run;
  let maps = new Int32Array(0);
  let waiting = 0;
  let asked = new Set(); // parts that the rows in view need

  const list = new RowList(page, page.$("run-list"), {
    height: 76, label: "Maps", id: "run-m",
    make: () => h("div", { class: "rmap" }, h("span", { class: "no" }, h("b"), h("span")), h("canvas", { "aria-hidden": "true" }), h("span", { class: "tx2" }, h("span", { class: "sen" }), h("span", { class: "s" }))),
    fill: fillRow,
    choose(k, how, event) {
      const canvas = event?.target?.closest?.("canvas");
      const slots = Math.max(1, run.slots);
      const box = canvas?.getBoundingClientRect();
      const rank = box && run.heard ? clamp(Math.floor(((event.clientX - box.left) / box.width) * slots), 0, slots - 1) : 0;
      run.choose(maps[k], { rank, play: how === "click" });
    },
  });

  function fillRow(row, k) {
    const i = maps[k];
    const { table } = run;
    if (!table || i >= table.n) return; // another run is coming
    const [number, canvas, text] = row.children;
    fill(number.firstChild, table.channelOf(i));
    fill(number.lastChild, run.ending(run.layerName(i), 9));
    fill(text.firstChild, run.sentence(i));
    fill(text.lastChild, run.said(i));
    row.classList.toggle("off", table.dead[i] === 1);
    attribute(row, "aria-label", `Map ${run.nameOf(i)}: ${run.sentence(i)}; ${run.said(i)}`);
    picture(canvas, i);
  }

  // What is in memory of a map; what is not is asked for when the list rests.
  function picture(canvas, i) {
    const chart = chartOf(page, canvas);
    if (!chart) return;
    const { c, w, hgt, css } = chart;
    const ready = run.heard ? thumbs(c, i, w, hgt) : bars(c, i, w, hgt);
    canvas.dataset.full = ready ? i : "";
    if (!ready) {
      c.fillStyle = css.rule;
      c.fillRect(0, hgt / 2, w, 0.5);
      look();
    }
  }

  function thumbs(c, i, w, hgt) {
    const { table } = run;
    if (!table.sounds?.[i]) {
      c.fillStyle = page.css.ink3;
      c.textBaseline = "middle";
      c.fillText(table.dead[i] ? "silent in all clips" : "not stored", 4, hgt / 2);
      return true;
    }
    return drawThumbs(run, run.place(i), c, w, hgt, run.slots);
  }

  // Without sounds: the activity for each value of the fact that is asked about.
  function bars(c, i, w, hgt) {
    const box = run.boxes.ready(run.partOf("m", i));
    if (!box) return false;
    const values = run.means(box, i, R.fact) ?? run.quantilesOf(box, i);
    const { css } = page;
    const top = Math.max(...values.filter(Number.isFinite), 0);
    const width = (w - 4) / values.length;
    const strong = run.table.selectivity[R.fact]?.value[i] ?? -1;
    c.fillStyle = css.rule2;
    c.fillRect(0, hgt - 3, w - 4, 1);
    if (!(top > 0)) return true;
    values.forEach((v, k) => {
      if (!Number.isFinite(v)) return;
      c.fillStyle = k === strong ? css.warm : css.mid;
      const high = (v / top) * (hgt - 8);
      c.fillRect(k * width, hgt - 3 - high, Math.max(0.7, width - (width > 5 ? 1.5 : 0)), high);
    });
    return true;
  }

  // Asks for what is missing of the rows in view, once the list rests.
  function look() {
    clearTimeout(waiting);
    waiting = setTimeout(async () => {
      if (performance.now() - list.moved < REST_AFTER) {
        look();
        return;
      }
      if (!run.table) return;
      const shown = list.shown.filter((k) => k < maps.length).map((k) => maps[k]);
      const wanted = new Set(shown.map((i) => run.partOf("m", i)));
      if (run.heard) {
        for (const i of shown) if (run.table.sounds?.[i]) wanted.add(run.partOf("t", i));
      }
      run.boxes.drop(new Set([...asked].filter((name) => !wanted.has(name))));
      asked = wanted;
      const { table } = run;
      await Promise.allSettled([...wanted].map((name) => run.boxes.box(name)));
      if (run.table !== table) return;
      const clips = new Set(run.heard ? shown.flatMap((i) => clipPictures(run, run.place(i))) : []);
      await Promise.allSettled([...clips].map((name) => run.boxes.box(name)));
      again();
    }, REST_AFTER);
  }

  function again() { // rows that lacked something, drawn again
    if (!run.table) return;
    for (const row of list.pool) {
      const k = Number(row.dataset.i);
      const canvas = row.children[1];
      if (row.dataset.i === "" || k >= maps.length || canvas.dataset.full === String(maps[k])) continue;
      const chart = chartOf(page, canvas);
      if (!chart) continue;
      const { c, w, hgt } = chart;
      if (run.heard ? thumbs(c, maps[k], w, hgt) : bars(c, maps[k], w, hgt)) canvas.dataset.full = maps[k];
    }
  }

  function ask() {
    const { table } = run;
    if (!table || R.run !== run.number) return; // another run is coming
    const { maps: found, unknown, dead } = chosenMaps(table, { layer: R.layer, query: R.query, sort: R.sort, fact: R.fact, dead: R.dead, up: R.up });
    maps = found;
    run.chosenList = found;
    run.isChosen = new Uint8Array(table.n);
    for (const i of found) run.isChosen[i] = 1;
    const { layers } = run.info;
    const all = R.layer === "" ? table.n : layers.find((one) => one.name === R.layer)?.maps ?? 0;
    fill(page.$("run-listname"), R.layer === "" ? "Maps of all layers" : `Maps of ${run.short(R.layer)}`);
    const none = unknown.length ? `There is no column ${unknown.join(", ")}, so nothing is found. ` : "";
    const silent = dead ? "" : "dead ones left out";
    fill(page.$("run-listsaid"), none + [found.length === all ? many(all, "map") : `${count(found.length)} of ${many(all, "map")}`, silent].filter(Boolean).join("; "));
    page.$("run-none").hidden = found.length > 0;
    const keep = found.indexOf(R.map);
    list.show(found.length, keep);
    run.set({ chosen: {} });
    if (R.map < 0 && found.length) run.settle({ map: found[0], rank: 0 });
  }

  function controls() {
    const { table, info } = run;
    const sorts = ["activity", "active", ...(info.facts.length ? ["selectivity"] : []), ...(table.told ? ["score", "explained"] : []), ...(table.apart ? ["difference", "correlation"] : []), "number"];
    page.$("run-sort").replaceChildren(...sorts.map((name) => h("option", { value: name, selected: name === R.sort }, SORTS[name])));
    page.$("run-fact").replaceChildren(...info.facts.map((one) => h("option", { value: one.name, selected: one.name === R.fact }, one.name)));
    page.$("run-factpick").hidden = info.facts.length < 1;
    page.$("run-dead").checked = R.dead;
    page.$("run-up").setAttribute("aria-pressed", String(R.up));
    if (page.$("run-query").value !== R.query) page.$("run-query").value = R.query;
    const words = ["level", ...info.facts.filter((one) => one.name !== "split").slice(0, 2).flatMap((one) => one.values.slice(0, 1).map((value) => `${one.name}:${value}`)), ...(table.told ? ["score>0.8"] : ["selectivity>0.5"])];
    attribute(page.$("run-query"), "placeholder", (table.told ? words : words.slice(1)).join("  "));
  }

  let typing = 0;
  page.$("run-query").addEventListener("input", (event) => {
    clearTimeout(typing);
    typing = setTimeout(() => run.set({ query: event.target.value }), 120);
  });
  page.$("run-sort").addEventListener("change", (event) => run.set({ sort: event.target.value }));
  page.$("run-fact").addEventListener("change", (event) => run.set({ fact: event.target.value }));
  page.$("run-dead").addEventListener("change", (event) => run.set({ dead: event.target.checked }));
  page.$("run-up").addEventListener("click", () => run.set({ up: !R.up }));

  on("loaded", controls);
  on("layer query sort fact dead up loaded", () => {
    if (!run.table) return;
    ask();
    controls();
  });
  on("map", () => list.select(maps.indexOf(R.map)));
  page.on("theme", () => list.refresh());
  page.key("j k", "next, previous map; played once", {
    j: () => maps.length && run.choose(maps[clamp(list.at + 1, 0, maps.length - 1)], { play: true }),
    k: () => maps.length && run.choose(maps[clamp(list.at - 1, 0, maps.length - 1)], { play: true }),
  });
}

// What is said of a map in a line.
export function saidOf(run, i) {
  const { table, R } = run;
  if (table.dead[i]) return "dead: no clip drives it";
  const words = [`activity${NB}${amountOf(table.activity[i])}`, `on${NB}in${NB}${Math.round(100 * table.active[i])}${NB}%`];
  if (table.told?.is[i]) words.unshift(`${table.told.auc[i] ? "AUC" : "R2"}${NB}${fx(table.told.score[i], 2)}`);
  const told = table.selectivity[R.fact];
  if (told && told.value[i] >= 0) words.push(`${R.fact} ${valuesOf(table.run, R.fact)[told.value[i]]}:${NB}${fx(told.index[i], 2)}`);
  if (table.apart && Number.isFinite(table.apart.correlation[i])) words.push(`r${NB}=${NB}${fx(table.apart.correlation[i], 2)}${NB}in${NB}both`);
  return words.join(" \u00b7 ");
}
