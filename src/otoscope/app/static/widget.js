// The page in a cell of a notebook: in a shadow root, so that neither's styles and names reach the other, listening to keys
// only while it has the focus, and scrolling by itself. The model is that of a Jupyter widget, which holds the data; where
// the kernel holds the network, any class, rule and map can be asked for.

import { h } from "./dom.js";
import { kernelClient, kernelSource } from "./kernel.js";
import { askView } from "./live_ask.js";
import { createBench } from "./live_bench.js";
import { mapsView } from "./live_maps.js";
import { statusView } from "./live_status.js";
import { createPage } from "./page.js";
import { soundPage } from "./sound.js";
import { memorySource } from "./sources.js";

// "dark" or "light" where the notebook says so, else what the system prefers.
function notebookTheme(body) {
  const { jpThemeLight, vscodeThemeKind } = body.dataset;
  if (jpThemeLight) return jpThemeLight === "true" ? "light" : "dark";
  if (vscodeThemeKind) return vscodeThemeKind.includes("light") ? "light" : "dark";
  return null;
}

function followTheme(page, host) {
  const { body } = host.ownerDocument;
  const read = () => {
    const theme = notebookTheme(body);
    if (theme) page.el.dataset.theme = theme;
    else delete page.el.dataset.theme;
    page.themeChanged();
  };
  const observer = new MutationObserver(read);
  observer.observe(body, { attributes: true, attributeFilter: ["data-jp-theme-light", "data-vscode-theme-kind"] });
  page.cleanup(() => observer.disconnect());
  read();
}

// Keys that the page takes are not commands of the notebook, too.
function keepKeys(host) {
  host.dataset.lmSuppressShortcuts = "true"; // JupyterLab, which listens before the page does
  host.addEventListener("keydown", (event) => event.stopPropagation());
}

// What a page that can ask begins with: one model, of which all that is here was computed, and one sound.
function asking(manifest, about) {
  const [run] = manifest.runs;
  return {
    models: [{ id: run.id.split("@")[0], name: run.model, state: "ready", ...about }], model: run.id.split("@")[0],
    shelf: [{ id: run.sound, name: manifest.sounds[run.sound].name }], heard: run.sound, examples: [], limits: null,
    checkpoint: null, tasks: [], trouble: null, word: null, explaining: null,
  };
}

async function askingPage(page, source, client) {
  for (const run of source.manifest.runs) run.whole = true;
  page.el.classList.add("live");
  const bench = createBench(page, client, source);
  const status = h("div", { class: "status" });
  page.$$("header.top")[0].after(status);
  statusView(page, status);
  page.cleanup(client.close);
  await soundPage(page);
  askView(page, bench);
  mapsView(page, bench);
  return page;
}

// Shows the page of a model in an element; gives what ends it. `style` is the text of the styles, `content` the nodes of
// index.html that a page is made in.
export function widgetView(model, element, style, content) {
  const host = h("div", { class: "otoscope-host" });
  const root = host.attachShadow({ mode: "open" });
  const sheet = document.createElement("style"); // of many lines, which `h` would show as codes
  sheet.append(style);
  const body = h("div", { class: "otoscope boxed", id: "otoscope", tabindex: "-1" });
  body.append(content);
  body.querySelector(".skip").remove();
  body.style.height = `${model.get("height")}px`;
  root.append(sheet, body);
  element.append(host);
  keepKeys(host);
  const options = { keys: false, fixedDeck: false, address: false, title: false };
  const [manifest, parts, about] = [JSON.parse(model.get("manifest")), model.get("parts"), JSON.parse(model.get("about"))];
  const client = about && kernelClient(model);
  const source = client ? kernelSource(manifest, parts, client) : memorySource(manifest, parts);
  const page = createPage(root, source, client ? { ...options, state: asking(source.manifest, about) } : options);
  followTheme(page, host);
  host.otoscope = client ? askingPage(page, source, client) : soundPage(page).then(() => page);
  return () => {
    page.player.pause();
    page.destroy();
    host.remove();
  };
}
