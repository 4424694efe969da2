// Facts and provenance, folded away: what made these numbers, to be checked and cited.

import { h } from "./dom.js";
import { count, hz, sec, sig } from "./numbers.js";

const pairs = (rows) => h("dl", { class: "kv" }, rows.filter(Boolean).flatMap(([name, value, mono]) => [
  h("dt", {}, name), h("dd", { class: mono ? "mono" : null }, value),
]));

const fold = (title, detail, ...children) => h("details", {}, h("summary", {}, title, h("span", {}, detail)), ...children);

const textOf = (values) => Object.entries(values).map(([name, value]) => `${name}=${value}`).join(", ");

export function factsView(page) {
  const { $, S, on } = page;

  function copied(text, words) {
    return h("div", { class: "cite" }, h("pre", {}, text), h("button", { type: "button", class: "tx", onclick: () => page.copy(text) }, words));
  }

  function modelRows(run) {
    const filled = run.input_length
      ? `, ${sig(run.input_length / run.rate)} s; shorter clips are ${run.padding}, and the relevance of the repetitions is added` : "";
    return [
      run.weights_sha256 && ["hash of the weights", run.weights_sha256, true], run.parameters != null && ["parameters", count(run.parameters)],
      ["takes", `${hz(run.rate)}, mono${filled}`], run.classes?.length && ["answers", run.classes.join(", ")],
    ];
  }

  function soundRows(sound) {
    return [
      sound.about && ["what", sound.about], sound.sha256 && ["SHA-256", sound.sha256, true],
      ["length", `${count(sound.n)} samples at ${hz(sound.rate)}, ${sec(sound.duration)}`], sound.note && ["note", sound.note],
    ];
  }

  function draw() {
    const { run } = S;
    const sound = page.manifest.sounds[run.sound];
    const methods = Object.entries(run.provenance ?? {}).map(([name, made]) => [name, textOf(made.arguments), true]);
    const commands = `otoscope inspect ${run.model} ${sound.name} --out seen/`;
    $("factsbody").replaceChildren(
      fold("Model", run.model, pairs(modelRows(run))),
      fold("Sound", sound.name, pairs(soundRows(sound))),
      fold("Methods and arguments", Object.keys(run.provenance ?? {}).join(", "), pairs([...methods, ["Otoscope", page.manifest.otoscope]])),
      fold("Commands", "the same numbers on the command line", copied(commands, "Copy the commands")),
    );
  }

  on("late", () => {
    if (S.late) draw();
  });
}
