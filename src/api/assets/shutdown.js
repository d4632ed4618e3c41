// The way down: what is going on now, and how the run before ended.

import { ask } from "/assets/client.js";
import { count, element, meter, pill, show, span } from "/assets/dom.js";

const PHASES = [
  ["lame_duck", "Lame duck", "still accepting"],
  ["draining", "Draining", "finishing what is in hand"],
  ["handing_back", "Handing back", "the rest goes to the queue"],
  ["stopped", "Stopped", ""],
];
const since = new Map();

export function showShutdown(system) {
  const index = PHASES.findIndex(([phase]) => phase === system.phase);
  const section = document.getElementById("shutdown");
  section.hidden = index < 0;
  if (index < 0) return;
  if (!since.has(system.phase)) since.set(system.phase, Date.now());
  const steps = PHASES.map(([phase, label, what], step) => {
    const time = since.has(phase) ? ` ${span((until(step) - since.get(phase)) / 1000)}` : "";
    return element("li", { class: step < index ? "done" : step === index ? "now" : null, "aria-current": step === index ? "step" : null }, `${label}${time}`, element("br"), element("span", { class: "muted" }, what));
  });
  show(document.getElementById("timeline"), steps);
  const left = system.services.reduce((sum, service) => sum + service.in_flight, 0);
  document.getElementById("shutdown-work").textContent = `${left} piece${left === 1 ? "" : "s"} of work in flight` + (system.drain ? `; ${span(system.drain.elapsed_ms / 1000)} of ${span(system.drain.deadline_ms / 1000)} have passed` : "");
}

function until(step) {
  const later = PHASES.slice(step + 1).map(([phase]) => since.get(phase)).find((time) => time !== undefined);
  return later ?? Date.now();
}

// More than the clock's own coarseness beyond the plan.
function isLate(phase) {
  return phase.planned_ms > 0 && phase.actual_ms > phase.planned_ms * 1.02 + 50;
}

let plan = null;

// The plan goes on when the instance takes no requests any more: its clock is known.
export function rememberDrain(system) {
  if (system.drain) plan = { drain: system.drain, at: Date.now(), work: system.services.reduce((sum, service) => sum + service.in_flight, 0) };
}

export function showPlan() {
  if (!plan) return false;
  const elapsed = plan.drain.elapsed_ms + Date.now() - plan.at;
  const section = document.getElementById("shutdown");
  section.hidden = false;
  let begin = 0;
  const steps = plan.drain.phases.map((phase) => {
    const end = begin + phase.planned_ms;
    const state = elapsed >= end ? "done" : elapsed >= begin ? "now" : null;
    const left = state === "now" ? `${span((end - elapsed) / 1000)} left of ${span(phase.planned_ms / 1000)}` : `planned ${span(phase.planned_ms / 1000)}`;
    begin = end;
    return element("li", { class: state, "aria-current": state === "now" ? "step" : null }, phase.name.replaceAll("_", " "), element("br"), element("span", { class: "muted" }, left));
  });
  show(document.getElementById("timeline"), steps);
  const left = Math.max(0, plan.drain.deadline_ms - elapsed);
  document.getElementById("shutdown-work").textContent = `${count(plan.work)} in flight when last heard; ${left > 0 ? `gone within ${span(left / 1000)}` : "the deadline has passed"}.`;
  return true;
}

export function showPrevious(report) {
  document.getElementById("previous").hidden = !report;
  if (!report) return;
  const longest = Math.max(1, ...report.phases.flatMap((phase) => [phase.planned_ms, phase.actual_ms]));
  const phases = report.phases.map((phase) =>
    element(
      "div",
      { class: "phase" },
      element("span", {}, phase.name.replaceAll("_", " ")),
      meter(phase.name, phase.actual_ms / longest, isLate(phase) ? "over" : ""),
      element("span", { class: "muted" }, `${span(phase.actual_ms / 1000)} of ${span(phase.planned_ms / 1000)}`),
    ),
  );
  const pairs = [["Finished", report.finished], ["Handed back", report.handed_back], ["Left", report.left], ["Queued", report.queued]];
  show(document.getElementById("previous-report"), [
    element("p", {}, pill(report.clean ? "clean" : "not clean", report.clean ? "good" : "bad"), ` ${report.reason}, exit code ${report.exit_code}, ${span(report.elapsed_ms / 1000)} of ${span(report.deadline_ms / 1000)}, `, element("span", { class: "muted" }, report.finished_at)),
    element("dl", { class: "pairs" }, ...pairs.flatMap(([label, value]) => [element("dt", {}, label), element("dd", {}, count(value))])),
    element("div", { class: "report" }, ...phases),
  ]);
}

const dialog = document.getElementById("drain-dialog");
const problem = document.getElementById("drain-problem");
document.getElementById("drain").addEventListener("click", () => {
  problem.hidden = true;
  dialog.showModal();
});
document.getElementById("drain-no").addEventListener("click", () => dialog.close());
document.getElementById("drain-yes").addEventListener("click", async () => {
  try {
    await ask("/v1/system/drain", { method: "POST" });
    dialog.close();
  } catch (error) {
    problem.textContent = error.message;
    problem.hidden = false;
  }
});
