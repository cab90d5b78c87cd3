from __future__ import annotations

import pickle

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.sparse import coo_array, csr_array

import vecwise as vw
from conftest import read_only
from vecwise.errors import (
    DuplicateName,
    NonFinite,
    NoSuchRow,
    OutOfRange,
    SpaceMismatch,
    UnknownName,
    WrongShape,
    WrongType,
)

numbers = st.floats(-1e6, 1e6, allow_nan=False)
matrices = arrays(np.float64, (4, 3), elements=numbers)


# ---- the axioms of a vector space ----


def three(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> tuple[vw.Vectors, vw.Vectors, vw.Vectors]:
    X = vw.Vectors(a)
    return X, vw.Vectors(b, space=X.space), vw.Vectors(c, space=X.space)


@given(matrices, matrices, matrices)
def test_addition_is_commutative_exactly_and_associative_to_rounding(a, b, c) -> None:
    X, Y, Z = three(a, b, c)
    assert np.array_equal((X + Y).values, (Y + X).values)
    left, right = ((X + Y) + Z).values, (X + (Y + Z)).values
    bound = 4 * np.finfo(float).eps * (np.abs(a) + np.abs(b) + np.abs(c))
    assert (np.abs(left - right) <= bound).all()


@given(matrices)
def test_zero_is_the_identity_and_minus_the_inverse(a) -> None:
    X = vw.Vectors(a)
    assert np.array_equal((X + X.space.zero()).values, X.values)
    assert np.array_equal((X + X.space.zero()).ids, X.ids)
    assert not (X + (-X)).values.any()
    assert np.array_equal((X - X).values, (X + (-X)).values)


@given(matrices, matrices, st.floats(-1e3, 1e3), st.floats(-1e3, 1e3))
def test_scaling_distributes_and_has_one(a, b, s, t) -> None:
    X, Y, _ = three(a, b, a)
    assert np.array_equal((1 * X).values, X.values)
    assert np.allclose((s * (X + Y)).values, (s * X + s * Y).values, rtol=1e-12, atol=1e-6)
    assert np.allclose(((s + t) * X).values, (s * X + t * X).values, rtol=1e-12, atol=1e-6)
    assert np.allclose((s * (t * X)).values, ((s * t) * X).values, rtol=1e-12, atol=1e-6)


@given(matrices, matrices)
def test_results_stay_in_the_space(a, b) -> None:
    X, Y, _ = three(a, b, a)
    assert all(Z.space.same_axes(X.space) for Z in (X + Y, X - Y, -X, 2 * X, X * 2, X / 2, np.float32(2) * X))


def test_float32_stays_float32() -> None:
    X = vw.Vectors(read_only(3, 2, dtype=np.float32))
    assert {str(Z.dtype) for Z in (X + X, -X, 2 * X, X / 3, X + X.space.zero(), np.float64(2) * X)} == {
        "float32"
    }


def test_sparse_and_dense_vectors_add_up() -> None:
    dense = np.array([[0, 1.0], [2, 0]])
    X = vw.Vectors(csr_array(dense))
    Y = vw.Vectors(dense, space=X.space)
    assert (X + X).is_sparse
    for made in (X + Y, Y + X, X + X, X + X.space.zero() + Y):
        assert np.array_equal(np.asarray(made), 2 * dense)
    assert np.array_equal(np.asarray(-X), -dense)


def test_sums_keep_names_that_both_sides_share() -> None:
    X = vw.Vectors([[1, 2], [3, 4]], ids=["a", "b"])
    assert (X + X).ids.tolist() == ["a", "b"]
    assert (X[0] + X[1]).ids.tolist() == [0]
    assert (X + X[0]).ids.tolist() == ["a", "b"]
    with pytest.raises(WrongShape, match="2 rows with 3"):
        X + vw.Vectors(np.zeros((3, 2)), space=X.space)


def test_vectors_of_two_spaces_refuse_to_be_added() -> None:
    X = vw.CountEncoder(vocabulary=["sea"]).map_(pa.table({"text": ["sea"]}))
    Y = vw.CountEncoder(vocabulary=["sky"]).map_(pa.table({"text": ["sky"]}))
    for action in (lambda: X + Y, lambda: X - Y, lambda: vw.dot(X, Y), lambda: vw.nearest(X, Y)):
        with pytest.raises(SpaceMismatch, match=r"CountEncoder.*CountEncoder.*Encode both sides"):
            action()


def test_overflow_is_refused_not_returned() -> None:
    X = vw.Vectors([[1e308, 1]])
    for action in (lambda: X + X, lambda: 10 * X, lambda: X / 1e-300, lambda: X * np.inf, lambda: X / 0):
        with pytest.raises(NonFinite):
            action()


@pytest.mark.parametrize("other", [1, "x", None, [[1, 2]], np.ones((1, 2))])
def test_only_vectors_are_added(other) -> None:
    X = vw.Vectors([[1, 2]])
    with pytest.raises(TypeError):
        X + other
    with pytest.raises(TypeError):
        other + X


def test_claims_survive_only_where_they_stay_true() -> None:
    X = vw.Vectors([[0.6, 0.8]], space=vw.Space(2, claims=frozenset({"unit", "non-negative"})))
    assert (X + X).space.claims == {"non-negative"}
    assert (X - X).space.claims == set()
    assert (-X).space.claims == {"unit"}
    assert (2 * X).space.claims == {"non-negative"}
    assert (-2 * X).space.claims == set()
    Z = vw.standardize([[1, 2], [3, 5], [8, 1]])
    assert all(made.space.claims == {"centered"} for made in (Z + Z, Z - Z, -Z, -2 * Z, Z / 3))
    assert not Z[:1].space.claims  # some of centered rows need not be


def test_claims_are_checked_where_vectors_are_made() -> None:
    X = vw.encode(["the sea", "a ship"])
    assert X.space.claims == {"unit"}
    assert not vw.Vectors(np.full((1, 512), 9.0), space=X.space).space.claims
    counts = vw.encode(["the sea"], encoder="count")
    assert not vw.Vectors(-np.ones((1, 2)), space=counts.space).space.claims
    assert not vw.Vectors([[5.0, 5.0]], space=vw.standardize([[1, 2], [3, 4]]).space).space.claims
    fitted = vw.pca([[0, 0], [1, 1], [2, 2]])
    assert not fitted.transform([[100, 100]]).space.claims


def test_sums_of_no_rows_and_of_lists() -> None:
    X = vw.Vectors(np.eye(3), ids=["a", "b", "c"])
    none = X[:0] + X[0]
    assert none.shape == (0, 3)
    assert none.ids.tolist() == []
    assert np.array_equal(sum([X, X]).values, 2 * np.eye(3))


def test_factors_outside_float32_are_exact() -> None:
    X = vw.Vectors(np.array([[1e38]], np.float32))
    assert (X / 1e39).values[0, 0] == pytest.approx(0.1)
    assert (X * 1e-46).values[0, 0] == pytest.approx(1e-8)
    with pytest.raises(NonFinite):
        2**1100 * X


@pytest.mark.parametrize(
    ("ids", "error"),
    [
        (np.array([5, 3, 5], np.uint8), DuplicateName),
        (np.array([1, 2, 2**63 + 5], np.uint64), OutOfRange),
        ([1, 2, 2**70], OutOfRange),
    ],
)
def test_ids_neither_wrap_nor_repeat(ids, error) -> None:
    with pytest.raises(error):
        vw.Vectors(np.eye(3), ids=ids)


def test_ids_are_read_only_and_wrong_parts_are_named() -> None:
    X = vw.Vectors(np.eye(2))
    with pytest.raises(ValueError, match="read-only"):
        X.ids[0] = 77
    with pytest.raises(WrongType, match="`rows` is an Arrow table"):
        vw.Vectors(np.eye(2), rows=[1, 2])
    with pytest.raises(WrongType, match="`space` is a Space"):
        vw.Vectors(np.eye(2), space=X)
    with pytest.raises(NoSuchRow, match="no row 9: there are 2 rows"):
        X[9]
    with pytest.raises(UnknownName, match="by_id"):
        X["a"]


# ---- the door ----


def test_shape_ids_and_a_fresh_space() -> None:
    X = vw.Vectors(read_only(3, 2))
    assert (X.shape, len(X), X.ids.tolist()) == ((3, 2), 3, [0, 1, 2])
    assert not X.space.same_axes(vw.Vectors(read_only(3, 2)).space)
    assert vw.Vectors([7, 6, 10]).shape == (1, 3)


def test_vectors_join_a_space() -> None:
    X = vw.Vectors([[1, 2]], ids=["a"])
    Y = vw.Vectors(X, space=vw.Space(2, name="mine"))
    assert (Y.space.name, Y.ids.tolist()) == ("mine", ["a"])


@pytest.mark.parametrize(
    "values",
    [
        np.asfortranarray(np.arange(6.0).reshape(3, 2)),
        np.arange(12.0).reshape(3, 4)[:, ::2] / 2 * 1.0,
        np.arange(6.0)[::-1].reshape(3, 2)[::-1, ::-1],
        np.arange(6, dtype=">f8").reshape(3, 2),
        np.arange(6, dtype=np.int8).reshape(3, 2),
        np.arange(6, dtype=np.float16).reshape(3, 2),
        [[0, 1], [2, 3], [4, 5]],
        coo_array(np.arange(6.0).reshape(3, 2)),
    ],
    ids=["fortran", "strided", "negative", "big-endian", "int8", "float16", "list", "coo"],
)
def test_every_layout_gives_the_same_vectors(values) -> None:
    expected = np.asarray(values.toarray() if hasattr(values, "toarray") else values, dtype=float)
    X = vw.Vectors(values)
    assert np.array_equal(np.asarray(X), expected)
    assert X.dtype == (np.float32 if getattr(values, "dtype", None) == np.float16 else np.float64)


def test_values_are_read_only_and_input_stays_writable() -> None:
    own = np.ones((2, 2))
    X = vw.Vectors(own)
    with pytest.raises(ValueError, match="read-only"):
        X.values[0, 0] = 5
    with pytest.raises(AttributeError, match="read-only"):
        X.ids = [1]
    own[0, 0] = 2
    assert own.flags.writeable


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ([[1, 2], [3]], WrongShape),
        (np.zeros((2, 2, 2)), WrongShape),
        (np.zeros((2, 0)), WrongShape),
        (5.0, WrongShape),
        ([["a"]], WrongType),
        ([[1j]], WrongType),
        (np.array([[object()]]), WrongType),
        (np.array([["2020-01-01"]], dtype="M8[D]"), WrongType),
        (np.ma.masked_array([[1.0, 2.0]], [[0, 1]]), WrongType),
    ],
)
def test_what_is_no_matrix_of_numbers_is_refused(values, error) -> None:
    with pytest.raises(error):
        vw.Vectors(values)


def test_nan_and_infinity_are_refused_with_the_row_ids() -> None:
    values = np.ones((4, 2))
    values[1, 0], values[3, 1] = np.nan, np.inf
    with pytest.raises(NonFinite, match="2 of 4 vectors.*`b`, `d`"):
        vw.Vectors(values, ids=list("abcd"))
    with pytest.raises(NonFinite, match="`1`, `3`"):
        vw.Vectors(csr_array(values))
    assert len(vw.Vectors(np.full((9, 9), 1e308))) == 9  # the sum overflows, no value does


@pytest.mark.parametrize(
    ("ids", "error"),
    [
        (["a", "a"], DuplicateName),
        (["a"], WrongShape),
        ([1, "a"], WrongType),
        ([1.5, 2.5], WrongType),
        ([True, False], WrongType),
    ],
)
def test_bad_ids_are_refused(ids, error) -> None:
    with pytest.raises(error):
        vw.Vectors(np.ones((2, 2)), ids=ids)


def test_ids_keep_every_character() -> None:
    names = ["a\0", "a", "\ud7ff", ""]
    X = vw.Vectors(np.eye(4), ids=names)
    assert X.ids.tolist() == names
    assert X["a\0"].values[0, 0] == 1


def test_wrong_dimension_and_rows_are_refused() -> None:
    with pytest.raises(WrongShape, match="has 2 dimensions"):
        vw.Vectors([[1, 2]], space=vw.Space(3))
    with pytest.raises(WrongShape, match="`rows` has 1 row;"):
        vw.Vectors([[1], [2]], rows=pa.table({"x": [1]}))


# ---- selection ----


def table_vectors() -> vw.Vectors:
    return vw.Vectors(read_only(5, 3), ids=list("abcde"), rows=pa.table({"n": range(5)}))


@pytest.mark.parametrize(
    ("key", "picked"),
    [
        (1, [1]),
        (-1, [4]),
        (np.int64(2), [2]),
        (slice(1, 4), [1, 2, 3]),
        (slice(None, None, -2), [4, 2, 0]),
        ([True, False, True, False, False], [0, 2]),
        (np.array([4, 0, 0]), [4, 0, 0]),
        ([-1, 1], [4, 1]),
        ("c", [2]),
        (["e", "a"], [4, 0]),
        ([], []),
        (np.zeros(5, dtype=bool), []),
    ],
)
def test_selection_keeps_values_ids_and_rows_aligned(key, picked) -> None:
    X = table_vectors()
    Y = X[key]
    assert np.array_equal(Y.values, X.values[picked])
    assert Y.ids.tolist() == [list("abcde")[i] for i in picked]
    assert Y.rows.column("n").to_pylist() == picked
    assert Y.space is X.space


def test_selection_of_sparse_rows() -> None:
    X = vw.Vectors(csr_array(np.eye(4)))
    assert np.array_equal(np.asarray(X[[3, 0]]), np.eye(4)[[3, 0]])
    assert X[:0].shape == (0, 4)


def test_selection_refuses_what_is_not_there() -> None:
    X = table_vectors()
    with pytest.raises(UnknownName, match="There is no row with the id `f`"):
        X["f"]
    with pytest.raises(IndexError):
        X[5]
    with pytest.raises(WrongShape, match="mask of 2"):
        X[[True, False]]
    for key in (1.5, np.array([0.5]), (0, 1), None):
        with pytest.raises(WrongType):
            X[key]


def test_by_id_selects_numbered_rows() -> None:
    X = vw.Vectors(np.eye(3), ids=[10, 20, 30])
    assert X.by_id(20).values.tolist() == [[0, 1, 0]]
    assert X.by_id([30, 10]).ids.tolist() == [30, 10]
    with pytest.raises(UnknownName, match="`1`"):
        X.by_id(1)


def test_iteration_gives_one_row_at_a_time() -> None:
    assert [x.ids.tolist() for x in table_vectors()] == [[c] for c in "abcde"]


# ---- out of vecwise ----


def test_asarray_and_pandas() -> None:
    X = vw.Vectors([[3, 5650]], ids=["h"], space=vw.Space(2, features=("bedrooms", "sqft_lot")))
    assert np.asarray(X, dtype=np.float32).dtype == np.float32
    frame = X.to_pandas()
    assert frame.loc["h", "sqft_lot"] == 5650
    sparse = vw.Vectors(csr_array(np.eye(2))).to_pandas()
    assert sparse.sparse.density == 0.5
    assert sparse.columns.tolist() == ["dim_0", "dim_1"]


def test_repr_is_a_few_lines_and_html_is_escaped() -> None:
    X = vw.Vectors(
        read_only(1000, 50), space=vw.Space(50, name="<b>mine</b>", features=[f"<i>{i}" for i in range(50)])
    )
    assert len(repr(X).splitlines()) < 10
    assert "1,000 × 50" in repr(X)
    assert max(map(len, repr(X).splitlines())) <= 120
    assert "<i>" not in X._repr_html_()
    assert "&lt;i&gt;0" in X._repr_html_()


def test_pickle_round_trip() -> None:
    X = table_vectors()
    Y = pickle.loads(pickle.dumps(X))
    assert np.array_equal(Y.values, X.values)
    assert Y.space == X.space
    assert not Y.values.flags.writeable
