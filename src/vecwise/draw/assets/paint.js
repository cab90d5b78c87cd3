// What colour each row has, and the legend that says so.
let painted = { colors: [], groups: null };

function channel(color, place) {
  return parseInt(color.slice(1 + 2 * place, 3 + 2 * place), 16);
}

// 256 steps between the ten colours of viridis; on a dark page its darkest eighth would be lost.
const viridis = Array.from({ length: 256 }, (_, step) => {
  const place = (step / 255) * (data.look.viridis.length - 1);
  const low = Math.min(Math.floor(place), data.look.viridis.length - 2);
  const mix = (c) => {
    const [a, b] = [data.look.viridis[low], data.look.viridis[low + 1]].map((color) => channel(color, c));
    return Math.round(a + (b - a) * (place - low));
  };
  return `rgb(${mix(0)},${mix(1)},${mix(2)})`;
});

const ordered = () => viridis.slice(theme() === "dark" ? 32 : 0);

// One colour per row; for categories also the group each row belongs to.
function paint() {
  const column = columns[state.color];
  const rest = data.look.rest[theme()];
  if (!column) return { colors: new Array(total).fill(data.look.accent[theme()]), groups: null };
  if (column.numbers) {
    const reach = column.high - column.low;
    const steps = ordered();
    const colors = Array.from(column.numbers, (value) => {
      if (Number.isNaN(value)) return rest;
      const share = reach > 0 ? (value - column.low) / reach : 0.5;
      return steps[Math.round((steps.length - 1) * Math.min(1, Math.max(0, share || 0)))];
    });
    return { colors, groups: null };
  }
  const others = column.top.length;
  const groupOf = column.words.map((word, code) => {
    if (word === null) return others + 1;
    const place = column.top.indexOf(code);
    return place < 0 ? others : place;
  });
  const palette = data.look.categories[theme()];
  const colorOf = groupOf.map((group) => (group < others ? palette[group] : rest));
  return {
    colors: Array.from(column.codes, (code) => colorOf[code]),
    groups: Array.from(column.codes, (code) => groupOf[code]),
  };
}

function writeLegend() {
  const legend = byId("legend");
  const column = columns[state.color];
  legend.replaceChildren();
  if (!column) return;
  if (column.numbers) legend.append(...ramp(column));
  else groupsOf(column).forEach((group) => legend.append(groupButton(group)));
}

function ramp(column) {
  const box = make("div", "ramp");
  const bar = make("div", "bar");
  bar.style.background = `linear-gradient(to right, ${ordered().filter((_, step) => step % 16 === 0).join(",")})`;
  const ends = make("div", "ends");
  column.ends.forEach((text) => ends.append(make("span", "", text)));
  box.append(bar, ends);
  box.setAttribute("role", "img");
  box.setAttribute("aria-label", `Colours from ${column.ends[0]} (dark) to ${column.ends[2]} (bright)`);
  const missing = column.numbers.filter(Number.isNaN).length;
  if (!missing) return [box];
  const swatch = make("span", "swatch");
  swatch.style.background = data.look.rest[theme()];
  return [box, swatch, make("span", "count", `no value: ${rowsOf(missing)}`)];
}

function groupsOf(column) {
  const counts = new Map();
  for (const group of painted.groups) counts.set(group, (counts.get(group) ?? 0) + 1);
  const others = column.top.length;
  const names = column.top.map((code) => column.words[code]);
  const left = column.words.filter((word) => word !== null).length - others;
  names.push(`${counted.format(left)} other${left === 1 ? "" : "s"}`, "no value");
  const palette = data.look.categories[theme()];
  return names
    .map((name, group) => ({ name: name || "(empty)", group, count: counts.get(group) ?? 0, color: palette[group] }))
    .map((group) => (group.group < others ? group : { ...group, color: data.look.rest[theme()] }))
    .filter((group) => group.count);
}

function groupButton({ name, group, count, color }) {
  const button = make("button", "");
  button.type = "button";
  button.setAttribute("aria-pressed", String(!state.hidden.has(group)));
  button.title = name.slice(0, 300);
  const swatch = make("span", "swatch");
  swatch.style.background = color;
  const amount = make("span", "count");
  amount.textContent = counted.format(count);
  button.append(swatch, make("span", "", name.slice(0, 80)), amount);
  button.addEventListener("click", () => {
    if (!state.hidden.delete(group)) state.hidden.add(group);
    button.setAttribute("aria-pressed", String(!state.hidden.has(group)));
    drawMap();
  });
  return button;
}
