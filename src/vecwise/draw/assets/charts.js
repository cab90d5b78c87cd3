// What every page shows alike: its words, facts, and charts in boxes with a caption, in the theme of the moment.
function writeOpening() {
  document.title = `${data.title} – vecwise`;
  for (const name of ["title", "headline", "made"]) byId(name).textContent = data[name];
  byId("facts").append(...data.facts.map(([label, text]) => fact(label, text)));
}

function fact(label, text) {
  const box = make("div");
  box.append(make("dt", "", label), make("dd", "", text));
  return box;
}

// Puts a chart into a box, not yet drawn.
function placeChart(box, chart, note) {
  const figure = make("figure");
  const caption = make("figcaption");
  caption.append(make("h3", "", chart.title));
  if (note) caption.append(make("p", "note", note));
  const plot = make("div");
  plot.setAttribute("role", "img");
  plot.setAttribute("aria-label", chart.title);
  plot.style.height = `${chart.figure.layout.height}px`;
  figure.append(caption, plot);
  box.append(figure);
  return { plot, figure: chart.figure };
}

// plotly writes into what it is given, so it gets a copy.
function react(plot, traces, layout) {
  const whole = { ...layout, template: data.look.templates[theme()], autosize: true };
  window.Plotly.react(plot, structuredClone(traces), whole, { displayModeBar: false, responsive: true });
}
