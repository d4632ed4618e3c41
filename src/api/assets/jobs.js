// The tables of jobs and sessions, and the dialog of one job.

import { ask } from "/assets/client.js";
import { element, meter, pill, short, show, since, span } from "/assets/dom.js";

const TONES = { queued: "quiet", running: "run", succeeded: "good", failed: "bad", cancelled: "warn" };
const SHOWN = 25;
const QUEUED_SHOWN = 6;
const RECENT_MS = 10 * 60_000;
const dialog = document.getElementById("job-dialog");
let open = null;

// Ids are UUIDv7 and lists go by them, so an id made of a time is a cursor for that time.
function cursorOf(time) {
  const hex = Math.max(0, Math.floor(time)).toString(16).padStart(12, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000000`;
}

export async function loadJobs() {
  const recent = `/v1/jobs?limit=1000&cursor=${cursorOf(Date.now() - RECENT_MS)}`;
  const pages = await Promise.all([ask("/v1/jobs?state=running&limit=50"), ask("/v1/jobs?state=queued&limit=50"), ask(recent)]);
  const jobs = new Map(pages.flatMap((page) => page.items).map((job) => [job.id, job]));
  const all = [...jobs.values()].sort(order);
  // The oldest of the queue are next; there may be very many.
  const queued = all.filter((job) => job.state === "queued").slice(-QUEUED_SHOWN);
  return all.filter((job) => job.state !== "queued" || queued.includes(job)).slice(0, SHOWN);
}

function order(a, b) {
  const rank = (job) => (job.state === "running" ? 0 : job.state === "queued" ? 1 : 2);
  return rank(a) - rank(b) || (a.id < b.id ? 1 : -1);
}

export function showJobs(jobs) {
  document.getElementById("no-jobs").hidden = jobs.length > 0;
  show(document.getElementById("jobs"), jobs.map(row));
}

function row(job) {
  const what = job.kind === "report" ? `report, ${job.format}` : job.format === "json" ? job.kind : `${job.kind}, ${job.format}`;
  const state = element("td", {}, pill(job.state, TONES[job.state] ?? "quiet"));
  if (job.error) state.append(` ${job.error.code}`);
  const attempt = `${job.attempt}` + (job.interruptions ? `, ${job.interruptions} × interrupted` : "");
  const took = job.started_at ? span(since(job.started_at, job.finished_at ? Date.parse(job.finished_at) : Date.now())) : "–";
  return element(
    "tr",
    {},
    element("td", {}, element("button", { type: "button", class: "link", "data-job": job.id, "data-focus": job.id, "aria-label": `Job ${job.id}` }, short(job.id))),
    element("td", {}, what),
    state,
    element("td", {}, meter(`Progress of job ${short(job.id)}`, job.progress)),
    element("td", {}, attempt),
    element("td", {}, span(since(job.created_at))),
    element("td", {}, took),
  );
}

export async function loadSessions() {
  const recent = await ask(`/v1/sessions?limit=1000`);
  return recent.items.reverse().slice(0, SHOWN);
}

export function showSessions(sessions) {
  document.getElementById("no-sessions").hidden = sessions.length > 0;
  const rows = sessions.map((session) =>
    element(
      "tr",
      {},
      element("td", { class: "id", title: session.id }, short(session.id)),
      element("td", {}, `${span(since(session.created_at))} ago`),
      element("td", {}, session.ttl),
      element("td", {}, `in ${span(-since(session.expires_at))}`),
    ),
  );
  show(document.getElementById("sessions"), rows);
}

document.getElementById("jobs").addEventListener("click", (event) => {
  const id = event.target.closest("[data-job]")?.dataset.job;
  if (id) openJob(id);
});

async function openJob(id) {
  const job = await ask(`/v1/jobs/${id}`).catch((error) => ({ id, state: "gone", detail: error.message }));
  open = job;
  document.getElementById("job-title").textContent = `Job ${id}`;
  document.getElementById("job-text").textContent = JSON.stringify(job, null, 2);
  document.getElementById("job-result").disabled = job.state !== "succeeded";
  document.getElementById("job-cancel").disabled = !["queued", "running"].includes(job.state);
  if (!dialog.open) dialog.showModal();
}

document.getElementById("job-close").addEventListener("click", () => dialog.close());
document.getElementById("job-cancel").addEventListener("click", async () => {
  await ask(`/v1/jobs/${open.id}`, { method: "DELETE" }).catch(() => {});
  openJob(open.id);
});
document.getElementById("job-result").addEventListener("click", async () => {
  const result = await ask(`/v1/jobs/${open.id}/result`);
  const blob = result instanceof Blob ? result : new Blob([JSON.stringify(result, null, 2)], { type: "application/json" });
  const link = element("a", { href: URL.createObjectURL(blob), download: `${open.kind}-${open.id.slice(-8)}.${open.format}` });
  link.click();
  URL.revokeObjectURL(link.href);
});
