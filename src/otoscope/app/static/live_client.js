// Questions to a server. What it refuses, and what cannot be reached, is an error with a sentence for the user.

const GONE = "The server does not answer. Is otoscope serve still running? What is on this page can still be looked at "
  + "and heard; to ask more, start it again and open the address that it prints.";
const BYE = "The server was ended. What is on this page can still be looked at and heard; to ask more, start otoscope "
  + "serve again and open the address that it prints.";
const PACE = 4000; // ms
const CLOSED = 2; // of an EventSource that will not connect again
const FINAL = ["done", "failed", "cancelled"];

export class Refusal extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

// The error that an answer is, which may come from something else than our server.
export function refusalOf(status, content) {
  const { code, message } = content?.error ?? {};
  if (message) return new Refusal(code, message);
  return new Refusal("fault", `The server answered ${status}, and did not say why.`);
}

// {call, upload, ask, file}: `api` is where its addresses begin; `tools` are the browser's, but in tests.
export function createClient(api, tools = globalThis) {
  const followed = new Map(); // jobs under way, by id: what to do when one changes
  let events = null;
  let pace = null; // events are news, not the truth: what is followed is looked at now and then, too

  async function call(method, path, body) {
    const json = body === undefined ? {} : { headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
    let answer;
    try {
      answer = await tools.fetch(api + path, { method, ...json });
    } catch {
      throw new Refusal("gone", GONE);
    }
    const content = answer.status === 204 ? null : await answer.json().catch(() => null);
    if (!answer.ok) throw refusalOf(answer.status, content);
    return content;
  }

  // Send a file; progress(share) is called while it goes.
  function upload(name, bytes, progress) {
    return new Promise((done, failed) => {
      const request = new tools.XMLHttpRequest();
      request.open("POST", `${api}sounds?name=${encodeURIComponent(name)}`);
      request.responseType = "json";
      request.upload.onprogress = (event) => event.lengthComputable && progress?.(event.loaded / event.total);
      request.onload = () => {
        if (request.status < 400 && request.response?.sound) done(request.response.sound);
        else failed(refusalOf(request.status, request.response));
      };
      // a server that refuses a file for its size ends the connection before it was sent
      request.onerror = () => call("GET", "sounds").then(
        () => failed(new Refusal("too-large", `${name} was refused before it was sent: it is too large.`)), failed,
      );
      request.send(bytes);
    });
  }

  function listen() {
    pace ??= setInterval(look, PACE);
    if (events) return;
    const mine = new tools.EventSource(api + "events");
    events = mine;
    mine.addEventListener("job", (event) => {
      const job = JSON.parse(event.data);
      followed.get(job.id)?.change(job);
    });
    mine.addEventListener("bye", () => fail(new Refusal("gone", BYE)));
    mine.addEventListener("open", look);
    mine.addEventListener("error", () => { // it connects again by itself, unless it was refused
      if (mine.readyState === CLOSED && events === mine) events = null;
      look();
    });
  }

  // What is not heard of by events: changes before they were open, and a server that is no more.
  async function look() {
    for (const [id, { change, failed }] of [...followed]) {
      try {
        change((await call("GET", `jobs/${id}`)).job);
        if (followed.size) listen();
      } catch (error) {
        if (error.code === "gone") return fail(error);
        followed.delete(id);
        failed(error);
      }
    }
    rest();
  }

  function fail(error) {
    const open = [...followed.values()];
    followed.clear();
    rest();
    for (const { failed } of open) failed(error);
  }

  function rest() {
    if (followed.size) return;
    clearInterval(pace);
    pace = null;
    events?.close();
    events = null;
  }

  // Ask for a job and wait for its end; change(job) is called on the way. Aborting the signal cancels it.
  async function ask(request, change, signal) {
    const { job } = await call("POST", "jobs", request);
    const cancel = () => call("DELETE", `jobs/${job.id}`).catch(() => null);
    if (signal?.aborted) cancel();
    else signal?.addEventListener("abort", cancel, { once: true });
    const last = await new Promise((done, failed) => {
      followed.set(job.id, {
        failed,
        change(now) {
          change?.(now);
          if (!FINAL.includes(now.state) || !followed.delete(now.id)) return;
          rest();
          done(now);
        },
      });
      change?.(job);
      listen();
      look();
    });
    signal?.removeEventListener("abort", cancel);
    if (last.state === "done") return last;
    if (last.state === "cancelled") throw new Refusal("cancelled", "Cancelled.");
    throw new Refusal(last.error?.code, last.error?.message ?? "It failed, and the server did not say why.");
  }

  return { call, upload, ask, file: (sound) => `${api}sounds/${sound}/file.wav`, api };
}
