"""A layer's numbers as they come, batch by batch: each written where it stays, and whether all rows came.

This module must not know models, nor where layers are saved.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from vecwise.errors import WrongShape
from vecwise.models.given_rows import Given
from vecwise.space import Space
from vecwise.vectors import Vectors


class Pile:
    """The rows of one layer, batch after batch: dense ones in one array, so that they are held once."""

    def __init__(self, count: int) -> None:
        self.count, self.rows = count, 0
        self.claims: frozenset[str] | None = None
        self.array: np.ndarray | None = None
        self.sparse: list[Any] = []

    def add(self, X: Vectors, start: int) -> None:
        """Put the rows of a batch that begins at `start` where they stay."""
        self.rows += len(X)
        claims = frozenset(X.space.claims)
        self.claims = claims if self.claims is None else self.claims & claims
        if X.is_sparse and self.array is None:
            self.sparse.append(X.values)
            return
        if self.array is None:
            self.array = np.empty((self.count, X.space.dim), X.dtype)
            if self.sparse:  # dense after all
                self.array[:start] = _stacked(self.sparse).toarray()
        elif np.promote_types(self.array.dtype, X.dtype) != self.array.dtype:
            self.array = self.array.astype(X.dtype)
        # not by `dense`, which widens float32
        self.array[start : start + len(X)] = X.values.toarray() if X.is_sparse else X.values

    def whole(self, name: str, given: Given, space: Space) -> Vectors:
        """All rows, whose numbers were looked at batch by batch."""
        check_complete(name, self.rows, self.count)
        values = self.array if self.array is not None else _stacked(self.sparse)
        return Vectors._trusted(values, given.ids, given.table, space.with_claims(self.claims or ()))


def check_complete(name: str, rows: int, count: int) -> None:
    """Raise `WrongShape` for a layer that gave fewer rows than there are."""
    if rows != count:
        raise WrongShape(
            f"Layer `{name}` gives {rows:,} of {count:,} rows: it is not called for all of them."
        )


def _stacked(parts: list[Any]) -> Any:
    if len(parts) == 1:
        return parts[0]
    from scipy.sparse import vstack

    return vstack(parts, format="csr")
