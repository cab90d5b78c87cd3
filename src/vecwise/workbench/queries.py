"""Rows compared: two texts, a query with a file.

This module must not know how its answers are printed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from vecwise.encoders.counts import CountEncoder, TfidfEncoder
from vecwise.encoders.queries import encode_query
from vecwise.encoders.sentence import SentenceEncoder
from vecwise.errors import EmptyQuery, Inapplicable, OutOfRange
from vecwise.loading import encode, load
from vecwise.measure.explain import length
from vecwise.measure.likeness import Likeness, likeness
from vecwise.measure.views import MEASURES
from vecwise.store.conditions import condition
from vecwise.store.row_files import row_format, write_rows
from vecwise.table_text import clip
from vecwise.telling.answer import Answer
from vecwise.telling.compared import compared, neighbors
from vecwise.vectors import Vectors
from vecwise.workbench.arithmetic import combined_query
from vecwise.workbench.outputs import refuse_overwriting
from vecwise.workbench.tracked import tracked
from vecwise.workbench.views import id_of, viewed

_BY_DIRECTION = ("cosine", "dot")
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
    path: str,
    query: str | None,
    *,
    row: str | None = None,
    k: int | None = None,
    radius: float | None = None,
    where: str | None = None,
    plus: Sequence[str] = (),
    minus: Sequence[str] = (),
    metric: str = "auto",
    csv: str | None = None,
    parquet: str | None = None,
    **options: Any,
) -> Answer:
    """Find the rows of a PATH nearest to a text, to a row given as JSON, or to one of its own rows.

    10 of them, or `k`, or all within a `radius`; `where` is a condition on the columns, and `csv` and `parquet` are
    files that get rank, id, score and the rows.
    """
    from vecwise.measure.nearest import nearest

    if k is not None and k < 1:
        raise OutOfRange(f"`-k` is how many rows to give, at least 1, not {k}.")
    asked_by = [given for given in (query, row, plus or minus or None) if given is not None]
    if not asked_by:
        raise OutOfRange("Give a query, or --row ID, or --plus ITEM.")
    if len(asked_by) > 1:
        raise OutOfRange("Give a query, --row ID or --plus ITEM, not several of them.")
    written = [target for target in (csv, parquet) if target is not None]
    refuse_overwriting(path, *written)
    for target in written:
        row_format(target)
    made = load(path, **options)
    view = viewed(made.vectors, metric)
    X = view.vectors
    asked, left_out, words = _asked(X, query, row, plus, minus)
    _refuse_nothing(asked, view.metric, query, words)
    found = nearest(
        X,
        asked,
        k=k,
        radius=radius,
        metric=view.metric,
        where=None if where is None else _condition(X, where),
        exclude=np.isin(X.ids, left_out) if left_out else None,
    )
    for target in written:
        write_rows(found.to_arrow(rows=True).drop_columns("query"), target)
    asked_for, near = (k, False) if radius is None else (None, True)
    return neighbors(found, view, made, words, where, written, asked_for, near=near, left_out=bool(left_out))


def _asked(
    X: Vectors, query: str | None, row: str | None, plus: Sequence[str], minus: Sequence[str]
) -> tuple[Vectors, list[Any], str]:
    """The vector to search for, the ids that are left out of what is found, and the question in words."""
    if query is not None:
        return encode_query(X, query), [], query
    if row is not None:
        own = id_of(X, row)
        return X.by_id(own), [own], f"row {own}"
    made, known = combined_query(X, plus, minus)
    return made, known, " + ".join(plus) + "".join(f" - {item}" for item in minus)


def _refuse_nothing(asked: Vectors, metric: str, query: str | None, words: str) -> None:
    """Raise `EmptyQuery` for a query of zeros, to which no row is nearer than another."""
    if query is not None and not query.strip():
        raise EmptyQuery(
            "The query is blank, and a text without a word has no vector. Give some words, or --row ID."
        )
    if metric not in _BY_DIRECTION or length(asked):
        return
    what = f"“{clip(words, 40)}”"
    if query is None or query.lstrip()[0] in "{[":
        raise EmptyQuery(
            f"The vector of {what} is all zeros, so by {MEASURES[metric]} no row is nearer to it than another. "
            "Ask for another, or for distances: --metric euclidean."
        )
    raise EmptyQuery(
        f"The encoder knows nothing of {what}, which becomes all zeros: by {MEASURES[metric]} no row is nearer to it "
        "than another. Use words that the rows hold, or --row ID."
    )


def _condition(X: Vectors, where: str) -> Any:
    if X.rows is None:
        raise Inapplicable("`--where` is a condition on columns, and these vectors came without rows.")
    return condition(where, X.rows.schema)
