"""A probe as a page: the rows on a map by what was said of them, with the charts of the best model.

This module must not know how a page is drawn, which is `draw`.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from vecwise import __version__
from vecwise.draw.report import Report, report_html
from vecwise.draw.run_figures import chart_figure
from vecwise.draw.words import count, number
from vecwise.measure.components import pca
from vecwise.models.laid import comparable
from vecwise.models.probe import Probe
from vecwise.pictures import MOST_POINTS, cells_of_rows, on_three_axes
from vecwise.store.durable import write_text

RIGHT: Final = "told"


def write_probe(path: str, found: Probe, *, name: str, command: str) -> None:
    """Write the page durably: the old file stays whole until the new one is."""
    write_text(path, report_html(probe_report(found, name=name, command=command)))


def probe_report(found: Probe, *, name: str, command: str) -> Report:
    """Gather what the page shows: judged rows on their principal components, coloured by right and wrong."""
    X = found.source.all()
    places, truth, said = found.predictions()
    if found.target.answers is not None:  # classes are named, whatever they are: numbers would be a scale
        named = dict(zip(found.target.answers, found.target.classes or (), strict=True))
        truth, said = [named[one] for one in truth], [named[one] for one in said]
    keep = np.arange(len(places))
    if len(places) > MOST_POINTS:
        keep = np.sort(np.random.default_rng(found.seed).choice(len(places), MOST_POINTS, replace=False))
    rows = places[keep]
    shown, compared = X[rows], comparable(X)
    points, axes = on_three_axes(pca(compared, k=min(3, X.space.dim)), compared[rows])
    columns = cells_of_rows(shown, np.arange(len(rows)))
    columns |= _told(found, [truth[i] for i in keep], [said[i] for i in keep], columns)
    color = list(columns)[-1]
    charts = [
        chart for kind, data in found.charts().items() if (chart := chart_figure(kind, data)) is not None
    ]
    return Report(
        title=f"{name}: {found.target.name}",
        headline=(
            f"{found.best} reaches {found.metric.replace('r2', 'R²')} {found.score:.3f}, "
            f"the baseline {found.baseline:.3f}"
        ),
        facts=_facts(found),
        points=points,
        axes=axes,
        loadings=[],
        ids=shown.ids.tolist(),
        columns=columns,
        color=color,
        total=len(places),
        norms={},
        tables=[],
        neighborhoods=[],
        measure="",
        made=" · ".join(part for part in (f"vecwise {__version__}", X.space.name, command) if part),
        plane=not points[:, 2].any(),
        charts=charts,
    )


def _told(found: Probe, truth: list[Any], said: list[Any], taken: dict[str, Any]) -> dict[str, list[Any]]:
    name = found.target.name
    made: dict[str, list[Any]] = {} if name in taken else {name: truth}
    made[_free(f"{name} predicted", taken)] = said
    if found.task == "classes":
        made[_free(RIGHT, taken)] = ["right" if a == b else "wrong" for a, b in zip(truth, said, strict=True)]
    else:
        made[_free("predicted too high by", taken)] = [b - a for a, b in zip(truth, said, strict=True)]
    return made


def _free(name: str, taken: dict[str, Any]) -> str:
    while name in taken:
        name += " by the model"
    return name


def _facts(found: Probe) -> list[tuple[str, str]]:
    models = "; ".join(f"{one.model} {one.mean(found.metric):.3f}" for one in found.tried)
    told = [
        ("Rows", f"{count(len(found.judged), 'row')} judged, {found.how}"),
        ("Models", f"{found.metric.replace('r2', 'R²')}: {models}"),
    ]
    if found.importance:
        best = [
            f"{name} ({number(fall, 2)})" for name, fall in list(found.importance.items())[:5] if fall > 0
        ]
        told.append(("What matters", ", ".join(best) or "no single column"))
    if found.alone:
        told.append(("To look at", "tell the target by themselves: " + ", ".join(found.alone)))
    return told
