"""Vector arithmetic: "king - man + woman" as one vector, by ids, rows, numbers or raw text.

This module must not know files or encoders beyond calling the one that the vectors carry, nor what is searched next.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from vecwise.errors import EmptyInput, NoEncoder, NonFinite, OutOfRange, WrongShape, WrongType, unknown
from vecwise.kernels.arrays import is_sparse
from vecwise.kernels.norms import unit_rows
from vecwise.row_ids import places_by_id
from vecwise.store.rows import as_table
from vecwise.table_text import clip
from vecwise.vectors import Vectors, as_vectors


def combine(X: Vectors, /, *, plus: Any = (), minus: Any = (), unit: bool = True) -> Vectors:
    """Give the sum of some vectors less some others, as one row of X's space, to be searched for.

    `plus` and `minus` are an item or a list of them; an item is, tried in this order:

    - one row of `Vectors` of X's space, such as `X[0]`;
    - an id of X: a string, or a whole number where ids are numbers;
    - raw text, or a row as a dict or a table of one row, which the encoder of X reads;
    - a list or an array of numbers.

    In a list, numbers with a point are one item and whole numbers are ids; an array is always one item.

    Each item is first brought to Euclidean length 1, as is usual for analogies (Mikolov, Yih and Zweig 2013,
    NAACL-HLT, N13-1090), so that long rows do not drown the others; `unit=False` takes them as they are. Items add
    up in float64, and the sum is not brought to length 1. Its id and its note name the items, and it carries the
    encoder of X. The rows that were combined are among the nearest to it; leave them out when you search.

    Raises `EmptyInput` without items, `UnknownName` for a text that is no id where X carries no encoder,
    `NoEncoder`, `SpaceMismatch`, `WrongShape` for an item of several rows, `OutOfRange` for an item of zeros, which
    has no direction, `NonFinite` for a sum that overflows.

    >>> import vecwise as vw
    >>> X = vw.Vectors([[1, 0, 1], [1, 0, 0], [0, 1, 0], [0, 1, 1]], ids=["king", "man", "woman", "queen"])
    >>> made = vw.combine(X, plus=["king", "woman"], minus="man", unit=False)
    >>> made.values.tolist(), made.note
    ([[0.0, 1.0, 1.0]], 'king + woman - man')
    """
    X = as_vectors(X)
    items = [(sign, item) for sign, given in ((1, plus), (-1, minus)) for item in _items(given)]
    if not items:
        raise EmptyInput("There is nothing to combine. Name at least one item: plus=[...].")
    found = [(sign, *_vector(X, item)) for sign, item in items]
    total: Any = 0
    for sign, row, name in found:
        total = total + sign * _unit(row, name, unit)
    with np.errstate(over="ignore"):
        values = total.astype(X.dtype)
    if not np.isfinite(values.data if is_sparse(values) else values).all():
        raise NonFinite(
            "The combined vector is too large for its number type. Use float64 vectors, or unit=True."
        )
    note = _note([(sign, name) for sign, _, name in found])
    same = all(sign > 0 and "non-negative" in row.space.claims for sign, row, _ in found)
    space = X.space.with_claims({"non-negative"} if same else ())
    ids = np.empty(1, object)
    ids[0] = note
    return Vectors._trusted(values, ids, None, space, X.encoder, note)


def _items(given: Any) -> list[Any]:
    """A list holds items, unless it holds numbers, which are one item."""
    if isinstance(given, (list, tuple)):
        numbers = given and all(isinstance(x, (float, np.floating)) for x in given)
        return [given] if numbers else list(given)
    return [given]


def _unit(row: Vectors, name: str, unit: bool) -> Any:
    values = row.values.astype(np.float64)
    if not unit:
        return values
    made, some = unit_rows(values, 2)
    if not some[0]:
        raise OutOfRange(
            f"`{name}` is a zero vector, which has no direction to add. Leave it out, or take rows as they are: "
            "unit=False."
        )
    return made


def _vector(X: Vectors, item: Any) -> tuple[Vectors, str]:
    """One item as a row of X's space, and what to call it."""
    if isinstance(item, Vectors):
        X.space.must_match(item.space, "combine")
        return _one(item, ", ".join(map(str, item.ids[:3].tolist())))
    if isinstance(item, (bool, np.bool_)) or item is None:
        raise WrongType(f"An item is an id, a row, a text or numbers, not {item!r}.")
    if isinstance(item, (int, np.integer)):
        return X[places_by_id([int(item)], X.ids)], str(item)
    if isinstance(item, str):
        return _named(X, item)
    if isinstance(item, dict) or hasattr(item, "column_names") or hasattr(item, "__arrow_c_stream__"):
        return _one(_encoded(X, [item] if isinstance(item, dict) else item), "a row")
    return _one(as_vectors(item, like=X), "numbers")


def _named(X: Vectors, text: str) -> tuple[Vectors, str]:
    """An id, or else a text that the encoder reads."""
    known = X.ids.tolist() if X.ids.dtype == object else []
    if text in known:
        return X[known.index(text)], clip(text, 40)
    if X.encoder is None:
        if known:
            raise unknown("row with the id", text, known)
        raise NoEncoder(
            f"`{clip(text, 40)}` is no id of these vectors, whose ids are whole numbers, and they carry no encoder "
            "that could read it. Name rows by their numbers, or give vectors."
        )
    return _one(_encoded(X, [text]), f"“{clip(text, 40)}”")


def _encoded(X: Vectors, rows: Any) -> Vectors:
    if X.encoder is None:
        raise NoEncoder(
            "These vectors carry no encoder, so raw rows cannot be combined. Give ids, or vectors."
        )
    made = X.encoder(as_table(rows))
    X.space.must_match(made.space, "combine")
    return made


def _one(made: Vectors, name: str) -> tuple[Vectors, str]:
    if len(made) != 1:
        raise WrongShape(f"An item is one row, and this one has {len(made):,}: name its rows one by one.")
    return made, name


def _note(items: list[tuple[int, str]]) -> str:
    """The items as a sum, such as "king + woman - man"."""
    first = "" if items[0][0] > 0 else "-"
    rest = [f"{'+' if sign > 0 else '-'} {name}" for sign, name in items[1:]]
    return " ".join([first + items[0][1], *rest])
