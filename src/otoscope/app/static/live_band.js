// A band that is chosen by dragging along a frequency axis, and shown on the pictures beside it.

import { attribute, fill, h } from "./dom.js";
import { clamp, span } from "./numbers.js";

const LEAST = 20; // Hz a band has at least

// The band between two places of a pointer, in px from the top of a picture of that height.
export function bandOf(page, from, to, height, fmax) {
  const f = (y) => page.freq(clamp(1 - y / height, 0, 1), fmax);
  const [low, high] = [f(from), f(to)].sort((a, b) => a - b);
  return high - low < LEAST ? null : [Math.round(low), Math.round(high)];
}

// Lets a band be dragged on the frequency axes of a stack. S.band is what is chosen; `act` is offered beside it.
export function bandView(page, stack, act) {
  const { S, set, on } = page;
  const rows = stack.rows.filter((row) => row.kind === "pic");
  const marks = rows.map(() => h("div", { class: "band", hidden: true }));
  const button = h("button", { type: "button", class: "act main bandact", hidden: true, onclick: () => act(S.band) });
  stack.el.append(...marks, button);

  function place() {
    const { band } = S;
    const { fmax } = stack;
    rows.forEach((row, i) => {
      marks[i].hidden = !band || !row.hgt || !fmax;
      if (marks[i].hidden) return;
      const top = row.top + row.hgt * (1 - page.up(Math.min(band[1], fmax), fmax));
      const bottom = row.top + row.hgt * (1 - page.up(band[0], fmax));
      marks[i].style.top = `${top}px`;
      marks[i].style.height = `${Math.max(1, bottom - top)}px`;
      if (i) return;
      button.style.top = `${clamp(top, row.top + 4, row.top + row.hgt - 34)}px`;
    });
    button.hidden = !band;
    if (band) fill(button, `Filter out ${span(...band, "Hz")}`);
  }

  rows.forEach((row) => {
    let from = null;
    row.ax.classList.add("grab");
    attribute(row.ax, "title", "Drag along the axis to choose a band");
    const y = (event) => event.clientY - row.ax.getBoundingClientRect().top;
    row.ax.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      from = y(event);
      row.ax.setPointerCapture(event.pointerId);
    });
    row.ax.addEventListener("pointermove", (event) => {
      if (from != null) set({ band: bandOf(page, from, y(event), row.ax.clientHeight, stack.fmax) });
    });
    for (const type of ["pointerup", "pointercancel"]) row.ax.addEventListener(type, () => { from = null; });
  });
  on("band scale run theme", place);
  page.watch(stack.el, "size", place);
  page.key("x", "clear the band", { x: () => set({ band: null }) });
}
