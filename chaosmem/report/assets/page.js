// Puts the parts together: trials, evidence, print.
"use strict";

(function page() {
  const root = document.documentElement, live = document.getElementById("live");
  const shown = new Map(); // trial id -> its time lines
  const graphs = new Map(); // trial id -> what chooses one of its flame graphs

  function data(id) { return JSON.parse(document.getElementById("data-" + id).textContent); }

  function drawLines(id) {
    const host = document.querySelector(`[data-charts="${id}"]`);
    if (!host) return;
    shown.get(id)?.destroy();
    shown.set(id, timeLines(host, data(id), live, id));
  }

  function drawFlames(id) {
    const host = document.querySelector(`[data-flame="${id}"]`);
    if (host && !host.hasChildNodes()) graphs.set(id, flamePart(host, data(id).flames, id, false));
  }

  function open(id) {
    for (const panel of document.querySelectorAll(".trial")) {
      panel.classList.toggle("shown", panel.id === id);
    }
    for (const tab of document.querySelectorAll("[role=tab]")) {
      const own = tab.id === "tab-" + id;
      tab.setAttribute("aria-selected", String(own));
      tab.tabIndex = own ? 0 : -1;
    }
    if (!shown.has(id)) drawLines(id);
    drawFlames(id);
  }

  function redraw() {
    for (const id of shown.keys()) {
      if (document.getElementById(id).classList.contains("shown")) drawLines(id);
      else { shown.get(id).destroy(); shown.delete(id); }
    }
  }

  // Tabs stand in rows (arm and target): left and right go through all, up and down by row.
  function initTabs() {
    const tabs = [...document.querySelectorAll("[role=tab]")];
    const rows = [...document.querySelectorAll("[role=tablist]")].map((list) => [...list.children]);
    function beside(tab, by) {
      const row = rows.findIndex((one) => one.includes(tab)), at = rows[row].indexOf(tab);
      const other = rows[(row + by + rows.length) % rows.length];
      return tabs.indexOf(other[Math.min(at, other.length - 1)]);
    }
    tabs.forEach((tab, i) => {
      tab.addEventListener("click", () => open(tab.getAttribute("aria-controls")));
      tab.addEventListener("keydown", (event) => {
        const to = { ArrowRight: i + 1, ArrowLeft: i - 1, Home: 0, End: tabs.length - 1,
                     ArrowDown: beside(tab, 1), ArrowUp: beside(tab, -1) }[event.key];
        if (to === undefined) return;
        event.preventDefault();
        const next = tabs[(to + tabs.length) % tabs.length];
        open(next.getAttribute("aria-controls"));
        next.focus();
      });
    });
  }

  // On paper: light, as wide as the paper, and what did not pass and what happened unfolded.
  function initPrint() {
    const parts = [".check:not(.pass) > details", ".trial.shown > .events-part"];
    let closed = [], theme = null;
    addEventListener("beforeprint", () => {
      closed = [...document.querySelectorAll(parts.map((p) => p + ":not([open])").join())];
      for (const details of closed) details.open = true;
      theme = root.dataset.theme;
      root.dataset.theme = "light"; // print's colours do not hold yet, and the charts need them
      root.classList.add("printing");
      redraw();
    });
    addEventListener("afterprint", () => {
      for (const details of closed) details.open = false;
      if (theme) root.dataset.theme = theme; else delete root.dataset.theme;
      root.classList.remove("printing");
      redraw();
    });
  }

  initTheme(redraw);
  initTabs();
  initPrint();
  const first = document.querySelector(".trial.shown");
  if (first) open(first.id);
  initEvidence(open, (id) => shown.get(id), (id) => graphs.get(id));
  let frame = 0;
  addEventListener("resize", () => {
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(() => { for (const lines of shown.values()) lines.resize(); });
  });
})();
