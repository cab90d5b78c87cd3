// One run in full, with its charts; and the curves of several.
const mostCurves = 16;
const curves = data.curves.list.map(([row, name, steps, values]) => ({ row, name, steps, values }));
let plots = [];

// plotly reads tags and entities in every text.
const safe = (text, width) => text.slice(0, width).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

function chooseRun(row) {
  state.run = row;
  for (const item of byId("body").children) item.setAttribute("aria-selected", "false");
  const at = view.indexOf(row) - state.page * pageSize;
  byId("body").children[at]?.setAttribute("aria-selected", "true");
  writeRun();
  drawLines();
  drawCurves();
}

function writeRun() {
  byId("run-section").hidden = state.run === null;
  if (state.run === null) return;
  byId("run-title").textContent = `Run ${runName(state.run)}`;
  byId("run-facts").replaceChildren(...data.details[state.run].map(([label, text]) => fact(label, text)));
  byId("run-note").textContent = data.left[state.run] ?? "";
  byId("run-pairs").replaceChildren(...["metric", "parameter", "tag"].map(pairs).filter(Boolean));
  writeCharts();
}

function pairs(group) {
  const found = columns.filter((column) => column.group === group).map((column) => [column.name, cell(column, state.run)]).filter(([, text]) => text !== null);
  if (!found.length) return null;
  const box = make("article");
  const list = make("dl");
  list.append(...found.map(([name, text]) => fact(name, text)));
  list.tabIndex = 0;
  box.append(make("h3", "", `${found.length} ${group}${found.length === 1 ? "" : "s"}`), list);
  return box;
}

function writeCharts() {
  plots.forEach(({ plot }) => window.Plotly?.purge(plot));
  plots = [];
  const box = byId("run-charts");
  box.replaceChildren();
  for (const chart of data.charts.of[data.charts.rows.indexOf(state.run)] ?? [])
    plots.push(placeChart(box, chart));
  drawCharts();
}

function drawCharts() {
  if (!window.Plotly) return;
  for (const { plot, figure } of plots) react(plot, figure.data, figure.layout);
}

// The first runs of the table that logged this metric by steps, and the chosen one.
function drawCurves() {
  byId("curves-section").hidden = !curves.length;
  if (!curves.length || !window.Plotly) return;
  const name = Number(byId("metric").value);
  const rank = new Map(view.map((row, at) => [row, at]));
  const having = curves.filter((curve) => curve.name === name && (rank.has(curve.row) || curve.row === state.run));
  having.sort((a, b) => (b.row === state.run) - (a.row === state.run) || (rank.get(a.row) ?? 0) - (rank.get(b.row) ?? 0));
  const palette = data.look.categories[theme()];
  const traces = having.slice(0, mostCurves).map((curve, at) => {
    const [steps, values] = [unpack(curve.steps), unpack(curve.values)];
    return {
      type: "scatter",
      mode: steps.length <= 30 ? "lines+markers" : "lines",
      x: steps,
      y: values,
      name: safe(runName(curve.row), 40),
      line: { color: palette[at % palette.length], width: curve.row === state.run ? 3.5 : 1.6, dash: at < palette.length ? "solid" : "dot" },
      hovertemplate: "step %{x}: %{y:.5g}<extra>%{fullData.name}</extra>",
    };
  });
  const label = data.curves.names[name];
  const layout = { height: 360, margin: { l: 60, r: 10, t: 10, b: 44 }, xaxis: { title: { text: "step" } }, yaxis: { title: { text: safe(label, 60) } }, showlegend: true };
  react(byId("curves"), traces, layout);
  byId("curves-title").textContent = `${label.slice(0, 120)}, step by step`;
  const more = having.length > mostCurves ? `The first ${mostCurves} of ${runsOf(having.length)} in the order of the table. ` : "";
  byId("curves-note").textContent = more + data.curves.note;
}

data.curves.names.forEach((name, place) => {
  const option = make("option", "", name.slice(0, 80));
  option.value = place;
  byId("metric").append(option);
});
byId("metric").addEventListener("change", drawCurves);
