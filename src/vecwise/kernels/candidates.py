"""Rows that may be among the best of a query: chosen by a product in float32 whose error is bounded.

This module must not know any vecwise type. A product of float32 is off by at most `gamma` times the lengths of both
rows, whatever order it is summed in (Higham 2002, Accuracy and Stability of Numerical Algorithms, section 3.1).
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np

from vecwise.kernels.native_select import Candidates, library
from vecwise.kernels.pair_scores import APART, TURNED, Sides

_SAFE: Final = (1e-12, 1e12)  # lengths whose float32 products neither overflow nor vanish
_UNIT: Final = 2.0**-24  # half a unit in the last place of float32
_ROOM: Final = 8  # places for candidates, times k


def is_tame(lengths: np.ndarray) -> bool:
    """Tell whether float32 products of rows of these lengths neither overflow nor vanish."""
    some = lengths[lengths > 0]
    return bool(not len(some) or (some.min() > _SAFE[0] and some.max() < _SAFE[1]))


class Product(NamedTuple):
    """What makes scores in float32: `asked @ rows.T * scale + shift`, each off by at most half the `slack`."""

    asked: np.ndarray
    scale: np.ndarray | None
    shift: np.ndarray | None
    slack: np.ndarray
    least: np.ndarray  # scores below it are none of the best


def product_of(sides: Sides, metric: str, floor: np.ndarray | None) -> Product:
    """Give what makes scores of a metric, larger is better; `floor` are scores below which no row matters."""
    # Of the product, of rounding both sides to float32, of scaling and of shifting.
    gamma = 1.01 * (sides.rows.shape[1] + 8) * _UNIT
    longest, own = float(sides.row_lengths.max(initial=0.0)), sides.query_lengths
    scale = shift = None
    if metric in TURNED:
        zero = sides.row_lengths == 0
        asked = sides.queries / np.where(own > 0, own, 1.0)[:, None]
        scale = (1.0 / np.where(zero, np.nan, sides.row_lengths)).astype(np.float32)  # no NaN is a candidate
        slack = np.full(len(own), 2 * gamma)
    elif metric == "dot":
        asked, slack = sides.queries, 2 * gamma * own * longest
    else:  # the nearest row has the largest 2 q·x - |x|², which is |q|² more than minus the squared distance
        asked = 2 * sides.queries
        shift = -np.square(sides.row_lengths).astype(np.float32)
        slack = 2 * gamma * (2 * own * longest + longest**2 + own**2)
    slack = slack.astype(np.float32) * np.float32(1.001)
    return Product(asked.astype(np.float32), scale, shift, slack, least_of(floor, metric, own) - slack)


def least_of(
    floor: np.ndarray | None, metric: str, own: np.ndarray, unit: np.ndarray | float = 1.0
) -> np.ndarray:
    """Give what a product reaches where a score reaches the floor, in float32; products are divided by `unit`."""
    if floor is None:
        return np.full(len(own), -np.inf, np.float32)
    with np.errstate(over="ignore"):
        if metric == "angular":
            least = np.where(floor > -np.inf, np.cos(np.pi * np.clip(-floor, 0.0, 1.0)), -np.inf)
        elif metric in APART:
            least = own**2 + (floor if metric == "sqeuclidean" else -np.square(floor))
        else:
            least = floor / unit
        made = least.astype(np.float32)
    return np.where(np.isnan(made), np.float32(-np.inf), made)


class PlainCandidates:
    """The same candidates by NumPy: what reaches the k-th largest score so far, less the slack."""

    def __init__(self, k: int, slack: np.ndarray, least: np.ndarray) -> None:
        self.k, self.slack, self.least = k, slack, least
        self.top = np.full((len(slack), k), -np.inf, np.float32)
        self.pairs: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []

    def look(
        self, tile: np.ndarray, first: int, scale: np.ndarray | None = None, shift: np.ndarray | None = None
    ) -> None:
        """Look at scores `(queries, columns)` of the rows from `first` on: `tile * scale + shift`."""
        scores = tile if scale is None else tile * scale
        scores = scores if shift is None else scores + shift
        known = np.where(np.isnan(scores), -np.inf, scores)
        both = np.concatenate([self.top, known], axis=1)
        self.top = np.partition(both, both.shape[1] - self.k, axis=1)[:, -self.k :]
        query, column = np.nonzero(
            (scores >= (self.top.min(axis=1) - self.slack)[:, None]) & ~np.isnan(scores)
        )
        self.pairs.append((query, column + first, scores[query, column]))

    def _edge(self) -> np.ndarray:
        return np.maximum(self.top.min(axis=1) - self.slack, self.least)

    def found(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Give candidates as pairs of a query and a place, by query; none is lost."""
        query, place, score = (np.concatenate(side) for side in zip(*self.pairs, strict=True))
        keep = score >= self._edge()[query]
        order = np.argsort(query[keep], kind="stable")
        return query[keep][order], place[keep][order], np.zeros(0, np.int64)


def selector(k: int, product: Product) -> Any:
    """Give what looks at the tiles: compiled, or by NumPy."""
    if library() is not None:
        return Candidates(k, _ROOM * k + 64, product.slack, product.least)
    return PlainCandidates(k, product.slack, product.least)
