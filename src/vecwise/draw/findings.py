"""What a picture shows, in one sentence: titles state findings, and this is where they are found.

This module must not know plotly, nor how anything was encoded.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vecwise.draw.columns import Column
from vecwise.draw.words import number, share
from vecwise.table_text import clip

FEWEST = 10  # rows below which a correlation says nothing


def along(points: np.ndarray, column: Column, axis: str = "component") -> str:
    """Say how a column runs through the points: the component it follows, or that it follows none.

    `axis` is what the coordinates are called.

    Numbers and dates by Pearson's correlation, words by the correlation ratio (the share of a
    component's variance that lies between the categories).

    >>> x = np.arange(20.0)
    >>> along(np.stack([x, x * 0, -x], axis=1), Column("price", "number", x))
    '“price” rises along component 1 (correlation 1.00)'
    """
    name = f"“{clip(column.name, 40)}”"
    if len(points) < FEWEST:
        return ""
    if column.numbers is not None:
        return _along_numbers(points, column.numbers, name, axis)
    return _between(points, column, name, axis)


def _along_numbers(points: np.ndarray, numbers: np.ndarray, name: str, axis: str) -> str:
    kept = np.isfinite(numbers)
    if kept.sum() < FEWEST:
        return f"{name} has too few values to follow"
    values = numbers[kept] - numbers[kept].mean()
    spread = points[kept] - points[kept].mean(axis=0, dtype=np.float64)
    # einsum, since waking BLAS threads for three short products takes ten times as long as the products
    length, lengths = (
        np.sqrt(np.einsum("i,i", values, values)),
        np.sqrt(np.einsum("ij,ij->j", spread, spread)),
    )
    if not length:
        return f"{name} is the same in every row"
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.nan_to_num(np.clip(np.einsum("i,ij->j", values, spread) / (length * lengths), -1, 1))
    best = int(np.abs(found).argmax())
    strength = f"{found[best]:.2f}".replace("-", "−")
    if abs(found[best]) < 0.25:
        return f"{name} follows none of the {several(axis)} (strongest correlation {strength})"
    way = "rises" if found[best] > 0 else "falls"
    return f"{name} {way} along {axis} {best + 1} (correlation {strength})"


def _between(points: np.ndarray, column: Column, name: str, axis: str) -> str:
    assert column.codes is not None  # noqa: S101 - a column without numbers has words
    groups = len(column.words)
    if groups == 1:
        return f"{name} is the same in every row"
    if groups > len(points) / 3:  # sentences, names, codes: every row a category of its own
        return ""
    counts = column.counts
    spread = points - points.mean(axis=0, dtype=np.float64)
    total = (spread**2).sum(axis=0)
    sums = np.stack(
        [np.bincount(column.codes, weights=along_one, minlength=groups) for along_one in spread.T], axis=1
    )
    between = (sums**2 / np.maximum(counts, 1)[:, None]).sum(axis=0)
    # Kelley's epsilon squared (1935): many categories explain some variance by chance alone
    within = (total - between) / max(len(points) - groups, 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.nan_to_num(np.clip((between - (groups - 1) * within) / total, 0, 1))
    best = int(ratio.argmax())
    if ratio[best] < 0.05:
        return f"{name} hardly shows on the {several(axis)}: under 5% of their variance"
    return f"{name} sets rows apart along {axis} {best + 1}: {share(float(ratio[best]))} of its variance"


def several(axis: str) -> str:
    """More than one of the coordinates.

    >>> several("component"), several("axis")
    ('components', 'axes')
    """
    return f"{axis.removesuffix('is')}es" if axis.endswith("is") else f"{axis}s"


def loading(place: int, pairs: Sequence[tuple[str, float]]) -> str:
    """Say which features a component rises and falls with.

    >>> loading(0, [("grade", 0.4), ("lat", -0.3)])
    'Component 1 rises with grade and falls with lat'
    """
    strong = [(clip(name, 32), weight) for name, weight in pairs[:4] if weight]
    up, down = ([name for name, weight in strong if weight * sign > 0][:2] for sign in (1, -1))
    told = [f"{verb} with {' and '.join(names)}" for verb, names in (("rises", up), ("falls", down)) if names]
    return f"Component {place + 1} " + (" and ".join(told) if told else "is moved by no feature")


def spread_of(name: str, values: np.ndarray) -> str:
    """Say how far norms reach, or that they are all 1.

    >>> spread_of("L2", np.array([2.1, 4.2, 8.3]))
    'L2 norms run from 2.1 to 8.3, median 4.2'
    """
    finite = values[np.isfinite(values)]
    if not len(finite):
        return f"No row has an {name} norm"
    least, middle, most = float(finite.min()), float(np.median(finite)), float(finite.max())
    if most - least <= 2e-3 * max(abs(most), 1e-300):
        unit = abs(middle - 1) <= 1e-3
        told = "1: unit length" if unit and name == "L2" else rounded(middle)
        return f"Every {name} norm is {told}"
    return f"{name} norms run from {rounded(least)} to {rounded(most)}, median {rounded(middle)}"


def closest(name: str, labels: Sequence[str], values: np.ndarray) -> str:
    """Say which two rows a table puts closest: the largest similarity, or the smallest distance.

    >>> closest("cosine", ["A", "B"], np.array([[1, 0.5], [0.5, 1]]))
    'A and B are closest: cosine 0.50'
    """
    rows, others = np.triu_indices(len(labels), 1)
    pairs = values[rows, others]
    known = np.isfinite(pairs)
    if not known.any():
        return f"The {name} of every two rows" if len(labels) > 1 else f"The {name} of one row with itself"
    near = "distance" in name.lower()
    place = int(np.where(known, pairs, np.inf).argmin() if near else np.where(known, pairs, -np.inf).argmax())
    pair = " and ".join(quoted(labels[side[place]]) for side in (rows, others))
    told = f"are closest: {name}" if near or name == "cosine" else f"have the largest {name}:"
    return f"{pair} {told} {score(float(pairs[place]))}"


def rounded(value: float, digits: int = 3) -> str:
    """Write a number with three significant digits, whole numbers too.

    >>> rounded(7700071.0), rounded(2.1), rounded(0.9999)
    ('7,700,000', '2.1', '1')
    """
    return number(float(f"{value:.{digits}g}"), digits)


def score(value: float | None) -> str:
    """Write a score: two decimals where it is small, fewer digits where it is large; none is "no value".

    >>> score(0.5), score(-0.004), score(1234.5), score(None)
    ('0.50', '0.00', '1,234', 'no value')
    """
    if value is None or not np.isfinite(value) or abs(value) >= 100:
        return number(value, 3)
    written = f"{value:.2f}"
    return "0.00" if written == "-0.00" else written.replace("-", "−")


def quoted(label: str) -> str:
    """Put a label of several words in quotation marks, cut to a line; a plain name stays as it is."""
    short = clip(label, 60)
    return f"“{short}”" if " " in short and not short.startswith("“") else short
