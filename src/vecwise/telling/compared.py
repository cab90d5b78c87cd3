"""Rows compared: two texts, a query with its neighbours, all pairs, in words and as data.

This module must not know the command line, nor compute anything.
"""

from __future__ import annotations

from math import isnan
from typing import Any

from vecwise.draw.words import fixed, number, score
from vecwise.explore import shown_columns
from vecwise.measure.likeness import Likeness
from vecwise.measure.views import MEASURES, View
from vecwise.table_text import clip, count, verb
from vecwise.telling.answer import Answer, plain
from vecwise.telling.words import (
    WIDTH,
    cut,
    in_blocks,
    measure_data,
    short,
    space_data,
    told,
)

MOST_TOLD = 100  # neighbours listed in words


def compared(a: str, b: str, found: Likeness) -> Answer:
    """Tell how alike two texts are."""
    scores = plain(found.scores)
    lines = [f"{MEASURES[name]:<20}{score(value):>10}" for name, value in scores.items()]
    lines.append(found.meaning)
    if "unit" in found.space.claims:
        lines.append("Both vectors have length 1, so inner product and cosine agree.")
    data = {"a": a, "b": b, **scores, "meaning": found.meaning, "space": space_data(found.space)}
    return Answer([(f"{clip(a, 44)}  |  {clip(b, 44)}", lines)], data)


def neighbors(
    found: Any,
    view: View,
    made: Any,
    query: str | None,
    where: str | None,
    written: list[str],
    k: int | None = None,
    *,
    near: bool = False,
    left_out: bool = False,
) -> Answer:
    """Tell the nearest rows, best first, in words and with their scores; the first hundred in words.

    `k` of them were asked for, or those within a radius (`near`); `left_out` says that rows asked by are not among
    them.
    """
    shown = shown_columns(made.vectors, made.plan)
    listed = zip(found.ids[0].tolist(), found.places[0].tolist(), found.scores[0].tolist(), strict=True)
    answers = [
        {"id": name, "score": plain(value), "row": told(made.vectors, place, shown)}
        for name, place, value in listed
    ]
    head, more = answers[:MOST_TOLD], len(answers) - MOST_TOLD
    width = max((len(short(a["id"])) for a in head), default=1)
    lines = [cut(f"{score(a['score']):>9}  {short(a['id']):<{width}}  {a['row']}") for a in head]
    if more > 0:
        lines.append(f"… and {more:,} more: --csv FILE writes them all")
    if not answers:
        other = "other " if left_out else ""
        lines.append(
            "No row is that near." if near else f"There is no {other}row{' like that' if where else ''}."
        )
    if k is not None and 0 < len(answers) < k:
        lines.append(
            f"{k:,} were asked for; there {verb(len(answers), 'are')} only {count(len(answers), 'such row')}."
        )
    lines += [f"{shown_path}: {count(len(answers), 'row')} with rank, id and score" for shown_path in written]
    measured = f", by {view.words}" + ("" if where is None else f", where {clip(where, 30)}")
    title = f"Nearest to {clip(query or '', max(10, WIDTH - 11 - len(measured)))}{measured}"
    data = {"query": query, "metric": found.metric, "measure": measure_data(view), "neighbors": answers}
    return Answer([(title, lines)], data if where is None else {**data, "where": where})


def paired(name: str, table: Any, view: View, made: Any) -> Answer:
    """Tell all pairs as a labelled table; the labels are row ids, and a legend says what they are."""
    shown = shown_columns(made.vectors, made.plan)
    ids = [short(i, 24) for i in table.ids.tolist()]
    cells = [
        [i, *("no value" if isnan(v) else fixed(v) if abs(v) < 1e9 else number(v) for v in line)]
        for i, line in zip(ids, table.values.tolist(), strict=True)
    ]
    lines = in_blocks(["", *ids], cells)
    rows = [told(made.vectors, place, shown) for place in range(len(ids))]
    legend = [cut(f"{i}  {words}") for i, words in zip(ids, rows, strict=True)]
    data = {"name": name, "metric": table.metric, "measure": measure_data(view), "kind": table.kind,
            "ids": table.ids.tolist(), "rows": rows, "values": table.values.tolist()}  # fmt: skip
    return Answer([(f"{clip(name, 40)}: all pairs, by {view.words}", lines), ("Rows", legend)], data)
