import assert from "node:assert/strict";
import test from "node:test";

import { OUTSIDE, percent, placedSegments, segmentRows } from "../../../src/otoscope/app/static/segments.js";

const segments = [{ start: 0, stop: 0.2, label: "t" }, { start: 0.2, stop: 0.21, label: "a" }, { start: 0.5, stop: 1, label: "t" }];

test("segments with room for a name are placed, and all edges are drawn", () => {
  const { named, edges } = placedSegments(segments, 0, 1, 1000);
  assert.deepEqual(named.map(({ index, x, w }) => [index, x, w]), [[2, 500, 500], [0, 0, 200]]);
  assert.deepEqual(edges, [0, 200, 210, 500, 1000]);
});

test("what is zoomed out of view is left out, and what is cut by the edge is cut", () => {
  const { named, edges } = placedSegments(segments, 0.1, 0.3, 1000);
  assert.deepEqual(named.map(({ index, x, w }) => [index, Math.round(x), Math.round(w)]), [[0, 0, 500], [1, 500, 50]]);
  assert.deepEqual(edges.map(Math.round), [500, 550]);
});

test("of very many segments no more are named than can be read, the longest first", () => {
  const many = Array.from({ length: 5000 }, (_, i) => ({ start: i, stop: i + 1, label: String(i) }));
  assert.equal(placedSegments(many, 0, 5000, 100_000).named.length, 150);
  assert.equal(placedSegments(many, 0, 5000, 1000).named.length, 0);
});

const sums = {
  form: "gradient",
  segment: { energy: [1, 3, 4], share: [0.1, 0.3, 0.4], input_share: [0.2, 0.1, 0.5], time_share: [0.2, 0.01, 0.5] },
  label: {
    names: ["t", "a", OUTSIDE], energy: [5, 3, 2], share: [0.5, 0.3, 0.2], input_share: [0.7, 0.1, 0.2], time_share: [0.7, 0.01, 0.29],
  },
};

test("labels come by their share, what is in no segment last", () => {
  const rows = segmentRows({ segments }, { segments: { ...sums, label: { ...sums.label, share: [0.2, 0.3, 0.5] } } }, "label");
  assert.deepEqual(rows.map(({ label, share }) => [label, share]), [["a", 0.3], ["t", 0.2], [OUTSIDE, 0.5]]);
});

test("segments come in their order, with their times", () => {
  const rows = segmentRows({ segments }, { segments: sums }, "segment");
  assert.deepEqual(rows.map(({ label, start, share, input }) => [label, start, share, input]), [
    ["t", 0, 0.1, 0.2], ["a", 0.2, 0.3, 0.1], ["t", 0.5, 0.4, 0.5],
  ]);
});

test("of very many segments the table has those with the most", () => {
  const many = Array.from({ length: 300 }, (_, i) => ({ start: i, stop: i + 1, label: String(i) }));
  const share = many.map((_, i) => (i % 5 === 0 ? 1 : 0.001));
  const rows = segmentRows({ segments: many }, { segments: { form: "gradient", segment: { energy: share, share } } }, "segment");
  assert.deepEqual(rows.map(({ start }) => start), Array.from({ length: 60 }, (_, i) => 5 * i));
});

test("a mean loss has no share, and a relevance that sums to nothing has none either", () => {
  const loss = { form: "weighted sound", segment: { loss: [0.1, 2, -0.5] } };
  assert.deepEqual(segmentRows({ segments }, { segments: loss }, "segment").map(({ value, share }) => [value, share]), [
    [0.1, null], [2, null], [-0.5, null],
  ]);
  assert.deepEqual([percent(null), percent(0.1234), percent(0.0123), percent(-0.2), percent(0)], [
    "unknown", "12\u00a0%", "1.2\u00a0%", "\u221220\u00a0%", "0\u00a0%",
  ]);
});

test("without segments there are no rows", () => {
  assert.deepEqual(segmentRows({ segments: [] }, { segments: sums }, "label"), []);
  assert.deepEqual(segmentRows({ segments }, {}, "label"), []);
  assert.deepEqual(segmentRows(null, null, "segment"), []);
});
