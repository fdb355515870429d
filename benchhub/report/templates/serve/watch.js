// Takes what changed of a page from the server, and counts the seconds of what is dated.
"use strict";
const live = document.querySelector("[data-events]");
const told = document.getElementById("refreshing");
const problem = document.getElementById("problem");
let events = null;

function ago(seconds) {
  const s = Math.max(0, Math.round(seconds));
  if (s < 120) return `${s} s ago`;
  if (s < 7200) return `${Math.floor(s / 60)} min ago`;
  return s < 172800 ? `${Math.floor(s / 3600)} h ago` : `${Math.floor(s / 86400)} days ago`;
}

function count(part) {
  for (const time of part.querySelectorAll("time[data-age]")) {
    const text = ago((Date.now() - Date.parse(time.dateTime)) / 1000);
    if (time.textContent !== text) time.textContent = text;
  }
}

function made(html) {
  const holder = document.createElement("template"); // scripts in it do not run
  holder.innerHTML = html;
  return holder.content.firstElementChild;
}

function take(message) {
  const place = live.querySelector("[data-pieces]");
  for (const [id, html] of Object.entries(message.pieces)) {
    const piece = made(html);
    const old = document.getElementById(id);
    const focused = old && old.contains(document.activeElement) ? document.activeElement.href : null;
    if (old) old.replaceWith(piece);
    else place.append(piece);
    if (focused) [...piece.querySelectorAll("a")].find((a) => a.href === focused)?.focus();
  }
  if (message.order) {
    const there = new Set(message.order);
    for (const piece of [...place.children]) if (!there.has(piece.id)) piece.remove();
    message.order.forEach((id, at) => {
      const piece = document.getElementById(id);
      if (piece && place.children[at] !== piece) place.insertBefore(piece, place.children[at] ?? null);
    });
  }
  const empty = live.querySelector("[data-empty]");
  if (empty) {
    empty.hidden = message.count > 0;
    live.querySelector("[data-full]").hidden = message.count === 0;
  }
  document.getElementById("read").textContent = message.at.replace("T", " ").replace("+00:00", " UTC");
  problem.hidden = !message.problem;
  problem.textContent = message.problem ? `The store cannot be read now: ${message.problem}.` : "";
  count(place);
}

function watch() {
  if (events) return;
  events = new EventSource(live.dataset.events);
  events.onopen = () => { told.textContent = "This page refreshes itself."; };
  events.onmessage = (event) => take(JSON.parse(event.data));
  events.onerror = () => {
    const over = events.readyState === EventSource.CLOSED;
    told.textContent = over
      ? "This page does not refresh itself any more: reload it."
      : "The server does not answer: this page asks again every few seconds.";
  };
}

function rest() {
  events?.close();
  events = null;
}

count(document);
setInterval(() => document.hidden || count(document), 1000);
if (live) {
  // A tab that nobody sees keeps no connection: a browser has few for a server.
  document.addEventListener("visibilitychange", () => (document.hidden ? rest() : watch()));
  addEventListener("pagehide", rest);
  if (!document.hidden) watch();
}
