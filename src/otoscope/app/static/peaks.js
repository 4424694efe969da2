// Pyramids: a long sound is drawn from the extremes of its blocks and a long picture from the peaks of its frames, so
// that a screen costs what the screen holds and not what the sound holds.

const BLOCK = 32; // samples in a block of the first level; four times as many at each further one

// Lowest and highest sample of blocks, at growing sizes: [{size, low, high}, …], none for what is short.
export function wavePeaks(x) {
  const levels = [];
  let size = BLOCK;
  let below = null;
  while (x.length / size >= 512) {
    const n = Math.ceil(x.length / size);
    const low = new Float32Array(n);
    const high = new Float32Array(n);
    const [lows, highs, step] = below ? [below.low, below.high, 4] : [x, x, BLOCK];
    for (let i = 0; i < n; i++) {
      let a = Infinity;
      let b = -Infinity;
      for (let j = i * step; j < Math.min(lows.length, (i + 1) * step); j++) {
        if (lows[j] < a) a = lows[j];
        if (highs[j] > b) b = highs[j];
      }
      low[i] = a;
      high[i] = b;
    }
    below = { size, low, high };
    levels.push(below);
    size *= 4;
  }
  return levels;
}

// A picture at half, a quarter … of its frames: the value farthest from none of each two. The first level is itself.
export function pictureLevels(picture) {
  const levels = [picture];
  while (levels.at(-1).T > 1024) {
    const below = levels.at(-1);
    const { F, q, kind } = below;
    const T = below.T >> 1;
    const out = new Uint8Array(F * T);
    for (let f = 0; f < F; f++) {
      for (let t = 0, i = f * below.T, o = f * T; t < T; t++, i += 2, o++) {
        const a = q[i];
        const b = q[i + 1];
        out[o] = (kind === "signed" ? Math.abs(a - 128) >= Math.abs(b - 128) : a >= b) ? a : b;
      }
    }
    levels.push({ ...below, T, q: out, hop: below.hop * 2, at: (below.at ?? 0) + below.hop / 2 });
  }
  return levels;
}
