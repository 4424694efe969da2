import assert from "node:assert/strict";
import test from "node:test";

import { createBoxes, openBox } from "../../../src/otoscope/app/static/run_data.js";
import { labelsAlong } from "../../../src/otoscope/app/static/run_charts.js";
import { dotWords } from "../../../src/otoscope/app/static/run_overview.js";
import { answers, matcher, parseQuery, quoted } from "../../../src/otoscope/app/static/run_query.js";
import { chosenMaps, createTable } from "../../../src/otoscope/app/static/run_table.js";
import { curvesOf } from "../../../src/otoscope/app/static/run_tables.js";

// A part as Python packs it: the length of its head, the head, arrays behind one another.
function packed(head, arrays) {
  const refs = {};
  let at = 0;
  for (const [name, [type, values]] of Object.entries(arrays)) {
    refs[name] = { at, n: values.length, type };
    at += values.byteLength;
  }
  const text = new TextEncoder().encode(JSON.stringify({ ...head, ...refs }));
  const bytes = new Uint8Array(4 + text.length + at);
  new DataView(bytes.buffer).setUint32(0, text.length, true);
  bytes.set(text, 4);
  for (const [name, [, values]] of Object.entries(arrays)) bytes.set(new Uint8Array(values.buffer), 4 + text.length + refs[name].at);
  return bytes;
}

const deflated = async (bytes) => {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
};

test("a question is words, columns and what is left out", () => {
  assert.deepEqual(parseQuery('level digit:7 score>=0.8 -"new york" -speaker:"a b"').map(({ not, column, how, text }) => [not, column, how, text]), [
    [false, null, "has", "level"], [false, "digit", ":", "7"], [false, "score", ">=", "0.8"], [true, null, "has", "new york"], [true, "speaker", ":", "a b"],
  ]);
  assert.deepEqual(parseQuery(""), []);
  assert.equal(parseQuery("modulation_rate>2")[0].column, "modulation rate");
  assert.deepEqual(["a b", "a", 'say "x"'].map(quoted), ['"a b"', "a", '"say x"']);
});

test("values are compared as what they are", () => {
  const ask = (value, text) => answers(value, parseQuery(`x${text}`)[0]);
  assert.deepEqual([ask(0.5, ">0.4"), ask(0.5, "<0.4"), ask(0.5, "=0.5"), ask(NaN, "<1"), ask(null, ":a")], [true, false, true, false, false]);
  assert.deepEqual([ask("Jackson", ":jack"), ask("Jackson", "=jack"), ask("Jackson", "=jackson"), ask("7", ">6")], [true, false, true, true]);
  assert.deepEqual([ask(true, ":yes"), ask(true, ":no"), ask(false, ":no"), ask(false, ":maybe")], [true, false, true, false]);
});

test("an unknown column is named, and nothing is as asked", () => {
  const { unknown, all, test: fits } = matcher("nothing:1 a", () => null, () => "a b");
  assert.deepEqual([unknown, all, fits(0)], [["nothing"], false, false]);
  assert.equal(matcher("nothing:1", () => null, () => "").all, false);
});

function tableOfSix() {
  const run = {
    maps: 6, facts: [{ name: "digit", values: ["0", "1"] }],
    layers: [{ name: "l1", first: 0, maps: 2, channels: null }, { name: "l2", first: 2, maps: 4, channels: [1, 3, 5, 7] }],
  };
  const bytes = packed({}, {
    activity: ["f4", Float32Array.of(1, 2, 3, 4, 0, 6)], largest: ["f4", new Float32Array(6)], active: ["f4", Float32Array.of(1, 1, 0.5, 1, 0, 1)],
    dead: ["u1", Uint8Array.of(0, 0, 0, 0, 1, 0)], index: ["f4", Float32Array.of(0.1, 0.9, 0.5, NaN, NaN, 0.7)], value: ["i2", Int16Array.of(0, 1, 1, -1, -1, 0)],
  });
  const box = openBox(bytes);
  const head = { ...box.head, selectivity: { digit: { index: box.head.index, value: box.head.value } } };
  return createTable(run, { ...box, head });
}

const ASKED = { layer: "", query: "", sort: "number", fact: "digit", dead: false, up: false };

test("maps are found by layer and number, also where numbers have gaps", () => {
  const table = tableOfSix();
  assert.deepEqual([0, 1, 2, 5].map((i) => [table.layerOf(i), table.channelOf(i)]), [[0, 0], [0, 1], [1, 1], [1, 7]]);
  assert.deepEqual([table.placeOf("l2", 5), table.placeOf("l2", 0), table.placeOf("l1", 2), table.placeOf("l9", 0)], [4, -1, -1, -1]);
});

test("maps are chosen and sorted as asked; what is not known comes last", () => {
  const table = tableOfSix();
  const chosen = (more) => [...chosenMaps(table, { ...ASKED, ...more }).maps];
  assert.deepEqual(chosen({}), [0, 1, 2, 3, 5]);
  assert.deepEqual(chosen({ dead: true }), [0, 1, 2, 3, 4, 5]);
  assert.deepEqual(chosen({ sort: "selectivity" }), [1, 5, 2, 0, 3]);
  assert.deepEqual(chosen({ sort: "selectivity", up: true }), [0, 2, 5, 1, 3]);
  assert.deepEqual(chosen({ layer: "l2", sort: "activity" }), [5, 3, 2]);
  assert.deepEqual(chosen({ query: "digit=1 selectivity>0.6" }), [1]);
  assert.deepEqual(chosen({ query: "-layer:l1 active<1" }), [2]);
  assert.deepEqual(chosen({ query: "dead:yes" }), [4], "a question about dead ones finds them");
  assert.deepEqual(chosen({ query: "-dead:no" }), [4]);
  assert.deepEqual(chosen({ query: "f0>200" }), [], "no column, no map");
});

test("parts are forgotten, the oldest first, but for those that are pinned", async () => {
  const bytes = await deflated(packed({}, { x: ["u1", new Uint8Array(1000)] }));
  const asked = [];
  const boxes = createBoxes({ part: async (name) => { asked.push(name); return bytes; } }, 2500);
  await boxes.box("pinned", true);
  for (const name of ["a", "b", "c"]) await boxes.box(name);
  assert.deepEqual([boxes.ready("pinned") !== null, boxes.ready("a"), boxes.ready("c") !== null], [true, null, true]);
  await Promise.all([boxes.box("a"), boxes.box("a")]);
  assert.deepEqual(asked, ["pinned", "a", "b", "c", "a"]);
});

test("a part that fails is asked for again, and one that is dropped says so", async () => {
  let fails = true;
  const boxes = createBoxes({ part: async () => { if (fails) throw new Error("no"); return deflated(packed({}, {})); } });
  await assert.rejects(boxes.box("a"), /no/);
  fails = false;
  assert.ok(await boxes.box("a"));
  const slow = createBoxes({ part: () => new Promise(() => {}) });
  for (const name of ["1", "2", "3", "4"]) slow.box(name);
  const waiting = slow.box("5");
  slow.drop(new Set(["5"]));
  await assert.rejects(waiting, /no longer needed/);
});

test("curves are by layer, or by place in order of its numbers", () => {
  const columns = (values) => Object.entries(values).map(([name, one]) => ({ name, values: one }));
  const found = curvesOf({ columns: columns({
    layer: ["a", "b", null, null], variable: ["v", "v", "w", "w"], at: [null, null, '{"f": 200.0}', '{"f": 100.0}'], mean: [1, 2, 3, 4], "ci low": [0, 1, 2, 3], "ci high": [2, 3, 4, 5],
  }) });
  assert.deepEqual(found.map(({ variable, by, mean, numbers }) => [variable, by, mean, numbers]), [["v", "layer", [1, 2], undefined], ["w", "f", [4, 3], [100, 200]]]);
});

test("the dots of all maps are explained by their place and their colour", () => {
  const all = { layers: 3, n: 1200, chosen: 1200, absent: 0, why: "zero in every clip", marked: false, beyond: 0 };
  assert.deepEqual(dotWords(all).map(([mark]) => mark), ["", "chosen"]);
  const some = dotWords({ ...all, chosen: 100, absent: 7, marked: true, beyond: 2 });
  assert.deepEqual(some.map(([mark]) => mark), ["", "chosen", "other", "ring", "floor", ""]);
  assert.match(some[0][1], /^Each dot is a map: the higher, the more; columns are the layers/);
  assert.deepEqual(some.slice(1).map(([, text]) => text), [
    "in the list below: 100", "not in it: 1,100", "shown below", "on the lowest line, zero in every clip: 7", "beyond the axis, at its end: 2",
  ]);
});

test("names below a curve do not overlap, and short ones are all there", () => {
  const [measured, cut] = [(text) => 6 * text.length, (name, room) => name.slice(0, Math.max(1, Math.floor(room / 6)))];
  for (const [n, width, letters] of [[1, 300, 90], [2, 500, 90], [3, 300, 90], [11, 500, 5], [40, 300, 12]]) {
    const shown = labelsAlong(Array(n).fill("m".repeat(letters)), width, measured, cut);
    shown.slice(1).forEach(({ x, text }, k) => assert.ok(x - measured(text) / 2 > shown[k].x + measured(shown[k].text) / 2));
    assert.ok(n > 11 || n === 3 || shown.length === n, `${n} names`);
  }
});
