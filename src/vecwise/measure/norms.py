"""Lengths: norms, unit length, normalization.

This module must not know files, encoders or pictures; the arithmetic is in `kernels.norms`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from vecwise.errors import NonFinite, unknown
from vecwise.kernels.norms import row_norms, unit_rows
from vecwise.space import Space
from vecwise.vectors import Vectors, as_vectors
from vecwise.verbs import chain

ORDERS = {"1": 1.0, "2": 2.0, "inf": np.inf}


def norms(X: Any, /, *, order: float = 2) -> np.ndarray:
    """Give the norm of every row as float64, shape `(rows,)`.

    `order` is 1 (sum of magnitudes), 2 (Euclidean length) or `inf` (largest magnitude). `X` is
    `Vectors` or an array. Right for rows of 1e30 and 1e-30 alike. Raises `UnknownName` for another
    order, `NonFinite` for NaN and for a norm that overflows.

    >>> import vecwise as vw
    >>> vw.norms([7, 6, 10]).round(4)
    array([13.6015])
    >>> vw.norms([7, 6, 10], order=1)
    array([23.])
    """
    name = "inf" if order == np.inf else f"{order:g}" if isinstance(order, (int, float)) else str(order)
    if name not in ORDERS:
        raise unknown("norm of order", name, list(ORDERS))
    with np.errstate(over="ignore"):
        lengths = row_norms(as_vectors(X).values, ORDERS[name])
    if not np.isfinite(lengths).all():
        raise NonFinite(f"A norm of order {name} of these vectors is too large for float64. Scale them down.")
    return lengths


@dataclass(frozen=True, slots=True)
class Normalized:
    """The `Map` of `normalize`: rows to Euclidean length 1, within their space."""

    target: Space

    def __call__(self, X: Vectors, /) -> Vectors:
        """Divide every row by its length."""
        self.target.must_match(X.space, "normalize")
        values, some = unit_rows(X.values, 2)
        every = bool(len(X) and some.all())
        claims = (X.space.claims & {"non-negative"}) | ({"unit"} if every else set())
        # Raw queries must be normalized as the rows were: the encoder is followed by this map.
        encoder = None if X.encoder is None else chain(X.encoder, self)
        return Vectors._trusted(values, X.ids, X.rows, X.space.with_claims(claims), encoder)

    def state(self) -> dict[str, Any]:
        """Plain data."""
        return {"target": self.target.to_data()}

    @classmethod
    def from_state(cls, state: dict[str, Any], /) -> Self:
        """Build the same map again."""
        return cls(Space.from_data(state["target"]))


def normalize(X: Any, /) -> Vectors:
    """Give the rows at Euclidean length 1, in the same space; zero rows stay zero.

    The result claims `unit` when no row is zero. Rows of 1e30 and of 1e-30 come out at length 1 to
    4 units in the last place: extreme ones are scaled by their largest magnitude first.

    >>> import vecwise as vw
    >>> vw.normalize([7, 6, 10]).values.round(4)
    array([[0.5147, 0.4411, 0.7352]])
    """
    made = as_vectors(X)
    return Normalized(made.space.with_claims(()))(made)


def is_unit(X: Any, /, *, tolerance: float = 1e-3) -> bool:
    """Tell whether every row has Euclidean length 1 within `tolerance`; no rows are not unit.

    >>> import vecwise as vw
    >>> vw.is_unit([[0.6, 0.8]]), vw.is_unit([[3, 4]])
    (True, False)
    """
    lengths = norms(X)
    return bool(len(lengths) and (np.abs(lengths - 1) <= tolerance).all())
