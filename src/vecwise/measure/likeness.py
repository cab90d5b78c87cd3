"""Two rows compared by every common measure at once, with a sentence that says what the numbers mean.

This module must not know files, encoders or how an answer is printed.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isnan
from typing import Final

import numpy as np

from vecwise.draw.words import score as score_words
from vecwise.errors import WrongShape
from vecwise.measure.similarity import both, cosine, distances, dot
from vecwise.space import Space
from vecwise.table_text import count
from vecwise.vectors import Vectors

# Bounds for sentence vectors, read off pairs that people judged; other encoders have other habits.
_WORDS: Final = (
    (0.8, "They say nearly the same."),
    (0.55, "They are close in meaning."),
    (0.3, "They are related."),
    (0.15, "They have little in common."),
)


@dataclass(frozen=True, slots=True)
class Likeness:
    """How alike two rows are: similarities grow with likeness, distances shrink; NaN is "no value".

    `shared` counts the features that both have and those that either has, for sparse vectors such as counts.
    """

    dot: float
    cosine: float
    euclidean: float
    manhattan: float
    space: Space
    shared: tuple[int, int] | None = None

    @property
    def scores(self) -> dict[str, float]:
        """The four numbers by the names of their metrics."""
        return {name: getattr(self, name) for name in ("dot", "cosine", "euclidean", "manhattan")}

    @property
    def meaning(self) -> str:
        """One sentence."""
        if isnan(self.cosine):
            return "One of them is all zeros (a blank text, or no known word): the cosine has no value."
        if self.shared is not None:
            return f"They share {self.shared[0]:,} of {count(self.shared[1], 'different word')}."
        return next(
            (words for least, words in _WORDS if self.cosine >= least), "They have nothing in common."
        )

    def __repr__(self) -> str:
        told = ", ".join(f"{name} {score_words(value)}" for name, value in self.scores.items())
        return f"Likeness: {told}. {self.meaning}"


def likeness(left: Vectors, right: Vectors, /) -> Likeness:
    """Compare two single rows of one space. Raises `WrongShape` for more rows, and `SpaceMismatch`.

    >>> likeness(Vectors([[3.0, 4.0]]), [[4.0, 3.0]]).cosine
    0.96
    """
    a, b = both(left, right, "compare")
    for side in (a, b):
        if len(side) != 1:
            raise WrongShape(f"Two single rows are compared, not {len(side)}. Take one each: X[0], X[1].")
    tables = (dot(a, b), cosine(a, b), distances(a, b), distances(a, b, metric="manhattan"))
    inner, angle, straight, city = (float(table.values[0, 0]) for table in tables)
    shared = None
    if a.is_sparse:
        has = np.asarray(a) != 0, np.asarray(b) != 0
        shared = int((has[0] & has[1]).sum()), int((has[0] | has[1]).sum())
    return Likeness(inner, angle, straight, city, a.space, shared)
