// Small pictures of what drives a map, and below each what the map makes of it.

import { clamp } from "./numbers.js";

const DEPTH = 36; // dB of a thumbnail: more than that is a blur at this size

// Where a map is in the parts of a run: `layer` is its number, `within` its place in the layer.
export function placeIn(info, layer, within) {
  const part = (kind, size) => `${info.id}-${kind}-${layer}-${Math.floor(within / size)}`;
  const { channels } = info.layers[layer];
  return {
    info, channel: channels ? channels[within] : within, offset: within % info.maps_a_part, numbers: part("m", info.maps_a_part),
    pictures: info.sounds && part("t", info.sounds.pictures_a_part), sounds: info.sounds && part("s", info.sounds.maps_a_part),
  };
}

// The stored sounds of a map as [rank, clip, start, peak], or null while its part is not in memory.
export function piecesAt(run, place) {
  const box = run.boxes.ready(place.numbers);
  return box ? box.head.sounds?.[place.offset] ?? [] : null;
}

const pictureOfClip = (run, info, clip) => {
  const { sounds } = info;
  const order = run.page.keep(sounds, "order", () => new Map(sounds.clips.map((one, k) => [one, k])));
  return `${info.id}-i-${Math.floor((order.get(clip) ?? 0) / sounds.clips_a_part)}`;
};

// The parts with the pictures of the clips of a map.
export const clipPictures = (run, place) => (place.info.sounds ? (piecesAt(run, place) ?? []).map(([, clip]) => pictureOfClip(run, place.info, clip)) : []);

function paintThumb(picture, lut, canvas) {
  const { F, T, q, floor } = picture;
  if (canvas.width !== T) canvas.width = T;
  if (canvas.height !== F) canvas.height = F;
  const c = canvas.getContext("2d");
  const image = c.createImageData(T, F);
  const out = new Uint32Array(image.data.buffer);
  const cut = 255 * (1 - DEPTH / floor);
  const gain = (lut.length - 1) / (255 - cut);
  for (let f = 0; f < F; f++) for (let t = 0; t < T; t++) out[(F - 1 - f) * T + t] = lut[clamp((q[f * T + t] - cut) * gain, 0, lut.length - 1) | 0];
  c.putImageData(image, 0, 0);
}

// Draws them side by side, as far as they are in memory; true where all are.
export function drawThumbs(run, place, c, w, hgt, slots) {
  const pieces = piecesAt(run, place);
  const own = run.boxes.ready(place.pictures);
  if (!pieces || !own) return false;
  const { page } = run;
  const scratch = page.keep(run, "scratch", () => document.createElement("canvas"));
  const { shape } = own.head;
  const slot = w / slots;
  const half = (hgt - 3) / 2;
  let whole = true;
  pieces.slice(0, slots).forEach(([, clip, start], k) => {
    const input = run.boxes.ready(pictureOfClip(run, place.info, clip));
    whole &&= input != null;
    const above = input?.head.clips[clip]?.find(([from]) => from === start)?.[1];
    const below = own.head.maps[place.channel]?.[k];
    for (const [box, at, lut, y] of [[input, above, page.lut.sound, 0], [own, below, page.lut.warm, half + 3]]) {
      if (box && at != null) {
        paintThumb(box.picture({ at, shape, kind: "db", floor: 70 }, 2, 1), lut, scratch);
        c.drawImage(scratch, k * slot, y, slot - 4, half);
      }
      c.strokeStyle = page.css.rule;
      c.lineWidth = 1;
      c.strokeRect(k * slot + 0.5, y + 0.5, slot - 5, half - 1);
    }
  });
  return whole;
}
