import assert from "node:assert/strict";
import test from "node:test";

import { barsOf, runnerUpWords } from "../../../src/otoscope/app/static/answer.js";

test("the runner-up is as far below as it is", () => {
  const words = (logits, answer) => runnerUpWords({ order: [0, 1], logits, answer });
  assert.equal(words([12.3, 5.7], {}), "logit 6.6 lower");
  assert.equal(words([1234.6, 1234.6], { margin: 0.012, score_kind: "score" }), "score 0.012 lower"); // more digits than they
  assert.equal(words([8.9e36, -2.85e37], { margin: 3.74979e37 }), "logit 3.75\u00a0\u00d7\u00a010\u00b3\u2077 lower");
  assert.equal(words([1, 1], { margin: 0 }), "a tie");
  assert.equal(words([1, "-Infinity"], { margin: "Infinity" }), "logit \u221e lower");
  assert.equal(words(["-Infinity", "-Infinity"]), "a tie");
});

test("a score that is infinite has no bar, and spoils no other", () => {
  assert.deepEqual(barsOf([3, -1, -Infinity]), { zero: 25, bars: [[25, 75], [0, 25], null] });
  assert.deepEqual(barsOf([0, 0]), { zero: 0, bars: [[0, 0], [0, 0]] });
  assert.ok(barsOf([3e38, -3e38]).bars.flat().every(Number.isFinite));
});
