
// Draws the charts of a report, whose rows are in the file.
const drawn = Object.entries(JSON.parse(document.getElementById("charts").textContent))
  .map(([name, panel]) => draw(document.getElementById(name), panel));
addEventListener("resize", () => drawn.forEach((chart) => chart.resize()));
