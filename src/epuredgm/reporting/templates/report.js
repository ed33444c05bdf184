"use strict";
// The page works without this: it makes tabs of panels, sorts tables, and switches between light and dark.
(() => {
  const root = document.documentElement;
  root.classList.add("js");
  const make = (tag, about, ...inside) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(about)) element.setAttribute(name, value);
    element.append(...inside);
    return element;
  };
  const children = (element, selector) => [...element.children].filter((each) => each.matches(selector));

  // Tabs, as the ARIA pattern has them: arrows, Home and End move, and what is moved to is shown.
  const show = (tabs, panels, chosen, focus) => {
    tabs.forEach((tab, index) => {
      tab.setAttribute("aria-selected", String(index === chosen));
      tab.tabIndex = index === chosen ? 0 : -1;
      panels[index].hidden = index !== chosen;
    });
    if (focus) tabs[chosen].focus();
  };
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
  document.querySelectorAll("[data-tabs]").forEach((group, number) => {
    const panels = children(group, ".panel");
    if (!panels.length) return;
    const tabs = panels.map((panel, index) => {
      const id = `tab-${number}-${index}`;
      const heading = children(panel, "h3, h4, h5")[0];
      const tab = make("button", { type: "button", role: "tab", id, "aria-controls": `panel-${number}-${index}` });
      if (panel.dataset.color) {
        const dot = make("i", { "aria-hidden": "true" });
        dot.style.background = panel.dataset.color;
        tab.append(dot);
      }
      tab.append(heading.textContent);
      panel.id = `panel-${number}-${index}`;
      panel.setAttribute("role", "tabpanel");
      panel.setAttribute("aria-labelledby", id);
      return tab;
    });
    tabs.forEach((tab, index) => {
      tab.addEventListener("click", () => show(tabs, panels, index, false));
      tab.addEventListener("keydown", (event) => {
        const last = tabs.length - 1;
        const next = { Home: 0, End: last }[event.key] ?? index + (step[event.key] ?? NaN);
        if (Number.isNaN(next)) return;
        event.preventDefault();
        show(tabs, panels, (next + tabs.length) % tabs.length, true);
      });
    });
    group.prepend(make("div", { class: "tablist", role: "tablist", "aria-label": group.dataset.tabs }, ...tabs));
    show(tabs, panels, 0, false);
  });

  // Tables: a click on a column's head sorts by it; what has no value stays last.
  const key = (cell) => {
    const text = cell.dataset.key;
    if (text === undefined) return null;
    return text !== "" && Number.isFinite(Number(text)) ? Number(text) : text;
  };
  const compare = (a, b) => (typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b)));
  document.querySelectorAll("table.sortable").forEach((table) => {
    const body = table.tBodies[0];
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      if (head.tagName !== "TH" || ![...body.rows].some((row) => row.cells[column].dataset.key !== undefined)) return;
      const button = make("button", { type: "button" }, ...head.childNodes);
      head.append(button);
      if (!head.hasAttribute("aria-sort")) head.setAttribute("aria-sort", "none");
      button.addEventListener("click", () => {
        const now = head.getAttribute("aria-sort");
        const first = head.dataset.first ?? "ascending";
        const other = first === "ascending" ? "descending" : "ascending";
        const order = now === first ? other : first;
        heads.forEach((each) => each.hasAttribute("aria-sort") && each.setAttribute("aria-sort", "none"));
        head.setAttribute("aria-sort", order);
        const sign = order === "ascending" ? 1 : -1;
        const rows = [...body.rows].map((row) => [key(row.cells[column]), row]);
        rows.sort(([a], [b]) => {
          if (a === null || b === null) return (a === null) - (b === null);
          return sign * compare(a, b);
        });
        body.append(...rows.map(([, row]) => row));
      });
    });
  });

  // Light and dark: as the system says, until somebody chooses.
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const theme = () => root.dataset.theme ?? (dark.matches ? "dark" : "light");
  const toggle = make("button", { type: "button", class: "theme" });
  const label = () => { toggle.textContent = theme() === "dark" ? "Light" : "Dark"; toggle.setAttribute("aria-label", `Switch to ${theme() === "dark" ? "light" : "dark"} colours`); };
  const remember = (value) => { try { localStorage.setItem("epuredgm-theme", value); } catch { /* a file may not */ } };
  try { const kept = localStorage.getItem("epuredgm-theme"); if (kept) root.dataset.theme = kept; } catch { /* nor read */ }
  toggle.addEventListener("click", () => {
    root.dataset.theme = theme() === "dark" ? "light" : "dark";
    remember(root.dataset.theme);
    label();
  });
  dark.addEventListener("change", label);
  label();
  document.querySelector("header.top").prepend(toggle);
})();
