// The page of runs: words and the table first, then what is drawn, in the theme that the reader prefers.
function ask() {
  look();
  writeTable();
  drawLines();
  drawCurves();
}

function drawAll() {
  drawLines();
  drawCurves();
  drawCharts();
}

writeOpening();
byId("notes").textContent = data.notes.join(" ");
byId("notes").hidden = !data.notes.length;
writeChoices(byId("choose-columns"), state.shown, (_, place) => place > 0, writeTable);
writeChoices(byId("choose-axes"), state.axes, mayBeAxis, drawLines);
look();
writeTable();

// plotly stands after this script, so that the words are there before it is read
document.addEventListener("DOMContentLoaded", () => {
  if (total) chooseRun(view[0]);
  else byId("table-section").hidden = true;
  setTimeout(() => { document.documentElement.dataset.drawn = "yes"; }, 0);
});
dark.addEventListener("change", drawAll);
window.addEventListener("resize", drawLines);
window.addEventListener("beforeprint", () => { printing = true; drawAll(); });
window.addEventListener("afterprint", () => { printing = false; drawAll(); });
