// What made a run, and the commands that say the same.

import { h } from "./dom.js";
import { count, hz, many } from "./numbers.js";

const shown = (value) => (value == null ? "none" : typeof value === "object" ? JSON.stringify(value) : String(value));

export function runFactsView(run) {
  const { page, on } = run;
  const { $ } = page;
  const rows = (pairs) => h("dl", { class: "kv" }, ...pairs.filter(Boolean).flatMap(([name, value, mono]) => [h("dt", {}, name), h("dd", { class: mono ? "mono" : null }, value)]));
  const fold = (title, sub, ...kids) => h("details", {}, h("summary", {}, title, h("span", {}, sub)), ...kids);

  function draw() {
    const { info, page: { manifest } } = run;
    const { versions } = info;
    const given = Object.entries(info.methods).map(([name, given]) => [name, Object.entries(given).filter(([, value]) => value != null).map(([key, value]) => `${key}=${shown(value)}`).join(", ") || "as it is by default", true]);
    const done = info.shards.done < info.shards.of ? `${count(info.shards.done)} of ${many(info.shards.of, "shard")}` : "all";
    const commands = info.kind === "evaluation"
      ? [`otoscope sql ${info.folder} "SELECT name, scores.label, answer FROM scores JOIN items USING (clip) WHERE NOT correct"`]
      : [...(info.maps ? [`otoscope query ${info.folder} top`, `otoscope query ${info.folder} dead`, `otoscope describe ${info.folder}`] : []), `otoscope query ${info.folder} summary`, ...(run.difference ? [`otoscope diff ${info.folder} ${run.second.folder} --each-channel`] : [])];
    const text = commands.join("\n");
    $("run-factsbody").replaceChildren(
      fold("Run", info.folder, rows([
        ["kind", info.kind], ["model", info.model], ["hash of the weights", info.weights_sha256, true], info.rate && ["sample rate", hz(info.rate)],
        ["data", info.data], ["clips", count(info.clips)], ["done", done],
        ["versions", Object.entries(versions).map(([name, version]) => `${name} ${version}`).join(", ")], ["this page by", `Otoscope ${manifest.otoscope}`],
      ])),
      fold("Methods and arguments", Object.keys(info.methods).join(", "), rows(given)),
      ...(info.maps ? [fold("How to read it", "activity, selectivity, descriptions, sounds", rows([
        ["activity", "root mean square of a map in a clip; of a map its mean over the clips"],
        ["top clips", "those of the largest mean activation, over the whole set"],
        ["active in", "share of the clips in which the map is not zero"],
        ["dead", "largest RMS below a millionth of that of the strongest map of the layer"],
        ["selectivity", "(m \u2212 r) / (m + r), where m is the mean activity for the value with the largest, and r the mean over the other values (Morcos et al. 2018); chance is not taken off"],
        info.described && ["description", "the fact that predicts the map best, chosen on one half of the clips and scored on the other; AUC of a name, R2 of numbers"],
        info.sounds && ["sounds", `as stored, 16 bits at ${hz(info.sounds.rate)}; sonification by the rule ${info.sounds.rule}, scaled to the peak of the clip`],
      ]))] : []),
      fold("Commands", "the same numbers on the command line", h("div", { class: "cite" }, h("pre", {}, text), h("button", { type: "button", class: "tx", onclick: () => page.copy(text) }, "Copy the commands"))),
    );
  }

  on("info", draw);
  on("beside", draw);
}
