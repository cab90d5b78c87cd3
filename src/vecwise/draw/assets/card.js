// The card of one row: shown while a dot is hovered, kept by a click, stepped through by buttons.
const card = { row: null, kept: false };

function showRow(row) {
  if (card.kept || row === card.row) return;
  card.row = row;
  writeCard();
}

function keepRow(row) {
  card.row = row;
  card.kept = row !== null;
  if (far.has(row)) state.whole = true;
  writeCard();
  drawMap();
}

function writeCard() {
  const cells = byId("card-cells");
  cells.replaceChildren();
  cells.scrollTop = 0;
  byId("release").hidden = !card.kept;
  byId("card").classList.toggle("kept", card.kept);
  byId("card-state").textContent = card.kept ? "kept" : "";
  byId("card-title").textContent = card.row === null ? "No row yet" : `Row ${cell(ids, card.row) ?? "without an id"}`;
  if (card.row === null) {
    const item = make("div", "long");
    item.append(make("dt"), make("dd", "hint", touch ? "Tap a dot to read its row here." : "Point at a dot to read its row here. Click the dot to keep the row."));
    cells.append(item);
    return;
  }
  if (data.pictures.length) cells.append(cardPicture(data.pictures[card.row]));
  const shown = columns.length ? columns : [{ ...ids, name: "id" }];
  for (const column of shown) cells.append(cardLine(column));
}

function cardPicture(encoded) {
  const line = make("div", "long");
  const picture = make("img", "picture");
  picture.alt = "The row as a picture";
  picture.src = `data:image/png;base64,${encoded}`;
  const cell = make("dd");
  cell.append(picture);
  line.append(cell);
  return line;
}

function cardLine(column) {
  const value = cell(column, card.row);
  const line = make("div", value !== null && value.length > 40 ? "long" : "");
  const written = value === null ? make("dd", "none", "no value") : make("dd", "", value);
  if (column === columns[state.color]) {
    const swatch = make("span", "swatch");
    swatch.style.background = painted.colors[card.row];
    written.prepend(swatch);
  }
  line.append(make("dt", "", column.name), written);
  return line;
}

// The next row up or down: among the rows found, or among all that the legend leaves on.
function step(way) {
  const among = state.found ?? visibleRows();
  if (!among.length) return;
  const at = card.row === null ? -1 : among.indexOf(card.row);
  const place = at < 0 ? (way > 0 ? 0 : among.length - 1) : (at + way + among.length) % among.length;
  keepRow(among[place]);
}

byId("next").addEventListener("click", () => step(1));
byId("previous").addEventListener("click", () => step(-1));
byId("release").addEventListener("click", () => keepRow(null));
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && card.kept) keepRow(null);
});
