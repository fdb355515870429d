// Live charts take the place of the drawn ones, with tooltips; the drawn one stays if this fails.
for (const data of document.querySelectorAll("script.spec")) {
  const place = data.parentElement.querySelector(".chart");
  const drawn = place.innerHTML;
  const spec = JSON.parse(data.textContent);
  vegaEmbed(place, spec, { renderer: "svg", actions: false, ast: false }).catch((error) => {
    place.innerHTML = drawn;
    console.error(error);
  });
}
