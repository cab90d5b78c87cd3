"""Long texts as passages that an encoder takes whole, each of which knows the row that it came from.

This module must not know encoders; where a text may be cut is in `kernels.sentences`.
"""

from __future__ import annotations

from typing import Any, Final

from vecwise.encoders.texts import text_column
from vecwise.errors import DuplicateName, OutOfRange, some
from vecwise.kernels.arrow import strings, whole_numbers
from vecwise.kernels.sentences import pieces
from vecwise.store.rows import as_table

PARENT: Final = "parent"
PASSAGE: Final = "passage"


def passages(rows: Any, /, *, most: int = 100, overlap: int = 0, column: str | None = None) -> Any:
    """Cut the texts of a column into passages of at most `most` words; gives an Arrow table, one row a passage.

    Passages end with a sentence where one does, and otherwise between words; of scripts written without spaces
    every character counts as a word. With `overlap`, each begins that many words before the last one ended.
    No word is lost, and a passage is a piece of its text, unchanged. The other columns are repeated; `parent` is
    the number of the row that a passage came from, `passage` its number there, both counted from 0. An empty or
    missing text stays one row. `rows` is whatever `vecwise.encode` takes but a path; `column` names the text
    column where there are several.

    Raises `OutOfRange` for `most` below 1 and for an overlap that is not smaller, `DuplicateName` for rows
    that have a column `parent` or `passage`, `UnknownName`, `WrongType`, `NothingToEncode`.

    >>> import vecwise as vw
    >>> made = vw.passages(["It rained. We ran home. The sea was grey and loud.", "Then sun."], most=6)
    >>> made.column("text").to_pylist()
    ['It rained. We ran home.', 'The sea was grey and loud.', 'Then sun.']
    >>> made.column("parent").to_pylist(), made.column("passage").to_pylist()
    ([0, 0, 1], [0, 1, 0])
    """
    import numpy as np
    import pyarrow as pa

    if most < 1:
        raise OutOfRange(f"`most` is how many words a passage may have, at least 1, not {most}.")
    if not 0 <= overlap < most:
        raise OutOfRange(f"`overlap` is a number of words from 0 to {most - 1}, not {overlap}.")
    table = as_table(rows)
    taken = [name for name in (PARENT, PASSAGE) if name in table.column_names]
    if taken:
        raise DuplicateName(f"The rows have the column {some(taken)} already. Rename it.")
    name = text_column(table, column)
    texts = table.column(name).to_pylist()
    cuts = [[(0, 0)] if text is None else pieces(text, most, overlap) for text in texts]
    counts = np.array([len(found) for found in cuts], np.int64)
    parents = np.repeat(np.arange(len(texts)), counts)
    numbers = np.arange(len(parents)) - np.repeat(np.cumsum(counts) - counts, counts)
    parts = [None if t is None else t[a:b] for t, found in zip(texts, cuts, strict=True) for a, b in found]
    made = table.take(whole_numbers(parents)) if table.num_columns > 1 else pa.table({name: strings(parts)})
    made = made.set_column(made.column_names.index(name), name, strings(parts))
    return made.append_column(PARENT, whole_numbers(parents)).append_column(PASSAGE, whole_numbers(numbers))
