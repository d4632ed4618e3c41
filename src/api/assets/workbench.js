// From a file to its profile and its reports in one gesture, and SQL beside it.

import { Refused, ask, send } from "/assets/client.js";
import { saveResult } from "/assets/jobs.js";
import { count, element, meter, pill, show } from "/assets/dom.js";
import { showProfile } from "/assets/profile.js";
import { ready, showTables } from "/assets/query.js";

const SESSION = "lastcall-session";
// What each ending of a file's name tells.
const FORMATS = { csv: "csv", txt: "csv", tsv: "tsv", tab: "tsv", ndjson: "ndjson", jsonl: "ndjson", json: "json", parquet: "parquet", pq: "parquet", arrow: "arrow", arrows: "arrow", feather: "arrow", ipc: "arrow", xlsx: "xlsx", xls: "xls", ods: "ods" };
const PACKED = /\.(gz|zst)$/i;
const REPORTS = [["html", "HTML"], ["pdf", "PDF"], ["xlsx", "Excel"], ["md", "Markdown"]];
const drop = document.getElementById("drop");
const reading = document.getElementById("reading");

// The session of this tab; a new one where it has expired.
export async function session() {
  const known = sessionStorage.getItem(SESSION);
  if (known) {
    try {
      await ask(`/v1/sessions/${known}`);
      return known;
    } catch (error) {
      if (!(error instanceof Refused) || ![404, 410].includes(error.status)) throw error;
    }
  }
  const made = await ask("/v1/sessions", { method: "POST" });
  sessionStorage.setItem(SESSION, made.id);
  return made.id;
}

// A name that the service takes, and that is written in SQL without quotes where that is possible.
function nameOf(file) {
  const plain = file.name.replace(PACKED, "").replace(/\.[^.]*$/, "").normalize("NFC");
  const name = plain.replace(/[\s\-./\\"\p{C}]+/gu, "_").replace(/^_+|_+$/g, "");
  return [...(name || "data")].slice(0, 100).join("");
}

function formatOf(file) {
  const ending = file.name.replace(PACKED, "").toLowerCase().split(".").pop();
  return FORMATS[ending] ?? "csv";
}

function say(...children) {
  reading.hidden = false;
  show(reading, children);
}

async function take(file) {
  const name = nameOf(file);
  document.getElementById("profile").hidden = true;
  try {
    const id = await session();
    const path = `/v1/sessions/${id}/datasets/${encodeURIComponent(name)}?format=${formatOf(file)}`;
    say(element("p", {}, `Uploading ${file.name}…`), meter("Upload", 0));
    await send(path, file, (part) => say(element("p", {}, `Uploading ${file.name}: ${Math.round(part * 100)}%`), meter("Upload", part)));
    await refresh();
    const job = await run("analyses", { kind: "profile", dataset: name }, (job) => {
      say(element("p", {}, `Reading ${name}: ${job.state}, ${Math.round(job.progress * 100)}%`), meter("Profile", job.progress));
    });
    const profile = await ask(job.links.result);
    say(element("p", {}, pill("done", "good"), ` ${name}: ${count(profile.dataset.rows)} rows × ${count(profile.dataset.columns)} columns`));
    showProfile(profile, actions(job, name));
  } catch (error) {
    say(element("p", { class: "problem" }, `${file.name}: ${error.message}`));
  }
}

// Buttons that make a report of a job; `more` says what else one is to have.
function actions(job, name, more = () => ({})) {
  const note = element("span", { class: "muted", role: "status" });
  const buttons = REPORTS.map(([format, label]) =>
    element("button", {
      type: "button",
      onclick: async (event) => {
        const button = event.currentTarget;
        button.disabled = true;
        note.textContent = `Making the ${label} report…`;
        try {
          const report = await run("reports", { analysis: job.id, format, ...more() }, (at) => (note.textContent = `${label}: ${at.state}`));
          await saveResult({ ...report, dataset: name });
          note.textContent = `${name}.report.${format} is saved.`;
        } catch (error) {
          note.textContent = error.message;
        }
        button.disabled = false;
      },
    }, label),
  );
  const json = element("button", { type: "button", onclick: () => saveResult({ ...job, dataset: name }) }, "JSON");
  return element("div", { class: "row" }, element("span", {}, "Report:"), ...buttons, json, note);
}

// Asks for a job and follows it to its end.
export async function run(kind, body, progress) {
  const id = await session();
  let job = await ask(`/v1/sessions/${id}/${kind}`, { method: "POST", headers: { "content-type": "application/json", prefer: "wait=2" }, body: JSON.stringify(body) });
  while (["queued", "running"].includes(job.state)) {
    progress(job);
    await new Promise((resolve) => setTimeout(resolve, 300));
    job = await ask(job.links.self);
  }
  if (job.state !== "succeeded") throw new Error(job.error?.message ?? `the job was ${job.state}`);
  return job;
}

export async function refresh() {
  const known = sessionStorage.getItem(SESSION);
  if (!known) return showTables([]);
  try {
    const list = await ask(`/v1/sessions/${known}/datasets?limit=100`);
    const described = list.items.slice(0, 12).map((dataset) => ask(`/v1/sessions/${known}/datasets/${encodeURIComponent(dataset.name)}`).catch(() => dataset));
    showTables([...(await Promise.all(described)), ...list.items.slice(12)]);
  } catch (error) {
    if (error instanceof Refused && [404, 410].includes(error.status)) {
      sessionStorage.removeItem(SESSION);
      showTables([]);
    }
  }
}

document.getElementById("file").addEventListener("change", (event) => {
  const [file] = event.target.files;
  event.target.value = "";
  if (file) take(file);
});
// The whole page takes a file: nobody has to aim.
for (const kind of ["dragenter", "dragover"]) {
  addEventListener(kind, (event) => {
    if (![...event.dataTransfer.types].includes("Files")) return;
    event.preventDefault();
    drop.classList.add("over");
  });
}
addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) drop.classList.remove("over");
});
addEventListener("drop", (event) => {
  const [file] = event.dataTransfer.files;
  drop.classList.remove("over");
  if (!file) return;
  event.preventDefault();
  take(file);
});

ready({ run, actions });
refresh();
