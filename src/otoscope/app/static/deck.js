// The deck: the one play button, what is heard, and how.

import { attribute, choices, fill, h, icon } from "./dom.js";
import { fx, sec, span } from "./numbers.js";
import { openHelp } from "./keys.js";

const ORDER = ["input", "changed", "relevance", "map", "other"];
const FIT = 3; // sources beside each other on a phone; the rest is under "more controls"
const SPEEDS = [[1, "1\u00d7"], [0.5, "\u00bd\u00d7"], [0.25, "\u00bc\u00d7"]];
const SCALES = [["mel", "mel"], ["linear", "linear"]];

const rank = (id) => (ORDER.includes(id) ? ORDER.indexOf(id) : ORDER.length);

// Of sources in their order those that a phone has room for: the first ones, the last of which makes room for what is heard.
export function fittingSources(ids, source) {
  const first = ids.slice(0, FIT);
  return first.includes(source) || !ids.includes(source) ? first : [...first.slice(0, FIT - 1), source];
}

// [id, what it is called] of all that can be heard, in the order of the deck.
function allSources({ player: { sources } }, short) {
  const ids = Object.keys(sources).filter((id) => sources[id]).sort((a, b) => rank(a) - rank(b));
  return ids.map((id) => [id, (short && sources[id].short) || sources[id].label || id]);
}

export function deckView(page) {
  const { S, player, set, on, $ } = page;

  // How loud equal loudness makes each source.
  function levelTitles() {
    const input = player.sources.input;
    for (const button of $("src").children) {
      const id = button.dataset.s;
      const source = player.sources[id];
      if (id === "input" || !source?.loud || !input?.peak || !player.gains[id]) continue;
      const d = 20 * Math.log10((player.gains[id] * source.peak) / (player.gains.input * input.peak));
      const height = d < 0 ? fx(-d, 1) + " dB below" : fx(d, 1) + " dB above";
      attribute(button, "title", `its peak ${height} that of the input, ${S.equal ? "at equal loudness" : "as it is"}`);
    }
  }

  function drawSources() {
    const items = allSources(page, page.narrow);
    const fitting = page.narrow ? fittingSources(items.map(([id]) => id), S.source) : items.map(([id]) => id);
    const hear = (source) => set({ source });
    choices($("src"), items.filter(([id]) => fitting.includes(id)), S.source, hear);
    $("srcall").hidden = fitting.length === items.length;
    choices($("srcall"), $("srcall").hidden ? [] : allSources(page), S.source, hear);
    if (!page.narrow) [...$("src").children].forEach((button, i) => button.prepend(h("kbd", { "aria-hidden": "true" }, i + 1)));
    levelTitles();
  }

  function drawButton() {
    $("play").replaceChildren(icon(S.playing ? "pause" : "play"));
    attribute($("play"), "aria-label", S.playing ? "Pause" : "Play");
  }

  function drawLength() {
    const heard = player.heard();
    const part = heard > 0 && heard < S.dur - 0.01;
    fill($("of"), `of ${sec(S.dur)}`, part && `, ${fx(heard, 0)}\u00a0s to be heard`);
    attribute($("of"), "title", part && `of which the first ${sec(heard)} can be heard`);
  }

  function drawRest() {
    $("loop").checked = S.loop;
    $("equal").checked = S.equal;
    const clear = () => {
      set({ reg: null });
      player.again();
      page.place();
    };
    const region = S.reg && [span(...S.reg, "s"), " ", h("button", { type: "button", class: "tx", onclick: clear }, "clear")];
    $("loopinfo").replaceChildren(...(region || []));
    choices($("speed"), SPEEDS, S.speed, (speed) => {
      const t = player.position();
      set({ speed });
      if (player.playing) player.play(t);
    });
    choices($("scale"), SCALES, S.scale, (scale) => set({ scale }));
  }

  on("playing", drawButton);
  on("loop reg speed scale equal dur run", drawRest);
  on("sources dur", drawLength);
  on("sources source narrow", drawSources);
  let waiting = 0;
  on("balance", levelTitles);
  on("late sources", () => { // how loud they are is not needed for the first pictures
    clearTimeout(waiting);
    if (S.late) waiting = setTimeout(() => player.balance(), 200);
  });
  on("equal source", () => player.balance());
  on("equal", () => page.say(S.equal ? "At equal loudness" : "As it is"));
  on("source", () => page.say(`Listening to ${player.sources[S.source]?.label ?? S.source}`));
  $("play").addEventListener("click", () => player.toggle());
  $("equal").addEventListener("change", (event) => set({ equal: event.target.checked }));
  $("loop").addEventListener("change", (event) => {
    set({ loop: event.target.checked });
    player.again();
  });
  $("zin").addEventListener("click", () => page.zoom(2, S.t >= S.v0 && S.t <= S.v1 ? S.t : undefined));
  $("zout").addEventListener("click", () => page.zoom(0.5));
  $("zfit").addEventListener("click", () => page.view(0, S.dur));
  $("help").addEventListener("click", () => openHelp(page));
  $("more").addEventListener("click", () => {
    const open = $("deck").classList.toggle("open");
    $("more").setAttribute("aria-expanded", String(open));
  });
  drawButton();
  drawRest();
  drawSources();
}
