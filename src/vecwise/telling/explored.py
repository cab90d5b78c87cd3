"""What `explore` found and what `encode` saved, in words and as data.

This module must not know the command line, nor compute anything.
"""

from __future__ import annotations

from typing import Any

from vecwise.draw.words import count, number, share, verb
from vecwise.encoders.guess import Plan
from vecwise.explore import Facts, PairFound, oddities, score_words
from vecwise.table_text import clip, grid
from vecwise.telling.answer import Answer
from vecwise.telling.words import (
    column_data,
    encoder_name,
    fitting,
    measure_data,
    own_name,
    plan_lines,
    short,
    space_data,
    wrapped,
)


def explored(name: str, rows: int, facts: Facts, report: str | None) -> Answer:
    """Tell what `explore` found."""
    sections = [
        (_found(name, rows, facts), plan_lines(facts.plan)),
        (_vectors_line(facts), _vector_lines(facts)),
        *([("Principal components", _component_lines(facts))] if facts.components is not None else []),
        (f"Pairs, by {facts.view.words}", _pair_lines(facts)),
        *([("Report", [report])] if report else []),
    ]
    return Answer(
        sections,
        _explored_data(name, rows, facts, report),
        files={} if report is None else {"report": report},
    )


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
        "space": space_data(X.space),
        "known": known,
        "columns": [] if plan is None else [column_data(c) for c in plan.columns],
    }
    return Answer([(line, [] if plan is None else plan_lines(plan))], data, files={"vectors": folder})


def _found(name: str, rows: int, facts: Facts) -> str:
    table = facts.vectors.rows
    columns = len(facts.plan.columns) if facts.plan is not None else 0 if table is None else table.num_columns
    wide = f", {count(columns, 'column')}" if columns else ""
    part = "" if rows == len(facts.vectors) else f" (a sample of {len(facts.vectors):,})"
    return f"{clip(name, 60)}: {count(rows, 'row')}{part}{wide}"


def _vectors_line(facts: Facts) -> str:
    X, found = facts.vectors, facts.health
    kind = "sparse" if found.sparse else "dense"
    size = f"{len(X):,} × {X.shape[1]:,}"
    made = own_name(X)
    start = f"Vectors by {encoder_name(X)}" if made is None else f"{made[0].upper()}{made[1:]}"
    return f"{start}: {size}, {kind} {found.dtype}, {share(found.density)} filled"


def _vector_lines(facts: Facts) -> list[str]:
    found = facts.health
    norms = [[name.upper(), *(number(v) for v in found.norms[name])] for name in ("l1", "l2")]
    first = f"{found.advice[0].upper()}{found.advice[1:]}."
    notes = [line for note in facts.notes for line in wrapped(note)]
    return [
        *grid(["norm", "min", "median", "max"], norms),
        *wrapped(first),
        *wrapped(oddities(found)),
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
    lines = [f"{len(ratio)} {verb(len(ratio), 'keep')} {share(float(ratio.sum()))} of the variance{of}."]
    for i, (kept, loads) in enumerate(zip(ratio.tolist(), fitted.loadings(4), strict=True), start=1):
        words = [f"{short(name)} {weight:+.2f}" for name, weight in loads]
        named = facts.vectors.space.features is not None and words
        lines.append(fitting(f"{i}  {share(kept)}: ", words) if named else f"{i}  {share(kept)}")
    return lines


def _pair_lines(facts: Facts) -> list[str]:
    if facts.closest is None or facts.farthest is None:
        return ["there are no two different rows to compare"]
    lines = []
    for word, pair in (("Closest", facts.closest), ("Farthest", facts.farthest)):
        part = "" if pair.searched == _searchable(facts) else f" (among {pair.searched:,} sampled rows)"
        left, right = (short(i) for i in facts.vectors.ids[[pair.left, pair.right]].tolist())
        score = score_words(facts.view.metric, pair.score)
        lines += wrapped(f"{word}: rows {left} and {right}, {score}{part}")
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
        "columns": [] if facts.plan is None else [column_data(c) for c in facts.plan.columns],
        "encoder": X.space.name,
        "space": space_data(X.space),
        "vectors": facts.health.to_dict(),
        "measure": measure_data(facts.view),
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
