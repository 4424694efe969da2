// One player. All sources run at once and only their gains differ, so that A/B switches without a seam.

import { loudness } from "./loudness.js";
import { resample } from "./resample.js";
import { peakOf } from "./signal.js";

export const TURN = 0.35; // s of silence before a loop of the whole sound begins again
const AHEAD = 0.01; // s between asking for a sound and its first sample
const FADE = 0.002; // s
const LONG = 60; // s above which the samples are played at their own rate, to save memory

// Gains of sources at equal loudness: the highest at which none clips, and no more than -20 dB re full scale. As they
// are: sources with a level of their own stay, the others have the peak of the input.
export function gainsOf(sources, equal) {
  const entries = Object.entries(sources).filter(([, source]) => source);
  for (const [, source] of entries) {
    source.loud ??= loudness(source.x, source.rate);
    source.peak ??= peakOf(source.x);
  }
  const heard = entries.filter(([, source]) => source.loud > 0);
  const target = Math.min(0.1, ...heard.map(([, source]) => (0.95 * source.loud) / source.peak));
  const top = sources.input?.peak || 1;
  return Object.fromEntries(entries.map(([id, source]) => {
    if (!(source.loud > 0)) return [id, 0];
    if (equal) return [id, target / source.loud];
    return [id, id === "input" || source.natural ? 1 : top / source.peak];
  }));
}

// Samples of a source as a buffer of a context, slowed down by resampling and not by the browser, which interpolates.
export function bufferOf(context, source, speed = 1) {
  const y = resample(source.x, Math.round(source.rate), Math.round(context.sampleRate / speed), TURN);
  const buffer = context.createBuffer(1, Math.max(1, y.length), context.sampleRate);
  buffer.copyToChannel(y, 0);
  return buffer;
}

// Starts every source at once in a context, each through a gain of its own: {id: {node, gain}}. What begins in the middle
// of a sound fades in, so that it does not click; from its beginning on every sample is played as it is.
export function startSources(context, sources, { when, at, start, end, over, loop, speed, gainOf, buffer, into }) {
  const nodes = {};
  for (const [id, source] of Object.entries(sources)) {
    if (!source) continue;
    const node = context.createBufferSource();
    const gain = context.createGain();
    node.buffer = buffer(source, speed);
    if (loop) {
      node.loop = true;
      node.loopStart = start / speed;
      node.loopEnd = over / speed;
      node.start(when, at / speed);
    } else node.start(when, at / speed, (end - at) / speed);
    gain.gain.value = at > 0 ? 0 : gainOf(id);
    if (at > 0) gain.gain.setTargetAtTime(gainOf(id), when, FADE);
    node.connect(gain).connect(into);
    nodes[id] = { node, gain };
  }
  return nodes;
}

export function createPlayer(page) {
  const { S } = page;
  const buffers = new WeakMap(); // by samples, then by speed
  let context = null;
  let master = null;
  let nodes = null;
  let single = null;
  let started = 0;
  let from = 0;

  const player = { sources: {}, gains: {}, playing: false, get context() { return context; }, get single() { return single; } };

  // The rate of the device; where that would need too much memory, the rate of the samples.
  function rateNeeded() {
    const rates = new Set(Object.values(player.sources).filter(Boolean).map((source) => source.rate));
    return S.dur > LONG && rates.size === 1 ? [...rates][0] : null;
  }

  player.ensure = () => {
    const rate = rateNeeded();
    if (context && rate && context.sampleRate !== rate) {
      player.quiet();
      context.close();
      context = null;
    }
    if (!context) {
      context = new AudioContext(rate ? { sampleRate: rate } : {});
      master = context.createGain();
      master.connect(context.destination);
    }
    if (context.state !== "running") context.resume();
    return context;
  };

  function buffer(source, speed) {
    const known = buffers.get(source.x) ?? new Map();
    buffers.set(source.x, known);
    const key = `${context.sampleRate}|${speed}`;
    if (!known.has(key)) known.set(key, bufferOf(context, source, speed));
    return known.get(key);
  }

  const gain = (id) => (id === S.source ? player.gains[id] ?? 0 : 0);

  player.balance = () => {
    player.gains = gainsOf(player.sources, S.equal);
    for (const [id, node] of Object.entries(nodes ?? {})) {
      node.gain.gain.setTargetAtTime(gain(id), context.currentTime, 0.008);
    }
    page.set({ balance: {} });
  };

  // Start, end, and end of the turn. Of a long sound only the beginning may be there to be heard.
  function turn() {
    const end = Math.min(S.dur, player.heard());
    return S.reg && S.reg[0] < end ? [S.reg[0], Math.min(end, S.reg[1]), Math.min(end, S.reg[1])] : [0, end, end + TURN];
  }

  // Seconds that can be heard.
  player.heard = () => Math.max(...Object.values(player.sources).map((source) => source.x.length / source.rate), 0);

  player.position = () => {
    if (!player.playing) return S.t;
    const [start, end, over] = turn();
    let p = from + Math.max(0, context.currentTime - started - (context.outputLatency || 0)) * S.speed;
    if (S.loop && p >= over) p = start + ((p - start) % (over - start));
    return Math.min(p, end);
  };

  player.play = (at = S.t) => {
    if (!Object.values(player.sources).some(Boolean)) return;
    const ctx = player.ensure();
    const [start, end, over] = turn();
    if (at >= end - 0.002 || at < start - 0.002) at = start;
    player.quiet();
    player.balance();
    started = ctx.currentTime + AHEAD;
    from = at;
    player.playing = true;
    nodes = startSources(ctx, player.sources, {
      when: started, at, start, end, over, loop: S.loop, speed: S.speed, gainOf: gain, buffer, into: master,
    });
    const mine = nodes;
    if (!S.loop) {
      Object.values(nodes)[0].node.onended = () => {
        if (nodes !== mine) return;
        player.stop();
        page.seek(start);
      };
    }
    page.set({ playing: true });
    page.tick();
  };

  player.quiet = () => {
    for (const { node, gain: volume } of Object.values(nodes ?? {})) {
      node.onended = null;
      volume.gain.setTargetAtTime(0, context.currentTime, 0.003);
      node.stop(context.currentTime + 0.03);
    }
    nodes = null;
  };

  player.stop = () => {
    player.quiet();
    player.playing = false;
    page.set({ playing: false });
  };

  player.pause = () => {
    const t = player.position();
    player.stop();
    page.seek(t);
  };

  player.again = () => {
    if (player.playing) player.play(player.position());
  };

  player.toggle = () => {
    player.hush();
    if (player.playing) player.pause();
    else player.play();
  };

  // One sound by itself, as when scanning maps: no louder than the input would be.
  player.once = (source, done) => {
    const ctx = player.ensure();
    player.hush();
    if (player.playing) player.pause();
    const input = player.sources.input;
    gainsOf({ source, input }, true);
    if (!source.loud) return;
    const node = ctx.createBufferSource();
    const volume = ctx.createGain();
    node.buffer = buffer(source, 1);
    const limits = [0.1 / source.loud, 0.95 / source.peak];
    if (input?.peak) limits.push((0.95 * input.loud) / input.peak / source.loud);
    volume.gain.value = Math.min(...limits);
    node.connect(volume).connect(master);
    node.start(0, 0, source.x.length / source.rate);
    single = { node, at: ctx.currentTime, done };
    node.onended = () => {
      if (single?.node !== node) return;
      single = null;
      done?.();
    };
  };

  player.hush = () => {
    if (!single) return;
    const { node, done } = single;
    single = null;
    node.stop();
    done?.();
  };

  page.cleanup(() => {
    player.quiet();
    context?.close();
  });
  return player;
}
