from __future__ import annotations

import gzip
import io
import os
import struct
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import vecwise as vw
from images import digits, file_of, photo
from vecwise.errors import (
    Damaged,
    EmptyInput,
    FileMissing,
    MissingValue,
    OutOfRange,
    TooLarge,
    UnknownFormat,
    Unreadable,
    VecwiseError,
    WrongShape,
    WrongType,
)
from vecwise.store.image_columns import SHAPE_KEY, image_shape, image_table, is_image_bytes, pixels_of
from vecwise.store.rows import as_table
from vecwise.store.sources import read


def idx(array: np.ndarray, kind: int = 8) -> bytes:
    head = struct.pack(f">BBBB{array.ndim}I", 0, 0, kind, array.ndim, *array.shape)
    return head + array.astype(array.dtype.newbyteorder(">")).tobytes()


def images_in(table: pa.Table) -> np.ndarray:
    shape = image_shape(table.schema.field("image"))
    assert shape is not None
    return pixels_of(table.column("image"), shape)[0]


# ---- arrays ----


@given(arrays(np.uint8, st.tuples(st.integers(1, 4), st.integers(1, 5), st.just(7))), st.integers(0, 3))
def test_arrays_become_columns_and_come_back(images, start) -> None:
    table = as_table(images)
    assert table.column_names == ["image"]
    assert np.array_equal(images_in(table), images)
    assert np.array_equal(images_in(table.slice(start, 2)), images[start : start + 2])
    assert np.array_equal(
        images_in(pa.concat_tables([table, table.slice(start)])), np.concatenate([images, images[start:]])
    )
    assert np.array_equal(images_in(table.take([0, 0])), images[[0, 0]])


def test_an_array_of_images_is_not_copied() -> None:
    images = np.zeros((50, 100, 100), np.uint8)
    tracemalloc.start()
    table = as_table(images)
    assert tracemalloc.get_traced_memory()[1] < 100_000
    tracemalloc.stop()
    assert np.shares_memory(images_in(table), images)


@pytest.mark.parametrize(
    ("array", "cells"),
    [
        (np.array([[[0, 255]]]), "uint8"),
        (np.array([[[0, 255]]], np.int16), "uint8"),
        (np.array([[[0, 0.5]]], np.float16), "float"),
        (np.array([[[0, 0.5]]], ">f8"), "double"),
        (np.zeros((1, 2, 2), np.uint8)[:, ::-1], "uint8"),
        (np.zeros((1, 2, 2, 3), np.float32), "float"),
    ],
)
def test_numbers_of_any_kind_are_kept_exactly(array, cells) -> None:
    table = as_table(array)
    assert str(table.column("image").type.value_type) == cells
    assert np.array_equal(images_in(table), array)


@pytest.mark.parametrize(
    ("array", "error", "words"),
    [
        (np.array([[[256]]]), WrongType, "0 to 255 was expected"),
        (np.array([[[-1]]]), WrongType, "-1 to -1"),
        (np.zeros((1, 2, 2), bool), WrongType, "bool"),
        (np.zeros((0, 2, 2)), EmptyInput, "no images"),
        (np.zeros((1, 0, 2)), WrongShape, "no pixels"),
        (np.zeros((2, 3, 8, 8)), WrongShape, r"transpose\(0, 2, 3, 1\)"),
        (np.zeros((2, 8, 8, 2)), WrongShape, "1, 3 or 4 channels"),
        (np.zeros((20, 30, 3)), WrongShape, r"array\[None\]"),
    ],
)
def test_arrays_that_are_no_images_say_why(array, error, words) -> None:
    with pytest.raises(error, match=words):
        as_table(array)


def test_a_shape_that_does_not_fit_is_no_shape() -> None:
    field = image_table(np.zeros((1, 2, 3, 3), np.uint8)).schema.field("image")
    assert image_shape(field) == (2, 3, 3)
    for noted in (
        b"[4, 4]",
        b"[-2, -9]",
        b"[18]",
        b"[2, 9, 1, 1]",
        b"{}",
        b"[2.0, 9]",
        b"nonsense",
        b"[[18]]",
        b"\xff",
    ):
        assert image_shape(field.with_metadata({SHAPE_KEY: noted})) is None, noted
    assert image_shape(field.with_metadata({SHAPE_KEY: b"[3, 6]"})) == (3, 6)
    assert image_shape(pa.field("image", pa.list_(pa.uint8()), metadata={SHAPE_KEY: b"[1, 1]"})) is None


def test_gaps_among_pixels_are_refused() -> None:
    cells = pa.FixedSizeListArray.from_arrays(pa.array([1, None, 3, 4], pa.uint8()), 2)
    with pytest.raises(MissingValue, match="gaps among its pixels"):
        pixels_of(pa.chunked_array([cells]), (1, 2))


def test_images_are_told_by_their_first_bytes() -> None:
    for kind in ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF"):
        assert is_image_bytes(file_of(photo(), kind)[:32]), kind
    for other in (
        b"",
        b"BM",
        b"BMW 2009 and some more of it",
        b"RIFF....WAVE",
        b"PAR1",
        file_of(photo(), "PPM"),
    ):
        assert not is_image_bytes(other), other


# ---- IDX ----


def test_real_digits_from_idx_with_their_labels(tmp_path) -> None:
    images, labels = digits()
    (tmp_path / "train-images-idx3-ubyte").write_bytes(idx(images))
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx(labels))
    table = read(tmp_path / "train-images-idx3-ubyte")
    assert table.column_names == ["image", "label"]
    assert np.array_equal(images_in(table), images)
    assert table.column("label").to_pylist() == labels.tolist()
    X = vw.encode(tmp_path / "train-images-idx3-ubyte", vw.ImageEncoder())
    assert np.array_equal(X.encoder.picture(X[5]), images[5])
    alone = read(tmp_path / "train-labels-idx1-ubyte")
    assert alone.column_names == ["label"]


@pytest.mark.parametrize(
    ("name", "labels"),
    [
        ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"),
        ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte"),
        ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte.gz"),
        ("t10k-images.idx3-ubyte", "t10k-labels.idx1-ubyte"),
    ],
)
def test_packed_or_not_and_named_either_way(tmp_path, name, labels) -> None:
    images = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)

    def write(name: str, raw: bytes) -> None:
        (tmp_path / name).write_bytes(gzip.compress(raw) if name.endswith(".gz") else raw)

    write(name, idx(images))
    write(labels, idx(np.array([7, 9], np.uint8)))
    table = read(tmp_path / name)
    assert np.array_equal(images_in(table), images)
    assert table.column("label").to_pylist() == [7, 9]


@pytest.mark.parametrize(
    ("array", "kind"),
    [
        (np.arange(12, dtype=np.float32).reshape(1, 3, 4) / 8, 0x0D),
        (np.arange(12, dtype=np.float64).reshape(1, 3, 4) / 8, 0x0E),
        (np.arange(12, dtype=np.int32).reshape(1, 3, 4), 0x0C),
        (np.arange(12, dtype=np.int16).reshape(1, 3, 4), 0x0B),
        (np.arange(12, dtype=np.uint8).reshape(1, 2, 2, 3), 0x08),
    ],
)
def test_other_types_and_colour(tmp_path, array, kind) -> None:
    (tmp_path / "a.idx").write_bytes(idx(array, kind))
    assert np.array_equal(images_in(read(tmp_path / "a.idx")), array)


def test_idx_is_told_by_its_bytes_and_by_standard_input(tmp_path, monkeypatch) -> None:
    raw = idx(np.arange(8, dtype=np.uint8).reshape(2, 2, 2))
    (tmp_path / "digits").write_bytes(raw)
    assert read(tmp_path / "digits").num_rows == 2
    assert read(io.BytesIO(raw)).num_rows == 2
    assert read(io.BytesIO(raw), format="idx").num_rows == 2

    class Standard:
        buffer = io.BytesIO(raw)

    monkeypatch.setattr("sys.stdin", Standard)
    assert read("-").num_rows == 2
    (tmp_path / "matrix.idx").write_bytes(idx(np.arange(6, dtype=np.uint8).reshape(2, 3)))
    assert read(tmp_path / "matrix.idx").to_pydict() == {"x0": [0, 3], "x1": [1, 4], "x2": [2, 5]}


WHOLE = idx(np.arange(24, dtype=np.uint8).reshape(2, 3, 4))


@pytest.mark.parametrize(
    ("raw", "error", "words"),
    [
        (b"", EmptyInput, "is empty"),
        (b"\0\0\x08", Damaged, "00 00 08"),
        (b"\x89PNG\r\n\x1a\n", Damaged, "89 50 4e 47"),
        (b"\0\0\x07\x03" + WHOLE[4:], Damaged, "two zero bytes"),
        (b"\0\0\x08\x05" + WHOLE[4:], Damaged, "1 to 4 dimensions"),
        (WHOLE[:10], Damaged, "inside its header"),
        (WHOLE[:-1], Damaged, "24 bytes, and 23 follow"),
        (WHOLE + b"\0", Damaged, "24 bytes, and 25 follow"),
        (struct.pack(">BBBB3I", 0, 0, 8, 3, 2**32 - 1, 2**32 - 1, 2**32 - 1), Damaged, "0 follow"),
        (struct.pack(">BBBB3I", 0, 0, 8, 3, 0, 28, 28), EmptyInput, "no rows"),
        (gzip.compress(WHOLE[:-1]), Damaged, "24 bytes, and 23 follow"),
        (gzip.compress(WHOLE + b"\0"), Damaged, "more follow"),
        (gzip.compress(WHOLE[:10]), Damaged, "inside its header"),
        (gzip.compress(b"a,b\n1,2\n"), Damaged, "no IDX file"),
        (gzip.compress(WHOLE)[:-9], Damaged, "damaged"),
        (gzip.compress(WHOLE)[:-8] + b"\1\2\3\4" + gzip.compress(WHOLE)[-4:], Damaged, "CRC"),
        (b"\x1f\x8b\xff\xff", Damaged, "damaged"),
    ],
)
def test_a_broken_idx_file_is_refused(tmp_path, raw, error, words) -> None:
    (tmp_path / "a-ubyte").write_bytes(raw)
    with pytest.raises(error, match=words):
        read(tmp_path / "a-ubyte")


def test_a_gzip_bomb_is_refused_before_it_unpacks(tmp_path) -> None:
    head = struct.pack(">BBBB3I", 0, 0, 8, 3, 1000, 1024, 1024)
    zeros = zlib.compressobj(9, zlib.DEFLATED, 31)
    raw = zeros.compress(head) + b"".join(zeros.compress(bytes(1 << 20)) for _ in range(20)) + zeros.flush()
    (tmp_path / "a-ubyte.gz").write_bytes(raw)
    tracemalloc.start()
    with pytest.raises(TooLarge, match="more than 200 times its size"):
        read(tmp_path / "a-ubyte.gz")
    assert tracemalloc.get_traced_memory()[1] < 1 << 20
    small = zlib.compressobj(9, zlib.DEFLATED, 31)  # claims little, holds much: it is not read to its end
    head = struct.pack(">BBBB3I", 0, 0, 8, 3, 1, 28, 28)
    raw = small.compress(head) + b"".join(small.compress(bytes(1 << 20)) for _ in range(50)) + small.flush()
    (tmp_path / "a-ubyte.gz").write_bytes(raw)
    with pytest.raises(Damaged, match="more follow"):
        read(tmp_path / "a-ubyte.gz")
    assert tracemalloc.get_traced_memory()[1] < 4 << 20
    tracemalloc.stop()


def test_labels_of_other_images_are_refused(tmp_path) -> None:
    (tmp_path / "a-images-idx3-ubyte").write_bytes(WHOLE)
    (tmp_path / "a-labels-idx1-ubyte").write_bytes(idx(np.array([1, 2, 3], np.uint8)))
    with pytest.raises(WrongShape, match="3 labels for the 2 images"):
        read(tmp_path / "a-images-idx3-ubyte")
    with pytest.raises(FileMissing, match="no file"):
        read(tmp_path / "b-images-idx3-ubyte")


@given(st.binary(max_size=60), st.booleans())
def test_any_bytes_are_a_table_or_a_typed_error(tmp_path_factory, raw, packed) -> None:
    path = tmp_path_factory.mktemp("idx") / "a.idx"
    raw = b"\0\0\x08\x03" + raw
    path.write_bytes(gzip.compress(raw) if packed else raw)
    try:
        assert read(path).num_rows > 0
    except VecwiseError as refused:
        assert "a.idx" in str(refused) or "images" in str(refused).lower()  # noqa: PT017


# ---- folders and files ----


def test_a_folder_of_images_with_labels(tmp_path) -> None:
    for name in (
        "seven/b.png",
        "seven/a.JPG",
        "one/c.gif",
        "deep/er/d.bmp",
        "top.tif",
        "ten/.hidden.png",
        ".git/x.png",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(
            file_of(photo(), {"JPG": "JPEG", "tif": "TIFF"}.get(name.split(".")[-1], name.split(".")[-1]))
        )
    (tmp_path / "seven" / "notes.txt").write_text("no image")
    (tmp_path / "folder.png").mkdir()
    table = read(tmp_path)
    assert table.column("path").to_pylist() == [
        "deep/er/d.bmp",
        "one/c.gif",
        "seven/a.JPG",
        "seven/b.png",
        "top.tif",
    ]
    assert table.column("label").to_pylist() == ["er", "one", "seven", "seven", None]
    assert table.column("image")[3].as_py() == (tmp_path / "seven" / "b.png").read_bytes()
    assert vw.encode(tmp_path, vw.ImageEncoder()).shape == (5, 12 * 17)
    flat = read(tmp_path / "seven")
    assert flat.column_names == ["path", "image"]


def test_names_are_bytes(tmp_path) -> None:
    raw = file_of(photo(1, 1))
    names = [
        b"caf\xe9.png",
        b"new\nline.png",
        b" space .png",
        b"CON.png",
        b"dot..png",
        b"a" * 251 + b".png",
        "é.png".encode(),
    ]
    for name in names:
        with open(os.path.join(os.fsencode(tmp_path), name), "wb") as out:
            out.write(raw)
    table = read(tmp_path)
    shown = [name.decode("utf-8", "backslashreplace") for name in sorted(names)]
    assert table.column("path").to_pylist() == shown
    table.validate(full=True)
    assert vw.encode(table, vw.ImageEncoder()).shape == (7, 1)
    one = read(os.fsdecode(os.path.join(os.fsencode(tmp_path), names[0])))
    assert one.column("path").to_pylist() == ["caf\\xe9.png"]


def test_links_are_followed_to_files_and_not_to_folders(tmp_path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a.png").write_bytes(file_of(photo()))
    (tmp_path / "link.png").symlink_to(tmp_path / "real" / "a.png")
    (tmp_path / "again").symlink_to(tmp_path)
    assert read(tmp_path).column("path").to_pylist() == ["link.png", "real/a.png"]
    (tmp_path / "gone.png").symlink_to(tmp_path / "nowhere.png")
    with pytest.raises(FileMissing, match=r"gone\.png"):
        read(tmp_path)


def test_what_is_no_folder_of_images_says_so(tmp_path) -> None:
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(EmptyInput, match=r"has no images.*It holds `notes\.txt`"):
        read(tmp_path)
    vw.save(vw.Vectors([[1.0]]), tmp_path / "points")
    with pytest.raises(EmptyInput, match=r"vw\.open"):
        read(tmp_path / "points")
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(Unreadable, match="no regular file"):
        read(tmp_path)
    with pytest.raises(FileMissing):
        read(tmp_path / "nothing", format="images")
    with pytest.raises(OutOfRange, match="as images"):
        read(tmp_path, as_text=["a"])


def test_one_image_file_is_one_row(tmp_path) -> None:
    path = Path(tmp_path / "cat.PNG")
    path.write_bytes(file_of(photo()))
    assert read(path).to_pydict() == {"path": ["cat.PNG"], "image": [path.read_bytes()]}
    assert read(io.BytesIO(path.read_bytes())).column("image").to_pylist() == [path.read_bytes()]
    with pytest.raises(UnknownFormat, match="idx, images"):
        read(path, format="picture")


def test_an_empty_file_is_a_row_whose_image_is_refused_later(tmp_path) -> None:
    (tmp_path / "a.png").write_bytes(b"")
    table = read(tmp_path)
    assert table.column("image").to_pylist() == [b""]
    with pytest.raises(ValueError, match=r"row 0 \(`a\.png`\): the file is empty"):
        vw.encode(table, vw.ImageEncoder())
