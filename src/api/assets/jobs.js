// The tables of jobs and sessions, and the dialog of one job.

import { ask, askExactly, download } from "/assets/client.js";
import { element, meter, pill, short, show, since, span } from "/assets/dom.js";

const TONES = { queued: "quiet", running: "run", succeeded: "good", failed: "bad", cancelled: "warn" };
const SHOWN = 25;
const dialog = document.getElementById("job-dialog");
const filter = document.getElementById("job-state");
let open = null;

export async function loadJobs() {
  const newest = `/v1/jobs?order=desc&limit=${SHOWN}`;
  if (filter.value) return (await ask(`${newest}&state=${filter.value}`)).items;
  // What runs is shown whatever is newer.
  const pages = await Promise.all([ask("/v1/jobs?state=running&limit=10"), ask(newest)]);
  const jobs = new Map(pages.flatMap((page) => page.items).map((job) => [job.id, job]));
  return [...jobs.values()].sort(order).slice(0, SHOWN);
}

function order(a, b) {
  const rank = (job) => (job.state === "running" ? 0 : 1);
  return rank(a) - rank(b) || (a.id < b.id ? 1 : -1);
}

export function showJobs(jobs) {
  document.getElementById("no-jobs").hidden = jobs.length > 0;
  show(document.getElementById("jobs"), jobs.map(row));
}

// What a job is about, in a line.
export function about(job) {
  const format = job.format === "json" ? "" : `, ${job.format}`;
  if (job.kind === "sql") return [`SQL${format}`, (job.query ?? "").replace(/\s+/g, " ")];
  if (job.kind === "compare") return [`compare${format}`, `${job.baseline} → ${job.candidate}`];
  if (job.kind === "report") return [`report${format}`, job.dataset ?? `of job ${short(job.analysis ?? "")}`];
  return [`${job.kind}${format}`, job.dataset ?? ""];
}

function row(job) {
  const [kind, subject] = about(job);
  const priority = job.priority === "low" ? ", low priority" : "";
  const labels = Object.entries(job.labels ?? {}).map(([name, value]) => `${name}: ${value}`).join(", ");
  const state = element("td", {}, pill(job.state, TONES[job.state] ?? "quiet"));
  if (job.error) state.append(` ${job.error.code}`);
  const attempt = `${job.attempt}` + (job.interruptions ? `, ${job.interruptions} × interrupted` : "");
  const took = job.started_at ? span(since(job.started_at, job.finished_at ? Date.parse(job.finished_at) : Date.now())) : "–";
  return element(
    "tr",
    {},
    element("td", {}, element("button", { type: "button", class: "link", "data-job": job.id, "data-focus": job.id, "aria-label": `Job ${job.id}` }, short(job.id))),
    element("td", { class: "about", title: subject || null }, element("span", {}, kind + priority), " ", element("bdi", { class: "muted" }, subject), labels && element("bdi", { class: "muted" }, ` (${labels})`)),
    state,
    element("td", {}, meter(`Progress of job ${short(job.id)}`, job.progress)),
    element("td", {}, attempt),
    element("td", {}, span(since(job.created_at))),
    element("td", {}, took),
  );
}

export async function loadSessions() {
  return (await ask(`/v1/sessions?order=desc&limit=${SHOWN}`)).items;
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
      element("td", {}, element("button", { type: "button", "data-session": session.id, "data-focus": session.id, "aria-label": `Delete session ${session.id}` }, "Delete")),
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
  document.getElementById("job-again").hidden = !repeatable(job);
  document.getElementById("job-cancel").disabled = !["queued", "running"].includes(job.state);
  if (!dialog.open) dialog.showModal();
}

document.getElementById("sessions").addEventListener("click", (event) => {
  const id = event.target.closest("[data-session]")?.dataset.session;
  if (id && confirm("Delete this session, its datasets, jobs and results?")) ask(`/v1/sessions/${id}`, { method: "DELETE" }).catch(() => {});
});

// Whether all that the job was asked for is known: what is long is not shown.
function repeatable(job) {
  const missing = { check: job.contract, sql: job.parameters };
  if (job.kind in missing && !missing[job.kind]) return false;
  if (job.template) return false;
  if (job.parameters?.some((value) => typeof value === "number") && !JSON.rawJSON) return false;
  return ["failed", "cancelled", "succeeded"].includes(job.state);
}

// The same request once more, to the last digit.
async function request(id) {
  const job = await askExactly(`/v1/jobs/${id}`, () => true);
  const path = `/v1/sessions/${job.session}/${job.kind === "report" ? "reports" : "analyses"}`;
  const fields = job.kind === "report" ? ["dataset", "analysis", "format", "chart", "priority", "labels"] : ["kind", "dataset", "baseline", "candidate", "query", "parameters", "contract", "options", "priority", "labels"];
  const body = Object.fromEntries(fields.filter((field) => job[field] !== undefined).map((field) => [field, job[field]]));
  if (job.kind === "sql") body.format = job.format;
  return ask(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
}

document.getElementById("job-again").addEventListener("click", async () => {
  try {
    openJob((await request(open.id)).id);
  } catch (error) {
    document.getElementById("job-text").textContent = error.message;
  }
});
document.getElementById("job-close").addEventListener("click", () => dialog.close());
document.getElementById("job-cancel").addEventListener("click", async () => {
  await ask(`/v1/jobs/${open.id}`, { method: "DELETE" }).catch(() => {});
  openJob(open.id);
});
document.getElementById("job-result").addEventListener("click", () => saveResult(open));

export async function saveResult(job) {
  const blob = await download(`/v1/jobs/${job.id}/result`);
  const name = job.dataset ? `${job.dataset}.${job.kind}` : `${job.kind}-${job.id.slice(-8)}`;
  const link = element("a", { href: URL.createObjectURL(blob), download: `${name}.${job.format}` });
  link.click();
  URL.revokeObjectURL(link.href);
}
