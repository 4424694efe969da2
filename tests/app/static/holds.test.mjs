import assert from "node:assert/strict";
import test from "node:test";

import { pictureHolds, stepsHold, waveHolds } from "../../../src/otoscope/app/static/holds.js";
import { stft } from "../../../src/otoscope/app/static/signal.js";

const plain = (text) => text.replaceAll("\u00a0", " ").replaceAll("\u2212", "-");
const rate = 8000;
const tone = Float32Array.from({ length: rate }, (_, i) => (i >= 4000 && i < 4800 ? 0.5 * Math.sin((2 * Math.PI * 1000 * i) / rate) : 0));

test("a spectrogram is where its tone is", () => {
  const words = plain(pictureHolds(stft(tone, rate, 0.025, 0.005), 1));
  assert.match(words, /^1\.000 s, 0 to 4,000 Hz, strongest at 0\.5\d\d s and 1,000 Hz, the middle half of its energy from /);
  const [low, high] = words.match(/from (\d+) to ([\d,]+) Hz$/).slice(1).map((text) => Number(text.replace(",", "")));
  assert.ok(low >= 900 && low < 1000 && high > 1000 && high <= 1100);
});

test("a picture with a sign is strongest where it is furthest from zero", () => {
  const q = new Uint8Array(6).fill(128);
  const picture = { F: 2, T: 3, q, kind: "signed", df: 100, hop: 0.5 };
  assert.equal(plain(pictureHolds(picture, 1.5)), "1.500 s, 0 to 100 Hz, zero throughout");
  q[4] = 3;
  q[0] = 200;
  assert.equal(plain(pictureHolds(picture, 1.5)), "1.500 s, 0 to 100 Hz, strongest at 0.500 s and 100 Hz");
});

test("a wave has a range and a strongest moment, from its outline too", () => {
  assert.equal(plain(waveHolds({ x: [0, -0.5, 0.25, 0], rate: 2 }, 2)), "2.000 s, from -0.50 to 0.25, strongest at 0.500 s");
  const outline = { size: 10, low: [-0.1, -0.2], high: [0.1, 0.3] };
  assert.equal(plain(waveHolds({ x: [], rate: 10, outline }, 2)), "2.000 s, from -0.20 to 0.30, strongest at 1.000 s");
  assert.equal(plain(waveHolds({ x: [0, 0], rate: 2 }, 1)), "1.000 s, zero throughout");
  assert.equal(plain(stepsHold({ v: [0, 3], hop: 10, centre: 5, rate: 100 }, 0.2)), "0.200 s, from 0 to 3.0, strongest at 0.150 s");
});
