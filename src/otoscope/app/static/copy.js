// The button beside a picture that gives the call which makes it again.

import { commandText, pythonText } from "./calls.js";
import { h } from "./dom.js";

// A button beside a picture; `found` gives what made it: [opened, call, …], or null.
export function copyButton(page, what, found) {
  const said = `Copy ${what} as Python or as a command`;
  const button = h("button", { type: "button", class: "tx copy", "aria-label": said, title: said }, "copy");
  button.addEventListener("click", () => {
    const made = found();
    if (made?.[0] && made.length > 1) showCopy(page, what, pythonText(...made), commandText(...made));
  });
  return button;
}

// Both texts, to be read and copied.
function showCopy(page, what, python, command) {
  const text = (title, content) => {
    const button = h("button", { type: "button", class: "tx", onclick: () => page.copy(content) }, `Copy as ${title}`);
    return h("div", { class: "cite" }, h("pre", { tabindex: 0 }, content), button);
  };
  const dialog = h(
    "dialog", { class: "copydialog", "aria-label": `Copy ${what}` },
    h("h2", {}, `The call behind ${what}`), text("Python", python), text("command", command),
    h("form", { method: "dialog" }, h("button", { class: "tx" }, "Close")),
  );
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  page.el.append(dialog);
  dialog.showModal();
}
