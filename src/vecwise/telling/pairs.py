"""Edges and duplicates, in words and as data.

This module must not know the command line, nor compute anything.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from vecwise.draw.words import bound as bound_words
from vecwise.draw.words import count, score, verb
from vecwise.explore import shown_columns
from vecwise.measure.views import View
from vecwise.table_text import clip
from vecwise.telling.answer import Answer, plain
from vecwise.telling.words import cut, measure_data, short, told, wrapped

MOST_TOLD = 20  # pairs, and groups, on the terminal; files and JSON have them all
MOST_MEMBERS = 5


def edges_told(
    name: str, found: Any, view: View, made: Any, bound: float | None, k: int | None, written: list[str]
) -> Answer:
    """Tell the pairs that count: how many, the best of them, and where they were written."""
    shown = shown_columns(made.vectors, made.plan)
    best = found.best(MOST_TOLD) if k is None else found
    lines = []
    for (left, right), best_score in zip(
        best.places[:MOST_TOLD].tolist(), best.scores[:MOST_TOLD].tolist(), strict=True
    ):
        lines.append(cut(f"{score(best_score):>9}  {_named(made.vectors, left, shown)}"))
        lines.append(cut(f"{'':>9}  {_named(made.vectors, right, shown)}"))
    if len(found) > MOST_TOLD:
        how = "best" if k is None else "first"
        lines.append(f"… the {how} {MOST_TOLD} of {count(len(found), 'pair')}")
    if found.unscored:
        rows = count(found.unscored, "zero row")
        has, stands = (verb(found.unscored, many) for many in ("have", "are"))
        lines += wrapped(f"{rows} {has} no direction and {stands} in no pair.")
    limit = "at least" if found.kind == "similarity" else "at most"
    which = f"{limit} {bound_words(bound)}" if bound is not None else f"the best {k} of each row"
    head = f"{clip(name, 40)}: {count(len(found), 'pair')} of {found.compared:,} by {view.words}, {which}"
    data: dict[str, Any] = {
        "name": name, "metric": found.metric, "measure": measure_data(view), "kind": found.kind, "bound": bound, "k": k,
        "pairs": len(found), "compared": found.compared, "unscored": found.unscored, "written": written,
    }  # fmt: skip
    if not written:
        columns = (found.left.tolist(), found.right.tolist(), found.scores.tolist())
        data["edges"] = [{"left": a, "right": b, "score": s} for a, b, s in zip(*columns, strict=True)]
    sections = [(head, lines or ["none"]), *([("Written", list(written))] if written else [])]
    return Answer(sections, data)


def thinned(name: str, found: Any, view: View, made: Any, keep: str | None, removed: str | None) -> Answer:
    """Tell which rows repeat an earlier one, group by group, and what was written."""
    shown = shown_columns(made.vectors, made.plan)
    groups = found.groups
    scores = dict(zip(found.removed.tolist(), found.scores.tolist(), strict=True))
    equal = dict(zip(found.removed.tolist(), found.equal.tolist(), strict=True))
    lines: list[str] = []
    for group in groups[:MOST_TOLD]:
        lines.append(cut(f"{'kept':>9}  {_named(made.vectors, int(group[0]), shown)}"))
        for place in group[1 : 1 + MOST_MEMBERS].tolist():
            mark = "equal" if equal[place] else score(plain(scores[place]))
            lines.append(cut(f"{mark:>9}  {_named(made.vectors, place, shown)}"))
        if len(group) > 1 + MOST_MEMBERS:
            lines.append(f"{'':>9}  … {len(group) - 1 - MOST_MEMBERS:,} more")
    if len(groups) > MOST_TOLD:
        lines.append(f"… {count(len(groups) - MOST_TOLD, 'more group')}")
    repeat, stay = verb(len(found), "repeat"), verb(len(found.keep), "stay")
    head = (
        f"{clip(name, 40)}: {len(found):,} of {count(len(found.ids), 'row')} {repeat} an earlier one, "
        f"{len(found.keep):,} {stay}"
    )
    how = ["Rows are repeated if their vectors are equal. Near ones too: --near 0.95"]
    if found.bound is not None:
        limit = "at least" if found.metric == "cosine" else "at most"
        bound = f"Compared by {view.words}, {limit} {bound_words(found.bound)}"
        how = wrapped(f"{bound}: a row goes into the nearest row kept before it.")
    files = [f"{where}: {what}" for where, what in ((keep, f"the {count(len(found.keep), 'row')} that {stay}"),
             (removed, "which row went into which")) if where is not None]  # fmt: skip
    data = {
        "name": name, "metric": found.metric, "measure": measure_data(view), "bound": found.bound,
        "rows": len(found.ids), "kept": len(found.keep), "removed": _removed_data(found),
        "groups": [found.ids[group].tolist() for group in groups], "written": {"keep": keep, "removed": removed},
    }  # fmt: skip
    sections = [
        (head, how),
        *([("Groups", lines)] if lines else []),
        *([("Written", files)] if files else []),
    ]
    return Answer(sections, data)


def _removed_data(found: Any) -> list[dict[str, Any]]:
    columns = (
        found.ids[found.removed].tolist(),
        found.ids[found.into].tolist(),
        found.scores.tolist(),
        found.equal.tolist(),
    )
    return [
        {"id": a, "into": b, "score": None if np.isnan(s) else s, "equal": e}
        for a, b, s, e in zip(*columns, strict=True)
    ]


def _named(X: Any, place: int, shown: tuple[str, ...]) -> str:
    return f"{short(X.ids[place], 24)}  {told(X, place, shown)}"
