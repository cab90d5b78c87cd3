"""Columns as they are read for colouring: kinds, words, spans, and the packing that loses nothing."""

from __future__ import annotations

import base64
import datetime
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vecwise.draw.columns import LONGEST_CELL, Column, read_column, span
from vecwise.draw.pack import pack_array, pack_column


def unpacked(packed: dict[str, str]) -> np.ndarray:
    """What the page's own decoder reads: little-endian numbers of the named type."""
    return np.frombuffer(base64.b64decode(packed["data"]), dtype="<" + packed["type"])


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, 2.5, None], "number"),
        ([np.float32(1), np.int64(2)], "number"),
        ([1.0, math.nan, math.inf], "number"),
        ([True, False, None], "text"),
        (["a", "b"], "text"),
        ([1, "a"], "text"),
        ([None, None], "text"),
        ([2**53 + 1, 2], "text"),  # float64 would change the number
        (["2014-10-13", None, "2015-01-02"], "date"),
        (["2014-10-13 09:30", "2015-01-02T10:00:00Z"], "date"),
        ([datetime.date(2014, 10, 13), datetime.datetime(2014, 10, 13, 9, 30)], "date"),
        (["2014-13-45", "2015-01-02"], "text"),  # no such month
        (["2014", "2015"], "text"),
        (["\u0662\u0660\u0661\u0664-10-13"], "text"),  # digits, but not ours
        ([], "text"),
    ],
)
def test_kinds(values, kind) -> None:
    assert read_column("c", values).kind == kind


def test_big_whole_numbers_keep_every_digit() -> None:
    assert read_column("id", [9007199254740993, 1]).words == ("9007199254740993", "1")
    assert read_column("id", [10**400]).words == ("1" + "0" * 400,)
    assert read_column("mass", [1e300, 1]).kind == "number"


def test_truths_are_words_and_missing_is_missing() -> None:
    column = read_column("waterfront", [True, None, False, True])
    assert column.words == ("yes", None, "no")
    assert column.codes.tolist() == [0, 1, 2, 0]
    assert column.frequent() == [0, 2]


def test_dates_are_ordered_by_time_and_a_missing_one_is_nowhere() -> None:
    column = read_column("sold", ["2015-01-01", None, "1970-01-02"])
    assert column.numbers[2] == 86400
    assert column.numbers[0] > column.numbers[2]
    assert math.isnan(column.numbers[1])
    assert span(column).words[0] == "1970-01-02"


def test_the_eight_most_frequent_words_ties_by_appearance() -> None:
    values = [f"w{n}" for n in range(12)] + ["w11", "w10"]
    assert [read_column("c", values).words[code] for code in read_column("c", values).frequent()] == [
        *("w10", "w11", "w0", "w1", "w2", "w3", "w4", "w5"),
    ]


def test_a_cell_that_holds_a_book_is_cut_and_says_so() -> None:
    word = read_column("text", ["x" * 10_000]).words[0]
    assert len(word) < LONGEST_CELL + 50
    assert word.endswith("… (10,000 characters)")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([1, 2, 3], ("1", "2", "3")),
        ([6, 7, 11], ("6", "8.5", "11")),
        ([98001, 98199], ("98001", "98100", "98199")),
        ([221900, 1600000], ("221,900", "910,950", "1,600,000")),
        ([47.2, 47.75], ("47.20", "47.48", "47.75")),
        ([1e-9, 2e-9], ("1e-09", "1.5e-09", "2e-09")),
        ([5, 5], ("5", "5", "5")),
        ([math.nan], ("", "", "")),
        ([1e300, -1e300], ("-1e+300", "0", "1e+300")),
    ],
)
def test_spans_have_the_digits_that_tell_their_ends_apart(values, words) -> None:
    assert span(read_column("c", values)).words == words


def test_one_far_value_does_not_take_the_colours_of_the_others() -> None:
    found = span(read_column("price", [*range(100), 1_000_000]))
    assert found.high <= 99
    assert found.words[2].startswith("≥ ")
    assert span(read_column("flag", [0] * 99 + [1])).high == 1  # but a rare value is no far value


@given(st.lists(st.none() | st.floats(width=64) | st.integers(1 - 2**53, 2**53 - 1), min_size=1))
def test_numbers_come_back_from_the_page_as_they_were(values) -> None:
    column = read_column("c", values)
    if column.kind == "number":
        expected = np.array([math.nan if v is None else v for v in values], dtype=np.float64)
        np.testing.assert_array_equal(unpacked(pack_column(column, "")["numbers"]), expected)
    else:
        assert set(values) == {None}


@given(st.lists(st.none() | st.text(), min_size=1))
def test_words_come_back_from_the_page_as_they_were(values) -> None:
    packed = pack_column(read_column("c", values), "a finding")
    assert [packed["words"][code] for code in unpacked(packed["codes"])] == values
    assert packed["finding"] == "a finding"


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, -128, 127], "i1"),
        ([300], "i2"),
        ([70_000], "i4"),
        ([3e9], "f4"),
        ([3e9 + 1], "f8"),
        ([0.5], "f4"),
        ([0.1], "f8"),
        ([math.nan, 1], "f4"),
        ([-0.0], "f4"),
        ([1e300], "f8"),
        ([], "i1"),
    ],
)
def test_the_narrowest_type_that_keeps_every_value(values, kind) -> None:
    packed = pack_array(np.array(values, dtype=np.float64))
    assert packed["type"] == kind
    np.testing.assert_array_equal(unpacked(packed), values)


def test_coordinates_stay_float32_and_little_endian() -> None:
    points = np.array([1.5, -2.25], dtype=">f4").astype(np.float32)
    assert pack_array(points) == {
        "type": "f4",
        "data": base64.b64encode(b"\0\0\xc0\x3f\0\0\x10\xc0").decode(),
    }


def test_a_column_can_be_made_of_numbers_at_hand() -> None:
    assert pack_column(Column("n", "number", np.array([1.0, 2.0])), "")["low"] == 1
