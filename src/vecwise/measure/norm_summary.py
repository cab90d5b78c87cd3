"""How long the rows are, all together: range, quantiles and histogram of their norms, as a fold.

This module must not know files, encoders or pictures; the arithmetic is in `kernels.norms`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import numpy as np

from vecwise.draw.words import count, number
from vecwise.errors import OutOfRange
from vecwise.kernels.mapped import passed
from vecwise.measure.norms import measured, orders_of
from vecwise.runner import Engine, fold
from vecwise.vectors import Vectors, as_vectors

PART_BYTES: Final = 1 << 24
STEPS: Final = 64  # bins between a power of two and the next, each as wide as the others


class Tally(NamedTuple):
    """What was read of one order: how many norms stand in each bin, in the order of bins, and the range."""

    bins: np.ndarray
    counts: np.ndarray
    zeros: int
    least: float
    most: float


@dataclass(frozen=True, slots=True, eq=False)
class NormRange:
    """The norms of one order: `min`, `median`, `max`, how many are zero, and how many stand where.

    `histogram` counts the norms above 0 by powers of two: `{e: n}` says that n of them lie in [2^e, 2^(e+1)).
    """

    order: float
    rows: int
    zeros: int
    min: float
    max: float
    _bins: np.ndarray = field(repr=False)
    _counts: np.ndarray = field(repr=False)

    @property
    def median(self) -> float:
        """The norm of the middle row, to 1/128 of itself."""
        return self.quantile(0.5)

    def quantile(self, q: float) -> float:
        """Give the norm that a share `q` of the rows does not exceed, to 1/128 of itself; NaN without rows.

        It is the middle of the bin that holds it, and never outside the range; `q` 0 and 1 are exact. Raises
        `OutOfRange` for q outside [0, 1].
        """
        if not 0 <= q <= 1:
            raise OutOfRange(f"A quantile is asked for a share between 0 and 1, not {q}.")
        if not self.rows or q in (0, 1):
            return self.min if q < 1 else self.max
        place = min(self.rows - 1, int(q * self.rows))  # counted from 0, the shortest first
        if place < self.zeros:
            return 0.0
        bin_ = self._bins[np.searchsorted(self.zeros + np.cumsum(self._counts), place, side="right")]
        return float(np.clip((_edge(bin_) + _edge(bin_ + 1)) / 2, self.min, self.max))

    @property
    def histogram(self) -> dict[int, int]:
        """How many norms lie in [2^e, 2^(e+1)), for every e with any."""
        return self._grouped(1)

    def _grouped(self, powers: int) -> dict[int, int]:
        """How many norms lie in so many powers of two together, by the lowest of them."""
        groups, place = np.unique(self._bins // (STEPS * powers), return_inverse=True)
        sums = np.zeros(len(groups), np.int64)
        np.add.at(sums, place, self._counts)
        return dict(zip((groups * powers).tolist(), sums.tolist(), strict=True))

    def to_dict(self) -> dict[str, Any]:
        """Everything as JSON data: the order as a word, numbers without a value or beyond float64 as `None`."""
        numbers = {name: getattr(self, name) for name in ("min", "median", "max")}
        histogram = [{"from": _power(e), "to": _power(e + 1), "rows": n} for e, n in self.histogram.items()]
        plain = {name: _plain(value) for name, value in numbers.items()}
        bars = [{name: _plain(value) for name, value in bar.items()} for bar in histogram]
        return {"order": f"{self.order:g}", "zeros": self.zeros, **plain, "histogram": bars}


def _plain(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _power(exponent: int) -> float:
    with np.errstate(over="ignore"):
        return float(np.ldexp(1.0, exponent))


@dataclass(frozen=True, slots=True, eq=False)
class NormSummary:
    """What `norm_summary` found: `rows`, and a `NormRange` for every order, `summary[2]`."""

    rows: int
    ranges: tuple[NormRange, ...]

    def __getitem__(self, order: float) -> NormRange:
        wanted = orders_of([order])[0]
        for one in self.ranges:
            if one.order == wanted:
                return one
        raise OutOfRange(
            f"Norms of order {order} were not asked for; there are {[r.order for r in self.ranges]}."
        )

    def to_dict(self) -> dict[str, Any]:
        """Everything as JSON data."""
        return {"rows": self.rows, "norms": [one.to_dict() for one in self.ranges]}

    def __repr__(self) -> str:
        return "\n".join(
            [f"Norms of {count(self.rows, 'row')}", *(line for r in self.ranges for line in _lines(r))]
        )


def _lines(one: NormRange, widest: int = 40, most: int = 10) -> Iterator[str]:
    name = {1.0: "L1", 2.0: "L2", np.inf: "L-infinity"}.get(one.order, f"order {one.order:g}")
    yield (
        f"  {name}: from {number(one.min)} to {number(one.max)}, median {number(one.median, 3)}, "
        f"{count(one.zeros, 'zero row')}"
    )
    powers = list(one.histogram) or [0]
    together = -(-(powers[-1] - powers[0] + 1) // most)  # powers of two a line, so that few lines show all
    bars = one._grouped(together)
    for power, rows in bars.items():
        edges = f"{number(_power(power)):>9} to {number(_power(power + together)):<9}"
        yield f"    {edges} {rows:>12,}  {'█' * max(1, round(widest * rows / max(bars.values())))}"


@dataclass(frozen=True, slots=True)
class NormFold:
    """Norms of several orders into their ranges and histograms, as a fold over matrices or `Vectors`.

    The state is some thousand numbers at most, however many rows are read.
    """

    orders: tuple[float, ...] = (1.0, 2.0)

    def zero(self) -> tuple[Tally, ...]:
        """No rows."""
        none = np.zeros(0, np.int64)
        return tuple(Tally(none, none, 0, np.inf, -np.inf) for _ in self.orders)

    def step(self, state: tuple[Tally, ...], chunk: Any, /) -> tuple[Tally, ...]:
        """Read one more chunk."""
        values = chunk.values if isinstance(chunk, Vectors) else chunk
        return self.merge(state, tuple(map(_tally, measured(values, self.orders))))

    def merge(self, left: tuple[Tally, ...], right: tuple[Tally, ...], /) -> tuple[Tally, ...]:
        """Add the counts, widen the range."""
        return tuple(map(_together, left, right))

    def done(self, state: tuple[Tally, ...], /) -> NormSummary:
        """The ranges."""
        rows = state[0].zeros + int(state[0].counts.sum())
        made = []
        for order, one in zip(self.orders, state, strict=True):
            least, most = (one.least, one.most) if rows else (np.nan, np.nan)
            made.append(NormRange(order, rows, one.zeros, least, most, one.bins, one.counts))
        return NormSummary(rows, tuple(made))


def _tally(norms: np.ndarray) -> Tally:
    some = norms[norms > 0]
    bins, counts = np.unique(_bin(some), return_counts=True)
    least, most = norms.min(initial=np.inf), norms.max(initial=-np.inf)
    return Tally(bins, counts.astype(np.int64), len(norms) - len(some), float(least), float(most))


def _together(a: Tally, b: Tally) -> Tally:
    bins, place = np.unique(np.concatenate([a.bins, b.bins]), return_inverse=True)
    counts = np.zeros(len(bins), np.int64)
    np.add.at(counts, place, np.concatenate([a.counts, b.counts]))
    return Tally(bins, counts, a.zeros + b.zeros, min(a.least, b.least), max(a.most, b.most))


def _bin(norms: np.ndarray) -> np.ndarray:
    """The bin of numbers above 0: 64 to a power of two, found by exact arithmetic."""
    share, power = np.frexp(norms)  # norm = share · 2^power, share in [1/2, 1)
    return (power.astype(np.int64) - 1) * STEPS + ((2 * share - 1) * STEPS).astype(np.int64)


def _edge(bin_: Any) -> float:
    power, step = divmod(int(bin_), STEPS)
    return float(np.ldexp(1 + step / STEPS, power))


def norm_summary(X: Any, /, *, orders: Sequence[float] = (1, 2), engine: Engine | None = None) -> NormSummary:
    """Give the range, the median, the zeros and a histogram of the rows' norms, of each order in one pass.

    `X` is `Vectors`, an array, or an iterator of either, which is read once and need not fit into memory: what
    is kept are counts. Range and counts are exact, the median and other quantiles are right to 1/128 of
    themselves. Raises what `norms` raises.

    >>> import vecwise as vw
    >>> found = vw.norm_summary([[3.0, 4.0], [6.0, 8.0], [0.0, 0.0]])
    >>> found
    Norms of 3 rows
      L1: from 0 to 14, median 7.03, 1 zero row
                4 to 8                    1  ████████████████████████████████████████
                8 to 16                   1  ████████████████████████████████████████
      L2: from 0 to 10, median 5.03, 1 zero row
                4 to 8                    1  ████████████████████████████████████████
                8 to 16                   1  ████████████████████████████████████████
    >>> found[2].max, found[2].histogram
    (10.0, {2: 1, 3: 1})
    """
    job = NormFold(orders_of(orders))
    return fold(job, _parts(X), engine=engine)


def _parts(X: Any) -> Iterable[Any]:
    """Matrices of a size that makes the histogram cheap beside the reading."""
    for part in X if isinstance(X, Iterator) else [X]:
        values = as_vectors(part).values
        size = max(1024, PART_BYTES // (values.dtype.itemsize * values.shape[1]))
        for start in passed(values, range(0, values.shape[0], size)):
            yield values[start : start + size]
