// Where the data comes from. A source has the manifest and gives the packed bytes of a part by its name.

import { fromBase64 } from "./data.js";

// From script elements in the page itself: one file that needs nothing else.
export function inlineSource(document) {
  return {
    manifest: JSON.parse(document.getElementById("manifest").textContent),
    live: null,
    async part(name) {
      const element = document.getElementById("part:" + name);
      if (!element) throw new Error(`the part ${name} is missing from this file`);
      return fromBase64(element.textContent);
    },
  };
}

// From files beside the page, as scripts: browsers refuse to fetch where the page is itself a file.
export function scriptSource(manifest, base, document) {
  const load = (name) => new Promise((done, failed) => {
    const script = document.createElement("script");
    script.src = `${base}${encodeURIComponent(name)}.js`;
    script.onload = () => {
      const text = script.packed;
      script.remove();
      if (text == null) failed(new Error(`${name}.js holds no part`));
      else done(text);
    };
    script.onerror = () => {
      script.remove();
      failed(new Error(`the file ${name}.js is missing beside this page`));
    };
    document.head.append(script);
  });
  return { manifest, live: null, part: async (name) => fromBase64(await load(name)), text: load };
}

// From a server, which holds the manifest and the parts as they are.
export async function fetchSource(base, headers = {}) {
  const get = async (name) => {
    const answer = await fetch(base + name, { headers });
    if (!answer.ok) throw new Error(`the server answered ${answer.status} for ${name}`);
    return answer;
  };
  const manifest = await (await get("manifest.json")).json();
  const part = async (name) => new Uint8Array(await (await get(`parts/${encodeURIComponent(name)}.bin`)).arrayBuffer());
  return { manifest, live: null, part };
}

// From memory, as in a notebook: parts are packed bytes, or functions that give them.
export function memorySource(manifest, parts) {
  return {
    manifest,
    live: null,
    async part(name) {
      const packed = typeof parts === "function" ? await parts(name) : parts[name];
      if (!packed) throw new Error(`the part ${name} is missing`);
      if (packed instanceof Uint8Array) return packed;
      return packed.buffer ? new Uint8Array(packed.buffer, packed.byteOffset, packed.byteLength) : new Uint8Array(packed);
    },
  };
}
