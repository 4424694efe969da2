// Starts a page of runs: the data is in the page itself, or in files beside it.

import { createPage } from "./page.js";
import { runPage } from "./run_page.js";
import { inlineSource, scriptSource } from "./sources.js";

export async function startRun(root) {
  const element = root.getElementById("manifest");
  const { parts } = element.dataset;
  const source = parts ? scriptSource(JSON.parse(element.textContent), parts, root) : inlineSource(root);
  const page = createPage(root, source);
  await runPage(page);
  return page;
}

if (document.getElementById("manifest")) document.otoscope = startRun(document);
