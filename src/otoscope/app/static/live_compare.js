// Two models side by side, or a model and what it was at a checkpoint.

import { h } from "./dom.js";
import { ruleName } from "./answer.js";
import { stopsOf } from "./live_checkpoints.js";

// What can stand beside the model that is shown: [value, text], other models first, then checkpoints.
export function companions(models, id, checkpoint) {
  const others = models.filter((one) => one.id !== id && one.state !== "failed").map((one) => [`${one.id}|`, one.name]);
  const mine = models.find((one) => one.id === id);
  const earlier = stopsOf(mine).filter((one) => one.id !== checkpoint).map((one) => [one.id ?? "", one.label]);
  return [...others, ...earlier.map(([key, label]) => [`${id}|${key}`, `${mine.name}, ${label}`])];
}

export function companionView(page, bench) {
  const { S, on, $ } = page;
  const select = h("select", { id: "companion" });
  const line = h("p", { class: "companion" }, h("label", { class: "chk" }, "With", h("span", { class: "pick" }, select)));
  const known = $("other").closest("p"); // those that are in the page already
  known.hidden = true;
  known.after(line);
  let chosen = "";

  function draw() {
    const list = companions(S.models, S.model, S.checkpoint);
    if (!list.some(([value]) => value === chosen)) chosen = "";
    select.replaceChildren(h("option", { value: "" }, list.length ? "choose one" : "no other model is open"),
      ...list.map(([value, text]) => h("option", { value, selected: value === chosen }, text)));
    select.disabled = !list.length;
  }

  async function compare() {
    if (!chosen || !S.run) return;
    const [id, checkpoint] = chosen.split("|");
    await bench.first(async (run) => {
      const [, other] = await bench.take(`Comparing with ${bench.model(id).name}, ${ruleName(run, S.rule)}`, {
        kind: "compare", models: [S.model, id], sound: S.heard, rule: S.rule, checkpoints: [S.checkpoint, checkpoint || null],
      });
      if (S.run === run && other) page.commands.compare(other.id);
    });
  }

  select.addEventListener("change", () => {
    chosen = select.value;
    compare();
  });
  on("models model checkpoint", draw);
  on("rule late", () => chosen && S.late && compare());
  draw();
}
