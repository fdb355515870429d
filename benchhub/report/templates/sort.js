// Sorting is an extra: a button in every heading, stable, empty cells always last.
function sortable(root) {
  for (const table of root.querySelectorAll("table.sortable")) {
    const heads = [...table.tHead.rows[0].cells];
    const body = table.tBodies[0];
    heads.forEach((head, index) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.replaceChildren(button);
      button.addEventListener("click", () => {
        const down = head.getAttribute("aria-sort") === "ascending";
        for (const other of heads) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        const key = (row) => {
          const cell = row.cells[index];
          return cell.dataset.sort !== undefined ? Number(cell.dataset.sort) : cell.textContent;
        };
        const rank = (value) => (typeof value === "number" ? 0 : value === "" ? 2 : 1);
        const compare = (a, b) => {
          if (rank(a) !== rank(b)) return rank(a) - rank(b);
          const order = typeof a === "number" ? a - b : a.localeCompare(b, "en", { numeric: true });
          return down ? -order : order;
        };
        const rows = [...body.rows].map((row) => [key(row), row]);
        rows.sort((a, b) => compare(a[0], b[0]));
        body.append(...rows.map((pair) => pair[1]));
      });
    });
  }
}
