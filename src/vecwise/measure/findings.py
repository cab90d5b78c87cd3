"""What health found, as a value: numbers, verdicts, words, JSON and a picture.

This module must not know how anything was found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final, NamedTuple

import numpy as np

from vecwise.draw.figures import histogram_figure, to_plotly
from vecwise.measure.checks import Check
from vecwise.measure.leaks import Leak
from vecwise.measure.samples import Sampled
from vecwise.table_text import count, preview_html

_LISTED: Final = 20  # ids that the JSON lists


def median(values: np.ndarray) -> float:
    """Give the median of at least one number, none of them NaN, in a third of the time NumPy takes to be sure."""
    half = len(values) // 2
    part = np.partition(values, half)
    return float(part[half]) if len(values) % 2 else float((part[:half].max() + part[half]) / 2)


class Range(NamedTuple):
    """Smallest, median and largest of some numbers; NaN where there are none."""

    min: float
    median: float
    max: float

    @classmethod
    def of(cls, values: np.ndarray) -> Range:
        """Summarize an array."""
        if not len(values):
            return cls(np.nan, np.nan, np.nan)
        return cls(float(values.min()), median(values), float(values.max()))


@dataclass(frozen=True, slots=True, eq=False)
class Health:
    """What `health` found, exactly over all rows unless it says otherwise.

    `l1` and `l2` hold every finite row's norm; `duplicates` counts rows that repeat one, and `distinct` holds the
    places of the finite rows that repeat none. `duplicate_dimensions` counts varying dimensions that equal an
    earlier one, `outliers` holds the places of rows far from the center, farthest first, and `mean_cosine` is that of
    all pairs of rows with a length. `sampled` is what a seeded sample told: near duplicates, effective rank, hubness.
    `leaks` has an entry for every two splits.
    """

    rows: int
    dim: int
    dtype: str
    sparse: bool
    density: float
    norms: dict[str, Range]
    unit: bool
    zero_rows: int
    nonfinite_rows: int
    duplicates: int
    constant_dimensions: int
    duplicate_dimensions: int
    spread: Range
    mixed_units: bool
    mean_cosine: float
    sampled: Sampled
    leaks: tuple[Leak, ...]
    advice: str
    checks: tuple[Check, ...]
    ids: np.ndarray = field(repr=False)
    l1: np.ndarray = field(repr=False)
    l2: np.ndarray = field(repr=False)
    distinct: np.ndarray = field(repr=False)
    outliers: np.ndarray = field(repr=False)

    @property
    def shape(self) -> tuple[int, int]:
        """`(rows, dim)`."""
        return (self.rows, self.dim)

    @property
    def verdict(self) -> str:
        """The worst verdict of all checks."""
        return self.verdict_without(())

    def verdict_without(self, allowed: Sequence[str]) -> str:
        """The worst verdict of the checks that are not allowed to fail."""
        found = {check.verdict for check in self.checks if check.name not in allowed}
        return "wrong" if "wrong" in found else "look" if "look" in found else "fine"

    def to_dict(self) -> dict[str, Any]:
        """Everything but the arrays of rows, as JSON data; numbers without a value are `None`, ids cut to 20."""
        skipped = {"ids", "l1", "l2", "distinct", "outliers", "norms", "spread", "checks", "sampled", "leaks"}
        plain = {name: getattr(self, name) for name in self.__dataclass_fields__ if name not in skipped}
        return {
            **plain,
            "mean_cosine": _value(self.mean_cosine),
            "norms": {name: _plain(norms) for name, norms in self.norms.items()},
            "spread": _plain(self.spread),
            "outliers": {
                "count": len(self.outliers),
                "ids": self.ids[self.outliers[:_LISTED]].tolist(),
            },
            "sampled": {name: _value(value) for name, value in asdict(self.sampled).items()},
            "leaks": [{**asdict(leak), "ids": leak.ids[:_LISTED].tolist()} for leak in self.leaks],
            "verdict": self.verdict,
            "checks": [asdict(check) for check in self.checks],
        }

    def plot(self) -> Any:
        """Draw the rows' lengths as a plotly Figure."""
        title = f"L2 norms of {count(self.rows - self.nonfinite_rows, 'row')}"
        return to_plotly(histogram_figure(self.l2, name="L2 norm", title=title))

    def __repr__(self) -> str:
        lines = [self._headline()]
        return "\n".join([*lines, *(f"  {c.verdict:5}  {c.name}: {c.reason}" for c in self.checks)])

    def _repr_html_(self) -> str:
        cells = [[c.verdict, c.name, c.reason, c.remedy] for c in self.checks]
        header = ["verdict", "check", "reason", "remedy"]
        return preview_html(self._headline(), header, cells, 0, width=240)

    def _headline(self) -> str:
        return f"Health: {self.verdict}. {self.rows:,} × {self.dim:,}, {self.advice}"


def _plain(values: Range) -> dict[str, float | None]:
    return {name: _value(value) for name, value in values._asdict().items()}


def _value(value: Any) -> Any:
    return value if not isinstance(value, float) or np.isfinite(value) else None
