// The live page: the system as its events say, jobs and sessions as they are asked for every second,
// and what is not known any more.

import { Refused } from "/assets/client.js";
import { count, element, short, show, span } from "/assets/dom.js";
import { follow } from "/assets/follow.js";
import { loadJobs, loadSessions, showJobs, showSessions } from "/assets/jobs.js";
import { showEnd, showLost, showPrevious, showShutdown, tick } from "/assets/shutdown.js";
import { remember, showTree } from "/assets/tree.js";
import "/assets/workbench.js";

const LISTS_MS = 1000;
const TICK_MS = 250;
const TONES = { running: "good", starting: "quiet" };
// The last state of the system, when it came, and whether it is out of date.
let last = null;
let heardAt = null;
let lost = null;
let ended = null;
let listedAt = null;

follow({
  system(system) {
    [last, heardAt, lost, ended] = [system, Date.now(), null, null];
    remember(system);
    showHead(system);
    showFigures(system);
    showTree(system);
    showShutdown(system);
    showPrevious(system.previous_shutdown);
    showConnection();
  },
  end(report) {
    ended = report;
    showEnd(report);
    showPhase("stopped", report.clean ? "quiet" : "warn");
    showConnection();
  },
  lost(error) {
    lost = { error };
    showConnection();
  },
});

function showPhase(text, tone) {
  const phase = document.getElementById("phase");
  phase.textContent = text;
  phase.dataset.tone = tone;
  document.title = `${text === "running" ? "" : `${text}: `}Lastcall`;
}

function showHead(system) {
  showPhase(system.phase.replace("_", " "), TONES[system.phase] ?? "warn");
  document.getElementById("identity").textContent = `version ${system.version}, instance ${short(system.instance)}, up ${span(system.uptime_seconds)}`;
  // A user's key may not, and is not offered it.
  document.getElementById("drain").hidden = system.phase !== "running" || system.role !== "admin";
}

function showFigures(system) {
  const jobs = Object.values(system.jobs ?? {});
  const sum = (field) => (system.jobs ? jobs.reduce((total, service) => total + service[field], 0) : null);
  const done = (outcome) => system.services.reduce((total, service) => total + (service.slots ? (service.counts[outcome] ?? 0) : 0), 0);
  const figures = [
    ["Sessions", system.sessions],
    ["Queued", sum("queued")],
    ["Running", sum("running")],
    ["Succeeded (this instance)", done("succeeded")],
    ["Failed (this instance)", done("failed")],
    ["Handed back (this instance)", done("handed_back")],
  ];
  show(document.getElementById("figures"), figures.map(([label, value]) => element("div", {}, element("dt", {}, label), element("dd", {}, count(value)))));
}

// Whether the instance goes down, or has gone.
function stopping() {
  return last !== null && !["starting", "running"].includes(last.phase);
}

function showConnection() {
  const banner = document.getElementById("connection");
  document.body.classList.toggle("stale", lost !== null || ended !== null);
  banner.hidden = lost === null || ended !== null;
  if (banner.hidden) return;
  document.getElementById("drain").hidden = true;
  if (stopping()) {
    showPhase("shutting down", "warn");
    showLost();
  } else {
    showPhase("unreachable", "bad");
  }
  const age = heardAt === null ? "" : ` What you see is ${span((Date.now() - heardAt) / 1000)} old.`;
  if (lost.error instanceof Refused) banner.textContent = `The service refused: ${lost.error.message}.${age}`;
  else if (stopping()) banner.textContent = `The instance is shutting down and does not answer any more. This page continues when it is back.${age}`;
  else banner.textContent = `No answer from the service; retrying.${age}`;
}

// Jobs and sessions need requests, which an instance that goes down takes no more.
async function list() {
  const takesRequests = lost === null && ended === null && last !== null && !["draining", "handing_back", "stopped"].includes(last.phase);
  if (takesRequests && !document.hidden) {
    try {
      const [jobs, sessions] = await Promise.all([loadJobs(), loadSessions()]);
      listedAt = Date.now();
      showJobs(jobs);
      showSessions(sessions);
    } catch {
      // The age of what is shown says it.
    }
  }
  const age = listedAt === null ? 0 : Date.now() - listedAt;
  for (const note of document.querySelectorAll(".age")) note.textContent = age > 3 * LISTS_MS ? `, as of ${span(age / 1000)} ago` : "";
}

async function keepListing() {
  for (;;) {
    await list();
    await new Promise((resolve) => setTimeout(resolve, LISTS_MS));
  }
}

keepListing();
setInterval(() => {
  if (lost !== null) showConnection();
  tick();
}, TICK_MS);
