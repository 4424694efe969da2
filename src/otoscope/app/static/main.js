// Starts the page of a document.

import { h } from "./dom.js";
import { createPage } from "./page.js";
import { soundPage } from "./sound.js";
import { inlineSource } from "./sources.js";

// The kinds of page and what fills them.
const KINDS = { sound: soundPage };

export async function start(root) {
  const source = inlineSource(root);
  const page = createPage(root, source);
  const kind = KINDS[page.manifest.kind ?? "sound"];
  if (!kind) {
    page.$("main").append(h("p", {}, `This version of Otoscope cannot show a page of kind ${page.manifest.kind}.`));
    return page;
  }
  await kind(page);
  return page;
}

if (document.getElementById("manifest")) document.otoscope = start(document);
