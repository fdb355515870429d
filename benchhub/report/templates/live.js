// Live charts take the place of the drawn ones, with tooltips; the drawn one stays if this fails.
// Colours follow the reader's ground, and print is light, by the style that the drawn ones bring.
const colours = document.head.appendChild(document.createElement("style"));
function enliven(part) {
  for (const data of part.querySelectorAll("script.spec")) {
    const place = data.parentElement.querySelector(".chart");
    const drawn = place.innerHTML;
    const style = place.querySelector("style");
    if (style) colours.textContent ||= style.textContent;
    const spec = JSON.parse(data.textContent);
    spec.config.background = "transparent"; // the page's own ground
    data.remove();
    vegaEmbed(place, spec, { renderer: "svg", actions: false, ast: false }).catch((error) => {
      place.innerHTML = drawn;
      console.error(error);
    });
  }
}
const tips = document.head.appendChild(document.createElement("style"));
tips.textContent =
  "#vg-tooltip-element.vg-tooltip { background: var(--ground); color: var(--ink); border-color: var(--line); }";
enliven(document);
document.addEventListener("drawn", (event) => enliven(event.target)); // a part that was packed
