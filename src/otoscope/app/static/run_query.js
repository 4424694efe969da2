// Questions in words: `jackson digit:7 score>0.8 -dead`. Each word has to be found; one with a name in front is asked of
// that column; a dash in front turns it round.

const TOKEN = /(-?)(?:([^\s":<>=]+)(:|<=|>=|=|<|>))?(?:"([^"]*)"|(\S+))/gu;

// [{not, column, how, text, number}] from a question; column is null where a word is looked for everywhere.
export function parseQuery(text) {
  const found = [];
  for (const [, not, column, how, quoted, plain] of text.matchAll(TOKEN)) {
    const value = quoted ?? plain;
    found.push({
      not: not === "-", column: column?.toLowerCase().replaceAll("_", " ") ?? null, how: how ?? "has",
      text: value.toLowerCase(), number: value.trim() === "" ? NaN : Number(value),
    });
  }
  return found;
}

const compared = {
  "<": (a, b) => a < b, ">": (a, b) => a > b, "<=": (a, b) => a <= b, ">=": (a, b) => a >= b, "=": (a, b) => a === b,
  ":": (a, b) => a === b,
};

// Whether a value is as a word of a question asks; values are text, numbers, true or false.
export function answers(value, { how, text, number }) {
  if (value == null || Number.isNaN(value)) return false;
  if (typeof value === "boolean") {
    const asked = ["no", "false", "0"].includes(text) ? false : ["yes", "true", "1"].includes(text) ? true : null;
    return asked === null ? false : value === asked;
  }
  if (typeof value === "number") return !Number.isNaN(number) && (compared[how] ?? compared["="])(value, number);
  const own = String(value).toLowerCase();
  if (how === "has" || how === ":") return own.includes(text);
  if (how === "=") return own === text;
  return !Number.isNaN(number) && own.trim() !== "" && compared[how](Number(own), number);
}

// A function that tells of a row whether it is as asked: `column(name)` gives a function from a row to its value, or null
// where there is no such column; `words(row)` is the text in which plain words are looked for. Unknown names come back,
// and nothing is as asked then: what cannot be looked for is in no row. `asks(name)` tells whether a column is named.
export function matcher(text, column, words) {
  const unknown = [];
  const tests = [];
  const asked = new Set();
  for (const token of parseQuery(text)) {
    asked.add(token.column);
    const get = token.column === null ? null : column(token.column);
    if (token.column !== null && !get) {
      unknown.push(token.column);
      continue;
    }
    const test = get ? (row) => answers(get(row), token) : (row) => words(row).includes(token.text);
    tests.push(token.not ? (row) => !test(row) : test);
  }
  const test = unknown.length ? () => false : (row) => tests.every((one) => one(row));
  return { unknown, test, all: asked.size === 0, asks: (name) => asked.has(name) };
}

// A value as it is written in a question.
export const quoted = (value) => (/[\s":<>=]/u.test(value) ? `"${String(value).replaceAll('"', "")}"` : String(value));
