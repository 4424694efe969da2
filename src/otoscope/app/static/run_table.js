// The maps of a run as columns: what can be sorted by, asked for and shown of each.

import { matcher } from "./run_query.js";

export const SORTS = {
  activity: "activity", active: "share of clips", selectivity: "selectivity", score: "score of its description",
  explained: "share explained", difference: "difference", correlation: "least alike in both", number: "number",
};

// {run, n, layerOf(i), channelOf(i), columns…} of the part of all maps; `difference` is the part of two runs, or null.
export function createTable(run, box, difference = null, second = null) {
  const { head, numbers } = box;
  const { layers } = run;
  const starts = layers.map((layer) => layer.first);
  const layerOf = (i) => {
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (starts[middle] <= i) low = middle;
      else high = middle - 1;
    }
    return low;
  };
  const channelOf = (i) => {
    const layer = layers[layerOf(i)];
    return layer.channels ? layer.channels[i - layer.first] : i - layer.first;
  };
  const placeOf = (layer, channel) => {
    const number = layers.findIndex((one) => one.name === layer);
    if (number < 0) return -1;
    const { first, maps, channels } = layers[number];
    const at = channels ? channels.indexOf(channel) : channel;
    return at >= 0 && at < maps ? first + at : -1;
  };
  const selectivity = Object.fromEntries(Object.entries(head.selectivity).map(([fact, refs]) => [
    fact, { index: numbers(refs.index), value: numbers(refs.value) },
  ]));
  const told = head.described && {
    sentences: head.described.sentences, facts: head.described.facts, tuning: head.described.tuning,
    fact: numbers(head.described.fact), is: numbers(head.described.is), score: numbers(head.described.score),
    chance: numbers(head.described.chance), explained: numbers(head.described.explained), auc: numbers(head.described.auc),
  };
  const apart = difference && Object.fromEntries(
    ["difference", "p_value", "correlation", "first", "second", "other"].map((name) => [name, difference.numbers(difference.head[name])]),
  );
  return {
    run, n: run.maps, layerOf, channelOf, placeOf, selectivity, told, apart, second,
    activity: numbers(head.activity), largest: numbers(head.largest), active: numbers(head.active), dead: numbers(head.dead),
    sounds: head.sounds ? numbers(head.sounds) : null,
  };
}

// The values of a fact, by its name.
export const valuesOf = (run, fact) => run.facts.find((one) => one.name === fact)?.values ?? [];

// A function from a map to what it is sorted by, the largest first.
function sortKey(table, sort, fact) {
  const { told, apart } = table;
  const keys = {
    activity: (i) => table.activity[i],
    active: (i) => table.active[i],
    selectivity: (i) => table.selectivity[fact]?.index[i],
    score: (i) => (told?.is[i] ? (told.score[i] - told.chance[i]) / (1 - told.chance[i]) : NaN),
    explained: (i) => (told?.is[i] ? told.explained[i] : NaN),
    difference: (i) => Math.abs(apart?.difference[i]) / Math.max(table.activity[i], 1e-12),
    correlation: (i) => -apart?.correlation[i],
    number: (i) => -i,
  };
  return keys[sort] ?? keys.number;
}

// Which columns a question can name: a function from a map to its value.
function columnOf(table, fact, name) {
  const { run, told, apart } = table;
  const plain = {
    layer: (i) => run.layers[table.layerOf(i)].name,
    map: (i) => table.channelOf(i), number: (i) => table.channelOf(i), channel: (i) => table.channelOf(i),
    activity: (i) => table.activity[i], active: (i) => table.active[i], dead: (i) => table.dead[i] === 1,
    selectivity: (i) => table.selectivity[fact]?.index[i],
    sounds: (i) => table.sounds?.[i] ?? 0,
  };
  if (told) {
    Object.assign(plain, {
      described: (i) => told.is[i] === 1, score: (i) => (told.is[i] ? told.score[i] : NaN), explained: (i) => told.explained[i],
      fact: (i) => (told.is[i] ? told.facts[told.fact[i]] : null), by: (i) => (told.is[i] ? told.facts[told.fact[i]] : null),
      tuning: (i) => told.tuning?.[i] ?? null,
    });
  }
  if (apart) {
    Object.assign(plain, {
      difference: (i) => apart.difference[i], correlation: (i) => apart.correlation[i], p: (i) => apart.p_value[i],
    });
  }
  if (Object.hasOwn(plain, name)) return plain[name];
  const asked = Object.keys(table.selectivity).find((one) => one.toLowerCase().replaceAll("_", " ") === name);
  if (!asked) return null;
  const values = valuesOf(run, asked); // the value to which it answers most
  return (i) => values[table.selectivity[asked].value[i]] ?? null;
}

// The maps as asked: {maps: Int32Array, unknown: names of no column, dead: whether dead ones were looked at}.
export function chosenMaps(table, { layer, query, sort, fact, dead, up }) {
  const { run, told } = table;
  const number = layer === "" ? -1 : run.layers.findIndex((one) => one.name === layer);
  const first = number < 0 ? 0 : run.layers[number].first;
  const last = number < 0 ? table.n : first + run.layers[number].maps;
  const words = (i) => `${told?.sentences[i] ?? ""} ${run.layers[table.layerOf(i)].name} ${table.channelOf(i)}`.toLowerCase();
  const { test, unknown, all, asks } = matcher(query, (name) => columnOf(table, fact, name), words);
  const found = [];
  const withDead = dead || asks("dead"); // a question about dead ones is about all
  for (let i = first; i < last; i++) if ((withDead || !table.dead[i]) && (all || test(i))) found.push(i);
  const key = sortKey(table, sort, fact);
  const keys = new Float64Array(table.n);
  for (const i of found) {
    const value = key(i);
    keys[i] = value == null || Number.isNaN(value) ? -Infinity : up ? -value : value;
  }
  found.sort((a, b) => keys[b] - keys[a] || a - b);
  return { maps: Int32Array.from(found), unknown, dead: withDead };
}
