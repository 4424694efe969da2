// A layer's maps as a grid. Only the rows in view have elements, which are used again as it is scrolled.

import { copyButton } from "./copy.js";
import { readPicture, readSound } from "./data.js";
import { attribute, fill, h } from "./dom.js";
import { shortName } from "./layers.js";
import { clamp, hz, sig } from "./numbers.js";

const CELL = 92; // px wide at least
const ROW = 74; // px high
const THUMB = [48, 24];
const SHOWN_DB = 36; // more than that is a blur at this size
const WAIT = 140; // ms a pointer rests before a map is played on hover

// Maps in the chosen order; silent ones can be left out.
export function sortMaps(items, key, quiet) {
  const kept = items.filter((map) => quiet || map.sound.peak);
  if (key === "channel") return kept.sort((a, b) => a.channel - b.channel);
  if (key === "activity") return kept.sort((a, b) => b.activity - a.activity);
  return kept.sort((a, b) => (a[key] ?? Infinity) - (b[key] ?? Infinity));
}

// A small picture of a map on its canvas.
function drawThumb(page, canvas, picture) {
  const [W, H] = THUMB;
  const c = canvas.getContext("2d");
  if (!picture) {
    c.clearRect(0, 0, W, H);
    c.fillStyle = page.css.rule;
    c.fillRect(0, H / 2, W, 0.5);
    return;
  }
  const { F, T, q, floor } = picture;
  const image = c.createImageData(W, H);
  const out = new Uint32Array(image.data.buffer);
  const cut = 255 * (1 - SHOWN_DB / floor);
  for (let y = 0; y < H; y++) {
    for (let x = 0; x < W; x++) {
      const v = q[clamp(F - 1 - y, 0, F - 1) * T + Math.min(x, T - 1)];
      out[y * W + x] = page.lut.warm[Math.max(0, ((v - cut) / (255 - cut)) * 1023) | 0];
    }
  }
  c.putImageData(image, 0, 0);
}

export function gridView(page) {
  const { $, S, set, on, player } = page;
  const pool = [];
  let items = [];
  let bytes = null;
  let maps = null;
  let chosen = -1;
  let columns = 1;
  let step = CELL;
  let loading = 0;
  let frame = 0;
  let waiting = 0;
  let hovered = null;

  const soundOf = (map) => page.keep(map, "sound", () => ({ x: readSound(bytes, map.sound), rate: S.run.rate }));
  const thumbOf = (map) => map.thumb && page.keep(map, "thumb", () => readPicture(bytes, map.thumb, S.run.rate, 1));
  const cellOf = (i) => pool.find((cell) => cell.dataset.i === String(i));

  // Words and a call where the maps of a layer are not in the page.
  function sayMissing() {
    const { run } = S;
    const near = Object.keys(run.maps);
    const link = (layer) => h(
      "button", { type: "button", class: "tx", onclick: () => set({ layer }) }, shortName(run, layer),
    );
    const call = { method: "sonify", takes: "wave", arguments: { layer: S.layer, n_maps: 8 } };
    const button = copyButton(page, `the maps of ${shortName(run, S.layer)}`, () => [run.opened, call]);
    const where = page.live ? "page" : "file";
    $("gridempty").replaceChildren(...[
      h("p", {}, `The maps of ${near.length ? "this layer" : "this model"} are not in this ${where}.`),
      near.length && h("p", {}, "These can be heard: ", near.flatMap((layer, i) => [i ? ", " : "", link(layer)]), "."),
      run.opened && h("p", {}, "To hear them, ", button, " the call that makes them."),
    ].filter(Boolean));
  }

  async function showMaps() {
    const mine = ++loading;
    const now = S.run?.maps[S.layer];
    $("gridbar").style.visibility = now ? "" : "hidden";
    $("gridempty").hidden = !!now;
    $("grid").style.display = now ? "" : "none";
    if (!now) {
      items = [];
      chosen = -1;
      maps = null;
      if (S.run && S.layer) sayMissing();
      set({ channel: null, map: null });
      return;
    }
    const read = await page.data.part(now.part).catch(page.failed(`The maps of ${S.layer}`));
    if (mine !== loading || !read) return;
    const kept = maps === now ? S.channel : page.takeInitial("map");
    bytes = read;
    maps = now;
    items = sortMaps([...now.items], S.sort, S.quiet);
    const many = Number(page.options.initial.maps);
    if (many && items.length) items = Array.from({ length: many }, (_, i) => items[i % items.length]); // to try how it scales
    $("gridscroll").scrollTop = 0;
    layout();
    const at = items.findIndex((map) => String(map.channel) === String(kept));
    choose(Math.max(0, at), false);
  }

  function layout() {
    const box = $("gridscroll");
    const width = box.clientWidth;
    if (!width) return;
    columns = Math.max(1, Math.floor(width / CELL));
    step = (width - 2) / columns;
    $("grid").style.height = Math.ceil(items.length / columns) * ROW + 4 + "px";
    const need = Math.min(items.length, (Math.ceil(box.clientHeight / ROW) + 2) * columns);
    while (pool.length < need) {
      const cell = h("button", { type: "button", class: "cell", role: "option", tabindex: -1 },
        h("canvas", { width: THUMB[0], height: THUMB[1] }), h("i", { class: "pr" }), h("span", { class: "c" }, h("span"), h("span")));
      pool.push(cell);
      $("grid").append(cell);
    }
    while (pool.length > need) pool.pop().remove();
    redraw();
  }

  function redraw() {
    for (const cell of pool) cell.dataset.i = "";
    cells();
  }

  function fillCell(cell, i) {
    const map = items[i];
    cell.dataset.i = i;
    cell.style.width = step - 6 + "px";
    cell.style.transform = `translate(${(i % columns) * step}px, ${Math.floor(i / columns) * ROW + 2}px)`;
    cell.style.visibility = "";
    cell.setAttribute("aria-posinset", i + 1);
    cell.setAttribute("aria-setsize", items.length);
    attribute(cell, "aria-label", map.sound.peak
      ? `Map ${map.channel}, activity ${sig(map.activity, 2)}, strongest at ${hz(map.peak_frequency)}`
      : `Map ${map.channel}, silent`);
    const [number, activity] = cell.lastChild.children;
    fill(number, map.channel);
    fill(activity, map.sound.peak ? sig(map.activity, 2) : "silent");
    drawThumb(page, cell.firstChild, thumbOf(map));
  }

  function cells() {
    const n = pool.length;
    const first = Math.max(0, Math.floor($("gridscroll").scrollTop / ROW) - 1) * columns;
    const last = Math.min(items.length, first + n);
    for (let i = first; i < last; i++) {
      const cell = pool[i % n];
      if (cell.dataset.i !== String(i)) fillCell(cell, i);
      const selected = String(i === chosen);
      if (cell.getAttribute("aria-selected") === selected) continue;
      cell.setAttribute("aria-selected", selected);
      cell.tabIndex = i === chosen ? 0 : -1;
    }
    for (const cell of pool) {
      const i = Number(cell.dataset.i);
      if (cell.dataset.i !== "" && i >= first && i < last) continue;
      cell.style.visibility = "hidden";
      cell.dataset.i = "";
    }
  }

  // Plays a map once, with a line that moves over its picture.
  function hear(map, cell) {
    const line = cell?.querySelector(".pr");
    const duration = map.sound.n / S.run.rate;
    player.once(soundOf(map), () => {
      if (line) line.style.opacity = 0;
    });
    const mine = player.single;
    if (!line || !mine) return;
    const move = () => {
      if (player.single !== mine) return;
      const share = clamp((player.context.currentTime - mine.at) / duration, 0, 1);
      line.style.opacity = 1;
      line.style.transform = `translateX(${share * (cell.clientWidth - 7)}px)`;
      requestAnimationFrame(move);
    };
    move();
  }

  function choose(i, play) {
    const map = items[i];
    if (!map) return;
    chosen = i;
    const box = $("gridscroll");
    const y = Math.floor(i / columns) * ROW;
    if (y < box.scrollTop) box.scrollTop = y;
    else if (y + ROW > box.scrollTop + box.clientHeight) box.scrollTop = y + ROW - box.clientHeight;
    cells();
    page.hear("map", map.sound.peak ? { ...soundOf(map), label: `Map ${map.channel}` } : null);
    set({ channel: map.channel, map: { map, maps, bytes, layer: S.layer, source: soundOf(map) } });
    if (!play || !map.sound.peak) return;
    set({ source: "map" });
    if (player.playing) player.again();
    else hear(map, cellOf(i));
  }

  const move = (by) => {
    if (items.length) choose(clamp((chosen < 0 ? -by : chosen) + by, 0, items.length - 1), true);
  };

  on("layer sort quiet late", () => {
    if (S.late) showMaps();
  });
  on("theme", redraw);
  page.key("j k", "next, previous map; played once", { j: () => move(1), k: () => move(-1) });
  page.watch($("gridscroll"), "size", layout);
  $("gridscroll").addEventListener("scroll", () => {
    if (frame) return;
    frame = requestAnimationFrame(() => {
      frame = 0;
      cells();
    });
  }, { passive: true });
  $("grid").addEventListener("click", (event) => {
    const cell = event.target.closest(".cell");
    if (cell) choose(Number(cell.dataset.i), true);
  });
  $("grid").addEventListener("pointerover", (event) => {
    const cell = event.target.closest(".cell");
    if (!cell || event.pointerType === "touch" || !S.hoverplay || hovered === cell.dataset.i) return;
    hovered = cell.dataset.i;
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      const map = items[Number(cell.dataset.i)];
      if (map?.sound.peak) hear(map, cell);
    }, WAIT);
  });
  $("grid").addEventListener("pointerleave", () => {
    clearTimeout(waiting);
    hovered = null;
    if (S.hoverplay) player.hush();
  });
  $("grid").addEventListener("keydown", (event) => {
    const by = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }[event.key];
    if (!by) return;
    event.preventDefault();
    event.stopPropagation();
    move(by);
    cellOf(chosen)?.focus({ preventScroll: true });
  });
  $("sort").addEventListener("change", (event) => set({ sort: event.target.value }));
  $("quiet").checked = S.quiet;
  $("quiet").addEventListener("change", (event) => set({ quiet: event.target.checked }));
  $("hoverplay").addEventListener("change", (event) => {
    set({ hoverplay: event.target.checked });
    if (S.hoverplay) player.ensure();
  });
}
