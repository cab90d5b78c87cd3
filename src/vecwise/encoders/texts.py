"""Texts out of tables: which column holds them, and what a missing one means.

This module must not know what is done with the texts; how words are cut out of them is `kernels.cutting`.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from vecwise.draw.words import count
from vecwise.errors import MissingValue, NothingToEncode, WrongType, some, unknown
from vecwise.kernels.arrow import present
from vecwise.store.rows import TEXT

MISSING: Final = ("error", "empty")


def texts_of(table: Any, column: str | None, missing: str = "error") -> list[str]:
    """Give the texts of one column of an Arrow table: the named one, or the only one that holds text.

    A missing text raises `MissingValue` with the row numbers, or becomes an empty text (`"empty"`).
    """
    return ["" if text is None else text for text in texts_column(table, column, missing).to_pylist()]


def texts_column(table: Any, column: str | None, missing: str = "error") -> Any:
    """Give that column as it is, a chunked array; with `missing="empty"` it may hold nulls."""
    name = text_column(table, column)
    cells = table.column(name)
    if hasattr(cells.type, "value_type"):  # a dictionary may hold the null itself
        cells = cells.cast(cells.type.value_type)
    if missing == "error" and cells.null_count:
        gaps = np.flatnonzero(~present(cells)).tolist()
        raise MissingValue(
            f"Column `{name}` has no text in {count(len(gaps), 'row')}: {some(gaps)} (counted from 0). "
            'Read them as empty texts with --missing empty (in Python: `missing="empty"`), or leave those rows out.'
        )
    return cells


def text_column(table: Any, column: str | None = None) -> str:
    """Give the name of the column to read texts from. Raises `UnknownName`, `WrongType`, `NothingToEncode`."""
    texts = [field.name for field in table.schema if is_text(field.type)]
    if column is not None and column in table.column_names:
        if column not in texts:
            raise WrongType(f"Column `{column}` holds {table.schema.field(column).type}, not text.")
        return column
    if len(texts) == 1 and (column is None or table.column_names == [TEXT]):
        return str(texts[0])  # bare texts have no name of their own, and are what a named column was
    if column is not None:
        raise unknown("column", column, table.column_names)
    if not texts:
        raise NothingToEncode(f"No column holds text; the columns are {some(table.column_names, 12)}.")
    raise NothingToEncode(f"Several columns hold text: {some(texts)}. Name one: column=… (--text COLUMN).")


def is_text(kind: Any) -> bool:
    """Tell whether an Arrow type holds strings, plain or dictionary-encoded."""
    from pyarrow import types

    if types.is_dictionary(kind):
        return is_text(kind.value_type)
    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))
