"""Rows compared: two texts, a query with a file.

This module must not know how its answers are printed.
"""

from __future__ import annotations

import re
from typing import Any

from vecwise.encoders.counts import CountEncoder, TfidfEncoder
from vecwise.encoders.queries import encode_query
from vecwise.encoders.sentence import SentenceEncoder
from vecwise.errors import OutOfRange, unknown
from vecwise.loading import encode, load
from vecwise.measure.likeness import Likeness, likeness
from vecwise.telling.answer import Answer
from vecwise.telling.compared import compared, neighbors
from vecwise.vectors import Vectors
from vecwise.workbench.tracked import tracked
from vecwise.workbench.views import viewed

_QUICK = {"sentence": SentenceEncoder, "count": CountEncoder, "tfidf": TfidfEncoder}


def similar(a: Any, b: Any, /, *, encoder: Any = "sentence") -> Likeness:
    """Tell how alike two texts are: inner product, cosine, Euclidean and Manhattan distance, and what they mean.

    `a` and `b` are texts, read by `encoder` (a name, an encoder or the folder of one), or single rows of
    `Vectors`. Raises `WrongShape` for more than a row, `SpaceMismatch` for rows of two spaces.

    >>> import vecwise as vw
    >>> vw.similar("dog bites man", "man bites dog", encoder="count").cosine
    1.0
    """
    if isinstance(a, Vectors) or isinstance(b, Vectors):
        return likeness(a, b)
    # For these no guess is needed, and none is made: it would load Arrow's functions for two texts.
    X = encode([a, b], _QUICK[encoder]() if encoder in list(_QUICK) else encoder)
    return likeness(X[0], X[1])


@tracked("similar")
def compare_texts(a: str, b: str, *, encoder: str = "sentence") -> Answer:
    """Compare two texts, in words and as data."""
    return compared(a, b, similar(a, b, encoder=encoder))


@tracked("nearest")
def nearest_in(
    path: str, query: str | None, *, row: str | None = None, k: int = 10, metric: str = "auto", **options: Any
) -> Answer:
    """Find the rows of a PATH nearest to a text, to a row given as JSON, or to one of its own rows."""
    from vecwise.measure.nearest import nearest

    if k < 1:
        raise OutOfRange(f"`-k` is how many rows to give, at least 1, not {k}.")
    if query is None and row is None:
        raise OutOfRange("Give a query, or --row ID.")
    if query is not None and row is not None:
        raise OutOfRange("Give a query or --row ID, not both.")
    made = load(path, **options)
    view = viewed(made.vectors, metric)
    X = view.vectors
    asked = X.by_id(_id_of(X, row)) if row is not None else encode_query(X, query or "")
    found = nearest(X, asked, k=k + (row is not None), metric=view.metric)
    return neighbors(found, view, made, query, asked if row is not None else None, k)


def _id_of(X: Vectors, row: str) -> Any:
    if X.ids.dtype == object:
        return row
    if not re.fullmatch("-?[0-9]{1,18}", row):
        raise unknown("row with the id", row, [str(i) for i in X.ids[:1000].tolist()])
    return int(row)
