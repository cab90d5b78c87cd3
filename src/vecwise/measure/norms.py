"""Lengths: norms of any order, unit length, normalization.

This module must not know files, encoders or pictures; the arithmetic is in `kernels.norms`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np

from vecwise.errors import NonFinite, OutOfRange, unknown
from vecwise.kernels.norms import many_norms, row_norms, unit_rows
from vecwise.space import Space
from vecwise.vectors import UNIT_TOLERANCE, Vectors, as_vectors
from vecwise.verbs import chain

NAMED: Final = {"1": 1.0, "2": 2.0, "inf": float("inf"), "max": float("inf")}


def norms(X: Any, /, *, order: float | Sequence[float] = 2) -> np.ndarray:
    """Give the norm of every row as float64, shape `(rows,)`; `(rows, orders)` for a list of orders.

    `order` is 1 (sum of magnitudes), 2 (Euclidean length), `inf` (largest magnitude) or any number above 1:
    the p-th root of the sum of p-th powers. A list is answered in one pass over memory. `X` is `Vectors` or
    an array. Right for rows of 1e30 and of 1e-30, subnormal ones included: sums add up in float64 in 16
    lanes, and the norm is off by at most (dim / 16 + 12) · 2^-53 of itself.

    Raises `OutOfRange` for an order below 1, which gives no norm, `UnknownName` for one that is no number,
    `NonFinite` for NaN and for a norm that overflows.

    >>> import vecwise as vw
    >>> vw.norms([7, 6, 10]).round(4)
    array([13.6015])
    >>> vw.norms([7, 6, 10], order=[1, 3, float("inf")]).round(4)
    array([[23.    , 11.5953, 10.    ]])
    """
    several = isinstance(order, (list, tuple, np.ndarray))
    wanted = orders_of(order if several else [order])
    made = measured(as_vectors(X).values, wanted)
    return np.ascontiguousarray(made.T) if several else made[0]


def measured(values: Any, orders: Sequence[float]) -> np.ndarray:
    """Norms of several orders, `(orders, rows)`; raises `NonFinite` where one overflows."""
    lengths = many_norms(values, orders)
    for order, row in zip(orders, lengths, strict=True):
        if not np.isfinite(row).all():
            raise NonFinite(
                f"A norm of order {order:g} of these vectors is too large for float64. Scale them down: X / 1e100."
            )
    return lengths


def orders_of(orders: Any) -> tuple[float, ...]:
    """Give the orders of norms as numbers; raises `OutOfRange`, `UnknownName`."""
    made = tuple(map(_order, orders))
    if not made:
        raise OutOfRange("`order` is an empty list. Name at least one: order=[1, 2].")
    return made


def _order(order: Any) -> float:
    if isinstance(order, (bool, np.bool_)) or not isinstance(order, (int, float, np.integer, np.floating)):
        if str(order) not in NAMED:
            raise unknown("norm of order", str(order), ["1", "2", "inf"])
        return NAMED[str(order)]
    if not order >= 1:
        raise OutOfRange(f"There is no norm of order {order}: `order` is a number of at least 1, or inf.")
    return float(order)


@dataclass(frozen=True, slots=True)
class Normalized:
    """The `Map` of `normalize`: rows to length 1 by a norm of order 1, 2 or infinity, within their space."""

    target: Space
    order: float = 2.0

    @property
    def source(self) -> Space:
        """The space of the vectors that it takes: the same."""
        return self.target

    def __call__(self, X: Vectors, /) -> Vectors:
        """Divide every row by its length."""
        self.target.must_match(X.space, "normalize")
        values, some = unit_rows(X.values, self.order)
        every = bool(self.order == 2 and len(X) and some.all())  # the claim speaks of Euclidean length
        claims = (X.space.claims & {"non-negative"}) | ({"unit"} if every else set())
        # Raw queries must be normalized as the rows were: the encoder is followed by this map.
        encoder = None if X.encoder is None else chain(X.encoder, self)
        return Vectors._trusted(values, X.ids, X.rows, X.space.with_claims(claims), encoder)

    def state(self) -> dict[str, Any]:
        """Plain data; Euclidean length, which was once the only one, goes without saying."""
        return {"target": self.target.to_data()} | (
            {} if self.order == 2 else {"order": f"{self.order:g}"}  # JSON has no infinity
        )

    @classmethod
    def from_state(cls, state: dict[str, Any], /) -> Self:
        """Build the same map again."""
        return cls(Space.from_data(state["target"]), _order(state.get("order", "2")))


def normalize(X: Any, /, *, order: float = 2) -> Vectors:
    """Give the rows at length 1, in the same space; zero rows stay zero.

    The length is Euclidean, or, with `order=1`, the sum of magnitudes and, with `order=inf`, the largest
    magnitude. The result claims `unit` when `order` is 2 and no row is zero. Rows of 1e30, of 1e-30 and
    subnormal ones come out at length 1: to 4 units in the last place of float32, and to (dim / 16 + 12) ·
    2^-53 in float64. A row times a power of two comes out with the same bits. Raises `OutOfRange` for
    another order. Cost: each number is read and written once.

    >>> import vecwise as vw
    >>> vw.normalize([7, 6, 10]).values.round(4)
    array([[0.5147, 0.4411, 0.7352]])
    >>> vw.normalize([7, 6, 10], order=1).values.sum().round(12)
    np.float64(1.0)
    """
    wanted = _order(order)
    if wanted not in (1, 2, np.inf):
        raise OutOfRange(f"Rows are normalized by a norm of order 1, 2 or inf, not {order}.")
    made = as_vectors(X)
    return Normalized(made.space.with_claims(()), wanted)(made)


def is_unit(X: Any, /, *, tolerance: float = UNIT_TOLERANCE) -> bool:
    """Tell whether every row has Euclidean length 1 within `tolerance`; no rows are not unit.

    Raises `OutOfRange` for a tolerance below 0.

    >>> import vecwise as vw
    >>> vw.is_unit([[0.6, 0.8]]), vw.is_unit([[3, 4]])
    (True, False)
    """
    if not tolerance >= 0:
        raise OutOfRange(f"`tolerance` is how far a length may be from 1, at least 0, not {tolerance}.")
    return bool(unit_deviation(X) <= tolerance)


def unit_deviation(X: Any, /) -> float:
    """Give how far the Euclidean length of any row is from 1, at most; NaN ("no value") without rows.

    A row too long for float64 is infinitely far.

    >>> import vecwise as vw
    >>> round(vw.unit_deviation([[0.6, 0.8], [1.5, 0.0]]), 12)
    0.5
    """
    lengths = row_norms(as_vectors(X).values, 2)
    return float(np.abs(lengths - 1).max()) if len(lengths) else float("nan")
