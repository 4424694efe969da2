// What was filled, cut or left out: of the sound before the model heard it, of the results, and of this page.

import { copyButton } from "./copy.js";
import { fill, h } from "./dom.js";
import { count, many, NB } from "./numbers.js";

const OF_THE_SOUND = ["resampled", "mixed", "changed", "filled", "cut", "repeated", "pieces"];
const OF_THE_MODEL = ["untrained", "varying"];
const ABSENT = ["left_out", "failed"];

const BEGINNING = /^(?:the|a|an|its?|no|given|[a-z]+ed)(?= )/; // words, and not the name of a model or a sound
const TO_ALL_MODELS = /^The recording: /; // before what the note of the sound has, too

const stopped = (text) => (/[.!?]$/.test(text) ? text : text + ".");

// With a capital and a full stop.
const sentence = (text) => stopped(text.replace(BEGINNING, (word) => word[0].toUpperCase() + word.slice(1)));

function notesOf(notes, kinds) {
  return (notes ?? []).filter(({ kind }) => kinds.includes(kind)).map(({ text }) => sentence(text));
}

const KNOWN = [...OF_THE_SOUND, ...OF_THE_MODEL, ...ABSENT];

// The note of a sound as sentences: what it was made by, what it is, or what is said of its channels.
function ownNotes({ name, note }) {
  const whole = (text) => (/^(?:its|the) /.test(text) ? text : `${name} ${/^\w+ed /.test(text) ? "was" : "is"} ${text}`);
  return note.split("; ").map((text) => sentence(whole(text)));
}

// What was done to the sound before the model heard it, each in a sentence.
export function heardNotes(run, sound) {
  const known = sound?.note ?? "";
  const isNew = ({ text }) => !known.includes(text.replace(TO_ALL_MODELS, "").replace(/\.$/, ""));
  const said = notesOf((run.notes ?? []).filter(isNew), OF_THE_SOUND);
  if (known) said.unshift(...ownNotes(sound));
  if (sound?.mixed) said.unshift(sentence(sound.mixed));
  return [...new Set(said)];
}

// Everything that is not as one might expect, in groups: [{title, items: [{what, text, calls}]}].
export function noteGroups(manifest, run, sound) {
  const notes = run.notes ?? [];
  const note = (text, what, call) => ({ what, text: what ? stopped(text) : sentence(text), calls: call ? [call] : [] });
  const those = (kinds) => notes.filter(({ kind }) => kinds.includes(kind)).map(({ what, text }) => note(text, what));
  const maps = Object.entries(run.maps ?? {}).filter(([, one]) => one.left_out);
  const missing = (run.missing ?? []).map(({ what, why }) => note(why, what));
  const steps = (run.aliasing_left_out ?? []).map(({ step, reason }) => note(reason, `aliasing at ${step}`));
  const known = new Set(missing.map(({ text }) => text));
  const absent = those(ABSENT).filter(({ text }) => !known.has(text));
  return [
    { title: "Done to the sound", items: heardNotes(run, sound).map((text) => note(text)) },
    { title: "Of the model", items: those(OF_THE_MODEL) },
    { title: "Also", items: notes.filter(({ kind }) => !KNOWN.includes(kind)).map(({ what, text }) => note(text, what)) },
    {
      title: "Left out of this page",
      items: [
        ...(manifest.left_out ?? []).map(({ what, why, call }) => note(why, what, call)),
        ...maps.map(([layer, one]) => note(mapsLeftOut(one), layer, one.call && allMaps(one.call))),
      ],
    },
    { title: "Not made", items: [...missing, ...absent, ...steps] },
  ].filter(({ items }) => items.length);
}

const allMaps = (call) => ({ ...call, arguments: { ...call.arguments, channels: "all" } });

function mapsLeftOut({ left_out: left, of, items }) {
  return `${count(left)} of its ${many(of, "map")} ${left === 1 ? "is" : "are"} not in this page: ${items.length === 1 ? "the most active is" : `the ${count(items.length)} most active are`}`;
}

// The groups as a list; null where there is nothing to say.
export function notesList(page, run) {
  const groups = noteGroups(page.manifest, run, page.manifest.sounds[run.sound]);
  if (!groups.length) return null;
  const opened = run.opened;
  const item = ({ what, text, calls }) => h(
    "li", {}, what && h("b", {}, what), what && ": ", text,
    opened && calls?.length ? [" ", copyButton(page, what, () => [opened, ...calls])] : null,
  );
  return h("div", { class: "notes" }, ...groups.flatMap(({ title, items }) => [
    h("h3", {}, `${title}${items.length > 1 ? `,${NB}${items.length}` : ""}`),
    h("ul", {}, ...items.map(item)),
  ]));
}

// What has to be known before the pictures are read, below them: what was done to the sound, and untrained weights.
export function heardView(page) {
  const line = h("p", { class: "xs heard", hidden: true });
  page.$("main").after(line);
  page.on("run sound late", () => {
    const { run, sound } = page.S;
    const said = run ? [...notesOf(run.notes, OF_THE_MODEL), ...heardNotes(run, sound)] : [];
    line.hidden = !said.length;
    fill(line, said.join(" "));
  });
}
