// What is shown of a run, and its address: a choice is a step for the back button, typing and sorting are not.

import { createState } from "./state.js";

const START = {
  run: 0, layer: "", map: -1, rank: 0, sort: "", up: false, fact: "", query: "", dead: false, beside: 0, clip: -1, find: "",
  order: "", table: "", section: "",
};
const STEPS = ["run", "layer", "map", "clip", "section"]; // what the back button goes back over

// {R, set, on, settle, start(read, write)} of a page: `write(R)` gives the address of a state and `read(get)` a patch of
// one. The address is written before anything else hears of a change, so that what follows from a choice is not taken
// for one before it.
export function createRunState(page) {
  const { S: R, set, on } = createState({ ...START });
  let quiet = true;
  let writing = null;
  on(Object.keys(START).join(" "), (changed) => {
    if (quiet) return;
    const step = changed.some((key) => STEPS.includes(key)) && !R.settling;
    page.address[step ? "push" : "replace"](writing(R));
  });
  const start = (read, write) => {
    if (page.options.address === false || !page.address) return;
    writing = write;
    const take = () => {
      quiet = true;
      set(read((key) => page.address.get(key)));
      quiet = false;
    };
    take();
    page.on("address", take);
  };
  const settle = (patch) => { // a choice that nobody made, as the first map of a list
    R.settling = true;
    set(patch);
    R.settling = false;
  };
  return { R, set, on, start, settle };
}
