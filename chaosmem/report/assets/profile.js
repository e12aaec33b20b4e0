// A page about profiles alone: its flame graphs, where it has any.
"use strict";

(function profile() {
  const host = document.querySelector("[data-flame]");
  initTheme(() => {});
  if (host) flamePart(host, JSON.parse(document.getElementById("data-flames").textContent), "only", true);
})();
