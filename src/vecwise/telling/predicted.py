"""What a model said of rows, in words and as data.

This module must not know the command line.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from vecwise.draw.words import number, share
from vecwise.explore import shown_columns
from vecwise.models.chained import ChainModel
from vecwise.table_text import clip, count
from vecwise.telling.answer import Answer
from vecwise.telling.words import cut, short, told

SHOWN: Final = 10


def predicted(name: str, model: ChainModel, X: Any, said: np.ndarray, csv: str | None) -> Answer:
    """Tell what was said in all, and of the first rows."""
    answers = said.tolist()
    shown = shown_columns(X, None)
    head = f"{clip(name, 40)}: {model.target or 'the answer'} of {count(len(answers), 'row')}"
    steps = " → ".join(step for step, _ in model.steps)
    lines = [f"by {steps}", *_summary(answers)]
    rows = [
        cut(f"{short(label, 16)}  {_said(value)}  {told(X, place, shown)}".rstrip())
        for place, (label, value) in enumerate(zip(X.ids.tolist()[:SHOWN], answers[:SHOWN], strict=True))
    ]
    more = len(answers) - len(rows)
    rows += [f"… {count(more, 'more row')}: --csv FILE writes them all"] if more > 0 else []
    data = {
        "name": name,
        "target": model.target,
        "predictions": [
            {"id": label, "said": value} for label, value in zip(X.ids.tolist(), answers, strict=True)
        ],
        "written": [] if csv is None else [csv],
    }
    sections = [(head, lines), ("The first rows" if more > 0 else "The rows", rows)]
    if csv is not None:
        sections.append(("Written", [csv]))
    return Answer(sections, data, files={} if csv is None else {"csv": csv})


def _summary(answers: list[Any]) -> list[str]:
    if not answers:
        return []
    if isinstance(answers[0], (int, float)):
        values = np.array(answers, np.float64)
        low, middle, high = (float(value) for value in np.quantile(values, [0, 0.5, 1]))
        return [f"from {number(low)} to {number(high)}, median {number(middle)}"]
    names, counts = np.unique(np.array(answers, dtype=str), return_counts=True)
    order = np.argsort(-counts, kind="stable")[:8]
    return [", ".join(f"{clip(names[i], 24)} {share(float(counts[i] / len(answers)))}" for i in order)]


def _said(value: Any) -> str:
    return number(value, 5) if isinstance(value, (int, float)) else clip(value, 24)
