// From a finding to its evidence: opens the trial, marks the interval on its time line, picks the
// flame graph, unfolds what hides the place, and moves the focus there.
"use strict";

function initEvidence(open, lines, graphs) {
  // The trial that an element is in; empty for the rest of the page.
  const trialOf = (element) => element.closest(".trial")?.id ?? "";

  function unfold(element) {
    for (let at = element; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
  }

  function place(id) {
    const element = document.getElementById(id);
    if (!element) return null;
    if (trialOf(element)) open(trialOf(element));
    unfold(element);
    return element;
  }

  function arrive(element) {
    if (!element.hasAttribute("tabindex")) element.tabIndex = -1;
    element.scrollIntoView({ block: element.tagName === "TR" ? "center" : "start" });
    element.focus({ preventScroll: true });
  }

  function follow(jump) {
    const element = place(jump.hash.slice(1));
    if (!element) return;
    const { start, end, on, graph, name } = jump.dataset, id = trialOf(element);
    const shown = lines(id);
    if (graph !== undefined) graphs(id)?.(Number(graph));
    let at = element;
    if (shown && start !== undefined) shown.mark([Number(start), Number(end)], on, name + ": " + jump.textContent);
    if (element.id === id + "-lines") at = document.getElementById(`${id}-chart-${on}`) ?? element;
    history.pushState(null, "", jump.hash);
    arrive(at);
  }

  for (const jump of document.querySelectorAll("a.jump")) {
    jump.addEventListener("click", (event) => { event.preventDefault(); follow(jump); });
  }
  // A link to a trial or to something in one, also from another page.
  function arrived() {
    const element = location.hash.length > 1 && place(location.hash.slice(1));
    if (element && trialOf(element)) arrive(element);
  }
  addEventListener("hashchange", arrived);
  arrived();
}
