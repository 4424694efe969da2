// The data of a live page: it begins with nothing and grows with each answer of the server.

import { Refusal } from "./live_client.js";
import { mergePage } from "./live_merge.js";

const EMPTY = { format: "otoscope-page 1", kind: "sound", sounds: {}, runs: [], pairs: [] };

// The names of all parts that a manifest speaks of.
export function partsOf(value, found = new Set()) {
  if (!value || typeof value !== "object") return found;
  for (const [key, inner] of Object.entries(value)) {
    if (key === "part" && typeof inner === "string") found.add(inner);
    else partsOf(inner, found);
  }
  return found;
}

export function liveSource(client) {
  const homes = new Map(); // where each part is
  const manifest = structuredClone(EMPTY);

  async function get(address) {
    const answer = await fetch(address).catch(() => null);
    if (answer?.ok) return answer;
    if (!answer) throw new Refusal("gone", "The server does not answer, and this had not been read yet.");
    const content = await answer.json().catch(() => null);
    throw new Refusal(content?.error?.code ?? "fault", content?.error?.message ?? `The server answered ${answer.status}.`);
  }

  return {
    manifest,
    live: client,
    async part(name) {
      if (!homes.has(name)) throw new Error(`the part ${name} is missing`);
      return new Uint8Array(await (await get(homes.get(name))).arrayBuffer());
    },
    // Take the page of a job in; gives the ids of its runs.
    async add(job) {
      const added = await (await get(`${job.page}manifest.json`)).json();
      for (const name of partsOf(added)) homes.set(name, `${job.page}parts/${encodeURIComponent(name)}.bin`);
      return mergePage(manifest, added, job.ask);
    },
  };
}
