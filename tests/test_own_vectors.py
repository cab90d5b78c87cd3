"""A user's own vectors in memory: frames, columns and tensors."""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import vecwise as vw
from vecwise.errors import (
    DuplicateName,
    MissingValue,
    NonFinite,
    OutOfRange,
    SpaceMismatch,
    WrongShape,
    WrongType,
)

MATRIX = np.random.default_rng(0).standard_normal((5, 3))
TINY = MATRIX.astype(np.float32)


def same_memory(X: vw.Vectors, array: np.ndarray) -> bool:
    return np.shares_memory(X.values, array)


# ---- frames ----


def test_a_pandas_frame_keeps_its_columns_and_its_index() -> None:
    frame = pd.DataFrame({"rooms": [3, 4], "size": [70.5, 81.0]}, index=["a", "b"])
    X = vw.Vectors(frame)
    assert (X.space.features, X.ids.tolist(), X.values.tolist()) == (
        ("rooms", "size"),
        ["a", "b"],
        [[3, 70.5], [4, 81]],
    )
    assert vw.Vectors(frame, ids=[7, 9]).ids.tolist() == [7, 9]
    assert vw.Vectors(frame.reset_index(drop=True)).ids.tolist() == [0, 1]
    assert vw.Vectors(frame.set_index(np.array([5, 8], np.uint8))).ids.tolist() == [5, 8]
    dates = frame.set_index(pd.to_datetime(["2020-01-02", "2020-01-03"]))
    assert vw.Vectors(dates).ids.tolist() == ["2020-01-02 00:00:00", "2020-01-03 00:00:00"]
    assert vw.Vectors(frame.set_index(pd.MultiIndex.from_tuples([("p", 1), ("p", 2)]))).ids.tolist() == [
        "p, 1",
        "p, 2",
    ]
    assert vw.Vectors(pd.DataFrame(MATRIX)).space.features is None
    assert np.array_equal(vw.Vectors(X.to_pandas()).values, X.values)


@pytest.mark.parametrize(
    ("cells", "dtype"),
    [
        ({"a": np.array([1, 2], np.int8), "b": np.array([True, False])}, np.float64),
        ({"a": np.array([1, 2], np.float16), "b": np.array([0.5, 4], np.float32)}, np.float32),
        ({"a": np.array([1, 2], np.float32), "b": np.array([2**40, 4])}, np.float64),
        ({"a": pd.array([1, 2], "Int64"), "b": pd.array([0.5, 4], "Float32")}, np.float64),
        ({"a": pd.array([1, 2], pd.ArrowDtype(pa.float32())), "b": np.array([1, 2], np.float32)}, np.float32),
        ({"a": pd.array([0, 2], pd.SparseDtype("float64", 0)), "b": np.array([1, 2])}, np.float64),
        ({"a": pd.Series([1, 2], dtype=object), "b": np.array([1, 2])}, np.float64),
    ],
)
def test_columns_of_every_number_type_are_read_as_pandas_reads_them(cells, dtype) -> None:
    frame = pd.DataFrame(cells)
    X = vw.Vectors(frame)
    assert X.dtype == dtype
    assert np.array_equal(X.values, frame.astype(np.float64).to_numpy())
    assert X.space.features == ("a", "b")


def test_sparse_frames_come_back_sparse() -> None:
    counts = vw.encode(["the sea", "the sky"], encoder="count")
    again = vw.Vectors(counts.to_pandas())
    assert again.is_sparse
    assert np.array_equal(again.values.toarray(), counts.values.toarray())
    assert again.space.features == counts.space.features


@pytest.mark.parametrize("make", [pl.DataFrame, pa.table, pd.DataFrame])
def test_frames_of_every_library_give_the_same_vectors(make) -> None:
    X = vw.Vectors(make({"a": MATRIX[:, 0], "b": MATRIX[:, 1], "n": np.arange(5)}))
    assert np.array_equal(X.values, np.column_stack([MATRIX[:, 0], MATRIX[:, 1], np.arange(5)]))
    assert (X.space.features, X.rows) == (("a", "b", "n"), None)
    Y = vw.Vectors(make({"title": list("pqrst"), "v": TINY.tolist(), "n": range(5)}))
    assert np.array_equal(Y.values, TINY)
    assert Y.rows is not None
    assert Y.rows.to_pydict() == {"title": list("pqrst"), "n": list(range(5))}


@pytest.mark.parametrize(
    ("frame", "error", "words"),
    [
        (pd.DataFrame({"a": [1, 2], "kind": ["x", "y"]}), WrongType, r"`kind` \(.*string.*vw\.encode"),
        (pd.DataFrame({"a": pd.to_datetime(["2020-01-02"])}), WrongType, "`a` .timestamp"),
        (pd.DataFrame({"a": [1j]}), WrongType, "complex"),
        (pd.DataFrame({"a": pd.array([1, None], "Int64")}), MissingValue, "Column `a` is empty in row `1`"),
        (pd.DataFrame({"a": [1.0, np.nan]}, index=["p", "q"]), NonFinite, "ids `q`"),
        (pd.DataFrame({"a": [1, 2]}, index=["p", "p"]), DuplicateName, r"`p`.*range\(len\(frame\)\)"),
        (pd.DataFrame({"a": [1, 2]}, index=["p", None]), MissingValue, "gap"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), DuplicateName, "`a`"),
        (pd.DataFrame({"a": [2**53 + 1], "b": [0.5]}), OutOfRange, "Column `a`.*2\\^53"),
        (
            pd.DataFrame({"v": [[1, 2], [3]]}),
            WrongShape,
            "1 numbers instead of 2 in row `1`|2 numbers instead of 1 in row `0`",
        ),
        (pd.DataFrame({"v": [[1, 2], "x"]}), WrongType, "Column `v`"),
        (pd.DataFrame({"v": [[1, 2]], "w": [[1, 2]]}), WrongType, "2 columns of vectors: `v`, `w`"),
        (pd.DataFrame(index=[1, 2]), WrongShape, "no columns"),
        (pl.DataFrame({"a": [1, None]}), MissingValue, "row `1`"),
        (pl.DataFrame({"a": ["x"]}), WrongType, "`a`"),
        (pa.table({"a": [2**53 + 1]}), OutOfRange, "Column `a`"),
        (pa.array(["x"]), WrongType, "string"),
    ],
)
def test_frames_that_are_no_vectors_are_refused_by_column_and_row(frame, error, words) -> None:
    with pytest.raises(error, match=words):
        vw.Vectors(frame)


def test_columns_in_another_order_do_not_land_on_the_wrong_axes() -> None:
    X = vw.Vectors(pd.DataFrame({"rooms": [3, 4], "size": [70.5, 81.0]}))
    assert vw.Vectors(pd.DataFrame({"rooms": [1], "size": [2]}), space=X.space).space.same_axes(X.space)
    with pytest.raises(SpaceMismatch, match=r"`size`, `rooms`.*frame\[list"):
        vw.Vectors(pd.DataFrame({"size": [1], "rooms": [2]}), space=X.space)


@given(st.lists(st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=3), min_size=1, max_size=6))
def test_any_frame_of_numbers_is_its_matrix(rows) -> None:
    names = ["a", "b", "c"]
    for frame in (pd.DataFrame(rows, columns=names), pl.DataFrame(rows, schema=names, orient="row")):
        assert np.array_equal(vw.Vectors(frame).values, np.array(rows))


# ---- columns ----


@pytest.mark.parametrize("inner", [pa.float16(), pa.float32(), pa.float64(), pa.int8()])
@pytest.mark.parametrize(
    "outer",
    [pa.list_, pa.large_list, pa.list_view, pa.large_list_view, lambda inner: pa.list_(inner, 3)],
    ids=["list", "large_list", "list_view", "large_list_view", "fixed_size_list"],
)
def test_arrow_columns_of_every_kind_of_list(inner, outer) -> None:
    whole = (MATRIX * 8).round()
    cells = [np.float16(row).tolist() for row in whole]
    lists = pa.array(cells, outer(pa.float32() if inner == pa.float16() else inner))
    if inner == pa.float16():
        lists = pa.array([[np.float16(x) for x in row] for row in whole], outer(inner))
    for column in (lists, pa.chunked_array([lists[:2], lists[2:]]), pa.table({"v": lists})):
        assert np.array_equal(vw.Vectors(column).values, whole)
    assert np.array_equal(vw.Vectors(lists[1:4]).values, whole[1:4])


def test_a_missing_row_of_a_fixed_size_list_does_not_shift_the_others() -> None:
    lists = pa.array([[1, 2], None, [5, 6], [7, 8]], pa.list_(pa.float32(), 2))
    for column in (lists, pa.chunked_array([lists[:1], lists[1:]])):
        with pytest.raises(MissingValue, match=r"no vector in row `1`"):
            vw.Vectors(column)
    assert vw.Vectors(lists[2:]).values.tolist() == [[5, 6], [7, 8]]
    assert vw.Vectors(pa.chunked_array([lists[:1], lists[2:]])).values.tolist() == [[1, 2], [5, 6], [7, 8]]


def test_list_views_may_lie_in_any_order_and_overlap() -> None:
    views = pa.ListViewArray.from_arrays(
        pa.array([2, 0, 1], pa.int32()), pa.array([2, 2, 2], pa.int32()), pa.array([1.0, 2, 3, 4])
    )
    assert vw.Vectors(views).values.tolist() == [[3, 4], [1, 2], [2, 3]]


@pytest.mark.parametrize(
    "series",
    [
        pd.Series(TINY.tolist(), index=list("abcde")),
        pd.Series(list(TINY), index=list("abcde")),
        pd.Series(pd.array(TINY.tolist(), pd.ArrowDtype(pa.list_(pa.float32()))), index=list("abcde")),
        pl.Series(TINY.tolist()),
        pl.Series(TINY.tolist(), dtype=pl.Array(pl.Float32, 3)),
    ],
)
def test_a_series_of_lists_or_arrays_gives_a_row_each(series) -> None:
    X = vw.Vectors(series)
    assert np.array_equal(X.values, TINY)
    assert X.ids.tolist() == (list("abcde") if isinstance(series, pd.Series) else list(range(5)))


def test_a_column_of_bare_numbers_is_one_row_like_a_list() -> None:
    for column in (
        [1, 2, 3],
        pd.Series([1, 2, 3], index=list("abc")),
        pl.Series([1, 2, 3]),
        pa.array([1, 2, 3]),
    ):
        assert vw.Vectors(column).values.tolist() == [[1, 2, 3]]


def test_what_is_viewed_and_what_is_copied() -> None:
    values = np.arange(12, dtype=np.float32)
    matrix = values.reshape(4, 3)
    assert same_memory(vw.Vectors(matrix), values)
    assert same_memory(vw.Vectors(pa.FixedSizeListArray.from_arrays(pa.array(values), 3)), values)
    assert not same_memory(vw.Vectors(matrix.astype(np.float16)), values)
    assert not same_memory(vw.Vectors(matrix[:, ::-1]), values)
    assert not same_memory(vw.Vectors(pd.DataFrame(matrix)), values)


# ---- tensors ----


def test_torch_tensors_are_vectors() -> None:
    torch = pytest.importorskip("torch")
    tensor = torch.tensor(TINY)
    assert same_memory(vw.Vectors(tensor), tensor.numpy())
    assert same_memory(vw.Vectors(tensor.requires_grad_()), tensor.detach().numpy())
    assert np.array_equal(vw.Vectors(tensor * 2).values, TINY * 2)
    assert np.array_equal(vw.Vectors(tensor.detach().T).values, TINY.T)
    assert np.array_equal(vw.Vectors(list(tensor)).values, TINY)
    assert vw.Vectors(tensor[0]).shape == (1, 3)
    for kind in (torch.bfloat16, torch.float16, torch.float8_e5m2):
        small = tensor.detach().to(kind)
        X = vw.Vectors(small)
        assert X.dtype == np.float32
        assert np.array_equal(X.values, small.to(torch.float32).numpy())
    assert vw.Vectors(torch.tensor([[1, -2]], dtype=torch.int8)).values.tolist() == [[1, -2]]
    turned = torch.imag(torch.tensor([[1 + 2j, 3 - 4j]]).conj())
    assert vw.Vectors(turned).values.tolist() == [[-2, 4]]
    assert np.array_equal(vw.normalize(tensor).values, vw.normalize(TINY).values)


def test_tensors_that_are_no_numbers_are_refused() -> None:
    torch = pytest.importorskip("torch")
    for tensor, words in (
        (torch.tensor([[1j]]), "complex64"),
        (torch.ones(2, 2).to_sparse(), "sparse_coo.*to_dense"),
        (torch.empty(2, 2, device="meta"), "meta"),
    ):
        with pytest.raises(WrongType, match=words):
            vw.Vectors(tensor)
    with pytest.raises(OutOfRange, match="2\\^53"):
        vw.Vectors(torch.tensor([[2**53 + 1]]))


def test_jax_arrays_are_vectors() -> None:
    jax = pytest.importorskip("jax")
    assert np.array_equal(vw.Vectors(jax.numpy.asarray(TINY)).values, TINY)
    assert vw.Vectors(jax.numpy.asarray([[1, 2]], dtype="bfloat16")).values.tolist() == [[1, 2]]


class GivesDlpack:
    """An array of some other library: nothing but the exchange protocol."""

    def __init__(self, array: np.ndarray, fault: type[Exception] | None = None) -> None:
        self.array, self.fault = array, fault

    def __dlpack__(self, **options):
        if self.fault:
            raise self.fault("it lives on another device")
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()


class GivesArray:
    def __init__(self, array: np.ndarray | None) -> None:
        self.array = array

    def __array__(self, dtype=None, copy=None):
        if self.array is None:
            raise TypeError("Implicit conversion is not allowed")
        return self.array


def test_whatever_speaks_a_protocol_of_arrays_is_vectors() -> None:
    assert same_memory(vw.Vectors(GivesDlpack(MATRIX)), MATRIX)
    assert same_memory(vw.Vectors(GivesArray(MATRIX)), MATRIX)
    with pytest.raises(
        WrongType, match="`GivesDlpack` gives no array of numbers: it lives on another device"
    ):
        vw.Vectors(GivesDlpack(MATRIX, BufferError))
    with pytest.raises(WrongType, match="Implicit conversion"):
        vw.Vectors(GivesArray(None))


def test_no_library_of_tensors_is_imported() -> None:
    import subprocess

    code = "import sys, vecwise; vecwise.Vectors([[1, 2]]); print('torch' in sys.modules, 'pandas' in sys.modules)"
    made = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert made.stdout.split() == ["False", "False"]


# ---- the grid of types and layouts ----

LAYOUTS = {
    "C": lambda a: a.copy(),
    "F": np.asfortranarray,
    "strided": lambda a: np.repeat(a, 2, axis=1)[:, ::2],
    "negative stride": lambda a: a[::-1, ::-1].copy()[::-1, ::-1],
    "broadcast": lambda a: np.broadcast_to(a[:1], a.shape),
    "read-only": lambda a: np.frombuffer(a.tobytes(), a.dtype).reshape(a.shape),
    "big-endian": lambda a: a.astype(a.dtype.newbyteorder(">")),
    "unaligned": lambda a: np.frombuffer(b"\0" + a.tobytes(), a.dtype, offset=1).reshape(a.shape),
    "memory-mapped": None,
}


@pytest.mark.parametrize("kind", ["f2", "f4", "f8", "i1", "u1", "i8", "?", "g"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_type_in_every_layout_is_right_and_the_input_unchanged(kind, layout, tmp_path) -> None:
    plain = (np.abs(MATRIX) * 9).astype(kind)
    if layout == "memory-mapped":
        np.save(tmp_path / "m.npy", plain)
        array = np.load(tmp_path / "m.npy", mmap_mode="r", allow_pickle=False)
    else:
        array = LAYOUTS[layout](plain)
    before = array.tobytes()
    X = vw.Vectors(array)
    assert X.dtype == (np.float32 if kind in ("f2", "f4") else np.float64)
    assert np.array_equal(X.values, np.asarray(array, np.float64).astype(X.dtype))
    assert (X.values.flags.c_contiguous, X.values.flags.aligned, X.values.flags.writeable) == (
        True,
        True,
        False,
    )
    vw.normalize(X), vw.cosine(X), X + X
    assert array.tobytes() == before


@pytest.mark.parametrize(
    ("values", "error", "words"),
    [
        (np.ones((2, 2), complex), WrongType, "complex128"),
        (np.array([[{}]], object), WrongType, "object"),
        (np.array([["a"]]), WrongType, "<U1"),
        (np.array([[b"a"]]), WrongType, r"\|S1"),
        (np.array([["2020"]], "M8[D]"), WrongType, r"datetime64\[D\]"),
        (np.array([[1]], "m8[s]"), WrongType, r"timedelta64\[s\]"),
        (np.zeros((2, 2), [("a", "f4")]), WrongType, "'a'"),
        (np.ma.masked_array([[1.0]], [[1]]), WrongType, "Masked"),
        ([[1, 2], [3, 4], [5]], WrongShape, "row 2 .counted from 0. has 1 number, and row 0 has 2"),
        (np.array([[2**53 + 1]]), OutOfRange, "2\\^53"),
        (np.array([[2**64 - 1]], np.uint64), OutOfRange, "2\\^53"),
        (np.array([[-(2**63)]]), OutOfRange, "2\\^53"),
    ],
)
def test_what_is_no_number_is_refused_by_name(values, error, words) -> None:
    with pytest.raises(error, match=words):
        vw.Vectors(values)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4), st.integers(-2, 2)), max_size=12))
def test_sparse_matrices_with_twins_zeros_and_disorder_are_their_dense_selves(cells) -> None:
    from scipy.sparse import coo_array

    rows, columns, data = ([cell[i] for cell in cells] for i in range(3))
    made = coo_array((np.array(data, float), (np.array(rows, int), np.array(columns, int))), shape=(4, 5))
    X = vw.Vectors(made)
    assert np.array_equal(X.values.toarray(), made.toarray())
    assert (X.values.data != 0).all()
    assert X.values.has_canonical_format
