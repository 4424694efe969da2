// Starts the page of a server: it begins with nothing, and whoever visits brings a sound.

import { h } from "./dom.js";
import { askView } from "./live_ask.js";
import { barView } from "./live_bar.js";
import { createBench } from "./live_bench.js";
import { changePlace, changeView } from "./live_change.js";
import { createClient } from "./live_client.js";
import { companionView } from "./live_compare.js";
import { mapsView } from "./live_maps.js";
import { dropZone, invitation } from "./live_sounds.js";
import { liveSource } from "./live_source.js";
import { createPage } from "./page.js";
import { soundPage } from "./sound.js";

const BEGIN = {
  models: [], examples: [], shelf: [], limits: null, notice: null, model: null, heard: null, checkpoint: null,
  tasks: [], trouble: null, word: null, explaining: null, changed: null, band: null,
};
const AGAIN = 1000; // ms between looks at a model that is being loaded

// Look at the models until each is loaded or has failed.
async function watchModels(page, bench) {
  const { S, set } = page;
  try {
    while (S.models.some((one) => one.state === "loading")) {
      await new Promise((done) => setTimeout(done, AGAIN));
      set({ models: (await page.live.call("GET", "models")).models });
    }
  } catch (error) {
    bench.trouble(error);
  }
  const failed = S.models.filter((one) => one.state === "failed");
  if (failed.length) set({ trouble: { text: failed.map((one) => one.error ?? `${one.name} could not be loaded.`).join(" ") } });
}

// The model and the sound that an address of an earlier visit speaks of, if both are still there.
function earlier(S, run) {
  const [model, sound] = String(run ?? "").split("@");
  const heard = S.shelf.find((one) => sound?.startsWith(one.id));
  const [id] = (model ?? "").split("-");
  return heard && S.models.some((one) => one.id === id) ? { heard: heard.id, model: id } : null;
}

export async function livePage(root, { api }) {
  const client = createClient(api);
  const source = liveSource(client);
  const page = createPage(root, source, { state: BEGIN });
  const asked = page.takeInitial("run");
  page.el.classList.add("live");
  const bench = createBench(page, client, source);
  const { S, set } = page;
  let state;
  try {
    state = await client.call("GET", "state");
  } catch (error) {
    page.$("main").replaceChildren(h("p", { class: "trouble", role: "alert" }, error.message));
    return page;
  }
  const { models, examples, sounds, limits, notice } = state;
  set({ models, examples, shelf: sounds, limits, notice, model: models[0]?.id ?? null });
  changePlace(page);
  await soundPage(page);
  const choose = barView(page, bench);
  askView(page, bench);
  changeView(page, bench);
  mapsView(page, bench);
  companionView(page, bench);
  dropZone(page, bench);
  page.mainStack.message(invitation(page, bench, choose));
  page.el.classList.add("bare");
  page.on("sound", () => page.el.classList.toggle("bare", !S.sound));
  watchModels(page, bench);
  const last = earlier(S, asked);
  if (last) await bench.look(last.heard, { model: last.model });
  return page;
}

const told = document.getElementById("live");
if (told) document.otoscope = livePage(document, JSON.parse(told.textContent));
