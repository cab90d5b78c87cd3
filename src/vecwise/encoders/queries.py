"""A query as a person types it, a text or a row written as JSON, as a vector of the searched space.

This module must not know what is searched, nor how.
"""

from __future__ import annotations

import json
from typing import Any

from vecwise.encoders.columns import DATE, NUMBER, kind_of, words_of
from vecwise.encoders.image_map import ImageMap
from vecwise.encoders.table_map import TableMap
from vecwise.encoders.texts import is_text
from vecwise.errors import MissingValue, NoEncoder, NonFinite, NonFiniteQuery, WrongShape, WrongType, some
from vecwise.store.rows import as_table
from vecwise.store.sources import read
from vecwise.table_text import clip, count
from vecwise.vectors import Vectors, as_vectors
from vecwise.verbs import Chain


def encode_query(X: Vectors, query: str) -> Vectors:
    """Encode a query by the encoder of X, which gives one vector of X's space.

    Of images, the query is the path of an image file; of vectors that carry no encoder, a vector as a JSON list of
    numbers. A JSON object is a row of columns, whose cells take the types of X's rows, so that a date may be written as
    a string; anything else is a text. Raises `NoEncoder`, `WrongShape` and `NonFiniteQuery` for numbers that are no
    vector of the space, `MissingValue` naming the columns that a row of a table lacks, `WrongType` for a text to a
    table, for broken JSON and for a cell of the wrong type, and what the encoder raises.

    >>> import vecwise as vw
    >>> X = vw.encode({"rooms": [3, 4], "kind": ["flat", "house"]})
    >>> encode_query(X, '{"rooms": 3, "kind": "flat"}').values
    array([[3., 1., 0.]])
    """
    if X.encoder is None:
        return _numbers(X, query)
    reader = X.encoder.maps[0] if isinstance(X.encoder, Chain) else X.encoder
    if isinstance(reader, ImageMap):
        return X.encoder(read(query))
    is_row = query.lstrip().startswith("{")
    if not isinstance(reader, TableMap):
        return X.encoder(as_table([_record(query) if is_row else query]))
    needed = [column.name for column in reader.columns]
    if not is_row:
        raise WrongType(
            f"These rows are a table, so a query is a row as JSON with the columns {some(needed, 12)}; "
            "or use --row ID. A query in words needs vectors of a text."
        )
    return X.encoder(_row(_record(query), reader, needed, X))


def _numbers(X: Vectors, query: str) -> Vectors:
    """The vector that a JSON list of numbers is, in the space of vectors that nobody encoded."""
    example = "[0.1, 0.2, …]" if X.space.dim > 1 else "[0.1]"
    wanted = f'{count(X.space.dim, "number")} as JSON, "{example}", or --row ID'
    if not query.lstrip().startswith("["):
        raise NoEncoder(
            f"These vectors carry no encoder, so a query in words cannot be encoded. Give {wanted}."
        )
    try:
        values = json.loads(query)
    except (ValueError, RecursionError) as error:
        raise WrongType(
            f"The query looks like a vector in JSON and is none: {error}. Give {wanted}."
        ) from error
    if not all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values):
        raise WrongType(f"The query {clip(query, 40)} holds something else than numbers. Give {wanted}.")
    if len(values) != X.space.dim:
        raise WrongShape(
            f"The query has {count(len(values), 'number')}, and these vectors have {X.space.dim:,} each."
        )
    try:
        return as_vectors([values], like=X)
    except (NonFinite, OverflowError) as error:
        raise NonFiniteQuery("The query holds NaN or infinity, so nothing is near it.") from error


def _record(query: str) -> dict[str, Any]:
    try:
        made: dict[str, Any] = json.loads(query)
    except (ValueError, RecursionError) as error:
        raise WrongType(f"The query looks like a JSON row and is none: {error}.") from error
    return made


def _row(record: dict[str, Any], reader: TableMap, needed: list[str], X: Vectors) -> Any:
    lacking = [name for name in needed if name not in record]
    if lacking:
        column = "column" if len(lacking) == 1 else "columns"
        raise MissingValue(
            f"The query lacks the {column} {some(lacking)}; a row of this table needs {some(needed, 12)}."
        )
    import pyarrow as pa

    dates = {column.name for column in reader.columns if column.kind == DATE}
    types = {name: pa.timestamp("us") for name in dates}
    if X.rows is not None:
        types |= {field.name: field.type for field in X.rows.schema}
    return pa.table({name: _cell(name, record[name], types.get(name)) for name in needed})


def _cell(name: str, value: Any, wanted: Any) -> Any:
    """One cell as a column, of the wanted type if it can be: 2.5 rooms stay 2.5 where rooms are whole numbers."""
    import pyarrow as pa

    try:
        made = pa.array([value])
        if wanted is None or (kind_of(made.type) == NUMBER and kind_of(wanted) == NUMBER):
            return made
        return made.cast(pa.string() if is_text(wanted) else wanted)
    except (pa.ArrowException, OverflowError, TypeError, ValueError) as error:
        expected = "" if wanted is None else f", and a {words_of(wanted)} is expected there"
        raise WrongType(f"The query's column `{name}` holds {clip(repr(value), 40)}{expected}.") from error
