// What every page begins with: its data, and words put into it. Every text goes into the page as textContent, never as HTML.
const data = JSON.parse(document.getElementById("vecwise-data").textContent);
const byId = (id) => document.getElementById(id);
const arrays = { i1: Int8Array, i2: Int16Array, i4: Int32Array, f4: Float32Array, f8: Float64Array };
const touch = window.matchMedia("(hover: none)").matches;
const counted = new Intl.NumberFormat("en-US");

function unpack(packed) {
  const text = atob(packed.data);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return new arrays[packed.type](bytes.buffer);
}

function unpackColumn(packed) {
  return { ...packed, numbers: packed.numbers && unpack(packed.numbers), codes: packed.codes && unpack(packed.codes) };
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

// ---- the theme that the reader prefers; paper is always light ----
const dark = window.matchMedia("(prefers-color-scheme: dark)");
let printing = false;

function theme() {
  return dark.matches && !printing ? "dark" : "light";
}
