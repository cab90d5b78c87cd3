"""JSON Lines: one object a line, read strictly, into the columns of an Arrow table.

This module must not know where the text came from.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from vecwise.errors import BadRow, EmptyInput, MixedColumn
from vecwise.store.cells import column_of, repaired
from vecwise.store.rows import from_records
from vecwise.store.text_files import LONGEST_CELL, Reject, refuse_width, reject, split_lines, too_long
from vecwise.table_text import clip

DEEPEST: Final = 64  # levels of nesting
MOST_MISFITS: Final = 200  # each costs another look at the column, so a file of nothing else is refused


def read_json_lines(utf8: bytes, name: str, rejects: list[Reject] | None = None) -> Any:
    r"""Give a table with a column per key, in order of first appearance; an absent key is null.

    Blank lines are skipped, lone surrogates become U+FFFD with a `TextRepaired` warning, whole numbers and
    fractions in one column become fractions. Raises `BadRow` with the line for what is no JSON object, for
    NaN and Infinity, which JSON has not, for a key that is there twice, for whole numbers beyond 64 bits and
    for a column of mixed types, or leaves such lines out and notes them in `rejects`; `EmptyInput` for no
    object, `TooLarge` for more than 20,000 keys.

    >>> read_json_lines(b'{"a": 1}\n{"a": 2.5, "b": "x"}\n', "`rows.jsonl`").to_pydict()
    {'a': [1.0, 2.5], 'b': [None, 'x']}
    """
    import pyarrow as pa

    lines = split_lines(utf8.decode("utf-8"))
    numbers, records = objects(lines, name, rejects)
    for _ in range(MOST_MISFITS):
        columns = from_records(records)
        if not columns:
            raise EmptyInput(f"{name} holds no JSON object with a value.")
        try:
            return pa.table({key: column_of(key, cells) for key, cells in columns.items()})
        except MixedColumn as mixed:
            reject(
                misfit(mixed, name, numbers[mixed.row]),
                rejects,
                numbers[mixed.row],
                lines[numbers[mixed.row] - 1],
            )
            del numbers[mixed.row], records[mixed.row]
    raise BadRow(
        f"{name} has more than {MOST_MISFITS} lines whose values do not fit those before. Read them as text."
    )


def objects(
    lines: Sequence[str], name: str, rejects: list[Reject] | None = None, start: int = 1
) -> tuple[list[int], list[dict[str, Any]]]:
    """Give the objects of these lines, of which the first has the number `start`, and the numbers of their lines."""
    numbers, records = [], []
    keys: set[str] = set()
    for number, line in enumerate(lines, start):
        if line and not line.isspace():
            try:
                record = _object(line, name, number)
            except BadRow as error:
                reject(error, rejects, number, line)
                continue
            numbers.append(number)
            records.append(record)
            keys.update(record)
            refuse_width(len(keys), name)
    if any(r"\u" in line for line in lines):
        records = repaired(records, name)
    return numbers, records


def misfit(mixed: MixedColumn, name: str, line: int) -> BadRow:
    """Word the refusal of a value that does not fit the column."""
    words = "Correct the line, or write all values of the column alike."
    return BadRow(f"{name}, line {line:,}: {mixed} {words}")


def _object(line: str, name: str, number: int) -> dict[str, Any]:
    where = f"{name}, line {number:,}"
    if len(line) > LONGEST_CELL:
        raise too_long(name, number)
    try:
        value = json.loads(line, parse_constant=_refuse_constant, object_pairs_hook=_unique)
    except json.JSONDecodeError as error:
        raise BadRow(
            f"{where} is not JSON at character {error.colno:,}: {error.msg}: {clip(line, 60)}"
        ) from error
    except RecursionError as error:
        raise BadRow(f"{where} is nested deeper than {DEEPEST} levels.") from error
    except ValueError as error:
        raise BadRow(f"{where}: {error}") from error
    if not isinstance(value, dict):
        raise BadRow(f'{where} is {clip(line, 60)}, and an object like {{"name": "value"}} was expected.')
    if line.count("[") + line.count("{") > DEEPEST and _depth(value) > DEEPEST:
        raise BadRow(f"{where} is nested deeper than {DEEPEST} levels.")
    return dict(value)


def _refuse_constant(constant: str) -> Any:
    raise ValueError(f"JSON has no {constant}. Write null where a number is missing.")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key `{twice}` is there more than once.")
    return made


def _depth(value: Any) -> int:
    if isinstance(value, (dict, list)):
        inner = value.values() if isinstance(value, dict) else value
        return 1 + max(map(_depth, inner), default=0)
    return 0
