// What a picture holds, in words for those who do not see it: its extent, where it is strongest, where its energy lies.

import { hz, sec, sig, span } from "./numbers.js";
import { spectrum } from "./signal.js";

const ZERO = "zero throughout";

// The band that leaves a quarter of the energy below it and a quarter above, in Hz.
function middleHalf(power, df) {
  const whole = power.reduce((sum, v) => sum + v, 0);
  const reaches = (share) => {
    let sum = 0;
    return Math.max(0, power.findIndex((v) => (sum += v) >= share * whole * (1 - 1e-6)));
  };
  return [Math.max(0, reaches(0.25) - 0.5) * df, Math.min(power.length - 1, reaches(0.75) + 0.5) * df];
}

// Of a picture with a frequency axis.
export function pictureHolds(picture, duration) {
  const { F, T, q, kind, df, hop } = picture;
  const zero = kind === "signed" ? 128 : 0;
  let place = -1;
  for (let i = 0, top = 0; i < F * T; i++) {
    const size = Math.abs(q[i] - zero);
    if (size > top) [top, place] = [size, i];
  }
  const extent = `${sec(duration)}, ${span(0, df * (F - 1), "Hz")}`;
  if (place < 0) return `${extent}, ${ZERO}`;
  const strongest = `${extent}, strongest at ${sec((place % T) * hop)} and ${hz(Math.floor(place / T) * df)}`;
  if (kind !== "db") return strongest;
  return `${strongest}, the middle half of its energy from ${span(...middleHalf(spectrum(picture, 0, T * hop), df), "Hz")}`;
}

// Of values over time: of samples, of the outline of very many, or of a map at its own rate; `timeOf` gives s of a place.
function valuesHold(low, high, timeOf, duration) {
  let [least, most, place] = [Infinity, -Infinity, 0];
  for (let i = 0, top = 0; i < low.length; i++) {
    least = Math.min(least, low[i]);
    most = Math.max(most, high[i]);
    const size = Math.max(-low[i], high[i]);
    if (size > top) [top, place] = [size, i];
  }
  if (!(least < 0 || most > 0)) return `${sec(duration)}, ${ZERO}`;
  return `${sec(duration)}, from ${sig(least, 2)} to ${sig(most, 2)}, strongest at ${sec(timeOf(place))}`;
}

export function waveHolds({ x, rate, outline }, duration) {
  if (outline) return valuesHold(outline.low, outline.high, (i) => (i * outline.size) / rate, duration);
  return valuesHold(x, x, (i) => i / rate, duration);
}

export const stepsHold = ({ v, hop, centre, rate }, duration) => valuesHold(v, v, (i) => ((centre ?? 0) + i * (hop ?? 1)) / rate, duration);

// Of a row of a stack, by its kind; null of one that draws itself. Each is looked for once.
export function rowHolds(page, kind, shown) {
  const duration = page.S.dur;
  if (kind === "pic") return shown.pic ? page.keep(shown.pic, "holds", () => pictureHolds(shown.pic, duration)) : null;
  if (kind === "wave") return shown.x && page.keep(shown.x, "holds", () => waveHolds(shown, duration));
  return kind === "step" ? page.keep(shown.v, "holds", () => stepsHold(shown, duration)) : null;
}
