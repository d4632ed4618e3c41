// A profile on the page: what matters of it; the report has the rest.

import { count, element, show } from "/assets/dom.js";

const COLUMNS = 500;
const ALERTS = 8;
const SVG = "http://www.w3.org/2000/svg";
const place = document.getElementById("profile");

export function showProfile(profile, actions) {
  const { dataset, columns, alerts } = profile;
  const tiles = [
    ["Rows", count(dataset.rows)],
    ["Columns", count(dataset.columns)],
    ["Missing cells", `${count(dataset.missing_cells)}`],
    ["Duplicate rows", `${dataset.duplicate_rows_estimated ? "≈ " : ""}${count(dataset.duplicate_rows)}`],
  ];
  const listed = alerts.slice(0, ALERTS).map((alert) => element("li", {}, element("strong", {}, alert.column ?? "dataset"), " ", alert.detail));
  if (alerts.length > ALERTS) listed.push(element("li", { class: "muted" }, `and ${count(alerts.length - ALERTS)} more in the report`));
  const heads = ["Column", "Type", "Missing", "Distinct", "Min", "Mean", "Max", "Distribution"];
  place.hidden = false;
  // Not through `show`: the buttons keep what they do.
  place.replaceChildren(
    element("h3", {}, element("bdi", {}, dataset.name)),
    actions,
    element("dl", { class: "figures" }, ...tiles.map(([label, value]) => element("div", {}, element("dt", {}, label), element("dd", {}, value)))),
    listed.length ? element("ul", { class: "alerts" }, ...listed) : element("p", { class: "muted" }, "No alerts."),
    element("div", { class: "scroll tall", tabindex: 0, role: "region", "aria-label": `Columns of ${dataset.name}` },
      element("table", {},
        element("thead", {}, element("tr", {}, ...heads.map((head, at) => element("th", { scope: "col", class: at > 1 && at < 7 ? "n" : null }, head)))),
        element("tbody", {}, ...columns.slice(0, COLUMNS).map(row)),
      )),
  );
}

function row(column) {
  const all = column.count + column.missing;
  const { min = "", mean = "", max = "" } = range(column);
  const missing = column.missing ? `${((100 * column.missing) / all).toFixed(1)}%` : "0";
  return element("tr", {},
    element("th", { scope: "row", title: column.name }, element("bdi", {}, column.name)),
    element("td", {}, column.type),
    element("td", { class: "n" }, missing),
    element("td", { class: "n" }, `${column.distinct_estimated ? "≈ " : ""}${count(column.distinct)}`),
    element("td", { class: "n" }, min), element("td", { class: "n" }, mean), element("td", { class: "n" }, max),
    element("td", {}, spark(column)),
  );
}

const figure = (value) => (value === null || value === undefined ? "–" : Number(value).toLocaleString("en", { maximumSignificantDigits: 6 }));
// Years are not grouped.
const plain = (value) => String(value);

function range(column) {
  if (column.numeric) {
    const { min, mean, max } = column.numeric;
    const years = Number.isInteger(min) && Number.isInteger(max) && min >= 1000 && max < 3000;
    return { min: years ? plain(min) : figure(min), mean: years ? mean.toFixed(1) : figure(mean), max: years ? plain(max) : figure(max) };
  }
  if (column.temporal) {
    const day = (at) => (at ?? "").replace("T00:00:00Z", "").replace("T", " ").replace("Z", "");
    return { min: day(column.temporal.min), max: day(column.temporal.max) };
  }
  return {};
}

function spark(column) {
  const counts = column.numeric?.histogram.counts ?? column.temporal?.histogram.counts ?? column.top.slice(0, 10).map((top) => top.count);
  const svg = document.createElementNS(SVG, "svg");
  const most = Math.max(1, ...counts);
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", `M0 20${counts.map((n) => `V${(20 - (20 * n) / most).toFixed(1)}h1`).join("")}V20z`);
  svg.append(path);
  svg.setAttribute("viewBox", `0 0 ${Math.max(1, counts.length)} 20`);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("class", "mini");
  svg.setAttribute("aria-hidden", "true");
  const top = column.numeric || column.temporal ? null : column.top[0];
  return top ? element("span", { class: "with-top" }, svg, element("span", { class: "muted" }, `${top.value} (${count(top.count)})`)) : svg;
}
