// One map of a run: the clips that drive it most, each as input and sonification on one time axis, and what it does over
// all clips.

import { attribute, fill, h } from "./dom.js";
import { NB, corr, count, fx, hz, many, ms, sec } from "./numbers.js";
import { amountOf, chartOf, drawBars, drawQuantiles } from "./run_charts.js";
import { valuesOf } from "./run_table.js";
import { clipPictures, drawThumbs, piecesAt, placeIn } from "./run_thumbs.js";
import { inDb, spectrum, stft, valueAt } from "./signal.js";
import { Stack } from "./stack.js";

const WINDOW = 0.025; // s, of every spectrogram
const FRAMES = 500; // of a spectrogram, about

// The spectrogram of a sound, made once.
const pictureOf = (page, x, rate) => page.keep(x, "picture", () => stft(x, rate, WINDOW, Math.max(0.001, x.length / rate / FRAMES)));

export function runMapView(run) {
  const { page, R, on } = run;
  const { $, S } = page;
  let shown = null; // {input, sonification, rate, name, start, peak}
  let asked = 0;

  const rows = [
    { kind: "wave", h: "40px", get: () => shown && { x: shown.input, rate: shown.rate, colour: page.css.ink2, label: `Waveform of ${shown.name}`, time: null, legend: [page.lut.sound, "\u221250", "0 dB"] } },
    { kind: "pic", h: "var(--r1)", get: () => shown && { pic: shown.inputPic, lut: page.lut.sound, tag: "the clip", label: `Spectrogram of ${shown.name}`, curves: [{ v: inDb(spectrum(shown.inputPic, ...page.range())), df: shown.inputPic.df, colour: page.css.ink2 }] } },
    { kind: "pic", h: "var(--r1)", get: () => shown && { pic: shown.ownPic, lut: page.lut.warm, tag: "what the map makes of it", label: `Sonification of map ${run.nameOf(R.map)} in ${shown.name}`, curves: [{ v: inDb(spectrum(shown.inputPic, ...page.range())), df: shown.inputPic.df, colour: page.css.mid }, { v: inDb(spectrum(shown.ownPic, ...page.range())), df: shown.ownPic.df, colour: page.css.warm, width: 1.6 }] } },
    { kind: "wave", h: "40px", get: () => shown && { x: shown.sonification, rate: shown.rate, colour: page.css.warm, label: "Waveform of the sonification", time: peakSpan(), legend: [page.lut.warm, "\u221250", "0 dB"] } },
  ];
  const stack = new Stack(page, $("run-stack"), {
    rows, label: "Position in the clip", read: $("run-mapread"), fmax: () => (shown?.rate ?? 0) / 2,
    probe: (t, f) => (t == null ? "" : f == null || !shown ? sec(t) : `${sec(t)}   ${hz(f)}   clip ${valueAt(shown.inputPic, f, t)}   map ${valueAt(shown.ownPic, f, t)}`),
  });

  // Where the map is strongest, as a mark below the wave.
  function peakSpan() {
    if (shown.peak == null) return null;
    const at = shown.peak - shown.start;
    return at >= 0 && at <= S.dur ? [Math.max(0, at - 0.004), Math.min(S.dur, at + 0.004)] : null;
  }

  async function draw() {
    const mine = ++asked;
    const i = R.map;
    const { table } = run;
    if (!table || i < 0 || i >= table.n) return;
    fill($("run-mapname"), `Map ${table.channelOf(i)} of ${run.short(run.layerName(i))}`);
    fill($("run-mapsay"), sentenceLong(i));
    drawFactsOfMap(i);
    let box;
    try {
      box = await run.boxes.box(run.partOf("m", i));
    } catch (error) {
      if (mine === asked && error.message !== "no longer needed") say("These numbers could not be read", error.message);
      if (error.message === "no longer needed") draw();
      return;
    }
    if (mine !== asked || run.table !== table) return;
    drawClips(box, i);
    drawCharts(box, i);
    drawOthers(i, mine);
    await hearIt(i, mine);
  }

  const say = (head, text) => {
    shown = null;
    stack.message([h("b", {}, head), h("span", { class: "s" }, text)]);
    page.hear("sonification", null);
    page.hear("input", null);
    stack.touch();
  };

  function sentenceLong(i) {
    const { table } = run;
    if (table.dead[i]) return "No clip of the set drives this map: it is dead.";
    const told = table.told;
    const words = told ? told.sentences[i] : "";
    const tuning = told?.tuning?.[i];
    if (words) return `${words.charAt(0).toUpperCase()}${words.slice(1)}.${tuning ? ` Tuned: ${tuning}.` : ""}`;
    const own = table.selectivity[R.fact];
    if (!own || own.value[i] < 0) return "";
    return `Most active for ${R.fact} ${valuesOf(table.run, R.fact)[own.value[i]]} (selectivity ${fx(own.index[i], 2)}).`;
  }

  function drawFactsOfMap(i) {
    const { table } = run;
    const fact = (name, text, title) => h("div", { title }, h("dt", {}, name), h("dd", {}, text));
    const own = table.selectivity[R.fact];
    const list = [
      fact("activity (rms)", amountOf(table.activity[i]), "mean over the clips"), fact("largest", amountOf(table.largest[i]), "of all clips"),
      fact("active in", `${fx(100 * table.active[i], 1)}${NB}%`, "of the clips"),
      own && own.value[i] >= 0 && fact(`selectivity, ${R.fact}`, `${fx(own.index[i], 2)} for ${valuesOf(table.run, R.fact)[own.value[i]]}`, "0: the same for all values, 1: for one alone"),
      table.told?.is[i] && fact("score", `${table.told.auc[i] ? "AUC" : "R2"}${NB}${fx(table.told.score[i], 2)}`, "of its description, on other clips"),
    ];
    $("run-mapfacts").replaceChildren(...list.filter(Boolean));
  }

  // The clips that drive it most; those that are heard can be chosen.
  function drawClips(box, i) {
    const { table, clips } = run;
    const { top } = run.info;
    const offset = run.offset("m", i);
    const span = [offset * top, (offset + 1) * top];
    const [numbers, values, times] = ["clip", "value", "peak_time"].map((name) => box.numbers(box.head[name]).subarray(...span));
    const heard = new Map((run.pieces(i) ?? []).map(([rank], k) => [rank, k]));
    const most = values[0] || 1;
    const buttons = [];
    for (let k = 0; k < top && numbers[k] >= 0; k++) {
      const clip = numbers[k];
      const own = heard.get(k + 1);
      const row = clips?.row(clip);
      const about = row == null ? "" : clips.brief(row);
      const name = row == null ? `clip ${clip}` : clips.nameOf(row);
      buttons.push(h("li", {}, h("button", {
        type: "button", class: "clip" + (own == null ? " mute" : ""), "aria-pressed": String(own != null && own === R.rank),
        title: own == null ? `${name}: not stored as a sound; shows the clip` : `${name}: strongest at ${sec(times[k])}`,
        onclick: () => (own == null ? run.set({ clip, section: "clips" }) : run.choose(i, { rank: own, play: true })),
      }, h("span", { class: "r" }, k + 1), h("span", { class: "n" }, name), h("span", { class: "a" }, about),
      h("i", { class: "v", style: `--share:${Math.max(0, Math.min(100, (100 * values[k]) / most))}%` }), h("span", { class: "x" }, amountOf(values[k])))));
    }
    $("run-top").replaceChildren(...buttons);
    fill($("run-topname"), table.dead[i] || !buttons.length ? "No clip drives it" : "Clips that drive it most");
  }

  function drawCharts(box, i) {
    const names = valuesOf(run.info, R.fact);
    const values = run.means(box, i, R.fact);
    const strong = run.table.selectivity[R.fact]?.value[i] ?? -1;
    const bars = () => values && drawBars(page, $("run-bars"), { values, names, strong });
    const own = run.quantilesOf(box, i);
    const quantiles = () => drawQuantiles(page, $("run-quant"), { values: own, unit: "of clips" });
    $("run-barsbox").hidden = !values;
    fill($("run-barsname"), `Activity by ${R.fact}`);
    attribute($("run-bars"), "aria-label", values ? `Mean activity by ${R.fact}: ` + names.map((name, k) => `${name} ${Number.isFinite(values[k]) ? amountOf(values[k]) : "none"}`).join(", ") : "");
    attribute($("run-quant"), "aria-label", `Activity over clips: median ${amountOf(own[(own.length - 1) / 2] ?? 0)}, largest ${amountOf(own.at(-1) ?? 0)}`);
    run.charts = () => {
      bars();
      quantiles();
    };
    run.charts();
  }

  // The same map in the other runs: at another checkpoint, from another seed, of another task.
  async function drawOthers(i, mine) {
    const { table } = run;
    const layer = run.layerName(i);
    const channel = table.channelOf(i);
    const strips = [];
    const kids = run.beside.map((other) => {
      const number = other.info.layers.findIndex((one) => one.name === layer);
      const { channels, maps } = other.info.layers[number] ?? { maps: 0 };
      const within = channels ? channels.indexOf(channel) : channel < maps ? channel : -1;
      const said = h("p", { class: "s" }, number < 0 || within < 0 ? "It has no such map." : "");
      const canvas = number >= 0 && within >= 0 && other.info.sounds ? h("canvas", { class: "rstrip", role: "img", "aria-label": `The clips that drive it most in ${other.title}, and what it makes of them` }) : null;
      if (number >= 0 && within >= 0) strips.push({ other, canvas, said, place: placeIn(other.info, number, within) });
      return h("div", { class: "rother" }, h("h3", {}, `The same map in ${other.title}`), said, canvas,
        number >= 0 && within >= 0 && h("button", { type: "button", class: "tx", onclick: () => run.goTo(other.number, i) }, "Show it there"));
    });
    $("run-others").replaceChildren(...kids);
    for (const { other, said } of strips) tellApart(other, i, said, mine);
    for (const { other, canvas, place } of strips.filter((one) => one.canvas)) {
      await Promise.allSettled([run.boxes.box(place.numbers), run.boxes.box(place.pictures)]);
      if (mine !== asked) return;
      await Promise.allSettled(clipPictures(run, place).map((name) => run.boxes.box(name)));
      if (mine !== asked) return;
      const chart = chartOf(page, canvas);
      if (!chart) continue;
      if (piecesAt(run, place)?.length) drawThumbs(run, place, chart.c, Math.min(chart.w, 96 * other.info.sounds.most), chart.hgt, other.info.sounds.most);
      else canvas.remove();
    }
  }

  async function tellApart(other, i, said, mine) {
    if (!other.difference?.part) return;
    const box = await run.boxes.box(other.difference.part, true).catch(() => null);
    if (!box || mine !== asked) return;
    const of = (name) => box.numbers(box.head[name])[i];
    if (!Number.isFinite(of("difference"))) {
      fill(said, "They have no clip of it in common.");
      return;
    }
    const change = of("first") > 0 ? ` (${of("difference") >= 0 ? "+" : ""}${fx((100 * of("difference")) / of("first"), 0)}${NB}%)` : "";
    const chance = of("p_value") < 0.001 ? "p < 0.001" : `p = ${fx(of("p_value"), 3)}`;
    const alike = Number.isFinite(of("correlation")) ? `over the clips r = ${corr(of("correlation"))}.` : "one of them does the same in all clips.";
    fill(said, `Activity ${amountOf(of("second"))} there, ${amountOf(of("first"))} here${change}; ${chance} (Wilcoxon, not corrected for ${many(run.table.n, "map")}); ${alike}`);
  }

  async function hearIt(i, mine) {
    const { table, info } = run;
    if (!run.heard) return;
    if (table.dead[i]) {
      say("This map is silent", "It is zero in all clips, so there is nothing to hear.");
      return;
    }
    const pieces = run.pieces(i) ?? [];
    if (!pieces.length) {
      say("No sounds of this map are stored", "The folder of the run has none of its clips.");
      return;
    }
    const k = Math.min(R.rank, pieces.length - 1);
    const [, clip, start, peak] = pieces[k];
    let found;
    try {
      const [input, own] = await Promise.all([run.boxes.box(`${info.id}-c-${clip}`, false), run.boxes.box(run.partOf("s", i))]);
      const piece = input.head.pieces.find((one) => one.start === start);
      found = { input: input.sound(piece.signal), sonification: own.sound(own.head.maps[table.channelOf(i)][k].signal), rate: input.head.rate };
    } catch (error) {
      if (mine !== asked) return;
      if (error.message === "no longer needed") draw();
      else say("This sound could not be read", `${error.message}. Write the site again with otoscope export.`);
      return;
    }
    if (mine !== asked || run.table !== table) return;
    const { input, sonification, rate } = found;
    const row = run.clips?.row(clip);
    if (page.player.playing) page.player.pause();
    shown = {
      ...found, start, peak, name: row == null ? `clip ${clip}` : run.clips.nameOf(row),
      inputPic: pictureOf(page, input, rate), ownPic: pictureOf(page, sonification, rate),
    };
    const dur = input.length / rate;
    S.t = 0;
    page.set({ dur, v0: 0, v1: dur, reg: null });
    stack.message(null);
    page.hear("input", { x: input, rate, label: "Input" });
    page.hear("sonification", { x: sonification, rate, label: `Map ${table.channelOf(i)}` });
    fill($("run-clipname"), `${shown.name}${start > 0 ? `, from ${sec(start)}` : ""}, ${ms(dur)} at ${hz(rate)}`);
    run.heardNow = { clip, rank: pieces[k][0], input, sonification, rate };
    stack.touch();
    page.place();
    if (run.playNext) {
      run.playNext = false;
      page.set({ source: "sonification" });
      page.player.once(page.player.sources.sonification);
    }
  }

  on("map rank loaded fact", draw);
  on("clips", draw);
  page.watch($("run-bars"), "size", () => run.charts?.());
  page.on("theme", () => {
    run.charts?.();
    if (run.table && R.map >= 0) drawOthers(R.map, asked);
  });
  page.key(", .", "clip before, next clip of the map; played once", {
    ",": () => run.choose(R.map, { rank: Math.max(0, R.rank - 1), play: true }),
    ".": () => run.choose(R.map, { rank: Math.min((run.pieces(R.map)?.length ?? 1) - 1, R.rank + 1), play: true }),
  });
}
