// A board: rows and answers are narrowed down and ordered; what is chosen stands in the address.
const form = document.getElementById("filters");
const names = form.dataset.names ? form.dataset.names.split(" ") : [];
const places = form.dataset.all.split(" ");
const packedRows = document.getElementById("packed");
const MOST = 200; // rows that are drawn at once
const fold = (text) => text.toLowerCase().normalize("NFKD");
const texts = new WeakMap();
function textOf(row) {
  if (!texts.has(row)) texts.set(row, fold(row.rows[0].textContent.replace(/\s+/g, " ")));
  return texts.get(row);
}
function wanted() {
  const at = names.map((name) => [places.indexOf(name), form[name].value]);
  const words = fold(form.q.value).split(/\s+/).filter(Boolean);
  return (f, text) =>
    at.every(([place, value]) => value === "" || f[place] === value) &&
    words.every((word) => text().includes(word));
}
const labelOf = (name) =>
  form[name] && form[name].value !== "" ? form[name].selectedOptions[0].textContent : "";
// Of answers those stay whose suite and device are chosen.
function narrowAnswers() {
  const suite = labelOf("suite"), device = labelOf("device");
  for (const part of document.querySelectorAll(".suite")) {
    part.hidden = suite !== "" && part.dataset.suite !== suite;
    let any = false;
    for (const line of part.querySelectorAll("table.answer tbody tr, li[data-device]")) {
      const own = line.dataset.device ?? line.cells[0].firstChild.textContent.trim();
      line.hidden = device !== "" && own !== device;
      any ||= !line.hidden;
    }
    for (const group of part.querySelectorAll("details.group")) {
      const left = group.querySelector("tbody tr:not([hidden])");
      group.hidden = !left;
      if (device !== "" && left) group.open = true;
    }
    if (device !== "" && !any) part.hidden = true;
  }
}
function narrowRows() {
  const keeps = wanted();
  let shown = 0, all = 0;
  for (const row of document.querySelectorAll("tbody.row")) {
    row.hidden = !keeps(row.dataset.f.split(" "), () => textOf(row));
    all += 1;
    shown += row.hidden ? 0 : 1;
  }
  form.querySelector("#count").value = `${shown} of ${all} rows`;
}
function rank(value) {
  return typeof value === "number" ? 0 : value === "" ? 2 : 1;
}
// Times of an emulator are ranked against nobody's: they stand behind those of devices.
const RANKED = ["4", "5", "6", "7"]; // p50, p95, rate and speed-up
const apart = (a, b) => (RANKED.includes(form.sort.value) ? a - b : 0);
function inOrder(a, b, down) {
  if (rank(a) !== rank(b)) return rank(a) - rank(b);
  const order = typeof a === "number" ? a - b : a.localeCompare(b, "en", { numeric: true });
  return down ? -order : order;
}
// Rows of a table in another order: what has no value stands last.
let down = false;
function sortRows() {
  const column = form.sort.value;
  for (const table of document.querySelectorAll("table.board:not(.found)")) {
    const bodies = [...table.tBodies];
    bodies.forEach((body, at) => (body.dataset.at ??= at));
    const key = (body) => {
      if (column === "") return Number(body.dataset.at);
      const cell = body.rows[0].cells[column];
      return cell.dataset.sort !== undefined ? Number(cell.dataset.sort) : cell.textContent.trim();
    };
    const keyed = bodies.map((body) => [key(body), body]);
    const emulated = (pair) => Number(pair[1].classList.contains("emulated"));
    keyed.sort(
      (a, b) => apart(emulated(a), emulated(b)) || inOrder(a[0], b[0], column !== "" && down),
    );
    table.append(...keyed.map((pair) => pair[1]));
    [...table.tHead.rows[0].cells].forEach((head, at) => {
      head.removeAttribute("aria-sort");
      if (String(at) === column) head.setAttribute("aria-sort", down ? "descending" : "ascending");
    });
  }
}
for (const table of document.querySelectorAll("table.board:not(.found)"))
  [...table.tHead.rows[0].cells].forEach((head, at) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      down = form.sort.value === String(at) && !down;
      form.sort.value = String(at);
      change();
    });
  });
// The rows of other pages, where this one has none: unpacked, searched, and drawn as text.
let found;
async function searched() {
  found ??= (async () => {
    const bytes = Uint8Array.from(atob(packedRows.textContent), (char) => char.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
    const told = JSON.parse(await new Response(stream).text());
    for (const row of told.rows) row.text = fold(row.slice(4).join(" "));
    return told;
  })();
  return found;
}
// What stands in small letters: versions, settings, intervals, the run's id.
const PARTED = { 0: " (", 1: " ", 3: ", ", 4: " ", 5: " ", 6: " ", 7: " ", 8: " ", 10: " " };
function parted(text, by) {
  const at = by ? text.indexOf(by) : -1;
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1).trim()];
}
function small(text) {
  const part = document.createElement("small");
  part.textContent = text;
  return part;
}
const SORTED = { 0: 4, 1: 5, 2: 6, 3: 7, 4: 8, 5: 9, 6: 10, 7: 11, 8: 12, 11: 13, 12: 14 };
async function drawFound() {
  const told = await searched();
  const keeps = wanted();
  const kept = told.rows.filter((row) => keeps(row[2].split(" "), () => row.text));
  const column = SORTED[form.sort.value];
  const value = (row) => {
    const text = row[column];
    return column >= 8 && column <= 12 && text !== "" ? Number.parseFloat(text.replace(/,/g, "")) : text;
  };
  if (column !== undefined)
    kept.sort((a, b) => apart(a[3] & 2, b[3] & 2) || inOrder(value(a), value(b), down));
  const body = document.querySelector("#found tbody");
  body.replaceChildren(
    ...kept.slice(0, MOST).map((row) => {
      const line = document.createElement("tr");
      row.slice(4).forEach((text, at) => {
        const cell = document.createElement(at ? "td" : "th");
        if (!at) cell.scope = "row";
        cell.dataset.head = HEADS[at];
        const [first, rest] = parted(text, PARTED[at]);
        const holder = at === 2 ? document.createElement("a") : cell;
        if (at === 2) holder.href = `${told.paths[row[0]]}#${row[1]}`;
        holder.append(first);
        if (at === 2) cell.append(holder);
        if (rest) cell.append(small(at === 10 && !(row[3] & 1) ? `${rest} (older)` : rest));
        if (!text) cell.className = "none";
        line.append(cell);
      });
      return line;
    }),
  );
  document.getElementById("found-region").hidden = kept.length === 0;
  const left = kept.length - MOST;
  document.getElementById("left").textContent =
    left > 0 ? `and ${left} more: narrow them down, or open a page of a suite.` : "";
  form.querySelector("#count").value = `${kept.length} of ${told.rows.length} rows`;
}
const HEADS = packedRows
  ? [...document.querySelectorAll("#found thead th")].map((head) => head.textContent)
  : [];
const canUnpack = typeof DecompressionStream === "function";
async function draw() {
  narrowAnswers();
  if (!packedRows) {
    narrowRows();
    sortRows();
  } else if (canUnpack) await drawFound();
}
function keepInAddress() {
  const now = new URLSearchParams();
  for (const name of names) if (labelOf(name)) now.set(name, labelOf(name));
  if (form.q.value) now.set("q", form.q.value);
  if (form.sort.value) now.set("sort", labelOf("sort") + (down ? " down" : ""));
  const text = now.toString();
  history.replaceState(null, "", text ? `#${text}` : location.pathname + location.search);
}
function change() {
  keepInAddress();
  return draw();
}
// What an address asks for: `#r-..` is a row, also of another page; else `#device=..&q=..`.
async function openAddressed() {
  const told = location.hash.slice(1);
  if (told.includes("=")) {
    const asked = new URLSearchParams(told);
    for (const name of [...names, "sort"]) {
      const text = (asked.get(name) ?? "").replace(/ down$/, "");
      const option = [...form[name].options].find((one) => one.value && one.text === text);
      form[name].value = option ? option.value : "";
    }
    down = (asked.get("sort") ?? "").endsWith(" down");
    form.q.value = asked.get("q") ?? "";
    await draw();
    return;
  }
  await draw();
  if (!/^[\w-]+$/.test(told)) return;
  const part = document.getElementById(told);
  if (part) {
    part.hidden = false;
    for (let at = part; at; at = at.parentElement?.closest("details"))
      if (at.tagName === "DETAILS") at.open = true;
    const inside = part.classList.contains("row") && part.querySelector("details");
    if (inside) inside.open = true;
    part.scrollIntoView({ block: "start" });
  } else if (packedRows && canUnpack && told.startsWith("r-")) {
    const all = await searched();
    const row = all.rows.find((one) => one[1] === told);
    if (row) location.replace(`${all.paths[row[0]]}#${told}`);
  }
}
form.hidden = false;
form.addEventListener("input", change);
form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("reset", () => setTimeout(() => { down = false; change(); }));
addEventListener("hashchange", openAddressed);
addEventListener("beforeprint", () => {
  for (const part of document.querySelectorAll("details.on-paper")) part.open = true;
});
openAddressed();
