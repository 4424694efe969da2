// A page of sounds: opens one pair of model and sound after the other, the first screen first.

import { answerView } from "./answer.js";
import { compareView } from "./compare.js";
import { deckView } from "./deck.js";
import { h } from "./dom.js";
import { factsView } from "./facts.js";
import { firstView } from "./first.js";
import { gridView } from "./grid.js";
import { bindKeys, playerKeys } from "./keys.js";
import { layersView } from "./layers.js";
import { lossView } from "./loss.js";
import { mapView } from "./map.js";
import { heardView } from "./notes.js";
import { visible } from "./numbers.js";
import { segmentsView } from "./segments.js";

const KEPT = ["run", "rule", "target", "layer", "map"]; // in the address

// What the address keeps of the state.
function addressed(S) {
  return { run: S.run?.id, rule: S.rule, target: S.target === "top" ? null : S.target, layer: S.layer, map: S.channel };
}

// The relevance that is asked for, or what there is nearest to it.
function entryFor(run, rule, target) {
  const fits = [(e) => e.rule === rule && e.target === target, (e) => e.rule === rule, () => true];
  return fits.map((fit) => run.relevance.find(fit)).find(Boolean) ?? null;
}

function fillPicker(page) {
  const { manifest, data, $ } = page;
  const runs = [...data.runs.values()];
  const names = [...new Set(runs.map((run) => manifest.sounds[run.sound].name))];
  const option = (run, name) => h("option", { value: run.id }, `${run.model} on ${name}`);
  $("run").replaceChildren(...names.map((name) => h("optgroup", { label: name },
    runs.filter((run) => manifest.sounds[run.sound].name === name).map((run) => option(run, name)))));
  $("run").addEventListener("change", (event) => page.open(event.target.value));
}

// Marks the section in view in the navigation.
function spySections(page) {
  const links = page.$$(".nav a");
  const mark = (id) => links.forEach((a) => a.toggleAttribute("aria-current", a.hash === "#" + id));
  page.on("late first other otherRel", () => links.forEach((a) => { a.hidden = page.$(a.hash.slice(1)).hidden; }));
  const spy = new IntersectionObserver((entries) => {
    for (const entry of entries) if (entry.isIntersecting) mark(entry.target.id);
  }, { rootMargin: "-30% 0px -60% 0px" });
  for (const section of page.$$("section")) spy.observe(section);
  page.cleanup(() => spy.disconnect());
  for (const a of [...links, ...page.$$(".skip")]) { // sections are not states of the page: the address keeps its own
    a.addEventListener("click", (event) => {
      event.preventDefault();
      const section = page.$(a.hash.slice(1));
      section.scrollIntoView();
      section.focus({ preventScroll: true });
    });
  }
}

export function soundPage(page) {
  const { S, set, on, player, $, data } = page;
  fillPicker(page);
  playerKeys(page);
  const { stack, below } = answerView(page);
  const beside = [heardView, lossView, segmentsView];
  const views = [...beside, layersView, gridView, mapView, firstView, compareView, factsView, deckView];
  for (const view of views) view(page);
  bindKeys(page);
  spySections(page);

  // Says in place of the pictures from a row on what is missing; the rest of the page is shown all the same.
  const unreadable = (row, end) => (error) => {
    stack.message([h("b", {}, "This picture could not be read"),
      h("span", { class: "s" }, `${error.message}. Write the page again with otoscope inspect.`)], row, end);
    return null;
  };

  async function loadRelevance() {
    const { run } = S;
    const entry = entryFor(run, S.rule, S.target);
    if (entry && (entry.rule !== S.rule || entry.target !== S.target)) {
      set({ rule: entry.rule, target: entry.target });
      return;
    }
    const rel = entry && await data.relevance(run.id, entry.rule, entry.target).catch(unreadable(below));
    if (S.run !== run || (entry && (entry.rule !== S.rule || entry.target !== S.target))) return;
    page.hear("relevance", rel?.x ? { x: rel.x, rate: rel.rate, label: "Relevance" } : null);
    set({ rel, answered: {} });
    player.again();
  }

  function layerToBegin(run) {
    const asked = page.takeInitial("layer");
    if (run.taps.some((tap) => tap.name === asked)) return asked;
    return Object.keys(run.maps).at(-1) ?? run.taps[Math.min(1, run.taps.length - 1)]?.name ?? null;
  }

  page.open = async (id) => {
    const run = data.runs.get(id) ?? [...data.runs.values()][0];
    if (!run) return; // a live page begins with nothing
    const about = page.manifest.sounds[run.sound];
    if (player.playing) player.pause();
    player.sources = {};
    S.late = null;
    Object.assign(S, { rel: null, otherRel: null, diff: null, map: null, layer: null, channel: null, first: null, t: 0, sound: null });
    set({ run, dur: about.duration, v0: 0, v1: about.duration, reg: null, source: "input", target: page.takeInitial("target") ?? "top" });
    $("run").value = run.id;
    if (page.options.title !== false) document.title = visible(`${run.model} on ${about.name}: Otoscope`);
    stack.message(null);
    page.$("trouble").replaceChildren();
    const begin = entryFor(run, S.rule, S.target); // asked for at once, waited for after the sound
    if (begin) data.relevance(run.id, begin.rule, begin.target).catch(() => null);
    const sound = await data.sound(run.sound).catch(unreadable(0, below - 1)) ?? { ...about, x: new Float32Array(0), pic: null };
    if (S.run !== run) return;
    if (sound.x.length) page.hear("input", { x: sound.x, rate: sound.rate, label: "Input", natural: true });
    set({ sound });
    await loadRelevance();
    if (S.run !== run) return;
    stack.draw();
    performance.mark("first-draw");
    page.place();
    await new Promise((done) => setTimeout(done)); // the first screen stands before the rest is made
    if (S.run !== run) return;
    $("answer").classList.remove("busy");
    set({ late: run.id });
    set({ layer: layerToBegin(run) });
  };

  on("rule target", () => {
    if (S.run && S.sound) loadRelevance();
  });
  on("late rule target layer channel", () => {
    if (S.late) page.address.replace(addressed(S));
  });
  on("address", () => {
    const asked = page.address.all();
    if (asked.run && asked.run !== S.run?.id) page.open(asked.run);
    else set(Object.fromEntries(KEPT.slice(1, 4).filter((key) => asked[key]).map((key) => [key, asked[key]])));
  });
  const rule = page.takeInitial("rule");
  if (rule) S.rule = rule;
  return page.open(page.takeInitial("run"));
}
