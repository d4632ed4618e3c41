// The supervision tree: one card per actor.

import { count, element, meter, pill, show, span } from "/assets/dom.js";

const TONES = { running: "good", starting: "quiet", restarting: "warn", draining: "warn", failed: "bad", stopped: "quiet" };
const BAD = ["failed", "lost", "refused", "panicked", "timed_out", "ignored_cancel"];
const SHOWN = { succeeded: "Succeeded", failed: "Failed", retried: "Retried", cancelled: "Cancelled", handed_back: "Handed back", lost: "Lost", refused: "Stale writes rejected", panicked: "Panicked", timed_out: "Timed out", ignored_cancel: "Ignored cancel", asked: "For reports" };
const CLEANER = { sweeps: "Sweeps", removed: "Sessions removed", failed: "Failed", forgotten: "Forgotten" };
const HISTORY = 60;
const history = new Map();

export function showTree(system) {
  const restarts = system.services.reduce((sum, service) => sum + service.restarts, 0);
  const abandoned = system.abandoned_threads.length;
  document.getElementById("supervisor").textContent =
    `${system.services.length} children, ${restarts} restart${restarts === 1 ? "" : "s"}` + (abandoned ? `, ${abandoned} thread${abandoned === 1 ? "" : "s"} given up` : "");
  show(document.getElementById("services"), system.services.map(card));
}

function card(service) {
  const pairs = [];
  if (service.slots) {
    pairs.push(["In flight", service.in_flight], ["Queued", service.queued]);
    for (const [key, label] of Object.entries(SHOWN)) {
      if (service.counts[key] || key === "succeeded" || key === "failed") pairs.push([label, service.counts[key], BAD.includes(key)]);
    }
  }
  for (const [key, label] of Object.entries(service.cleaner ? CLEANER : {})) pairs.push([label, service.cleaner[key], key === "failed"]);
  pairs.push(["Restarts", service.restarts, true]);
  if (service.hung) pairs.push(["Hung", service.hung, true]);
  const { depth, capacity } = service.mailbox;
  return element(
    "li",
    {},
    element(
      "article",
      { class: "card service" },
      element("div", { class: "name" }, element("h3", {}, service.name), pill(service.state, TONES[service.state] ?? "quiet")),
      service.slots ? slots(service) : null,
      service.slots ? spark(service) : null,
      element("dl", { class: "pairs" }, ...pairs.flatMap(([label, value, bad]) => [element("dt", {}, label), element("dd", { class: bad && value ? "bad" : null }, count(value))])),
      capacity ? element("p", { class: "muted" }, `Mailbox ${depth} of ${capacity}`) : null,
      capacity ? meter(`Mailbox of ${service.name}`, depth / capacity) : null,
      service.last_fault ? element("p", { class: "fault" }, service.last_fault) : null,
    ),
  );
}

function slots(service) {
  const shown = Math.min(service.slots, 64);
  const marks = Array.from({ length: shown }, (_, slot) => element("i", { class: slot < service.busy ? "busy" : null }));
  return element("div", { class: "slots", role: "img", "aria-label": `${service.busy} of ${service.slots} slots busy` }, ...marks);
}

// Attempts that ended per second, over the last minute.
function spark(service) {
  const rates = history.get(service.name)?.rates ?? [];
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const top = Math.max(1, ...rates);
  const at = (rate, index) => `${index + HISTORY - rates.length},${(30 - (28 * rate) / top).toFixed(1)}`;
  const first = HISTORY - rates.length;
  const path = document.createElementNS(svg.namespaceURI, "path");
  path.setAttribute("d", rates.length ? `M${first},31 L${rates.map(at).join(" L")} L${HISTORY - 1},31 Z` : "");
  svg.append(path);
  svg.setAttribute("viewBox", `0 0 ${HISTORY - 1} 32`);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("class", "spark");
  svg.setAttribute("role", "img");
  const last = rates.at(-1) ?? 0;
  svg.setAttribute("aria-label", `${last.toFixed(1)} jobs per second`);
  return element("div", {}, svg, element("p", { class: "muted" }, `${last.toFixed(last < 10 ? 1 : 0)} jobs/s, ${span(mean(service))} each`));
}

function mean(service) {
  const { busy_ms: busy = 0, claimed = 0 } = service.counts;
  return claimed ? busy / 1000 / claimed : 0;
}

export function remember(system) {
  const now = performance.now();
  for (const service of system.services) {
    const { succeeded = 0, failed = 0, cancelled = 0, retried = 0 } = service.counts;
    const done = succeeded + failed + cancelled + retried;
    const before = history.get(service.name);
    const rates = before?.rates ?? [];
    if (before && now > before.at) rates.push(Math.max(0, (1000 * (done - before.done)) / (now - before.at)));
    history.set(service.name, { done, at: now, rates: rates.slice(-HISTORY) });
  }
}
