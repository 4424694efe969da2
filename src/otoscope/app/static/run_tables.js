// What a run says besides its maps: means with intervals as tables and curves, errors, and the scores of an evaluation.

import { attribute, fill, h } from "./dom.js";
import { count, fx, many, sig } from "./numbers.js";
import { cellText } from "./tables.js";
import { chartOf, drawBars, drawMatrix, drawMeans } from "./run_charts.js";
import { RowList } from "./run_list.js";


// A place as it is read: `{"sub_band": 1000.0}` is "sub band 1,000".
function placed(at) {
  try {
    return Object.entries(JSON.parse(at)).map(([name, value]) => `${name.replaceAll("_", " ")} ${cellText(value)}`).join(", ");
  } catch {
    return at;
  }
}

const columnNamed = (table, name) => table.columns.find((one) => one.name === name)?.values ?? null;

// The place of each row within the clip, as a number where it is one: `{"frequency": 250.0}` is 250.
function placeOf(at) {
  try {
    const [[name, value]] = Object.entries(JSON.parse(at));
    return { name, value };
  } catch {
    return null;
  }
}

// The curves of a table: of each variable its means by layer or by place, with their intervals.
export function curvesOf(table) {
  const [variable, layer, at, mean, low, high] = ["variable", "layer", "at", "mean", "ci low", "ci high"].map((name) => columnNamed(table, name));
  if (!variable || !mean) return [];
  const found = new Map();
  for (let i = 0; i < variable.length; i++) {
    const place = at?.[i] ? placeOf(at[i]) : null;
    const by = layer?.[i] && !place ? "layer" : place && !layer?.[i] ? place.name : null;
    if (!by) continue;
    const key = JSON.stringify([variable[i], by]);
    const one = found.get(key) ?? { variable: variable[i], by, names: [], mean: [], low: [], high: [] };
    found.set(key, one);
    one.names.push(by === "layer" ? layer[i] : place.value);
    one.mean.push(mean[i]);
    one.low.push(low?.[i] ?? null);
    one.high.push(high?.[i] ?? null);
  }
  return [...found.values()].filter((one) => one.names.length > 1).map((one) => {
    const numeric = one.names.every((name) => typeof name === "number");
    if (!numeric) return one;
    const order = one.names.map((_, i) => i).sort((a, b) => one.names[a] - one.names[b]);
    const sorted = (values) => order.map((i) => values[i]);
    return { ...one, numbers: sorted(one.names), names: sorted(one.names).map(String), mean: sorted(one.mean), low: sorted(one.low), high: sorted(one.high) };
  });
}

export function runTablesView(run) {
  const { page, R, on } = run;
  const { $ } = page;
  let table = null;
  let curves = [];
  let curve = 0;
  let shown = [];

  const list = new RowList(page, $("run-table"), {
    height: 26, label: "Rows", id: "run-t",
    make: () => h("div", { class: "rrow" }, ...Array.from({ length: 9 }, () => h("span"))),
    fill(row, i) {
      const { columns } = table;
      for (let k = 0; k < row.children.length; k++) {
        const column = columns[k];
        const value = column?.values[i];
        const text = column?.name === "at" && value != null ? placed(value) : cellText(value);
        fill(row.children[k], text);
        row.children[k].hidden = !column;
        attribute(row.children[k], "title", text.length > 24 ? text : "");
        row.children[k].classList.toggle("rnum", column != null && typeof column.values[i] === "number");
      }
    },
    choose: (i) => list.select(i),
  });

  function show(one) {
    table = one;
    curves = curvesOf(one);
    curve = 0;
    const columns = one.columns.slice(0, 9);
    const wide = columns.map((column) => (column.values.some((value) => typeof value === "string" && value.length > 24) ? "minmax(0,3fr)" : column.values.some((value) => typeof value === "string") ? "minmax(0,1.6fr)" : "minmax(0,1fr)"));
    $("run-tablebox").style.setProperty("--cols", wide.join(" "));
    $("run-tablehead").replaceChildren(...columns.map((column) => h("span", { class: typeof column.values.find((v) => v != null) === "number" ? "rnum" : null }, column.name)));
    fill($("run-tablesaid"), one.rows < one.of ? `the first ${count(one.rows)} of ${many(one.of, "row")}` : many(one.rows, "row"));
    list.show(one.rows, -1);
    list.refresh();
    $("run-curvebox").hidden = !curves.length;
    $("run-curvepick").replaceChildren(...curves.map((c, k) => h("option", { value: k }, `${c.variable.replaceAll("_", " ")} by ${c.by.replaceAll("_", " ")}`)));
    drawCurve();
  }

  function drawCurve() {
    const one = curves[curve];
    if (!one) return;
    drawMeans(page, $("run-curve"), { names: one.names.map((name) => run.ending(name, 12)), numbers: one.numbers, series: [{ mean: one.mean, low: one.low, high: one.high, colour: page.css.warm }] });
    const known = one.mean.filter((v) => v != null);
    attribute($("run-curve"), "aria-label", `${one.variable} by ${one.by}, mean over clips with 95 % intervals, from ${sig(Math.min(...known))} to ${sig(Math.max(...known))}`);
  }

  function pick(tables) {
    const seg = $("run-tables");
    const chosen = tables.find((one) => one.name === R.table) ?? tables[0];
    seg.replaceChildren(...tables.map((one) => h("button", {
      type: "button", "aria-pressed": String(one === chosen), onclick: () => run.set({ table: one.name }),
    }, one.name.replaceAll("_", " "))));
    $("run-tablesall").hidden = !tables.length;
    $("run-tablesnone").hidden = tables.length > 0;
    if (chosen) show(chosen);
  }

  // The first curves of a sweep without maps, beside its name.
  function drawFirst(tables) {
    const box = $("run-curves");
    box.hidden = Boolean(run.info.maps || run.info.evaluation);
    if (box.hidden) return;
    const first = tables.flatMap((one) => (one.columns.some(({ name }) => name === "mean") ? curvesOf(one) : [])).slice(0, 4);
    box.replaceChildren(...first.map((one) => {
      const words = `${one.variable} by ${one.by}`.replaceAll("_", " ");
      const canvas = h("canvas", { class: "rcurve", role: "img", "aria-label": `${words}, mean over the clips with 95 % intervals` });
      requestAnimationFrame(() => drawMeans(page, canvas, { names: one.names.map((name) => run.ending(name, 12)), numbers: one.numbers, series: [{ mean: one.mean, low: one.low, high: one.high, colour: page.css.warm }] }));
      return h("figure", {}, h("figcaption", {}, words), canvas);
    }));
  }

  async function draw() {
    const { info } = run;
    if (!info) return;
    const own = info;
    let tables = [];
    if (info.kind === "sweep") {
      const box = await run.boxes.box(`${info.id}-tables`, true);
      if (run.info !== own) return;
      tables = [...box.head.tables, ...(box.head.errors ? [box.head.errors] : [])];
    } else tables = [info.evaluation.metrics, info.evaluation.groups, info.errors].filter(Boolean);
    if (run.difference?.rows) tables.push(run.difference.rows);
    shown = tables;
    drawFirst(tables);
    pick(tables);
    fill(page.$("run-tablessay"), tables.some((one) => one.name === "errors") ? "Means over the clips with 95 % intervals, and what went wrong, by cause." : "Means over the clips with 95 % intervals.");
  }

  $("run-curvepick").addEventListener("change", (event) => {
    curve = Number(event.target.value);
    drawCurve();
  });
  page.watch($("run-curve"), "size", drawCurve);
  page.watch($("run-curves"), "size", () => run.info && drawFirst(shown));
  page.on("theme", () => {
    drawCurve();
    if (run.info) drawFirst(shown);
  });
  on("info table beside", draw);
}

// The first view of an evaluation: how often each class was taken for each other, and how sure the answers were.
export function runScoresView(run) {
  const { page, on } = run;
  const { $ } = page;

  function draw() {
    const { info } = run;
    if (!info) return;
    const scores = info.evaluation;
    $("run-scores").hidden = !scores;
    if (!scores) return;
    const { confusion, sure } = scores;
    $("run-matrixbox").hidden = !confusion;
    if (confusion) {
      drawMatrix(page, $("run-matrix"), confusion);
      const right = confusion.classes.reduce((sum, _, i) => sum + confusion.counts[i * confusion.classes.length + i], 0);
      const all = confusion.counts.reduce((a, b) => a + b, 0);
      attribute($("run-matrix"), "aria-label", `Clips by class and answer: ${right} of ${all} right`);
    }
    $("run-surebox").hidden = !sure;
    if (sure) {
      const shares = sure.right.map((right, i) => (right + sure.wrong[i] ? right / (right + sure.wrong[i]) : null));
      if (chartOf(page, $("run-sure"))) drawMeans(page, $("run-sure"), { names: shares.map((_, i) => `${(i + 0.5) / 10}`), series: [{ mean: shares, colour: page.css.warm }, { mean: shares.map((v, i) => (v == null ? null : (i + 0.5) / 10)), colour: page.css.rule2 }] });
      drawBars(page, $("run-surecount"), { values: sure.right.map((right, i) => right + sure.wrong[i]), names: shares.map((_, i) => fx(i / 10, 1)) });
      attribute($("run-sure"), "aria-label", "Share of right answers by their probability");
    }
  }

  on("info", draw);
  page.on("theme", draw);
  page.watch($("run-matrix"), "size", draw);
  run.drawScores = draw;
}
