import assert from "node:assert/strict";
import test from "node:test";

import { pictureLevels, wavePeaks } from "../../../src/otoscope/app/static/peaks.js";

const random = (seed) => () => ((seed = (seed * 16807) % 2147483647) / 2147483647);

test("each level holds the extremes of its blocks", () => {
  const next = random(1);
  const x = Float32Array.from({ length: 100_003 }, () => next() - 0.5);
  const levels = wavePeaks(x);
  assert.ok(levels.length >= 2);
  for (const { size, low, high } of levels) {
    assert.equal(low.length, Math.ceil(x.length / size));
    for (const i of [0, 7, low.length - 1]) {
      const block = x.subarray(i * size, (i + 1) * size);
      assert.equal(low[i], Math.min(...block));
      assert.equal(high[i], Math.max(...block));
    }
  }
});

test("what is short has no pyramid", () => {
  assert.deepEqual(wavePeaks(new Float32Array(1000)), []);
  const picture = { F: 2, T: 1000, q: new Uint8Array(2000), kind: "db", hop: 0.1 };
  assert.equal(pictureLevels(picture).length, 1);
});

for (const [kind, none] of [["db", 0], ["signed", 128]]) {
  test(`a coarser ${kind} picture keeps what is farthest from none, where it was`, () => {
    const [F, T] = [3, 5000];
    const q = new Uint8Array(F * T).fill(none);
    q[1 * T + 3001] = kind === "signed" ? 3 : 200;
    const levels = pictureLevels({ F, T, q, kind, hop: 0.01, df: 100 });
    assert.ok(levels.at(-1).T <= 1024);
    for (const level of levels) {
      const at = level.q.subarray(level.T, 2 * level.T).findIndex((v) => v !== none);
      assert.equal(level.q[level.T + at], q[T + 3001]);
      const time = (level.at ?? 0) + at * level.hop;
      assert.ok(Math.abs(time - 30.01) <= level.hop / 2, `${time} at a hop of ${level.hop}`);
    }
  });
}
