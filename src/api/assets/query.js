// SQL over the tables of the session.

import { askExactly } from "/assets/client.js";
import { count, element, show } from "/assets/dom.js";

const ROWS = 200;
const box = document.getElementById("query");
const form = document.getElementById("query-form");
const problem = document.getElementById("query-problem");
const answer = document.getElementById("answer");
const button = document.getElementById("query-run");
let run = null;
let actions = null;

export function ready(parts) {
  ({ run, actions } = parts);
}

const quoted = (name) => (/^[a-z_][a-z0-9_]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`);

export function showTables(datasets) {
  const list = datasets.map((dataset) =>
    element(
      "li",
      {},
      element("button", { type: "button", class: "link", "data-insert": quoted(dataset.name), "data-focus": `t-${dataset.name}` }, dataset.name),
      dataset.schema ? element("span", { class: "columns" }, ...dataset.schema.slice(0, 60).map((field) => element("button", { type: "button", class: "chip", title: field.type, "data-insert": quoted(field.name), "data-focus": `c-${dataset.name}-${field.name}` }, field.name))) : null,
      dataset.schema?.length > 60 ? element("span", { class: "muted" }, ` and ${dataset.schema.length - 60} more`) : null,
    ),
  );
  show(document.getElementById("tables"), list);
  if (datasets.length && !box.value) box.value = `select * from ${quoted(datasets[0].name)} limit 20`;
}

document.getElementById("tables").addEventListener("click", (event) => {
  const text = event.target.closest("[data-insert]")?.dataset.insert;
  if (!text) return;
  box.setRangeText(text, box.selectionStart, box.selectionEnd, "end");
  box.focus();
});

box.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    form.requestSubmit();
  }
});

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (button.disabled || !box.value.trim()) return;
  button.disabled = true;
  problem.hidden = true;
  box.removeAttribute("aria-invalid");
  const began = performance.now();
  try {
    const job = await run("analyses", { kind: "sql", query: box.value }, () => (button.textContent = "Running…"));
    showAnswer(job, await askExactly(job.links.result, (value) => Number.isInteger(value) && !Number.isSafeInteger(value)), performance.now() - began);
  } catch (error) {
    problem.textContent = error.message;
    problem.hidden = false;
    box.setAttribute("aria-invalid", "true");
    select(error.message);
  }
  button.disabled = false;
  button.textContent = "Run";
});

// Puts the cursor where the message says that the mistake is.
function select(message) {
  const place = /line:? (\d+),? column:? (\d+)/i.exec(message);
  if (!place) return;
  const [line, column] = [Number(place[1]), Number(place[2])];
  const start = box.value.split("\n").slice(0, line - 1).reduce((sum, text) => sum + text.length + 1, 0) + column - 1;
  box.focus();
  box.setSelectionRange(Math.min(start, box.value.length), Math.min(start + 1, box.value.length));
}

function cell(value, type) {
  if (value === null) return element("td", { class: "null" }, "null");
  const text = typeof value === "object" ? JSON.stringify(value) : typeof value === "number" && ["float", "decimal"].includes(type) ? value.toLocaleString("en", { maximumSignificantDigits: 9 }) : String(value);
  const cut = text.length > 120;
  return element("td", { class: typeof value === "number" || JSON.isRawJSON?.(value) ? "n" : null, title: cut ? text.slice(0, 2000) : null }, element("bdi", {}, cut ? `${text.slice(0, 119)}…` : text));
}

const NUMBERS = ["integer", "float", "decimal"];

// The chart of a report: what it is of, and the member of the request.
function chartOf(columns) {
  const names = (fit) => columns.filter(fit).map((column) => element("option", { value: column.name }, column.name));
  const y = element("select", { "aria-label": "Chart: values" }, ...names((column) => NUMBERS.includes(column.type)));
  if (!y.options.length) return { controls: [], chart: () => ({}) };
  const kind = element("select", { "aria-label": "Chart: type" }, element("option", { value: "" }, "no chart"), ...["bar", "line", "scatter"].map((type) => element("option", { value: type }, type)));
  const x = element("select", { "aria-label": "Chart: horizontal axis" }, ...names(() => true));
  const chart = () => (kind.value ? { chart: { type: kind.value, x: x.value, y: [y.value] } } : {});
  return { controls: [element("div", { class: "row" }, element("span", {}, "Chart:"), kind, y, element("span", {}, "by"), x)], chart };
}

function showAnswer(job, result, took) {
  answer.hidden = false;
  const rows = result.rows.slice(0, ROWS);
  const shown = rows.length < result.row_count ? `, the first ${count(rows.length)} shown` : "";
  const more = result.truncated ? ", cut off at the limit" : "";
  const { controls, chart } = chartOf(result.columns);
  // Not through `show`: the buttons keep what they do.
  answer.replaceChildren(
    element("p", { class: "muted", role: "status" }, `${count(result.row_count)} ${result.row_count === 1 ? "row" : "rows"}${shown}${more}, ${Math.round(took)} ms`),
    element("div", { class: "scroll tall", tabindex: 0, role: "region", "aria-label": "Answer" },
      element("table", {},
        element("thead", {}, element("tr", {}, ...result.columns.map((column) => element("th", { scope: "col", class: NUMBERS.includes(column.type) ? "n" : null }, element("bdi", {}, column.name), " ", element("small", {}, column.type))))),
        element("tbody", {}, ...rows.map((row) => element("tr", {}, ...row.map((value, at) => cell(value, result.columns[at].type))))),
      )),
    ...controls,
    actions(job, "query", chart),
  );
}
