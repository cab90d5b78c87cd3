// The picture of all rows: 3-D where there is WebGL, flat where there is none. Python gives the layout and the look.
const drawnBy = webGl();
const state = { color: data.color, hidden: new Set(), found: null, flat: drawnBy === "none", whole: false, turn: 1 };
let layers = [];
const map = byId("map");
const drawing = () => (state.flat ? data.map.flat : data.map.space);
const far = new Set(data.map.far); // rows outside the near frame
const flatRows = unpack(data.map.flat.rows);
const allRows = Array.from({ length: total }, (_, row) => row);

// What draws in 3-D here: "none", "software" (a processor, slow), or "card".
function webGl() {
  try {
    const canvas = document.createElement("canvas");
    const context = canvas.getContext("webgl2") ?? canvas.getContext("webgl");
    if (!context) return "none";
    const named = context.getExtension("WEBGL_debug_renderer_info");
    const renderer = named ? String(context.getParameter(named.UNMASKED_RENDERER_WEBGL)) : "";
    context.getExtension("WEBGL_lose_context")?.loseContext(); // browsers lend only a few
    return /swiftshader|llvmpipe|softpipe|software|basic render/i.test(renderer) ? "software" : "card";
  } catch {
    return "none";
  }
}

function visibleRows() {
  const rows = state.flat ? Array.from(flatRows) : allRows;
  return state.hidden.size ? rows.filter((row) => !state.hidden.has(painted.groups[row])) : rows;
}

function dots(rows, color, { size = 1, alpha = 1 } = {}) {
  const look = drawing();
  const pick = (axis) => Float32Array.from(rows, (row) => axis[row]);
  const trace = {
    type: state.flat ? "scatter" : "scatter3d",
    mode: "markers",
    x: pick(points[0]),
    y: pick(points[1]),
    hoverinfo: "none",
    marker: {
      color,
      size: look.size * size,
      opacity: Math.min(1, look.alpha * alpha),
      symbol: look.symbol,
      line: { width: 0 },
    },
  };
  if (!state.flat) trace.z = pick(points[2]);
  return { rows, trace };
}

function ring(row) {
  const layer = dots([row], data.look.ink[theme()]);
  Object.assign(layer.trace, { hoverinfo: "skip" });
  Object.assign(layer.trace.marker, { symbol: "circle-open", size: drawing().size + 14, opacity: 1, line: { width: 3 } });
  return layer;
}

function makeLayers() {
  const shown = visibleRows();
  const made = [];
  if (state.found === null) {
    made.push(dots(shown, shown.map((row) => painted.colors[row])));
  } else {
    const wanted = new Set(state.found);
    made.push(dots(shown.filter((row) => !wanted.has(row)), data.look.rest[theme()], { alpha: 0.2 }));
    let found = state.found.filter((row) => !(painted.groups && state.hidden.has(painted.groups[row])));
    if (state.flat) found = found.slice(0, flatRows.length);
    made.push(dots(found, found.map((row) => painted.colors[row]), { size: 1.6, alpha: 1.6 }));
  }
  if (card.kept) made.push(ring(card.row));
  return made;
}

function labels(rows) {
  if (!data.map.labels) return {};
  const narrow = map.clientWidth < 500;
  const texts = narrow ? data.map.labels.narrow : data.map.labels.wide;
  const notes = rows.map((row) => ({
    x: points[0][row],
    y: points[1][row],
    ...(state.flat ? {} : { z: points[2][row] }),
    text: texts[row],
    showarrow: false,
    yshift: 16,
    font: { size: narrow ? 11 : 12 },
  }));
  return { annotations: notes };
}

function drawMap() {
  if (!window.Plotly) return;
  layers = makeLayers();
  const layout = structuredClone(state.whole ? drawing().whole : drawing().near);
  layout.template = data.look.templates[theme()];
  if (!state.flat) fitScene(layout.scene);
  Object.assign(state.flat ? layout : layout.scene, labels(visibleRows()));
  layout.showlegend = false;
  layout.uirevision = state.turn; // the same number (never 0) keeps where the reader turned and moved to
  byId("waiting")?.remove();
  byId("map-note").textContent = mapNote();
  byId("far").hidden = !far.size;
  byId("far").textContent = state.whole ? "Back to the crowd" : `Show ${farRows()}`;
  const first = !map.classList.contains("js-plotly-plot");
  const config = { displayModeBar: false, responsive: true, scrollZoom: true, doubleClick: "reset" };
  if (drawnBy === "software") config.plotGlPixelRatio = 1; // a quarter of the pixels
  window.Plotly.react(map, layers.map((layer) => layer.trace), layout, config);
  if (first) listen();
}

// A camera frames by height, so a narrow picture needs it farther away; and smaller words.
function fitScene(scene) {
  const further = Math.max(1, 1.35 / (map.clientWidth / map.clientHeight || 1));
  for (const axis of ["x", "y", "z"]) scene.camera.eye[axis] *= further;
  if (map.clientWidth >= 500) return;
  for (const axis of [scene.xaxis, scene.yaxis, scene.zaxis]) {
    axis.title.font = { size: 10 };
    axis.tickfont = { size: 9 };
  }
}

// ---- what the pointer does ----
let hovered = null;

function listen() {
  const point = (event) => {
    const { curveNumber, pointNumber } = event.points[0];
    const row = layers[curveNumber]?.rows[pointNumber];
    if (row === undefined) return;
    hovered = row;
    map.classList.add("pointing");
    showRow(row);
  };
  map.on("plotly_hover", point);
  map.on("plotly_click", point); // on a touch screen plotly has no hover, and calls every tap a click
  map.on("plotly_unhover", () => {
    hovered = null;
    map.classList.remove("pointing");
  });
}

let pressed = null;
let awake = false; // the wheel scrolls the page until the picture has been pressed
map.addEventListener("pointerdown", (event) => {
  pressed = [event.clientX, event.clientY];
  awake = true;
}, true);
map.addEventListener("pointerleave", () => { awake = false; });
map.addEventListener("wheel", (event) => { if (!awake) event.stopImmediatePropagation(); }, true);
map.addEventListener("click", (event) => {
  const moved = pressed === null || Math.hypot(event.clientX - pressed[0], event.clientY - pressed[1]) > 4;
  if (moved) return;
  // after a tap, plotly looks for the dot only in the next frame
  setTimeout(() => {
    if (card.kept && hovered === card.row) keepRow(null);
    else if (card.kept || hovered !== null) keepRow(hovered);
  }, 120);
}, true);

// ---- what the keys do: turn and zoom, without a pointer ----
const turns = { ArrowLeft: [-0.15, 0], ArrowRight: [0.15, 0], ArrowUp: [0, 0.12], ArrowDown: [0, -0.12] };
const zooms = { "+": 0.85, "=": 0.85, "-": 1 / 0.85 };

function turned({ x, y, z }, [around, up], zoom) {
  const far = Math.hypot(x, y, z) * zoom;
  const angle = Math.atan2(y, x) + around;
  const height = Math.min(1.5, Math.max(-1.5, Math.asin(z / Math.hypot(x, y, z)) + up));
  const flat = far * Math.cos(height);
  return { x: flat * Math.cos(angle), y: flat * Math.sin(angle), z: far * Math.sin(height) };
}

map.addEventListener("keydown", (event) => {
  if (state.flat || !window.Plotly || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "0") return resetView();
  if (!(event.key in turns) && !(event.key in zooms)) return;
  event.preventDefault();
  const eye = map._fullLayout.scene._scene.getCamera().eye;
  if (data.map.plane) {
    const nearer = { ...eye, z: eye.z * (zooms[event.key] ?? 1) };
    window.Plotly.relayout(map, { "scene.camera.eye": nearer });
    return;
  }
  window.Plotly.relayout(map, { "scene.camera.eye": turned(eye, turns[event.key] ?? [0, 0], zooms[event.key] ?? 1) });
});

function resetView() {
  state.whole = false;
  state.turn += 1;
  drawMap();
}

// ---- colour, legend, search ----
function chooseColor(place) {
  state.color = place;
  state.hidden.clear();
  repaint();
}

function repaint() {
  painted = paint();
  writeLegend();
  byId("map-title").textContent = mapTitle();
  if (card.row !== null) writeCard();
  drawMap();
}

function standing() {
  const all = total === 1 ? "One row" : `All ${rowsOf(total)}`;
  return `${total === data.total ? all : `${rowsOf(total)} of ${counted.format(data.total)}`} on ${data.map.on}`;
}

let typing = 0;
function search(text) {
  state.found = rowsWith(text);
  if (state.found?.some((row) => far.has(row))) state.whole = true;
  byId("found").textContent = state.found === null ? "" : `${rowsOf(state.found.length)} of ${counted.format(total)}`;
  drawMap();
}

function fillTools() {
  const select = byId("color");
  const none = make("option", "", "nothing");
  none.value = "";
  select.append(none);
  columns.forEach((column, place) => {
    const option = make("option", "", column.name.slice(0, 80) || "(no name)");
    option.value = String(place);
    select.append(option);
  });
  select.value = state.color === null ? "" : String(state.color);
  select.addEventListener("change", () => chooseColor(select.value === "" ? null : Number(select.value)));
  byId("search").addEventListener("input", (event) => {
    clearTimeout(typing);
    typing = setTimeout(() => search(event.target.value), 200);
  });
  byId("search").addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    clearTimeout(typing);
    search(event.target.value);
    if (state.found?.length) step(event.shiftKey ? -1 : 1);
  });
  byId("reset").addEventListener("click", resetView);
  byId("far").addEventListener("click", () => { state.whole = !state.whole; drawMap(); });
}

const farRows = () => `${counted.format(far.size)} far ${far.size === 1 ? "row" : "rows"}`;

function mapNote() {
  const hidden = state.whole || !far.size ? "" : ` ${farRows()} ${far.size === 1 ? "lies" : "lie"} outside this frame.`;
  const drawn = state.flat ? flatRows.length : total;
  const sample = drawn === data.total ? "" : `, a seeded sample of ${counted.format(data.total)}`;
  const flat = state.flat ? `This browser has no WebGL, so the picture is flat: ${data.map.first}. ` : "";
  return `${flat}Each dot is a row: ${counted.format(drawn)}${sample}.${hidden}`;
}

function mapHow() {
  const way = data.map.plane ? "move" : "turn";
  const keys = stages.length && data.map.plane ? "Arrow keys go from stage to stage, + and − zoom. " : data.map.plane ? "+ and − zoom. " : "Arrow keys turn too, + and − zoom. ";
  const turn = touch ? `Drag to ${way}. ` : `Drag to ${way}; press, then scroll to zoom. ${keys}`;
  return `${state.flat ? "" : turn}${touch ? "Tap a dot to read its row." : "Click a dot to keep its row."}`;
}
