// What is copied beside a picture: the call that makes it again, in Python and on the command line.

const CONTROL_CHARACTER = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;
const PLAIN_WORD = /^[\p{L}\p{N}_@%+=:,.\/-]+$/u;
const SIDE_OPTIONS = ["weights", "output"]; // of a comparison: what either model has for itself

// A value as Python writes it.
export function asPython(value) {
  if (value === null || value === undefined) return "None";
  if (value === true) return "True";
  if (value === false) return "False";
  if (Array.isArray(value)) return `[${value.map(asPython).join(", ")}]`;
  if (typeof value === "object") return `{${Object.entries(value).map(([k, v]) => `${asPython(k)}: ${asPython(v)}`).join(", ")}}`;
  if (typeof value === "number") return String(value);
  return JSON.stringify(value).replace(/[\u007f-\u009f\u2028\u2029]/g, c => "\\u" + c.charCodeAt(0).toString(16).padStart(4, "0"));
}

// A word as a POSIX shell takes it: whatever it holds, it stays one word and nothing in it is run. Control characters are
// written as escapes, since a terminal that they are pasted into would act on them before the shell reads them.
export function asShell(value) {
  const text = String(value);
  if (PLAIN_WORD.test(text)) return text;
  if (!CONTROL_CHARACTER.test(text)) return `'${text.replaceAll("'", "'\\''")}'`;
  const octal = c => [...new TextEncoder().encode(c)].map(b => "\\" + b.toString(8).padStart(3, "0")).join("");
  return `$'${[...text].map(c => CONTROL_CHARACTER.test(c) ? octal(c) : c === "'" || c === "\\" ? "\\" + c : c).join("")}'`;
}

// A call in Python. `opened` says how model and sound were given: {model, options, sound, part, rate}, of a comparison
// {models: [{model, options}, …], sound, part}; `call` is {method, takes, arguments, unknown}, `more` further arguments.
export function pythonText(opened, call, more = {}) {
  const lines = ["import otoscope", ""], hears = call.takes !== "model", unknown = call.unknown ?? [];
  if (hears && opened.sound == null) lines.push(`wave = ...  # the sound: an array (time,)${opened.rate ? ` at ${opened.rate} Hz` : ""}`);
  for (const name of unknown) lines.push(`${name} = ...  # the function that was given`);
  const names = (opened.models ?? [opened]).map((_, i) => opened.models ? `scope_${"abcdefgh"[i]}` : "scope");
  (opened.models ?? [opened]).forEach((one, i) => lines.push(...pythonScope(one, names[i])));
  const given = [...hears ? [pythonSound(opened)] : [], ...pythonKeywords({ ...call.arguments, ...more }), ...unknown.map(name => `${name}=${name}`)];
  lines.push(`result = ${opened.models ? `otoscope.compare(${[`[${names.join(", ")}]`, ...given].join(", ")})` : `scope.${call.method}(${given.join(", ")})`}`);
  if (call.method !== "taps") lines.push("result.otoscope.plot()");
  return lines.join("\n") + "\n";
}

const pythonKeywords = given => Object.entries(given ?? {}).map(([k, v]) => `${k}=${asPython(v)}`);

function pythonScope(opened, name) {
  const { weights, ...more } = opened.options ?? {};
  if (opened.model == null) return [`${name} = otoscope.Scope(${["model", ...pythonKeywords(more)].join(", ")})  # your model, a torch.nn.Module`];
  const model = weights == null ? asPython(opened.model) : `otoscope.load(${asPython(opened.model)}, weights=${asPython(weights)})`;
  return [`${name} = otoscope.Scope(${[model, ...pythonKeywords(more)].join(", ")})`];
}

function pythonSound(opened) {
  if (opened.sound == null) return "wave";
  const part = pythonKeywords(opened.part);
  return part.length ? `otoscope.Excerpt(${[asPython(opened.sound), ...part].join(", ")})` : asPython(opened.sound);
}

// The same call on the command line, which writes the picture into a folder.
export function commandText(opened, call, more = {}) {
  const said = [], words = ["otoscope", call.method.replaceAll("_", "-")], sides = opened.models;
  for (const one of sides ?? [opened]) {
    if (one.model == null) said.push("# MODEL: a name, a folder with config.json, package.module:factory or file.py:Class");
    words.push(one.model == null ? "MODEL" : shellFile(one.model));
  }
  if (call.takes !== "model") {
    if (opened.sound == null) said.push("# SOUND.wav: the sound, in a file");
    words.push(opened.sound == null ? "SOUND.wav" : shellFile(opened.sound), ...shellOptions(opened.part));
  }
  if (sides) sides.forEach((one, i) => words.push(...shellOptions(sideOptions(one.options, true), `-${"ab"[i]}`)));
  words.push(...shellOptions(sides ? sideOptions(sides[0].options, false) : opened.options), ...shellOptions({ ...call.arguments, ...more }));
  for (const name of call.unknown ?? []) {
    said.push(`# file.py:function: the function that was given as ${name}`);
    words.push(`--${name}=file.py:function`);
  }
  if (call.method !== "taps") words.push("--out=seen");
  return [...new Set(said), words.join(" ")].join("\n") + "\n";
}

const shellFile = name => asShell(name.startsWith("-") ? "./" + name : name); // a file, never an option
const sideOptions = (options, own) => Object.fromEntries(Object.entries(options ?? {}).filter(([k]) => SIDE_OPTIONS.includes(k) === own));

// Options: one given several times for several values, a truth value as --name or --no-name; what a command line cannot take is left out.
function shellOptions(given, side = "") {
  return Object.entries(given ?? {}).flatMap(([key, value]) => {
    const name = key.replaceAll("_", "-") + side, values = [value].flat();
    if (values.some(v => v === null || typeof v === "object")) return [];
    return values.map(v => v === true ? `--${name}` : v === false ? `--no-${name}` : `--${name}=${v}`);
  }).map(asShell);
}
