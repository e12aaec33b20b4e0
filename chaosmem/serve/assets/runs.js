// The list keeps itself up to date: when the server says that it looks another way, it is loaded
// again and replaces what is shown, but for what is chosen or read at the moment.
"use strict";

async function renew() {
  const answer = await fetch(location.href, { headers: { accept: "text/html" } });
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("list");
  const old = document.getElementById("list");
  const chosen = new Set([...old.querySelectorAll("input:checked")].map((box) => box.value));
  if (!fresh || old.contains(document.activeElement)) { waiting = true; return; }
  for (const box of fresh.querySelectorAll("input[type=checkbox]")) box.checked = chosen.has(box.value);
  old.replaceWith(document.adoptNode(fresh));
  waiting = false;
}

let waiting = false;
const stream = new EventSource("/events");
stream.addEventListener("list", (event) => {
  if (event.data !== document.getElementById("list").dataset.signature) renew();
});
document.addEventListener("focusout", () => { if (waiting) setTimeout(renew, 0); });
addEventListener("pagehide", () => stream.close());
