"""Vector arithmetic against sums by hand, and what its items may be."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.sparse import csr_array

import vecwise as vw
from conftest import read_only
from vecwise.errors import (
    EmptyInput,
    NoEncoder,
    NonFinite,
    OutOfRange,
    SpaceMismatch,
    UnknownName,
    WrongShape,
    WrongType,
)
from vecwise.workbench import combined_query

ROYALS = vw.Vectors([[2, 0, 2], [3, 0, 0], [0, 1, 0], [0, 5, 5]], ids=["king", "man", "woman", "queen"])
CELLS = st.floats(-1e3, 1e3).filter(lambda x: x == 0 or abs(x) > 1e-3)


def test_king_less_man_plus_woman_is_queen() -> None:
    made = vw.combine(ROYALS, plus=["king", "woman"], minus=["man"])
    half = 1 / np.sqrt(2)
    assert made.values == pytest.approx(np.array([[half - 1, 1, half]]))
    assert (made.note, made.ids.tolist(), made.shape) == (
        "king + woman - man",
        ["king + woman - man"],
        (1, 3),
    )
    assert vw.nearest(ROYALS, made, k=1).ids.tolist() == [["queen"]]
    assert "king + woman - man" in repr(made)


@given(arrays(np.float64, (4, 3), elements=CELLS), st.booleans())
def test_a_combination_is_the_sum_of_its_items(values, unit) -> None:
    values[:, 0] = 1.0
    X = vw.Vectors(values)
    rows = values / np.linalg.norm(values, axis=1, keepdims=True) if unit else values
    made = vw.combine(X, plus=[0, 1], minus=[2, 3], unit=unit)
    truth = rows[0] + rows[1] - rows[2] - rows[3]
    assert np.allclose(made.values[0], truth, rtol=1e-14, atol=1e-12)
    swapped = vw.combine(X, plus=[1, 0], minus=[2, 3], unit=unit)
    assert np.array_equal(made.values, swapped.values)
    assert np.allclose(vw.combine(X, plus=[2, 3], minus=[0, 1], unit=unit).values, -truth, atol=1e-12)
    sparse = vw.combine(vw.Vectors(csr_array(values), space=X.space), plus=[0, 1], minus=[2, 3], unit=unit)
    assert sparse.is_sparse
    assert np.allclose(sparse.values.toarray(), truth, rtol=1e-14, atol=1e-12)


def test_items_are_ids_rows_numbers_and_what_the_encoder_reads() -> None:
    X = vw.encode(["the sea", "the sky"], "count")
    numbers = X.values.toarray()
    for item in (
        0,
        X[0],
        "the sea",
        [1.0, 1.0, 0.0],
        np.array([1, 1, 0]),
        {"text": "the sea"},
        pa.table({"text": ["the sea"]}),
    ):
        for given_ in (item, [item]):
            assert np.asarray(vw.combine(X, plus=given_, unit=False)).tolist() == [numbers[0].tolist()]
    assert vw.combine(X, plus="the sea", minus=1).note == "“the sea” - 1"
    assert vw.combine(X, minus=[X[1]]).note == "-1"
    assert vw.nearest(X, vw.combine(X, plus="deep sea", minus="sky"), k=1).ids.tolist() == [[0]]
    assert vw.combine(X, plus=[0, 1]).space.claims == {"non-negative"}
    assert not vw.combine(X, plus=0, minus=1).space.claims
    assert vw.combine(X, plus=0).encoder is X.encoder
    named = vw.Vectors(X.values, ["sea", "sky"], rows=X.rows, space=X.space, encoder=X.encoder)
    assert np.asarray(vw.combine(named, plus="sky", unit=False)).tolist() == [
        numbers[1].tolist()
    ]  # an id comes first
    house = vw.encode({"rooms": [3, 4], "kind": ["flat", "house"]})
    made = vw.combine(house, plus={"rooms": 3, "kind": "flat"}, minus=1, unit=False)
    assert made.values.tolist() == [[-1, 1, -1]]
    again = vw.combine(house, plus=[made, 1], unit=False)
    assert again.values.tolist() == house[0].values.tolist()
    assert again.note == "a row - 1 + 1"


def test_rows_of_any_size_are_combined() -> None:
    X = vw.Vectors([[1e300, 1e300], [3e-300, 0], [0, 0]])
    assert vw.combine(X, plus=[0, 1]).values.tolist() == pytest.approx(np.array([[1 + 0.5**0.5, 0.5**0.5]]))
    single = vw.Vectors(np.full((2, 2), 3e38, np.float32))
    assert vw.combine(single, plus=[0, 1]).dtype == np.float32
    with pytest.raises(NonFinite, match="unit=True"):
        vw.combine(single, plus=[0, 1], unit=False)
    with pytest.raises(OutOfRange, match="`2` is a zero vector"):
        vw.combine(X, plus=[0], minus=[2])
    assert vw.combine(X, plus=[2], unit=False).values.tolist() == [[0, 0]]


@pytest.mark.parametrize(
    ("items", "error", "words"),
    [
        ({}, EmptyInput, "nothing to combine"),
        ({"plus": []}, EmptyInput, "nothing to combine"),
        ({"plus": "kin"}, UnknownName, "`king`"),
        ({"plus": 7}, UnknownName, "`7`"),
        ({"plus": [[1.0, 2.0]]}, WrongShape, "3"),
        ({"plus": [np.ones((2, 3))]}, WrongShape, "one row"),
        ({"plus": ROYALS[:2]}, WrongShape, "one row"),
        ({"plus": None}, WrongType, "None"),
        ({"plus": [True]}, WrongType, "True"),
        ({"plus": {"word": "king"}}, NoEncoder, "encoder"),
        ({"plus": vw.Vectors([[1.0, 2.0, 3.0]])}, SpaceMismatch, "combine"),
        ({"plus": [[1.0, float("nan"), 3.0]]}, NonFinite, "NaN"),
    ],
)
def test_what_cannot_be_combined(items, error, words) -> None:
    with pytest.raises(error, match=words):
        vw.combine(ROYALS, **items)


def test_texts_without_an_encoder() -> None:
    with pytest.raises(NoEncoder, match="whole numbers"):
        vw.combine(vw.Vectors(read_only(3, 2)), plus="king")


def test_words_on_the_command_line_are_ids_before_they_are_texts() -> None:
    made, ids = combined_query(ROYALS, ["king", "woman"], ["man"])
    assert (made.note, ids) == ("king + woman - man", ["king", "woman", "man"])
    X = vw.encode(["the sea", "the sky"], "count")
    made, ids = combined_query(X, ["0", "sea"], ["1"])
    assert (made.note, ids) == ("0 + “sea” - 1", [0, 1])
    with pytest.raises(EmptyInput, match="--plus"):
        combined_query(X, [], ["1"])
