// Filters: every line says what it is of (data-f), by the places of the choices; `-` is none.
const FACETS = ["device", "backend", "variant", "scenario", "verdict", "threads"];
const form = document.getElementById("filters");
const chosen = () => FACETS.map((name) => (form[name] ? form[name].value : ""));
function narrow(root) {
  const wanted = chosen();
  const keeps = (line) => {
    const places = line.dataset.f.split(" ");
    return wanted.every((value, at) => value === "" || value === places[at]);
  };
  for (const line of root.querySelectorAll("[data-f]")) {
    if (line.tagName === "TD") line.classList.toggle("off", !keeps(line));
    else line.hidden = !keeps(line);
  }
  for (const part of root.querySelectorAll("[data-device]"))
    part.hidden = wanted[0] !== "" && wanted[0] !== part.dataset.device;
  for (const table of root.querySelectorAll("table.heat")) narrowMap(table);
}
// Lines and columns of the map of which nothing is left are taken out.
function narrowMap(table) {
  const rows = [...table.tBodies[0].rows];
  const used = new Set([0]);
  for (const row of rows) {
    const left = [...row.cells].filter((cell) => cell.dataset.f && !cell.classList.contains("off"));
    row.hidden = left.length === 0;
    for (const cell of left) used.add(cell.cellIndex);
  }
  for (const row of [table.tHead.rows[0], ...rows])
    for (const cell of row.cells) cell.hidden = !used.has(cell.cellIndex);
}
// The address holds what was chosen, by name.
function keepInAddress() {
  const now = new URLSearchParams(asked());
  for (const name of FACETS) {
    now.delete(name);
    if (form[name] && form[name].value !== "")
      now.set(name, form[name].selectedOptions[0].textContent);
  }
  const text = now.toString();
  history.replaceState(null, "", text ? `#${text}` : location.pathname + location.search);
}
function chooseAsAddressed(params) {
  for (const name of FACETS) {
    if (!form[name]) continue;
    const found = [...form[name].options].find((one) => one.value && one.text === params.get(name));
    form[name].value = found ? found.value : "";
  }
  narrow(document);
}
const asked = () => (location.hash.includes("=") ? location.hash.slice(1) : "");
form.addEventListener("change", () => {
  narrow(document);
  keepInAddress();
});
form.addEventListener("reset", () => setTimeout(() => form.dispatchEvent(new Event("change"))));
