import assert from "node:assert/strict";
import test from "node:test";

import { readAddress, writeAddress } from "../../../src/otoscope/app/static/address.js";
import { createState } from "../../../src/otoscope/app/static/state.js";

test("whoever asked for a key hears once of each change, and of no other", () => {
  const { S, set, on } = createState({ a: 1, b: 2, c: 3 });
  const heard = [];
  const off = on("a b", (changed) => heard.push(changed));
  set({ a: 1 });
  set({ a: 2, b: 3, c: 4 });
  set({ c: 5 });
  off();
  set({ a: 9 });
  assert.deepEqual(heard, [["a", "b", "c"]]);
  assert.deepEqual(S, { a: 9, b: 3, c: 5 });
});

test("two states know nothing of each other", () => {
  const [first, second] = [createState({ a: 1 }), createState({ a: 1 })];
  first.set({ a: 2 });
  assert.equal(second.S.a, 1);
});

test("an address gives back what it was written from", () => {
  const state = { run: "a&b=c", layer: "features.pool3", map: "7" };
  assert.deepEqual(readAddress(writeAddress({ ...state, rule: null, target: "" })), state);
  assert.equal(writeAddress({}), "#");
});
