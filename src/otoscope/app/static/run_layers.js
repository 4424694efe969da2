// The layers of a run, each a row: how many maps, how many are dead or described, and how selective they are.

import { attribute, fill, h } from "./dom.js";
import { count, many, sig } from "./numbers.js";
import { amountOf } from "./run_charts.js";
import { RowList } from "./run_list.js";

const inPercent = (share) => (share == null ? "" : `${Math.round(100 * share)}`);

export function runLayersView(run) {
  const { page, R, on } = run;
  let rows = [];
  const list = new RowList(page, page.$("run-layers"), {
    height: 26, label: "Layers", id: "run-l",
    make: () => h("div", { class: "rlay" }, ...Array.from({ length: 5 }, () => h("span"))),
    fill(row, i) {
      const one = rows[i];
      const cells = [one.text, count(one.maps), one.dead ? count(one.dead) : "", inPercent(one.active), one.last];
      cells.forEach((text, k) => { fill(row.children[k], text); });
      attribute(row, "title", one.name || "all layers");
      row.style.setProperty("--share", `${100 * (one.bar ?? 0)}%`);
      attribute(row, "aria-label", `${one.text}, ${many(one.maps, "map")}, ${one.dead} dead${one.said}`);
    },
    choose: (i) => run.set({ layer: rows[i].name }),
  });

  function draw() {
    const { info } = run;
    if (!info?.layers) return;
    const told = info.described;
    const apart = run.difference;
    const sums = info.layers.reduce((a, one) => ({ maps: a.maps + one.maps, dead: a.dead + one.dead, described: a.described + (one.described ?? 0) }), { maps: 0, dead: 0, described: 0 });
    const byLayer = new Map((apart?.layers ?? []).map((one) => [one.name, one]));
    const line = (name, text, one, active) => {
      const alike = apart ? byLayer.get(name)?.correlation : null;
      const share = apart ? alike : told ? one.described / one.maps : null;
      const last = apart ? (alike == null ? "" : sig(alike, 2)) : told ? inPercent(share) : one.activity == null ? "" : amountOf(one.activity);
      const said = apart ? "" : told ? `, ${one.described} described` : "";
      return { name, text, maps: one.maps, dead: one.dead, active, last, bar: share ?? 0, said };
    };
    rows = [line("", "all layers", { ...sums, activity: null }, null), ...info.layers.map((one) => line(one.name, run.ending(one.name, 16), one, one.active))];
    const heads = ["layer", "maps", "dead", "on, %", apart ? "alike, r" : told ? "described, %" : "activity"];
    page.$("run-layhead").replaceChildren(...heads.map((text) => h("span", {}, text)));
    list.show(rows.length, rows.findIndex((one) => one.name === R.layer));
  }

  on("loaded beside", draw);
  on("layer", () => list.select(rows.findIndex((one) => one.name === R.layer)));
  page.key("[ ]", "layer above, below", {
    "[": () => list.n && list.choose(Math.max(0, list.at - 1), "key"), "]": () => list.n && list.choose(Math.min(list.n - 1, list.at + 1), "key"),
  });
  run.drawLayers = draw;
}
