"""The picture of a generator of lines in `models.md`: `python docs/pictures.py generate` draws it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from sheet import Sheet

import vecwise as vw
from vecwise.table_text import clip

EXAMPLES = Path(__file__).parent.parent / "examples"


def generate() -> None:
    """How a generator of songs learned beside n-grams, and how near its lines are to their prompts."""
    made = vw.generator(EXAMPLES / "lyrics.txt")
    margin, report = made.margin(), made.report
    drawn = Sheet(
        900, 490, "Perplexity of held-out lines epoch by epoch, and the likeness of lines to their prompts"
    )
    drawn.words(20, 24, f"Perplexity of held-out lines: {report['perplexity']:.0f}, by n-grams alone "
                f"{report['n_grams']['perplexity']:.0f}", "ink b")  # fmt: skip
    _learning(drawn, report)
    drawn.words(880, 24, f"A prompt counts: lines are nearer to their own by {margin.mean:.2f}", "ink b e")
    low, high = -0.05, float(max(margin.own.max(), margin.other.max())) + 0.05
    x = lambda value: 700 + 180 * (value - low) / (high - low)  # noqa: E731
    for tick in np.arange(0, high, 0.2):
        drawn.path([(x(tick), 36), (x(tick), 440)], "line")
        drawn.words(x(tick), 456, f"{tick:.1f}", "muted m")
    for row, place in enumerate(np.argsort(margin.other - margin.own, kind="stable")):
        y = 46 + 20 * row
        drawn.words(690, y + 4, clip(margin.prompts[place], 34), "muted e")
        ends = [(x(margin.other[place]), y), (x(margin.own[place]), y)]
        drawn.path(ends, "rest", "stroke-width='2'")
        drawn.dots(np.array(ends), ["rest", "accent"], 8, 1)
    drawn.words(880, 476, "cosine of lines to their own prompt (blue) and to the others (grey)", "muted e")
    drawn.save("generate.svg")


def _learning(drawn: Sheet, report: dict[str, Any]) -> None:
    """Perplexity by epoch, unsteered and steered, beside n-grams, on a scale of powers."""
    epochs = report["epochs"][2:]
    curves = {"steered by the line's own vector": ("c1", [one["steered"] for one in epochs]),
              "network alone": ("accent", [one["perplexity"] for one in epochs])}  # fmt: skip
    flat = report["n_grams_to_stop_by"]
    every = [flat, *(value for _, values in curves.values() for value in values)]
    low, high, last = np.log(min(every) * 0.9), np.log(max(every)), epochs[-1]["number"]
    at = lambda epoch, value: (60 + 370 * epoch / last, 400 - 350 * (np.log(value) - low) / (high - low))  # noqa: E731
    for tick in (100, 150, 200, 300, 400, 600):
        if low < np.log(tick) < high:
            drawn.path([at(0, tick), at(last, tick)], "line")
            drawn.words(52, at(0, tick)[1] + 4, str(tick), "muted e")
    drawn.path([at(0, flat), at(last, flat)], "ink", "stroke-dasharray='4 3'")
    for row, (name, (style, values)) in enumerate(curves.items()):
        points = [at(one["number"], value) for one, value in zip(epochs, values, strict=True)]
        drawn.path(points, style, "stroke-width='2'")
        drawn.dots(np.array([[64 + 120 * (1 - row), 434]]), [style], 9, 1)
        drawn.words(74 + 120 * (1 - row), 438, name)
    drawn.path([(60, 456), (84, 456)], "ink", "stroke-dasharray='4 3'")
    drawn.words(90, 460, "n-grams; both on lines that training stops by")
    drawn.words(430, 418, f"epoch {last}", "muted e")
