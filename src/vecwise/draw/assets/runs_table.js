// The table: one page of it at a time, sorted by a click on a column, a run chosen by a click on a row.
const pageSize = 50;
const bad = new Set(["failed", "killed", "stopped", "found wanting"]);

function writeHead() {
  const head = byId("head");
  head.replaceChildren();
  for (const place of [...state.shown].sort((a, b) => a - b)) {
    const column = columns[place];
    const title = make("th", column.kind === "number" ? "number" : "");
    const sorted = state.sort === place;
    const button = make("button", "", column.name + (sorted ? (state.down ? " ↓" : " ↑") : ""));
    button.type = "button";
    button.title = `${column.group}: ${column.name}`.slice(0, 300);
    button.addEventListener("click", () => sortBy(place));
    if (sorted) title.setAttribute("aria-sort", state.down ? "descending" : "ascending");
    title.append(button);
    head.append(title);
  }
}

// Upwards, downwards, and as they were given.
function sortBy(place) {
  if (state.sort !== place) [state.sort, state.down] = [place, columns[place].group === "metric"];
  else if (state.down !== (columns[place].group === "metric")) state.sort = null;
  else state.down = !state.down;
  ask();
}

function writeTable() {
  writeHead();
  const body = byId("body");
  const first = state.page * pageSize;
  const shown = [...state.shown].sort((a, b) => a - b).map((place) => columns[place]);
  body.replaceChildren(...view.slice(first, first + pageSize).map((row) => line(shown, row)));
  const last = Math.min(first + pageSize, view.length);
  byId("place").textContent = view.length ? `${counted.format(first + 1)} to ${counted.format(last)} of ${runsOf(view.length)}` : "No run";
  byId("previous").disabled = !state.page;
  byId("next").disabled = last >= view.length;
  const narrowed = view.length < total;
  byId("found").textContent = narrowed ? `${runsOf(view.length)} of ${counted.format(total)}` : "";
  byId("clear").hidden = !state.ranges.size && !byId("search").value;
}

function line(shown, row) {
  const item = make("tr");
  item.setAttribute("aria-selected", String(row === state.run));
  shown.forEach((column, at) => {
    const text = shortCell(column, row);
    const box = make("td", column.kind === "number" ? "number" : "");
    if (at) {
      box.textContent = (text ?? "").slice(0, 300);
      box.dir = "auto";
    } else {
      const button = make("button", "", text ?? "–");
      button.type = "button";
      box.append(button);
    }
    if (column.name === "status" && column.group === "run" && bad.has(text)) box.classList.add("bad");
    item.append(box);
  });
  item.addEventListener("click", () => chooseRun(row));
  return item;
}

// Boxes to tick, one for each column that may be shown.
function writeChoices(box, chosen, allowed, changed) {
  let group = "";
  columns.forEach((column, place) => {
    if (!allowed(column, place)) return;
    if (column.group !== group) box.append(make("span", "group", group = column.group));
    const label = make("label");
    const tick = make("input");
    tick.type = "checkbox";
    tick.checked = chosen.has(place);
    tick.addEventListener("change", () => {
      if (tick.checked) chosen.add(place);
      else chosen.delete(place);
      changed();
    });
    label.append(tick, make("span", "", column.name.slice(0, 200)));
    box.append(label);
  });
}

byId("previous").addEventListener("click", () => { state.page--; writeTable(); });
byId("next").addEventListener("click", () => { state.page++; writeTable(); });
let waiting = 0;
byId("search").addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(() => { readFilter(byId("search").value); ask(); }, 120);
});
byId("clear").addEventListener("click", () => {
  byId("search").value = "";
  readFilter("");
  state.ranges.clear();
  ask();
});
