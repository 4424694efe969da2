import assert from "node:assert/strict";
import test from "node:test";

import { contourLines, finerColumns, fourierTables, fourierTransform, wignerVille } from "../../../src/otoscope/app/static/wigner.js";

test("the transform is the discrete Fourier transform", () => {
  const n = 16;
  const re = Float64Array.from({ length: n }, (_, i) => Math.sin(i * i));
  const im = Float64Array.from({ length: n }, (_, i) => Math.cos(3 * i));
  const [a, b] = [re.slice(), im.slice()];
  fourierTransform(fourierTables(n), a, b);
  for (let k = 0; k < n; k++) {
    let [u, v] = [0, 0];
    for (let i = 0; i < n; i++) {
      const w = (-2 * Math.PI * i * k) / n;
      u += re[i] * Math.cos(w) - im[i] * Math.sin(w);
      v += re[i] * Math.sin(w) + im[i] * Math.cos(w);
    }
    assert.ok(Math.abs(a[k] - u) < 1e-12 && Math.abs(b[k] - v) < 1e-12);
  }
});

test("a chirp is a straight line: halfway in time it is halfway in frequency", () => {
  const chirp = Float64Array.from({ length: 201 }, (_, n) => (
    Math.cos(2 * Math.PI * (0.05 * n + (0.4 / 400) * n * n)) * (0.5 - 0.5 * Math.cos((2 * Math.PI * n) / 201))
  ));
  const { F, T, values } = wignerVille(chirp, 256);
  let most = 0;
  for (let f = 1; f < F; f++) if (values[f * T + 200] > values[most * T + 200]) most = f;
  assert.equal(T, 401);
  assert.ok(Math.abs(most / (2 * F) - 0.25) < 0.003);
});

test("lines lie where the values between cells are at the level, and are closed", () => {
  const [F, T] = [40, 50];
  const values = Float32Array.from({ length: F * T }, (_, i) => {
    const [f, t] = [Math.floor(i / T) - 20, (i % T) - 25];
    return Math.exp(-(f * f) / 50 - (t * t) / 90) - 0.8 * Math.exp(-((f - 3) ** 2) / 8 - (t * t) / 8);
  });
  const lines = contourLines({ F, T, values }, 0.3);
  const ends = new Map();
  for (let i = 0; i < lines.length; i += 2) {
    const [x, y] = [lines[i], lines[i + 1]];
    const [t, f] = [Math.min(T - 2, Math.floor(x)), Math.min(F - 2, Math.floor(y))];
    const [u, v] = [x - t, y - f];
    const at = (df, dt) => values[(f + df) * T + t + dt];
    const between = (at(0, 0) * (1 - u) + at(0, 1) * u) * (1 - v) + (at(1, 0) * (1 - u) + at(1, 1) * u) * v;
    assert.ok(Math.abs(between - 0.3) < 1e-4);
    const key = `${x.toFixed(4)} ${y.toFixed(4)}`;
    ends.set(key, (ends.get(key) ?? 0) + 1);
  }
  assert.ok(ends.size > 20 && [...ends.values()].every((n) => n === 2));
});

test("finer columns hold the given ones, and go beyond no neighbour", () => {
  const values = Float32Array.from([0, 1, 5, 5, 2, -3]);
  const finer = finerColumns({ F: 1, T: 6, values }, 4);
  assert.equal(finer.T, 21);
  for (let t = 0; t < 6; t++) assert.equal(finer.values[4 * t], values[t]);
  for (let i = 0; i < 21; i++) {
    const [a, b] = [values[Math.floor(i / 4)], values[Math.min(5, Math.floor(i / 4) + 1)]];
    assert.ok(finer.values[i] >= Math.min(a, b) - 1e-6 && finer.values[i] <= Math.max(a, b) + 1e-6);
  }
});
