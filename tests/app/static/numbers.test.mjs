import assert from "node:assert/strict";
import test from "node:test";

import { corr, count, eqr, fx, hz, many, ms, prob, scoreText, sec, sig, span, visible } from "../../../src/otoscope/app/static/numbers.js";

test("a minus is a minus, and what rounds to nothing has none", () => {
  assert.equal(fx(-6.64, 1), "\u22126.6");
  assert.equal(fx(-0.004, 2), "0.00");
  assert.equal(sig(-0.01234), "\u22120.0123");
});

test("no more digits than asked for, and no fewer", () => {
  assert.deepEqual([1.5, 0.2, 1234.5, 0, 9.999].map((v) => sig(v)), ["1.50", "0.200", "1,235", "0", "10.00"]);
  assert.equal(sig(NaN), "not a number");
});

test("frequencies and durations have the unit that suits them", () => {
  assert.deepEqual([62.5, 480, 3999.6, 22050].map(hz), ["62.5\u00a0Hz", "480\u00a0Hz", "4,000\u00a0Hz", "22.1\u00a0kHz"]);
  assert.equal(hz(null), "no frequency");
  assert.deepEqual([0.0000625, 0.025, 1.5].map(ms), ["0.0625\u00a0ms", "25.0\u00a0ms", "1.50\u00a0s"]);
  assert.equal(sec(0.2194), "0.219\u00a0s");
  assert.equal(span(379.6, 1620.2, "Hz"), "380 to 1,620\u00a0Hz");
});

test("a correlation is never written as one where it is not", () => {
  assert.deepEqual([0.71, 0.9985, 0.9996, -0.9999, -0.3].map((r) => corr(r)), ["0.71", "0.999", "> 0.999", "< \u22120.999", "\u22120.30"]);
  assert.equal(corr(null), "none");
  assert.equal(eqr(0.9996), "r\u00a0>\u00a00.999");
});

test("a probability is never written as one or none", () => {
  assert.deepEqual([1, 0.9994, 0.5, 1e-9].map(prob), ["p > 0.999", "p > 0.999", "p = 0.500", "p < 0.001"]);
});

test("a name cannot reverse what stands around it", () => {
  assert.equal(visible("a\nb\tc\u001b[31m\u007f\u2028"), "a\\nb\\tc\\x1b[31m\\x7f\\u2028");
  assert.equal(visible("a\nb\tc", "\n"), "a\nb\\tc");
  assert.equal(visible("a\u202eb\u2066c\u200f \u65e5\u05d0"), "a\\u202eb\\u2066c\\u200f \u65e5\u05d0");
  assert.equal(visible(3), "3");
});

test("one of something is not several", () => {
  assert.deepEqual([many(1, "map"), many(0, "map"), many(12000, "map"), many(2, "class", "classes")], ["1 map", "0 maps", "12,000 maps", "2 classes"]);
});

test("what is no number is never written as zero, and infinity as itself", () => {
  const odd = [null, undefined, NaN, Infinity, "-Infinity"];
  const words = ["not a number", "not a number", "not a number", "\u221e", "\u2212\u221e"];
  for (const text of [(v) => fx(v, 1), sig, scoreText, count]) assert.deepEqual(odd.map((v) => text(v)), words);
  assert.equal(sec(null), "not a number\u00a0s");
  assert.equal(ms(null), "not a number\u00a0ms");
  assert.match(span(null, 100, "Hz"), /^not a number to 100/);
  assert.equal(prob(null), "p unknown");
});

test("a score has the digits that count, whatever its size", () => {
  assert.deepEqual([12.34, -6.64, 0.961, 0.034, -0.00021, 0].map(scoreText), ["12.3", "\u22126.6", "1.0", "0.034", "\u22120.00021", "0"]);
  assert.deepEqual([3.7497900000000004e37, -9.999e37, 123456].map(scoreText), [
    "3.75\u00a0\u00d7\u00a010\u00b3\u2077", "\u22121.00\u00a0\u00d7\u00a010\u00b3\u2078", "123,456",
  ]);
  assert.deepEqual([fx(4e20, 1), count(3e37), sig(3e-320)], [
    "4.00\u00a0\u00d7\u00a010\u00b2\u2070", "3.00\u00a0\u00d7\u00a010\u00b3\u2077", "3.00\u00a0\u00d7\u00a010\u207b\u00b3\u00b2\u2070",
  ]);
});

test("a correlation is on the side of its limit where its value is", () => {
  assert.deepEqual([corr(0.94967, 0.95), corr(0.9503, 0.95), corr(0.6997, 0.7), corr(0.71, 0.7)], ["0.9497", "0.95", "0.6997", "0.71"]);
  assert.equal(corr(0.94967), "0.95");
});
