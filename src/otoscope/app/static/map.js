// One map large: at its own rate, as sound, and beside it the sound itself.

import { sideCurve } from "./answer.js";
import { copyButton } from "./copy.js";
import { attribute, fill, h } from "./dom.js";
import { clipped, shortName } from "./layers.js";
import { eqr, hz, minus, ms, sec, sig } from "./numbers.js";
import { RANGE } from "./paint.js";
import { stft, valueAt } from "./signal.js";
import { Stack } from "./stack.js";

// How much of a map's sonification is the sound itself, against random weights: that what is heard was not learnt
// follows where much or part of it is, and random weights give as much.
export function likeness({ r_sound: own, r_twin_sound: random, twin_silent: isSilent }) {
  if (own == null) return "";
  const much = own >= 0.7 ? "Much" : own >= 0.4 ? "Part" : "Little";
  const begin = `${much} of this is the sound itself (${eqr(own)})`;
  if (random == null) return begin + (isSilent ? "; with random weights this map is silent." : ".");
  const apart = Math.abs(random - own) > 0.1;
  if (apart && random < own) return `${begin}; with random weights there is less of it (${eqr(random)}).`;
  if (much === "Little") return `${begin}; with random weights there is ${apart ? "more" : "as much"} of it (${eqr(random)}).`;
  return `${begin}; random weights give ${apart ? "more" : "as much"} (${eqr(random)}), so do not take it for something learnt.`;
}

// The call that makes the sound of one map.
export function mapCall({ call }, channel) {
  const { n_maps: most, channels, ...kept } = call.arguments; // what chose the maps
  return { ...call, arguments: { ...kept, channels: channel } };
}

export function mapView(page) {
  const { $, S, on } = page;
  let shown = null; // {pic, values, peak, hop, centre, field, channel}

  const steps = () => shown?.values.length && {
    v: shown.values, peak: shown.peak, hop: shown.hop, centre: shown.centre, rate: S.run.rate, field: shown.field,
    colour: page.css.warm, label: "The map itself at its own rate", legend: [page.lut.warm, minus(-RANGE), "0 dB"],
  };
  const picture = () => shown && {
    pic: shown.pic, lut: page.lut.warm, tag: "the map as sound", label: `Sonification of map ${shown.channel}`,
    curves: [
      S.sound.pic && sideCurve(page, S.sound.pic, page.css.mid), sideCurve(page, shown.pic, page.css.warm),
    ].filter(Boolean),
  };
  const sound = () => S.sound?.pic && {
    pic: S.sound.pic, lut: page.lut.sound, tag: "the sound", label: "Spectrogram of the sound",
    curves: [sideCurve(page, S.sound.pic, page.css.ink2)],
  };
  const stack = new Stack(page, $("map"), {
    label: "Position in the sound, map", read: $("mapread"), overview: false,
    rows: [
      { kind: "step", h: "46px", get: steps },
      { kind: "pic", h: "var(--m1)", get: picture },
      { kind: "pic", h: "var(--m2)", get: sound },
    ],
    probe: (t, f) => {
      if (t == null) return "";
      if (f == null || !shown) return sec(t);
      const under = S.sound.pic ? `   sound ${valueAt(S.sound.pic, f, t)}` : "";
      return `${sec(t)}   ${hz(f)}   map ${valueAt(shown.pic, f, t)}${under}`;
    },
  });

  function say(title, detail) {
    fill($("mapsay"));
    $("mapfacts").replaceChildren();
    stack.message([h("b", {}, title), h("span", { class: "s" }, detail)]);
  }

  function valuesOf(map, bytes) {
    if (!map.map) return new Float32Array(0);
    const { at, n, peak } = map.map;
    return Float32Array.from({ length: n }, (_, i) => ((bytes[at + i] - 128) / 127) * (peak || 0));
  }

  function draw() {
    const { run } = S;
    if (!S.map) {
      shown = null;
      fill($("mapname"), "No map chosen");
      attribute($("mapname"), "title", null);
      say("Nothing to show here", "The maps of this layer were not made into sound. The command beside makes them.");
      page.hear("map", null);
      return;
    }
    const { map, maps, bytes, layer, source } = S.map;
    fill($("mapname"), `Map ${map.channel} of ${clipped(shortName(run, layer), 40)}`);
    attribute($("mapname"), "title", layer);
    const half = (maps.field ?? 0) / run.rate / 2;
    const peak = map.peak_time;
    shown = {
      channel: map.channel, hop: maps.hop, centre: maps.centre, peak: map.map?.peak ?? 0,
      values: page.keep(map, "values", () => valuesOf(map, bytes)),
      pic: page.keep(map, "picture", () => stft(source.x, run.rate, page.manifest.window, S.sound.hop)),
      field: half && map.sound.peak && peak != null && peak < S.dur ? [peak - half, peak + half] : null,
    };
    stack.touch();
    if (!map.sound.peak) {
      say("This map is silent", "It is zero throughout this sound, so there is nothing to hear.");
      return;
    }
    stack.message(null);
    const turn = maps.cropped ? " The model heard the clip repeated; this is its first turn." : "";
    fill($("mapsay"), likeness(map) + turn);
    const fact = (name, value) => h("div", {}, h("dt", {}, name), h("dd", {}, value));
    const tap = run.taps.find(({ name }) => name === layer);
    const when = peak != null && (peak < S.dur ? sec(peak) : "a later turn");
    $("mapfacts").replaceChildren(...[
      fact("activity (rms)", sig(map.activity)),
      when && fact("strongest at", when),
      fact("loudest at", hz(map.peak_frequency)),
      maps.hop && fact("a value every", ms(maps.hop / run.rate)),
      maps.field && fact("which sees", tap?.whole ? "all of it" : ms(maps.field / run.rate)),
    ].filter(Boolean));
  }

  const one = () => S.map?.maps.call && [S.run.opened, mapCall(S.map.maps, S.map.map.channel)];
  $("mapcopy").append(copyButton(page, "this map", one));
  on("map", () => {
    $("mapcopy").hidden = !S.map?.maps.call;
    draw();
  });
}
