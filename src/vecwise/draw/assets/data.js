// The rows of the report: unpacked once, asked by row.
const rowsOf = (amount) => `${counted.format(amount)} ${amount === 1 ? "row" : "rows"}`;
const columns = data.columns.concat([data.ids]).map(unpackColumn);
const ids = columns.pop();
let points = data.map.points.map(unpack); // where the rows are now; a slider may move them
const total = points[0].length;

let texts = null;

// The rows in which some cell contains the text, or null for no text.
function rowsWith(text) {
  const wanted = folded(text.trim());
  if (!wanted) return null;
  if (!texts) {
    texts = [];
    for (let row = 0; row < total; row++) {
      texts.push(folded([ids, ...columns].map((column) => cell(column, row) ?? "").join("\n")));
    }
  }
  const found = [];
  for (let row = 0; row < total; row++) if (texts[row].includes(wanted)) found.push(row);
  return found;
}
