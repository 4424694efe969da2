// What is shown, and who wants to know when it changes.

// {S, set, on}: set(patch) changes S and calls whoever asked for one of the keys that changed; on(keys, f) asks, and
// gives a function that takes it back.
export function createState(initial) {
  const S = { ...initial };
  const asked = [];
  function set(patch) {
    const changed = Object.keys(patch).filter((key) => S[key] !== patch[key]);
    if (!changed.length) return;
    Object.assign(S, patch);
    for (const [keys, f] of [...asked]) if (changed.some((key) => keys.has(key))) f(changed);
  }
  function on(keys, f) {
    const entry = [new Set(keys.split(" ")), f];
    asked.push(entry);
    return () => {
      if (asked.includes(entry)) asked.splice(asked.indexOf(entry), 1);
    };
  }
  return { S, set, on };
}
