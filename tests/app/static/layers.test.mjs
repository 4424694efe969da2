import assert from "node:assert/strict";
import test from "node:test";

import { blockStarts, clipped, commonPrefix, durationScale, layerFacts } from "../../../src/otoscope/app/static/layers.js";
import { likeness, mapCall } from "../../../src/otoscope/app/static/map.js";

const taps = (...names) => ({ taps: names.map((name) => ({ name, kind: /conv|cv/.test(name) ? "convolution" : "activation" })) });

test("what all names begin with is left out, up to a point", () => {
  assert.equal(commonPrefix(taps("features.conv1", "features.relu1")), "features.");
  assert.equal(commonPrefix(taps("net.a.conv1", "net.b.relu1")), "net.");
  assert.equal(commonPrefix(taps("features.conv1", "dense")), "");
  assert.equal(commonPrefix(taps("features.conv1")), "");
});

test("a name that is too long keeps its numbers and its end", () => {
  assert.equal(clipped("encoder.layers.3.relu", 40), "encoder.layers.3.relu");
  assert.equal(clipped("encoder.layers.3.relu", 17), "enc\u2026.laye\u2026.3.relu");
  assert.equal(clipped("encoder.layers.3.relu", 13), "e\u2026.la\u2026.3.relu");
  assert.equal(clipped("features.conv1.branches.kernel10", 13), "\u2026b\u2026.kernel10");
  for (const name of ["abcdefghijklmnopqrstuvwxyz", "1234567890123456789012345", "a.b.c.d.e.f.g.h.i.j.k.l", "very.149.long_name.1"]) {
    for (let longest = 9; longest < 30; longest++) assert.ok(clipped(name, longest).length <= Math.max(longest, 9), name);
  }
});

test("a block begins at a convolution, but not at further branches of one", () => {
  assert.deepEqual(blockStarts(taps("f.conv1", "f.relu1", "f.conv2", "f.relu2")), [false, false, true, false]);
  assert.deepEqual(blockStarts(taps("conv", "D1.cv1", "D1.relu", "D1.cv2", "D2.cv1")), [false, true, false, false, true]);
});

test("durations stand on a scale from the shortest hop to the widest field", () => {
  const { X, ticks } = durationScale({ rate: 1000, taps: [{ hop: 1, receptive_field: 10 }, { hop: 10, receptive_field: 100 }, { hop: null }] });
  assert.deepEqual([X(0.001), X(0.01), X(0.1), X(99)].map(Math.round), [0, 50, 100, 100]);
  assert.deepEqual(ticks, [0.001, 0.01, 0.1]);
  assert.deepEqual(durationScale({ rate: 1000, taps: [{ hop: null }] }).ticks, []);
});

test("facts of a layer name what is known, and nothing else", () => {
  const run = {
    rate: 8000, maps: { a: { left_out: 3, items: [1, 2] } }, geometry: [{ taps: ["a"], A: 0.5, B: 2, mu: 0.25, beta_min: 40, dead: 0 }],
    aliasing: [{ step: "a", share: 0.062, nyquist: 62.5 }],
  };
  assert.deepEqual(layerFacts(run, { name: "a", hop: 64, receptive_field: 258, silent: 4 }), [
    "one value every 8.00\u00a0ms", "each sees 32.3\u00a0ms", "4 silent", "the 2 most active are in this page",
    "folds 6.2\u00a0% above 62.5\u00a0Hz", "frame bounds 0.500 to 2.00", "\u03bc 0.25", "nearest kernels 40.0\u00b0 apart",
  ]);
  const bare = { rate: 8000, maps: {} };
  assert.deepEqual(layerFacts(bare, { name: "b", hop: null }), ["one value for the whole sound"]);
  assert.equal(layerFacts(bare, { name: "b", hop: 8, receptive_field: 64, whole: true })[1], "each sees the whole sound");
});

test("a map is compared with the sound, and with random weights where that is known", () => {
  assert.equal(likeness({ r_sound: null }), "");
  assert.match(likeness({ r_sound: 0.3, r_twin_sound: null }), /^Little of this is the sound itself \(r.=.0\.30\)\.$/);
  assert.match(likeness({ r_sound: 0.8, r_twin_sound: 0.2 }), /random weights there is less of it/);
  assert.match(likeness({ r_sound: 0.5, r_twin_sound: 0.55 }), /give as much .* not take it for something learnt/);
  assert.match(likeness({ r_sound: 0.5, r_twin_sound: 0.7 }), /give more .* not take it for something learnt/);
});

test("that little of a map is the sound itself speaks against nothing", () => {
  assert.match(likeness({ r_sound: 0.01, r_twin_sound: 0.12 }), /^Little .*; with random weights there is more of it \(r.=.0\.12\)\.$/);
  assert.match(likeness({ r_sound: 0.3, r_twin_sound: 0.31 }), /; with random weights there is as much of it \(r.=.0\.31\)\.$/);
  assert.match(likeness({ r_sound: 0.3, r_twin_sound: null, twin_silent: true }), /; with random weights this map is silent\.$/);
});

test("the call of one map asks for it alone", () => {
  const call = { method: "sonify", takes: "wave", arguments: { layer: "pool", n_maps: 8, channels: [3, 1] } };
  assert.deepEqual(mapCall({ call }, 3).arguments, { layer: "pool", channels: 3 });
});
