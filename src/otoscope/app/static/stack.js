// Rows of pictures on one time axis: waves, pictures with a frequency axis and a spectrum at the side, maps at their own
// rate, and rows that draw themselves. Nothing is drawn that is not near the window.

import { tticks } from "./axes.js";
import { attribute, fill, h } from "./dom.js";
import { rowHolds } from "./holds.js";
import { clamp, minus, sec, sig } from "./numbers.js";
import { curve, fit, frequencyAxis, haloed, legend, paint, pixelRatio, wave } from "./paint.js";
import { surface } from "./surface.js";

const LOW = -45; // dB at the left edge of the spectra at the side
const CANVASES = ["ax", "pl", "sd"]; // axis, plot, side

// The lowest and the highest of values, or zero where all are above or below it.
function extremes(values) {
  let low = 0;
  let high = 0;
  for (let i = 0; i < values.length; i++) {
    if (values[i] < low) low = values[i];
    if (values[i] > high) high = values[i];
  }
  return [low, high];
}

// Where a level in dB stands in a spectrum at the side.
const sideX = (v, w) => 8 + (1 + v / -LOW) * (w - 12);

// A picture is one to a screen reader where there are words for it.
function describe(canvas, label) {
  for (const [name, value] of [["role", label && "img"], ["aria-label", label], ["aria-hidden", label ? null : "true"]]) {
    attribute(canvas, name, value || null);
  }
}

export class Stack {
  // rows: [{kind: "wave"|"pic"|"step"|"own"|undefined, h, get, draw, head}]. `get` gives what the row shows now, or null;
  // `label` is what that is, `holds` what is in it where that is not read off it.
  // probe(t, f) is the text at a point; read the element it goes to.
  constructor(page, el, { rows, label, probe, read, overview = true, fmax }) {
    Object.assign(this, { page, el, rows, probe, read, ownFmax: fmax, dirty: true, seen: false, size: "", now: "" });
    for (const row of rows) this.addRow(row);
    this.axis = Object.fromEntries(CANVASES.map((name) => [name, h("canvas")]));
    el.append(h("div", { class: "row tax", "aria-hidden": "true" }, ...CANVASES.map((name) => this.axis[name])));
    this.over = h("div", { class: "over" });
    el.append(this.over);
    if (overview) this.addOverview();
    this.msg = h("div", { class: "msg", hidden: true, role: "status" });
    el.append(this.msg);
    this.s = surface(page, this.over);
    this.hors = rows.filter((row) => row.kind === "pic").map((row) => [row, h("i", { class: "hor" })]);
    this.over.append(...this.hors.map(([, line]) => line));
    this.beSlider(label);
    page.watch(el, "size", () => this.measure());
    page.watch(el, "near", (seen) => {
      this.seen = seen;
      if (seen && this.dirty) this.draw();
    });
    page.stacks.push(this);
  }

  addRow(row) {
    if (row.head) {
      this.el.append(row.head);
      return;
    }
    row.ax = h("canvas", { class: "ax", "aria-hidden": "true" });
    row.pl = h("canvas", { class: "pl", "aria-hidden": "true" }); // until it shows something that it can be called by
    row.sd = h("canvas", { class: "sd", "aria-hidden": "true" });
    row.el = h("div", { class: `row ${row.kind}`, style: row.h ? `--h:${row.h}` : null }, row.ax, row.pl, row.sd);
    this.el.append(row.el);
  }

  // The bar below that shows which part is in view, and moves it.
  addOverview() {
    const { page } = this;
    const { S } = page;
    this.bar = h("div", { class: "view", "aria-hidden": "true" }, h("i"));
    this.el.after(this.bar);
    let grab = null;
    this.bar.addEventListener("pointerdown", (event) => {
      grab = { x: event.clientX, v: S.v0, w: S.v1 - S.v0 };
      this.bar.setPointerCapture(event.pointerId);
    });
    this.bar.addEventListener("pointermove", (event) => {
      if (!grab) return;
      const a = grab.v + ((event.clientX - grab.x) / this.bar.clientWidth) * S.dur;
      page.view(a, a + grab.w);
    });
    for (const type of ["pointerup", "pointercancel"]) this.bar.addEventListener(type, () => { grab = null; });
  }

  // A stack is a slider over time; the focus shows only where it came from the keyboard.
  beSlider(label) {
    const { over } = this;
    for (const type of ["keydown", "blur"]) over.addEventListener(type, () => delete over.dataset.mouse);
    over.tabIndex = 0;
    for (const [name, value] of [["role", "slider"], ["aria-label", label], ["aria-valuemin", 0]]) attribute(over, name, value);
    this.value();
  }

  get fmax() {
    return this.ownFmax?.() ?? (this.page.S.run?.rate ?? 0) / 2;
  }

  measure() {
    for (const row of [...this.rows.filter((r) => !r.head), this.axis]) {
      for (const name of CANVASES) {
        row[name + "w"] = row[name].clientWidth;
        row[name + "h"] = row[name].clientHeight;
      }
    }
    for (const row of this.rows) {
      if (row.head) continue;
      row.top = row.el.offsetTop;
      row.hgt = row.el.clientHeight;
    }
    const size = this.rows.map((row) => (row.head ? "" : `${row.plw}x${row.plh}`)).join() + pixelRatio();
    if (size === this.size) return;
    this.size = size;
    this.touch();
  }

  // What is shown has changed: drawn again with the next frame, if it is near the window.
  touch() {
    this.dirty = true;
    if (!this.seen || this.queued) return;
    this.queued = true;
    requestAnimationFrame(() => {
      this.queued = false;
      if (this.dirty) this.draw();
    });
  }

  // Words over the rows from `row` on, up to the row `end`, in place of pictures; null takes them away.
  message(nodes, row = 0, end = this.rows.length) {
    const place = ({ el, head }) => (el ?? head).offsetTop;
    const top = nodes ? place(this.rows[row]) : 0;
    const bottom = nodes && end < this.rows.length ? this.el.clientHeight - place(this.rows[end]) : 0;
    this.msg.style.top = top + "px";
    this.msg.style.bottom = bottom + "px";
    this.msg.style.paddingTop = top ? "48px" : "84px";
    this.msg.hidden = !nodes;
    this.msg.replaceChildren(...(nodes ? [nodes].flat() : []));
  }

  draw() {
    const { fmax } = this;
    if (!this.size || !fmax) return;
    this.dirty = false;
    for (const row of this.rows) if (!row.head) this.drawRow(row, fmax);
    this.drawTime();
    this.value();
  }

  drawRow(row, fmax) {
    const { page } = this;
    const axis = fit(page, row.ax, row.axw, row.axh);
    const side = row.sdw > 0 ? fit(page, row.sd, row.sdw, row.sdh) : null;
    const shown = row.get?.();
    if (!shown) {
      fit(page, row.pl, row.plw, row.plh);
      describe(row.pl, null);
      return;
    }
    const holds = shown.holds ?? rowHolds(page, row.kind, shown);
    describe(row.pl, shown.label && holds ? `${shown.label}: ${holds}` : shown.label);
    axis.textAlign = "right";
    axis.textBaseline = "middle";
    axis.fillStyle = page.css.ink3;
    if (row.kind === "pic") this.drawPicture(row, shown, axis, side, fmax);
    else this.drawOverTime(row, shown, axis, side);
    if (shown.tag) {
      const c = row.pl.getContext("2d");
      c.textAlign = "right";
      c.textBaseline = "top";
      haloed(page, c, shown.tag, row.plw - 6, 6, page.css.ink, row.plw - 12);
    }
  }

  drawPicture(row, shown, axis, side, fmax) {
    const { page } = this;
    const { css } = page;
    if (!shown.pic) {
      fit(page, row.pl, row.plw, row.plh);
      return;
    }
    paint(page, row.pl, row.plw, row.plh, shown.pic, shown.lut, fmax, shown.range);
    frequencyAxis(page, axis, row.axw, row.axh, fmax);
    if (shown.band) {
      const low = row.axh * (1 - page.up(shown.band[0], fmax));
      const high = row.axh * (1 - page.up(shown.band[1], fmax));
      axis.fillStyle = shown.mark ?? css.warm;
      axis.fillRect(row.axw - 3, high, 3, Math.max(2, low - high));
    }
    if (!side) return;
    side.strokeStyle = css.rule;
    side.lineWidth = 1;
    side.beginPath();
    for (const v of [-20, -40]) {
      const x = Math.round(sideX(v, row.sdw)) + 0.5;
      side.moveTo(x, 0);
      side.lineTo(x, row.sdh);
    }
    side.stroke();
    side.beginPath();
    side.moveTo(8.5, 0);
    side.lineTo(8.5, row.sdh);
    side.strokeStyle = css.rule2;
    side.stroke();
    for (const k of shown.curves ?? []) curve(page, side, row.sdw, row.sdh, k.v, k.df, fmax, LOW, k.colour, k);
    if (shown.marks && row.sdw > 60) this.drawMarks(row, shown.marks, side, fmax);
  }

  // Named frequencies of the sound, as formants.
  drawMarks(row, marks, side, fmax) {
    const { page } = this;
    for (const [name, f] of Object.entries(marks)) {
      const y = Math.round(row.sdh * (1 - page.up(f, fmax))) + 0.5;
      side.strokeStyle = page.css.ink3;
      side.lineWidth = 1;
      side.setLineDash([1, 2]);
      side.beginPath();
      side.moveTo(8, y);
      side.lineTo(row.sdw - 20, y);
      side.stroke();
      side.setLineDash([]);
      side.textAlign = "right";
      side.textBaseline = "middle";
      haloed(page, side, name, row.sdw - 1, y, page.css.ink2);
    }
  }

  drawOverTime(row, shown, axis, side) {
    const { page } = this;
    const { css } = page;
    const c = fit(page, row.pl, row.plw, row.plh);
    if (row.kind === "own") row.draw(c, row, shown, page);
    else if (row.kind === "wave") this.drawWave(c, row, shown);
    else {
      const [low, high] = page.keep(shown.v, "extremes", () => extremes(shown.v));
      this.drawSteps(c, row, shown, low, high);
      const fits = (text) => axis.measureText(text).width < row.axw - 7;
      const label = (value) => [2, 1].map((digits) => sig(value, digits)).find(fits) ?? minus(value.toExponential(0));
      axis.fillText(label(high), row.axw - 7, 7);
      axis.fillText(label(low), row.axw - 7, row.plh - 6);
    }
    if (shown.time) {
      const a = page.px(shown.time[0], row.plw);
      const b = page.px(shown.time[1], row.plw);
      c.fillStyle = shown.mark ?? css.warm;
      c.fillRect(a, row.plh - 3, Math.max(2, b - a), 3);
    }
    if (side && shown.legend) legend(page, side, row.sdw, row.sdh, ...shown.legend);
  }

  drawWave(c, row, shown) {
    const { page } = this;
    const { css } = page;
    const half = row.plh / 2;
    c.fillStyle = css.rule;
    c.fillRect(0, Math.round(half), row.plw, 1);
    if (!shown.signed) {
      wave(page, c, row.plw, row.plh, shown, shown.colour);
      return;
    }
    for (const [top, colour] of [[0, css.warm], [half, css.cool]]) {
      c.save();
      c.beginPath();
      c.rect(0, top, row.plw, half);
      c.clip();
      wave(page, c, row.plw, row.plh, shown, colour);
      c.restore();
    }
  }

  // A map at its own rate: one level a value, drawn where it is centred, up or down from zero, and what its strongest
  // value sees.
  drawSteps(c, row, { v, hop, centre, rate, colour, field }, low, high) {
    const { page } = this;
    const scale = (row.plh - 8) / (high - low || 1);
    const base = row.plh - 4 + low * scale;
    const X = (samples) => page.px(samples / rate, row.plw);
    c.fillStyle = page.css.rule2;
    c.fillRect(0, base, row.plw, 1);
    c.fillStyle = colour;
    c.beginPath();
    const width = X(hop) - X(0);
    const every = Math.max(1, Math.floor(0.5 / width)); // several values a pixel: the largest
    for (let i = 0; i < v.length; i += every) {
      const x = X(centre + (i - 0.5) * hop);
      if (x + width * every < 0 || x > row.plw) continue;
      const [least, most] = every > 1 ? extremes(v.subarray(i, i + every)) : [Math.min(0, v[i]), Math.max(0, v[i])];
      const y = (most - least) * scale;
      if (y > 0.2) c.rect(x, base - most * scale, Math.max(0.6, width * every - (width > 4 ? 1 : 0)), y);
    }
    c.fill();
    if (!field) return;
    const [a, b] = field.map((t) => page.px(t, row.plw));
    c.strokeStyle = page.css.ink2;
    c.lineWidth = 1;
    c.beginPath();
    c.moveTo(a, row.plh - 1.5);
    c.lineTo(b, row.plh - 1.5);
    for (const x of [a + 0.5, b - 0.5]) {
      c.moveTo(x, row.plh - 5);
      c.lineTo(x, row.plh);
    }
    c.stroke();
  }

  drawTime() {
    const { page, axis } = this;
    const { S, css } = page;
    const c = fit(page, axis.pl, axis.plw, axis.plh);
    const { ticks, digits } = tticks(S.v0, S.v1, axis.plw);
    c.textBaseline = "alphabetic";
    c.textAlign = "left";
    ticks.forEach((t, i) => {
      const x = page.px(t, axis.plw);
      const text = t.toFixed(digits) + (i === ticks.length - 1 ? " s" : "");
      const half = c.measureText(text).width / 2;
      c.fillStyle = css.rule2;
      c.fillRect(clamp(Math.round(x), 0, axis.plw - 1), 0, 1, 4);
      c.fillStyle = css.ink3;
      c.fillText(text, clamp(x - half, 0, axis.plw - 2 * half - 4), 15);
    });
    this.drawLevels();
    if (!this.bar) return;
    this.bar.classList.toggle("on", S.v1 - S.v0 < S.dur - 1e-6);
    const handle = this.bar.firstChild;
    handle.style.left = (S.v0 / S.dur) * 100 + "%";
    handle.style.width = ((S.v1 - S.v0) / S.dur) * 100 + "%";
  }

  // The scale of the spectra at the side.
  drawLevels() {
    const { page, axis } = this;
    if (!axis.sdw) return;
    const side = fit(page, axis.sd, axis.sdw, axis.sdh);
    if (axis.sdw <= 60 || !this.rows.some((row) => row.kind === "pic")) return;
    side.fillStyle = page.css.ink3;
    side.textBaseline = "alphabetic";
    side.textAlign = "center";
    for (const v of [-40, -20]) side.fillText(minus(v), sideX(v, axis.sdw), 15);
    side.textAlign = "right";
    side.fillText("0 dB", axis.sdw - 1, 15);
  }

  // What the slider says to a screen reader.
  value() {
    const { S } = this.page;
    const now = `${S.t.toFixed(3)}|${S.dur}`;
    if (this.now === now) return;
    this.now = now;
    this.over.setAttribute("aria-valuemax", S.dur.toFixed(3));
    this.over.setAttribute("aria-valuenow", S.t.toFixed(3));
    attribute(this.over, "aria-valuetext", `${sec(S.t)} of ${sec(S.dur)}`);
  }

  // The same instant in every stack, the same frequency in every picture.
  hover() {
    const { page } = this;
    const { hover } = page.S;
    const { fmax } = this;
    if (hover?.from === this.s && hover.f === undefined) {
      hover.f = null;
      for (const [row] of this.hors) {
        if (hover.y >= row.top && hover.y <= row.top + row.hgt) hover.f = page.freq(1 - (hover.y - row.top) / row.hgt, fmax);
      }
    }
    const f = hover?.f ?? null;
    const timed = hover?.t != null; // a picture without time has a frequency alone
    this.s.hov.style.opacity = timed ? 0.9 : 0;
    if (timed) this.s.hov.style.transform = `translateX(${page.px(hover.t, this.s.w).toFixed(1)}px)`;
    for (const [row, line] of this.hors) {
      const inside = f != null && f <= fmax;
      line.style.opacity = inside ? 0.9 : 0;
      if (inside) line.style.transform = `translateY(${(row.top + (1 - page.up(f, fmax)) * row.hgt).toFixed(1)}px)`;
    }
    if (this.read) fill(this.read, hover ? this.probe(hover.t, f) : this.probe(null, null));
  }
}
