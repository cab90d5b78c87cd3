"""Vectors that are there already: NumPy's files and columns of lists, whole, shifted, damaged and lying."""

from __future__ import annotations

import io
import json
import struct
import zipfile

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from vecwise.errors import (
    Damaged,
    EmptyInput,
    FileMissing,
    MissingValue,
    NonFinite,
    OutOfRange,
    TooLarge,
    UnknownFormat,
    Unreadable,
    WrongShape,
    WrongType,
)
from vecwise.store.rows import as_table
from vecwise.store.sources import read
from vecwise.store.vector_columns import lengths_of, vectors_of
from vecwise.store.vector_files import read_vectors

MATRIX = np.random.default_rng(0).standard_normal((5, 3))
KINDS = ["<f2", "<f4", "<f8", ">f4", "i1", "<u8", ">i4", "?"]


# ---- .npy ----


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("order", ["C", "F"])
def test_npy_files_are_mapped_as_numpy_reads_them(tmp_path, kind, order) -> None:
    array = np.asarray(np.abs(MATRIX) * 3, dtype=kind, order=order)
    np.save(tmp_path / "emb.npy", array)
    found = read_vectors(tmp_path / "emb.npy")[0]
    assert isinstance(found, np.memmap)
    assert found.dtype == array.dtype
    assert np.array_equal(found, np.load(tmp_path / "emb.npy", allow_pickle=False))
    assert not found.flags.writeable


def header(shape: str, kind: str = "<f4", version: bytes = b"\1\0") -> bytes:
    text = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    text += b" " * (-(len(text) + 11) % 64) + b"\n"
    return b"\x93NUMPY" + version + struct.pack("<H", len(text)) + text


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (header("(10000000000000, 1)") + bytes(64), Damaged),
        (header("(3000000000, 3000000000)") + bytes(64), Damaged),
        (header("(4294967296, 4294967296)") + bytes(64), Damaged),  # 0 in 64 bits
        (header("(-2, -2)") + bytes(16), Damaged),
        (header("(2, 2)") + bytes(15), Damaged),
        (header("(2, 2)") + bytes(17), Damaged),
        (header("(2, 2)")[:40], Damaged),
        (header("('2', 2)") + bytes(16), Damaged),
        (header("(((((", "<f4") + bytes(16), Damaged),
        (header("(2, 2)", "nothing") + bytes(16), Damaged),
        (b"", Damaged),
        (b"rooms,kind\n", Damaged),
        (header("(2, 2)", "|O") + bytes(32), WrongType),
        (header("(2, 2)", "<U1") + bytes(16), WrongType),
        (header("(2, 2)", "<c8") + bytes(32), WrongType),
        (header("(10000000000000, 2)", "|S0"), WrongType),
        (header("(2, 2)", version=b"\3\0") + bytes(16), WrongType),
        (header("(4,)") + bytes(16), WrongShape),
        (header("()") + bytes(4), WrongShape),
        (header("(1, 2, 2)") + bytes(16), WrongShape),
        (header("(3, 0)"), WrongShape),
        (header("(0, 3)"), EmptyInput),
    ],
)
def test_npy_headers_are_not_believed(tmp_path, content, error) -> None:
    (tmp_path / "emb.npy").write_bytes(content)
    with pytest.raises(error, match=r"`.*emb.npy`"):
        read_vectors(tmp_path / "emb.npy")


def test_objects_are_never_loaded(tmp_path) -> None:
    np.save(tmp_path / "o.npy", np.array([[{}], [1]], dtype=object), allow_pickle=True)
    np.savez(tmp_path / "o.npz", np.array([[{}], [1]], dtype=object))
    for name in ("o.npy", "o.npz"):
        with pytest.raises(WrongType, match="never loaded"):
            read_vectors(tmp_path / name)


def test_paths_that_are_no_files(tmp_path) -> None:
    (tmp_path / "folder.npy").mkdir()
    with pytest.raises(FileMissing):
        read_vectors(tmp_path / "none.npy")
    with pytest.raises(Unreadable):
        read_vectors(tmp_path / "folder.npy")
    (tmp_path / "null.npy").symlink_to("/dev/null")
    with pytest.raises(Unreadable, match="no regular file"):
        read_vectors(tmp_path / "null.npy")


def test_rows_are_not_read_from_files_of_vectors(tmp_path) -> None:
    np.save(tmp_path / "emb.npy", MATRIX)
    with pytest.raises(UnknownFormat, match=r"vw.encode\(path\)"):
        read(tmp_path / "emb.npy")
    with pytest.raises(UnknownFormat, match="Save it as"):
        read(io.BytesIO((tmp_path / "emb.npy").read_bytes()))


@given(st.binary(max_size=200), st.integers(0, 127))
def test_any_bytes_are_read_or_refused(tmp_path_factory, noise, place) -> None:
    path = tmp_path_factory.getbasetemp() / "noise.npy"
    whole = header("(2, 2)") + bytes(16)
    path.write_bytes(whole[:place] + noise + whole[place + len(noise) :])
    try:
        found = np.asarray(read_vectors(path)[0])
    except (Damaged, WrongType, WrongShape, EmptyInput):
        return
    assert found.nbytes <= path.stat().st_size


@given(st.binary(min_size=1, max_size=20), st.integers(0, 10**6), st.booleans())
def test_any_archive_is_read_or_refused(tmp_path_factory, noise, place, packed) -> None:
    path = tmp_path_factory.getbasetemp() / "noise.npz"
    file = io.BytesIO()
    sp.save_npz(file, sp.csr_array(np.eye(3)), compressed=packed)
    whole = file.getvalue()
    place %= len(whole)
    path.write_bytes(whole[:place] + noise + whole[place + len(noise) :])
    try:
        found = read_vectors(path)[0]
    except (Damaged, WrongType, WrongShape, EmptyInput, TooLarge):
        return
    assert np.array_equal(
        found.toarray(), np.eye(3)
    )  # the noise fell where no checksum looks, or was no noise


# ---- .npz ----


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("order", ["C", "F"])
def test_npz_files_of_one_array(tmp_path, save, order) -> None:
    array = np.asarray(MATRIX, order=order)
    save(tmp_path / "emb.npz", vectors=array)
    assert np.array_equal(read_vectors(tmp_path / "emb.npz")[0], array)
    save(tmp_path / "two.npz", a=MATRIX, b=MATRIX)
    with pytest.raises(WrongType, match="2 arrays"):
        read_vectors(tmp_path / "two.npz")


@pytest.mark.parametrize("made", [sp.csr_array, sp.csr_matrix])
@pytest.mark.parametrize("compressed", [True, False])
def test_npz_files_of_a_sparse_matrix(tmp_path, made, compressed) -> None:
    matrix = made(sp.random(40, 30, 0.1, random_state=1, dtype=np.float32, format="csr"))
    sp.save_npz(tmp_path / "s.npz", matrix, compressed=compressed)
    found = read_vectors(tmp_path / "s.npz")[0]
    truth = sp.load_npz(tmp_path / "s.npz")
    assert found.dtype == np.float32
    assert np.array_equal(found.toarray(), truth.toarray())
    sp.save_npz(tmp_path / "c.npz", matrix.tocsc())
    with pytest.raises(WrongType, match="tocsr"):
        read_vectors(tmp_path / "c.npz")


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"indptr": [0, 1, 3]}, Damaged),
        ({"indptr": [0, 2, 1]}, Damaged),
        ({"indptr": [1, 1, 2]}, Damaged),
        ({"indptr": [0, 2]}, Damaged),
        ({"indptr": [0, 10**13, 2]}, Damaged),
        ({"indices": [0, 3]}, Damaged),
        ({"indices": [0, -1]}, Damaged),
        ({"indices": [0.0, 1.0]}, Damaged),
        ({"shape": [2, 0]}, Damaged),
        ({"shape": [10**13, 3]}, Damaged),
        ({"shape": [2, 3, 1]}, Damaged),
        ({"shape": [2, 10**13]}, TooLarge),
        ({"shape": [0, 3], "indptr": [0]}, EmptyInput),
        ({"data": ["a", "b"]}, WrongType),
    ],
)
def test_parts_of_a_sparse_matrix_are_not_believed(tmp_path, change, error) -> None:
    parts = {"data": [1.0, 2.0], "indices": [0, 2], "indptr": [0, 1, 2], "shape": [2, 3], "format": b"csr"}
    np.savez(tmp_path / "s.npz", **parts)
    assert read_vectors(tmp_path / "s.npz")[0].toarray().tolist() == [[1, 0, 0], [0, 0, 2]]
    np.savez(tmp_path / "s.npz", **{**parts, **change})
    with pytest.raises(error):
        read_vectors(tmp_path / "s.npz")


def test_archives_that_lie_are_damaged(tmp_path) -> None:
    np.savez_compressed(tmp_path / "emb.npz", MATRIX)
    raw = (tmp_path / "emb.npz").read_bytes()
    with zipfile.ZipFile(tmp_path / "claims.npz", "w") as archive:
        archive.writestr("a.npy", header("(10000000000000, 1)") + bytes(64))
    place = raw.rindex(b"PK\1\2") + 24  # the size that the directory claims
    broken = {
        "cut": raw[:-30],
        "claims": (tmp_path / "claims.npz").read_bytes(),
        "bomb": raw[:place] + struct.pack("<I", 2**31 - 1) + raw[place + 4 :],
        "flipped": raw[:90] + bytes([raw[90] ^ 255]) + raw[91:],
        "none": b"rooms,kind\n",
    }
    for name, content in broken.items():
        path = tmp_path / f"{name}.npz"
        path.write_bytes(content)
        with pytest.raises(Damaged, match=f"{name}.npz"):
            read_vectors(path)
    (tmp_path / "lacks.npz").write_bytes(b"")
    np.savez(tmp_path / "lacks.npz", data=[1.0], indices=[0], indptr=[0, 1])
    with pytest.raises(Damaged, match="lacks the array `shape`"):
        read_vectors(tmp_path / "lacks.npz")


# ---- columns ----


def chunked(cells, kind) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(cells, kind)])


@pytest.mark.parametrize(
    "inner", [pa.float16(), pa.float32(), pa.float64(), pa.int8(), pa.uint64(), pa.decimal128(9, 2)]
)
@pytest.mark.parametrize("outer", [pa.list_, pa.large_list, lambda inner: pa.list_(inner, 3)])
def test_lists_become_a_matrix(inner, outer) -> None:
    whole = (np.abs(MATRIX) * 8).round()
    values = pa.array(whole.ravel(), pa.float64())
    values = pa.array(whole.ravel().astype(np.float16)) if inner == pa.float16() else values.cast(inner)
    lists = pa.array([values[i : i + 3].to_pylist() for i in range(0, 15, 3)], outer(inner))
    found = vectors_of(pa.chunked_array([lists]), "v")
    assert found.dtype == (np.float32 if inner in (pa.float16(), pa.float32()) else np.float64)
    assert np.array_equal(found, whole)
    assert lengths_of(pa.chunked_array([lists])).tolist() == [3] * 5


@given(
    st.lists(st.lists(st.one_of(st.none(), st.just(0)), max_size=6), min_size=1, max_size=4),
    st.sampled_from([pa.list_(pa.float32(), 2), pa.list_(pa.float32()), pa.large_list(pa.float32())]),
    st.data(),
)
def test_slices_and_gaps_never_shift_rows(shapes, kind, data) -> None:
    count = 0
    chunks, truth = [], []
    for shape in shapes:
        cells = [None if gap is None else [float(count + i), -1.0 - i] for i, gap in enumerate(shape)]
        count += len(shape)
        start = data.draw(st.integers(0, len(cells)))
        stop = data.draw(st.integers(start, len(cells)))
        chunks.append(pa.array(cells, kind).slice(start, stop - start))
        truth += cells[start:stop]
    column = pa.chunked_array(chunks, kind)
    gaps = [i for i, cell in enumerate(truth) if cell is None]
    if gaps:
        with pytest.raises(MissingValue, match=rf"rows? `{gaps[0]}`"):
            vectors_of(column, "v")
    elif truth:
        assert vectors_of(column, "v").tolist() == truth


def test_one_piece_of_floats_is_not_copied() -> None:
    values = np.arange(12, dtype=np.float32)
    column = pa.chunked_array([pa.FixedSizeListArray.from_arrays(pa.array(values), 3).slice(1, 2)])
    found = vectors_of(column, "v")
    assert found.tolist() == [[3, 4, 5], [6, 7, 8]]
    assert found.ctypes.data == column.chunk(0).flatten().buffers()[1].address + 3 * 4


@given(
    st.lists(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=2, max_size=2), min_size=1)
)
def test_text_is_read_as_json_reads_it(rows) -> None:
    column = chunked([json.dumps(row) for row in rows], pa.string())
    assert np.array_equal(vectors_of(column, "v"), np.array(rows))
    assert lengths_of(column).tolist() == [2] * len(rows)


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string()])
def test_what_is_no_array_of_numbers_in_text_is_none(kind) -> None:
    assert lengths_of(chunked([" [1, 2] ", None, "[3,\t4e2]"], kind)).tolist() == [2, 2]
    assert vectors_of(chunked([" [1, 2] ", "[3,\t4e2]"], kind), "v").tolist() == [[1, 2], [3, 400]]
    for cell in (
        "[1 2]",
        "[1,]",
        "[]",
        "[01]",
        "1, 2",
        '["a"]',
        "[[1], [2]]",
        "[1, 2",
        "[1, null]",
        "{}",
        "[+1]",
    ):
        assert lengths_of(chunked(["[1, 2]", cell], kind)) is None
        with pytest.raises(WrongType, match=r"in row `1` \(counted from 0\)"):
            vectors_of(chunked(["[1, 2]", cell], kind), "v")
    assert lengths_of(chunked([None, None], kind)) is None
    assert lengths_of(chunked([1, 2], pa.int64())) is None


@pytest.mark.parametrize(
    ("cells", "kind", "error", "words"),
    [
        ([[1, 2], None, [3, 4]], pa.list_(pa.float32()), MissingValue, "no vector in row `1`"),
        (
            [[1, 2], [3, None], [3, 4]],
            pa.list_(pa.float32(), 2),
            MissingValue,
            "gaps inside the vectors of row `1`",
        ),
        ([[1, 2], [3, 4], [3]], pa.list_(pa.float32()), WrongShape, "1 number instead of 2 in row `2`"),
        ([[], []], pa.list_(pa.float32()), WrongShape, "empty lists"),
        ([[1, 2], [3, float("nan")]], pa.list_(pa.float32()), NonFinite, "row `1`"),
        ([[1, 2], [3, float("inf")]], pa.list_(pa.float64()), NonFinite, "row `1`"),
        ([[1, 2], [3, 2**53 + 1]], pa.list_(pa.int64()), OutOfRange, "beyond 2\\^53"),
        (["[1, 2]", None], pa.string(), MissingValue, "row `1`"),
        (["[1, 2]", "[3]", "[1, 3]"], pa.string(), WrongShape, "row `1`"),
        (["[1, 2]", "[3, NaN]"], pa.string(), NonFinite, "row `1`"),
        (["[1, 2]", "[3, -Infinity]"], pa.string(), NonFinite, "row `1`"),
        (["[1, 2]", "[3, 1e999]"], pa.string(), NonFinite, "row `1`"),
        ([1.0, 2.0], pa.float64(), WrongType, "holds double"),
        ([["a"]], pa.list_(pa.string()), WrongType, "lists of numbers"),
    ],
)
def test_broken_vectors_are_refused_by_row(cells, kind, error, words) -> None:
    with pytest.raises(error, match=words):
        vectors_of(chunked(cells, kind), "v")


def test_rows_are_called_by_their_ids() -> None:
    column = chunked([[1, 2], None, None], pa.list_(pa.float32()))
    with pytest.raises(MissingValue, match=r"rows `b`, `c`\. "):
        vectors_of(column, "v", ids=["a", "b", "c"])


def test_arrays_of_polars_are_columns_of_vectors() -> None:
    frame = pl.DataFrame({"v": MATRIX.tolist()}, schema={"v": pl.Array(pl.Float64, 3)})
    assert np.array_equal(vectors_of(as_table(frame).column("v"), "v"), MATRIX)
