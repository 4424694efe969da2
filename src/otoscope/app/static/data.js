// The data of a page: a manifest, and parts that are inflated when they are needed. A part holds arrays behind one
// another; the manifest says where each begins.

// The bytes of base64.
export function fromBase64(text) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  return Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
}

// The bytes that were packed with zlib.
export async function inflate(packed) {
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// Samples: differences of int16, low bytes then high bytes, scaled to the peak.
export function readSound(bytes, { at, n, peak, bits }) {
  const x = new Float32Array(n);
  if (!peak) return x;
  const scale = peak / ((1 << (bits - 1)) - 1);
  for (let i = 0, v = 0; i < n; i++) {
    v = ((v + ((bytes[at + n + i] << 8) | bytes[at + i])) << 16) >> 16;
    x[i] = v * scale;
  }
  return x;
}

// A picture: differences of uint8 along time.
export function readPicture(bytes, { at, shape, kind, floor }, rate, hop) {
  const [F, T] = shape;
  const q = new Uint8Array(F * T);
  for (let f = 0, i = 0; f < F; f++) {
    for (let t = 0, v = 0; t < T; t++, i++) q[i] = v = (v + bytes[at + i]) & 255;
  }
  return { F, T, q, kind, floor, df: rate / 2 / Math.max(1, F - 1), hop };
}

// The lowest and highest sample of each `step`, of sounds too long to be drawn from their samples.
export function readEnvelope(bytes, { at, shape, peak, step }) {
  const n = shape[1];
  const read = (from) => Float32Array.from({ length: n }, (_, i) => (((bytes[from + i] << 24) >> 24) / 127) * peak);
  return { size: step, low: read(at), high: read(at + n), peak };
}

// Keeps what a function gave for a key; a promise that failed is asked again.
function kept(f) {
  const known = new Map();
  const read = (key) => {
    if (!known.has(key)) {
      const value = f(key);
      known.set(key, value);
      value.catch(() => known.delete(key));
    }
    return known.get(key);
  };
  read.clear = () => known.clear();
  read.forget = (key) => known.delete(key);
  return read;
}

// The picture and the samples of an entry. A picture in dB remembers what it was made of, so that it can be made finer.
function readHeard(bytes, entry, rate, window) {
  const x = readSound(bytes, entry.signal);
  const outline = entry.envelope ? readEnvelope(bytes, entry.envelope) : null;
  const picture = entry.picture ? readPicture(bytes, entry.picture, rate, entry.hop) : null;
  if (picture?.kind === "db" && entry.picture.ref && x.length) picture.of = { x, rate, window, ref: entry.picture.ref };
  return { x, outline, rate, pic: picture };
}

// Sounds, relevances and first layers of a source, each read once.
export function createData(source) {
  const manifest = source.manifest;
  const runs = new Map((manifest.runs ?? []).map((run) => [run.id, run]));
  const part = kept(async (name) => inflate(await source.part(name)));
  const sound = kept(async (id) => {
    const entry = manifest.sounds[id];
    return { ...entry, ...readHeard(await part(entry.part), entry, entry.rate, manifest.window) };
  });
  const relevanceOf = kept(async (key) => {
    const [id, rule, target] = JSON.parse(key);
    const run = runs.get(id);
    const entry = run.relevance.find((e) => e.rule === rule && e.target === target);
    if (!entry) return null;
    return { ...entry, run: id, ...readHeard(await part(entry.part ?? run.part), entry, run.rate, manifest.window) };
  });
  const first = kept(async (id) => {
    const { first: entry } = runs.get(id);
    if (!entry) return null;
    const bytes = await part(entry.part);
    return {
      ...entry,
      w: readSound(bytes, entry.weight),
      mag: readPicture(bytes, entry.magnitude, entry.rate, 1),
      energy: entry.wigner ? readPicture(bytes, entry.wigner.energy, entry.rate, 1) : null,
      pic: entry.strs ? readPicture(bytes, entry.strs, entry.rate, entry.strs_hop) : null,
    };
  });
  const relevance = (id, rule, target) => relevanceOf(JSON.stringify([id, rule, target]));

  // The manifest has grown: what is new in it is known, and what it was without is looked for again.
  function grown() {
    for (const run of manifest.runs) runs.set(run.id, run);
    relevanceOf.clear();
    first.clear();
  }
  return { manifest, runs, part, sound, relevance, first, grown, forget: part.forget };
}
