// What is under way, what went wrong: one line, with a way out.

import { h } from "./dom.js";
import { fx, NB } from "./numbers.js";

const PATIENCE = 300; // ms before an answer on its way is spoken of

// How far a task is, in words: its place in the queue, its step, the seconds so far.
export function progressWords({ job, share }) {
  if (share != null) return `${Math.round(100 * share)}${NB}%`;
  if (!job) return "";
  if (job.state === "queued") return job.place ? `${job.place} ahead of it` : "waiting for the model";
  const count = job.total ? `${job.done ?? 0} of ${job.total}` : "";
  const time = job.seconds >= 1 ? `${fx(job.seconds, 0)}${NB}s so far` : "";
  return [job.step, count, time].filter(Boolean).join(", ");
}

// The share that is done, or null where that is not known.
export function progressShare({ job, share }) {
  if (share != null) return share;
  return job?.total ? (job.done ?? 0) / job.total : null;
}

export function statusView(page, place) {
  const { S, set, on } = page;
  const line = h("div", { class: "tasks", role: "status" });
  const trouble = h("div", { class: "trouble", role: "alert", hidden: true });
  const word = h("div", { class: "word", role: "status", hidden: true });
  place.append(line, word, trouble);
  let waiting = null;

  function draw() {
    waiting = null;
    line.replaceChildren(...S.tasks.map((task) => {
      const share = progressShare(task);
      return h("span", { class: "task" },
        h("progress", share == null ? { "aria-label": task.what } : { "aria-label": task.what, value: share, max: 1 }),
        h("span", {}, task.what), h("span", { class: "xs" }, progressWords(task)),
        task.cancel && h("button", { type: "button", class: "tx", onclick: task.cancel }, "Cancel"));
    }));
  }

  // Answers that come at once are not announced.
  on("tasks", () => {
    if (!S.tasks.length || line.childElementCount) {
      clearTimeout(waiting);
      draw();
    } else waiting ??= setTimeout(draw, PATIENCE);
  });
  // A sentence that stays until it is dismissed.
  function keep(box, text, dismiss) {
    box.hidden = !text;
    box.replaceChildren(...(text ? [h("p", {}, text), h("button", { type: "button", class: "tx", onclick: dismiss }, "Dismiss")] : []));
  }
  on("trouble", () => keep(trouble, S.trouble?.text, () => set({ trouble: null })));
  on("word", () => keep(word, S.word, () => set({ word: null })));
}
