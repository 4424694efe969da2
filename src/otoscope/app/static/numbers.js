// Numbers as text: a true minus, a unit that stays with its number, no more digits than are known.

export const NB = "\u00a0"; // stands between a number and its unit

export const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;
const MOST_WHOLE = 1e9; // from here on a number is written as a power of ten
const SHORT = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

function codeOf(c) {
  const code = c.charCodeAt(0).toString(16);
  return SHORT[c] ?? (code.length < 3 ? "\\x" + code.padStart(2, "0") : "\\u" + code.padStart(4, "0"));
}

// Text from outside, with what breaks a line, is not seen or turns the direction of writing as its code, as on the
// command line: a name cannot reverse the sentence around it. Characters of `kept` stay as they are.
export const visible = (text, kept = "") => String(text).replace(UNSEEN, (c) => (kept.includes(c) ? c : codeOf(c)));

export const minus = (text) => String(text).replace("-", "\u2212");

// A value of a manifest as a number: null is none, never zero, and infinity stands there as "Infinity" or "-Infinity".
export const numberFrom = (value) => (value === null || value === undefined ? NaN : Number(value));

// What stands for a number without digits; null for every other.
function wordFor(value) {
  if (Number.isNaN(value)) return "not a number";
  return Number.isFinite(value) ? null : minus(value < 0 ? "-\u221e" : "\u221e");
}

// With so many digits after the point; what rounds to zero has no sign. Where so many would not fit, as a power of ten.
export function fx(given, digits) {
  const value = numberFrom(given);
  if (!(Math.abs(value) < MOST_WHOLE)) return sig(value);
  return minus((Math.abs(value) < 0.5 * 10 ** -digits ? 0 : value).toFixed(digits));
}

const RAISED = "\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079";

const raised = (n) => [...String(n)].map((c) => (c === "-" ? "\u207b" : RAISED[c])).join("");

// With so many significant digits; very large and very small numbers as a power of ten.
export function sig(given, digits = 3) {
  const value = numberFrom(given);
  if (value === 0) return "0";
  const word = wordFor(value);
  if (word !== null) return word;
  const power = Math.floor(Math.log10(Math.abs(value)) + 1e-12);
  if (power >= 6 || power < -5) {
    const [mantissa, exponent] = value.toExponential(digits - 1).split("e");
    return `${minus(mantissa)}${NB}\u00d7${NB}10${raised(Number(exponent))}`;
  }
  const after = clamp(digits - 1 - Math.floor(Math.log10(Math.abs(value))), 0, 6);
  return minus(grouped(value.toFixed(after)));
}

// 12,345.6 from 12345.6; the browser's own way takes 12 ms when it is first used.
function grouped(text) {
  const [whole, rest] = text.split(".");
  const marked = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  return rest ? `${marked}.${rest}` : marked;
}

export const count = (n) => (Math.abs(numberFrom(n)) < MOST_WHOLE * 1e6 ? grouped(String(n)) : sig(n));

// A score of any size: one digit after the point, but two that count of a small one, and powers of ten of a large one.
export function scoreText(given) {
  const size = Math.abs(numberFrom(given));
  if (size < 0.95) return sig(given, 2);
  return size < 1e5 ? fx(given, 1) : sig(given);
}

// So many of something: 1 map, 12,000 maps.
export const many = (n, one, more = one + "s") => `${count(n)} ${n === 1 ? one : more}`;

export const sec = (t) => fx(t, 3) + NB + "s";

export function hz(f) {
  if (f == null || !Number.isFinite(f)) return "no frequency";
  if (f >= 20000) return sig(f / 1000) + NB + "kHz";
  return (f >= 100 ? count(Math.round(f)) : sig(f)) + NB + "Hz";
}

// A duration in ms, or in s from one second on.
export const ms = (seconds) => (seconds >= 1 ? sig(seconds) + NB + "s" : sig(numberFrom(seconds) * 1000) + NB + "ms");

// A correlation: two digits, three near one, and never 1.00 where it is not one; more where it would seem to be on the
// other side of a limit.
export function corr(r, limit) {
  if (r == null || !Number.isFinite(r)) return "none";
  if (Math.abs(r) >= 0.9995) return r < 0 ? "< \u22120.999" : "> 0.999";
  let digits = Math.abs(r) >= 0.985 ? 3 : 2;
  if (limit != null) while (digits < 8 && Number(r.toFixed(digits)) >= limit !== r >= limit) digits++;
  return fx(r, digits);
}

export const eqr = (r) => (Math.abs(r) >= 0.9995 ? "r " + corr(r) : "r = " + corr(r)).replaceAll(" ", NB);

export function prob(given) {
  const p = numberFrom(given);
  if (Number.isNaN(p)) return "p unknown";
  if (p > 0.999) return "p > 0.999";
  return p < 0.001 ? "p < 0.001" : "p = " + p.toFixed(3);
}

// An interval of time or a band of frequency, as on the command line.
export function span(a, b, unit) {
  const digits = b - a >= 10 ? 1 : 3;
  if (unit === "s") return `${fx(a, digits)} to ${fx(b, digits)}${NB}s`;
  return [a, b].map((f) => count(Math.round(numberFrom(f)))).join(" to ") + NB + "Hz";
}
