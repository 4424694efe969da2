// Elements. Whatever comes from a model or a file goes in as text, never as markup.

import { visible } from "./numbers.js";

const READ = ["title", "label", "aria-label", "aria-valuetext", "placeholder"]; // attributes that are read as text
const LINES = "\n\t"; // kept where text stands as it was set
const SVG = "http://www.w3.org/2000/svg";

// An element with attributes (on* are listeners; false and null are left out) and children (text or elements).
export function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "style" && value) element.style.cssText = value;
    else attribute(element, name, value);
  }
  return fill(element, ...children);
}

// Sets an attribute; false and null take it away.
export function attribute(element, name, value) {
  if (value === false || value == null) element.removeAttribute(name);
  else element.setAttribute(name, value === true ? "" : READ.includes(name) ? visible(value) : value);
}

// The element with these children (text or elements) in place of what it had.
export function fill(element, ...children) {
  const shown = children.flat().filter((child) => child != null && child !== false);
  const kept = element.localName === "pre" ? LINES : "";
  element.replaceChildren(...shown.map((child) => (child.nodeType ? child : visible(child, kept))));
  return element;
}

// One of the symbols `g-…` of the page.
export function icon(name, className) {
  const svg = document.createElementNS(SVG, "svg");
  const use = document.createElementNS(SVG, "use");
  svg.setAttribute("class", className ?? "ic");
  svg.setAttribute("aria-hidden", "true");
  use.setAttribute("href", "#g-" + name);
  svg.append(use);
  return svg;
}

// The mark of a verdict: full, half, crossed out or empty, so that it differs by shape and not by colour alone.
export const dot = (level, colour) => h("i", { class: "dot " + level, style: colour ? `color:${colour}` : null });

// A row of buttons of which one is on: items are [id, text, title, why it cannot be chosen].
export function choices(element, items, current, pick) {
  const focus = element.contains(element.getRootNode().activeElement);
  const open = items.filter(([id, , , refused]) => !refused || id === current);
  element.replaceChildren(...items.map(([id, text, title, refused]) => h("button", {
    type: "button", role: "radio", "aria-checked": String(id === current), tabindex: id === current ? 0 : -1,
    "aria-disabled": refused && id !== current ? "true" : null, title: refused || title, "data-s": id,
    onclick: () => (refused ? null : pick(id)),
  }, text)));
  element.onkeydown = (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    const at = open.findIndex(([id]) => id === current);
    if (open.length > 1) pick(open[(at + step + open.length) % open.length][0]);
  };
  if (focus) element.querySelector("[aria-checked=true]")?.focus();
}
