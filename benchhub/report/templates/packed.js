// Parts of the page that wait: unpacked from inert script elements, and put in once.
const unpacked = new Map();
function unpack(name) {
  if (!unpacked.has(name)) unpacked.set(name, inflate(document.getElementById(name).textContent));
  return unpacked.get(name);
}
async function inflate(text) {
  const bytes = Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return new Response(stream).text();
}
const canUnpack = typeof DecompressionStream === "function";
const CANNOT =
  "This browser cannot unpack this part (it has no DecompressionStream): a newer one can, and benchhub report --format csv or json has it.";
// Draws what a section holds back; again is as once.
async function draw(part) {
  if (!part.classList.contains("later")) return;
  const note = part.querySelector(":scope > p");
  if (!canUnpack) {
    note.textContent = CANNOT;
    return;
  }
  const html = await unpack(part.dataset.block);
  if (!part.classList.contains("later")) return;
  part.classList.remove("later");
  note.remove();
  part.insertAdjacentHTML("beforeend", html);
  sortable(part);
  narrow(part);
  part.dispatchEvent(new CustomEvent("drawn", { bubbles: true }));
}
// Puts in what a cell opens, where its device's section holds that back.
async function fill(cell) {
  const device = cell.closest("[data-cells]");
  if (!device || cell.dataset.filled) return;
  cell.dataset.filled = "yes";
  const inside = JSON.parse(await unpack(device.dataset.cells));
  cell.insertAdjacentHTML("beforeend", inside[cell.id.slice("cell=".length)]);
  cell.dispatchEvent(new CustomEvent("drawn", { bubbles: true }));
}
document.addEventListener(
  "toggle",
  (event) => {
    const part = event.target;
    if (!part.open) return;
    if (part.classList.contains("later")) draw(part);
    if (part.classList.contains("opens")) fill(part);
  },
  true,
);
