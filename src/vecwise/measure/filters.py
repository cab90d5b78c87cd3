"""Which rows are searched: masks, places, ids, and conditions on the columns of the rows.

This module must not know how rows are compared.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from vecwise.errors import WrongType, unknown
from vecwise.row_ids import places_of
from vecwise.store.conditions import condition
from vecwise.vectors import Vectors


def allowed_rows(X: Vectors, where: Any, exclude: Any) -> np.ndarray | None:
    """Give a mask of the rows to search among, `(rows,)`; None for all.

    Raises what `X[...]` raises, `WrongType` for a condition on vectors without rows, and `BadCondition` and
    `UnknownName` for one that does not fit their columns.
    """
    if where is None and exclude is None:
        return None
    allowed = np.full(len(X), where is None)
    if where is not None:
        allowed[_named(X, where)] = True
    if exclude is not None:
        allowed[_named(X, exclude)] = False
    return allowed


def _named(X: Vectors, chosen: Any) -> np.ndarray:
    """The places that a filter names; a text is the id of a row if there is such a row, and else a condition."""
    if (
        isinstance(chosen, str)
        and not (X.ids == chosen).any()
        and (X.rows is not None or " " in chosen.strip())
    ):
        chosen = condition(chosen, _rows_of(X).schema)
    if type(chosen).__name__ != "Expression":
        return places_of(chosen, X.ids)
    import pyarrow as pa

    rows = _rows_of(X)
    numbered = rows.append_column("vecwise place", pa.array(np.arange(len(X))))
    try:
        return numbered.filter(chosen).column("vecwise place").to_numpy()
    except (pa.ArrowException, KeyError) as error:
        lost = re.search(r"FieldRef\.Name\((.*?)\)", str(error))
        if lost and lost[1] not in rows.column_names:
            raise unknown("column", lost[1], rows.column_names) from error
        short = str(error).strip().partition("\n")[0]
        raise WrongType(f"The expression does not fit the columns of the rows: {short}.") from error


def _rows_of(X: Vectors) -> Any:
    if X.rows is None:
        raise WrongType(
            "A condition needs columns, and these vectors came without rows. Give a mask, places or ids, or attach "
            "the rows: vw.Vectors(values, rows=table)."
        )
    return X.rows
