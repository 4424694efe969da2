// The context that everything on a page shares: where it stands in the document, its data, its state, the time in view,
// the player. Several pages can live in one document, so nothing here is global.

import { readAddress, writeAddress } from "./address.js";
import { freq, up } from "./axes.js";
import { ramps, tokens } from "./colour.js";
import { createData } from "./data.js";
import { attribute, fill, h } from "./dom.js";
import { clamp, sec } from "./numbers.js";
import { createPlayer } from "./player.js";
import { createState } from "./state.js";

const SHORTEST = 0.02; // s in view at least
const CLICK = 0.004; // s a region has at least
const NARROW = 640; // px of the page, as in page.css
const CALM = 100; // ms between steps of the cursor where less motion is asked for

const INITIAL = {
  run: null, sound: null, rel: null, other: null, otherRel: null, diff: null, first: null, map: null, late: null,
  rule: "guided", target: "top", source: "input", layer: null, channel: null, sort: "activity", quiet: true, hoverplay: false,
  scale: "mel", v0: 0, v1: 1, reg: null, loop: true, speed: 1, equal: true, t: 0, dur: 1, playing: false, hover: null,
};

// `root` is the document or a shadow root and holds the markup of index.html; `source` is one of sources.js. Options:
// keys (the whole document listens), fixedDeck (the player stays at the bottom of the window), address (the state is kept
// in the address), initial (state to begin with).
export function createPage(root, source, options = {}) {
  const { S, set, on } = createState({ ...INITIAL, ...options.state });
  const data = createData(source);
  const byId = (id) => (root.getElementById ? root.getElementById(id) : root.querySelector(`[id="${id}"]`));
  const page = {
    root, source, data, S, set, on, live: source.live ?? null, manifest: data.manifest,
    options: { keys: true, fixedDeck: true, address: true, initial: {}, ...options },
    el: byId("otoscope"), surfaces: [], stacks: [], bindings: [], commands: {}, frames: [],
    wholes: new WeakMap(), // titles of what was cut
    $: byId, $$: (selector) => [...root.querySelectorAll(selector)],
  };
  page.el.classList.toggle("inflow", !page.options.fixedDeck);
  addLife(page);
  addWhole(page);
  addTheme(page);
  addTime(page);
  addCursor(page);
  addWords(page);
  addAddress(page);
  page.player = createPlayer(page);
  page.hear = (id, sound) => {
    if (sound) page.player.sources[id] = sound;
    else delete page.player.sources[id];
    if (!page.player.sources[S.source]) set({ source: "input" });
    set({ sources: {} });
    if (page.player.playing) page.player.balance();
  };
  return page;
}

// What was cut for its length is said whole where a pointer rests on it.
function addWhole(page) {
  page.el.addEventListener("pointerover", ({ target }) => {
    const given = target.title && target.title !== page.wholes.get(target);
    if (given || !target.textContent || !["hidden", "clip"].includes(getComputedStyle(target).overflowX)) return;
    const cut = target.scrollWidth > target.clientWidth + 1 || target.scrollHeight > target.clientHeight + 1;
    const whole = cut && !target.querySelector("canvas, button, a") ? target.textContent : "";
    if (target.title !== whole) attribute(target, "title", whole);
    page.wholes.set(target, target.title);
  });
}

// What ends with the page: listeners on the window, observers, the player.
function addLife(page) {
  const life = new AbortController();
  const kept = new WeakMap();
  page.cleanup = (f) => life.signal.addEventListener("abort", f);
  page.destroy = () => life.abort();
  page.listen = (target, type, f, more = {}) => target.addEventListener(type, f, { signal: life.signal, ...more });

  // Calls f when an element comes into or near the window ("seen", "near": with true or false), or changes its size ("size").
  page.watch = (element, what, f) => {
    const observer = what === "size"
      ? new ResizeObserver(() => f())
      : new IntersectionObserver((entries) => f(entries.at(-1).isIntersecting), { rootMargin: what === "near" ? "200px" : "0px" });
    observer.observe(element);
    page.cleanup(() => observer.disconnect());
  };

  // What was made once for an object and a name.
  page.keep = (object, name, make) => {
    const made = kept.get(object) ?? new Map();
    kept.set(object, made);
    if (!made.has(name)) made.set(name, make());
    return made.get(name);
  };
}

// Colours follow the system, the notebook, and the printer, which is always light.
function addTheme(page) {
  const media = {
    dark: matchMedia("(prefers-color-scheme: dark)"), print: matchMedia("print"),
    calm: matchMedia("(prefers-reduced-motion: reduce)"),
  };
  const read = () => {
    page.css = tokens(page.el);
    page.lut = ramps(page.css);
    page.set({ theme: {} });
  };
  read();
  page.listen(media.dark, "change", read);
  page.listen(media.print, "change", read);
  page.listen(window, "beforeprint", () => { // also what is far from the window
    page.el.dataset.print = "";
    read();
    for (const stack of page.stacks) stack.draw();
  });
  page.listen(window, "afterprint", () => {
    delete page.el.dataset.print;
    read();
  });
  page.themeChanged = read;
  page.narrow = page.el.clientWidth <= NARROW;
  page.watch(page.el, "size", () => {
    const narrow = page.el.clientWidth <= NARROW;
    if (narrow === page.narrow) return;
    page.narrow = narrow;
    page.set({ narrow: {} });
  });
  Object.defineProperty(page, "calm", { get: () => media.calm.matches });
}

// The time in view, the place of listening, the region, the axis of frequency.
function addTime(page) {
  const { S, set } = page;
  page.up = (f, fmax) => up(f, fmax, S.scale);
  page.freq = (y, fmax) => freq(y, fmax, S.scale);
  page.px = (t, w) => ((t - S.v0) / (S.v1 - S.v0)) * w;
  page.range = () => S.reg ?? [S.v0, S.v1];
  page.view = (a, b) => {
    const width = clamp(b - a, Math.min(SHORTEST, S.dur), S.dur);
    const start = clamp(a, 0, S.dur - width);
    set({ v0: start, v1: start + width });
  };
  page.zoom = (k, about = (S.v0 + S.v1) / 2) => page.view(about - (about - S.v0) / k, about + (S.v1 - about) / k);
  page.follow = (t) => {
    const width = S.v1 - S.v0;
    if (t < S.v0 || t > S.v1) page.view(t - width * 0.1, t + width * 0.9);
  };
  page.seek = (t) => {
    S.t = clamp(t, 0, S.dur);
    if (page.player.playing) page.player.play(S.t);
    page.follow(S.t);
    page.place();
  };
  page.region = (a, b) => {
    const reg = b - a > CLICK ? [clamp(a, 0, S.dur), clamp(b, 0, S.dur)] : null;
    if (reg) S.t = reg[0];
    set(reg ? { reg, loop: true } : { reg });
    if (page.player.playing) page.player.play(S.t);
    page.place();
  };
  page.redraw = () => {
    for (const stack of page.stacks) stack.touch();
    page.place();
  };
  page.on("scale v0 v1 reg theme", page.redraw);
}

// The cursor, the region and the hover line are moved by transforms; nothing is drawn again while playing.
function addCursor(page) {
  const { S, on } = page;
  const clock = page.$("now")?.firstChild;
  let written = 0;
  let ticking = false;

  function placeRegion(surface) {
    surface.reg.style.opacity = S.reg ? 1 : 0;
    if (!S.reg) return;
    const [a, b] = S.reg.map((t) => clamp(page.px(t, surface.w), 0, surface.w));
    surface.reg.style.transform = `translateX(${a.toFixed(1)}px)`;
    surface.reg.style.width = Math.max(1, b - a).toFixed(1) + "px";
  }

  page.place = () => {
    const t = page.player.playing ? page.player.position() : S.t;
    for (const surface of page.surfaces) {
      if (!surface.seen) continue;
      const x = page.px(t, surface.w);
      const out = x < -1 || x > surface.w + 1;
      if (out !== surface.out) {
        surface.out = out;
        surface.cur.style.opacity = out ? 0 : 1;
      }
      if (!out) surface.cur.style.transform = `translateX(${x.toFixed(2)}px)`;
      placeRegion(surface);
    }
    if (!page.player.playing) for (const stack of page.stacks) stack.value();
    const now = performance.now();
    if (clock && (now - written > 30 || !page.player.playing)) {
      written = now;
      clock.data = sec(t);
    }
  };

  page.tick = () => {
    if (ticking) return;
    ticking = true;
    let last = 0;
    let slow = 0;
    const step = (now) => {
      if (!page.player.playing) {
        ticking = false;
        return;
      }
      if (last) page.frames.push(now - last);
      if (page.frames.length > 600) page.frames.shift();
      last = now;
      if (!page.calm || now - slow > CALM) {
        slow = now;
        const t = page.player.position();
        if (t > S.v1 && S.v1 < S.dur - 1e-6) page.follow(t);
        page.place();
      }
      requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  };

  on("hover", () => { // first the stack under the pointer, which finds the frequency, then the others
    const from = page.stacks.find((stack) => S.hover && stack.s === S.hover.from);
    from?.hover();
    for (const stack of page.stacks) if (stack !== from) stack.hover();
  });
}

// Words: to a screen reader, to the clipboard, and keys with what they do.
function addWords(page) {
  page.say = (text) => {
    fill(page.$("spoken"), text);
  };
  page.copy = async (text) => {
    try {
      await navigator.clipboard.writeText(text);
    } catch { // not allowed here: as a selection
      const area = h("textarea", { style: "position:fixed;opacity:0" });
      area.value = text;
      page.el.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    page.say("Copied");
  };
  page.failed = (what) => (error) => { // for a promise: says what is not there, and goes on without it
    page.$("trouble").append(h("p", {}, `${what} could not be read: ${error.message}.`));
    return null;
  };
  page.key = (keys, words, actions) => page.bindings.push({ keys, words, actions });
}

// The address of what is shown; without one (in a notebook) the state it would keep stays in memory.
function addAddress(page) {
  const initial = { ...(page.options.address ? readAddress(location.hash) : {}), ...page.options.initial };
  let shown = { ...initial };
  let waiting = 0;
  const write = (method) => {
    if (!page.options.address) return;
    try {
      history[method](null, "", writeAddress(shown));
    } catch { /* some browsers refuse this for files */ }
  };
  page.options.initial = initial;
  page.takeInitial = (key) => { // asked for once, at the beginning
    const value = initial[key];
    delete initial[key];
    return value;
  };
  page.address = {
    get: (key) => shown[key] ?? null,
    all: () => ({ ...shown }),
    replace: (patch) => { // not more often than browsers allow
      shown = { ...shown, ...patch };
      clearTimeout(waiting);
      waiting = setTimeout(() => write("replaceState"), 300);
    },
    push: (patch) => {
      clearTimeout(waiting);
      write("replaceState"); // what waited belongs to the entry that is left
      shown = { ...shown, ...patch };
      write("pushState");
    },
  };
  if (!page.options.address) return;
  for (const type of ["popstate", "hashchange"]) {
    page.listen(window, type, () => {
      if (writeAddress(readAddress(location.hash)) === writeAddress(shown)) return;
      shown = readAddress(location.hash);
      page.set({ address: {} });
    });
  }
}
