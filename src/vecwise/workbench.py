"""The use cases that the command line and notebooks share: read, encode, save, open, explore, compare.

This module must not know how its answers are printed.
"""

from __future__ import annotations

import re
import warnings
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from vecwise import telling
from vecwise.encoders.base import Remember
from vecwise.encoders.counts import CountEncoder, TfidfEncoder
from vecwise.encoders.guess import Plan
from vecwise.encoders.queries import encode_query
from vecwise.encoders.sentence import SentenceEncoder
from vecwise.errors import (
    OutOfRange,
    TooLarge,
    unknown,
)
from vecwise.explore import MEASURES, View, view_of
from vecwise.loading import encode, load
from vecwise.resume import encode_into
from vecwise.store.sources import batches, read
from vecwise.storing import open, open_encoder, save, save_encoded
from vecwise.streaming import encode_file, is_large
from vecwise.telling import Answer
from vecwise.vectors import Vectors, as_vectors

__all__ = ["Answer", "batches", "encode", "explore", "open", "open_encoder", "plot", "read", "save"]

MOST_PAIRED = 50


def plot(X: Any, /, *, color: str | None = None, dim: int = 3) -> Any:
    """Draw vectors as a plotly Figure: their principal components, or themselves when they have `dim` dimensions.

    `X` is `Vectors` or an array, `color` names a column of its rows, `dim` is 2 or 3. Raises `UnknownName`,
    `OutOfRange`, `EmptyInput` for no rows.

    >>> import vecwise as vw
    >>> figure = vw.plot(vw.Vectors([[0, 0, 1], [0, 1, 0], [1, 0, 0.5]]))
    >>> figure.data[0].type
    'scatter3d'
    """
    from vecwise.pictures import plot_vectors

    return plot_vectors(as_vectors(X), color=color, dim=dim)


# ---- the commands: each gives an `Answer`, which tells itself in words or as JSON ----


def explore(
    path: str,
    *,
    html: str | None = None,
    color: str | None = None,
    sample: int | None = None,
    seed: int = 0,
    command: str = "",
    **options: Any,
) -> Answer:
    """Look at a file from every side; `html` is where the report goes (`None`: no report)."""
    from vecwise.explore import facts_of
    from vecwise.pictures import write_report

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        made = load(path, sample=sample, seed=seed, **options)
    if color is not None and (made.vectors.rows is None or color not in made.vectors.rows.column_names):
        raise unknown("column", color, [] if made.vectors.rows is None else made.vectors.rows.column_names)
    notes = tuple(dict.fromkeys(str(warning.message) for warning in caught))
    facts = facts_of(made.vectors, made.plan, seed=seed, notes=notes)
    name = display_name(path)
    if html is not None:
        write_report(html, facts, name=name, rows=made.total, color=color, command=command, seed=seed)
    return telling.explored(name, made.total, facts, html)


def encode_to(path: str, folder: str, **options: Any) -> Answer:
    """Encode a file and save the vectors as a folder."""
    whole = {
        "sample": None,
        "passages": None,
        "bad_rows": "error",
        "rejects": None,
    }  # what needs all rows at once
    if is_large(path) and all(options.get(name, usual) == usual for name, usual in whole.items()):
        batched = {key: value for key, value in options.items() if key not in (*whole, "seed")}
        streamed = encode_file(path, folder, **batched)
        if streamed is not None:
            return telling.saved(streamed.head, folder, streamed.rows, streamed.known, streamed.plan)
    plans: list[Plan | None] = []

    def encoded(kept: Remember) -> Vectors:
        made = load(path, remember=kept, **options)
        plans.append(made.plan)
        return made.vectors

    X, known = encode_into(folder, encoded, lambda X, identity: save_encoded(X, folder, identity))
    return telling.saved(X, folder, len(X), known, plans[0])


def health_of(path: str, **options: Any) -> Answer:
    """Check the vectors of a PATH."""
    from vecwise.measure.health import health

    X = load(path, **options).vectors
    return telling.healthy(display_name(path), health(X), X)


def similar(a: str, b: str, *, encoder: str = "sentence") -> Answer:
    """Compare two texts: inner product, cosine, Euclidean and Manhattan distance, and what they mean."""
    from vecwise.measure.similarity import cosine, distances, dot

    # No guess is needed, and none is made: it would load Arrow's functions for two texts.
    X = encode([a, b], {"sentence": SentenceEncoder, "count": CountEncoder, "tfidf": TfidfEncoder}[encoder]())
    left, right = X[0], X[1]
    found = {
        "dot": dot(left, right),
        "cosine": cosine(left, right),
        "euclidean": distances(left, right),
        "manhattan": distances(left, right, metric="manhattan"),
    }
    scores = {name: telling.plain(table.values.tolist()[0][0]) for name, table in found.items()}
    return telling.compared(a, b, X, scores, _shared(X) if X.is_sparse else None)


def _shared(X: Vectors) -> tuple[int, int]:
    """How many different words two rows of counts share, and how many they have together."""
    has = np.asarray(X) != 0
    return int(has.all(axis=0).sum()), int(has.any(axis=0).sum())


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
    view = _viewed(made.vectors, metric)
    X = view.vectors
    asked = X.by_id(_id_of(X, row)) if row is not None else encode_query(X, query or "")
    found = nearest(X, asked, k=k + (row is not None), metric=view.metric)
    return telling.neighbors(found, view, made, query, asked if row is not None else None, k)


def _viewed(X: Vectors, metric: str) -> View:
    """What rows are compared by: a named metric on the vectors as they are, or what their health advises."""
    from vecwise.measure.health import health

    return view_of(X, health(X)) if metric == "auto" else View(X, metric, MEASURES.get(metric, metric))


def _id_of(X: Vectors, row: str) -> Any:
    if X.ids.dtype == object:
        return row
    if not re.fullmatch("-?[0-9]{1,18}", row):
        raise unknown("row with the id", row, [str(i) for i in X.ids[:1000].tolist()])
    return int(row)


def pairs_of(path: str, *, metric: str = "auto", **options: Any) -> Answer:
    """Give the labelled table of all pairs of up to 50 rows."""
    from vecwise.measure.similarity import cosine, distances, dot

    made = load(path, **options)
    if len(made.vectors) > MOST_PAIRED:
        raise TooLarge(
            f"A table of {len(made.vectors):,} × {len(made.vectors):,} pairs is no reading matter; up to "
            f"{MOST_PAIRED} rows are shown. Use --sample {MOST_PAIRED}, or `vecwise nearest` for single rows."
        )
    view = _viewed(made.vectors, metric)
    compare = {"cosine": cosine, "dot": dot}.get(view.metric) or partial(distances, metric=view.metric)
    return telling.paired(display_name(path), compare(view.vectors), view, made)


def display_name(path: str) -> str:
    """What to call the input: the file's name, or standard input."""
    return "standard input" if path == "-" else Path(path).name or str(path)
