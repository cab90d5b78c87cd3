"""Lengths: norms, unit length, normalization.

This module must not know files, encoders or pictures; the arithmetic is in `kernels.norms`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from vecwise.errors import unknown
from vecwise.kernels.norms import row_norms, scale_rows
from vecwise.vectors import Vectors, as_vectors

ORDERS = {"1": 1.0, "2": 2.0, "inf": np.inf}


def norms(X: Any, /, *, order: float = 2) -> np.ndarray:
    """Give the norm of every row as float64, shape `(rows,)`.

    `order` is 1 (sum of magnitudes), 2 (Euclidean length) or `inf` (largest magnitude). `X` is
    `Vectors` or an array. Right for rows of 1e30 and 1e-30 alike. Raises `UnknownName` for another
    order, `NonFinite`.

    >>> import vecwise as vw
    >>> vw.norms([7, 6, 10]).round(4)
    array([13.6015])
    >>> vw.norms([7, 6, 10], order=1)
    array([23.])
    """
    name = "inf" if order == np.inf else f"{order:g}" if isinstance(order, (int, float)) else str(order)
    if name not in ORDERS:
        raise unknown("norm of order", name, list(ORDERS))
    return row_norms(as_vectors(X).values, ORDERS[name])


def normalize(X: Any, /) -> Vectors:
    """Give the rows at Euclidean length 1, in the same space; zero rows stay zero.

    The result claims `unit` when no row is zero. Rows of 1e30 and of 1e-30 come out at length 1 to
    4 units in the last place: each is scaled by its largest magnitude first.

    >>> import vecwise as vw
    >>> vw.normalize([7, 6, 10]).values.round(4)
    array([[0.5147, 0.4411, 0.7352]])
    """
    made = as_vectors(X)
    values = scale_rows(made.values, 2)
    every = bool((row_norms(made.values, np.inf) > 0).all())
    claims = (made.space.claims & {"non-negative"}) | ({"unit"} if every and len(made) else set())
    return Vectors._trusted(values, made.ids, made.rows, made.space.with_claims(claims), made.encoder)


def is_unit(X: Any, /, *, tolerance: float = 1e-3) -> bool:
    """Tell whether every row has Euclidean length 1 within `tolerance`; no rows are not unit.

    >>> import vecwise as vw
    >>> vw.is_unit([[0.6, 0.8]]), vw.is_unit([[3, 4]])
    (True, False)
    """
    lengths = norms(X)
    return bool(len(lengths) and (np.abs(lengths - 1) <= tolerance).all())
