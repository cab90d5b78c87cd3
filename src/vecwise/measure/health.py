"""Are these vectors any good: lengths, zeros, repeats, spread, outliers, hubs, leaks, and what to do about it.

This module must not know files or encoders; what is found is worded in `checks`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from vecwise.kernels.arrays import as_matrix, is_sparse
from vecwise.kernels.digests import equal_columns, first_equal
from vecwise.measure import checks
from vecwise.measure.checks import Check
from vecwise.measure.findings import Health, Range, median
from vecwise.measure.leaks import Leak, leaks_between, split_codes
from vecwise.measure.samples import Sample, Sampled, center_of, drawn, looked_at
from vecwise.measure.surveying import Surveyed, Surveying, wide_blocks
from vecwise.runner import Engine, fold
from vecwise.space import Space
from vecwise.vectors import Vectors

__all__ = ["Check", "Health", "Range", "examined", "health"]

UNIT_TOLERANCE: Final = 1e-3
MIXED_UNITS: Final = 10.0  # standard deviations this far apart mean that the columns have different units
FAR: Final = 6.0  # robust deviations from the median
FEWEST_FAR: Final = 10  # with fewer rows there is no telling what is far
ONE_UNIT: Final = frozenset({"image", "average"})  # kinds of spaces whose named axes share a unit


@dataclass(frozen=True, slots=True, eq=False)
class _Evidence:
    """What was read of a matrix, before anything is concluded; `first` is the first row that equals each."""

    values: Any
    ids: np.ndarray
    names: Sequence[str]
    named: bool
    sample: Sample
    seen: Surveyed
    first: np.ndarray
    varying: np.ndarray
    mixed: bool

    @property
    def scaled(self) -> bool:
        """Whether distances are of standardized columns."""
        return self.named and not is_sparse(self.values)


def health(X: Any, /, *, splits: Any = None, seed: int = 0, engine: Engine | None = None) -> Health:
    """Look at vectors and say what is fine, what deserves a look and what is wrong, with the remedy.

    `X` is `Vectors` or an array, which may hold NaN or infinity: those rows are counted and left out of the other
    numbers. `splits` is a column of the vectors' rows, or a name for every row: rows of one split that equal or nearly
    equal rows of another are told.

    Norms, zeros, repeated rows and dimensions, spread, outliers and the mean cosine are of all rows: a digest finds
    candidates for equality, and they are compared cell by cell. An outlier's distance from the center lies more than 6
    robust deviations (1.4826 times the median deviation) above the median. Near duplicates (cosine at least 0.99),
    hubness (Radovanović, Nanopoulos and Ivanović 2010, JMLR 11:2487) and effective rank (Roy and Vetterli 2007,
    EUSIPCO, pages 606-610) are those of up to 2,048 rows drawn by `seed`, all of them where there are no more; each
    says so. Columns of different units are compared standardized.

    No rows at all are wrong, and the only check then says so.

    Cost: one pass over the rows, 100 bytes a row, and about 50 ms for the sample. Mapped rows leave memory as they are
    passed. Raises `WrongShape`, `WrongType`; for `splits` `UnknownName`, `MissingValue`, `OutOfRange`.

    >>> import vecwise as vw
    >>> found = vw.health([[0.6, 0.8], [1.0, 0.0], [1.0, 0.0]])
    >>> found.unit, found.duplicates, found.verdict
    (True, 1, 'look')
    >>> vw.health([[1, 2], [3, 4], [1, 2]], splits=["train", "train", "test"]).checks[-1].reason
    '1 of 1 row of `test` equals a row of `train`: `2`'
    """
    if isinstance(X, Vectors):
        return examined(X.values, X.ids, X.rows, X.space, splits=splits, seed=seed, engine=engine)
    plain = isinstance(X, np.ndarray) and X.ndim == 2 and X.dtype.kind in "fiub" and X.shape[1] > 0
    values = X if plain and not type(X).__module__.startswith("numpy.ma") else as_matrix(X)
    return examined(values, np.arange(values.shape[0]), splits=splits, seed=seed, engine=engine)


def examined(
    values: Any,
    ids: np.ndarray,
    table: Any = None,
    space: Space | None = None,
    *,
    splits: Any = None,
    seed: int = 0,
    engine: Engine | None = None,
) -> Health:
    """Give the health of a matrix that nobody looked at before: it may be mapped, and of any number type.

    `table` holds a row for each; named axes of `space` may have different units.
    """
    names = () if space is None or space.features is None else space.features
    named = space is not None and bool(names) and space.kind not in ONE_UNIT
    values = (
        np.asarray(values) if isinstance(values, np.memmap) else values
    )  # whose own slices are slow to make
    groups = None if splits is None else split_codes(splits, table, ids)
    found = _read(values, ids, names, named, seed, engine)
    with ThreadPoolExecutor(1) as beside:  # medians of all rows, while the sample is multiplied
        told = beside.submit(_of_rows, found)
        sampled = looked_at(found.sample, found.first, found.seen, standardized=found.mixed)
    leaks = None
    if groups is not None:
        leaks = leaks_between(
            values, ids, *groups, found.first, found.seen, standardized=found.mixed, seed=seed
        )
    return _concluded(found, told.result(), sampled, leaks)


def _read(
    values: Any, ids: np.ndarray, names: Sequence[str], named: bool, seed: int, engine: Engine | None
) -> _Evidence:
    sample = drawn(values, seed)
    scaled = named and not is_sparse(values)
    seen = fold(Surveying(*center_of(sample, scaled=scaled)), wide_blocks(values), engine=engine)
    deviations = np.sqrt(seen.scatter / max(1, seen.finite))
    varying = deviations[(seen.low < seen.high) & (deviations > 0)]
    mixed = bool(scaled and len(varying) and varying.max() > MIXED_UNITS * varying.min())
    first = first_equal(seen.digests, values, seen.bad)
    return _Evidence(values, ids, names, named, sample, seen, first, varying, mixed)


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """What was told of the finite rows: their norms, which repeat none, and which lie far out."""

    l1: np.ndarray
    l2: np.ndarray
    norms: dict[str, Range]
    unit: bool
    distinct: np.ndarray
    far: np.ndarray


def _of_rows(found: _Evidence) -> _Rows:
    seen, count = found.seen, found.values.shape[0]
    good = ~seen.bad
    l1, l2 = (seen.l1, seen.l2) if seen.finite == count else (seen.l1[good], seen.l2[good])
    norms = {"l1": Range.of(l1), "l2": Range.of(l2)}
    least, _, most = norms["l2"]
    unit = len(l2) == count and least >= 1 - UNIT_TOLERANCE and most <= 1 + UNIT_TOLERANCE
    distinct = np.flatnonzero(good & (found.first == np.arange(count)))
    return _Rows(l1, l2, norms, unit, distinct, _far(seen))


def _concluded(found: _Evidence, told: _Rows, sampled: Sampled, leaks: tuple[Leak, ...] | None) -> Health:
    seen, (count, dim), l1, l2 = found.seen, found.values.shape, told.l1, told.l2
    still = seen.low == seen.high if len(l2) > 1 else np.zeros(dim, bool)
    twins = _twins(found, still) if len(l2) > 1 else []
    alike = _mean_cosine(seen)
    sparse, dtype = is_sparse(found.values), str(found.sample.rows.dtype)
    density = seen.filled / max(1, count * dim)
    zeros = found.ids[~seen.bad & (seen.l1 == 0)]
    repeats = len(l2) - len(told.distinct)
    verdicts = (
        checks.finite(found.ids[seen.bad], count),
        checks.nonzero(zeros, count),
        checks.lengths(l1, l2, told.unit),
        checks.repeats(repeats, count),
        checks.near_repeats(sampled, found.sample.whole, mixed=found.mixed),
        checks.constants(int(still.sum()), dim),
        checks.equal_dimensions(twins, found.names or [str(i) for i in range(dim)], sparse=sparse),
        checks.units(found.mixed, found.varying),
        checks.outliers(found.ids[told.far], count, scaled=found.scaled),
        *_of_directions(found, sampled, alike),
        checks.storage(density, count * dim, dtype, sparse=sparse, single=_single(found.sample.rows)),
        *([] if leaks is None else [checks.leakage(leaks)]),
    )
    advice = _advice(l2, told.unit, found.mixed, sparse)
    if not count:
        verdicts, advice = (checks.no_rows(),), "there are no rows"
    return Health(
        count, dim, dtype, sparse, density, told.norms, told.unit, len(zeros), count - len(l2), repeats,
        int(still.sum()), sum(len(group) - 1 for group in twins), _spread(found), found.mixed, alike,
        sampled, leaks or (), advice, verdicts, found.ids, l1, l2, told.distinct, told.far,
    )  # fmt: skip


def _spread(found: _Evidence) -> Range:
    """The standard deviations of the dimensions that vary; 0 where none does."""
    if found.seen.finite and not (found.seen.low < found.seen.high).any():
        return Range(0.0, 0.0, 0.0)
    return Range.of(found.varying)


def _of_directions(found: _Evidence, sampled: Sampled, alike: float) -> tuple[Check, ...]:
    # Columns of different units, and numbers of one sign, point one way by nature.
    judged = not found.named and bool((found.seen.low < 0).any())
    return (
        checks.rank(sampled, found.sample.whole, mixed=found.mixed),
        checks.isotropy(alike, judged=judged),
        checks.hubs(sampled, found.sample.whole),
    )


def _twins(found: _Evidence, still: np.ndarray) -> list[tuple[int, ...]]:
    """Groups of equal dimensions; those that never vary are counted as such alone."""
    seen = found.seen
    told = (seen.hashes, seen.low, seen.high, seen.mean, seen.scatter)
    keys = zip(*(row.tolist() for row in told), strict=True)

    def blocks() -> Iterator[Any]:
        start = 0
        for block in wide_blocks(found.values):
            keep = ~seen.bad[start : start + block.shape[0]]
            start += block.shape[0]
            yield block if keep.all() else block[keep]

    return equal_columns(keys, blocks, still)


def _far(seen: Surveyed) -> np.ndarray:
    """Places of the rows that lie farther out than 6 robust deviations, the farthest first."""
    far = seen.far if seen.finite == len(seen.far) else seen.far[~seen.bad]
    if len(far) < FEWEST_FAR:
        return np.zeros(0, np.int64)
    middle = median(far)
    if not np.isfinite(middle):
        return np.zeros(0, np.int64)
    with np.errstate(invalid="ignore"):
        spread = max(1.4826 * median(np.abs(far - middle)), 0.01 * middle)
    places = np.flatnonzero(~seen.bad & (seen.far > middle + FAR * spread))
    return places[np.argsort(-seen.far[places], kind="stable")]


def _mean_cosine(seen: Surveyed) -> float:
    """The mean cosine of all pairs of rows with a length, from the sum u of their directions: (|u|² - n) / (n² - n)."""
    count = int(np.count_nonzero(~seen.bad & (seen.l2 > 0)))
    if count < 2:
        return float("nan")
    return float(np.clip((seen.units @ seen.units - count) / (count * (count - 1.0)), -1.0, 1.0))


def _single(rows: Any) -> bool:
    """Whether float64 numbers are those of float32."""
    cells = rows.data if is_sparse(rows) else rows
    if cells.dtype != np.float64:
        return False
    with np.errstate(over="ignore"):
        return bool(cells.size and (cells.astype(np.float32) == cells).all())


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
