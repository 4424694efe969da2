// What is shown of a run, and its address: a choice is a step for the back button, typing and sorting are not.

import { createState } from "./state.js";

const START = {
  run: 0, layer: "", map: -1, rank: 0, sort: "", up: false, fact: "", query: "", dead: false, beside: 0, clip: -1, find: "",
  order: "", table: "", section: "",
};
const STEPS = ["run", "layer", "map", "clip", "section"]; // what the back button goes back over

// {R, set, on, start(read, write)} of a page: `write(R)` gives the address of a state and `read(get)` a patch of one.
export function createRunState(page) {
  const { S: R, set, on } = createState({ ...START });
  let quiet = false;
  const start = (read, write) => {
    const keep = page.options.address !== false && page.address;
    const take = () => {
      quiet = true;
      set(read((key) => page.address.get(key)));
      quiet = false;
    };
    if (keep) {
      take();
      page.on("address", take);
    }
    on(Object.keys(START).join(" "), (changed) => {
      if (!keep || quiet) return;
      const step = changed.some((key) => STEPS.includes(key)) && !R.settling;
      page.address[step ? "push" : "replace"](write(R));
    });
  };
  const settle = (patch) => { // a choice that nobody made, as the first map of a list
    R.settling = true;
    set(patch);
    R.settling = false;
  };
  return { R, set, on, start, settle };
}
