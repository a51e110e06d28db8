// Keeps the live page live, and says so when it no longer is. The page works without this file.
"use strict";

const SILENT_AFTER_MS = 1500;
let heard = performance.now();

function mark() {
  const silent = performance.now() - heard > SILENT_AFTER_MS;
  document.documentElement.classList.toggle("silent", silent);
  document.getElementById("silent").hidden = !silent;
}

// What makes two parts the same part. A link that leads elsewhere is another one: a click that began on the old one must not follow it.
function key(node) {
  if (node.nodeType !== Node.ELEMENT_NODE) return node.nodeName;
  if (node.id) return `#${node.id}`;
  return `${node.nodeName} ${node.getAttribute("class") ?? ""} ${node.getAttribute("href") ?? ""}`;
}

// Makes `old` say what `now` says and keeps every part of it that stays, so that a click or a focus on one is not lost.
function patch(old, now) {
  if (old.isEqualNode(now)) return;
  if (old.nodeType !== Node.ELEMENT_NODE) {
    old.nodeValue = now.nodeValue;
    return;
  }
  for (const { name } of [...old.attributes]) if (!now.hasAttribute(name)) old.removeAttribute(name);
  for (const { name, value } of now.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  parts(old, now);
}

// The same for the children: both lists are in the order of the template, so that what has no counterpart before the next match is gone.
function parts(old, now) {
  let at = old.firstChild;
  for (const fresh of [...now.childNodes]) {
    let match = at;
    // Text never skips parts: there is some between any two.
    if (fresh.nodeType === Node.ELEMENT_NODE) while (match && key(match) !== key(fresh)) match = match.nextSibling;
    else if (match?.nodeName !== fresh.nodeName) match = null;
    if (!match) {
      old.insertBefore(fresh, at);
      continue;
    }
    while (at !== match) {
      const gone = at;
      at = at.nextSibling;
      gone.remove();
    }
    at = match.nextSibling;
    patch(match, fresh);
  }
  while (at) {
    const gone = at;
    at = at.nextSibling;
    gone.remove();
  }
}

function show(event) {
  const fresh = document.createElement("template");
  fresh.innerHTML = event.data;
  parts(document.getElementById("live"), fresh.content);
}

const events = new EventSource("/events");
for (const kind of ["live", "clock", "beat"]) {
  events.addEventListener(kind, (event) => {
    heard = performance.now();
    if (kind === "live") show(event);
    if (kind === "clock") document.getElementById("clock").textContent = event.data;
    mark();
  });
}
setInterval(mark, 100);
