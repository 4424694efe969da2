import assert from "node:assert/strict";
import test from "node:test";

import { lossAt, lossRows } from "../../../src/otoscope/app/static/loss.js";
import { cellText, constantsText } from "../../../src/otoscope/app/static/tables.js";

test("cells hold numbers with four digits, and nothing where nothing is known", () => {
  assert.deepEqual([97.561, 3, 12345, 0.00062512, null, true, "ah", [1, 2.5]].map(cellText), [
    "97.56", "3", "12,345", "0.000625", "", "yes", "ah", "1, 2.500",
  ]);
  assert.equal(cellText(3e37), "3.000\u00a0\u00d7\u00a010\u00b3\u2077");
});

test("what is the same in all rows stands in one line, by its heading", () => {
  assert.equal(constantsText({ peak_frequency: 390.62, start: null }, {}), "peak frequency 390.6");
  assert.equal(constantsText({ peak: 2.5 }, { peak: "peak (Hz)" }), "peak (Hz) 2.500");
  assert.equal(constantsText(undefined), "");
});

test("what is lost has a bar as long as it is, from the middle where some is gained", () => {
  const loss = { edges: [0, 100, 200, 400], values: [1, 4, null] };
  assert.deepEqual(lossRows(loss), [[0, 100, 1, 0, 25], [100, 200, 4, 0, 100], [200, 400, null, 0, 0]]);
  assert.deepEqual(lossRows({ edges: [0, 1, 2], values: [-2, 4] }), [[0, 1, -2, 25, 25], [1, 2, 4, 50, 50]]);
  assert.equal(lossAt({ hop: 0.1, values: [1, 2, 3] }, 0.15), 2);
  assert.equal(lossAt({ hop: 0.1, values: [1, 2, 3] }, 0.9), null);
});
