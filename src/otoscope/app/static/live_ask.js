// What is explained, and how: any class, one rather than another, any rule.

import { h } from "./dom.js";
import { explainWords, meaning, ranks } from "./live_bench.js";
import { progressWords } from "./live_status.js";

const OVER = 3; // the row of the relevance in the stack of the answer

export function askView(page, bench) {
  const { S, on } = page;
  const target = h("select", { "aria-label": "Class that is explained" });
  const against = h("select", { "aria-label": "Class it is compared with" });
  const rule = h("select", { "aria-label": "Rule" });
  const pick = (text, select) => h("label", { class: "chk" }, text, h("span", { class: "pick" }, select));
  const versus = pick("rather than", against);
  page.$$(".g2 h3")[0].after(h("span", { class: "asking" }, h("span", { class: "pick" }, target), versus, pick("by", rule)));

  // What is asked for now: null stands for the likeliest class, and for no other.
  const asked = () => ({ target: target.value || null, against: against.value || null });
  const ask = () => bench.explain(asked(), rule.value);
  for (const select of [target, against, rule]) select.addEventListener("change", ask);

  function draw() {
    const { run, rel } = S;
    const model = bench.model();
    if (!run || !model) return;
    const classes = model.classes ?? run.classes ?? [];
    const { top, second } = ranks(run);
    const [t, a] = meaning(rel, top, second);
    const option = (value, text, on_) => h("option", { value, selected: on_ }, text);
    target.replaceChildren(...(classes.length ? [] : [option("", "its output", true)]),
      ...classes.map((name) => option(name, name === top ? `${name}, the likeliest` : name, String(name) === String(t))));
    against.replaceChildren(option("", "nothing", a == null),
      ...classes.filter((name) => String(name) !== String(t)).map((name) => option(name, name, String(name) === String(a))));
    versus.hidden = classes.length < 2;
    rule.replaceChildren(...(model.rules ?? []).map(({ id, label }) => option(id, label ?? id, id === S.rule)));
  }

  // While it is computed, its place says so.
  function wait() {
    if (!S.explaining) {
      page.mainStack.message(null);
      return;
    }
    const task = S.tasks.find((one) => one.kind === "relevance");
    page.mainStack.message([
      h("b", {}, explainWords(S.explaining.asked, S.explaining.rule)),
      h("span", { class: "s" }, [task && progressWords(task), "the sound can be played meanwhile"].filter(Boolean).join("; ")),
      task && h("span", {}, h("button", { type: "button", class: "tx", onclick: task.cancel }, "Cancel")),
    ].filter(Boolean), OVER);
  }

  on("run rel models model", draw);
  on("explaining", () => S.explaining || draw()); // what was cancelled is not what is shown
  on("explaining tasks", () => (S.explaining || !page.mainStack.msg.hidden) && wait());
  draw();
}
