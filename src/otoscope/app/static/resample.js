// Band-limited interpolation to the rate of the device. Browsers interpolate linearly between the samples of a buffer of
// another rate, and speech at 8 kHz then has images above 4 kHz, 9 dB down for a tone at 3 kHz; here they are 80 dB down.

const HALF = 24; // samples to either side
const BETA = 8.5; // of the window: what passes beside it is some 85 dB down

const divisor = (a, b) => (b ? divisor(b, a % b) : a);

// The modified Bessel function of the first kind and order 0.
function bessel(x) {
  let sum = 1;
  let term = 1;
  for (let k = 1; term > 1e-12 * sum; k++) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

// A sinc under a Kaiser window at so many places between two samples: 2 HALF weights each. Going down, it is wider by the same
// factor, so that nothing is folded.
function kernels(phases, shrink) {
  const half = Math.ceil(HALF / shrink);
  const table = new Float32Array(phases * 2 * half);
  for (let phase = 0; phase < phases; phase++) {
    for (let k = 0; k < 2 * half; k++) {
      const d = (phase / phases - (k - half + 1)) * shrink;
      const window = Math.abs(d) < HALF ? bessel(BETA * Math.sqrt(1 - (d / HALF) ** 2)) / bessel(BETA) : 0;
      table[phase * 2 * half + k] = shrink * window * (Math.abs(d) < 1e-9 ? 1 : Math.sin(Math.PI * d) / (Math.PI * d));
    }
  }
  return { half, table };
}

// x from one rate to another (whole numbers of Hz), followed by `tail` seconds of silence.
export function resample(x, from, to, tail = 0) {
  const n = Math.round((x.length * to) / from);
  const y = new Float32Array(n + Math.round(tail * to));
  if (from === to) {
    y.set(x);
    return y;
  }
  const common = divisor(Math.round(from), Math.round(to));
  const phases = Math.round(to) / common;
  const step = Math.round(from) / common;
  const { half, table } = kernels(phases, Math.min(1, to / from));
  const width = 2 * half;
  for (let i = 0, whole = 0, phase = 0; i < n; i++) {
    const first = whole - half + 1;
    let sum = 0;
    const low = Math.max(0, -first);
    const high = Math.min(width, x.length - first);
    for (let k = low, o = phase * width + low; k < high; k++, o++) sum += x[first + k] * table[o];
    y[i] = sum;
    phase += step;
    while (phase >= phases) {
      phase -= phases;
      whole++;
    }
  }
  return y;
}
