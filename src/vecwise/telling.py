"""Answers in words and as JSON data: every command's result, before anything is printed.

This module must not know the command line, nor compute anything.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from math import isfinite, isnan
from typing import Any

from vecwise.draw.words import count, number, row, share
from vecwise.encoders.guess import Plan
from vecwise.explore import MEASURES, Facts, PairFound, View, oddities, score_words, shown_columns
from vecwise.measure.health import Health, Range
from vecwise.table_text import clip, grid

MOST_COLUMNS = 40  # columns listed on the terminal; the JSON lists all
WIDTH = 98  # characters of a line, which is printed two to the right
NAME = 28  # characters of an id or a column's name on the terminal; the JSON has them whole


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: sections of lines for a person, JSON data for a program, and the exit status.

    JSON has no NaN and no infinity: where the data holds one, it becomes `None`.
    """

    sections: list[tuple[str, list[str]]]
    data: dict[str, Any]
    status: int = 0

    def __post_init__(self) -> None:
        """Make the data strict JSON where it is made, so that no printer has to."""
        object.__setattr__(self, "data", plain(self.data))


def explored(name: str, rows: int, facts: Facts, report: str | None) -> Answer:
    """Tell what `explore` found."""
    sections = [
        (_found(name, rows, facts), _plan_lines(facts.plan)),
        (_vectors_line(facts), _vector_lines(facts)),
        *([("Principal components", _component_lines(facts))] if facts.components is not None else []),
        (f"Pairs, by {facts.view.words}", _pair_lines(facts)),
        *([("Report", [report])] if report else []),
    ]
    return Answer(sections, _explored_data(name, rows, facts, report))


def saved(X: Any, folder: str, rows: int, known: int, plan: Plan | None) -> Answer:
    """Tell what `encode` saved, from which columns, and how many rows it did not have to encode."""
    made = own_name(X)
    origin = f"by {encoder_name(X)}" if made is None else f"({made})"
    again = f" ({count(known, 'row')} were encoded before)" if known else ""
    line = f"{rows:,} × {X.shape[1]:,} vectors {origin}, saved in {folder}{again}"
    data = {
        "folder": folder,
        "rows": rows,
        "dim": X.shape[1],
        "space": space_data(X),
        "known": known,
        "columns": [] if plan is None else [_column(c) for c in plan.columns],
    }
    return Answer([(line, [] if plan is None else _plan_lines(plan))], data)


def _found(name: str, rows: int, facts: Facts) -> str:
    table = facts.vectors.rows
    columns = len(facts.plan.columns) if facts.plan is not None else 0 if table is None else table.num_columns
    wide = f", {count(columns, 'column')}" if columns else ""
    part = "" if rows == len(facts.vectors) else f" (a sample of {len(facts.vectors):,})"
    return f"{clip(name, 60)}: {count(rows, 'row')}{part}{wide}"


def _plan_lines(plan: Plan | None) -> list[str]:
    if plan is None:
        return ["vectors already: nothing to encode"]
    used = {"encode": "encoded", "text": "encoded", "vectors": "the vectors", "skip": "left out"}
    cells = [[c.name, c.type, used[c.use], c.why] for c in plan.columns[:MOST_COLUMNS]]
    widths = [max(len(_short(row[i])) for row in cells) for i in range(3)]
    lines = []
    for line in cells:
        start = "  ".join(_short(line[i]).ljust(widths[i]) for i in range(3))
        lines += _wrapped(f"{start}  {clip(line[3], 120)}", " " * (len(start) + 2))
    more = len(plan.columns) - len(cells)
    return [*lines, f"… {count(more, 'more column')}"] if more > 0 else lines


def _wrapped(line: str, indent: str = "  ") -> list[str]:
    """A line as lines that fit the screen; those after the first are indented."""
    fitted = textwrap.TextWrapper(
        WIDTH,
        subsequent_indent=indent,
        replace_whitespace=False,
        drop_whitespace=True,
        break_on_hyphens=False,
    )
    return fitted.wrap(line)


def _vectors_line(facts: Facts) -> str:
    X, found = facts.vectors, facts.health
    kind = "sparse" if found.sparse else "dense"
    size = f"{len(X):,} × {X.shape[1]:,}"
    made = own_name(X)
    start = f"Vectors by {encoder_name(X)}" if made is None else f"{made[0].upper()}{made[1:]}"
    return f"{start}: {size}, {kind} {found.dtype}, {share(found.density)} filled"


def _short(name: object, width: int = NAME) -> str:
    """A name cut in its middle: long names often differ in their last characters alone."""
    line = clip(name, 10_000)
    tail = width // 3
    return line if len(line) <= width else f"{line[: width - 1 - tail]}…{line[-tail:]}"


def own_name(X: Any) -> str | None:
    """What a user's own vectors are called, such as "column `embedding`"; `None` for those of an encoder."""
    return clip(X.space.name, 60) or None if X.space.frame.startswith("own-") else None


def encoder_name(X: Any) -> str:
    """What made the vectors: their space's name without its details."""
    return clip(X.space.name.split(":")[0], 40) or "your own vectors"


def _vector_lines(facts: Facts) -> list[str]:
    found = facts.health
    norms = [[name.upper(), *(number(v) for v in found.norms[name])] for name in ("l1", "l2")]
    first = f"{found.advice[0].upper()}{found.advice[1:]}."
    notes = [line for note in facts.notes for line in _wrapped(note)]
    return [
        *grid(["norm", "min", "median", "max"], norms),
        *_wrapped(first),
        *_wrapped(oddities(found)),
        *notes,
    ]


def _component_lines(facts: Facts) -> list[str]:
    fitted = facts.components
    if fitted is None:
        return []
    ratio = fitted.explained_variance_ratio
    if not ratio.sum():
        return ["All rows are equal: there is no variance."]
    of = " of the standardized columns" if facts.health.mixed_units else ""
    keep = "keeps" if len(ratio) == 1 else "keep"
    lines = [f"{len(ratio)} {keep} {share(float(ratio.sum()))} of the variance{of}."]
    for i, (kept, loads) in enumerate(zip(ratio.tolist(), fitted.loadings(4), strict=True), start=1):
        words = [f"{_short(name)} {weight:+.2f}" for name, weight in loads]
        named = facts.vectors.space.features is not None and words
        lines.append(_fitting(f"{i}  {share(kept)}: ", words) if named else f"{i}  {share(kept)}")
    return lines


def _fitting(start: str, parts: list[str]) -> str:
    """The line with as many parts as fit the screen: those that are left out matter least."""
    line = start + parts[0]
    for part in parts[1:]:
        if len(line) + 2 + len(part) > WIDTH:
            break
        line += f", {part}"
    return line


def _pair_lines(facts: Facts) -> list[str]:
    if facts.closest is None or facts.farthest is None:
        return ["there are no two different rows to compare"]
    lines = []
    for word, pair in (("Closest", facts.closest), ("Farthest", facts.farthest)):
        part = "" if pair.searched == _searchable(facts) else f" (among {pair.searched:,} sampled rows)"
        left, right = (_short(i) for i in facts.vectors.ids[[pair.left, pair.right]].tolist())
        score = score_words(facts.view.metric, pair.score)
        lines += _wrapped(f"{word}: rows {left} and {right}, {score}{part}")
        lines += [f"  {facts.row(place, 92)}" for place in (pair.left, pair.right)]
    return lines


def _searchable(facts: Facts) -> int:
    zeros = facts.health.zero_rows if facts.view.metric == "cosine" else 0
    distinct = facts.health.rows - facts.health.duplicates
    return distinct - min(1, zeros)  # equal zero rows count once among the distinct


def _explored_data(name: str, rows: int, facts: Facts, report: str | None) -> dict[str, Any]:
    X = facts.vectors
    return {
        "name": name,
        "rows": rows,
        "columns": [] if facts.plan is None else [_column(c) for c in facts.plan.columns],
        "encoder": X.space.name,
        "space": space_data(X),
        "vectors": facts.health.to_dict(),
        "measure": _measure(facts.view),
        "components": _component_data(facts),
        "closest": _pair_data(facts, facts.closest),
        "farthest": _pair_data(facts, facts.farthest),
        "neighbors": [
            {**_row(facts, place), "nearest": [{**_row(facts, p), "score": s} for p, s in near]}
            for place, near in facts.neighbors
        ],
        "report": report,
        "notes": list(facts.notes),
    }


def _column(c: Any) -> dict[str, Any]:
    return {"name": c.name, "type": c.type, "encoded": c.use != "skip", "use": c.use, "why": c.why}


def _component_data(facts: Facts) -> dict[str, Any] | None:
    fitted = facts.components
    if fitted is None:
        return None
    loads = [[{"feature": n, "loading": w} for n, w in axis] for axis in fitted.loadings(5)]
    ratio = fitted.explained_variance_ratio
    return {
        "standardized": facts.health.mixed_units,
        "kept": float(ratio.sum()),
        "explained_variance": fitted.explained_variance.tolist(),
        "explained_variance_ratio": ratio.tolist(),
        "loadings": loads,
    }


def _pair_data(facts: Facts, pair: PairFound | None) -> dict[str, Any] | None:
    if pair is None:
        return None
    both = [_row(facts, pair.left), _row(facts, pair.right)]
    return {"rows": both, "metric": facts.view.metric, "score": pair.score, "searched": pair.searched}


def _row(facts: Facts, place: int) -> dict[str, Any]:
    return {"id": facts.vectors.ids[place : place + 1].tolist()[0], "row": facts.row(place)}


def space_data(X: Any) -> dict[str, Any]:
    """A space as JSON data; the names of very many features are left out."""
    space = X.space
    named = None if space.features is None or space.dim > 1000 else list(space.features)
    claims = sorted(space.claims)
    return {"name": space.name, "dim": space.dim, "frame": space.frame, "claims": claims, "features": named}


def healthy(name: str, found: Health, X: Any) -> Answer:
    """Tell the health of vectors: a line a check, status 1 when something is wrong."""
    marks = {"fine": "fine ", "look": "LOOK ", "wrong": "WRONG"}
    lines = []
    for check in found.checks:
        lines += _wrapped(f"{marks[check.verdict]}  {check.name}: {check.reason}", " " * 7)
        if check.remedy:
            lines += _wrapped(f"       {check.remedy}", " " * 7)
    kind = "sparse" if found.sparse else "dense"
    facts = [
        f"{kind} {found.dtype}, {share(found.density)} of the cells are not zero",
        *(f"{n.upper()} norm {_range(found.norms[n])}" for n in ("l1", "l2")),
        f"standard deviation of a dimension {_range(found.spread)}",
        *_wrapped(found.advice),
    ]
    head = f"{clip(name, 60)}: {found.rows:,} × {found.dim:,}, {found.verdict}"
    data = {"name": name, "space": space_data(X), **found.to_dict()}
    return Answer([(head, facts), ("Checks", lines)], data, 1 if found.verdict == "wrong" else 0)


def compared(
    a: str, b: str, X: Any, scores: dict[str, float | None], shared: tuple[int, int] | None
) -> Answer:
    """Tell how alike two texts are; `shared` are the words they share and those they have, of counts of words."""
    meaning = _likeness(scores["cosine"])
    if shared is not None:
        meaning = f"They share {shared[0]:,} of {shared[1]:,} different words."
    lines = [f"{MEASURES[name]:<20}{number(score, 4):>10}" for name, score in scores.items()]
    lines.append(meaning)
    if "unit" in X.space.claims:
        lines.append("Both vectors have length 1, so inner product and cosine agree.")
    data = {"a": a, "b": b, **scores, "meaning": meaning, "space": space_data(X)}
    return Answer([(f"{clip(a, 44)}  |  {clip(b, 44)}", lines)], data)


def _likeness(cosine: float | None) -> str:
    if cosine is None:
        return "One of them is a zero vector, which has no direction, so the cosine has no value."
    for least, words in ((0.8, "They say nearly the same."), (0.55, "They are close in meaning."),
                         (0.3, "They are related."), (0.15, "They have little in common.")):  # fmt: skip
        if cosine >= least:
            return words
    return "They have nothing in common."


def neighbors(found: Any, view: View, made: Any, query: str | None, own: Any, k: int) -> Answer:
    """Tell the nearest rows, best first, in words and with their scores."""
    shown = shown_columns(made.vectors, made.plan)
    answers = []
    for name, place, score in zip(
        found.ids[0].tolist(), found.places[0].tolist(), found.scores[0].tolist(), strict=True
    ):
        if own is not None and name == own.ids.tolist()[0]:
            continue
        answers.append({"id": name, "score": plain(score), "row": _told(made.vectors, place, shown)})
    answers = answers[:k]
    width = max((len(_short(a["id"])) for a in answers), default=1)
    lines = [_cut(f"{number(a['score'], 4):>9}  {_short(a['id']):<{width}}  {a['row']}") for a in answers]
    asked = query if query is not None else f"row {own.ids.tolist()[0]}"
    measured = f", by {view.words}"
    head = f"Nearest to {clip(asked, WIDTH - 11 - len(measured))}{measured}"
    data = {"query": asked, "metric": found.metric, "measure": _measure(view), "neighbors": answers}
    return Answer([(head, lines)], data)


def _measure(view: View) -> dict[str, str]:
    return {"metric": view.metric, "words": view.words}


def _cut(line: str) -> str:
    """A laid-out line cut to the screen; its spaces stay, which `clip` would join."""
    return line if len(line) <= WIDTH else line[: WIDTH - 1] + "…"


def _told(X: Any, place: int, shown: tuple[str, ...]) -> str:
    return "" if X.rows is None else row(X.rows.slice(place, 1).to_pylist()[0], shown, 78)


def paired(name: str, table: Any, view: View, made: Any) -> Answer:
    """Tell all pairs as a labelled table; the labels are row ids, and a legend says what they are."""
    shown = shown_columns(made.vectors, made.plan)
    ids = [_short(i, 24) for i in table.ids.tolist()]
    cells = [
        [i, *("no value" if isnan(v) else f"{v:.3f}" if abs(v) < 1e9 else number(v) for v in line)]
        for i, line in zip(ids, table.values.tolist(), strict=True)
    ]
    lines = _in_blocks(["", *ids], cells)
    told = [_told(made.vectors, place, shown) for place in range(len(ids))]
    legend = [_cut(f"{i}  {words}") for i, words in zip(ids, told, strict=True)]
    data = {"name": name, "metric": table.metric, "measure": _measure(view), "kind": table.kind,
            "ids": table.ids.tolist(), "rows": told, "values": table.values.tolist()}  # fmt: skip
    return Answer([(f"{clip(name, 40)}: all pairs, by {view.words}", lines), ("Rows", legend)], data)


def _in_blocks(header: list[str], cells: list[list[str]], width: int = WIDTH) -> list[str]:
    """A table in blocks of columns that fit the screen, each with the row names again."""
    named = max(len(row[0]) for row in cells)
    wide = 2 + max(len(cell) for row in [header, *cells] for cell in row[1:])
    take = max(1, (width - named) // wide)
    lines: list[str] = []
    for start in range(1, len(header), take):
        part = [[row[0], *row[start : start + take]] for row in [header, *cells]]
        lines += [*([""] if lines else []), *grid(part[0], part[1:])]
    return lines


def _range(values: Range) -> str:
    return f"from {number(values.min)} to {number(values.max)}, median {number(values.median)}"


def plain(value: Any) -> Any:
    """Data for JSON, which has no NaN and no infinity: they become `None`, at every depth.

    >>> plain({"a": [1.5, float("nan")], "b": float("inf")})
    {'a': [1.5, None], 'b': None}
    """
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    return None if isinstance(value, float) and not isfinite(value) else value
