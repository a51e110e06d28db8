// Keeps the live page live, and says so when it no longer is. The page works without this file.
"use strict";

const SILENT_AFTER_MS = 1500;
let heard = performance.now();

function mark() {
  const silent = performance.now() - heard > SILENT_AFTER_MS;
  document.documentElement.classList.toggle("silent", silent);
  document.getElementById("silent").hidden = !silent;
}

function show(event) {
  const fresh = document.createElement("template");
  fresh.innerHTML = event.data;
  const live = document.getElementById("live");
  const old = [...live.querySelectorAll(":scope > [id]")];
  const now = [...fresh.content.querySelectorAll(":scope > [id]")];
  const same = old.length === now.length && old.every((part, n) => part.id === now[n].id);
  if (same) {
    // Only what changed, so that a focused link elsewhere keeps its focus.
    old.forEach((part, n) => { if (!part.isEqualNode(now[n])) part.replaceWith(now[n]); });
  } else {
    live.replaceChildren(...fresh.content.childNodes);
  }
}

const events = new EventSource("/events");
for (const kind of ["live", "beat"]) {
  events.addEventListener(kind, (event) => {
    heard = performance.now();
    if (kind === "live") show(event);
    mark();
  });
}
setInterval(mark, 100);
