import assert from "node:assert/strict";
import test from "node:test";

import { argumentsText, methodRows } from "../../../src/otoscope/app/static/facts.js";
import { heardNotes, noteGroups } from "../../../src/otoscope/app/static/notes.js";

const sound = { name: "a.wav", note: "resampled from 44100 to 16000 Hz" };
const filled = { kind: "filled", text: "net takes 6400 samples (0.8 s): the sound was repeated to that length, from 0.432 s." };

test("what was done to the sound is said once, each in a sentence", () => {
  const again = { kind: "resampled", text: "resampled from 44100 to 16000 Hz" };
  const run = { notes: [again, filled, filled, { kind: "untrained", text: "The weights are random" }] };
  assert.deepEqual(heardNotes(run, sound), ["a.wav was resampled from 44100 to 16000 Hz.", filled.text]);
  assert.deepEqual(heardNotes({}, { name: "b", note: "" }), []);
  const together = { kind: "resampled", text: "The recording: resampled from 44100 to 16000 Hz." };
  assert.equal(heardNotes({ notes: [together] }, sound).length, 1);
});

test("every note is a sentence", () => {
  const vowel = { name: "ah", note: "synthesised as the vowel of 'hod'" };
  assert.deepEqual(heardNotes({}, vowel), ["ah was synthesised as the vowel of 'hod'."]);
  const stereo = { name: "a.wav", note: "mixed down from 2 channels; its channels cancel each other; shorter than the 2 s that were asked for" };
  assert.deepEqual(heardNotes({}, stereo), [
    "a.wav was mixed down from 2 channels.", "Its channels cancel each other.", "a.wav is shorter than the 2 s that were asked for.",
  ]);
  const mixed = { kind: "mixed", text: "the mean of its 2 channels is shown" };
  assert.deepEqual(heardNotes({ notes: [mixed] }, { name: "b" }), ["The mean of its 2 channels is shown."]);
});

test("notes stand in groups, and groups without notes are not there", () => {
  const run = {
    notes: [{ kind: "untrained", text: "The weights are random" }, { kind: "failed", what: "voice", text: "no pitch" }],
    missing: [{ what: "voice", why: "no pitch" }],
    maps: { pool: { of: 512, left_out: 500, items: new Array(12), call: { method: "sonify", takes: "wave", arguments: { layer: "pool" } } } },
    aliasing_left_out: [{ step: "conv", reason: "a convolution over frames" }],
  };
  const groups = noteGroups({ left_out: [{ what: "sound", why: "beyond 60 s it is shown, not heard" }] }, run, { name: "b" });
  assert.deepEqual(groups.map(({ title, items }) => [title, ...items.map(({ what, text }) => [what, text])]), [
    ["Of the model", [undefined, "The weights are random."]],
    ["Left out of this page", ["sound", "beyond 60 s it is shown, not heard."],
      ["pool", "500 of its 512 maps are not in this page: the 12 most active are."]],
    ["Not made", ["voice", "no pitch."], ["aliasing at conv", "a convolution over frames."]],
  ]);
  assert.deepEqual(groups[1].items[1].calls[0].arguments, { layer: "pool", channels: "all" });
  assert.deepEqual(noteGroups({}, {}, { name: "b" }), []);
});

test("a method is listed once, with each set of its arguments and each source", () => {
  const methods = [
    { method: "relevance", source: "A", arguments: { rule: "guided", at: null } },
    { method: "f_vowel", source: "B", arguments: {} },
    { method: "relevance", source: "A", arguments: { rule: "gradient" } },
    { method: "relevance", source: "C", arguments: { rule: "gradient" } },
  ];
  assert.deepEqual(methodRows(methods), [
    ["relevance", ["rule=guided", "rule=gradient"], ["A", "C"]], ["f vowel", ["no arguments"], ["B"]],
  ]);
});

test("arguments are read as they were given", () => {
  assert.equal(argumentsText({ n_fft: 256, layer: null, bands: [0, 500], peak: false }), "n_fft=256, bands=[0, 500], peak=false");
});
