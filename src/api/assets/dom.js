// Elements and figures. Text from the service goes into text nodes only.

export function element(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "onclick") node.addEventListener("click", value);
    else if (value !== null && value !== false) node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

// Replaces children only where something has changed, so that focus and selection stay.
export function show(parent, children) {
  const fresh = element("div", {}, ...children);
  if (parent.dataset.shown === fresh.innerHTML) return;
  parent.dataset.shown = fresh.innerHTML;
  const focused = parent.contains(document.activeElement) ? document.activeElement.dataset.focus : null;
  parent.replaceChildren(...fresh.childNodes);
  if (focused) parent.querySelector(`[data-focus="${CSS.escape(focused)}"]`)?.focus();
}

export function meter(label, part, tone = "") {
  const bar = element("i", { class: tone });
  const percent = Math.round(Math.min(1, Math.max(0, part)) * 100);
  const node = element("div", { class: "meter", role: "progressbar", "aria-label": label, "aria-valuemin": 0, "aria-valuemax": 100, "aria-valuenow": percent, "data-part": percent }, bar);
  // Through the object model: the policy of the page forbids style attributes in markup.
  queueMicrotask(() => bar.style.setProperty("width", `${percent}%`));
  return node;
}

export function pill(text, tone) {
  return element("span", { class: "pill", "data-tone": tone }, text);
}

export function short(id) {
  return `…${id.slice(-8)}`;
}

export function count(value) {
  return value === null || value === undefined ? "–" : value.toLocaleString("en");
}

export function span(seconds) {
  if (seconds < 0) return "now";
  if (seconds < 0.9995) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 60) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
  return `${Math.floor(seconds / 86_400)} d ${Math.floor((seconds % 86_400) / 3600)} h`;
}

export function since(time, until = Date.now()) {
  return (until - Date.parse(time)) / 1000;
}
