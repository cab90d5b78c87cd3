"""A user's own vectors in files: safetensors and the projector's files."""

from __future__ import annotations

import json
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save_file

import vecwise as vw
from test_own_vectors import MATRIX, TINY
from vecwise import workbench
from vecwise.errors import (
    BadRow,
    Damaged,
    DuplicateName,
    EmptyInput,
    Inapplicable,
    NonFinite,
    UnknownFormat,
    UnknownName,
    WrongShape,
    WrongType,
)
from vecwise.store.number_tables import starts_with_numbers
from vecwise.store.vector_files import read_vectors

# ---- safetensors ----


@pytest.mark.parametrize("kind", ["f2", "f4", "f8", "i1", "u1", "i8", "?"])
def test_safetensors_are_mapped_as_their_own_package_reads_them(tmp_path, kind) -> None:
    array = (np.abs(MATRIX) * 9).astype(kind)
    save_file({"embedding": array, "bias": np.ones(3)}, tmp_path / "emb.safetensors")
    values, rows = read_vectors(tmp_path / "emb.safetensors")
    assert isinstance(values, np.memmap)
    assert rows is None
    assert values.dtype == array.dtype
    assert np.array_equal(values, array)
    assert np.array_equal(vw.encode(tmp_path / "emb.safetensors").values, array)


def test_bfloat16_and_float16_are_widened(tmp_path) -> None:
    torch = pytest.importorskip("torch")
    from safetensors.torch import save_file as save_torch

    for kind in (torch.bfloat16, torch.float16):
        tensor = torch.tensor(TINY).to(kind)
        save_torch({"e": tensor}, tmp_path / "e.safetensors")
        X = vw.encode(tmp_path / "e.safetensors")
        assert X.dtype == np.float32
        assert np.array_equal(X.values, tensor.float().numpy())


def test_a_tensor_is_chosen_by_name(tmp_path) -> None:
    save_file({"a": MATRIX, "b": TINY.T.copy()}, tmp_path / "two.safetensors")
    with pytest.raises(WrongType, match="2 tensors .*`a`, `b`.*--vectors"):
        vw.encode(tmp_path / "two.safetensors")
    assert vw.encode(tmp_path / "two.safetensors", vectors="b").shape == (3, 5)
    assert workbench.load(tmp_path / "two.safetensors", vectors="a", sample=2).vectors.shape == (2, 3)
    with pytest.raises(UnknownName, match="`aa`. Did you mean `a`"):
        vw.encode(tmp_path / "two.safetensors", vectors="aa")
    np.savez(tmp_path / "two.npz", a=MATRIX, b=TINY)
    assert vw.encode(tmp_path / "two.npz", vectors="b").dtype == np.float32
    with pytest.raises(UnknownName, match="array `c`"):
        vw.encode(tmp_path / "two.npz", vectors="c")
    with pytest.raises(Inapplicable, match="safetensors file of vectors.*`--ids`"):
        vw.encode(tmp_path / "two.safetensors", vectors="a", ids="title")
    with pytest.raises(UnknownFormat, match="vw.encode"):
        vw.read(tmp_path / "two.safetensors")


def packed(entries: object, data: bytes = b"") -> bytes:
    head = entries if isinstance(entries, bytes) else json.dumps(entries).encode()
    return struct.pack("<Q", len(head)) + head + data


def entry(shape: object, start: object, end: object, kind: object = "F32") -> dict:
    return {"dtype": kind, "shape": shape, "data_offsets": [start, end]}


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"", Damaged),
        (b"1234567", Damaged),
        (struct.pack("<Q", 2**63) + b"{}", Damaged),
        (packed(b"[]"), Damaged),
        (packed(b"{" * 100_000), Damaged),
        (packed(b"\xff\xfe"), Damaged),
        (packed({"a": entry([10**13, 1], 0, 4 * 10**13)}, bytes(64)), Damaged),
        (packed({"a": entry([2, 2], 0, 12)}, bytes(12)), Damaged),
        (packed({"a": entry([2, 2], 0, 16)}, bytes(17)), Damaged),
        (packed({"a": entry([2, 2], 0, 16)}, bytes(15)), Damaged),
        (packed({"a": entry([2, 2], 4, 20)}, bytes(20)), Damaged),
        (packed({"a": entry([2, 2], 0, 16), "b": entry([2, 2], 8, 24)}, bytes(24)), Damaged),
        (packed({"a": entry([-2, -2], 0, 16)}, bytes(16)), Damaged),
        (packed({"a": entry([2, 2], -16, 0)}, bytes(16)), Damaged),
        (packed({"a": entry([2.0, 2], 0, 16)}, bytes(16)), Damaged),
        (packed({"a": entry([True, 4], 0, 16)}, bytes(16)), Damaged),
        (packed({"a": entry("22", 0, 16)}, bytes(16)), Damaged),
        (packed({"a": {"dtype": "F32", "shape": [2, 2]}}, bytes(16)), Damaged),
        (packed({"a": 5}), Damaged),
        (packed(b'{"a":{"dtype":"F32","shape":[1,1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1,1],"data_offsets":[0,4]}}', bytes(4)), Damaged),
        (packed({"a": entry([2, 2], 0, 4, "F8_E4M3")}, bytes(4)), WrongType),
        (packed({"a": entry([2, 2], 0, 32, "C64")}, bytes(32)), WrongType),
        (packed({"a": entry([4], 0, 16)}, bytes(16)), WrongShape),
        (packed({"__metadata__": {"a": "b"}}), WrongShape),
        (packed({"a": entry([2, 0], 0, 0)}), WrongShape),
        (packed({"a": entry([0, 2], 0, 0)}), EmptyInput),
    ],
)  # fmt: skip
def test_headers_of_safetensors_are_not_believed(tmp_path, content, error) -> None:
    (tmp_path / "e.safetensors").write_bytes(content)
    with pytest.raises(error, match=r"`.*e.safetensors`"):
        read_vectors(tmp_path / "e.safetensors")


@given(st.binary(min_size=1, max_size=20), st.integers(0, 10**6))
def test_a_flipped_or_cut_safetensors_file_is_read_or_refused(tmp_path_factory, noise, place) -> None:
    path = tmp_path_factory.getbasetemp() / "noise.safetensors"
    whole = packed({"a": entry([2, 2], 0, 16)}, bytes(16))
    place %= len(whole)
    path.write_bytes(whole[:place] + noise + whole[place + len(noise) :])
    try:
        found, _ = read_vectors(path)
    except (Damaged, WrongType, WrongShape, EmptyInput):
        return
    assert found.nbytes <= 2 * path.stat().st_size  # BF16 doubles


# ---- the projector's files ----


def projector(folder, values=TINY, labels="sea\nsky\nnight\nday\nrain\n", stem="vectors", beside="metadata"):
    path = folder / f"{stem}.tsv"
    np.savetxt(path, values, delimiter="\t", fmt="%r" if values.dtype == object else "%.9g")
    if labels is not None:
        (folder / f"{beside}.tsv").write_text(labels)
    return path


def test_projector_files_are_vectors_with_their_labels(tmp_path) -> None:
    X = vw.encode(projector(tmp_path))
    assert np.array_equal(X.values.astype(np.float32), TINY)
    assert X.rows is not None
    assert X.rows.to_pydict() == {"label": ["sea", "sky", "night", "day", "rain"]}
    assert vw.encode(tmp_path / "vectors.tsv", ids="label").ids.tolist()[0] == "sea"
    found = workbench.load(tmp_path / "vectors.tsv", sample=2, ids="label").vectors
    assert found.ids.tolist() == found.rows["label"].to_pylist()


def test_labels_of_several_columns_have_a_line_of_names(tmp_path) -> None:
    labels = 'word\tcount\tnote\n"\t1\t\n\'\t2\tx\n a b \t3\t4\n#\t\t\n\\\t5\t"q\n'
    X = vw.encode(projector(tmp_path, labels=labels))
    assert X.rows is not None
    assert X.rows.to_pydict() == {
        "word": ['"', "'", " a b ", "#", "\\"],
        "count": [1, 2, 3, None, 5],
        "note": [None, "x", "4", None, '"q'],
    }


@pytest.mark.parametrize(
    ("labels", "error", "words"),
    [
        ("word\nsea\nsky\nnight\nday\nrain\n", WrongShape, "6 labels for 5 vectors.*no line of names"),
        ("a\tb\n1\t2\n", WrongShape, "1 row below its line of names, for 5"),
        ("a\tb\n1\t2\n3\n1\t2\n1\t2\n1\t2\n", BadRow, "line 3: 1 cell, and 2"),
        ("a\ta\n" + "1\t2\n" * 5, DuplicateName, "`a`"),
    ],
)
def test_labels_that_do_not_fit_are_refused(tmp_path, labels, error, words) -> None:
    with pytest.raises(error, match=words):
        vw.encode(projector(tmp_path, labels=labels))


def test_which_file_the_labels_are_in(tmp_path) -> None:
    X = vw.encode(projector(tmp_path, stem="w2v_tensor", beside="w2v_metadata"))
    assert X.rows is not None
    assert vw.encode(projector(tmp_path, stem="vecs", beside="meta")).rows is not None
    assert (
        vw.encode(projector(tmp_path, stem="numbers", labels=None)).rows is None
    )  # metadata.tsv is not its own
    with pytest.raises(Inapplicable, match="`--ids`"):
        vw.encode(tmp_path / "numbers.tsv", ids="label")


@pytest.mark.parametrize(
    ("head", "delimiter", "expected"),
    [
        ("0.1\t0.2\n0.3\t0.4\n", "\t", True),
        ("1\t2\t3\n4\t5\t6\n", "\t", True),
        ("-1e-3\tnan\n", "\t", True),
        ("5\n6\n", "\t", True),
        ("\n\n0.5\t1\n", "\t", True),
        ("a\t0.2\n", "\t", False),
        ("0.1\t\n", "\t", False),
        ("0\t1\t2\n0.5\t0.25\t1\n", "\t", False),  # pandas numbers unnamed columns so
        ("2019\t2020\n1.5\t2.5\n", "\t", False),
        ("2020\t2019\n1.5\t2.5\n", "\t", True),
        ("0.1,0.2\n", ",", True),
        ("5\n6\n", ",", False),
        ("", "\t", False),
        ("\t".join(["0.123456"] * 20_000), "\t", True),
    ],
)
def test_a_first_line_of_numbers_is_told_from_column_names(head, delimiter, expected) -> None:
    assert starts_with_numbers(head.encode()[:65_536], delimiter, "`x`") is expected
    assert starts_with_numbers(b"\xef\xbb\xbf" + head.encode()[:65_530], delimiter, "`x`") is expected


def test_numbers_that_could_be_names_are_asked_for(tmp_path) -> None:
    path = tmp_path / "hot.tsv"
    path.write_text("0\t1\n1\t0\n")
    with pytest.raises(UnknownFormat, match=r"column names or numbers\?.*--format tsv.*0\.0"):
        vw.encode(path)
    assert vw.read(path, format="tsv").to_pydict() == {"0": [1], "1": [0]}
    path.write_text("0.0\t1\n1\t0\n")
    assert vw.encode(path).values.tolist() == [[0, 1], [1, 0]]
    assert (
        vw.encode(projector(tmp_path, np.eye(5)[:, ::-1][:, :2] * 0 + [0, 1])).values.tolist() == [[0, 1]] * 5
    )


def test_a_first_row_of_numbers_is_never_lost_as_column_names(tmp_path) -> None:
    for name, mark in (("x.csv", ","), ("x.tsv", "\t")):
        np.savetxt(tmp_path / name, MATRIX, delimiter=mark)
        assert np.array_equal(vw.encode(tmp_path / name).values, MATRIX)
        with pytest.raises(UnknownFormat, match="begins with numbers.*vw.encode"):
            vw.read(tmp_path / name)
        with open(tmp_path / name, "rb") as file, pytest.raises(UnknownFormat, match="Save them as"):
            vw.read(file)
        assert vw.read(tmp_path / name, format=name[2:]).num_rows == 4


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("0.1\t0.2\n0.3\n", BadRow, "line 2: 1 number, and 2 were expected"),
        ("0.1\t0.2\n\n0.3\tx\n", BadRow, "line 3: `x` in column 2 is no number"),
        ("0.1\t0.2\n0.3\t\n", BadRow, "line 2: `` in column 2"),
        ("0.1\t0.2\n0.3\tnan\n", NonFinite, "ids `1`"),
        ("0.1\t0.2\n0.3\t1e400\n", NonFinite, "ids `1`"),
    ],
)
def test_broken_tables_of_numbers_are_refused_by_line(tmp_path, text, error, words) -> None:
    (tmp_path / "v.tsv").write_text(text)
    with pytest.raises(error, match=words):
        vw.encode(tmp_path / "v.tsv")


@given(
    st.lists(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=2, max_size=2), min_size=1)
)
def test_numbers_are_read_to_the_last_bit(tmp_path_factory, rows) -> None:
    path = tmp_path_factory.getbasetemp() / "exact.tsv"
    path.write_text("\n".join("\t".join(map(repr, row)) for row in rows))
    assert np.array_equal(vw.encode(path).values, np.array(rows))
