"""Layers of a model, or two spaces, as a page: the same rows, and a slider that moves them from stage to stage.

This module must not know how a page is drawn, which is `draw`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from vecwise import __version__
from vecwise.draw.report import Report, Stage, report_html
from vecwise.draw.words import number, share
from vecwise.encoders.learned import Learned
from vecwise.kernels.arrow import whole_numbers
from vecwise.measure.norms import normalize
from vecwise.models.compare import Comparison
from vecwise.models.laid import laid
from vecwise.models.layers import LayerSaid, Summary
from vecwise.models.trace import Trace
from vecwise.pictures import cells_of_rows
from vecwise.store.durable import write_text
from vecwise.table_text import clip, count
from vecwise.telling.learned import SCORES
from vecwise.vectors import Vectors

MOST_POINTS: Final = 5_000  # dots that a browser moves


def write_page(path: str, report: Report) -> None:
    """Write a page durably: the old file stays whole until the new one is."""
    write_text(path, report_html(report))


def trace_report(
    found: Trace, said: Summary, *, name: str, target: str | None = None, labels: Any = None,
    command: str = "", seed: int = 0, dim: int = 2,
) -> Report:  # fmt: skip
    """Gather the page of a trace: every layer a stage, with what the layer says.

    `target` names the column that colours the rows, `labels` are its values where rows carry no such column.
    """
    first, keep = _some(found, seed)
    columns = cells_of_rows(first, np.arange(len(keep)))
    if labels is not None:
        columns[target or "label"] = [labels[place] for place in keep.tolist()]
    places = laid(dict(found), keep, dim)
    stages = [
        Stage(one.name, _numbers(one, said), points) for one, points in zip(said.layers, places, strict=True)
    ]
    best = max(said.layers, key=lambda one: one.probe) if said.metric else None
    told = f"{count(len(said.layers), 'layer')} of {said.model} on {count(found.rows, 'row')}"
    if best is not None:
        told += f": {said.target} is told best from “{best.name}”, {_metric(said)} {best.probe:.3f}"
    color = target if target in columns else "label" if labels is not None else next(iter(columns), None)
    if (
        said.metric == "accuracy" and color is not None
    ):  # classes, whatever they are: numbers would be a scale
        columns[color] = [None if cell is None else str(cell) for cell in columns[color]]
    return _report(name, told, first, columns, color, stages, dim, found.rows, _facts(said), command)


def compare_report(found: Comparison, *, name: str, names: tuple[str, str], command: str = "") -> Report:
    """Gather the page of a comparison: both spaces as stages, rows coloured by the neighbours they keep."""
    place = {label: i for i, label in enumerate(found.left.ids.tolist())}
    keep = np.array([place[label] for label in found.overlap.ids.tolist()])
    first = found.left[keep]
    columns = cells_of_rows(first, np.arange(len(keep)))
    kept = "neighbours kept"
    while kept in columns:
        kept += " by both"
    columns[kept] = found.overlap.kept.tolist()
    sides = {
        clip(names[0], 60): found.left,
        clip(names[1], 59) + ("" if names[0] != names[1] else " "): found.right,
    }
    shared = [("neighbours kept", share(found.overlap.mean)), ("CKA", f"{found.cka:.3f}")]
    stages = [
        Stage(title.strip(), [("numbers a row", f"{side.space.dim:,}"), *shared], points)
        for (title, side), points in zip(sides.items(), laid(sides, keep, 2), strict=True)
    ]
    moved = ", ".join(f"{clip(label, 24)} ({part:.0%})" for label, part in found.overlap.moved(5))
    facts = [
        ("Neighbours", f"{share(found.overlap.mean)} of the {found.overlap.k} nearest rows are the same in both."),
        ("Shape", f"CKA {found.cka:.3f}, unbiased {found.unbiased:.3f}; {share(found.disparity)} of the squared "
                  "distances stay when one is laid on the other."),
        ("Moved most", f"{moved}: the share of neighbours kept."),
    ]  # fmt: skip
    told = f"{share(found.overlap.mean)} of the nearest rows stay the same"
    return _report(name, told, first, columns, kept, stages, 2, len(found.left), facts, command)


def learned_report(
    found: Learned, X: Vectors, held: np.ndarray, *, name: str, command: str = "", seed: int = 0
) -> Report:
    """Gather the page of a learned transformation of X: rows before and after, and which were `held` out."""
    keep = np.arange(len(X))
    if len(keep) > MOST_POINTS:
        keep = np.sort(np.random.default_rng(seed).choice(len(X), MOST_POINTS, replace=False))
    columns = cells_of_rows(X[keep], np.arange(len(keep)))
    role = "learned from"
    while role in columns:
        role += " or held out"
    columns[role] = np.where(np.isin(keep, held), "held out", "learned from or left out").tolist()
    sides = {"before": X, "after": normalize(found(X))}
    stages = [
        Stage(title, [("numbers a row", f"{side.space.dim:,}"), *_retrieval(score)], points)
        for (title, side), score, points in zip(
            sides.items(), (found.before, found.after), laid(sides, keep, 2), strict=True
        )
    ]
    labels = str(found.report.get("labels", ""))
    facts = [
        ("What it was worth", found.words),
        ("Beware", f"Rows that were learned from lie nearer to their own than new rows do: colour by “{role}” to tell "
                   "them from those held out."),
        ("Learned", f"{found.kind}, {found.source.dim:,} → {count(found.target.dim, 'dimension')}; after is drawn at "
                    "length 1, as it is compared by cosine."),
    ]  # fmt: skip
    color = labels if labels in columns else role
    return _report(
        name, found.words.partition(" (")[0], X[keep], columns, color, stages, 2, len(X), facts, command
    )


def _retrieval(scores: Mapping[str, float]) -> list[tuple[str, str]]:
    return [(words, f"{scores[key]:.3f}") for key, words in SCORES.items() if key in scores]


def _some(found: Trace, seed: int) -> tuple[Vectors, np.ndarray]:
    first = next(iter(found.values()))
    keep = np.arange(len(first))
    if len(keep) > MOST_POINTS:
        keep = np.sort(np.random.default_rng(seed).choice(len(keep), MOST_POINTS, replace=False))
    rows = None if first.rows is None else first.rows.take(whole_numbers(keep))
    return Vectors(np.zeros((len(keep), 1)), first.ids[keep], rows), keep


def _metric(said: Summary) -> str:
    return said.metric.replace("r2", "R²")


def _numbers(one: LayerSaid, said: Summary) -> list[tuple[str, str]]:
    shown = [
        ("numbers a row", f"{one.dim:,}"),
        (f"linear {_metric(said)}", f"{one.probe:.3f}"),
        ("neighbours agree", share(one.agreement) if not np.isnan(one.agreement) else ""),
        ("directions used", number(one.rank, 3) if not np.isnan(one.rank) else ""),
        ("CKA with the layer before", f"{one.cka:.3f}"),
    ]
    return [(name, value) for name, value in shown if value not in ("", "nan")]


def _facts(said: Summary) -> list[tuple[str, str]]:
    facts = [("Rows", f"{count(said.rows, 'row')} looked at for the numbers.")]
    if said.metric:
        scores = "; ".join(f"{one.name} {one.probe:.3f}" for one in said.layers)
        facts.append((f"Linear {_metric(said)}", f"{scores}; baseline {said.baseline:.3f}."))
    if not np.isnan(said.chance):
        scores = "; ".join(f"{one.name} {share(one.agreement)}" for one in said.layers)
        facts.append(
            (f"The {said.k} nearest rows of the same class", f"{scores}; by chance {share(said.chance)}.")
        )
    if len(said.layers) > 1:
        change = min(said.layers[1:], key=lambda one: one.cka)
        facts.append(
            ("Largest change", f"at “{change.name}”: unbiased CKA {change.cka:.3f} with the layer before.")
        )
    return facts


def _report(
    name: str, told: str, first: Vectors, columns: dict[str, list[Any]], color: str | None, stages: list[Stage],
    dim: int, total: int, facts: list[tuple[str, str]], command: str,
) -> Report:  # fmt: skip
    return Report(
        title=name,
        headline=told,
        facts=facts,
        points=stages[0].points,
        axes=[f"direction {i + 1}" for i in range(dim)] + [""] * (3 - dim),
        loadings=[],
        ids=first.ids.tolist(),
        columns=columns,
        color=color,
        total=total,
        norms={},
        tables=[],
        neighborhoods=[],
        measure="",
        made=" · ".join(part for part in (f"vecwise {__version__}", command) if part),
        axis="direction",
        plane=dim == 2,
        stages=stages,
    )
