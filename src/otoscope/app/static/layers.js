// The layers as a table in the order of the calls: how often each gives a value, how much it sees, what it folds down.

import { h, icon } from "./dom.js";
import { clamp, count, hz, ms, NB, sig } from "./numbers.js";

const TICKS = [0.0001, 0.001, 0.01, 0.1, 1]; // s
const TITLES = {
  rate: "values a second", folds: "share of energy above the new limit, which the step folds down",
  mu: "mutual coherence of the kernels: 1 where two are the same", silent: "maps that are zero throughout this sound",
};

// What all names of taps begin with, up to a point.
export function commonPrefix(run) {
  const names = run.taps.map((tap) => tap.name);
  if (!names.length) return "";
  const prefix = names[0].slice(0, names[0].lastIndexOf(".") + 1);
  return names.every((name) => name.startsWith(prefix)) ? prefix : "";
}

export const shortName = (run, name) => name.slice(commonPrefix(run).length);

// A scale of durations from the shortest hop to the widest field, in per cent of the column.
function durationScale(run) {
  const times = run.taps.filter((tap) => tap.hop).flatMap((tap) => [tap.hop / run.rate, tap.receptive_field / run.rate]);
  if (!times.length) return { X: () => 0, ticks: [] };
  const a = Math.log10(Math.min(...times));
  const b = Math.max(a + 0.1, Math.log10(Math.max(...times)));
  const X = (seconds) => ((Math.log10(seconds) - a) / (b - a)) * 100;
  return { X, ticks: TICKS.filter((s) => Math.log10(s) >= a - 0.01 && Math.log10(s) <= b + 0.01) };
}

function tableHead({ X, ticks }) {
  const column = (text, name, title) => h("th", { scope: "col", class: name, title }, text);
  const marks = ticks.map((s) => h("span", { style: `left:${X(s)}%` }, sig(s * 1000, 1)));
  return h("thead", {}, h("tr", {},
    column("layer", "l"), column("maps", "m"),
    h("th", { scope: "col", class: "f" }, h("span", { class: "ft2" }, "hop to field, ms"), h("span", { class: "fh", "aria-hidden": "true" }, marks)),
    column("rate, Hz", "o", TITLES.rate), column("folds, %", null, TITLES.folds),
    column("\u03bc", "o mu", TITLES.mu), column("silent", "o", TITLES.silent)));
}

function funnel(run, tap, X) {
  if (!tap.hop) return h("span", { class: "xs" }, "whole sound");
  const hop = tap.hop / run.rate;
  const field = tap.receptive_field / run.rate;
  const style = `left:${X(hop)}%;width:${Math.max(1.5, X(field) - X(hop))}%`;
  return h("span", { class: "fun", title: `hop ${ms(hop)}, receptive field ${ms(field)}` }, h("i", { style }));
}

export function layersView(page) {
  const { $, S, set, on } = page;

  function row(tap, scale, folds, geometry) {
    const { run } = S;
    const fresh = tap.kind === "convolution" && (!tap.name.includes(".cv") || tap.name.endsWith("cv1"));
    const rate = tap.rate ? (tap.rate >= 100 ? count(Math.round(tap.rate)) : sig(tap.rate)) : "";
    const name = h("span", { class: "nm", title: `${tap.name}, ${tap.op}` },
      icon(tap.kind, "kd"), h("span", {}, shortName(run, tap.name)), run.maps[tap.name] && h("i", { class: "snd", title: "can be heard" }));
    return h("tr", {
      class: fresh ? "b" : null, "aria-selected": String(tap.name === S.layer), "data-l": tap.name, id: "l:" + tap.name,
      onclick: () => set({ layer: tap.name }),
    },
    h("td", {}, name), h("td", {}, count(tap.channels)), h("td", {}, funnel(run, tap, scale.X)), h("td", { class: "o" }, rate),
    h("td", {}, folds?.share != null ? sig(100 * folds.share, 2) : ""),
    h("td", { class: "o" }, geometry?.taps[0] === tap.name ? geometry.mu.toFixed(2) : ""),
    h("td", { class: "o" }, tap.silent || ""));
  }

  function drawTable() {
    const { run } = S;
    const scale = durationScale(run);
    const folds = new Map((run.aliasing ?? []).map((a) => [a.step, a]));
    const geometry = new Map((run.geometry ?? []).flatMap((g) => g.taps.map((tap) => [tap, g])));
    const rows = run.taps.map((tap) => row(tap, scale, folds.get(tap.name), geometry.get(tap.name)));
    $("lay").replaceChildren(h("caption", { class: "vh" }, `Layers of ${run.model}`), tableHead(scale), h("tbody", {}, rows));
    $("layers").hidden = !run.taps.length;
  }

  // What is known of the chosen layer, in one line.
  function layerFacts(tap) {
    const { run } = S;
    const geometry = (run.geometry ?? []).find((g) => g.taps.includes(tap.name));
    const folds = (run.aliasing ?? []).find((a) => a.step === tap.name);
    const facts = tap.hop
      ? [`one value every ${ms(tap.hop / run.rate)}`, `each sees ${ms(tap.receptive_field / run.rate)}`]
      : ["one value for the whole sound"];
    if (tap.silent) facts.push(`${tap.silent} silent`);
    const maps = run.maps[tap.name];
    if (maps && !maps.complete) facts.push(`the ${maps.items.length} most active are in this file`);
    if (folds?.share != null) facts.push(`folds ${sig(100 * folds.share, 2)}${NB}% above ${hz(folds.nyquist)}`);
    if (geometry) {
      facts.push(`frame bounds ${sig(geometry.A)} to ${sig(geometry.B)}`, `\u03bc ${geometry.mu.toFixed(2)}`);
      facts.push(`nearest kernels ${sig(geometry.beta_min)}\u00b0 apart`);
    }
    return facts.join("; ") + ".";
  }

  function showRow(tr) {
    const box = $("lay").parentElement;
    const top = tr.offsetTop - 26;
    const bottom = tr.offsetTop + tr.offsetHeight;
    if (top < box.scrollTop) box.scrollTop = top;
    else if (bottom > box.scrollTop + box.clientHeight) box.scrollTop = bottom - box.clientHeight;
  }

  function drawLayer() {
    const { run } = S;
    const tap = run?.taps.find((t) => t.name === S.layer);
    if (!tap) return;
    for (const tr of $("lay").querySelectorAll("tbody tr")) {
      const chosen = tr.dataset.l === S.layer;
      tr.setAttribute("aria-selected", String(chosen));
      if (chosen) showRow(tr);
    }
    $("lay").setAttribute("aria-activedescendant", "l:" + S.layer);
    $("layname").textContent = `${shortName(run, tap.name)}, ${count(tap.channels)} maps`;
    $("layfacts").textContent = layerFacts(tap);
  }

  function step(by) {
    const names = S.run?.taps.map((tap) => tap.name) ?? [];
    if (names.length) set({ layer: names[clamp(names.indexOf(S.layer) + by, 0, names.length - 1)] });
  }

  on("late", () => {
    if (S.late) drawTable();
  });
  on("layer", drawLayer);
  page.key("[ ]", "layer above, below", { "[": () => step(-1), "]": () => step(1) });
  $("lay").addEventListener("keydown", (event) => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    step(by);
  });
}
