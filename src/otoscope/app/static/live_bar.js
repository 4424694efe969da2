// The bar under the head of a live page: which model, which sound, which checkpoint, and what is under way.

import { fill, h } from "./dom.js";
import { checkpointView } from "./live_checkpoints.js";
import { chooser, recorder } from "./live_sounds.js";
import { statusView } from "./live_status.js";
import { NB, sec } from "./numbers.js";

// What is said of a model beside its name.
export function modelWords({ state, error, waiting }) {
  if (state === "loading") return "is being loaded";
  if (state === "failed") return error ?? "could not be loaded";
  return waiting > 1 ? `${waiting} questions before yours` : "";
}

export function barView(page, bench) {
  const { S, on } = page;
  const model = h("select", { id: "livemodel", "aria-label": "Model" });
  const sound = h("select", { id: "livesound", "aria-label": "Sound" });
  const file = chooser(bench);
  const choose = () => file.click();
  const said = h("span", { class: "s" });
  const bar = h("div", { class: "bench", role: "region", "aria-label": "Model and sound" },
    h("span", { class: "pick" }, h("label", { for: "livemodel", class: "s" }, "Model"), model),
    h("span", { class: "pick" }, h("label", { for: "livesound", class: "s" }, "Sound"), sound),
    h("button", { type: "button", class: "act", onclick: choose }, "Open a file"), file, ...recorder(page, bench), said);
  checkpointView(page, bench, bar);
  const status = h("div", { class: "status" });
  statusView(page, status);
  page.$$("header.top")[0].after(bar, status);

  function drawModels() {
    model.replaceChildren(...S.models.map((one) => h("option", {
      value: one.id, selected: one.id === S.model, disabled: one.state === "failed",
    }, one.name)));
    const now = bench.model();
    fill(said, now ? modelWords(now) : "");
  }

  function drawSounds() {
    const option = (value, text, chosen) => h("option", { value, selected: chosen }, text);
    const own = S.shelf.map((one) => option(one.id, `${one.name}, ${sec(one.duration)}`, one.id === S.heard));
    const built = S.examples.filter((one) => !S.shelf.some((other) => other.example === one.id))
      .map((one) => option("example:" + one.id, `${one.name}, ${sec(one.duration)}`));
    sound.replaceChildren(
      ...(S.heard ? [] : [option("", `none yet${NB}`, true)]),
      ...(own.length ? [h("optgroup", { label: "here" }, ...own)] : []),
      ...(built.length ? [h("optgroup", { label: "built in" }, ...built)] : []),
    );
  }

  model.addEventListener("change", () => bench.look(S.heard, { model: model.value }));
  sound.addEventListener("change", () => {
    const example = sound.value.startsWith("example:") && sound.value.slice(8);
    if (example) bench.example(example);
    else bench.look(sound.value);
  });
  on("models model", drawModels);
  on("shelf heard examples", drawSounds);
  drawModels();
  drawSounds();
  return choose;
}
