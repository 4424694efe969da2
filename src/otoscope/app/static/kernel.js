// Questions to the kernel of a notebook, by messages of its widget, and the page that grows with the answers.

import { Refusal } from "./live_client.js";
import { mergePage } from "./live_merge.js";
import { partsOf } from "./live_source.js";

const ELSEWHERE = "A page in a notebook asks about its own sound. For other sounds call explore again, or use otoscope serve.";

// {ask, call, close}: asks as the client of a server does, of a kernel that answers one question after the other.
export function kernelClient(model) {
  const waiting = new Map(); // what to do with an answer, by the number of the question
  let asked = 0;

  const hear = (content, buffers) => {
    const { number, error, manifest, parts } = content;
    const { done, failed } = waiting.get(number) ?? {};
    if (!waiting.delete(number)) return;
    if (error) failed(new Refusal("unfit", error));
    else done({ manifest: JSON.parse(manifest), parts: Object.fromEntries(parts.map((name, i) => [name, buffers[i]])) });
  };
  model.on("msg:custom", hear);

  // Ask and wait. What was asked cannot be taken back from a kernel: cancelled, its answer is not waited for.
  async function ask(request, change, signal) {
    asked += 1;
    const number = asked;
    change?.({ state: "running", step: "asking the kernel", notes: [] });
    const answer = await new Promise((done, failed) => {
      waiting.set(number, { done, failed });
      signal?.addEventListener("abort", () => {
        waiting.delete(number);
        failed(new Refusal("cancelled", "Cancelled."));
      }, { once: true });
      model.send({ number, ask: request });
    });
    return { ...answer, number, ask: request };
  }
  const call = async () => {
    throw new Refusal("unfit", ELSEWHERE);
  };
  return { ask, call, upload: call, close: () => model.off("msg:custom", hear) };
}

// The data of a page that begins with what the widget was given.
export function kernelSource(first, parts, client) {
  const manifest = { ...first, sounds: {}, runs: [], pairs: [] };
  const packed = new Map(Object.entries(parts));
  mergePage(manifest, first);
  return {
    manifest,
    live: client,
    async part(name) {
      const bytes = packed.get(name);
      if (!bytes) throw new Error(`the part ${name} is missing`);
      return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    },
    // Take an answer in; gives the ids of its runs. Its parts are named after the question.
    async add({ manifest: added, parts: more, number, ask }) {
      const under = (name) => `${number}-${name}`;
      for (const name of partsOf(added)) if (more[name]) packed.set(under(name), more[name]);
      return mergePage(manifest, renamed(added, under), ask);
    },
  };
}

// A manifest whose parts have other names.
function renamed(value, under) {
  if (Array.isArray(value)) return value.map((one) => renamed(one, under));
  if (!value || typeof value !== "object") return value;
  const inner = (key, one) => (key === "part" && typeof one === "string" ? under(one) : renamed(one, under));
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, inner(key, one)]));
}
