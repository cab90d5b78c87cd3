"""Rows that cannot be read, left out on request: which lines, why, and what is written down about them.

This module must not know where the bytes came from; it asks the strict readers, and believes their refusals.
"""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Sequence
from typing import Any

from vecwise.errors import BadCells, BadRow, RowsSkipped
from vecwise.store.csv_faults import Fault, cut, find_all, lines_of_rows, without
from vecwise.store.csv_files import read_csv
from vecwise.store.durable import write_text
from vecwise.store.text_files import Reject
from vecwise.table_text import clip


def read_csv_but(
    utf8: bytes, name: str, *, delimiter: str, as_text: Sequence[str] = ()
) -> tuple[Any, list[Reject]]:
    r"""Read as `read_csv` does, without the rows that it refuses.

    Those are ragged rows, rows with a broken quote or a cell over the limit, and rows with a cell that is no
    number in a column of which at least 19 of 20 cells are. The strict reader is asked first, and again
    until it agrees.

    >>> table, rejects = read_csv_but(b"a,b\n1,2\n3\n", "`rows.csv`", delimiter=",")
    >>> table.to_pydict(), rejects[0].line, rejects[0].text
    ({'a': [1], 'b': [2]}, 3, '3')
    """
    faults: list[Fault] = []
    left = utf8
    while True:
        try:
            table = read_csv(left, name, delimiter=delimiter, as_text=as_text)
        except BadCells as bad:
            spans = lines_of_rows(left, delimiter, bad.rows)
            found = [Fault(*span, reason) for span, reason in zip(spans, bad.reasons, strict=True)]
        except BadRow:
            found = find_all(left, name, delimiter)
            if not found:
                raise
        else:
            return table, _rejects(utf8, faults)
        faults += found
        left = without(left, found)


def _rejects(utf8: bytes, faults: list[Fault]) -> list[Reject]:
    lines = cut(utf8.decode("utf-8")) if faults else []
    return [
        Reject(fault.first, fault.reason, "".join(lines[fault.first - 1 : fault.last]).rstrip("\r\n"))
        for fault in sorted(faults, key=lambda fault: fault.first)
    ]


def tell(rejects: Sequence[Reject], name: str, path: str | os.PathLike[str] | None) -> None:
    """Warn with the count and the line numbers, and write the rows to `path` as JSON Lines if one is given.

    The file is written, empty, when nothing was left out: an old one must not be mistaken for today's.
    """
    if path is not None:
        lines = [{"line": r.line, "reason": r.reason, "text": r.text} for r in rejects]
        write_text(path, "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))
    if not rejects:
        return
    numbers = [reject.line for reject in rejects]
    listed = ", ".join(f"{number:,}" for number in numbers[:10])
    more = f" and {len(numbers) - 10:,} more" if len(numbers) > 10 else ""
    rows, begin = (
        ("1 row was", "It is line") if len(numbers) == 1 else (f"{len(numbers):,} rows were", "Lines")
    )
    warnings.warn(
        RowsSkipped(
            f"{name}: {rows} left out, as they could not be read. {begin} {listed}{more}; "
            f"the first: {clip(rejects[0].reason, 80)}.",
            numbers,
        ),
        stacklevel=3,
    )
