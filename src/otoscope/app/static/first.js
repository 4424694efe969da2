// The first layer: its kernels, and what they pass on of this sound. All pictures share one frequency axis.

import { sideCurve } from "./answer.js";
import { copyButton } from "./copy.js";
import { fill, h } from "./dom.js";
import { kernelsView } from "./kernels.js";
import { NB, count, hz, many, ms, sec } from "./numbers.js";
import { planeView } from "./plane.js";
import { inDb, largest, valueAt } from "./signal.js";
import { Stack } from "./stack.js";

const RANGE_OF_RESPONSES = 30; // dB

// What the kernels are and pass on, in a sentence or two: texts, and what is set in bold as [text].
export function firstWords(first) {
  const centres = first.order.map((i) => first.centre[i]).filter((v) => v != null);
  const widths = [...new Set(first.width ?? [first.lags])].sort((a, b) => a - b);
  const [shortest, longest] = [widths[0], widths.at(-1)].map((width) => ms(width / first.rate));
  const words = [`${many(first.of ?? first.n, "kernel")} of ${widths.length === 1 ? longest : `${shortest} to ${longest}`}`];
  if (centres.length > 1) {
    const half = hz(centres[centres.length >> 1]);
    words.push(`, centred from ${hz(centres[0])} to ${hz(centres.at(-1))}, half of them below ${half}`);
  }
  words.push(".");
  if (first.of) words.push(` ${count(first.n)} of them are shown, spread evenly over their frequencies.`);
  if (first.reads) words.push(` They read ${first.reads}, not the waveform.`);
  if (first.crs?.length > 3) {
    const top = 2 + first.crs.slice(2).indexOf(largest(first.crs.slice(2))); // past what is constant, which makes no sound
    words.push(" Of this sound they pass on most at ", [hz((top * first.rate) / 2 / (first.crs.length - 1))], ".");
  }
  return words;
}

export function firstView(page) {
  const { $, S, on, set } = page;
  S.kernel ??= 0;
  kernelsView(page);
  planeView(page);

  const responses = () => {
    const { first, sound } = S;
    if (!first?.pic) return null;
    const levels = (values) => inDb(Float32Array.from(values, (v) => v * v));
    return {
      pic: first.pic, lut: page.lut.warm, range: RANGE_OF_RESPONSES, label: "Short-time response spectra of the sound",
      curves: [
        sound?.pic && sideCurve(page, sound.pic, page.css.mid),
        first.crs && {
          v: levels(first.crs), df: first.rate / 2 / Math.max(1, first.crs.length - 1), colour: page.css.warm, width: 1.6,
        },
      ].filter(Boolean),
    };
  };
  const stack = new Stack(page, $("strs"), {
    label: "Position in the sound, response of the first layer", read: $("strsread"), overview: false,
    rows: [{ kind: "pic", h: "var(--fh)", get: responses }],
    fmax: () => (S.first?.rate ?? 0) / 2,
    probe: (t, f) => {
      if (t == null || !S.first?.pic) return "";
      return f == null ? sec(t) : `${sec(t)}   ${hz(f)}   response ${valueAt(S.first.pic, f, t)}`;
    },
  });

  function say() {
    const { first } = S;
    const bold = (one) => (Array.isArray(one) ? h("b", {}, one[0]) : one);
    fill($("firstsay"), ...firstWords(first).map(bold));
    const kind = first.strs_mean_kind === "pitch period" ? "a pitch period" : "a window";
    const mean = first.strs_mean ? `; mean over ${kind} of ${ms(first.strs_mean)}` : "";
    fill($("strsnote"), `short-time (STRS), ${RANGE_OF_RESPONSES}${NB}dB${mean}; beside it its mean (CRS) and the sound`);
  }

  // The line at the frequency that another picture is hovered at.
  on("hover", () => {
    const f = S.hover?.f;
    const shown = f != null && S.first && f <= S.first.rate / 2;
    $("f-hor").style.opacity = shown ? 0.9 : 0;
    if (!shown) return;
    const axis = $("f-ax");
    $("f-hor").style.top = axis.parentElement.offsetTop + (1 - page.up(f, S.first.rate / 2)) * axis.clientHeight + "px";
  });
  on("first", () => {
    const { first } = S;
    $("first").hidden = !first;
    if (!first) return;
    $("strsbox").hidden = !first.pic;
    say();
    stack.touch();
  });
  on("late", async () => {
    const id = S.late;
    if (!id) return;
    const first = await page.data.first(id).catch(page.failed("The first layer"));
    if (S.late !== id) return;
    if (first) S.kernel = (first.mag.F - 1) >> 1;
    else $("first").hidden = true;
    set({ first });
  });
  for (const [where, what, keys] of [
    ["f-kcopy", "the kernels", ["filters"]], ["f-wcopy", "the Wigner-Ville distribution", ["wigner"]],
    ["strscopy", "the response spectra", ["strs", "crs"]],
  ]) {
    const calls = () => keys.map((key) => S.run?.calls?.[key]).filter(Boolean);
    $(where).append(copyButton(page, what, () => [S.run?.opened, ...calls()]));
  }
}
