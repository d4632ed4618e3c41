// Asks the service, with the key of this tab where one is needed.

const KEY = "lastcall-key";
const dialog = document.getElementById("key-dialog");
let asking = null;

export class Refused extends Error {
  constructor(status, problem) {
    super(problem?.detail ?? `status ${status}`);
    this.status = status;
  }
}

export class Silent extends Error {}

export async function ask(path, options = {}) {
  const response = await accepted(path, options);
  return response.status === 204 ? null : response.json();
}

// The answer as its bytes, however long they take.
export async function download(path) {
  return (await accepted(path, { signal: null })).blob();
}

// The answer, with the numbers that `keeps` names as they are written: JavaScript's own integers
// have 53 bits, and 1.0 is 1 to it.
export async function askExactly(path, keeps) {
  const text = await (await download(path)).text();
  return JSON.parse(text, (_, value, written) => (typeof value === "number" && keeps(value) && JSON.rawJSON ? JSON.rawJSON(written.source) : value));
}

async function accepted(path, options) {
  const response = await fetchWithKey(path, options);
  if (response.ok) return response;
  throw new Refused(response.status, await response.json().catch(() => null));
}

// The server-sent events of a path, until their end; an EventSource could not send the key. A stream
// that is silent for `silence` milliseconds has ended.
export async function* events(path, signal, silence) {
  let silent = null;
  let timer = null;
  const heard = () => {
    clearTimeout(timer);
    timer = setTimeout(() => silent.abort(new Silent("the stream is silent")), silence);
  };
  // The time in which a key is asked for is none of it.
  const begin = () => {
    silent = new AbortController();
    heard();
    return AbortSignal.any([signal, silent.signal]);
  };
  try {
    const response = await accepted(path, { signal: begin });
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      heard();
      const blocks = (text + piece.value).split("\n\n");
      text = blocks.pop();
      for (const block of blocks) {
        const fields = new Map(block.split("\n").map((line) => line.split(/: (.*)/s, 2)));
        if (fields.has("data")) yield { name: fields.get("event"), data: JSON.parse(fields.get("data")) };
      }
    }
  } finally {
    clearTimeout(timer);
    silent?.abort();
  }
}

// Sends a file and says how far it has come, which `fetch` cannot.
export async function send(path, file, progress) {
  for (;;) {
    const key = sessionStorage.getItem(KEY);
    const { status, body } = await new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      request.open("PUT", path);
      request.setRequestHeader("content-type", "application/octet-stream");
      if (key) request.setRequestHeader("authorization", `Bearer ${key}`);
      request.upload.addEventListener("progress", (event) => event.lengthComputable && progress(event.loaded / event.total));
      request.addEventListener("load", () => resolve({ status: request.status, body: request.responseText }));
      request.addEventListener("error", () => reject(new Error("the upload was cut off")));
      request.send(file);
    });
    if (status === 401) {
      await askForKey(key);
      continue;
    }
    const answer = JSON.parse(body || "{}");
    if (status >= 300) throw new Refused(status, answer);
    return answer;
  }
}

async function fetchWithKey(path, options) {
  for (;;) {
    const key = sessionStorage.getItem(KEY);
    const headers = { ...options.headers, ...(key ? { authorization: `Bearer ${key}` } : {}) };
    const { signal = () => AbortSignal.timeout(20_000) } = options;
    const response = await fetch(path, { ...options, headers, signal: signal?.() });
    if (response.status !== 401) return response;
    await askForKey(key);
  }
}

// However many requests are refused at once, the key is asked for once.
function askForKey(wrong) {
  if (sessionStorage.getItem(KEY) !== wrong) return Promise.resolve();
  document.getElementById("key-problem").hidden = !wrong;
  asking ??= new Promise((resolve) => {
    const input = document.getElementById("key");
    input.value = "";
    dialog.addEventListener("cancel", (event) => event.preventDefault());
    document.getElementById("key-form").addEventListener(
      "submit",
      () => {
        sessionStorage.setItem(KEY, input.value.trim());
        asking = null;
        resolve();
      },
      { once: true },
    );
    dialog.showModal();
  });
  return asking;
}
