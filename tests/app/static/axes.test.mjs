import assert from "node:assert/strict";
import test from "node:test";

import { flabel, freq, fticks, imel, mel, tticks, up } from "../../../src/otoscope/app/static/axes.js";

test("mel is that of O'Shaughnessy, and its inverse", () => {
  assert.ok(Math.abs(mel(1000) - 999.99) < 0.01);
  for (const f of [0, 50, 440, 8000]) assert.ok(Math.abs(imel(mel(f)) - f) < 1e-9 * (1 + f));
});

test("a frequency stands where its height is read as it", () => {
  for (const scale of ["mel", "linear"]) {
    for (const f of [0, 123, 4000]) assert.ok(Math.abs(freq(up(f, 4000, scale), 4000, scale) - f) < 1e-9 * (1 + f));
    assert.equal(up(4000, 4000, scale), 1);
  }
});

test("ticks have room between them and stay on the axis", () => {
  for (const scale of ["mel", "linear"]) {
    for (const fmax of [500, 4000, 8000, 11025, 24000]) {
      const ticks = fticks(fmax, 200, scale);
      assert.ok(ticks.length >= 2 && ticks[0] === 0 && ticks.at(-1) <= fmax, `${scale} ${fmax}: ${ticks}`);
      const heights = ticks.map((f) => up(f, fmax, scale) * 200);
      for (let i = 1; i < heights.length; i++) assert.ok(heights[i] - heights[i - 1] > 17);
    }
  }
  assert.equal(flabel(4000, 4000), "4 kHz");
  assert.equal(flabel(2000, 4000), "2k");
});

test("times are written at round steps with the digits they need", () => {
  const near = (a, b) => a.length === b.length && a.every((v, i) => Math.abs(v - b[i]) < 1e-9);
  const short = tticks(0, 0.432, 860);
  assert.ok(near(short.ticks, [0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4]));
  assert.equal(short.digits, 2);
  assert.ok(near(tticks(0, 600, 860).ticks, [0, 100, 200, 300, 400, 500, 600]));
  assert.equal(tticks(1.2, 1.22, 400).digits, 3);
});
