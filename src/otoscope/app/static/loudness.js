// Loudness as in ITU-R BS.1770: K-weighting, then the mean square of the blocks no more than 10 dB below their mean.
// Blocks are 100 ms long and overlap by three quarters, since the sounds here can be shorter than the standard's 400 ms.

function secondOrder(x, b0, b1, b2, a1, a2) {
  const y = new Float32Array(x.length);
  let p = 0;
  let q = 0;
  for (let i = 0; i < x.length; i++) {
    const out = b0 * x[i] + p;
    p = b1 * x[i] - a1 * out + q;
    q = b2 * x[i] - a2 * out;
    y[i] = out;
  }
  return y;
}

// The two filters of the standard at any rate: a shelf for the head, a high-pass at 38 Hz.
export function kWeighted(x, rate) {
  const head = Math.tan((Math.PI * 1681.974450955533) / rate);
  const Q = 0.7071752369554196;
  const high = 10 ** (3.999843853973347 / 20);
  const band = high ** 0.4996667741545416;
  const d = 1 + head / Q + head * head;
  const y = secondOrder(
    x,
    (high + (band * head) / Q + head * head) / d, (2 * (head * head - high)) / d, (high - (band * head) / Q + head * head) / d,
    (2 * (head * head - 1)) / d, (1 - head / Q + head * head) / d,
  );
  const low = Math.tan((Math.PI * 38.13547087602444) / rate);
  const P = 0.5003270373238773;
  const e = 1 + low / P + low * low;
  return secondOrder(y, 1, -2, 1, (2 * (low * low - 1)) / e, (1 - low / P + low * low) / e);
}

// Root mean square of what is heard of a sound.
export function loudness(x, rate) {
  const y = kWeighted(x, rate);
  const n = Math.max(4, Math.round(0.1 * rate));
  const blocks = [];
  for (let i = 0; i + n <= Math.max(y.length, n); i += n >> 2) {
    let sum = 0;
    for (let j = i; j < Math.min(i + n, y.length); j++) sum += y[j] * y[j];
    blocks.push(sum / n);
  }
  const mean = (values) => values.reduce((sum, v) => sum + v, 0) / Math.max(1, values.length);
  const gate = mean(blocks) / 10;
  return Math.sqrt(mean(blocks.filter((b) => b >= gate)));
}
