// Any map of any layer: those that the page does not have are asked for.

import { fill, h } from "./dom.js";
import { shortName } from "./layers.js";
import { progressWords } from "./live_status.js";
import { count, many } from "./numbers.js";

const FEW = 12; // maps of a layer that are asked for first, the most active ones
const PAUSE = 350; // ms that a layer is chosen before its maps are asked for

// Channels to be asked for, so that one more is there.
export const oneMore = (items, channel) => [...new Set([...items.map((item) => item.channel), channel])].sort((a, b) => a - b);

export function mapsView(page, bench) {
  const { S, on, $ } = page;
  const all = h("button", { type: "button", class: "tx" });
  const number = h("input", { type: "number", min: 0, step: 1, class: "num", id: "mapnumber" });
  const one = h("form", { class: "chk" }, h("label", { for: "mapnumber" }, "Map"), number, h("button", { class: "tx" }, "hear it"));
  $("gridbar").append(one, all);
  let timer = null;
  let under = null; // the layer whose maps are on their way

  const tap = () => S.run?.taps.find((entry) => entry.name === S.layer);
  const maps = () => S.run?.maps[S.layer];

  // Show the layer again, with one of its maps.
  function again(channel) {
    const { layer } = S;
    if (channel !== null) page.options.initial.map = String(channel);
    S.layer = null;
    page.set({ layer });
  }

  async function get(which, channel = null) {
    const { run, layer } = S;
    under = layer;
    missing();
    await bench.first(async () => {
      await bench.take(`Listening to ${shortName(run, layer)}`, bench.asking({ kind: "maps", layer, ...which }));
      if (S.run === run && S.layer === layer) again(channel);
    });
    if (under === layer) under = null;
    if (S.layer === layer) missing();
  }

  // In the place of the maps: that they are on their way, or how to get them.
  function missing() {
    const layer = tap();
    if (!layer || maps()) return;
    const task = S.tasks.find((entry) => entry.kind === "maps");
    if (under === S.layer) {
      $("gridempty").replaceChildren(h("p", {}, `Making ${shortName(S.run, S.layer)} into sound`), h("p", { class: "s" }, task ? progressWords(task) : ""),
        ...(task ? [h("button", { type: "button", class: "tx", onclick: task.cancel }, "Cancel")] : []));
      return;
    }
    if (!layer.channels) return;
    const few = Math.min(FEW, layer.channels);
    $("gridempty").replaceChildren(h("p", {}, `${many(layer.channels, "map")}, ${layer.channels === 1 ? "not" : "none"} made into sound yet.`), h("button", {
      type: "button", class: "act", onclick: () => get({ count: few }),
    }, few < layer.channels ? few === 1 ? "Hear the most active" : `Hear the ${few} most active` : few === 1 ? "Hear it" : "Hear them"));
  }

  function bar() {
    const layer = tap();
    const now = maps();
    all.hidden = !now || now.complete || !layer;
    one.hidden = all.hidden;
    if (!layer) return;
    fill(all, `all ${count(layer.channels)}`);
    number.max = layer.channels - 1;
  }

  all.addEventListener("click", () => get({ channels: "all" }));
  one.addEventListener("submit", (event) => {
    event.preventDefault();
    const channel = Number(number.value);
    if (number.value === "" || !one.reportValidity()) return;
    const known = maps()?.items ?? [];
    if (known.some((item) => item.channel === channel)) again(channel);
    else get({ channels: oneMore(known, channel) }, channel);
  });
  on("layer late", () => {
    bar();
    missing();
    clearTimeout(timer);
    if (!S.late || maps() || !tap()?.channels || !S.run.whole) return;
    const { layer } = S;
    timer = setTimeout(() => S.layer === layer && !maps() && under !== layer && get({ count: Math.min(FEW, tap().channels) }), PAUSE);
  });
  on("tasks", () => under && missing());
  bar();
}
