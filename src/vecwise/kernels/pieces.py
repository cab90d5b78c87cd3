"""Pieces of a matrix written side by side: stripes of numbers, and rows that pick one dimension each.

This module must not know any vecwise type, nor what a piece means.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby, islice
from typing import Any, Final, NamedTuple

import numpy as np

TILE: Final = 1 << 17  # numbers written at a time: one megabyte stays in a core's cache
_AT_ONCE: Final = 32  # pieces that wait for their tiles, which bounds the memory beside the matrix


class Stripe(NamedTuple):
    """Numbers `(rows,)` or `(rows, width)` that stand from dimension `at`."""

    at: int
    values: np.ndarray

    def write(self, tile: np.ndarray, rows: slice, starts: np.ndarray) -> None:
        """Write these rows into their tile."""
        if self.values.ndim == 1:
            tile[:, self.at] = self.values[rows]
        else:
            tile[:, self.at : self.at + self.values.shape[1]] = self.values[rows]


class Neighbours(NamedTuple):
    """Stripes side by side: gathered in a block and turned around at once, which reads and writes whole lines."""

    at: int
    columns: list[np.ndarray]
    block: np.ndarray

    def write(self, tile: np.ndarray, rows: slice, starts: np.ndarray) -> None:
        """Write these rows into their tile."""
        block = self.block[:, : len(tile)]
        for line, column in zip(block, self.columns, strict=True):
            line[:] = column[rows]
        tile[:, self.at : self.at + len(self.columns)] = block.T


class Picks(NamedTuple):
    """For every row the dimension after `at` that it picks, int32, -1 for none, and the numbers to put there.

    `values` is one number, or one a row. `some_none` tells whether a row may pick none.
    """

    at: int
    places: np.ndarray
    values: Any
    some_none: bool = True

    def write(self, tile: np.ndarray, rows: slice, starts: np.ndarray) -> None:
        """Write these rows into their tile; `starts` are where the rows of a tile begin."""
        places = self.places[rows]
        values = self.values if isinstance(self.values, float) else self.values[rows]
        flat = starts[: len(places)] + places
        if self.some_none:
            taken = places >= 0
            flat = flat[taken]
            values = values if isinstance(values, float) else values[taken]
        tile.reshape(-1)[self.at :][flat] = values

    def sparse(self, width: int) -> Any:
        """Give what the rows pick as CSR, `(rows, width)`; `at` is left out."""
        from scipy.sparse import csr_array

        taken = self.places >= 0
        starts = np.concatenate([[0], np.cumsum(taken)])
        data = np.broadcast_to(np.asarray(self.values, np.float64), taken.shape)[taken]
        return csr_array((data, self.places[taken], starts), shape=(len(taken), width))


def side_by_side(rows: int, dim: int, pieces: Iterable[Stripe | Picks]) -> np.ndarray:
    """Give the matrix of these pieces, `(rows, dim)` float64, zero where none writes.

    Written tile by tile, so that a line of memory is fetched once and not once a column.

    >>> picks = Picks(1, np.array([1, -1], np.int32), 1.0)
    >>> side_by_side(2, 3, [Stripe(0, np.array([7.0, 8.0])), picks])
    array([[7., 0., 1.],
           [8., 0., 0.]])
    """
    out = np.zeros((rows, dim))
    height = max(1, TILE // dim)
    starts = np.arange(min(height, rows)) * dim
    for waiting in _batches(pieces):
        batch = _joined(waiting, len(starts))
        for start in range(0, rows, height):
            part = slice(start, start + height)
            for piece in batch:
                piece.write(out[part], part, starts)
    return out


def _batches(pieces: Iterable[Stripe | Picks]) -> Iterator[list[Stripe | Picks]]:
    waiting = iter(pieces)
    while batch := list(islice(waiting, _AT_ONCE)):
        yield batch


def _joined(pieces: list[Stripe | Picks], height: int) -> list[Stripe | Neighbours | Picks]:
    """Join stripes of one dimension that stand side by side."""
    joined: list[Stripe | Neighbours | Picks] = []
    for place, run in groupby(enumerate(pieces), lambda item: _first(*item)):
        found = [piece for _, piece in run]
        if place is not None and len(found) > 1:
            columns = [piece.values for piece in found]
            joined.append(Neighbours(found[0].at, columns, np.empty((len(columns), height))))
        else:
            joined += found
    return joined


def _first(place: int, piece: Stripe | Picks) -> int | None:
    """Where the run of stripes begins that this one would belong to."""
    narrow = isinstance(piece, Stripe) and piece.values.ndim == 1
    return piece.at - place if narrow else None
