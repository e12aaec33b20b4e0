// Waits for a run to begin, then asks the server where it is.
"use strict";

const stream = new EventSource("/events");
stream.addEventListener("list", (event) => {
  if (event.data !== document.getElementById("waiting").dataset.signature) location.reload();
});
addEventListener("pagehide", () => stream.close());
