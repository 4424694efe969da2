// A list of any length of which only the rows in view have elements. They are used again as it moves.

import { h } from "./dom.js";
import { clamp } from "./numbers.js";

export class RowList {
  // make() gives an element for a row; fill(element, index) puts a row into it; choose(index, how) is called when one is
  // chosen by "key" or "click" (with the event).
  constructor(page, el, { height, label, make, fill, choose, id }) {
    Object.assign(this, { page, el, height, make, fill, choose, id, n: 0, at: -1, pool: [], view: 0, moved: 0 });
    this.inner = h("div", { class: "rl-in", role: "presentation" });
    el.classList.add("rl");
    for (const [name, value] of [["role", "listbox"], ["aria-label", label], ["tabindex", 0]]) el.setAttribute(name, value);
    el.append(this.inner);
    el.addEventListener("scroll", () => this.scrolled(), { passive: true });
    el.addEventListener("click", (event) => {
      const row = event.target.closest(".rl-row");
      if (row) this.choose(Number(row.dataset.i), "click", event);
    });
    el.addEventListener("keydown", (event) => this.key(event));
    page.watch(el, "size", () => this.resize());
  }

  // Shows so many rows, the chosen one in view.
  show(n, at = -1) {
    const same = n === this.n;
    this.n = n;
    this.at = at;
    if (!same || at < 0) this.el.scrollTop = 0;
    this.resize();
    this.reveal();
  }

  select(at) {
    this.at = at;
    this.reveal();
    this.draw();
  }

  reveal() {
    if (this.at < 0 || !this.view) return;
    const top = this.at * this.height;
    const { el } = this;
    const [above, below] = [el.scrollTop - top, top + this.height - el.scrollTop - this.view];
    if (Math.max(above, below) > 2 * this.height) el.scrollTop = top - (this.view - this.height) / 2; // from afar: in the middle
    else if (above > 0) el.scrollTop = top;
    else if (below > 0) el.scrollTop += below;
  }

  resize() {
    this.view = this.el.clientHeight;
    this.inner.style.height = this.n * this.height + "px";
    const need = this.view ? Math.min(this.n, Math.ceil(this.view / this.height) + 2) : 0;
    while (this.pool.length < need) {
      const row = this.make();
      row.classList.add("rl-row");
      row.setAttribute("role", "option");
      row.id = `${this.id}-${this.pool.length}`;
      row.style.height = this.height + "px";
      this.pool.push(row);
      this.inner.append(row);
    }
    while (this.pool.length > need) this.pool.pop().remove();
    this.refresh();
  }

  // Fills all rows again.
  refresh() {
    for (const row of this.pool) row.dataset.i = "";
    this.draw();
  }

  scrolled() {
    this.moved = performance.now();
    if (this.raf) return;
    this.raf = requestAnimationFrame(() => {
      this.raf = 0;
      this.draw();
    });
  }

  draw() {
    const { pool, el, n } = this;
    if (!pool.length) {
      el.removeAttribute("aria-activedescendant");
      return;
    }
    const first = clamp(Math.floor(el.scrollTop / this.height) - 1, 0, Math.max(0, n - pool.length));
    let active = null;
    for (let i = first; i < first + pool.length; i++) {
      const row = pool[i % pool.length];
      const chosen = i === this.at;
      if (row.dataset.i !== String(i)) {
        row.dataset.i = i;
        row.style.transform = `translateY(${i * this.height}px)`;
        row.setAttribute("aria-posinset", i + 1);
        row.setAttribute("aria-setsize", n);
        this.fill(row, i);
      }
      if (row.getAttribute("aria-selected") !== String(chosen)) row.setAttribute("aria-selected", String(chosen));
      if (chosen) active = row.id;
    }
    if (active) el.setAttribute("aria-activedescendant", active);
    else el.removeAttribute("aria-activedescendant");
  }

  // The indices in view.
  get shown() {
    return this.pool.map((row) => Number(row.dataset.i)).filter((i) => !Number.isNaN(i));
  }

  key(event) {
    const page = Math.max(1, Math.floor(this.view / this.height) - 1);
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -this.n, End: this.n }[event.key];
    if (!this.n || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Enter" || event.key === " ") {
      if (this.at < 0) return;
      this.choose(this.at, "click", event);
    } else if (step) this.choose(clamp(this.at < 0 ? 0 : this.at + step, 0, this.n - 1), "key", event);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}
