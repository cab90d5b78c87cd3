"""Are these vectors any good: shape, lengths, zeros, non-finite values, duplicates, spread, and what to do.

This module must not know files, encoders or pictures.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Final, NamedTuple

import numpy as np

from vecwise.errors import some
from vecwise.kernels.arrays import as_matrix, is_sparse, nonfinite_rows
from vecwise.kernels.digests import first_of_equals, row_digests
from vecwise.kernels.norms import row_norms
from vecwise.measure.spread import Dimensions, Extent
from vecwise.runner import Engine, blocks, fold
from vecwise.vectors import Vectors
from vecwise.verbs import Together

UNIT_TOLERANCE: Final = 1e-3
MIXED_UNITS: Final = 10.0  # standard deviations this far apart mean that the columns have different units
ONE_UNIT: Final = frozenset({"image", "average"})  # kinds of spaces whose named axes share a unit


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
        return cls(float(values.min()), float(np.median(values)), float(values.max()))


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at: `verdict` is `"fine"`, `"look"` or `"wrong"`, with the reason and the remedy."""

    name: str
    verdict: str
    reason: str
    remedy: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Health:
    """What `health` found. `l1` and `l2` hold every finite row's norm; `duplicates` counts rows that repeat one,
    and `distinct` holds the places of the finite rows that repeat none."""

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
    spread: Range
    mixed_units: bool
    advice: str
    checks: tuple[Check, ...]
    l1: np.ndarray = field(repr=False)
    l2: np.ndarray = field(repr=False)
    distinct: np.ndarray = field(repr=False)

    @property
    def shape(self) -> tuple[int, int]:
        """`(rows, dim)`."""
        return (self.rows, self.dim)

    @property
    def verdict(self) -> str:
        """The worst verdict of all checks."""
        found = {check.verdict for check in self.checks}
        return "wrong" if "wrong" in found else "look" if "look" in found else "fine"

    def to_dict(self) -> dict[str, Any]:
        """Everything but the single norms, as JSON data; numbers without a value are `None`."""
        skipped = {"l1", "l2", "distinct", "norms", "spread", "checks"}
        plain = {name: getattr(self, name) for name in self.__dataclass_fields__ if name not in skipped}
        ranges = {"norms": {n: _plain(r) for n, r in self.norms.items()}, "spread": _plain(self.spread)}
        return {
            **plain,
            **ranges,
            "verdict": self.verdict,
            "checks": [asdict(check) for check in self.checks],
        }

    def __repr__(self) -> str:
        lines = [f"Health: {self.verdict}. {self.rows:,} × {self.dim:,}, {self.advice}"]
        return "\n".join([*lines, *(f"  {c.verdict:5}  {c.name}: {c.reason}" for c in self.checks)])


class Lengths(NamedTuple):
    """What the row fold has read, one array a chunk."""

    l1: tuple[np.ndarray, ...]
    l2: tuple[np.ndarray, ...]
    bad: tuple[np.ndarray, ...]
    digests: tuple[np.ndarray, ...]
    filled: int


@dataclass(frozen=True, slots=True)
class Rows:
    """Norms, non-finite rows and a 128-bit digest of every row, as a fold over matrices."""

    def zero(self) -> Lengths:
        """No rows."""
        return Lengths((), (), (), (), 0)

    def step(self, state: Lengths, values: Any, /) -> Lengths:
        """Read one more matrix."""
        bad = np.zeros(values.shape[0], dtype=bool)
        bad[nonfinite_rows(values)] = True
        with np.errstate(invalid="ignore", over="ignore"):
            l1, l2 = row_norms(values, 1), row_norms(values, 2)
        l1[bad] = l2[bad] = np.nan
        cells = values.data if is_sparse(values) else values
        read = Lengths((l1,), (l2,), (bad,), (row_digests(values),), int(np.count_nonzero(cells)))
        return self.merge(state, read)

    def merge(self, left: Lengths, right: Lengths, /) -> Lengths:
        """One after the other."""
        l1, l2, bad, digests = (a + b for a, b in zip(left[:4], right[:4], strict=True))
        return Lengths(l1, l2, bad, digests, left.filled + right.filled)

    def done(self, state: Lengths, /) -> Lengths:
        """Join the chunks' arrays."""
        empty = (np.zeros(0), np.zeros(0), np.zeros(0, bool), np.zeros((0, 2), np.uint64))
        joined = [(np.concatenate([none, *parts]),) for none, parts in zip(empty, state[:4], strict=True)]
        return Lengths(joined[0], joined[1], joined[2], joined[3], state.filled)


def health(X: Any, /, *, engine: Engine | None = None) -> Health:
    """Look at vectors and say what is fine, what deserves a look and what is wrong, with the remedy.

    `X` is `Vectors` or an array, which may hold NaN or infinity: those rows are counted and left out of
    the other numbers. One pass over the rows; cost: rows · dim, and 32 bytes a row.

    >>> import vecwise as vw
    >>> found = vw.health([[0.6, 0.8], [1.0, 0.0], [1.0, 0.0]])
    >>> found.unit, found.duplicates, found.verdict
    (True, 1, 'look')
    """
    values = X.values if isinstance(X, Vectors) else as_matrix(X)
    named = isinstance(X, Vectors) and X.space.features is not None and X.space.kind not in ONE_UNIT
    job = Together({"rows": Rows(), "dimensions": Dimensions(values.shape[1])})
    found = fold(job, blocks(values), engine=engine)
    rows, extent = found["rows"], found["dimensions"]
    return _conclude(
        values, X.ids if isinstance(X, Vectors) else np.arange(values.shape[0]), rows, extent, named
    )


def _conclude(values: Any, ids: np.ndarray, rows: Lengths, extent: Extent, named: bool) -> Health:
    bad = rows.bad[0]
    l1, l2 = rows.l1[0][~bad], rows.l2[0][~bad]
    count, dim = values.shape
    distinct = np.flatnonzero(~bad)[first_of_equals(rows.digests[0][~bad])]
    duplicates = len(l2) - len(distinct)
    deviations = np.sqrt(extent.moments.scatter / max(1, extent.moments.n))
    constant = int((extent.low == extent.high).sum()) if len(l2) > 1 else 0
    varying = deviations[(extent.low < extent.high) & (deviations > 0)]
    mixed = bool(
        named and not is_sparse(values) and len(varying) and varying.max() > MIXED_UNITS * varying.min()
    )
    unit = bool(len(l2) and not bad.any() and (np.abs(l2 - 1) <= UNIT_TOLERANCE).all())
    zeros = ids[~bad][l1 == 0]
    checks = (
        _finite(ids[bad], count),
        _nonzero(zeros, count),
        _lengths(l1, l2, unit),
        _repeats(duplicates, count),
        _constants(constant, dim),
        _units(mixed, varying),
    )
    norms = {"l1": Range.of(l1), "l2": Range.of(l2)}
    density = rows.filled / max(1, count * dim)
    advice = _advice(l2, unit, mixed, is_sparse(values))
    return Health(
        count, dim, str(values.dtype), is_sparse(values), density, norms, unit, len(zeros), int(bad.sum()),
        duplicates, constant, Range.of(varying), mixed, advice, checks, l1, l2,
        distinct,
    )  # fmt: skip


def _advice(l2: np.ndarray, unit: bool, mixed: bool, sparse: bool) -> str:
    if unit:
        return "every row has length 1: inner product and cosine agree"
    if not l2.any():
        return "there is no row with a length: nothing can be compared"
    if mixed:
        return "the columns have different units: standardize, then compare by Euclidean distance"
    if len(l2) > 1 and l2.max() <= l2.min() * (1 + UNIT_TOLERANCE):
        return f"every row has length {l2.max():.4g}: inner product and cosine rank rows alike"
    if sparse:
        return "rows differ in length and are mostly zero: compare by cosine"
    return "rows differ in length: compare by cosine for direction, or by Euclidean distance for size too"


def _finite(bad: np.ndarray, count: int) -> Check:
    if not len(bad):
        return Check("finite", "fine", "every number is finite")
    reason = f"{len(bad):,} of {count:,} rows hold NaN or infinity: {some(bad.tolist())}"
    return Check(
        "finite", "wrong", reason, "Repair or leave out those rows; nothing can be compared with them."
    )


def _nonzero(zeros: np.ndarray, count: int) -> Check:
    if not len(zeros):
        return Check("zero rows", "fine", "no row is all zeros")
    verdict = "wrong" if len(zeros) == count else "look"
    reason = f"{len(zeros):,} of {count:,} rows are all zeros: {some(zeros.tolist())}"
    return Check(
        "zero rows", verdict, reason, "A zero row has no cosine and ranks last; see why it is empty."
    )


def _lengths(l1: np.ndarray, l2: np.ndarray, unit: bool) -> Check:
    if unit:
        return Check("length", "fine", "every row has length 1")
    if not np.isfinite(l1).all():  # never below the L2 norm
        reason = f"{int((~np.isfinite(l1)).sum()):,} rows are longer than float64 can tell"
        return Check("length", "wrong", reason, "Scale the columns down: X / 1e100.")
    positive = l2[l2 > 0]
    if len(positive) and positive.max() > 1000 * positive.min():
        reason = f"lengths run from {positive.min():.3g} to {positive.max():.3g}"
        return Check(
            "length", "look", reason, "Use cosine or `normalize`: long rows win every inner product."
        )
    return Check("length", "fine", "rows are not unit length, and none dwarfs the others")


def _repeats(duplicates: int, count: int) -> Check:
    if not duplicates:
        return Check("duplicates", "fine", "no two rows are equal")
    reason = f"{duplicates:,} of {count:,} rows equal an earlier row"
    return Check(
        "duplicates", "look", reason, "Keep one of each if counts matter or if rows are split for a test."
    )


def _constants(constant: int, dim: int) -> Check:
    if not constant:
        return Check("constant dimensions", "fine", "every dimension varies")
    reason = f"{constant:,} of {dim:,} dimensions have the same value in every row"
    return Check("constant dimensions", "look", reason, "They tell no row from another; leave them out.")


def _units(mixed: bool, varying: np.ndarray) -> Check:
    if not mixed:
        return Check("units", "fine", "no dimension drowns the others")
    reason = f"standard deviations of the columns run from {varying.min():.3g} to {varying.max():.3g}"
    return Check(
        "units", "look", reason, "Distances would follow the largest column: use `standardize` first."
    )


def _plain(values: Range) -> dict[str, float | None]:
    return {name: float(value) if np.isfinite(value) else None for name, value in values._asdict().items()}
