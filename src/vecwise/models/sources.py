"""Where a model's vectors come from: vectors as they are, or rows whose encoder is fitted on the learned rows alone.

This module must not know targets, estimators or files.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np

from vecwise.encoders.base import Encoder
from vecwise.errors import Inapplicable
from vecwise.kernels.arrow import whole_numbers
from vecwise.runner import Progress
from vecwise.vectors import Vectors

WORDS: Final = ("count", "tfidf")  # spaces whose dimensions are words, and no columns


class Source(Protocol):
    """Rows that a model learns from, by number."""

    def __len__(self) -> int:
        """How many rows there are."""
        ...

    def cut(self, train: np.ndarray, test: np.ndarray, /) -> tuple[Vectors, Vectors]:
        """Give the vectors to learn from and those to judge by, of one space."""
        ...

    def all(self) -> Vectors:
        """Give the vectors of all rows."""
        ...

    def of(self, rows: Any, /) -> Vectors:
        """Give the vectors of rows that come later."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Ready:
    """Vectors as they are: given ones, or those of an encoder that learns nothing from rows."""

    vectors: Vectors

    def __len__(self) -> int:
        return len(self.vectors)

    def cut(self, train: np.ndarray, test: np.ndarray, /) -> tuple[Vectors, Vectors]:
        """Take the rows."""
        return self.vectors[train], self.vectors[test]

    def all(self) -> Vectors:
        """Give the vectors."""
        return self.vectors

    def of(self, rows: Any, /) -> Vectors:
        """Encode rows as the vectors were; vectors of their space and arrays are taken as they are."""
        from vecwise.measure.nearest import as_queries

        return as_queries(self.vectors, rows)


class Fitted:
    """Rows of an Arrow table and an encoder that is fitted anew on the rows a model learns from, and on no others."""

    def __init__(self, table: Any, encoder: Encoder, ids: Any = None, whole: Vectors | None = None) -> None:
        self.table, self.encoder, self.ids = table, encoder, ids
        self._whole = whole  # the vectors of all rows, where they are known

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def cut(self, train: np.ndarray, test: np.ndarray, /) -> tuple[Vectors, Vectors]:
        """Fit on `train`, encode both."""
        fresh = fresh_copy(self.encoder)
        return (
            fresh.fit_encode(self.table.take(whole_numbers(train))),
            fresh.encode(self.table.take(whole_numbers(test))),
        )

    def all(self) -> Vectors:
        """Fit on all rows: for a model of all of them, and for reading."""
        if self._whole is None:
            self._whole = _named(fresh_copy(self.encoder).fit_encode(self.table), self.ids)
        return self._whole

    def of(self, rows: Any, /) -> Vectors:
        """Encode later rows as all rows were."""
        return Ready(self.all()).of(rows)


def open_to_new(encoder: Encoder) -> Encoder:
    """Let a guessed encoder read labels that it has not learned as zeros: folds judge some that no other row holds.

    >>> from vecwise.encoders.table import TableEncoder
    >>> open_to_new(TableEncoder()).unknown
    'zeros'
    """
    if encoder.get_params(deep=False).get("unknown") == "error":
        encoder.set_params(unknown="zeros")
    return encoder


def source_of(encoder: Encoder, table: Any, ids: Any = None, progress: Progress | None = None) -> Source:
    """Encode once by an encoder that has nothing to learn, or has learned elsewhere; fit others in each fold."""
    if not encoder.needs_rows or encoder.is_fitted:
        return Ready(_named(encoder.encode(table, progress=progress), ids))
    return Fitted(table, encoder, ids)


def _named(X: Vectors, ids: Any) -> Vectors:
    return X if ids is None else Vectors(X, ids, encoder=X.encoder, space=X.space)


def fresh_copy(encoder: Encoder) -> Encoder:
    """Give an encoder of the same settings that has seen nothing.

    >>> from vecwise.encoders.counts import CountEncoder
    >>> fresh_copy(CountEncoder().fit(["the sea"])).is_fitted
    False
    """
    made = type(encoder)(**{name: _fresh(value) for name, value in encoder.get_params(deep=False).items()})
    return made


def _fresh(value: Any) -> Any:
    return fresh_copy(value) if isinstance(value, Encoder) and value.needs_rows else copy.copy(value)


def without_target(X: Vectors, name: str) -> None:
    """Raise `Inapplicable` where vectors were made of the very column that is to be told from them."""
    names = () if X.space.kind in WORDS else X.space.features or ()
    if any(feature == name or feature.startswith(f"{name}=") for feature in names):
        raise Inapplicable(
            f"These vectors hold the column `{name}` itself, which is to be told from them. Encode the rows without "
            "it, or give the rows and not their vectors."
        )
