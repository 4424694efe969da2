// Results that are small tables: what they are, what is the same in all rows, the rows, and the call that makes them.

import { copyButton } from "./copy.js";
import { h } from "./dom.js";
import { count, many, sig } from "./numbers.js";

const MOST_TABLE_ROWS = 40;
const MOST_OF_A_CELL = 1e9; // whole numbers from here on are written as powers of ten

// A value as it stands in a table.
export function cellText(value) {
  if (value === null || value === undefined) return "";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value !== "number") return Array.isArray(value) ? value.map(cellText).join(", ") : String(value);
  return Number.isInteger(value) && Math.abs(value) < MOST_OF_A_CELL ? count(value) : sig(value, 4);
}

// What is the same in all rows, in one line.
export function constantsText(constants, headings) {
  return Object.entries(constants ?? {}).filter(([, value]) => value !== null)
    .map(([name, value]) => `${headings?.[name] ?? name.replaceAll("_", " ")} ${cellText(value)}`).join("; ");
}

export function resultTable(page, { method, summary, call, headings, rows, constants }) {
  const name = method.replaceAll("_", " ");
  const columns = Object.keys(headings ?? rows[0] ?? {});
  const same = constantsText(constants, headings);
  const button = call && page.S.run.opened && copyButton(page, name, () => [page.S.run.opened, call]);
  const cell = (value) => h("td", { class: typeof value === "number" ? "n" : null }, cellText(value));
  const isNumber = (column) => rows.some((row) => typeof row[column] === "number");
  const heading = (column) => h("th", { scope: "col", class: isNumber(column) ? "n" : null }, headings?.[column] ?? column);
  const left = rows.length > MOST_TABLE_ROWS ? `The first ${MOST_TABLE_ROWS} of ${many(rows.length, "row")}.` : "";
  return h("div", { class: "result" },
    h("p", {}, h("b", {}, name), " ", summary, " ", button),
    same && h("p", { class: "s" }, same),
    h("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": `Table of ${name}` }, h("table", {},
      h("thead", {}, h("tr", {}, columns.map(heading))),
      h("tbody", {}, rows.slice(0, MOST_TABLE_ROWS).map((row) => h("tr", {}, columns.map((column) => cell(row[column]))))))),
    left && h("p", { class: "xs" }, left));
}
