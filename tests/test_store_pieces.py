"""Reading in batches: the same rows as reading whole, whatever the pieces, in bounded memory."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vecwise.errors import (
    BadRow,
    Damaged,
    DuplicateName,
    EmptyInput,
    FileMissing,
    OutOfRange,
    UnknownFormat,
    UnknownName,
    WrongEncoding,
)
from vecwise.store import csv_pieces, pieces
from vecwise.store.sources import batches, read


@pytest.fixture(params=[1, 3, 7, 2**20])
def piece(request, monkeypatch) -> int:
    monkeypatch.setattr(pieces, "PIECE", request.param)
    return request.param


def outcome(give):
    """The rows, or the kind of refusal and its words."""
    try:
        return give()
    except (BadRow, EmptyInput, WrongEncoding) as error:
        return type(error), str(error).partition(" It may be ")[0]  # a guess at the encoding sees one piece


def together(source, rows: int, **options) -> pa.Table:
    return pa.concat_tables(batches(source, rows, **options))


TEXTS = st.lists(
    st.sampled_from(["a", "é", "漢😀", "\r", "\n", "\r\n", "\0", "\u2028", "\ufeff", " "]), max_size=30
).map("".join)


@given(
    TEXTS,
    st.integers(1, 5),
    st.integers(1, 6),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-32", "gb18030"]),
)
def test_lines_do_not_depend_on_where_the_file_is_cut(text, rows, size, encoding) -> None:
    raw = text.encode(encoding)
    named = encoding if encoding in ("utf-16-be", "gb18030") else "utf-8"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pieces, "PIECE", size)
        parts = outcome(lambda: together(io.BytesIO(raw), rows, format="txt", encoding=named).to_pydict())
    assert parts == outcome(lambda: read(io.BytesIO(raw), format="txt", encoding=named).to_pydict())


@given(st.binary(max_size=40), st.integers(1, 6))
def test_wrong_bytes_are_placed_alike_in_pieces(raw, size) -> None:
    def words(give):
        made = outcome(give)
        return made if not isinstance(made, tuple) else (made[0], made[1].partition("(line")[0])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pieces, "PIECE", size)
        parts = words(lambda: together(io.BytesIO(raw), 2, format="txt").to_pydict())
    whole = words(lambda: read(io.BytesIO(raw), format="txt").to_pydict())
    assert parts == whole or (isinstance(whole, tuple) and parts[0] == whole[0])


CELLS = st.one_of(
    st.none(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.sampled_from(["", "x"]),
    st.lists(st.one_of(st.integers(0, 3), st.just(0.5), st.none()), max_size=2),
    st.dictionaries(st.sampled_from("pq"), st.integers(0, 3), max_size=2),
)


@given(
    st.lists(st.dictionaries(st.sampled_from("ab"), CELLS), max_size=6), st.integers(1, 3), st.integers(1, 20)
)
def test_types_of_json_lines_are_those_of_the_whole_file(records, rows, size) -> None:
    raw = "\n".join(json.dumps(record) for record in records).encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pieces, "PIECE", size)
        parts = outcome(lambda: together(io.BytesIO(raw), rows, format="jsonl"))
    whole = outcome(lambda: read(io.BytesIO(raw), format="jsonl"))
    if isinstance(whole, tuple):
        assert isinstance(parts, tuple)
        assert parts[0] == whole[0]
    else:
        assert not isinstance(parts, tuple), parts
        assert parts.schema == whole.schema
        assert parts.to_pydict() == whole.to_pydict()


def test_a_late_line_of_json_that_does_not_fit_is_named(tmp_path, piece) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"a": 1}\n' * 5000 + '{"a": "x"}\n')
    with pytest.raises(BadRow, match=r"line 5,001: column `a` holds 'x' .*int64"):
        list(batches(path, 100))
    path.write_text('{"a": 1}\n' * 10 + "{}}\n")
    with pytest.raises(BadRow, match="line 11 is not JSON"):
        list(batches(path, 100))


CSV_CELLS = st.sampled_from(
    [
        "",
        "1",
        "0",
        "-2.5",
        "true",
        "false",
        "x",
        '"x"',
        '"p\nq"',
        '"a,b"',
        '""',
        "NA",
        "nan",
        "inf",
        "1e400",
        "1,5",
        *("12:30:01", "2020-01-02", "2020-01-02 03:04:05", "2020-01-02T03:04:05.5Z", "2020-01-02T03:04Z"),
        *("12345678901234567890", "1e30", '5"', '"open', " 7 ", "é"),
    ]
)


@given(
    st.lists(st.lists(CSV_CELLS, min_size=1, max_size=12), min_size=2, max_size=3),
    st.sampled_from([",", ";"]),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.integers(10, 80),
    st.integers(1, 4),
)
def test_types_of_csv_columns_are_those_of_the_whole_file(columns, mark, end, block, rows) -> None:
    height = max(map(len, columns))
    lines = [mark.join(f"c{i}" for i in range(len(columns)))]
    lines += [mark.join(column[row % len(column)] for column in columns) for row in range(height)]
    raw = end.join([*lines, ""]).encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pieces, "PIECE", 7)
        patch.setattr(csv_pieces, "_BLOCKS", (block, 1000))
        parts = outcome(lambda: together(io.BytesIO(raw), rows, format="csv"))
    whole = outcome(lambda: read(io.BytesIO(raw), format="csv"))
    if isinstance(whole, tuple):
        assert parts == whole
    else:
        assert parts.schema == whole.schema
        assert str(parts.to_pydict()) == str(whole.to_pydict())  # NaN is not equal to itself


@pytest.mark.parametrize(
    ("late", "kind"),
    [
        ("2.5", "double"),
        ("x", "string"),
        ("9" * 25, "string"),
        ("", "int64"),
        ("NA", "int64"),
        ("1e400", "double"),
    ],
)
def test_a_column_whose_type_changes_in_its_last_row_is_read_without_the_whole_file(
    tmp_path, late, kind, monkeypatch
) -> None:
    monkeypatch.setattr(csv_pieces, "_BLOCKS", (1000, 2000))
    monkeypatch.setattr(csv_pieces, "whole", lambda *_: pytest.fail("read whole"))
    path = tmp_path / "rows.csv"
    cells = ["1"] * 500 if kind != "string" or late != "x" else ["y", *["1"] * 9] * 50
    path.write_text("a,b\n" + "".join(f"{cell},z\n" for cell in [*cells, late]))
    made = together(path, 64)
    assert str(made.schema.field("a").type) == kind
    assert made.equals(read(path))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a,b\n" + "1,2\n" * 500 + "3\n", "line 502: 1 field"),
        ("a,b\n" + "1,2\n" * 500 + "x,2\n", "line 502: column `a` holds `x`"),
        ("a,b\n" + "1,2\n" * 500 + '"x,2\n', "line 502: a quote opens here"),
        ("a,b\n" + "1,2\n" * 500 + '"x"y,2\n', "line 502: text follows a closing quote"),
        ("a;b\n" + "1,5;2\n" * 500 + "1.5;2\n", "line 502: column `a` holds `1.5`"),
    ],
)
def test_faults_of_a_csv_are_named_before_any_batch_is_given(tmp_path, text, words, monkeypatch) -> None:
    monkeypatch.setattr(csv_pieces, "_BLOCKS", (1000, 2000))
    (tmp_path / "rows.csv").write_text(text)
    made = batches(tmp_path / "rows.csv", 8)
    with pytest.raises(BadRow, match=words):
        next(made)


def test_other_encodings_and_options_of_a_csv_in_pieces(tmp_path, piece) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes("a;b\n01;é\n2;\n".encode("utf-16"))
    assert together(path, 1, as_text=["a"]).to_pydict() == {"a": ["01", "2"], "b": ["é", None]}
    path.write_bytes("a,b\n1,é\n".encode("latin-1"))
    assert together(path, 1, encoding="latin-1").to_pydict() == {"a": [1], "b": ["é"]}
    with pytest.raises(WrongEncoding, match=r"offset 6 \(line 2\)"):
        together(path, 1)
    with pytest.raises(UnknownName, match="`c`"):
        together(path, 1, encoding="latin-1", as_text="c")
    path.write_text("a,a\n1,2\n")
    with pytest.raises(DuplicateName):
        together(path, 1)
    path.write_text("a,b\n")
    with pytest.raises(EmptyInput, match="no row below"):
        together(path, 1)


def files(folder) -> list:
    table = pa.table(
        {
            "n": pa.array([None, *range(99)], pa.int32()),
            "t": [f"row {i}\0" for i in range(100)],
            "c": pa.array(["x", "y"] * 50).dictionary_encode(),
            "v": pa.array([[i, 1] for i in range(100)], pa.list_(pa.float32(), 2)),
            "u": pa.array(["p", "q"] * 50, pa.string_view()),
        }
    )
    pq.write_table(table, folder / "t.parquet", row_group_size=17)
    for name, new in (("f.arrow", pa.ipc.new_file), ("s.arrow", pa.ipc.new_stream)):
        with new(folder / name, table.schema) as writer:
            writer.write_table(table, max_chunksize=13)
    (folder / "t.txt").write_text("a\n\r\nb\r" * 33)
    (folder / "t.csv").write_text("a,b\n" + "1,x\n" * 70)
    (folder / "t.jsonl").write_text('{"a": 1}\n{"b": 0.5}\n' * 40)
    return sorted(folder.iterdir())


@pytest.mark.parametrize("rows", [1, 10, 17, 8192])
def test_batches_put_together_are_the_file(tmp_path, rows) -> None:
    for path in files(tmp_path):
        made = list(batches(path, rows))
        whole = read(path)
        assert [part.num_rows for part in made[:-1]] == [rows] * (len(made) - 1)
        assert 0 < made[-1].num_rows <= rows
        assert pa.concat_tables(made).equals(whole), path.name
        with open(path, "rb") as file:
            assert together(file, rows).equals(whole), path.name


def test_what_read_refuses_batches_refuse(tmp_path) -> None:
    np.save(tmp_path / "e.npy", np.eye(2))
    pq.write_table(pa.table({"a": pa.array([], pa.int8())}), tmp_path / "none.parquet")
    pq.write_table(pa.table([[1], [2]], names=["a", "a"]), tmp_path / "twins.parquet")
    for name, content in (
        ("e.txt", b""),
        ("cut.parquet", b"PAR1"),
        ("cut.arrow", b"ARROW1\0\0"),
        ("e.jsonl", b"\n"),
    ):
        (tmp_path / name).write_bytes(content)
    for name, error in (
        ("e.npy", UnknownFormat),
        ("none.parquet", EmptyInput),
        ("twins.parquet", DuplicateName),
        ("e.txt", EmptyInput),
        ("e.jsonl", EmptyInput),
        ("cut.parquet", Damaged),
        ("cut.arrow", Damaged),
        ("missing.txt", FileMissing),
    ):
        with pytest.raises(error, match=name):
            list(batches(tmp_path / name))
    with pytest.raises(OutOfRange, match="not 0"):
        list(batches(tmp_path / "e.txt", 0))
    with pytest.raises(OutOfRange, match="as_text"):
        list(batches(tmp_path / "e.txt", as_text=["text"]))


def test_a_line_over_the_limit_is_named_in_whatever_piece(tmp_path) -> None:
    long = "x" * (17 * 2**20)
    for text in (f"a\nb\n{long}", f"a\nb\n{long}\nc\n"):
        (tmp_path / "t.txt").write_text(text)
        with pytest.raises(BadRow, match="line 3: a cell is longer than 16 MiB"):
            list(batches(tmp_path / "t.txt"))


PEAK = """
import resource, sys, pyarrow, pyarrow.parquet
from vecwise.store.sources import batches
list(batches(sys.argv[2]))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
rows = sum(table.num_rows for table in batches(sys.argv[1]))
print(rows, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["txt", "parquet", "arrow", "jsonl", "csv"])
def test_memory_is_bounded_whatever_the_size_of_the_file(tmp_path, kind) -> None:
    """200 MB of text cost no more than 64 MiB above what a file of one row costs."""
    size, line = 200_000_000, "the sea and the sky, " * 9
    rows = size // len(line)
    path, small = tmp_path / f"big.{kind}", tmp_path / f"small.{kind}"
    table = pa.table({"text": [line] * 8192})
    for target, times in ((path, rows // 8192), (small, 1)):
        if kind == "parquet":
            with pq.ParquetWriter(target, table.schema, compression="none", use_dictionary=False) as writer:
                for _ in range(times):
                    writer.write_table(table)
        elif kind == "arrow":
            with pa.ipc.new_file(target, table.schema) as writer:
                for _ in range(times):
                    writer.write_table(table)
        else:
            cell = {"txt": line, "jsonl": json.dumps({"text": line}), "csv": f'1,"{line}"'}[kind]
            with open(target, "w") as out:
                out.write("n,text\n" * (kind == "csv"))
                for _ in range(times):
                    out.write((cell + "\n") * 8192)
    made = subprocess.run(
        [sys.executable, "-c", PEAK, str(path), str(small)], capture_output=True, text=True, check=True
    )
    counted, extra = map(int, made.stdout.split())
    assert path.stat().st_size > 0.95 * size
    assert counted == rows // 8192 * 8192
    assert extra < 64 * 1024, f"{extra / 1024:.0f} MiB"  # KiB
    os.unlink(path)
