"use strict";
// Finding one's way among the columns. All is there and readable without it.
(() => {
  const all = (what, from = document) => [...from.querySelectorAll(what)];
  const make = (tag, attributes, ...children) => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.append(...children);
    return made;
  };
  const cards = all("details.card");
  const reveal = () => {
    const target = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
    if (target && target.matches("details.card")) target.open = true;
  };
  addEventListener("hashchange", reveal);
  reveal();
  // Paper has nothing to click on.
  let closed = [];
  addEventListener("beforeprint", () => {
    closed = all("details:not([open])");
    if (closed.length <= 150) for (const one of closed) one.open = true;
  });
  addEventListener("afterprint", () => {
    for (const one of closed) one.open = false;
  });

  // Headers that sort what stands below them.
  const figure = (text) => {
    const plain = text.replace(/[≈,%<> ]/g, "");
    return plain !== "" && Number.isFinite(Number(plain)) ? Number(plain) : null;
  };
  const compare = (a, b) => {
    const [x, y] = [figure(a), figure(b)];
    if (x !== null && y !== null) return x - y;
    if ((x === null) !== (y === null)) return x === null ? 1 : -1;
    return a.localeCompare(b, undefined, { numeric: true });
  };
  for (const table of all("table")) {
    const body = table.tBodies[0];
    if (!body || body.rows.length < 2) continue;
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, at) => {
      const button = make("button", { type: "button", class: "sort" });
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const down = head.getAttribute("aria-sort") === "ascending";
        for (const other of heads) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        const rows = [...body.rows].map((row) => [row.cells[at].textContent.trim(), row]);
        rows.sort((a, b) => {
          if (!a[0] || !b[0]) return (a[0] ? 0 : 1) - (b[0] ? 0 : 1);
          return down ? compare(b[0], a[0]) : compare(a[0], b[0]);
        });
        body.append(...rows.map(([, row]) => row));
      });
    });
  }
  if (cards.length === 0) return;

  // The figures of a card, to be pasted into a sheet.
  for (const card of cards) {
    const facts = all(".groups > dl > div", card);
    if (facts.length === 0) continue;
    const button = make("button", { type: "button", class: "copy" }, "Copy figures");
    button.addEventListener("click", () => {
      const name = card.querySelector("h3").textContent;
      const lines = facts.map((fact) => {
        const value = fact.querySelector("dd bdi").textContent;
        return fact.querySelector("dt").textContent + "\t" + value;
      });
      const area = make("textarea", { class: "away", "aria-hidden": "true" });
      area.value = ["Column\t" + name, ...lines].join("\n");
      card.append(area);
      area.select();
      const done = document.execCommand("copy");
      area.remove();
      button.textContent = done ? "Copied" : "Could not copy";
      button.focus();
      setTimeout(() => (button.textContent = "Copy figures"), 2000);
    });
    card.append(button);
  }

  // Search, filter, order.
  const kinds = [...new Set(cards.map((card) => card.dataset.kind))].sort();
  const select = (name, label, options) => {
    const box = make("select", { id: "find-" + name });
    for (const [value, text] of options) box.append(make("option", { value }, text));
    return [make("label", { for: "find-" + name }, label), box];
  };
  const search = make("input", { type: "search", id: "find-text", autocomplete: "off", placeholder: "Name of a column" });
  const [kindLabel, kind] = select("kind", "Type", [["", "all types"], ...kinds.map((one) => [one, one])]);
  const [orderLabel, order] = select("order", "Order", [
    ["c", "as in the data"], ["name", "by name"], ["missing", "most missing"],
    ["distinct", "most distinct"], ["alerts", "most alerts"],
  ]);
  const alerts = make("input", { type: "checkbox", id: "find-alerts" });
  const found = make("p", { class: "found", role: "status" });
  const open = make("button", { type: "button" }, "Expand all");
  const close = make("button", { type: "button" }, "Collapse all");
  const form = make(
    "div", { class: "find", role: "search", "aria-label": "Columns" },
    make("label", { for: "find-text" }, "Find a column"), search,
    make("div", {}, kindLabel, kind), make("div", {}, orderLabel, order),
    make("div", {}, alerts, make("label", { for: "find-alerts" }, "with alerts only")),
    make("div", { class: "both" }, open, close), found,
  );
  const side = document.querySelector("nav.side");
  const toc = document.getElementById("toc");
  if (toc) side.insertBefore(form, toc);
  else document.getElementById("h-columns").after(form);
  const rows = new Map();
  for (const row of all("tr[data-c], #toc > li[data-c]")) {
    const of = row.dataset.c;
    rows.set(of, [...(rows.get(of) || []), row]);
  }
  const names = new Map(cards.map((card) => {
    const heading = card.querySelector("h3");
    return [card, (heading.title || heading.textContent).toLowerCase()];
  }));
  const apply = () => {
    const words = search.value.trim().toLowerCase();
    let shown = 0;
    for (const card of cards) {
      const wanted = names.get(card).includes(words)
        && (!kind.value || card.dataset.kind === kind.value)
        && (!alerts.checked || card.dataset.alerts !== "0");
      card.hidden = !wanted;
      for (const row of rows.get(card.dataset.c) || []) row.hidden = !wanted;
      if (wanted) shown += 1;
    }
    found.textContent = shown === cards.length
      ? cards.length + (cards.length === 1 ? " column" : " columns")
      : shown + " of " + cards.length + " columns";
  };
  const arrange = () => {
    const by = order.value;
    const sorted = [...cards].sort((a, b) => {
      if (by === "name") return names.get(a).localeCompare(names.get(b), undefined, { numeric: true });
      if (by === "c") return a.dataset.c - b.dataset.c;
      return b.dataset[by] - a.dataset[by] || a.dataset.c - b.dataset.c;
    });
    cards[0].parentNode.append(...sorted);
    for (const card of sorted) {
      for (const row of rows.get(card.dataset.c) || []) row.parentNode.append(row);
    }
  };
  search.addEventListener("input", apply);
  kind.addEventListener("change", apply);
  alerts.addEventListener("change", apply);
  order.addEventListener("change", arrange);
  open.addEventListener("click", () => cards.forEach((card) => (card.open = !card.hidden || card.open)));
  close.addEventListener("click", () => cards.forEach((card) => (card.open = false)));
  apply();
})();
