// The shutdown: what happens now, and how the run before ended.

import { ask } from "/assets/client.js";
import { count, element, meter, pill, show, span } from "/assets/dom.js";

const LABELS = {
  lame_duck: ["Lame duck", "still accepting"],
  draining: ["Draining", "finishing what is in hand"],
  handing_back: ["Handing back", "the rest goes to the queue"],
  closing: ["Closing", "store, threads, exit"],
};
const section = document.getElementById("shutdown");
// The last that was heard of a shutdown, when that was, and whether more is to come.
let heard = null;

export function showShutdown(system) {
  heard = system.drain ? { drain: system.drain, services: system.services, at: Date.now(), live: true } : null;
  section.hidden = heard === null;
  if (heard) document.getElementById("shutdown-title").textContent = "Shutting down";
  tick();
}

// The clock of an instance that is not heard any more goes on: its plan is known.
export function showLost() {
  if (heard) heard.live = false;
}

// What is to be seen between two events.
export function tick() {
  if (!heard || heard.report) return;
  const { drain, services, at, live } = heard;
  const passed = Date.now() - at;
  const left = Math.max(0, drain.left_ms - passed);
  const accepts = live && drain.phases[0].state === "active";
  show(document.getElementById("timeline"), (live ? drain.phases : planned(drain, passed)).map((phase) => step(phase, live ? passed : 0)));
  const work = services.filter((service) => service.in_flight > 0).map((service) => `${service.name} ${count(service.in_flight)} in flight`);
  if (drain.requests) work.push(`${count(drain.requests)} request${drain.requests === 1 ? "" : "s"} in progress`);
  const what = work.length ? work.join(", ") : "nothing in flight";
  const when = left > 0 ? `gone within ${span(left / 1000)}` : "the deadline has passed";
  document.getElementById("shutdown-work").textContent = `${live ? what : `${what} when last heard`}; ${when}${drain.hurried ? ", hurried by a second signal" : ""}.${accepts ? "" : " It takes no more requests."}`;
}

function step(phase, passed) {
  const [label, what] = LABELS[phase.name] ?? [phase.name, ""];
  const active = phase.state === "active";
  const limit = `of at most ${span(phase.planned_ms / 1000)}`;
  const times = {
    pending: `at most ${span(phase.planned_ms / 1000)}`,
    active: `${phase.actual_ms === null ? "now" : span((phase.actual_ms + passed) / 1000)} ${limit}`,
    done: `${span((phase.actual_ms ?? 0) / 1000)} ${limit}`,
    skipped: "not needed",
    unseen: `at most ${span(phase.planned_ms / 1000)}, not seen from here`,
  };
  return element(
    "li",
    { class: { active: "now", done: isLate(phase) ? "late" : "done" }[phase.state] ?? null, "aria-current": active ? "step" : null, "data-phase": phase.name, "data-state": phase.state },
    label,
    element("br"),
    element("span", { class: "times" }, times[phase.state]),
    element("br"),
    element("span", { class: "muted" }, what),
  );
}

// The phases by the plan alone, so long after the last that was heard.
function planned(drain, passed) {
  let begin = 0;
  return drain.phases.map((phase) => {
    const end = begin + phase.planned_ms;
    const elapsed = drain.elapsed_ms + passed;
    const known = phase.state === "done" || phase.state === "skipped";
    const state = known ? phase.state : elapsed >= end ? "unseen" : elapsed >= begin ? "active" : "pending";
    begin = end;
    return { ...phase, state, actual_ms: state === "active" ? null : phase.actual_ms };
  });
}

// The last that an instance says: what comes after it nobody sees from here.
export function showEnd(report) {
  const states = new Map((heard?.drain.phases ?? []).map((phase) => [phase.name, phase.state]));
  const phases = report.phases.map((phase) => {
    const state = phase.name === "closing" ? "unseen" : states.get(phase.name) === "skipped" ? "skipped" : "done";
    return { ...phase, state };
  });
  heard = { ...heard, report };
  section.hidden = false;
  document.getElementById("shutdown-title").textContent = "Stopped";
  show(document.getElementById("timeline"), phases.map((phase) => step(phase, 0)));
  const result = [pill(report.clean ? "clean" : "not clean", report.clean ? "good" : "bad"), ` ${report.reason}, exit code ${report.exit_code}, ${span(report.elapsed_ms / 1000)} of ${span(report.deadline_ms / 1000)} until the services had ended. ${outcome(report)}`];
  const left = report.other_left.length ? ` Left: ${report.other_left.join(", ")}.` : "";
  show(document.getElementById("shutdown-work"), [...result, `${left} This page continues when an instance answers here again.`]);
}

function outcome(report) {
  const parts = [["finished", report.finished], ["handed back", report.handed_back], ["left", report.left], ["queued", report.queued]];
  const known = parts.filter(([, value]) => value !== null && value !== undefined);
  return `Jobs: ${known.map(([label, value]) => `${count(value)} ${label}`).join(", ")}.`;
}

// More than the clock's own coarseness beyond the plan.
function isLate(phase) {
  return phase.planned_ms > 0 && phase.actual_ms > phase.planned_ms * 1.02 + 50;
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
