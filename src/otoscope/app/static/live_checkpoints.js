// The checkpoints of a model on a slider: while it moves, what the model said then; once it rests, where it listened.

import { attribute, fill, h } from "./dom.js";
import { prob, sig } from "./numbers.js";

const REST = 150; // ms without a move before the model is asked

// What a model said, in a few words.
export function answerWords({ classes = [], probabilities, logits, score_kind: kind } = {}) {
  if (!classes.length) return logits?.length ? `${kind} ${sig(logits[0])}` : "";
  return probabilities ? `${classes[0]}, ${prob(probabilities[0])}` : String(classes[0]);
}

// Where the slider stops: each checkpoint, and the model with the weights it was opened with.
export const stopsOf = (model) => (model?.checkpoints?.length ? [...model.checkpoints, { id: null, label: "as it is" }] : []);

export function checkpointView(page, bench, bar) {
  const { S, on } = page;
  const slider = h("input", { type: "range", id: "checkpoint", min: 0, step: 1 });
  const words = h("output", { for: "checkpoint", class: "s" });
  const box = h("span", { class: "ckpt", hidden: true }, h("label", { for: "checkpoint", class: "s" }, "Checkpoint"), slider, words);
  bar.append(box);
  let timer = null;

  const list = () => stopsOf(bench.model());
  const chosen = () => list()[Number(slider.value)];

  function draw() {
    const all = list();
    box.hidden = all.length < 2;
    if (box.hidden) return;
    slider.max = all.length - 1;
    const at = all.findIndex((one) => one.id === S.checkpoint);
    slider.value = at < 0 ? all.length - 1 : at;
    tell();
  }

  function tell(said = "") {
    const label = chosen()?.label ?? "";
    fill(words, said ? `${label}: ${said}` : label);
    attribute(slider, "aria-valuetext", words.textContent);
  }

  async function ask() {
    const one = chosen();
    if (!S.heard || !one) return;
    try {
      const said = await bench.answer({ model: S.model, sound: S.heard, ...(one.id ? { checkpoint: one.id } : {}) });
      if (chosen() === one) tell(answerWords(said));
    } catch (error) {
      bench.trouble(error);
    }
  }

  slider.addEventListener("input", () => {
    tell();
    clearTimeout(timer);
    timer = setTimeout(ask, REST);
  });
  slider.addEventListener("change", () => {
    clearTimeout(timer);
    ask();
    bench.look(S.heard, { checkpoint: chosen().id });
  });
  on("models model checkpoint", draw);
  on("heard", () => box.hidden || tell());
  draw();
}
