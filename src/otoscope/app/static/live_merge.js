// Answers of a server, put together to one page: a job brings a few sounds and runs; a run grows with what is asked.

// The name of what a relevance explains: "top", or what was asked for instead of the likeliest class.
export function targetOf({ target = null, against = null, at = null } = {}) {
  if (target === null && against === null && at === null) return "top";
  return JSON.stringify([target, against, at]);
}

// The name of a run among those of other sounds.
export const runOf = (model, sound) => `${model}@${sound}`;

const filled = (value) => value != null && !(Array.isArray(value) && !value.length);

function mergeRun(known, added) {
  const run = known ?? { ...added, relevance: [], maps: {} };
  const replaced = (entry) => added.relevance.some((one) => one.rule === entry.rule && one.target === entry.target);
  const relevance = [...run.relevance.filter((entry) => !replaced(entry)), ...added.relevance];
  const maps = { ...run.maps, ...added.maps };
  for (const [key, value] of Object.entries(added)) if (!filled(run[key]) || (filled(value) && key !== "part")) run[key] = value;
  return Object.assign(run, { relevance, maps });
}

// Put the manifest of a job into that of the page; gives the ids of the runs it was about, as the page has them.
//
// What a job brings is named after the job and its sound, so that nothing is mistaken for what another one brought:
// parts by the server, runs here, and a relevance that was asked for by what it explains. A run that was known grows.
export function mergePage(manifest, added, ask = {}) {
  const names = new Map(added.runs.map((run) => [run.id, runOf(run.id, run.sound)]));
  const { target = null, against = null, at = null } = ask;
  const asked = targetOf(ask);
  Object.assign(manifest.sounds, added.sounds);
  for (const run of added.runs) {
    const relevance = run.relevance.map((entry) => {
      const own = asked !== "top" && entry.target === "top" ? { target: asked, asked: { target, against, at } } : {};
      return { part: run.part, ...entry, ...own };
    });
    const maps = Object.fromEntries(
      Object.entries(run.maps ?? {}).map(([layer, entry]) => [layer, { part: run.part, ...entry }]),
    );
    const first = run.first ? { part: run.part, ...run.first } : null;
    const id = names.get(run.id);
    const known = manifest.runs.find((one) => one.id === id);
    const now = mergeRun(known, { ...run, id, relevance, maps, first });
    if (!known) manifest.runs.push(now);
  }
  for (const pair of added.pairs ?? []) {
    const named = { ...pair, a: names.get(pair.a) ?? pair.a, b: names.get(pair.b) ?? pair.b };
    manifest.pairs = manifest.pairs.filter((one) => one.a !== named.a || one.b !== named.b).concat(named);
  }
  for (const key of ["references", "bibtex", "otoscope", "window"]) if (filled(added[key])) manifest[key] = added[key];
  return [...names.values()];
}
