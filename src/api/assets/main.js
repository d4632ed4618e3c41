// The live page: asks every second, and says when nobody answers.

import { Refused, ask } from "/assets/client.js";
import { count, element, short, show, span } from "/assets/dom.js";
import { loadJobs, loadSessions, showJobs, showSessions } from "/assets/jobs.js";
import { rememberDrain, showPlan, showPrevious, showShutdown } from "/assets/shutdown.js";
import { remember, showTree } from "/assets/tree.js";
import "/assets/workbench.js";

const EVERY_MS = 1000;
const TONES = { running: "good", starting: "quiet", stopped: "bad" };
let answered = null;
let stopping = false;

async function look() {
  try {
    const [system, jobs, sessions] = await Promise.all([ask("/v1/system"), loadJobs(), loadSessions()]);
    answered = Date.now();
    stopping = !["starting", "running"].includes(system.phase);
    remember(system);
    rememberDrain(system);
    showHead(system);
    showFigures(system);
    showShutdown(system);
    showTree(system);
    showPrevious(system.previous_shutdown);
    showJobs(jobs);
    showSessions(sessions);
    connected(null);
  } catch (error) {
    connected(error);
  }
}

function showHead(system) {
  const phase = document.getElementById("phase");
  phase.textContent = system.phase.replace("_", " ");
  phase.dataset.tone = TONES[system.phase] ?? "warn";
  document.getElementById("identity").textContent = `version ${system.version}, instance ${short(system.instance)}, up ${span(system.uptime_seconds)}`;
  document.title = `${system.phase === "running" ? "" : `${phase.textContent}: `}Lastcall`;
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

function connected(error) {
  const banner = document.getElementById("connection");
  document.body.classList.toggle("stale", error !== null);
  banner.hidden = error === null;
  if (error === null) return;
  const phase = document.getElementById("phase");
  phase.textContent = stopping ? "shutting down" : "unreachable";
  phase.dataset.tone = stopping ? "warn" : "bad";
  if (stopping) document.body.classList.toggle("stale", !showPlan());
  const age = answered === null ? "" : ` What you see is ${span((Date.now() - answered) / 1000)} old.`;
  if (error instanceof Refused) banner.textContent = `The service refused: ${error.message}.${age}`;
  else if (stopping) banner.textContent = `The instance accepts no more requests and finishes what it has. This page continues when it is back.${age}`;
  else banner.textContent = `No answer from the service; retrying.${age}`;
}

async function watch() {
  for (;;) {
    if (!document.hidden) await look();
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
  }
}

watch();
