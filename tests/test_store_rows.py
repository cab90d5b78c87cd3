"""Rows from every kind of object, and what is refused."""

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vecwise.errors import DuplicateName, EmptyInput, MixedColumn, TextRepaired, WrongShape, WrongType
from vecwise.kernels.arrow_types import plain
from vecwise.store.rows import as_table, from_records

SURROGATES = st.text(st.characters(codec=None, categories=None))


def test_texts_become_the_column_text():
    assert as_table(["the sea", None, ""]).to_pydict() == {"text": ["the sea", None, ""]}
    assert as_table(("a",)).schema.field("text").type == pa.string()
    assert as_table([None]).schema.field("text").type == pa.string()
    assert as_table(np.array(["a", "b"])).to_pydict() == {"text": ["a", "b"]}
    assert as_table(np.array([], dtype=object)).num_rows == 0


@given(st.lists(SURROGATES, min_size=1))
def test_any_python_text_becomes_valid_text_and_valid_text_stays(texts):
    broken = sum(any("\ud800" <= c <= "\udfff" for c in text) for text in texts)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        cells = as_table(texts)["text"].to_pylist()
    assert [warning.message.count for warning in told] == [broken] * bool(broken)
    for text, cell in zip(texts, cells, strict=True):
        cell.encode("utf-8")
        assert len(cell) == len(text)
        assert all(
            a == b or (0xD800 <= ord(a) <= 0xDFFF and b == "\ufffd") for a, b in zip(text, cell, strict=True)
        )


def test_a_nul_at_the_end_of_a_text_is_kept():
    assert as_table(["a\0", "\0"])["text"].to_pylist() == ["a\0", "\0"]


def test_tables_pass_through_without_a_copy():
    table = pa.table({"a": [1, 2]})
    assert as_table(table) is table
    assert as_table(pa.record_batch({"a": [1, 2]})).equals(table)
    assert as_table(table.slice(0, 0)).num_rows == 0
    assert as_table(table.to_reader()).equals(table)


def test_dicts_and_records():
    assert as_table({"a": [1, None], 7: np.array([1.5, 2.5])}).to_pydict() == {
        "a": [1, None],
        "7": [1.5, 2.5],
    }
    assert as_table([{"b": 1}, {"a": "x"}, {}]).to_pydict() == {"b": [1, None, None], "a": [None, "x", None]}
    assert as_table({"d": pd.Series(pd.to_datetime(["2020-01-02", None]))})["d"].null_count == 1


@given(st.lists(st.dictionaries(st.sampled_from("abc"), st.integers(-9, 9)), min_size=1))
def test_records_become_columns_cell_by_cell(records):
    columns = from_records(records)
    for i, record in enumerate(records):
        assert {name: cells[i] for name, cells in columns.items() if cells[i] is not None} == record


def test_a_matrix_gets_numbered_columns():
    assert as_table(np.array([[1, 2], [3, 4]])).to_pydict() == {"x0": [1, 3], "x1": [2, 4]}
    big_endian = np.array([[1.5, 2.5]], dtype=">f8")[:, ::-1]
    assert as_table(big_endian).to_pydict() == {"x0": [2.5], "x1": [1.5]}
    assert as_table(np.array([["a", "b"]], dtype=object)).to_pydict() == {"x0": ["a"], "x1": ["b"]}


def test_pandas_loses_its_index_and_nan_becomes_null():
    frame = pd.DataFrame({"a": [1.0, np.nan], "b": np.array(["x", np.nan], dtype=object)}, index=["p", "q"])
    frame["c"] = pd.Categorical(["u", "v"])
    frame["d"] = [np.inf, 1.0]
    table = as_table(frame)
    assert table.to_pydict() == {"a": [1.0, None], "b": ["x", None], "c": ["u", "v"], "d": [np.inf, 1.0]}
    assert as_table(pd.Series(["x", None], name="title")).to_pydict() == {"title": ["x", None]}
    assert as_table(pd.Series(["x"], dtype=object)).to_pydict() == {"text": ["x"]}
    with pytest.warns(TextRepaired, match="Column `text`: 1 text holds half a character"):
        assert as_table(pd.Series(["x\ud800"], dtype=object)).to_pydict() == {"text": ["x\ufffd"]}


def test_polars_frames_and_series_come_without_views():
    frame = pl.DataFrame({"a": [1, None], "b": ["x", "y"], "c": pl.Series(["u", "u"], dtype=pl.Categorical)})
    table = as_table(frame)
    assert table.to_pydict() == {"a": [1, None], "b": ["x", "y"], "c": ["u", "u"]}
    assert table.schema.field("b").type == pa.large_string()
    assert as_table(pl.Series("title", ["x"])).to_pydict() == {"title": ["x"]}


def test_arrow_arrays_of_text():
    assert as_table(pa.array(["a", None])).to_pydict() == {"text": ["a", None]}
    assert as_table(pa.chunked_array([["a"], ["b"]])).to_pydict() == {"text": ["a", "b"]}
    assert as_table(pa.array(["a", "a"]).dictionary_encode())["text"].to_pylist() == ["a", "a"]


def test_extension_types_become_their_storage_at_every_depth():
    uuid = pa.ExtensionArray.from_storage(pa.uuid(), pa.array([b"0123456789abcdef"], pa.binary(16)))
    nested = pa.StructArray.from_arrays([uuid], ["u"])
    table = plain(pa.table({"u": uuid, "s": nested, "v": pa.array([["x"]], pa.list_(pa.string_view()))}))
    assert table.schema.types == [
        pa.binary(16),
        pa.struct([("u", pa.binary(16))]),
        pa.list_(pa.large_string()),
    ]
    assert table.to_pylist() == [{"u": b"0123456789abcdef", "s": {"u": b"0123456789abcdef"}, "v": ["x"]}]


@pytest.mark.parametrize(
    ("rows", "error", "words"),
    [
        ([], EmptyInput, "empty"),
        ({}, EmptyInput, "no column"),
        ([{}], EmptyInput, "no column"),
        (np.zeros((2, 0)), EmptyInput, "no columns"),
        ([1.0, 2.0], WrongType, r"vw\.Vectors"),
        ([[1.0], [2.0]], WrongType, r"vw\.Vectors"),
        (["a", 5], WrongType, "Row 1 is int"),
        ([{"a": 1}, None], WrongType, "Row 1 is NoneType"),
        ([b"a"], WrongType, "Row 0 is bytes"),
        ("houses.csv", WrongType, r"vw\.read"),
        (7, WrongType, "int"),
        (None, WrongType, "NoneType"),
        (np.arange(3), WrongType, "int64"),
        (np.zeros((2, 2, 2), bool), WrongType, "bool"),
        (np.zeros((2, 2, 2, 2, 2)), WrongType, r"\(2, 2, 2, 2, 2\)"),
        (np.array([[1j]]), WrongType, "complex"),
        (pa.array([1]), WrongType, "int64"),
        (pd.Series([1]), WrongType, "int64"),
        (pl.Series("n", [1]), WrongType, "int64"),
        ({"a": 5}, WrongType, "`a` is int"),
        ({"a": "xyz"}, WrongType, "`a` is str"),
        ({"a": np.eye(2)}, WrongShape, "2 dimensions"),
        ({"a": [1], "b": [1, 2]}, WrongShape, "`a` 1, `b` 2"),
        ({1: [1], "1": [2]}, DuplicateName, "`1`"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), DuplicateName, "`a`"),
        (pa.table([[1], [2]], names=["a", "a"]), DuplicateName, "`a`"),
        (pd.DataFrame({"a": pd.Series(["x", np.nan, 5], dtype=object)}), MixedColumn, "5"),
    ],
)
def test_what_is_refused_says_what_was_given(rows, error, words):
    with pytest.raises(error, match=words):
        as_table(rows)


@given(st.integers(0, 30), st.integers(0, 30))
def test_a_mixed_column_names_its_first_misfit(before, after):
    cells = [1] * (before + 1) + ["x"] + [2] * after
    with pytest.raises(MixedColumn) as caught:
        as_table({"a": cells})
    assert caught.value.row == before + 1
    assert "'x'" in str(caught.value)


def test_nan_among_texts_is_a_missing_text() -> None:
    assert as_table(["a", float("nan"), "b"]).to_pydict() == {"text": ["a", None, "b"]}
    with pytest.raises(WrongType, match="Numbers are vectors"):
        as_table([float("nan"), 1.0])
