// The address keeps what is shown, so that it can be shared and the back button works.

// {run: "digit", layer: "pool3"} from "#run=digit&layer=pool3".
export const readAddress = (hash) => Object.fromEntries(new URLSearchParams(hash.replace(/^#/, "")));

// "#run=digit&layer=pool3"; what is null or empty is left out.
export function writeAddress(state) {
  const kept = Object.entries(state).filter(([, value]) => value != null && value !== "");
  return "#" + new URLSearchParams(kept.map(([key, value]) => [key, String(value)]));
}
