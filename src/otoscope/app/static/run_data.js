// The parts of a run: each has its own index, is inflated when it is needed, and forgotten when others are.

import { inflate, readPicture, readSound } from "./data.js";

const IN_MEMORY = 32e6; // bytes of parts in memory
const UNDER_WAY = 4; // parts under way

const ARRAYS = { f4: Float32Array, i4: Int32Array, i2: Int16Array, u2: Uint16Array, u1: Uint8Array };

// A part: {head, numbers(ref), sound(ref), picture(ref, rate, hop), size}.
export function openBox(bytes) {
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  const head = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)));
  const body = bytes.subarray(4 + length);
  const known = new Map();
  const numbers = (ref) => {
    if (!known.has(ref)) {
      const Kind = ARRAYS[ref.type];
      const end = ref.at + ref.n * Kind.BYTES_PER_ELEMENT;
      known.set(ref, new Kind(body.slice(ref.at, end).buffer));
    }
    return known.get(ref);
  };
  return {
    head, numbers, size: bytes.length,
    sound: (ref) => readSound(body, ref),
    picture: (ref, rate, hop) => readPicture(body, ref, rate, hop),
  };
}

// Parts by name: box(name) gives a promise, ready(name) what is in memory. The oldest are forgotten, but for those that
// are pinned.
export function createBoxes(source, most = IN_MEMORY) {
  const boxes = new Map(); // in the order of use
  const coming = new Map();
  const pinned = new Set();
  const waiting = [];
  let total = 0;
  let busy = 0;

  function forget() {
    for (const [name, box] of boxes) {
      if (total <= most) return;
      if (pinned.has(name)) continue;
      boxes.delete(name);
      total -= box.size;
    }
  }

  async function load(name) {
    const box = openBox(await inflate(await source.part(name)));
    boxes.set(name, box);
    total += box.size;
    forget();
    return box;
  }

  function next() {
    while (busy < UNDER_WAY && waiting.length) {
      const { name, done, failed } = waiting.pop(); // the latest first: it is what is in view now
      busy++;
      load(name).then(done, failed).finally(() => {
        busy--;
        coming.delete(name);
        next();
      });
    }
  }

  function ready(name) {
    const box = boxes.get(name);
    if (!box) return null;
    boxes.delete(name);
    boxes.set(name, box);
    return box;
  }

  function box(name, pin = false) {
    if (pin) pinned.add(name);
    const there = ready(name);
    if (there) return Promise.resolve(there);
    if (!coming.has(name)) {
      coming.set(name, new Promise((done, failed) => waiting.push({ name, done, failed })));
      next();
    }
    return coming.get(name);
  }

  // Parts that are still waiting and are not wanted any more.
  function drop(names) {
    for (let i = waiting.length - 1; i >= 0; i--) {
      if (!names.has(waiting[i].name) || pinned.has(waiting[i].name)) continue;
      const [{ name, failed }] = waiting.splice(i, 1);
      coming.delete(name);
      failed(new Error("no longer needed"));
    }
  }

  return { box, ready, drop, get total() { return total; }, get count() { return boxes.size; } };
}
