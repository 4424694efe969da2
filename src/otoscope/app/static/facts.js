// Facts, provenance and citations, folded away: what made the numbers of the page, to be checked and cited.

import { h } from "./dom.js";
import { many } from "./numbers.js";
import { notesList } from "./notes.js";
import { resultTable } from "./tables.js";

// Arguments as name=value, in order, without those that were left open.
export function argumentsText(given) {
  const shown = (value) => {
    if (Array.isArray(value)) return `[${value.map(shown).join(", ")}]`;
    return value !== null && typeof value === "object" ? JSON.stringify(value) : String(value);
  };
  const asked = Object.entries(given ?? {}).filter(([, value]) => value !== null);
  return asked.map(([name, value]) => `${name}=${shown(value)}`).join(", ");
}

const factRows = (rows) => h("dl", { class: "kv" }, ...rows.flatMap(([name, value, code]) => [
  h("dt", {}, name), h("dd", { class: code ? "mono" : null }, String(value)),
]));

const fold = (title, sub, open, ...content) => h(
  "details", { open }, h("summary", {}, title, h("span", {}, sub)), ...content.filter(Boolean),
);

// Each method with all that was asked of it, and the work it comes from: [name, [arguments, …], [source, …]].
export function methodRows(methods) {
  const found = new Map();
  for (const { method, source, arguments: given } of methods) {
    const row = found.get(method) ?? { asked: new Set(), sources: new Set() };
    row.asked.add(argumentsText(given) || "no arguments");
    if (source) row.sources.add(source);
    found.set(method, row);
  }
  return [...found].map(([method, { asked, sources }]) => [method.replaceAll("_", " "), [...asked], [...sources]]);
}

const methodList = (methods) => h("dl", { class: "kv" }, ...methodRows(methods).flatMap(([name, asked, sources]) => [
  h("dt", {}, name),
  h("dd", {}, ...asked.map((text) => h("p", { class: "mono" }, text)), ...sources.map((text) => h("p", { class: "xs" }, text))),
]));

// A link, of a work that has an address; any other kind of address is none.
function reference({ text, link }) {
  if (!/^https:\/\//.test(link ?? "")) return h("dd", {}, text);
  const without = text.replace(link, "").trim();
  return h("dd", {}, without, " ", h("a", { href: link, rel: "noreferrer" }, link.replace("https://", "")));
}

const citations = (references) => h("dl", { class: "kv" }, ...(references ?? []).flatMap((one) => [
  h("dt", {}, one.for), reference(one),
]));

export function factsView(page) {
  const { manifest } = page;
  const draw = () => {
    const { run } = page.S;
    if (!run) return;
    const sound = manifest.sounds[run.sound];
    const notes = notesList(page, run);
    const methods = run.methods ?? [];
    const tables = (run.tables ?? []).filter(({ rows }) => rows.length);
    const cited = `Otoscope ${manifest.otoscope}, and the work each method comes from`;
    const quote = manifest.bibtex && h(
      "div", { class: "cite" }, h("pre", { tabindex: 0 }, manifest.bibtex),
      h("button", { type: "button", class: "tx", onclick: () => page.copy(manifest.bibtex) }, "Copy the citation"),
    );
    page.$("factsbody").replaceChildren(...[
      notes && fold("What was filled, cut or left out", "", true, notes),
      run.facts?.model?.length && fold("Model", run.model, false, factRows(run.facts.model)),
      run.facts?.sound?.length && fold("Sound", sound.name, false, factRows(run.facts.sound)),
      tables.length && fold("More results", tables.map(({ method }) => method.replaceAll("_", " ")).join(", "), false,
        h("div", { class: "results" }, ...tables.map((table) => resultTable(page, table)))),
      methods.length && fold("Methods and arguments", many(methodRows(methods).length, "method"), false, methodList(methods)),
      fold("Cite", cited, false, quote, citations(manifest.references)),
    ].filter(Boolean));
  };
  page.on("late", draw);
}
