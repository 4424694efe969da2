// What the output loses without each moment, or without each band: of rules that take parts of the sound away.

import { fill, h } from "./dom.js";
import { minus, sec, sig, span } from "./numbers.js";
import { Stack } from "./stack.js";

// The value at a time, of windows one after another.
export const lossAt = ({ hop, values }, t) => values[Math.floor(t / hop)] ?? null;

// Rows of the table of bands: [low, high, loss, where the bar begins and how long it is in per cent].
export function lossRows({ edges, values }) {
  const top = values.reduce((most, v) => Math.max(most, Math.abs(v ?? 0)), 0) || 1;
  const signed = values.some((v) => v < 0);
  const zero = signed ? 50 : 0;
  return values.map((v, i) => {
    const size = (Math.abs(v ?? 0) / top) * (signed ? 50 : 100);
    return [edges[i], edges[i + 1], v, v < 0 ? zero - size : zero, size];
  });
}

export function lossView(page) {
  const { $, S, on } = page;
  const read = h("span", { class: "read" });
  const title = h("h3", {});
  const over = h("div", { class: "stack" });
  const table = h("table", { class: "segsums" });
  const bands = h("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": "Loss by band" }, table);
  const box = h("div", { class: "segbox", hidden: true }, h("div", { class: "group" }, title, read), over, bands);
  $("main").parentElement.append(box);
  const timed = () => (S.rel?.loss?.over === "time" ? S.rel.loss : null);
  const steps = () => {
    const loss = timed();
    if (!loss) return null;
    const v = page.keep(loss, "values", () => Float32Array.from(loss.values, (one) => one ?? 0));
    return { v, hop: loss.hop, centre: loss.hop / 2, rate: 1, colour: page.css.warm, label: title.textContent };
  };
  const stack = new Stack(page, over, {
    label: "Position in the sound, loss", read, overview: false, rows: [{ kind: "step", h: "60px", get: steps }],
    probe: (t) => {
      const loss = t == null || !timed() ? null : lossAt(timed(), t);
      return loss == null ? "" : `${sec(t)}   ${minus(sig(loss))}`;
    },
  });

  function bandRow([low, high, value, left, size]) {
    const bar = h("i", { class: value < 0 ? "against" : null, style: `left:${left}%;width:${Math.max(0.5, size)}%` });
    return h("tr", {}, h("td", {}, span(low, high, "Hz")), h("td", { class: "barcell" }, h("span", {}, bar)),
      h("td", {}, value == null ? "unknown" : sig(value)));
  }

  on("rel", () => {
    const loss = S.rel?.loss;
    box.hidden = !loss;
    if (!loss) return;
    const what = loss.over === "time" ? "moment" : "band";
    fill(title, `What ${S.rel.label} loses without each ${what}`);
    over.hidden = loss.over !== "time";
    bands.hidden = !over.hidden;
    if (over.hidden) table.replaceChildren(h("tbody", {}, lossRows(loss).map(bandRow)));
    else stack.touch();
  });
}
