// What a live page works with: models, sounds, and what is asked of them.

import { Refusal } from "./live_client.js";
import { runOf, targetOf } from "./live_merge.js";
import { fx, NB, span } from "./numbers.js";

const SOON = 400; // ms after an answer before the layers are asked for

const megabytes = (bytes) => `${fx(bytes / 1e6, 1)}${NB}MB`;

// With what change, in a few words, such as "with the pitch raised by 50 %".
export function changeWords(change) {
  if (change.kind === "band_stop") return `with ${span(change.low, change.high, "Hz")} filtered out`;
  if (change.kind === "gap") return `with ${span(change.start, change.stop, "s")} silenced`;
  const percent = 100 * (change.factor - 1);
  if (Math.abs(percent) < 0.5) return "with the pitch as it was";
  return `with the pitch ${percent > 0 ? "raised" : "lowered"} by ${fx(Math.abs(percent), 0)}${NB}%`;
}

// The classes that an explanation is about, of a run: {top, second} by name.
export function ranks(run) {
  const [top, second] = (run.order ?? []).map((i) => run.classes?.[i] ?? String(i));
  return { top, second };
}

// The entry of relevance that explains this, if it is known: what was asked for by name may be the likeliest class.
export function knownEntry(run, rule, { target = null, against = null, at = null } = {}) {
  const { top, second } = ranks(run);
  const names = [targetOf({ target, against, at })];
  if (at === null && against === null && (target === null || target === top)) names.push("top");
  if (at === null && against === null && target === second) names.push("second");
  if (at === null && target === top && against === second) names.push("contrast");
  return run.relevance.find((entry) => entry.rule === rule && names.includes(entry.target)) ?? null;
}

// The class that an entry explains, and the one it is compared with.
export function meaning(entry, top, second) {
  if (entry?.asked) return [entry.asked.target ?? top, entry.asked.against];
  if (entry?.target === "second") return [second, null];
  return [top, entry?.target === "contrast" ? second : null];
}

export function createBench(page, client, source) {
  const { S, set } = page;
  const answers = new Map(); // what a model said, by what was asked
  const tested = new Set(); // relevances whose tests were asked for
  let later = null; // the layers of what is shown, asked for once nobody asks for more

  const model = (id = S.model) => S.models.find((one) => one.id === id) ?? null;
  const sound = (id = S.heard) => S.shelf.find((one) => one.id === id) ?? null;
  const modelOf = (id, checkpoint) => (checkpoint ? `${id}-${checkpoint}` : id);
  const runAt = (id, checkpoint, heard) => source.manifest.runs.find(
    (run) => run.asked === runOf(modelOf(id, checkpoint), heard),
  ) ?? null;

  function trouble(error) {
    if (error.code === "cancelled") return;
    set({ trouble: { text: error.message, code: error.code ?? "fault" } });
    if (!(error instanceof Refusal)) throw error;
  }

  // Ask for something and say so while it is under way.
  async function task(what, request, byItself = false) {
    const control = new AbortController();
    const entry = { what, kind: request.kind, byItself, job: null, cancel: () => control.abort() };
    set({ tasks: [...S.tasks, entry] });
    try {
      return await client.ask(request, (job) => {
        entry.job = job;
        set({ tasks: [...S.tasks] });
        if (job.notes?.length) set({ word: job.notes.join(" ") });
      }, control.signal);
    } finally {
      set({ tasks: S.tasks.filter((one) => one !== entry) });
    }
  }

  // Ask for a page and take it in; gives the runs it is about.
  async function take(what, request, byItself = false) {
    const job = await task(what, request, byItself);
    const ids = await source.add(job);
    page.data.grown();
    const runs = ids.map((id) => page.data.runs.get(id));
    for (const run of runs) run.asked ??= runOf(run.id.split("@")[0], request.sound);
    return runs;
  }

  // The request for what is shown now.
  function asking(more = {}) {
    const checkpoint = S.checkpoint ? { checkpoint: S.checkpoint } : {};
    return { model: S.model, sound: S.heard, ...checkpoint, ...more };
  }

  // What is shown has more to show: the answer its controls, the sections below what they are about.
  async function renew(run) {
    const rel = await page.data.relevance(run.id, S.rule, S.target);
    if (S.run !== run) return;
    if (rel) set({ rel, answered: {} });
    set({ late: null });
    set({ late: run.id });
    if (!run.taps.some((tap) => tap.name === S.layer)) set({ layer: Object.keys(run.maps).at(-1) ?? run.taps[0]?.name ?? null });
  }

  function forgetLater() {
    clearTimeout(later);
    for (const entry of S.tasks) if (entry.byItself) entry.cancel();
  }

  // Whether the relevance that is shown may be believed.
  async function testShown(run) {
    const { rel, rule } = S;
    const key = JSON.stringify([run.id, rule, rel?.target]);
    if (!rel || rel.trust?.length || tested.has(key)) return;
    const { top, second } = ranks(run);
    const [target, against] = meaning(rel, top, second);
    const given = rel.target === "top" ? {} : { target, ...(against == null ? {} : { against }) };
    await take("Testing whether it may be believed", asking({ kind: "relevance", rule, control: true, ...given }), true);
    tested.add(key);
    if (S.run !== run || S.rel !== rel) return;
    if (S.target === targetOf(given)) await renew(run);
    else set({ target: targetOf(given) });
  }

  // What takes longer comes after what was asked for: the layers, their maps and the first layer of what is shown, and
  // the tests of its relevance.
  function askLater(run) {
    forgetLater();
    later = setTimeout(async () => {
      try {
        if (!run.whole) {
          await take(`Looking into ${model().name}`, asking({ kind: "page", rule: S.rule }), true);
          run.whole = true;
          if (S.run === run) await renew(run);
        }
        if (S.run === run) await testShown(run);
      } catch (error) {
        trouble(error);
      }
    }, SOON);
  }

  const bench = {
    model, sound, task, take, trouble, asking,
    name: (run) => model(run.id.split("@")[0].split("-")[0])?.name ?? run.model,

    // Do something at once: what was to come later steps back, and comes after it.
    async first(f) {
      const { run } = S;
      forgetLater();
      set({ trouble: null });
      try {
        return await f(run);
      } catch (error) {
        return trouble(error);
      } finally {
        if (run && S.run === run) askLater(run);
      }
    },

    // Show what a model makes of a sound.
    async look(heard = S.heard, { model: id = S.model, checkpoint = null } = {}) {
      forgetLater();
      set({ heard, model: id, checkpoint, trouble: null, word: null });
      if (!heard || !id) return;
      try {
        const about = `Asking ${model(id).name} about ${sound(heard).name}`;
        const known = runAt(id, checkpoint, heard);
        const [run] = known ? [known] : await take(about, asking({ kind: "relevance", rule: S.rule }));
        if (S.heard !== heard || S.model !== id || S.checkpoint !== checkpoint) return;
        await page.open(run.id);
        askLater(run);
      } catch (error) {
        trouble(error);
      }
    },

    // Show the relevance for a class, or for one rather than another, by a rule.
    async explain(asked, rule = S.rule) {
      const { run } = S;
      if (!run) return;
      const shown = () => S.run === run && set({ rule, target: (knownEntry(run, rule, asked) ?? knownEntry(run, rule)).target });
      if (knownEntry(run, rule, asked)) {
        shown();
        askLater(run);
        return;
      }
      await bench.first(async () => {
        set({ explaining: { asked, rule } });
        try {
          const given = Object.fromEntries(Object.entries(asked).filter(([, value]) => value != null));
          await take(explainWords(asked, rule), asking({ kind: "relevance", rule, ...given }));
          shown();
        } finally {
          set({ explaining: null });
        }
      });
    },

    // What a model says, and nothing else.
    async answer(request) {
      const key = JSON.stringify(request);
      if (!answers.has(key)) answers.set(key, (await task("Asking", { kind: "answer", ...request })).answer);
      return answers.get(key);
    },

    // Put a sound on the shelf and look at it.
    async put(given) {
      const entry = await given;
      set({ shelf: [...S.shelf.filter((one) => one.id !== entry.id), entry] });
      return entry;
    },

    // Change the sound that is heard: the id of the changed one, and with what change, as the server made it.
    async change(given) {
      const { id, from } = await bench.put(client.call("POST", `sounds/${S.heard}/changes`, given).then((got) => got.sound));
      return { id, words: changeWords(from.change) };
    },

    // Send a file or a recording, and look at it.
    async send(name, bytes) {
      const size = bytes.size ?? bytes.byteLength;
      if (size > (S.limits?.upload_bytes ?? Infinity)) {
        trouble(new Refusal("too-large", `${name} has ${megabytes(size)}; more than ${megabytes(S.limits.upload_bytes)} are not taken. Cut it, or send it as flac.`));
        return;
      }
      const entry = { what: `Sending ${name}`, kind: "upload", job: null, share: 0, cancel: null };
      set({ tasks: [...S.tasks, entry], trouble: null });
      try {
        const progress = (share) => {
          entry.share = share;
          set({ tasks: [...S.tasks] });
        };
        const { id } = await bench.put(client.upload(name, bytes, progress));
        bench.look(id);
      } catch (error) {
        trouble(error);
      } finally {
        set({ tasks: S.tasks.filter((one) => one !== entry) });
      }
    },

    // Open one of the sounds that are built in.
    async example(id) {
      try {
        const known = S.shelf.find((one) => one.example === id);
        const entry = known ?? await bench.put(client.call("POST", `examples/${id}`).then((got) => ({ ...got.sound, example: id })));
        bench.look(entry.id);
      } catch (error) {
        trouble(error);
      }
    },
  };
  return bench;
}

// What is asked for, as it is said while it is computed.
export function explainWords({ target = null, against = null } = {}, rule) {
  const about = target === null ? "the likeliest class" : target;
  return `Computing the relevance for ${about}${against === null ? "" : ` rather than ${against}`}, ${rule.replaceAll("_", " ")}`;
}
