"""Two sets of vectors over the same rows: how many neighbours a row keeps from one to the other.

This module must not know files, encoders or pictures.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from vecwise.draw.words import count, tenths
from vecwise.errors import EmptyInput, whole_number
from vecwise.measure.nearest import nearest
from vecwise.vectors import Vectors, as_vectors

MOST_ASKED: Final = 2_000  # rows whose neighbours are compared; above, a seeded sample of so many


@dataclass(frozen=True, slots=True, eq=False)
class Overlap:
    """The share of its k nearest rows that each row has in both: `kept` is `(asked,)`, by the row ids `ids`.

    `rows` counts the rows that both sets have; `missing` those that only one of them has.
    """

    ids: np.ndarray
    kept: np.ndarray
    k: int
    rows: int
    missing: int

    @property
    def mean(self) -> float:
        """The share kept, over all rows asked."""
        return float(self.kept.mean())

    def moved(self, most: int = 5) -> list[tuple[Any, float]]:
        """Give the rows that kept least, with the share they kept, the earlier row first of equals."""
        order = np.argsort(self.kept, kind="stable")[:most]
        return [(self.ids[i : i + 1].tolist()[0], float(self.kept[i])) for i in order.tolist()]

    def __repr__(self) -> str:
        same = f"{tenths(self.mean)} of the {self.k} nearest rows are the same"
        return f"Overlap: {same}, over {count(len(self.ids), 'row')}"


def neighbor_overlap(X: Any, Y: Any, /, *, k: int = 10, metric: str = "auto", seed: int = 0) -> Overlap:
    """Tell how many of the k nearest rows are the same by X as by Y, row by row; a row is no neighbour of itself.

    Rows are matched by id; the spaces may differ, and near means in each what its vectors advise, unless `metric` is
    named. Above 2,000 rows so many are drawn by `seed` and searched among all. Raises `EmptyInput` when fewer than two
    rows have the same id.

    >>> import vecwise as vw
    >>> X = vw.Vectors([[1.0, 0], [2, 0.1], [0, 1], [0.1, 2]])
    >>> neighbor_overlap(X, -X, k=1).mean
    1.0
    """
    k = whole_number("k", k, "the number of neighbours")
    left, right = as_vectors(X), as_vectors(Y)
    left, right, missing = shared_rows(left, right)
    if len(left) < 2:
        raise EmptyInput(
            "Fewer than two rows have the same id in both, so there are no neighbours to compare."
        )
    asked = np.arange(len(left))
    if len(asked) > MOST_ASKED:
        asked = np.sort(np.random.default_rng(seed).choice(len(left), MOST_ASKED, replace=False))
    take = min(k, len(left) - 1)
    near = [nearest_others(side, asked, take, metric) for side in (left, right)]
    kept = shared_places(*near) / take
    return Overlap(left.ids[asked], kept, take, len(left), missing)


def nearest_others(X: Vectors, asked: np.ndarray, k: int, metric: str) -> np.ndarray:
    """The k nearest places of each row, itself left out, `(asked, k)`."""
    places = nearest(X, X[asked], k=k + 1, metric=metric).places
    own = places == asked[:, None]
    own[~own.any(axis=1), -1] = True  # a row with many equals may not be among its own nearest
    return places[~own].reshape(len(asked), k)


def shared_places(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Count row by row the places that both tables `(rows, k)` hold; no table holds one twice in a row.

    >>> shared_places(np.array([[1, 2], [3, 4]]), np.array([[2, 1], [5, 3]])).tolist()
    [2, 1]
    """
    both = np.sort(np.concatenate([left, right], axis=1), axis=1)
    counts: np.ndarray = (both[:, 1:] == both[:, :-1]).sum(axis=1)
    return counts


def shared_rows(left: Vectors, right: Vectors) -> tuple[Vectors, Vectors, int]:
    """Give the rows that both have, in the order of the left, and how many only one of them has."""
    if np.array_equal(left.ids, right.ids):
        return left, right, 0
    place = {name: i for i, name in enumerate(right.ids.tolist())}
    both = [(i, place[name]) for i, name in enumerate(left.ids.tolist()) if name in place]
    a, b = (np.array([pair[side] for pair in both], dtype=np.int64) for side in (0, 1))
    return left[a], right[b], len(left) + len(right) - 2 * len(both)
