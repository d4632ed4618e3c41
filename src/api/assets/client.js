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

export async function ask(path, options = {}) {
  const response = await fetchWithKey(path, options);
  if (response.ok) return response.headers.get("content-type")?.includes("json") ? response.json() : response.blob();
  throw new Refused(response.status, await response.json().catch(() => null));
}

// Sends a file and says how far it has come, which `fetch` cannot.
export async function send(path, file, mediaType, progress) {
  for (;;) {
    const key = sessionStorage.getItem(KEY);
    const { status, body } = await new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      request.open("PUT", path);
      request.setRequestHeader("content-type", mediaType);
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
    const response = await fetch(path, { ...options, headers, signal: AbortSignal.timeout(20_000) });
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
