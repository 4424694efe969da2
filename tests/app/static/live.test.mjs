// What a live page asks a server, and what it makes of the answers.

import assert from "node:assert/strict";
import { test } from "node:test";

import { companions } from "../../../src/otoscope/app/static/live_compare.js";
import { answerWords } from "../../../src/otoscope/app/static/live_checkpoints.js";
import { modelWords } from "../../../src/otoscope/app/static/live_bar.js";
import { outcomeRows, outcomeWords } from "../../../src/otoscope/app/static/live_change.js";
import { changeWords, createBench, explainWords, knownEntry, meaning } from "../../../src/otoscope/app/static/live_bench.js";
import { createClient, refusalOf } from "../../../src/otoscope/app/static/live_client.js";
import { oneMore } from "../../../src/otoscope/app/static/live_maps.js";
import { mergePage, targetOf } from "../../../src/otoscope/app/static/live_merge.js";
import { partsOf } from "../../../src/otoscope/app/static/live_source.js";
import { clockOf, limitWords } from "../../../src/otoscope/app/static/live_sounds.js";
import { progressShare, progressWords } from "../../../src/otoscope/app/static/live_status.js";
import { encodeWav, joined } from "../../../src/otoscope/app/static/live_wav.js";

const empty = () => ({ sounds: {}, runs: [], pairs: [] });
const entry = (target, more = {}) => ({ rule: "guided", target, label: target, ...more });
const run = (more = {}) => ({
  id: "m1", sound: "s1-8000", part: "j1-run", relevance: [entry("top")], taps: [], maps: {}, first: null,
  classes: ["ah", "iy", "uw"], order: [0, 1, 2], probabilities: [0.7, 0.2, 0.1], ...more,
});
const page = (...runs) => ({ sounds: { "s1-8000": { name: "a" } }, runs, pairs: [] });

test("a recording is a WAV file of its samples, not rounded", () => {
  const x = Float32Array.from([0, 0.1, -1, 1.5]);
  const file = new DataView(encodeWav(x, 44100));
  const text = (at) => String.fromCharCode(...new Uint8Array(file.buffer, at, 4));
  assert.deepEqual([text(0), text(8), text(12), text(38), text(50)], ["RIFF", "WAVE", "fmt ", "fact", "data"]);
  assert.equal(file.getUint32(4, true), file.byteLength - 8);
  assert.deepEqual([file.getUint16(20, true), file.getUint16(22, true), file.getUint32(24, true), file.getUint16(34, true)], [3, 1, 44100, 32]);
  assert.equal(file.getUint32(54, true), 16);
  assert.deepEqual([0, 1, 2, 3].map((i) => file.getFloat32(58 + 4 * i, true)), [...x]);
  assert.deepEqual([...joined([x.slice(0, 1), new Float32Array(0), x.slice(1)])], [...x]);
});

test("a page grows with each answer, and a run is known by model and sound", () => {
  const manifest = empty();
  assert.deepEqual(mergePage(manifest, page(run())), ["m1@s1-8000"]);
  assert.equal(manifest.runs[0].relevance[0].part, "j1-run");
  const whole = run({
    part: "j2-run", relevance: [entry("top", { trust: [1] }), entry("second")], taps: [{ name: "conv" }],
    maps: { conv: { items: [] } }, first: { weight: {} },
  });
  mergePage(manifest, page(whole));
  assert.equal(manifest.runs.length, 1);
  assert.deepEqual(manifest.runs[0].relevance.map((e) => [e.target, e.part]), [["top", "j2-run"], ["second", "j2-run"]]);
  assert.equal(manifest.runs[0].maps.conv.part, "j2-run");
  assert.equal(manifest.runs[0].first.part, "j2-run");
  mergePage(manifest, page(run({ part: "j3-run" })), { target: "uw", rule: "guided" });
  const asked = manifest.runs[0].relevance.at(-1);
  assert.deepEqual(asked.asked, { target: "uw", against: null, at: null });
  assert.equal(manifest.runs[0].relevance.length, 3);
  assert.equal(manifest.runs[0].taps.length, 1, "an answer without layers leaves those that are known");
  mergePage(manifest, page(run({ sound: "s2-8000" })));
  assert.deepEqual(manifest.runs.map((one) => one.id), ["m1@s1-8000", "m1@s2-8000"]);
});

test("pairs speak of runs as the page names them, and the newest stands", () => {
  const manifest = empty();
  const both = { ...page(run(), run({ id: "m2" })), pairs: [{ a: "m1", b: "m2", r: 1 }] };
  mergePage(manifest, both);
  mergePage(manifest, { ...both, pairs: [{ a: "m1", b: "m2", r: 2 }] });
  assert.deepEqual(manifest.pairs, [{ a: "m1@s1-8000", b: "m2@s1-8000", r: 2 }]);
});

test("what was computed is not asked for again under another name", () => {
  const known = run({ relevance: [entry("top"), entry("second"), entry("contrast"), entry(targetOf({ target: "uw" }))] });
  const of = (asked) => knownEntry(known, "guided", asked)?.target;
  assert.equal(of({}), "top");
  assert.equal(of({ target: "ah" }), "top");
  assert.equal(of({ target: "iy" }), "second");
  assert.equal(of({ target: "ah", against: "iy" }), "contrast");
  assert.equal(of({ target: "iy", against: "ah" }), undefined);
  assert.equal(of({ target: "uw" }), targetOf({ target: "uw" }));
  assert.equal(knownEntry(known, "gradient", {}), null);
});

test("an entry says what it explains", () => {
  assert.deepEqual(meaning(entry("top"), "ah", "iy"), ["ah", null]);
  assert.deepEqual(meaning(entry("contrast"), "ah", "iy"), ["ah", "iy"]);
  assert.deepEqual(meaning(entry("second"), "ah", "iy"), ["iy", null]);
  assert.deepEqual(meaning({ target: "x", asked: { target: "a~b", against: "c@d" } }, "ah", "iy"), ["a~b", "c@d"]);
});

test("parts of a manifest are found wherever it speaks of them", () => {
  assert.deepEqual([...partsOf({ runs: [{ part: "a", maps: { x: { part: "b", items: [{ part: 3 }] } } }], part: "c" })], ["a", "b", "c"]);
});

test("words", () => {
  assert.equal(changeWords({ kind: "band_stop", low: 300, high: 800 }), "with 300 to 800\u00a0Hz filtered out");
  assert.equal(changeWords({ kind: "gap", start: 0.1, stop: 0.2 }), "with 0.100 to 0.200\u00a0s silenced");
  assert.equal(changeWords({ kind: "f0", factor: 1.498 }), "with the pitch raised by 50\u00a0%");
  assert.equal(changeWords({ kind: "f0", factor: 0.667 }), "with the pitch lowered by 33\u00a0%");
  assert.equal(changeWords({ kind: "f0", factor: 1 }), "with the pitch as it was");
  assert.equal(explainWords({ target: "ah", against: "iy" }, "gradient_x_input"), "Computing the relevance for ah rather than iy, gradient x input");
  assert.equal(modelWords({ state: "loading" }), "is being loaded");
  assert.equal(modelWords({ state: "ready", waiting: 4 }), "4 questions before yours");
  assert.equal(answerWords({ classes: ["ah"], probabilities: [0.912] }), "ah, p = 0.912");
  assert.equal(progressWords({ job: { state: "queued", place: 2 } }), "2 ahead of it");
  assert.equal(progressWords({ job: { state: "running", step: "controls", done: 3, total: 10, seconds: 2.2 } }), "controls, 3 of 10, 2\u00a0s so far");
  assert.equal(progressShare({ job: { total: 4, done: 1 } }), 0.25);
  assert.equal(progressShare({ job: { total: null } }), null);
  assert.match(limitWords({ upload_bytes: 64e6, duration: 60 }), /up to 60\u00a0s and 64\u00a0MB\.$/);
  assert.equal(clockOf(new Date(2026, 0, 1, 7, 5, 9)), "07.05.09");
  assert.deepEqual(oneMore([{ channel: 7 }, { channel: 2 }], 5), [2, 5, 7]);
});

test("before and after a change", () => {
  const after = run({ order: [1, 0, 2], probabilities: [0.3, 0.65, 0.05] });
  const words = "with 1\u20132 Hz filtered out";
  assert.equal(outcomeWords(run(), after, words), "With 1\u20132 Hz filtered out the model says iy (p = 0.650) instead of ah (p = 0.700).");
  assert.equal(outcomeWords(run(), run(), words), "With 1\u20132 Hz filtered out the model still says ah (p = 0.700; before, p = 0.700).");
  assert.equal(outcomeWords(run({ probabilities: null }), run({ probabilities: null }), words), "With 1\u20132 Hz filtered out the model still says ah.");
  assert.deepEqual(outcomeRows(run(), after), [["ah", 0.7, 0.3], ["iy", 0.2, 0.65], ["uw", 0.1, 0.05]]);
  const nothing = run({ order: [], answer: { reason: "its output is a waveform" } });
  assert.equal(outcomeWords(nothing, nothing, words), "With 1\u20132 Hz filtered out the model names no class: its output is a waveform.");
});

test("companions are the other models, and the checkpoints that are not shown", () => {
  const models = [{ id: "m1", name: "a", checkpoints: [{ id: "c1", label: "one" }, { id: "c2", label: "two" }] }, { id: "m2", name: "b" }, { id: "m3", name: "c", state: "failed" }];
  assert.deepEqual(companions(models, "m1", null), [["m2|", "b"], ["m1|c1", "a, one"], ["m1|c2", "a, two"]]);
  assert.deepEqual(companions(models, "m1", "c1"), [["m2|", "b"], ["m1|c2", "a, two"], ["m1|", "a, as it is"]]);
});

// A server in a few lines: answers by method and address, events sent by hand.
function tools(answers) {
  const streams = [];
  const asked = [];
  class EventSource extends EventTarget {
    constructor(url) {
      super();
      this.url = url;
      streams.push(this);
    }
    close() { this.closed = true; }
    send(type, data) { this.dispatchEvent(new MessageEvent(type, { data: JSON.stringify(data) })); }
  }
  const fetch = async (url, { method }) => {
    asked.push(`${method} ${url}`);
    const answer = answers[`${method} ${url}`];
    if (!answer) throw new TypeError("failed to fetch");
    const [status, content] = typeof answer === "function" ? answer() : answer;
    return { status, ok: status < 400, json: async () => content };
  };
  return { EventSource, fetch, streams, asked };
}
const job = (state, more = {}) => ({ id: "j1", state, ...more });

test("a change is said as the server made it, which leaves out what lies beyond the sound", async () => {
  const sound = { id: "s2", from: { sound: "s1", change: { kind: "gap", start: 0.5, stop: 2 } } };
  const server = tools({ "POST /api/sounds/s1/changes": [200, { sound }] });
  const S = { heard: "s1", shelf: [], models: [] };
  const page = { S, set: (more) => Object.assign(S, more), on() {} };
  const bench = createBench(page, createClient("/api/", server), { manifest: { runs: [] } });
  const made = await bench.change({ kind: "gap", start: 0.5, stop: 10 });
  assert.deepEqual(made, { id: "s2", words: "with 0.500 to 2.000\u00a0s silenced" });
  assert.deepEqual(S.shelf, [sound]);
});

test("a job is followed to its end, and nobody listens longer than that", async () => {
  const server = tools({ "POST /api/jobs": [202, { job: job("queued") }], "GET /api/jobs/j1": [200, { job: job("running") }] });
  const seen = [];
  const client = createClient("/api/", server);
  const waiting = client.ask({ kind: "answer" }, (now) => seen.push(now.state));
  await new Promise((done) => setTimeout(done, 5));
  server.streams[0].send("job", job("running", { done: 1 }));
  server.streams[0].send("job", job("done", { answer: 3 }));
  assert.equal((await waiting).answer, 3);
  assert.deepEqual(seen, ["queued", "running", "running", "done"]);
  assert.ok(server.streams[0].closed);
});

test("a job is followed where events do not come", async (context) => {
  context.mock.timers.enable({ apis: ["setInterval"] });
  let state = "running";
  const server = tools({ "POST /api/jobs": [202, { job: job("queued") }], "GET /api/jobs/j1": () => [200, { job: job(state, { answer: 2 }) }] });
  const waiting = createClient("/api/", server).ask({});
  await new Promise((done) => setTimeout(done, 5));
  server.streams[0].readyState = 2;
  server.streams[0].dispatchEvent(new Event("error"));
  await new Promise((done) => setTimeout(done, 5));
  assert.equal(server.streams.length, 2, "they are asked for again");
  state = "done";
  context.mock.timers.tick(5000);
  assert.equal((await waiting).answer, 2);
  assert.ok(server.streams[1].closed);
});

test("a job that ended before anybody listened is seen", async () => {
  const server = tools({ "POST /api/jobs": [202, { job: job("queued") }], "GET /api/jobs/j1": [200, { job: job("done", { answer: 1 }) }] });
  assert.equal((await createClient("/api/", server).ask({})).answer, 1);
});

test("a job can be cancelled", async () => {
  let state = "running";
  const server = tools({
    "POST /api/jobs": [202, { job: job("queued") }], "GET /api/jobs/j1": () => [200, { job: job(state) }],
    "DELETE /api/jobs/j1": () => { state = "cancelled"; server.streams[0].send("job", job(state)); return [200, { job: job(state) }]; },
  });
  const control = new AbortController();
  const waiting = createClient("/api/", server).ask({}, null, control.signal);
  setTimeout(() => control.abort(), 5);
  await assert.rejects(waiting, { code: "cancelled" });
});

test("what goes wrong is said in the words of the server", async () => {
  const failed = { job: job("failed", { error: { code: "worker-died", message: "It was killed twice." } }) };
  const server = tools({ "POST /api/jobs": [202, { job: job("queued") }], "GET /api/jobs/j1": [200, failed] });
  await assert.rejects(createClient("/api/", server).ask({}), { code: "worker-died", message: "It was killed twice." });
  const busy = tools({ "POST /api/jobs": [429, { error: { code: "too-many", message: "Wait." } }] });
  await assert.rejects(createClient("/api/", busy).ask({}), { code: "too-many", message: "Wait." });
  assert.match(refusalOf(502, null).message, /502/);
});

test("a server that is gone is distinguished from one that refuses", async () => {
  await assert.rejects(createClient("/api/", tools({})).call("GET", "state"), { code: "gone" });
  const server = tools({ "POST /api/jobs": [202, { job: job("queued") }], "GET /api/jobs/j1": [200, { job: job("running") }] });
  const waiting = createClient("/api/", server).ask({});
  await new Promise((done) => setTimeout(done, 5));
  server.streams[0].send("bye", {});
  await assert.rejects(waiting, { code: "gone", message: /was ended/ });
});
