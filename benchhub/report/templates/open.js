// Opens what an address names: `#cell=KEY`, or a section that is folded.
function reveal(part) {
  for (let at = part; at; at = at.parentElement?.closest("details")) {
    if (at.tagName === "DETAILS") at.open = true;
    at.hidden = false;
  }
  part.scrollIntoView({ block: "start" });
}
async function openCell(key) {
  const id = `cell=${key}`;
  let cell = document.getElementById(id);
  for (const part of document.querySelectorAll("details.later[data-cells]")) {
    if (cell || !canUnpack) break;
    if (!(await unpack(part.dataset.block)).includes(`id="${id}"`)) continue;
    await draw(part);
    cell = document.getElementById(id);
  }
  if (!cell) return;
  await fill(cell);
  reveal(cell);
  cell.querySelector("summary").focus({ preventScroll: true });
}
async function openAddressed() {
  if (asked()) {
    const params = new URLSearchParams(asked());
    if (FACETS.some((name) => params.has(name))) chooseAsAddressed(params);
    else if (params.has("cell")) keepInAddress(); // a link to a cell leaves the filters alone
    if (params.has("cell")) await openCell(params.get("cell"));
    return;
  }
  const part = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (part) {
    await draw(part);
    reveal(part);
  }
}
form.hidden = false;
sortable(document);
addEventListener("hashchange", openAddressed);
openAddressed();
// Clicking the link to the cell that is addressed already changes nothing: it opens all the same.
document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[href^='#']");
  if (link && link.hash === location.hash) openAddressed();
});
// A closed section would be missing on paper; what waits stays out of it.
addEventListener("beforeprint", () => {
  for (const part of document.querySelectorAll("details.on-paper")) part.open = true;
});
