"""Texts out of tables, and words out of texts.

This module must not know what is done with the words.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import Any, Final

from vecwise.draw.words import count
from vecwise.errors import MissingValue, NothingToEncode, WrongType, some, unknown

MISSING: Final = ("error", "empty")
TOKENIZERS: Final = ("whitespace", "word")
_WORD = re.compile(r"(?u)\b\w\w+\b")  # scikit-learn's tokens: two or more word characters

Tokenizer = Callable[[str], list[str]]


def texts_of(table: Any, column: str | None, missing: str = "error") -> list[str]:
    """Give the texts of one column of an Arrow table: the named one, or the only one that holds text.

    A missing text raises `MissingValue` with the row numbers, or becomes an empty text (`"empty"`).
    """
    name = text_column(table, column)
    texts = table.column(name).to_pylist()
    gaps = [row for row, text in enumerate(texts) if text is None]
    if gaps and missing == "error":
        raise MissingValue(
            f"Column `{name}` has no text in {count(len(gaps), 'row')}: {some(gaps)} (counted from 0). "
            'Read them as empty texts with missing="empty" (--missing empty), or leave those rows out.'
        )
    return ["" if text is None else text for text in texts] if gaps else texts


def text_column(table: Any, column: str | None = None) -> str:
    """Give the name of the column to read texts from. Raises `UnknownName`, `WrongType`, `NothingToEncode`."""
    texts = [field.name for field in table.schema if is_text(field.type)]
    if column is not None and column in table.column_names:
        if column not in texts:
            raise WrongType(f"Column `{column}` holds {table.schema.field(column).type}, not text.")
        return column
    if len(texts) == 1 and (column is None or table.num_columns == 1):
        return str(texts[0])
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


def tokenizer_of(tokenizer: str | Tokenizer, lowercase: bool) -> Tokenizer:
    """Give the function that cuts a text into tokens; the text is NFC-normalized, then lower-cased, first."""
    if callable(tokenizer):
        split: Tokenizer = tokenizer
    elif tokenizer == "whitespace":
        split = str.split
    elif tokenizer == "word":
        split = _WORD.findall
    else:
        raise unknown("tokenizer", str(tokenizer), TOKENIZERS)
    return (lambda text: split(normal(text).lower())) if lowercase else (lambda text: split(normal(text)))


def normal(text: str) -> str:
    """Give the NFC form, so that a composed and a decomposed é are one word."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)
