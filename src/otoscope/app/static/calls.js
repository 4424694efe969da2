// Calls as text: in Python, and on the command line.

const CONTROL_CHARACTER = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;
const PLAIN_WORD = /^[\p{L}\p{N}_@%+=:,.\/-]+$/u;
const SIDE_OPTIONS = ["weights", "output"]; // of a comparison: what either model has for itself

// A value as Python writes it.
export function asPython(value) {
  if (value === null || value === undefined) return "None";
  if (value === true) return "True";
  if (value === false) return "False";
  if (Array.isArray(value)) return `[${value.map(asPython).join(", ")}]`;
  if (typeof value === "object") {
    return `{${Object.entries(value).map(([key, one]) => `${asPython(key)}: ${asPython(one)}`).join(", ")}}`;
  }
  if (typeof value === "number") return String(value);
  const escaped = (c) => "\\u" + c.charCodeAt(0).toString(16).padStart(4, "0");
  return JSON.stringify(value).replace(/[\u007f-\u009f\u2028\u2029]/g, escaped);
}

// A word as a POSIX shell takes it: whatever it holds, it stays one word and nothing in it is run. Control characters
// are written as escapes, since a terminal that they are pasted into would act on them before the shell reads them.
export function asShell(value) {
  const text = String(value);
  if (PLAIN_WORD.test(text)) return text;
  if (!CONTROL_CHARACTER.test(text)) return `'${text.replaceAll("'", "'\\''")}'`;
  const octal = (c) => [...new TextEncoder().encode(c)].map((b) => "\\" + b.toString(8).padStart(3, "0")).join("");
  const escaped = (c) => (c === "'" || c === "\\" ? "\\" + c : c);
  return `$'${[...text].map((c) => (CONTROL_CHARACTER.test(c) ? octal(c) : escaped(c))).join("")}'`;
}

// What was called, in Python. `opened` says how model and sound were given: {model, options, sound, part, rate}, of a
// comparison {models: [{model, options}, …], sound, part}; a call is {method, takes, arguments, unknown}.
export function pythonText(opened, ...calls) {
  const lines = ["import otoscope", ""];
  const unknown = [...new Set(calls.flatMap((call) => call.unknown ?? []))];
  if (opened.sound == null && calls.some(hearsSound)) {
    lines.push(`wave = ...  # the sound: an array (time,)${opened.rate ? ` at ${opened.rate} Hz` : ""}`);
  }
  for (const name of unknown) lines.push(`${name} = ...  # the function that was given`);
  const models = opened.models ?? [opened];
  const names = models.map((_, i) => (opened.models ? `scope_${"abcdefgh"[i]}` : "scope"));
  models.forEach((one, i) => lines.push(pythonScope(one, names[i])));
  for (const call of calls) {
    const given = hearsSound(call) ? [pythonSound(opened)] : [];
    given.push(...pythonKeywords(call.arguments), ...(call.unknown ?? []).map((name) => `${name}=${name}`));
    const called = opened.models
      ? `otoscope.compare(${[`[${names.join(", ")}]`, ...given].join(", ")})`
      : `scope.${call.method}(${given.join(", ")})`;
    lines.push(`${call.method} = ${called}`);
    if (call.method !== "taps") lines.push(`${call.method}.otoscope.plot()`);
  }
  return lines.join("\n") + "\n";
}

const hearsSound = (call) => call.takes !== "model";

const pythonKeywords = (given) => Object.entries(given ?? {}).map(([key, value]) => `${key}=${asPython(value)}`);

function pythonScope(opened, name) {
  const { weights, ...more } = opened.options ?? {};
  if (opened.model == null) {
    const given = ["model", ...pythonKeywords(more)].join(", ");
    return `${name} = otoscope.Scope(${given})  # your model, a torch.nn.Module`;
  }
  const given = asPython(opened.model);
  const model = weights == null ? given : `otoscope.load(${given}, weights=${asPython(weights)})`;
  return `${name} = otoscope.Scope(${[model, ...pythonKeywords(more)].join(", ")})`;
}

function pythonSound(opened) {
  if (opened.sound == null) return "wave";
  const part = pythonKeywords(opened.part);
  return part.length ? `otoscope.Excerpt(${[asPython(opened.sound), ...part].join(", ")})` : asPython(opened.sound);
}

// The same on the command line, which writes the pictures into a folder.
export function commandText(opened, ...calls) {
  const said = [];
  const models = opened.models ?? [opened];
  if (models.some(({ model }) => model == null)) {
    said.push("# MODEL: a name, a folder with config.json, package.module:factory or file.py:Class");
  }
  if (opened.sound == null && calls.some(hearsSound)) said.push("# SOUND.wav: the sound, in a file");
  for (const name of new Set(calls.flatMap((call) => call.unknown ?? []))) {
    said.push(`# file.py:function: the function that was given as ${name}`);
  }
  return [...said, ...calls.map((call) => commandLine(opened, models, call))].join("\n") + "\n";
}

function commandLine(opened, models, call) {
  const words = ["otoscope", call.method.replaceAll("_", "-")];
  words.push(...models.map(({ model }) => (model == null ? "MODEL" : shellFile(model))));
  if (hearsSound(call)) {
    words.push(opened.sound == null ? "SOUND.wav" : shellFile(opened.sound), ...shellOptions(opened.part));
  }
  if (opened.models) {
    models.forEach((one, i) => words.push(...shellOptions(sideOptions(one.options, true), `-${"ab"[i]}`)));
  }
  words.push(...shellOptions(opened.models ? sideOptions(models[0].options, false) : opened.options));
  words.push(...shellOptions(opened.models ? comparedOptions(call.arguments) : call.arguments));
  words.push(...(call.unknown ?? []).map((name) => `--${name}=file.py:function`));
  if (call.method !== "taps") words.push("--out=seen");
  return words.join(" ");
}

// Of a comparison: what each model was given is an option of either side, and marks are named frequencies.
function comparedOptions({ marks, ...given }) {
  const sided = Object.entries(given).flatMap(([key, value]) => {
    const own = Array.isArray(value) && ["layer", "target"].includes(key);
    return own ? value.map((one, i) => [`${key}_${"ab"[i]}`, one]) : [[key, value]];
  });
  const mark = Object.entries(marks ?? {}).map(([name, frequency]) => `${name}=${frequency}`);
  return Object.fromEntries([...sided, ...(mark.length ? [["mark", mark]] : [])]);
}

const shellFile = (name) => asShell(name.startsWith("-") ? "./" + name : name); // a file, never an option

function sideOptions(options, own) {
  return Object.fromEntries(Object.entries(options ?? {}).filter(([key]) => SIDE_OPTIONS.includes(key) === own));
}

// Options: one given several times for several values, a truth value as --name or --no-name; what a command line cannot
// take is left out.
function shellOptions(given, side = "") {
  return Object.entries(given ?? {}).flatMap(([key, value]) => {
    const name = key.replaceAll("_", "-") + side;
    const values = [value].flat();
    if (values.some((v) => v === null || typeof v === "object")) return [];
    return values.map((v) => (v === true ? `--${name}` : v === false ? `--no-${name}` : `--${name}=${v}`));
  }).map(asShell);
}
