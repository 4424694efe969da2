// The clips of a run, found by what is known of them, and the maps that each drives most.

import { attribute, fill, h } from "./dom.js";
import { count, many } from "./numbers.js";
import { amountOf } from "./run_charts.js";
import { RowList } from "./run_list.js";
import { matcher, quoted } from "./run_query.js";

const plainName = (name) => name.toLowerCase().replaceAll("_", " ");

// The part of the clips as columns: {n, row(clip), clipOf(row), nameOf(row), brief(row), columns, …}.
export function createClips(box) {
  const { head, numbers } = box;
  const clip = numbers(head.clip);
  const rows = new Map(Array.from(clip, (number, row) => [number, row]));
  const words = head.facts.map((fact) => {
    const codes = numbers(fact.codes);
    return { name: fact.name, values: fact.values, codes, of: fact.of, get: (row) => (codes[row] < 0 ? null : fact.values[codes[row]]) };
  });
  const amounts = head.numbers.map((fact) => {
    const values = numbers(fact.values);
    return { name: fact.name, units: fact.units === "1" ? "" : fact.units, of: fact.of, get: (row) => values[row] };
  });
  const given = words.filter((fact) => fact.of !== "model" && fact.name !== "split" && fact.values.length > 1 && fact.values.length <= 50).slice(0, 2);
  return {
    n: clip.length, of: head.of, words, amounts,
    row: (number) => rows.get(number), clipOf: (row) => clip[row], nameOf: (row) => head.names[row],
    brief: (row) => given.map((fact) => fact.get(row)).filter((value) => value != null).join(", "),
    column: (name) => [...words, ...amounts].find((fact) => plainName(fact.name) === name)?.get ?? (name === "name" ? (row) => head.names[row] : null),
    text: (row) => `${head.names[row]} ${words.map((fact) => fact.get(row) ?? "").join(" ")}`.toLowerCase(),
  };
}

export function runClipsView(run) {
  const { page, R, on } = run;
  const { $ } = page;
  let rows = new Int32Array(0);
  let driven = [];

  const list = new RowList(page, $("run-clist"), {
    height: 34, label: "Clips", id: "run-c",
    make: () => h("div", { class: "rclip" }, h("span", { class: "n" }), h("span", { class: "a" }), h("span", { class: "b" })),
    fill(element, k) {
      const row = rows[k];
      const { clips } = run;
      if (!clips) return;
      const answer = clips.words.find((fact) => fact.of === "model" && fact.name.endsWith("answer"))?.get(row);
      fill(element.children[0], clips.nameOf(row));
      fill(element.children[1], clips.brief(row));
      fill(element.children[2], answer == null ? "" : `said ${answer}`);
      attribute(element, "title", clips.nameOf(row));
    },
    choose: (k, how) => run.set({ clip: run.clips.clipOf(rows[k]), ...(how === "click" ? { section: "clips" } : {}) }),
  });

  const maps = new RowList(page, $("run-cmaps"), {
    height: 34, label: "Maps that this clip drives most", id: "run-d",
    make: () => h("div", { class: "rdrive" }, h("span", { class: "r" }), h("b"), h("span", { class: "a" })),
    fill(element, k) {
      const { map, rank } = driven[k];
      if (!run.table) return;
      fill(element.children[0], `${rank}.`);
      fill(element.children[1], run.nameOf(map));
      fill(element.children[2], run.sentence(map));
    },
    choose(k, how) {
      if (how !== "click") {
        maps.select(k);
        return;
      }
      const { map, rank } = driven[k];
      run.choose(map, { layer: "", query: "", clip: R.clip, wantRank: rank, section: "maps", dead: R.dead });
    },
  });

  function ask() {
    const { clips } = run;
    if (!clips) return;
    const { test, unknown, all } = matcher(R.find, clips.column, clips.text);
    const found = [];
    for (let row = 0; row < clips.n; row++) if (all || test(row)) found.push(row);
    const order = clips.amounts.find((fact) => fact.name === R.order);
    if (order) {
      const key = (row) => (Number.isFinite(order.get(row)) ? order.get(row) : -Infinity);
      found.sort((a, b) => key(b) - key(a) || a - b);
    }
    rows = Int32Array.from(found);
    const none = unknown.length ? `There is no column ${unknown.join(", ")}, so nothing is found. ` : "";
    fill($("run-csaid"), none + (rows.length === clips.n ? many(clips.n, "clip") : `${count(rows.length)} of ${many(clips.n, "clip")}`));
    list.show(rows.length, rows.indexOf(clips.row(R.clip) ?? -1));
    if ($("run-find").value !== R.find) $("run-find").value = R.find;
  }

  function controls() {
    const { clips } = run;
    $("run-order").replaceChildren(h("option", { value: "" }, "as swept"), ...clips.amounts.map((fact) => h("option", { value: fact.name, selected: fact.name === R.order }, fact.name)));
    const few = clips.words.filter((fact) => fact.values.length > 1 && fact.values.length <= 24);
    $("run-chips").replaceChildren(...few.slice(0, 4).map((fact) => h("span", { class: "pick" }, h("select", {
      "aria-label": `Clips by ${fact.name}`,
      onchange: (event) => {
        const name = plainName(fact.name).replaceAll(" ", "_");
        const kept = R.find.split(/\s+(?=(?:[^"]*"[^"]*")*[^"]*$)/u).filter((word) => word && !word.startsWith(`${name}=`));
        run.set({ find: [...kept, ...(event.target.value ? [`${name}=${quoted(event.target.value)}`] : [])].join(" ") });
        event.target.value = "";
      },
    }, h("option", { value: "" }, `${fact.name} \u2026`), ...fact.values.map((value) => h("option", { value }, value))))));
    const first = clips.words.find((fact) => fact.values.length > 1 && fact.values.length <= 50);
    const amount = clips.amounts.find((fact) => fact.name === "seconds") ?? clips.amounts[0];
    attribute($("run-find"), "placeholder", [first && `${first.name}:${quoted(first.values[0])}`, amount && `${amount.name}>0.5`, "name"].filter(Boolean).join("  "));
  }

  async function drawOne() {
    const { clips } = run;
    const row = clips?.row(R.clip);
    $("run-one").hidden = row == null;
    $("run-onenone").hidden = row != null;
    if (row == null) return;
    fill($("run-onename"), clips.nameOf(row));
    const facts = [
      ...clips.words.map((fact) => [fact.name, fact.get(row)]),
      ...clips.amounts.map((fact) => [fact.name, Number.isFinite(fact.get(row)) ? `${amountOf(fact.get(row))}${fact.units ? ` ${fact.units}` : ""}` : null]),
    ].filter(([, value]) => value != null);
    $("run-onefacts").replaceChildren(...facts.map(([name, value]) => h("div", {}, h("dt", {}, name.replaceAll("_", " ")), h("dd", {}, value))));
    const can = run.info.sounds?.clips.includes(R.clip) ?? false;
    $("run-hear").hidden = !can;
    $("run-onequiet").hidden = can || !run.table;
    if (!run.table) {
      $("run-cmapsbox").hidden = true;
      return;
    }
    const box = await run.boxes.box(`${run.info.id}-drives`, true);
    if (clips.row(R.clip) !== row) return;
    const [first, map, rank] = ["first", "map", "rank"].map((name) => box.numbers(box.head[name]));
    driven = [];
    for (let k = first[row]; k < first[row + 1]; k++) driven.push({ map: map[k], rank: rank[k] });
    $("run-cmapsbox").hidden = false;
    const those = `the ${run.info.top} clips that drive`;
    const has = driven.length === 1 ? `1 map has it among ${those} it most` : `${count(driven.length)} maps have it among ${those} them most`;
    fill($("run-cmapsname"), driven.length ? has : "It is not among the clips that drive any map most");
    $("run-cmaps").hidden = !driven.length;
    maps.show(driven.length, -1);
  }

  async function hear() {
    const box = await run.boxes.box(`${run.info.id}-c-${R.clip}`);
    const piece = box.head.pieces[0];
    page.player.once({ x: box.sound(piece.signal), rate: box.head.rate });
    page.say("Playing the clip");
  }

  let typing = 0;
  $("run-find").addEventListener("input", (event) => {
    clearTimeout(typing);
    typing = setTimeout(() => run.set({ find: event.target.value }), 120);
  });
  $("run-order").addEventListener("change", (event) => run.set({ order: event.target.value }));
  $("run-hear").addEventListener("click", hear);
  on("clips", () => {
    if (!run.clips) return;
    controls();
    ask();
    drawOne();
  });
  on("find order", ask);
  on("clip", () => {
    list.select(rows.indexOf(run.clips?.row(R.clip) ?? -1));
    drawOne();
  });
}
