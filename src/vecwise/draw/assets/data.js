// The data of the page: unpacked once, asked by row. Every text goes into the page as textContent, never as HTML.
const data = JSON.parse(document.getElementById("vecwise-data").textContent);
const byId = (id) => document.getElementById(id);
const arrays = { i1: Int8Array, i2: Int16Array, i4: Int32Array, f4: Float32Array, f8: Float64Array };
const touch = window.matchMedia("(hover: none)").matches;
const counted = new Intl.NumberFormat("en-US");
const rowsOf = (amount) => `${counted.format(amount)} ${amount === 1 ? "row" : "rows"}`;

function unpack(packed) {
  const text = atob(packed.data);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return new arrays[packed.type](bytes.buffer);
}

function make(tag, classes, text) {
  const element = document.createElement(tag);
  if (classes) element.className = classes;
  if (text !== undefined) {
    element.textContent = text;
    element.dir = "auto";
  }
  return element;
}

const columns = data.columns.concat([data.ids]).map((packed) => ({
  ...packed,
  numbers: packed.numbers && unpack(packed.numbers),
  codes: packed.codes && unpack(packed.codes),
}));
const ids = columns.pop();
const points = data.map.points.map(unpack);
const total = points[0].length;

// The shortest writing that gives the same number back: as float32 where the number is one.
function written(value) {
  if (Number.isInteger(value)) return String(value);
  if (!Number.isFinite(value)) return value > 0 ? "infinite" : "minus infinite";
  for (let digits = 1; digits < 10 && Math.fround(value) === value; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return String(short);
  }
  return String(Number(value.toPrecision(12)));
}

// The cell as text, or null where it is missing.
function cell(column, row) {
  if (column.codes) return column.words[column.codes[row]];
  const value = column.numbers[row];
  return Number.isNaN(value) ? null : written(value);
}

const folded = (text) => text.normalize("NFC").toLowerCase();
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
