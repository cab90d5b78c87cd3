// Several places of the same rows: a slider, and how the dots move from one to the next.
const stages = data.map.stages.map((stage) => ({ ...stage, points: stage.points.map(unpack) }));
const calm = window.matchMedia("(prefers-reduced-motion: reduce)");
const MOST_MOVED = 4000; // more dots than this jump
let stage = 0;
let moving = 0;

function between(from, to, share) {
  return from.map((axis, place) => axis.map((value, row) => value + (to[place][row] - value) * share));
}

// Let the dots go to a stage: in some steps where that is smooth, else at once.
function goTo(place) {
  const wanted = Math.min(stages.length - 1, Math.max(0, place));
  if (wanted === stage) return;
  stage = wanted;
  writeStage();
  const mine = ++moving;
  const [from, to] = [points, stages[stage].points];
  const steps = calm.matches || total > MOST_MOVED || drawnBy === "software" ? 1 : 14;
  const move = (step) => {
    if (mine !== moving) return;
    const share = step / steps;
    points = step === steps ? to : between(from, to, share * share * (3 - 2 * share));
    drawMap();
    if (step < steps) requestAnimationFrame(() => move(step + 1));
  };
  move(1);
}

function writeStage() {
  byId("stage").value = String(stage);
  byId("stage").setAttribute("aria-valuetext", stages[stage].title);
  byId("stage-name").textContent = `${stages[stage].title} (${stage + 1} of ${stages.length})`;
  byId("stage-numbers").replaceChildren(...stages[stage].numbers.map(([name, value]) => {
    const pair = make("div");
    pair.append(make("dt", "", name), make("dd", "", value));
    return pair;
  }));
  byId("stage-back").disabled = stage === 0;
  byId("stage-on").disabled = stage === stages.length - 1;
  byId("map-title").textContent = mapTitle();
}

function mapTitle() {
  if (!stages.length) return columns[state.color]?.finding || standing();
  return `${rowsOf(total)} at “${stages[stage].title}”`;
}

function fillStages() {
  if (!stages.length) return;
  byId("stages").hidden = false;
  byId("stage").max = String(stages.length - 1);
  byId("stage").addEventListener("input", (event) => goTo(Number(event.target.value)));
  byId("stage-back").addEventListener("click", () => goTo(stage - 1));
  byId("stage-on").addEventListener("click", () => goTo(stage + 1));
  // In a flat picture nothing turns, so that the arrows of the picture are free for the slider.
  map.addEventListener("keydown", (event) => {
    if (!(state.flat || data.map.plane) || event.ctrlKey || event.metaKey || event.altKey) return;
    const way = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!way) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    goTo(stage + way);
  }, true);
  writeStage();
}
