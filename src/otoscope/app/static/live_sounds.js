// Which sound: a file that is chosen or dropped, a recording, or one of those that are built in.

import { fill, h } from "./dom.js";
import { fx, NB, sec } from "./numbers.js";
import { record } from "./live_record.js";
import { encodeWav } from "./live_wav.js";

const TYPES = "audio/*,.wav,.flac,.ogg,.oga,.mp3,.aif,.aiff,.aifc,.au,.caf,.w64";

// A time of day for the name of a recording.
export const clockOf = (date) => [date.getHours(), date.getMinutes(), date.getSeconds()]
  .map((n) => String(n).padStart(2, "0")).join(".");

// What may be sent, in a sentence.
export function limitWords({ upload_bytes: bytes, duration } = {}) {
  const parts = ["wav, flac, ogg, mp3 or aiff"];
  const few = (value) => String(Number(value.toPrecision(3)));
  if (duration) parts.push(`up to ${duration >= 120 ? `${few(duration / 60)}${NB}minutes` : `${few(duration)}${NB}s`}`);
  if (bytes) parts.push(`and ${few(bytes / 1e6)}${NB}MB`);
  return parts.join(", ").replace(", and", " and") + ".";
}

// A file's choice that other buttons can open.
export function chooser(bench) {
  const input = h("input", { type: "file", accept: TYPES, class: "vh", tabindex: -1, "aria-hidden": "true" });
  input.addEventListener("change", () => {
    const [file] = input.files;
    input.value = "";
    if (file) bench.send(file.name, file);
  });
  return input;
}

// A button that records, and what it shows while it does.
export function recorder(page, bench) {
  const { S, set } = page;
  const start = h("button", { type: "button", class: "act rec" }, h("i", { "aria-hidden": "true" }), "Record");
  const time = h("span", { class: "n" });
  const meter = h("meter", { min: 0, max: 1, low: 0.02, high: 0.98, optimum: 0.5, "aria-label": "Level of the microphone" });
  const stop = h("button", { type: "button", class: "act" }, "Stop");
  const drop = h("button", { type: "button", class: "tx" }, "Discard");
  const panel = h("span", { class: "recording", hidden: true }, h("i", { "aria-hidden": "true" }), time, meter, stop, drop);
  let running = null;
  let held = 0;

  function shown(on) {
    panel.hidden = !on;
    start.hidden = on;
    (on ? stop : start).focus();
  }

  function finish(keep) {
    const recording = running;
    running = null;
    shown(false);
    if (!keep) return recording?.cancel();
    const { samples, rate } = recording.stop();
    if (!samples.length) return bench.trouble(new Error("Nothing was recorded yet: record a little longer."));
    return bench.send(`recording ${clockOf(new Date())}.wav`, encodeWav(samples, rate));
  }

  start.addEventListener("click", async () => {
    if (S.playing) page.player.pause();
    set({ trouble: null });
    start.disabled = true;
    try {
      running = await record({
        longest: S.limits?.duration ?? 60,
        heard(peak, seconds) {
          held = Math.max(peak, held * 0.9);
          meter.value = Math.min(1, held);
          fill(time, `${fx(seconds, 1)}${NB}s`);
        },
        full: () => running && finish(true),
      });
      fill(time, `0.0${NB}s`);
      shown(true);
      page.say("Recording");
    } catch (error) {
      set({ trouble: { text: error.message, code: "microphone" } });
    }
    start.disabled = false;
  });
  stop.addEventListener("click", () => finish(true));
  drop.addEventListener("click", () => finish(false));
  page.cleanup(() => running?.cancel());
  return [start, panel];
}

// Files may be dropped anywhere on the page.
export function dropZone(page, bench) {
  const cover = h("div", { class: "drop", hidden: true, "aria-hidden": "true" }, h("b", {}, "Drop the sound to look at it"));
  page.el.append(cover);
  let depth = 0;
  const holds = (event) => event.dataTransfer?.types?.includes("Files");
  page.listen(page.el, "dragenter", (event) => {
    if (!holds(event)) return;
    depth++;
    cover.hidden = false;
  });
  page.listen(page.el, "dragleave", () => {
    depth = Math.max(0, depth - 1);
    cover.hidden = depth === 0;
  });
  page.listen(page.el, "dragover", (event) => holds(event) && event.preventDefault());
  page.listen(page.el, "drop", (event) => {
    if (!holds(event)) return;
    event.preventDefault();
    depth = 0;
    cover.hidden = true;
    const [file, more] = event.dataTransfer.files;
    if (more) page.say("Of several files the first one was taken.");
    if (file) bench.send(file.name, file);
  });
}

// What the page shows before a sound is given.
export function invitation(page, bench, choose) {
  const { S } = page;
  const examples = S.examples.map((one) => h("button", {
    type: "button", class: "act", title: one.about, onclick: () => bench.example(one.id),
  }, one.name, h("span", { class: "xs" }, sec(one.duration))));
  return [
    h("b", {}, "Drop a sound here, open a file, or record one"),
    h("span", { class: "s" }, `${limitWords(S.limits)} It is resampled to what the model takes.`),
    S.notice && h("span", { class: "s" }, S.notice),
    h("span", { class: "row2" }, h("button", { type: "button", class: "act main", onclick: choose }, "Open a file"), ...recorder(page, bench)),
    examples.length > 0 && h("span", { class: "s" }, "Or listen to one that is built in:"),
    examples.length > 0 && h("span", { class: "row2" }, ...examples),
  ].filter(Boolean);
}
