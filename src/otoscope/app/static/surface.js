// Whatever shows time takes the same gestures and carries the same cursor: click seeks, drag loops, double-click clears,
// ctrl and wheel or two fingers zoom, shift and wheel move.

import { h } from "./dom.js";
import { clamp } from "./numbers.js";

const SLOP = 4; // px a pointer may move and still have clicked

// A surface over an element whose width is the time in view: {el, hov, w, seen}.
export function surface(page, el, onhover) {
  const { S } = page;
  const region = h("i", { class: "reg" });
  const hov = h("i", { class: "hov" });
  const cursor = h("i", { class: "cur" });
  el.append(region, hov, cursor);
  const me = { el, reg: region, hov, cur: cursor, w: 1, seen: true };
  page.surfaces.push(me);
  page.watch(el, "seen", (seen) => {
    me.seen = seen;
    if (seen) page.place();
  });
  page.watch(el, "size", () => {
    me.w = el.clientWidth || 1;
    page.place();
  });

  const time = (x) => S.v0 + clamp((x - el.getBoundingClientRect().left) / me.w, 0, 1) * (S.v1 - S.v0);
  const touches = new Map();
  let down = null;

  function hover(event) {
    const box = el.getBoundingClientRect();
    page.set({ hover: { t: time(event.clientX), y: event.clientY - box.top, from: me } });
  }

  el.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    touches.set(event.pointerId, event.clientX);
    el.setPointerCapture(event.pointerId);
    down = { x: event.clientX, t: time(event.clientX), drag: false };
    if (touches.size === 2) {
      const [a, b] = [...touches.values()];
      down = { pinch: Math.abs(a - b), view: [S.v0, S.v1], centre: time((a + b) / 2) };
    }
    el.dataset.mouse = "";
    el.focus({ preventScroll: true });
  });
  el.addEventListener("pointermove", (event) => {
    if (touches.has(event.pointerId)) touches.set(event.pointerId, event.clientX);
    if (down?.pinch && touches.size === 2) {
      const [a, b] = [...touches.values()];
      const k = Math.max(8, Math.abs(a - b)) / Math.max(8, down.pinch);
      page.view(down.centre - (down.centre - down.view[0]) / k, down.centre + (down.view[1] - down.centre) / k);
      return;
    }
    if (down && !down.pinch && (down.drag ||= Math.abs(event.clientX - down.x) > SLOP)) {
      const t = time(event.clientX);
      S.reg = [Math.min(t, down.t), Math.max(t, down.t)];
      page.place();
    }
    if (event.pointerType === "touch") return;
    hover(event);
    onhover?.(event);
  });
  el.addEventListener("pointerup", (event) => {
    touches.delete(event.pointerId);
    if (!down) return;
    const gesture = down;
    down = touches.size && !gesture.pinch ? gesture : null;
    if (gesture.pinch) return;
    if (gesture.drag) {
      page.region(...S.reg);
      return;
    }
    const t = time(event.clientX);
    if (S.reg && (t < S.reg[0] || t > S.reg[1])) page.set({ reg: null });
    page.seek(t);
    if (event.pointerType === "touch") hover(event);
  });
  el.addEventListener("pointercancel", (event) => {
    if (down?.drag) page.set({ reg: null });
    touches.delete(event.pointerId);
    down = null;
    page.place();
  });
  el.addEventListener("pointerleave", (event) => {
    if (event.pointerType !== "touch") page.set({ hover: null });
  });
  el.addEventListener("dblclick", () => {
    page.set({ reg: null });
    page.view(0, S.dur);
    page.player.again();
    page.place();
  });
  el.addEventListener("wheel", (event) => {
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      page.zoom(Math.exp(-event.deltaY / 160), time(event.clientX));
      return;
    }
    const sideways = event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY);
    if (!sideways || S.v1 - S.v0 >= S.dur - 1e-6) return;
    event.preventDefault();
    const d = ((event.deltaX || event.deltaY) / me.w) * (S.v1 - S.v0);
    page.view(S.v0 + d, S.v1 + d);
  }, { passive: false });
  return me;
}
