// Light or dark: the system's, or the reader's choice by the button. `redraw` is called on a change.
"use strict";

function initTheme(redraw) {
  const root = document.documentElement, button = document.getElementById("theme");
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : dark.matches);
  const name = () => { button.textContent = isDark() ? "Light" : "Dark"; };
  button.hidden = false;
  button.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    try { localStorage.setItem("chaosmem-theme", root.dataset.theme); } catch { /* see head.js */ }
    name();
    redraw();
  });
  dark.addEventListener("change", () => { name(); redraw(); });
  name();
}
