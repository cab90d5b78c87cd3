// The runs as rows: their columns, and which of them are asked for, in which order.
const columns = data.columns.map(unpackColumn);
const total = data.total;
const runsOf = (amount) => `${counted.format(amount)} ${amount === 1 ? "run" : "runs"}`;
const state = { words: [], conditions: [], ranges: new Map(), sort: null, down: false, page: 0, run: null,
  shown: new Set(data.shown), axes: new Set(data.axes) };
let view = []; // the rows asked for, in order
const places = new Map(); // columns by name; the first of two with one name
columns.forEach((column, place) => { if (!places.has(column.name)) places.set(column.name, place); });
const collator = new Intl.Collator("en", { numeric: true });
const signs = new Map([
  [">=", (a, b) => a >= b], ["<=", (a, b) => a <= b], ["!=", (a, b) => a !== b],
  ["=", (a, b) => a === b], [">", (a, b) => a > b], ["<", (a, b) => a < b],
]);

// A number with the digits that a table has room for.
function brief(value) {
  if (!Number.isFinite(value)) return written(value);
  const size = Math.abs(value);
  if (Number.isInteger(value) && size < 1e12) return counted.format(value);
  return size >= 1e-4 && size < 1e7 ? String(Number(value.toPrecision(5))) : value.toExponential(3);
}

function shortCell(column, row) {
  const value = column.codes ? null : column.numbers[row];
  return value === null || Number.isNaN(value) ? cell(column, row) : brief(value);
}

let texts = null;

// Everything of a run that is written out: its cells that are words, and its facts.
function textOf(row) {
  texts ??= new Array(total).fill(null);
  texts[row] ??= folded(
    columns.filter((column) => column.codes).map((column) => cell(column, row) ?? "")
      .concat(data.details[row].map(([, fact]) => fact)).join("\n"));
  return texts[row];
}

// `r2>0.8` is a condition where there is a column `r2`; anything else is a word to be found.
function readFilter(text) {
  state.words = [];
  state.conditions = [];
  for (const word of text.trim().split(/\s+/)) {
    const found = /^(.+?)(>=|<=|!=|=|>|<)(.+)$/.exec(word);
    if (found && places.has(found[1])) {
      state.conditions.push({ column: columns[places.get(found[1])], holds: signs.get(found[2]), value: found[3] });
    } else if (word) state.words.push(folded(word));
  }
}

function fulfils({ column, holds, value }, row) {
  const here = cell(column, row);
  if (here === null) return false;
  if (column.kind === "number") return value.trim() !== "" && !Number.isNaN(Number(value)) && holds(column.numbers[row], Number(value));
  return holds(here, value);
}

function asked(row) {
  if (!state.conditions.every((condition) => fulfils(condition, row))) return false;
  for (const [place, [low, high]] of state.ranges) {
    const value = axisOf(place).at(row);
    if (!(value >= low && value <= high)) return false;
  }
  return state.words.every((word) => textOf(row).includes(word));
}

// One number for each row to sort by; NaN where there is nothing.
function keysOf(column) {
  if (column.numbers) return column.numbers;
  const order = column.words.map((_, code) => code).filter((code) => column.words[code] !== null);
  order.sort((a, b) => collator.compare(column.words[a], column.words[b]));
  const ranks = new Float64Array(column.words.length).fill(NaN);
  order.forEach((code, rank) => { ranks[code] = rank; });
  return Float64Array.from(column.codes, (code) => ranks[code]);
}

function look() {
  view = [];
  for (let row = 0; row < total; row++) if (asked(row)) view.push(row);
  if (state.sort !== null) {
    const keys = keysOf(columns[state.sort]);
    const way = state.down ? -1 : 1;
    view.sort((a, b) => {
      if (Number.isNaN(keys[a]) || Number.isNaN(keys[b])) return Number.isNaN(keys[a]) - Number.isNaN(keys[b]) || a - b;
      return keys[a] === keys[b] ? a - b : keys[a] < keys[b] ? -way : way;
    });
  }
  state.page = 0;
}

function runName(row) {
  const [id, kind, name] = ["run", "kind", "name"].map((word) => cell(columns[places.get(word)], row) ?? "");
  return `${id} ${name || kind}`;
}
