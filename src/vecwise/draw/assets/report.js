// The page: words first, then the picture and the charts, in the theme that the reader prefers.
const charts = [];

function writeWords() {
  writeOpening();
  byId("map-note").textContent = mapNote();
  byId("map-how").textContent = mapHow();
  map.setAttribute("aria-label", `${state.flat || data.map.plane ? "Flat" : "Three-dimensional"} scatter of ${rowsOf(total)}: ${data.map.axes.join("; ")}`);
  byId("map-section").hidden = false;
}

function addChart(box, chart, note) {
  charts.push(placeChart(box, chart, note));
  return charts.at(-1).plot;
}

function writeCharts() {
  data.charts.forEach((chart) => addChart(byId("model"), chart));
  data.loadings.forEach((chart) => addChart(byId("loadings"), chart, chart.note));
  data.norms.forEach((chart) => addChart(byId("norms"), chart));
  data.tables.forEach((table) => {
    const plot = addChart(byId("tables"), table);
    const scroll = make("div", "scroll");
    plot.closest("figure").classList.add("table");
    plot.replaceWith(scroll);
    scroll.append(plot);
    plot.style.minWidth = `${table.width}px`;
    plot.style.maxWidth = `${table.width * 1.5}px`;
    scroll.parentElement.style.flexBasis = `${table.width}px`;
    scroll.tabIndex = 0;
    charts.at(-1).table = table;
  });
  data.neighborhoods.forEach((near) => byId("near").append(neighborhood(near)));
  byId("near-title").textContent = `The rows nearest to ${data.neighborhoods.length === 1 ? "one row" : "some rows"}, by ${data.measure}`;
  for (const part of ["model", "loadings", "norms", "tables", "near"]) {
    byId(`${part}-section`).hidden = !byId(part).childElementCount;
  }
}

function neighborhood({ query, answers }) {
  const box = make("article", "near");
  const list = make("ol");
  box.append(make("h3", "", query), list);
  for (const [score, words] of answers) {
    const item = make("li");
    const text = make("span", "words", words);
    text.title = words.slice(0, 1000);
    item.append(make("span", "score", score), text);
    list.append(item);
  }
  return box;
}

// ---- the full labels of a cell, beside the pointer ----
function hoverCells(plot, table) {
  const tip = byId("tip");
  plot.on("plotly_hover", ({ points: [point], event }) => {
    tip.replaceChildren();
    const score = `${table.name} ${table.scores[point.y][point.x]}`;
    for (const text of [table.labels[point.y], table.labels[point.x], score]) tip.append(make("div", "", text));
    tip.hidden = false;
    const { width, height } = tip.getBoundingClientRect();
    tip.style.left = `${Math.max(8, Math.min(event.clientX + 14, window.innerWidth - width - 8))}px`;
    tip.style.top = `${event.clientY + height + 30 > window.innerHeight ? event.clientY - height - 12 : event.clientY + 16}px`;
  });
  plot.on("plotly_unhover", () => { tip.hidden = true; });
}

function drawChart({ plot, figure, table }) {
  const first = !plot.classList.contains("js-plotly-plot");
  const width = printing ? { width: table ? Math.min(table.width, 690) : 335 } : {};
  const traces = table ? figure.data.map((trace) => ({ ...trace, hovertemplate: null, hoverinfo: "none" })) : figure.data;
  react(plot, traces, { ...figure.layout, ...width });
  if (first && table) hoverCells(plot, table);
}

function drawAll() {
  repaint();
  charts.forEach(drawChart);
}

writeWords();
writeCharts();
fillTools();
writeCard();
painted = paint();
writeLegend();
byId("map-title").textContent = mapTitle();
fillStages();
byId("waiting").textContent = `Drawing ${rowsOf(total)} …`;

// plotly stands after this script, so that the words are there before it is read
document.addEventListener("DOMContentLoaded", () => {
  if (!window.Plotly) {
    byId("waiting").textContent = "The drawing library did not start in this browser, so there are no pictures.";
    return;
  }
  requestAnimationFrame(() => {
    repaint();
    charts.forEach((chart) => setTimeout(() => drawChart(chart), 0));
    setTimeout(() => { document.documentElement.dataset.drawn = "yes"; }, 0);
  });
});
dark.addEventListener("change", drawAll);
window.addEventListener("beforeprint", () => { printing = true; fitPaper(Math.min(1, 690 / map.clientWidth)); drawAll(); });
window.addEventListener("afterprint", () => { printing = false; fitPaper(1); drawAll(); });

// WebGL redraws too late for a printer, so the picture that stands there is made to fit the paper.
function fitPaper(share) {
  const picture = map.querySelector(".plot-container");
  if (!picture) return;
  picture.style.transform = share < 1 ? `scale(${share})` : "";
  picture.style.transformOrigin = "0 0";
  map.style.setProperty("--printed", `${Math.round(map.clientHeight * share)}px`);
}
