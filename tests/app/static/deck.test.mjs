import assert from "node:assert/strict";
import test from "node:test";

import { fittingSources } from "../../../src/otoscope/app/static/deck.js";

test("a phone shows three sources, and always the one that is heard", () => {
  const all = ["input", "changed", "relevance", "map", "other"];
  assert.deepEqual(fittingSources(all, "input"), ["input", "changed", "relevance"]);
  assert.deepEqual(fittingSources(all, "other"), ["input", "changed", "other"]);
  assert.deepEqual(fittingSources(["input", "map"], "map"), ["input", "map"]);
  assert.deepEqual(fittingSources(all, "gone"), ["input", "changed", "relevance"]);
});
