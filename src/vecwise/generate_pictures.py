"""A generator as a page: how it learned beside n-grams, and prompts, lines and what was learned from on one map.

This module must not know how a page is drawn, which is `draw`.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan
from typing import Any, Final

import numpy as np

from vecwise import __version__
from vecwise.draw.report import Report, report_html
from vecwise.draw.run_figures import chart_figure
from vecwise.measure.components import pca
from vecwise.models.generate.generator import Generator
from vecwise.models.generate.lines import how_many
from vecwise.models.generate.written import Written
from vecwise.pictures import on_three_axes
from vecwise.store.durable import write_text
from vecwise.store.rows import as_table
from vecwise.table_text import clip, count
from vecwise.telling.generated import prompts_matter

MOST_LEARNED: Final = 2000  # lines learned from that are drawn
LEARNED: Final = "learned from"
COLUMNS: Final = ("line", "kind", "likeness to its prompt", "words copied")


def write_generated(path: str, made: Generator, found: Sequence[Written], *, name: str, command: str) -> None:
    """Write the page durably: the old file stays whole until the new one is."""
    write_text(path, report_html(generated_report(made, found, name=name, command=command)))


def learning_chart(made: Generator) -> tuple[str, Any] | None:
    """Draw perplexity by epoch, without and with the vector of the line, beside n-grams."""
    epochs = made.report["epochs"]
    numbers = [one["number"] for one in epochs]
    flat = [made.report["n_grams_to_stop_by"]] * len(numbers)
    curves = [
        {"class": "without a prompt", "x": numbers, "y": [one["perplexity"] for one in epochs]},
        {"class": "steered by its vector", "x": numbers, "y": [one["steered"] for one in epochs]},
        {"class": "n-grams", "x": numbers, "y": flat},
    ]
    return chart_figure("learning curve", {"curves": curves, "best": made.report["best_epoch"]})


def generated_report(made: Generator, found: Sequence[Written], *, name: str, command: str) -> Report:
    """Gather what the page shows: principal components of the lines learned from, the others placed among them."""
    learned = _some(made.lines.train)
    rows: list[tuple[str, str, float | None, int | None]] = [(text, LEARNED, None, None) for text in learned]
    for one in found:
        kind = f"for “{clip(one.prompt, 40)}”" if one.prompt else "without a prompt"
        near = (None if isnan(value) else round(value, 3) for value in one.likeness.tolist())
        rows += zip(one.lines, [kind] * len(one), near, (run.words for run in one.copied), strict=True)
    rows += [
        (prompt, "prompt", None, None) for prompt in dict.fromkeys(one.prompt for one in found) if prompt
    ]
    texts = [row[0] for row in rows]
    columns = dict(zip(COLUMNS, map(list, zip(*rows, strict=True)), strict=True))
    points, axes = _points(made, texts, len(learned))
    chart = learning_chart(made)
    return Report(
        title=f"{name}: new lines",
        headline=made.words,
        facts=[
            ("Lines", how_many(made.lines)),
            ("Prompts", prompts_matter(made.report)),
            *(
                (f"“{clip(one.prompt, 40)}”" if one.prompt else "No prompt", " / ".join(one.lines))
                for one in found
            ),
            (
                "Copied",
                f"at most {count(max(one.longest_copied for one in found), 'word')} in a row from a line",
            ),
        ],
        points=points,
        axes=axes,
        loadings=[],
        ids=list(range(len(texts))),
        columns=columns,
        color="kind",
        total=len(texts),
        norms={},
        tables=[],
        neighborhoods=[],
        measure="",
        made=" · ".join(part for part in (f"vecwise {__version__}", made.source.name, command) if part),
        plane=not points[:, 2].any(),
        charts=[] if chart is None else [chart],
    )


def _some(lines: list[str]) -> list[str]:
    keep = np.arange(len(lines))
    if len(lines) > MOST_LEARNED:
        keep = np.sort(np.random.default_rng(0).choice(len(lines), MOST_LEARNED, replace=False))
    return [lines[i] for i in keep]


def _points(made: Generator, texts: list[str], learned: int) -> tuple[np.ndarray, list[str]]:
    """Place all texts on three components of those learned from."""
    X = made.encoder(as_table(texts))
    return on_three_axes(pca(X[np.arange(learned)], k=min(3, X.space.dim)), X)
