"""What models learned from a file's rows, in words and as data.

This module must not know the command line, nor compute anything but what it says.
"""

from __future__ import annotations

from typing import Any, Final

from vecwise.draw.words import count, number, share
from vecwise.encoders.guess import Plan
from vecwise.encoders.learned import Learned
from vecwise.explore import shown_columns
from vecwise.models.estimators import BASELINE, MODELS
from vecwise.models.probe import Probe
from vecwise.table_text import clip, grid
from vecwise.telling.answer import Answer
from vecwise.telling.words import column_data, cut, short, space_data, told, wrapped
from vecwise.verbs import Chain

WRONG: Final = 5
MATTER: Final = 8
MOSTLY: Final = 0.9  # the share of one class from which accuracy misleads
REPEATED: Final = 0.005  # the share of judged rows that equal a learned one from which it is worth a word
SCORES: Final = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced",
    "f1_macro": "macro F1",
    "r2": "R²",
    "mae": "mean error",
    "rmse": "RMSE",
}


def told_probe(name: str, found: Probe, plan: Plan | None, written: dict[str, str | None]) -> Answer:
    """Tell the models with their spread, what matters, what is suspicious, and the rows told worst."""
    X = found.source.all()
    files = {kind: path for kind, path in written.items() if path is not None}
    worst = _worst(found, plan)
    data: dict[str, Any] = {
        "name": name,
        "target": found.target.name,
        "task": found.task,
        "classes": None if found.target.classes is None else list(found.target.classes),
        "rows": len(found.target.places),
        "rows_without_target": found.target.without,
        "classes_left_out": found.target.rare,
        "how": found.how,
        "metric": found.metric,
        "best": found.best,
        "score": found.score,
        "baseline": found.baseline,
        "learned": found.learned,
        "models": [
            {"model": one.model, "seconds": one.seconds}
            | {metric: {"mean": one.mean(metric), "spread": one.spread(metric)} for metric in one.scores}
            for one in found.tried
        ],
        "left_out": list(found.left_out),
        "importance": found.importance,
        "alone": found.alone,
        "repeated": found.repeated,
        "constant": list(found.constant),
        "worst": worst,
        "columns": [] if plan is None else [column_data(column) for column in plan.columns],
        "written": list(files.values()),
        "space": space_data(X.space),
        "metrics": {found.metric: found.score, "baseline": found.baseline},
    }
    head = f"{clip(name, 40)}: {found.target.name} from {X.space.name or 'vectors'}, {count(len(found.judged), 'row')}"
    sections = [
        (head, [*wrapped(_verdict(found)), *_models(found)]),
        ("To look at", _doubts(found)),
        (
            f"What matters to {found.best}: the fall of {_metric(found)} when a column is shuffled",
            _matter(found),
        ),
        ("Told worst, each by a model that had not seen it", [_line(row, found) for row in worst]),
        *([("Written", list(files.values()))] if files else []),
    ]
    return Answer([section for section in sections if section[1]], data, files=files)


def _metric(found: Probe) -> str:
    return SCORES[found.metric]


def _alone_metric(found: Probe) -> str:
    return "R²" if found.task == "numbers" else "balanced accuracy"


def _verdict(found: Probe) -> str:
    best, metric = found[found.best], found.metric
    reaches = f"{found.best} ({MODELS[found.best]}) reaches {_metric(found)} {found.score:.3f}"
    spread = f" ± {number(best.spread(metric), 2)} over {found.how}"
    says = "the most frequent class" if found.task == "classes" else "the mean"
    base = f"; always saying {says} reaches {found.baseline:.3f}"
    return f"{reaches}{spread}{base}" + ("." if found.learned else ": no model is clearly better.")


def _models(found: Probe) -> list[str]:
    metrics = list(found.tried[0].scores)
    order = sorted(found.tried, key=lambda one: (one.model == BASELINE, -one.mean(found.metric)))
    cells = [
        [
            one.model,
            *(f"{number(one.mean(m), 4)} ± {number(one.spread(m), 2)}" for m in metrics),
            f"{one.seconds:.1f} s",
        ]
        for one in order
    ]
    lines = ["", *grid(["", *(SCORES[m] for m in metrics), "time"], cells)]
    return lines + [line for why in found.left_out for line in wrapped(f"left out: {why}")]


def _doubts(found: Probe) -> list[str]:
    lines = _taught(found)
    for name, score in found.alone.items():
        lines += wrapped(
            f"{clip(name, 40)} tells {clip(found.target.name, 40)} all by itself ({_alone_metric(found)} "
            f"{number(score, 3)}): is it known when you predict? If not, leave it out with --columns."
        )
    if found.constant:
        names = ", ".join(clip(name, 40) for name in found.constant[:MATTER])
        more = f" and {len(found.constant) - MATTER} more" if len(found.constant) > MATTER else ""
        lines += wrapped(f"The same in all rows, so nothing is told by it: {names}{more}.")
    part = found.repeated / len(found.judged)
    if part >= REPEATED:
        lines += wrapped(
            f"{count(found.repeated, 'judged row')} ({share(part)}) equal a row that was learned from: the scores may "
            "flatter. Take repeats out (vecwise dedupe), or keep groups on one side (--group)."
        )
    if found.target.without:
        lines.append(
            f"{count(found.target.without, 'row')} without {clip(found.target.name, 40)} were left out."
        )
    if found.task == "classes" and found.baseline > MOSTLY:
        even = found[found.best].mean("balanced_accuracy")
        chance = found["baseline"].mean("balanced_accuracy")
        lines += wrapped(
            f"{share(found.baseline)} of the rows are of one class, so accuracy says little: the mean over the classes "
            f"of the share found is {even:.3f}, by chance {chance:.3f}."
        )
    if found.target.rare:
        names = ", ".join(f"{clip(name, 24)} ({size})" for name, size in list(found.target.rare.items())[:6])
        more = f" and {len(found.target.rare) - 6} more" if len(found.target.rare) > 6 else ""
        lines += wrapped(f"Classes of too few rows for the folds were left out: {names}{more}.")
    judged, placed = len(found.judged), len(found.target.places)
    if judged < placed:
        lines += wrapped(
            f"{count(placed - judged, 'row')} came first and were learned from alone, never judged."
        )
    return lines


def _taught(found: Probe) -> list[str]:
    """An encoder that was learned from labels has seen what is to be predicted, where these were its rows."""
    whole = found.source.all().encoder
    steps = whole.maps if isinstance(whole, Chain) else (whole,)
    learned = [step for step in steps if isinstance(step, Learned)]
    if not learned:
        return []
    labels = next((str(step.report["labels"]) for step in learned if step.report.get("labels")), "")
    what = f"the labels `{clip(labels, 40)}`" if labels else "what was judged similar"
    return wrapped(
        f"The encoder was learned from {what}: if it saw these rows, the scores flatter. Judge it on other rows."
    )


def _matter(found: Probe) -> list[str]:
    shown = [(name, fall) for name, fall in found.importance.items() if fall > 0][:MATTER]
    if not shown:
        return []
    width = max(len(short(name)) for name, _ in shown)
    top = max(fall for _, fall in shown)
    return [
        f"{short(name):<{width}}  {number(fall, 3):>8}  {'█' * max(1, round(24 * fall / top))}"
        for name, fall in shown
    ]


def _worst(found: Probe, plan: Plan | None) -> list[dict[str, Any]]:
    X = found.source.all()
    shown = shown_columns(X, plan)
    wrong = found.mistakes(WRONG)
    return [
        {"id": name, "truth": truth, "said": said, "row": told(X, int(place), shown) or f"row {name}"}
        for name, place, truth, said in zip(
            wrong.ids.tolist(), wrong.places.tolist(), wrong.truth, wrong.said, strict=True
        )
    ]


def _line(row: dict[str, Any], found: Probe) -> str:
    if found.task == "numbers":
        head = f"truly {number(row['truth'], 5)}, said {number(row['said'], 5)}"
    else:
        head = f"truly {clip(row['truth'], 20)}, said {clip(row['said'], 20)}"
    return cut(f"{short(row['id'], 16)}  {head}  {row['row']}")
