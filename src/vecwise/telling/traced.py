"""What the layers of a model say, and how two spaces differ, in words and as data.

This module must not know the command line, nor compute anything.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from vecwise.draw.words import share
from vecwise.explore import shown_columns
from vecwise.kernels.arrays import dense
from vecwise.models.compare import Comparison
from vecwise.models.layers import Summary
from vecwise.models.trace import Trace
from vecwise.table_text import clip, count, grid
from vecwise.telling.answer import Answer
from vecwise.telling.words import cut, in_blocks, short, space_data, told, wrapped

MOST_TABLE = 30  # layers whose alignments are printed


def traced(name: str, found: Trace, said: Summary, written: dict[str, str | None]) -> Answer:
    """Tell layer by layer how labels part and how many directions are used, and how alike layers are."""
    files = {kind: path for kind, path in written.items() if path is not None}
    head = f"{clip(name, 40)}: {count(len(found), 'layer')} of {found.model}, {count(found.rows, 'row')}"
    header, cells = said.table()
    sections = [(head, [*_verdict(said), "", *map(cut, grid(header, cells))])]
    if 2 < len(said.layers) <= MOST_TABLE:
        names = [short(one.name, 16) for one in said.layers]
        table = [[n, *("–" if np.isnan(v) else f"{v:.2f}" for v in line)]
                 for n, line in zip(names, said.cka.tolist(), strict=True)]  # fmt: skip
        sections.append(
            ("How alike the layers are (unbiased CKA, 1 = the same shape)", in_blocks(["", *names], table))
        )
    if files:
        sections.append(("Written", list(files.values())))
    data: dict[str, Any] = {
        "name": name,
        "model": found.model,
        "rows": found.rows,
        "rows_looked_at": said.rows,
        "target": said.target or None,
        "metric": said.metric or None,
        "baseline": said.baseline,
        "chance": said.chance,
        "layers": [
            {"layer": one.name, "dim": one.dim, "probe": one.probe, "spread": one.spread, "agreement": one.agreement,
             "effective_rank": one.rank, "cka_with_before": one.cka, "space": space_data(found[one.name].space)}
            for one in said.layers
        ],
        "cka": said.cka.tolist(),
        "written": list(files.values()),
    }  # fmt: skip
    return Answer(sections, data, files=files)


def _verdict(said: Summary) -> list[str]:
    if not said.metric:
        return wrapped("Without a target only shapes are told: name a column of labels (--target).")
    best = max(said.layers, key=lambda one: one.probe)
    metric = said.metric.replace("r2", "R²")
    line = f"{clip(said.target, 40)} is told best from {best.name}: a linear model reaches {metric} {best.probe:.3f}, "
    line += f"always saying the same {said.baseline:.3f}."
    if not np.isnan(said.chance):
        line += f" Neighbours agree by chance in {share(said.chance)}."
    if said.rows:
        line += f" {count(said.rows, 'row')} were looked at."
    warned = "Layers of rows that the model learned from look better than they are: give rows that it has not seen."
    return [*wrapped(line), *wrapped(warned)]


def told_comparison(
    names: tuple[str, str], found: Comparison, html: str | None, status: int, least: float | None
) -> Answer:
    """Tell how much two spaces over the same rows agree, and which rows moved most."""
    overlap = found.overlap
    title = f"{clip(names[0], 30)} and {clip(names[1], 30)}: {count(len(found.left), 'row')} in both"
    lines = [
        *wrapped(f"{share(overlap.mean)} of the {overlap.k} nearest rows are the same in both."),
        *_same_everywhere(names, found),
        *wrapped(
            f"CKA {found.cka:.3f}, unbiased {found.unbiased:.3f} (1 = the same shape, near 0 = nothing shared); "
            f"{share(found.disparity)} of the squared distances stay when one is laid on the other."
        ),
        f"{found.left.space.dim:,} and {found.right.space.dim:,} dimensions, compared by {' and '.join(found.metrics)}",
    ]
    if found.missing:
        lines.append(f"{count(found.missing, 'row')} of one side only were left out.")
    if status:
        lines.append(f"Fewer neighbours are kept than --least {least:g} asks for.")
    moved = [one for one in overlap.moved(10) if one[1] < 1]
    words = _rows_of(found, [label for label, _ in moved])
    rows = [
        cut(f"{part:>5.0%}  {short(label, 16)}  {row}".rstrip())
        for (label, part), row in zip(moved, words, strict=True)
    ]
    data = {
        "left": names[0],
        "right": names[1],
        "rows": len(found.left),
        "missing": found.missing,
        "k": overlap.k,
        "neighbours_kept": overlap.mean,
        "cka": found.cka,
        "cka_unbiased": found.unbiased,
        "disparity": found.disparity,
        "metrics": list(found.metrics),
        "moved": [
            {"id": label, "kept": part, "row": row} for (label, part), row in zip(moved, words, strict=True)
        ],
        "spaces": [space_data(side.space) for side in (found.left, found.right)],
        "written": [] if html is None else [html],
    }
    if not rows:
        lines.append("No row has other neighbours than before.")
    sections = [(title, lines)]
    if rows:
        sections.append(("Moved most: the share of neighbours kept, and the row", rows))
    if html is not None:
        sections.append(("Written", [html]))
    return Answer(sections, data, status, files={} if html is None else {"html": html})


def _same_everywhere(names: tuple[str, str], found: Comparison) -> list[str]:
    """Why there is no alignment: a side whose vectors are all the same has no shape."""
    flat = [name for name, side in zip(names, (found.left, found.right), strict=True)
            if np.isnan(found.cka) and len(side) and not np.ptp(dense(side.values), axis=0).any()]  # fmt: skip
    return [
        cut(f"All vectors of {clip(name, 40)} are the same: it has no shape to compare.") for name in flat
    ]


def _rows_of(found: Comparison, labels: list[Any]) -> list[str]:
    """The rows of some ids in words, by whichever side carries rows."""
    X = found.left if found.left.rows is not None else found.right
    place = {label: i for i, label in enumerate(X.ids.tolist())}
    shown = shown_columns(X, None)
    return [told(X, place[label], shown) for label in labels]
