"""How a file is called and its rows are compared, the same in every use case.

This module must not know how its answers are printed.
"""

from __future__ import annotations

from pathlib import Path

from vecwise.explore import MEASURES, View, view_of
from vecwise.vectors import Vectors


def viewed(X: Vectors, metric: str) -> View:
    """What rows are compared by: a named metric on the vectors as they are, or what their health advises."""
    from vecwise.measure.health import health

    return view_of(X, health(X)) if metric == "auto" else View(X, metric, MEASURES.get(metric, metric))


def display_name(path: str) -> str:
    """What to call the input: the file's name, or standard input."""
    return "standard input" if path == "-" else Path(path).name or str(path)
