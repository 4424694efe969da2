import assert from "node:assert/strict";
import test from "node:test";

import { correlation, differenceOf } from "../../../src/otoscope/app/static/difference.js";

const picture = (fill, { F = 65, T = 50, fmax = 4000, hop = 0.01 } = {}) => ({
  F, T, kind: "db", floor: 70, df: fmax / (F - 1), hop, q: Uint8Array.from({ length: F * T }, (_, i) => fill(Math.floor(i / T), i % T)),
});

test("the correlation is Pearson's, and none where nothing varies", () => {
  assert.ok(Math.abs(correlation([1, 2, 3], [2, 4, 7]) - 0.9933992677987828) < 1e-12);
  assert.ok(Number.isNaN(correlation([1, 1, 1], [2, 4, 7])));
});

test("two equal maps do not differ", () => {
  const one = picture((f, t) => (f > 20 && t > 10 ? 250 : 100));
  const found = differenceOf(one, one, 4000, 0.5);
  assert.ok(found.q.every((v) => v === 128) && Math.abs(found.r - 1) < 1e-12);
});

test("what is louder all over is the same, since weights have no scale in common", () => {
  const one = picture((f) => 2 * f + 60);
  const louder = picture((f) => 2 * f + 100);
  assert.ok(differenceOf(one, louder, 4000, 0.5).r > 0.999);
});

test("the difference is for the first where it has more, whatever the grids of the two", () => {
  const low = picture((f) => (f < 16 ? 255 : 0));
  const high = picture((f) => (f * 62.5 * 2 > 3000 && f * 62.5 * 2 < 4000 ? 255 : 0), { T: 20, hop: 0.025, fmax: 8000 });
  const { F, T, q } = differenceOf(low, high, 4000, 0.5);
  const at = (f) => q[Math.round((f / 4000) * (F - 1)) * T + 100];
  assert.ok(at(500) > 190 && at(3500) < 60 && at(2000) === 128);
});
