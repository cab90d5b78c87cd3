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
TOKENIZERS: Final = ("whitespace", "word", "characters", "characters-in-words")
_SPACES = re.compile(r"\s\s+")  # a run of white space counts as one space
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


def tokenizer_of(
    tokenizer: str | Tokenizer,
    lowercase: bool,
    ngrams: tuple[int, int] = (1, 1),
    stop: frozenset[str] = frozenset(),
) -> Tokenizer:
    """Give the function that cuts a text into tokens; the text is NFC-normalized, then lower-cased, first.

    `ngrams` are the shortest and the longest run of neighbouring words, or of characters for `"characters"`
    and, word by word with a space at each end, `"characters-in-words"`. Words in `stop` are dropped first.
    """
    prepare: Callable[[str], str] = (lambda text: normal(text).lower()) if lowercase else normal
    if tokenizer == "characters":
        return lambda text: character_grams(_SPACES.sub(" ", prepare(text)), ngrams)
    if tokenizer == "characters-in-words":
        return lambda text: [g for word in prepare(text).split() for g in _padded_grams(word, ngrams)]
    if callable(tokenizer):
        split: Tokenizer = tokenizer
    elif tokenizer in TOKENIZERS:
        split = str.split if tokenizer == "whitespace" else _WORD.findall
    else:
        raise unknown("tokenizer", str(tokenizer), TOKENIZERS)
    if not stop and ngrams == (1, 1):
        return lambda text: split(prepare(text))
    return lambda text: word_grams([word for word in split(prepare(text)) if word not in stop], ngrams)


def word_grams(words: list[str], ngrams: tuple[int, int]) -> list[str]:
    """Give runs of neighbouring words, joined by a space.

    >>> word_grams(["a", "deep", "sea"], (1, 2))
    ['a', 'deep', 'sea', 'a deep', 'deep sea']
    """
    low, high = ngrams
    return [" ".join(words[i : i + n]) for n in range(low, high + 1) for i in range(len(words) - n + 1)]


def character_grams(text: str, ngrams: tuple[int, int]) -> list[str]:
    """Give runs of neighbouring characters.

    >>> character_grams("sea", (2, 3))
    ['se', 'ea', 'sea']
    """
    low, high = ngrams
    return [text[i : i + n] for n in range(low, high + 1) for i in range(len(text) - n + 1)]


def _padded_grams(word: str, ngrams: tuple[int, int]) -> list[str]:
    """A word shorter than a run is one run, counted once, as scikit-learn counts it."""
    padded, (low, high) = f" {word} ", ngrams
    if len(padded) <= low:
        return [padded]
    return character_grams(padded, (low, min(high, len(padded))))


def normal(text: str) -> str:
    """Give the NFC form, so that a composed and a decomposed é are one word."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)
