// Samples as the bytes of a sound file.

// A WAV file of one channel in 32-bit floating point: what was recorded, with nothing rounded.
export function encodeWav(samples, rate) {
  const bytes = samples.length * 4;
  const file = new DataView(new ArrayBuffer(58 + bytes));
  let at = 0;
  const text = (word) => { for (const letter of word) file.setUint8(at++, letter.charCodeAt(0)); };
  const long = (value) => { file.setUint32(at, value, true); at += 4; };
  const short = (value) => { file.setUint16(at, value, true); at += 2; };
  text("RIFF"); long(50 + bytes); text("WAVE");
  text("fmt "); long(18); short(3); short(1); long(rate); long(rate * 4); short(4); short(32); short(0);
  text("fact"); long(4); long(samples.length);
  text("data"); long(bytes);
  for (let i = 0; i < samples.length; i++) file.setFloat32(at + 4 * i, samples[i], true);
  return file.buffer;
}

// Pieces of samples behind one another.
export function joined(pieces) {
  const all = new Float32Array(pieces.reduce((n, piece) => n + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}
