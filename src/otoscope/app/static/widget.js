// The page in a cell of a notebook: in a shadow root, so that neither's styles and names reach the other, listening to keys
// only while it has the focus, and scrolling by itself. The model is that of a Jupyter widget, which holds the data.

import { h } from "./dom.js";
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

// Shows the page of a model in an element; gives what ends it. `style` is the text of the styles, `content` the nodes of
// index.html that a page is made in.
export function widgetView(model, element, style, content) {
  const host = h("div", { class: "otoscope-host" });
  const root = host.attachShadow({ mode: "open" });
  const sheet = h("style", {}, style);
  const body = h("div", { class: "otoscope boxed", id: "otoscope", tabindex: "-1" });
  body.append(content);
  body.querySelector(".skip").remove();
  body.style.height = `${model.get("height")}px`;
  root.append(sheet, body);
  element.append(host);
  keepKeys(host);
  const source = memorySource(JSON.parse(model.get("manifest")), model.get("parts"));
  const page = createPage(root, source, { keys: false, fixedDeck: false, address: false, title: false });
  followTheme(page, host);
  host.otoscope = soundPage(page).then(() => page);
  return () => {
    page.player.pause();
    page.destroy();
    host.remove();
  };
}
