// A page of runs: layers, maps and clips of a sweep, or the scores of an evaluation.

import { deckView } from "./deck.js";
import { attribute, fill, h } from "./dom.js";
import { bindKeys, playerKeys } from "./keys.js";
import { NB, count, fx, many, visible } from "./numbers.js";
import { createClips, runClipsView } from "./run_clips.js";
import { createBoxes } from "./run_data.js";
import { runFactsView } from "./run_facts.js";
import { runLayersView } from "./run_layers.js";
import { runMapView } from "./run_map.js";
import { runMapsView, saidOf } from "./run_maps.js";
import { overviewView } from "./run_overview.js";
import { createRunState } from "./run_state.js";
import { createTable, valuesOf } from "./run_table.js";
import { runScoresView, runTablesView } from "./run_tables.js";
import { piecesAt, placeIn } from "./run_thumbs.js";

const SECTIONS = [["maps", "Maps"], ["clips", "Clips"], ["tables", "Tables"], ["facts", "Facts"]];

const canvas = (id, className, label) => h("canvas", { id, class: className, role: "img", "aria-label": label });
const select = (id, label) => h("span", { class: "pick" }, h("select", { id, "aria-label": label }));
const search = (id, label) => h("input", { id, class: "ask", type: "search", "aria-label": label, autocomplete: "off", spellcheck: "false" });

function headMarkup() {
  return h("section", { id: "run-head", "aria-label": "The run" }, h("div", { class: "two" },
    h("div", { class: "words" },
      h("p", { class: "eyebrow", id: "run-eyebrow" }),
      h("div", { class: "rtitle" }, h("h1", { id: "run-says" }), h("div", {}, h("p", { class: "p", id: "run-of" }), h("p", { class: "s", id: "run-over" }))),
      h("p", { class: "say", id: "run-say" }), h("ul", { class: "rnotes", id: "run-notes" })),
    h("div", { class: "inst" },
      h("div", { id: "run-allbox" }, h("div", { class: "group" }, h("h2", { class: "rh3", id: "run-allname" }), h("span", { class: "read", id: "run-allread" })), canvas("run-all", "rall", "Every map of the run, layer by layer"),
        h("p", { class: "rlegend", id: "run-alllegend" })),
      h("div", { id: "run-curves", class: "rcurves", hidden: true }),
      h("div", { id: "run-scores", class: "rscores", hidden: true },
        h("figure", { id: "run-matrixbox" }, h("figcaption", {}, h("b", {}, "Answers"), " across, classes down; numbers are clips"), canvas("run-matrix", "rmatrix", "Clips by class and answer")),
        h("figure", { id: "run-surebox" }, h("figcaption", {}, h("b", {}, "How sure"), ": share of right answers by probability"), canvas("run-sure", "rsure", "Share of right answers by probability"),
          h("figcaption", {}, "answers by probability"), canvas("run-surecount", "rcount", "Number of answers by probability"))))));
}

function mapsMarkup() {
  return h("section", { id: "run-maps", "aria-labelledby": "h-run-maps" },
    h("h2", { id: "h-run-maps" }, "Maps"), h("p", { id: "run-mapsabout" }),
    h("div", { class: "rpanes" },
      h("div", { class: "rpane lays" }, h("div", { class: "rlayhead", id: "run-layhead", "aria-hidden": "true" }), h("div", { id: "run-layers", class: "scroll" })),
      h("div", { class: "rpane lists" },
        h("p", { class: "ptitle", id: "run-listname" }), h("p", { class: "facts1", id: "run-listsaid", role: "status" }),
        search("run-query", "Search maps by their description, layer, number or a column"),
        h("div", { class: "bar" },
          h("label", { class: "chk" }, "Order ", select("run-sort", "Order of maps")), h("button", { type: "button", class: "sq", id: "run-up", "aria-pressed": "false", title: "The smallest first" }, "\u2191"),
          h("label", { class: "chk", id: "run-factpick" }, "for ", select("run-fact", "Fact by which clips are compared")),
          h("label", { class: "chk" }, h("input", { type: "checkbox", id: "run-dead" }), "dead maps"),
          h("label", { class: "chk", id: "run-besidepick", hidden: true }, "beside ", select("run-beside", "Run beside this one"))),
        h("div", { class: "listbox" }, h("div", { id: "run-list", class: "scroll" }), h("p", { class: "empty", id: "run-none", hidden: true }, "No map is like this. Search for words of a description, or ask as in score>0.8 dead:no."))),
      h("div", { class: "rpane one", id: "run-mapview" },
        h("div", { class: "group" }, h("p", { class: "ptitle", id: "run-mapname" }), h("span", { class: "read", id: "run-mapread" })),
        h("p", { class: "mapsay", id: "run-mapsay" }),
        h("p", { class: "s rclipname", id: "run-clipname" }),
        h("div", { class: "stack", id: "run-stack" }),
        h("p", { class: "unheard", id: "run-unheard", hidden: true }),
        h("dl", { class: "mapfacts", id: "run-mapfacts" }),
        h("div", { class: "rmore" },
          h("div", {}, h("h3", { id: "run-topname" }), h("ol", { class: "top", id: "run-top" })),
          h("div", {}, h("div", { id: "run-barsbox" }, h("h3", { id: "run-barsname" }), canvas("run-bars", "rbar", "Mean activity by fact")),
            h("h3", {}, "Activity over the clips, from the smallest"), canvas("run-quant", "rbar", "Activity over the clips"))),
        h("div", { class: "rothers", id: "run-others" }))));
}

function clipsMarkup() {
  return h("section", { id: "run-clips", "aria-labelledby": "h-run-clips" },
    h("h2", { id: "h-run-clips" }, "Clips"), h("p", {}, "Found by what is known of them: a word, fact:value, or number>0.5; a dash in front leaves out."),
    h("div", { class: "rclips" },
      h("div", { class: "rpane" }, search("run-find", "Search clips by their facts"),
        h("div", { class: "bar" }, h("span", { class: "chips", id: "run-chips" }), h("label", { class: "chk" }, "Order ", select("run-order", "Order of clips"))),
        h("p", { class: "s", id: "run-csaid", role: "status" }), h("div", { id: "run-clist", class: "scroll" })),
      h("div", { class: "rpane" },
        h("p", { class: "s", id: "run-onenone" }, "Choose a clip to see what is known of it and which maps it drives most."),
        h("div", { id: "run-one", hidden: true },
          h("div", { class: "onehead" }, h("p", { class: "ptitle", id: "run-onename" }), h("button", { type: "button", class: "tx", id: "run-hear" }, "Play it"), h("span", { class: "s", id: "run-onequiet" }, "not stored as a sound")),
          h("dl", { class: "mapfacts", id: "run-onefacts" })),
        h("div", { id: "run-cmapsbox", class: "cmapsbox", hidden: true }, h("h3", { id: "run-cmapsname" }), h("div", { id: "run-cmaps", class: "scroll" })))));
}

function tablesMarkup() {
  return h("section", { id: "run-tablesec", "aria-labelledby": "h-run-tables" },
    h("h2", { id: "h-run-tables" }, "Tables"), h("p", { id: "run-tablessay" }),
    h("p", { class: "s", id: "run-tablesnone", hidden: true }, "None of its methods gives a number for each clip."),
    h("div", { id: "run-tablesall" },
      h("div", { class: "bar" }, h("div", { class: "seg", id: "run-tables", role: "group", "aria-label": "Table" }), h("span", { class: "s", id: "run-tablesaid" })),
      h("div", { class: "rtables" },
        h("div", { id: "run-curvebox" }, h("label", { class: "chk" }, "Curve ", select("run-curvepick", "Curve")), canvas("run-curve", "rcurve", "Means with intervals")),
        h("div", { class: "rpane", id: "run-tablebox" }, h("div", { class: "rrow head", id: "run-tablehead", "aria-hidden": "true" }), h("div", { id: "run-table", class: "scroll" })))));
}

const factsMarkup = () => h("section", { id: "run-facts", "aria-labelledby": "h-run-facts" }, h("div", { class: "two" },
  h("div", { class: "words" }, h("h2", { id: "h-run-facts" }, "Facts and provenance"), h("p", {}, "What made these numbers, to be checked and cited.")), h("div", { id: "run-factsbody" })));

// What is common to the beginnings of names, up to a point.
function beginning(names) {
  if (names.length < 2) return "";
  let n = 0;
  while (names.every((name) => name[n] !== undefined && name[n] === names[0][n])) n++;
  return names[0].slice(0, names[0].slice(0, n).lastIndexOf(".") + 1);
}

function navigation(page, run) {
  const ids = { maps: "run-maps", clips: "run-clips", tables: "run-tablesec", facts: "run-facts" };
  const links = SECTIONS.map(([name, text]) => h("a", {
    href: `#section=${name}`, "data-section": name,
    onclick: (event) => {
      event.preventDefault();
      run.set({ section: name });
      page.$(ids[name]).scrollIntoView();
    },
  }, text));
  const nav = page.el.querySelector(".nav");
  nav.replaceChildren(...links);
  const mark = (id) => {
    for (const link of links) {
      if (ids[link.dataset.section] === id) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
  };
  const spy = new IntersectionObserver((entries) => {
    for (const entry of entries) if (entry.isIntersecting) mark(entry.target.id);
  }, { rootMargin: "-30% 0px -60% 0px" });
  for (const id of Object.values(ids)) spy.observe(page.$(id));
  page.cleanup(() => spy.disconnect());
  run.on("section", () => ids[run.R.section] && page.$(ids[run.R.section]).scrollIntoView());
}

// Puts what is asked of the state into words.
function drawHead(page, run) {
  const { info } = run;
  const { $ } = page;
  fill($("run-eyebrow"), `${info.model} on ${info.data}`);
  const dead = info.layers?.reduce((sum, layer) => sum + layer.dead, 0) ?? 0;
  const told = info.layers?.reduce((sum, layer) => sum + (layer.described ?? 0), 0) ?? 0;
  if (info.maps) {
    fill($("run-says"), count(info.maps));
    fill($("run-of"), info.maps === 1 ? "map" : "maps");
    fill($("run-over"), `in ${many(info.layers.length, "layer")}, over ${many(info.clips, "clip")}`);
    const share = (n) => `${fx((100 * n) / info.maps, n / info.maps < 0.1 ? 1 : 0)}${NB}%`;
    const heard = info.sounds ? `${info.sounds.most === 1 ? "The clip that drives" : `The ${info.sounds.most} clips that drive`} each map most can be heard, each with what the map makes of it.` : "No sounds are stored in this run; numbers and curves are here.";
    fill($("run-say"), `${count(dead)} ${dead === 1 ? "is" : "are"} dead (${share(dead)})${info.described ? `, ${count(told)} described (${share(told)})` : ""}. ${heard}`);
  } else if (info.evaluation) {
    const metrics = info.evaluation.metrics;
    const names = metrics?.columns.find((one) => one.name === "metric")?.values ?? [];
    const values = metrics?.columns.find((one) => one.name === "value")?.values ?? [];
    const at = Math.max(0, names.indexOf("accuracy"));
    const low = metrics?.columns.find((one) => one.name === "ci low")?.values[at];
    const high = metrics?.columns.find((one) => one.name === "ci high")?.values[at];
    fill($("run-says"), values[at] == null ? count(info.clips) : fx(100 * values[at], 1));
    fill($("run-of"), values[at] == null ? "clips" : `% ${names[at].replaceAll("_", " ")}`);
    fill($("run-over"), values[at] == null ? "" : `over ${many(info.clips, "clip")}${low == null ? "" : `; 95 % ${fx(100 * low, 1)} to ${fx(100 * high, 1)}`}`);
    fill($("run-say"), "");
  } else {
    fill($("run-says"), count(info.clips));
    fill($("run-of"), info.clips === 1 ? "clip" : "clips");
    fill($("run-over"), `by ${Object.keys(info.methods).join(", ").replaceAll("_", " ")}`);
    fill($("run-say"), "This sweep has no activations, so it has no maps to be shown: its means and clips are here. Sweep again with --methods activations to browse maps.");
  }
  $("run-says").classList.toggle("long", $("run-says").textContent.length > 3);
  const notes = [...info.notes, ...(run.difference?.notes ?? []).map((note) => `beside ${run.second.title}: ${note}`)];
  $("run-notes").replaceChildren(...notes.map((note) => h("li", { class: "s" }, note)));
  const section = page.el.querySelector.bind(page.el);
  section("#run-maps").hidden = !info.maps;
  section("#run-allbox").hidden = !info.maps;
  page.el.querySelector("[data-section=maps]").hidden = !info.maps;
  $("deck").hidden = !info.sounds;
  $("run-mapview").classList.toggle("mutemap", !info.sounds);
  $("run-unheard").hidden = Boolean(info.sounds);
  if (info.maps) fill($("run-unheard"), `Its clips are not stored as sounds. The same sweep, started again with --sounds ${Math.min(3, info.top)}, adds them and computes nothing else.`);
  page.el.classList.toggle("quiet", !info.sounds);
  page.el.classList.toggle("told", Boolean(info.described));
  fill($("run-mapsabout"), info.sounds
    ? "Each map with the clips that drive it most: above the clip, below what the map makes of it. A click plays."
    : `Each map with its activity${info.facts.length ? " by a fact of the clips" : " over the clips"}. A layer, a search and the order choose.`);
}

// The order to begin with: what says most.
const firstSort = (run) => (run.info.described ? "explained" : run.info.facts?.length ? "selectivity" : "activity");

export function runPage(page) {
  const { manifest, $ } = page;
  const state = createRunState(page);
  const run = { page, R: state.R, set: state.set, on: state.on, settle: state.settle, boxes: createBoxes(page.source), table: null, clips: null };
  const { R } = run;
  document.title = visible(`${manifest.title}: Otoscope`);
  page.el.querySelector(".skip").setAttribute("href", "#run-maps");
  fill(page.el.querySelector(".skip"), "Skip to the maps");
  page.el.querySelector("main").replaceChildren(headMarkup(), mapsMarkup(), clipsMarkup(), tablesMarkup(), factsMarkup());
  page.el.classList.add("runs");

  const titles = manifest.runs.map((info, number) => {
    const title = `${info.model} on ${info.data}`;
    const twice = manifest.runs.some((other, k) => k !== number && `${other.model} on ${other.data}` === title);
    return twice ? `${title} (${info.folder})` : title;
  });
  $("run").replaceChildren(...titles.map((title, number) => h("option", { value: number }, title)));
  attribute($("run"), "aria-label", "Run");
  $("run").addEventListener("change", (event) => run.goTo(Number(event.target.value), R.map));

  const others = (id) => {
    const at = manifest.runs.findIndex((one) => one.id === id);
    return { number: at, title: titles[at], folder: manifest.runs[at].folder, info: manifest.runs[at] };
  };
  $("run-beside").addEventListener("change", (event) => {
    run.wanted = R.map >= 0 ? [run.layerName(R.map), run.table.channelOf(R.map)] : null;
    run.set({ beside: Number(event.target.value) });
  });

  let cut = "";
  Object.assign(run, {
    short: (name) => (name.startsWith(cut) ? name.slice(cut.length) : name),
    layerName: (i) => run.info.layers[run.table.layerOf(i)].name,
    ending(name, n) { // the end of a long name, from a point on where it has one
      const short = run.short(name);
      const end = short.slice(1 - n);
      return short.length <= n ? short : `\u2026${end.slice(end.slice(0, -1).indexOf(".") + 1)}`;
    },
    nameOf: (i) => (run.table && i >= 0 ? `${run.short(run.layerName(i))} \u00b7 ${run.table.channelOf(i)}` : ""),
    sentence(i) {
      const { table } = run;
      const sentence = table.told?.sentences[i];
      if (sentence) return sentence.split("; also predicted")[0].replace(/: (AUC|R2) [^:]*$/u, "");
      if (table.dead[i]) return "dead";
      const own = table.selectivity[R.fact];
      return own && own.value[i] >= 0 ? `most for ${R.fact} ${valuesOf(run.info, R.fact)[own.value[i]]}` : "";
    },
    said: (i) => saidOf(run, i),
    size: { m: () => run.info.maps_a_part, t: () => run.info.sounds?.pictures_a_part, s: () => run.info.sounds?.maps_a_part },
    within: (i) => i - run.info.layers[run.table.layerOf(i)].first,
    offset: (kind, i) => run.within(i) % run.size[kind](),
    partOf: (kind, i) => `${run.info.id}-${kind}-${run.table.layerOf(i)}-${Math.floor(run.within(i) / run.size[kind]())}`,
    place: (i) => placeIn(run.info, run.table.layerOf(i), run.within(i)),
    pieces: (i) => piecesAt(run, run.place(i)),
    means(box, i, fact) {
      const ref = box.head.by[fact];
      if (!ref) return null;
      const n = valuesOf(run.info, fact).length;
      const at = run.offset("m", i) * n;
      return Array.from(box.numbers(ref).subarray(at, at + n));
    },
    quantilesOf(box, i) {
      const all = box.numbers(box.head.quantiles);
      const n = all.length / box.head.maps;
      const at = run.offset("m", i) * n;
      return Array.from(all.subarray(at, at + n));
    },
    async choose(i, { rank = 0, play = false, wantRank = 0, ...more } = {}) {
      if (!run.table) return;
      run.playNext = play && run.heard && !run.table.dead[i];
      if (wantRank) {
        const box = await run.boxes.box(run.partOf("m", i)).catch(() => null);
        const found = (box?.head.sounds?.[run.offset("m", i)] ?? []).findIndex(([of]) => of === wantRank);
        rank = Math.max(0, found);
      }
      const same = R.map === i && R.rank === rank;
      run.set({ ...more, map: i, rank, ...(run.table.dead[i] ? { dead: true } : {}) });
      if (same && run.playNext) {
        run.playNext = false;
        page.set({ source: "sonification" });
        if (page.player.sources.sonification) page.player.once(page.player.sources.sonification);
      }
      if (page.narrow && play) $("run-mapview").scrollIntoView();
    },
    goTo(number, i) { // the same map in another run
      const place = run.table && i >= 0 ? [run.layerName(i), run.table.channelOf(i)] : null;
      run.wanted = place;
      run.set({ run: number, map: -1, rank: 0, clip: -1, sort: "", table: "" });
    },
  });

  for (const view of [overviewView, runLayersView, runMapsView, runMapView, runClipsView, runTablesView, runScoresView, runFactsView]) view(run);
  playerKeys(page);
  deckView(page);
  bindKeys(page);
  navigation(page, run);

  async function open() {
    const number = R.run;
    const info = manifest.runs[number];
    if (page.player.playing) page.player.pause();
    run.number = number;
    run.info = info;
    run.table = null;
    run.clips = null;
    run.heard = Boolean(info.sounds);
    run.slots = Math.min(3, info.sounds?.most ?? 1);
    cut = beginning((info.layers ?? []).map((layer) => layer.name));
    const apart = manifest.differences.filter((one) => one.first === info.id);
    run.difference = apart[Math.min(Math.max(0, R.beside), apart.length - 1)] ?? null;
    run.second = run.difference ? others(run.difference.second) : null;
    run.beside = manifest.runs.filter((one) => one !== info && one.layers).map((one) => ({
      ...others(one.id), difference: apart.find(({ second }) => second === one.id) ?? null,
    }));
    $("run-besidepick").hidden = apart.length < 2;
    $("run-beside").replaceChildren(...apart.map((one, k) => h("option", { value: k, selected: one === run.difference }, others(one.second).title)));
    $("run").value = number;
    drawHead(page, run);
    run.set({ info: {} });
    const clips = run.boxes.box(`${info.id}-clips`, true);
    if (info.maps) {
      try {
        const [box, apart] = await Promise.all([run.boxes.box(`${info.id}-maps`, true), run.difference?.part ? run.boxes.box(run.difference.part, true) : null]);
        if (run.info !== info) return;
        run.table = createTable(info, box, apart, run.second);
        const asked = run.wanted;
        run.wanted = null;
        const sort = R.sort || firstSort(run);
        run.settle({
          sort, fact: valuesOf(info, R.fact).length ? R.fact : info.facts[0]?.name ?? "", layer: info.layers.some((one) => one.name === R.layer) ? R.layer : "",
          ...(asked ? { map: run.table.placeOf(...asked) } : {}),
        });
        if (R.map >= info.maps) run.settle({ map: -1 });
        run.set({ loaded: {} });
        performance.mark("first-draw");
      } catch (error) {
        fill($("run-listsaid"), `The maps could not be read: ${error.message}. Write the site again with otoscope export.`);
        throw error;
      }
    }
    run.clips = createClips(await clips);
    if (run.info === info) run.set({ clips: {} });
  }

  // The address says a map by its layer and number, which stay when a run is swept again.
  const write = () => ({
    run: R.run || null, layer: R.layer || null, map: R.map >= 0 && run.table ? `${run.layerName(R.map)}:${run.table.channelOf(R.map)}` : null,
    rank: R.rank ? R.rank + 1 : null, sort: run.info && R.sort && R.sort !== firstSort(run) ? R.sort : null, up: R.up ? 1 : null, fact: R.fact && run.info && R.fact !== run.info.facts?.[0]?.name ? R.fact : null,
    q: R.query || null, dead: R.dead ? 1 : null, beside: R.beside || null, clip: R.clip >= 0 ? R.clip : null, find: R.find || null, order: R.order || null,
    table: R.table || null, section: R.section || null,
  });
  const read = (get) => {
    const asked = Number(get("run") ?? 0);
    const number = Number.isInteger(asked) && asked >= 0 && asked < manifest.runs.length ? asked : 0;
    const place = (get("map") ?? "").match(/^(.*):(\d+)$/su);
    const now = run.table && number === run.number;
    const at = place && now ? run.table.placeOf(place[1], Number(place[2])) : -1;
    if (place && !now) run.wanted = [place[1], Number(place[2])];
    return {
      run: number, layer: get("layer") ?? "", map: at, rank: Math.max(0, (Number(get("rank")) || 1) - 1), sort: get("sort") ?? (now ? firstSort(run) : ""), up: Boolean(get("up")),
      fact: get("fact") ?? (now ? run.info.facts[0]?.name ?? "" : ""), query: get("q") ?? "", dead: Boolean(get("dead")), beside: Number(get("beside") ?? 0) || 0,
      clip: get("clip") == null ? -1 : Number(get("clip")), find: get("find") ?? "", order: get("order") ?? "", table: get("table") ?? "", section: get("section") ?? "",
    };
  };
  state.start(read, write);
  run.on("run beside", open);
  page.runs = run;
  return open();
}
