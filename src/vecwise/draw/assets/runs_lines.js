// Parallel coordinates: an axis for each chosen column, a line for each run.
const lines = byId("lines");
const mostLines = 400;
const mostWords = 16; // of a column that is an axis
const top = 40;
const axes = new Map();

const element = (tag) => document.createElementNS(lines.namespaceURI, tag);
const put = (item, facts) => { for (const [name, value] of Object.entries(facts)) item.setAttribute(name, value); return item; };

function mayBeAxis(column) {
  return column.numbers ? column.numbers.some(Number.isFinite) : column.words.filter((word) => word !== null).length <= mostWords;
}

// Where the runs stand on a column: by the logarithm where it reaches over three powers of ten.
function axisOf(place) {
  if (!axes.has(place)) axes.set(place, columns[place].numbers ? numberAxis(columns[place]) : wordAxis(columns[place]));
  return axes.get(place);
}

function numberAxis(column) {
  let [low, high] = [Infinity, -Infinity];
  for (const value of column.numbers) if (Number.isFinite(value)) [low, high] = [Math.min(low, value), Math.max(high, value)];
  const log = column.kind === "number" && low > 0 && high / low >= 1000;
  const [into, back] = log ? [Math.log10, (value) => 10 ** value] : [(value) => value, (value) => value];
  const [from, to] = [into(low), into(high)];
  const say = column.kind === "date" ? (value) => new Date(1000 * value).toISOString().slice(0, 10) : brief;
  const middle = from / 2 + to / 2;
  const ticks = low === high ? [[middle, say(low)]] : [[from, say(low)], [middle, say(Number(back(middle).toPrecision(3)))], [to, say(high)]];
  return { low: from, high: to, log, ticks, at: (row) => (Number.isFinite(column.numbers[row]) ? into(column.numbers[row]) : NaN) };
}

function wordAxis(column) {
  const ranks = keysOf(column);
  const words = column.words.filter((word) => word !== null).sort(collator.compare);
  return { low: 0, high: words.length - 1, log: false, ticks: words.map((word, rank) => [rank, word]), at: (row) => ranks[row] };
}

function share(axis, value) {
  return axis.high > axis.low ? (value - axis.low) / (axis.high - axis.low) : 0.5;
}

function lineColor(axis, row) {
  const value = axis.at(row);
  if (Number.isNaN(value)) return data.look.rest[theme()];
  const steps = data.look.viridis.slice(theme() === "dark" ? 3 : 0); // its dark end would be lost on a dark page
  return steps[Math.round(share(axis, value) * (steps.length - 1))];
}

function drawLines() {
  const chosen = [...state.axes]; // the last one colours
  byId("lines-section").hidden = !data.axes.length;
  lines.replaceChildren();
  const [width, height] = [lines.clientWidth, lines.clientHeight];
  if (!chosen.length || !width) return;
  const found = chosen.map(axisOf);
  const x = (i) => (chosen.length === 1 ? width / 2 : 60 + (i * (width - 120)) / (chosen.length - 1));
  const y = (axis, value) => height - 14 - share(axis, value) * (height - 14 - top);
  let drawn = 0;
  const rows = view.slice(0, mostLines);
  if (state.run !== null && !rows.includes(state.run)) rows.push(state.run);
  for (const row of rows) {
    const path = pathOf(found, x, y, row);
    if (!path) continue;
    const item = put(element("path"), { d: path, stroke: lineColor(found.at(-1), row) });
    item.dataset.row = row;
    if (row === state.run) item.classList.add("kept");
    lines.append(item);
    drawn++;
  }
  lines.style.setProperty("--alpha", Math.max(0.15, Math.min(0.7, 4 / Math.sqrt(drawn || 1))).toFixed(2));
  const kept = lines.querySelector(".kept");
  if (kept) lines.append(kept); // above the others
  chosen.forEach((place, i) => drawAxis(place, found[i], x(i), (width - 120) / Math.max(1, chosen.length - 1), y, height));
  const limit = view.length > mostLines ? `, the first ${mostLines} of ${counted.format(view.length)} in the order of the table` : "";
  const lacking = Math.min(view.length, mostLines) - drawn;
  byId("lines-note").textContent = `A line is a run, coloured by ${columns[chosen.at(-1)].name.slice(0, 80)}: ${runsOf(drawn)}${limit}` +
    `${lacking > 0 ? `; ${runsOf(lacking)} with fewer than two of these values left out` : ""}.`;
}

// A line through the axes on which the run has a value; nothing for fewer than two of them.
function pathOf(found, x, y, row) {
  let [path, pen, many] = ["", false, 0];
  found.forEach((axis, i) => {
    const value = axis.at(row);
    if (Number.isNaN(value)) { pen = false; return; }
    path += `${pen ? "L" : "M"}${x(i).toFixed(1)} ${y(axis, value).toFixed(1)}`;
    pen = true;
    many++;
  });
  return many > 1 || found.length === 1 ? path : "";
}

function drawAxis(place, axis, x, room, y, height) {
  lines.append(put(element("line"), { x1: x, x2: x, y1: top, y2: height - 14 }));
  for (const [value, text] of axis.ticks) write(text, Math.max(6, Math.floor((room - 24) / 7)), { x: x + 6, y: y(axis, value) + 4 });
  const name = columns[place].name + (axis.log ? " (log)" : "");
  const label = write(name, Math.max(8, Math.floor(room / 7)), { x, y: 18, "text-anchor": "middle", class: "name" });
  const title = element("title");
  title.textContent = name.slice(0, 300);
  label.append(title);
  const kept = state.ranges.get(place);
  const stretch = put(element("rect"), { x: x - 7, width: 14, class: "stretch" });
  const cover = (a, b) => put(stretch, { y: Math.min(a, b), height: Math.max(2, Math.abs(a - b)) });
  if (kept) lines.append(cover(...kept.map((value) => y(axis, Math.min(axis.high, Math.max(axis.low, value))))));
  const grip = put(element("rect"), { x: x - 13, width: 26, y: top - 8, height: height - top + 6, class: "grip" });
  grip.dataset.axis = place;
  lines.append(grip);
  drag(grip, place, axis, stretch, cover);
}

function write(text, width, facts) {
  const item = put(element("text"), facts);
  item.textContent = text.length > width ? `${text.slice(0, width - 1)}…` : text;
  lines.append(item);
  return item;
}

function drag(grip, place, axis, stretch, cover) {
  let start = null;
  const here = (event) => event.clientY - lines.getBoundingClientRect().top;
  const value = (at) => axis.low + ((lines.clientHeight - 14 - at) / (lines.clientHeight - 14 - top)) * (axis.high - axis.low || 1);
  grip.addEventListener("pointerdown", (event) => {
    start = here(event);
    grip.setPointerCapture(event.pointerId);
    event.preventDefault();
  });
  grip.addEventListener("pointermove", (event) => {
    if (start === null) return;
    if (!stretch.isConnected) lines.insertBefore(stretch, grip);
    cover(start, here(event));
  });
  grip.addEventListener("pointerup", (event) => {
    if (start === null) return;
    const ends = [start, here(event)];
    start = null;
    if (Math.abs(ends[0] - ends[1]) < 4) state.ranges.delete(place);
    else state.ranges.set(place, ends.map(value).sort((a, b) => a - b));
    ask();
  });
}

lines.addEventListener("click", (event) => {
  if (event.target.dataset.row !== undefined) chooseRun(Number(event.target.dataset.row));
});
lines.addEventListener("pointermove", (event) => {
  const tip = byId("tip");
  const row = event.target.dataset.row;
  tip.hidden = row === undefined;
  if (tip.hidden) return;
  tip.replaceChildren(make("div", "", runName(Number(row))));
  tip.style.left = `${Math.max(8, Math.min(event.clientX + 14, window.innerWidth - tip.offsetWidth - 8))}px`;
  tip.style.top = `${event.clientY + 16}px`;
});
lines.addEventListener("pointerleave", () => { byId("tip").hidden = true; });
