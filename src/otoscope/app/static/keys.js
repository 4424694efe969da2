// The keyboard does whatever the pointer does. Views add keys with page.key; the help is written from the same list.

import { h } from "./dom.js";
import { clamp } from "./numbers.js";

const STEP = 0.01; // s of an arrow; ten times as much with shift

// Keys of the player and of the time in view.
export function playerKeys(page) {
  const { S, player, set } = page;
  const step = (event, sign) => page.seek(player.position() + sign * STEP * (event.shiftKey ? 10 : 1));
  page.key("space", "play, pause", { " ": () => player.toggle() });
  page.key("1 2 3 \u2026", "listen to input, relevance, map, the other model", {});
  page.key("\u2190 \u2192", "10 ms back, on; with shift 100 ms", {
    ArrowLeft: (event) => step(event, -1), ArrowRight: (event) => step(event, 1),
  });
  page.key("home end", "start, end", { Home: () => page.seek(0), End: () => page.seek(S.dur) });
  page.key("( )", "the region begins here, ends here", {
    "(": () => page.region(Math.min(player.position(), (S.reg?.[1] ?? S.dur) - STEP), S.reg?.[1] ?? S.dur),
    ")": () => page.region(S.reg?.[0] ?? 0, Math.max(player.position(), (S.reg?.[0] ?? 0) + STEP)),
  });
  page.key("l", "loop", {
    l: () => {
      set({ loop: !S.loop });
      player.again();
    },
  });
  page.key("esc", "clear the region", {
    Escape: () => {
      set({ reg: null });
      player.again();
      page.place();
    },
  });
  const middle = () => (S.t >= S.v0 && S.t <= S.v1 ? S.t : undefined);
  page.key("+ \u2212 0", "zoom in, out, show all", {
    "+": () => page.zoom(2, middle()), "=": () => page.zoom(2, middle()), "-": () => page.zoom(0.5, middle()), 0: () => page.view(0, S.dur),
  });
  const move = (sign) => page.view(S.v0 + sign * 0.5 * (S.v1 - S.v0), S.v1 + sign * 0.5 * (S.v1 - S.v0));
  page.key("page up, down", "what is before, after the part in view, once zoomed", {
    PageUp: () => (S.v1 - S.v0 < S.dur - 1e-6 ? move(-1) : "pass"), PageDown: () => (S.v1 - S.v0 < S.dur - 1e-6 ? move(1) : "pass"),
  });
  page.key("f", "frequency axis: mel, linear", { f: () => set({ scale: S.scale === "mel" ? "linear" : "mel" }) });
  page.key("e", "equal loudness, or as it is", { e: () => set({ equal: !S.equal }) });
  page.key("?", "these keys", { "?": () => openHelp(page) });
}

// Shows the keys.
export function openHelp(page) {
  const list = page.$("keylist");
  list.replaceChildren(...page.bindings.flatMap(({ keys, words }) => [h("dt", {}, keys), h("dd", {}, words)]));
  page.$("keys").showModal();
}

// Listens: the whole document where the page owns it, else only while the focus is inside.
export function bindKeys(page) {
  const target = page.options.keys ? document : page.el;
  page.listen(target, "keydown", (event) => {
    const at = event.composedPath()[0];
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || page.$$("dialog[open]").length) return;
    if (/^(SELECT|TEXTAREA)$/.test(at.tagName)) return;
    if (at.tagName === "INPUT" && (at.type !== "checkbox" || event.key === " ")) return;
    const pressed = /^(BUTTON|SUMMARY)$/.test(at.tagName) && at.id !== "play" && !at.closest(".cell, dialog:not([open])");
    if (event.key === " " && pressed) return;
    const digit = Number(event.key);
    const sources = page.$("src").children;
    if (event.key !== "0" && digit >= 1 && digit <= sources.length) {
      page.set({ source: sources[clamp(digit - 1, 0, sources.length - 1)].dataset.s });
      event.preventDefault();
      return;
    }
    const binding = page.bindings.find(({ actions }) => Object.hasOwn(actions, event.key));
    if (binding && binding.actions[event.key](event) !== "pass") event.preventDefault();
  });
}
