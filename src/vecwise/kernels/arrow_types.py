"""Arrow types that all of vecwise can work on: extension types and string views become what they store.

This module must not know files or rows; it never registers an extension type.
"""

from __future__ import annotations

from typing import Any


def plain(table: Any) -> Any:
    """Give the table with extension types as their storage, and views of strings as strings.

    A table that holds neither is given back as it is. An extension type can come with code, storage cannot.

    >>> import pyarrow as pa
    >>> plain(pa.table({"a": pa.array(["x"], pa.string_view())})).schema.field("a").type
    DataType(large_string)
    """
    import pyarrow as pa

    fields = [field.with_type(plain_type(field.type)) for field in table.schema]
    if all(
        new.type is old.type or new.type == old.type for new, old in zip(fields, table.schema, strict=True)
    ):
        return table
    columns = [_cast(column, field.type) for column, field in zip(table.columns, fields, strict=True)]
    return pa.Table.from_arrays(columns, schema=pa.schema(fields, metadata=table.schema.metadata))


def _cast(column: Any, target: Any) -> Any:
    import pyarrow as pa
    from pyarrow import types

    if column.type == target:
        return column
    if types.is_dictionary(target):  # Arrow casts no dictionary of views to one of strings
        chunks = [
            pa.DictionaryArray.from_arrays(c.indices, c.dictionary.cast(target.value_type))
            for c in column.chunks
        ]
        return pa.chunked_array(chunks, target)
    return column.cast(target)


def plain_type(arrow_type: Any) -> Any:
    """Give the type that stores the same values without extensions and string views, at every depth.

    >>> import pyarrow as pa
    >>> plain_type(pa.list_(pa.uuid()))
    ListType(list<item: fixed_size_binary[16]>)
    """
    import pyarrow as pa
    from pyarrow import types

    if isinstance(arrow_type, pa.BaseExtensionType):
        return plain_type(arrow_type.storage_type)
    if types.is_dictionary(arrow_type):
        value = plain_type(arrow_type.value_type)
        return arrow_type if value == arrow_type.value_type else pa.dictionary(arrow_type.index_type, value)
    if types.is_string_view(arrow_type):
        return pa.large_string()  # a view may hold more text than 32-bit offsets reach
    return pa.large_binary() if types.is_binary_view(arrow_type) else _plain_nested(arrow_type)


def _plain_nested(arrow_type: Any) -> Any:
    import pyarrow as pa
    from pyarrow import types

    if types.is_struct(arrow_type):
        return pa.struct([_plain_field(arrow_type.field(i)) for i in range(arrow_type.num_fields)])
    if types.is_map(arrow_type):
        return pa.map_(plain_type(arrow_type.key_type), _plain_field(arrow_type.item_field))
    if types.is_fixed_size_list(arrow_type):
        return pa.list_(_plain_field(arrow_type.value_field), arrow_type.list_size)
    if types.is_large_list(arrow_type):
        return pa.large_list(_plain_field(arrow_type.value_field))
    if types.is_list(arrow_type):
        return pa.list_(_plain_field(arrow_type.value_field))
    return arrow_type  # list views too: Arrow's cast of them to lists was seen to lose cells


def _plain_field(field: Any) -> Any:
    return field.with_type(plain_type(field.type))
