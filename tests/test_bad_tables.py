"""A catalogue of bad input that no other test holds: rows left out, limits, names of files, lies in files.

What each reader refuses, with the line, is in `test_store_sources.py`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

import vecwise as vw
from vecwise import workbench
from vecwise.errors import (
    BadRow,
    EmptyInput,
    FileMissing,
    Inapplicable,
    MixedColumn,
    NonFinite,
    OutOfRange,
    RowsSkipped,
    TooLarge,
    UnknownFormat,
    UnknownName,
    Unreadable,
)
from vecwise.store.csv_faults import Fault, cut, find_all, without
from vecwise.store.rows import as_table
from vecwise.store.sources import read


def read_but(path, **options) -> tuple[dict, list[int]]:
    """The rows that are left, and the lines of those that are not."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        table = read(path, bad_rows="skip", **options)
    skipped = [warning.message for warning in told]
    assert all(isinstance(message, RowsSkipped) for message in skipped)
    return table.to_pydict(), [line for message in skipped for line in message.lines]


# ---- ragged rows and other bad ones, left out on request ----


@pytest.mark.parametrize(
    ("text", "rows", "lines"),
    [
        ("a,b\n1,2\n3\n4,5,6\n", {"a": [1], "b": [2]}, [3, 4]),
        ("a,b\n1,2\n3,4\n", {"a": [1, 3], "b": [2, 4]}, []),
        ("a,b\r\n1\r\n\r\n3,4\r\n5,6,7", {"a": [3], "b": [4]}, [2, 5]),
        ("a,b\r1\r3,4\r", {"a": [3], "b": [4]}, [2]),
        ('a,b\n"x\ny",2\n"p\nq"\nz,1\n', {"a": ["x\ny", "z"], "b": [2, 1]}, [4]),
        ('a,b\n1,"x\n3,y\n4,z\n', {"a": [3, 4], "b": ["y", "z"]}, [2]),
        ('a,b\n1,"x\n2,"y\n3,z\n', {"a": [3], "b": ["z"]}, [2, 3]),
        ('a,b\n1,"x"y\n3,z\n', {"a": [3], "b": ["z"]}, [2]),
        ('a,b\n"x\n1,"y",\n3,z\n', {"a": [3], "b": ["z"]}, [2, 3]),
        ("a,b\n1," + "x" * (17 * 2**20) + "\n3,z\n", {"a": [3], "b": ["z"]}, [2]),
        ("a,b\n" + "1,1\n" * 40 + "x,2\n3,y\n", {"a": [1] * 40, "b": [1] * 40}, [42, 43]),
        ("a;b\n" + "1,5;1\n" * 40 + "x;2\n", {"a": [1.5] * 40, "b": [1] * 40}, [42]),
        ("a,b\n" + "1,1\n" * 40 + "x,2\n7\n", {"a": [1] * 40, "b": [1] * 40}, [42, 43]),
    ],
)
def test_ragged_rows_broken_quotes_and_almost_numbers_are_left_out_by_line(file, text, rows, lines) -> None:
    assert read_but(file(text)) == (rows, lines)
    if lines:
        with pytest.raises(BadRow):
            read(file(text))


@pytest.mark.parametrize(
    ("text", "rows", "lines"),
    [
        ('{"a": 1}\n{"a": }\n{"a": 2}', {"a": [1, 2]}, [2]),
        ('{"a": NaN}\n{"a": 2}', {"a": [2]}, [1]),
        ('{"a": 1}\n\n{"a": "x"}\n{"a": 2}\n{"a": 9223372036854775808}', {"a": [1, 2]}, [3, 5]),
        ('{"a": 1, "a": 2}\n[1]\n{"b": true}', {"b": [True]}, [1, 2]),
        ('{"a": true}\n{"a": 0.5}\n{"a": false}', {"a": [True, False]}, [2]),
    ],
)
def test_lines_of_json_that_cannot_be_read_are_left_out_by_line(file, text, rows, lines) -> None:
    assert read_but(file(text, "rows.jsonl")) == (rows, lines)


def test_what_was_left_out_is_told_and_written_down(file, tmp_path) -> None:
    path = file('a,b\n1,2\n3\n"p\nq",5,6\n')
    with pytest.warns(
        RowsSkipped, match=r"`.*rows.csv`: 2 rows were left out.*Lines 3, 4; the first: 1 field, and 2"
    ) as told:
        read(path, bad_rows="skip", rejects=tmp_path / "rejects.jsonl")
    assert Path(told[0].filename).name == Path(__file__).name
    written = [json.loads(line) for line in (tmp_path / "rejects.jsonl").read_text().splitlines()]
    assert [(row["line"], row["text"]) for row in written] == [(3, "3"), (4, '"p\nq",5,6')]
    assert written[1]["reason"] == "3 fields, and 2 were expected, as there are column names"
    read(file("a,b\n1,2\n"), bad_rows="skip", rejects=tmp_path / "rejects.jsonl")
    assert (tmp_path / "rejects.jsonl").read_text() == ""
    many = file("a,b\n1,2\n" + "3\n" * 30)
    with pytest.warns(RowsSkipped, match=r"30 rows.*Lines 3, 4, .*, 12 and 20 more"):
        read(many, bad_rows="skip")
    with pytest.warns(RowsSkipped, match=r"1 row was left out.*It is line 3;"):
        read(file("a,b\n1,2\n3\n"), bad_rows="skip")
    with pytest.warns(RowsSkipped, match="the first: a cell is longer"):
        assert read(file("x" * (17 * 2**20) + "\nb\n", "t.txt"), bad_rows="skip")["text"].to_pylist() == ["b"]
    with pytest.warns(RowsSkipped, match="the first: JSON has no NaN"):
        read(file('{"a": NaN}\n{"a": 1}', "t.jsonl"), bad_rows="skip")


def test_nothing_is_left_out_that_would_leave_nothing(file, tmp_path) -> None:
    with pytest.raises(EmptyInput, match="no row below"):
        read(file("a,b\n1\n2\n"), bad_rows="skip")
    with pytest.raises(BadRow, match="line 1"):
        read(file('a,"b\n1,2\n'), bad_rows="skip")
    with pytest.raises(EmptyInput):
        read(file("{}}\n", "rows.jsonl"), bad_rows="skip")
    with pytest.raises(BadRow, match="more than 200 lines"):
        read(file('{"a": "x"}\n' + '{"a": 1}\n' * 300, "rows.jsonl"), bad_rows="skip")
    with pytest.raises(UnknownName, match="`skp`. Did you mean `skip`"):
        read(file("a,b\n1,2\n"), bad_rows="skp")
    with pytest.raises(Inapplicable, match="--bad-rows skip"):
        read(file("a,b\n1,2\n"), rejects=tmp_path / "r")
    pq.write_table(pa.table({"a": [1]}), tmp_path / "t.parquet")
    with pytest.raises(OutOfRange, match="`bad_rows`"):
        read(tmp_path / "t.parquet", bad_rows="skip")
    with pytest.raises(Unreadable, match="it is a folder"):
        read(file("a,b\n1,2\n3\n"), bad_rows="skip", rejects=tmp_path)


@given(
    st.lists(st.sampled_from(["1,2", "3", "4,5,6", '"p\nq",7', '"x', 'y"z"', "", "8,9"]), max_size=8),
    st.sampled_from(["\n", "\r\n"]),
)
def test_good_rows_among_bad_ones_are_kept_in_order(rows, end) -> None:
    """Every line that stands for itself and has two cells is kept, unless an open quote before it took it."""
    raw = end.join(["a,b", *rows, "0,0", ""]).encode()
    faults = find_all(raw, "`x`", ",")
    left = without(raw, faults)
    assert left.count(b"\n") == raw.count(b"\n")
    assert find_all(left, "`x`", ",") == []
    if '"x' not in rows:
        kept = [row for row in rows if row in ("1,2", "8,9", '"p\nq",7')]
        assert [line for line in cut(left.decode()) if line.strip()] == cut(
            end.join(["a,b", *kept, "0,0", ""])
        )


@given(st.text(st.sampled_from("ab\r\n"), max_size=12))
def test_cut_lines_are_the_text(text) -> None:
    assert "".join(cut(text)) == text
    assert [line.rstrip("\r\n") for line in cut(text)] == text.replace("\r\n", "\n").replace(
        "\r", "\n"
    ).split("\n")[: len(cut(text))]
    assert without(
        text.encode(), [Fault(i + 1, i + 1, "") for i in range(len(cut(text)))]
    ).decode() == "".join(c for c in text if c in "\r\n")


# ---- texts and ids ----


def test_a_nul_at_the_end_of_an_id_survives_columns_saving_and_opening(tmp_path) -> None:
    names = ["a\0", "a", "\0", "\0\0b"]
    (tmp_path / "rows.jsonl").write_text(
        "\n".join(json.dumps({"name": name, "n": i}) for i, name in enumerate(names))
    )
    X = vw.encode(tmp_path / "rows.jsonl", ids="name", columns=["n"])
    vw.save(X, tmp_path / "saved")
    again = vw.open(tmp_path / "saved")
    assert again.ids.tolist() == names
    assert again["a\0"].values.tolist() == [[0.0]]
    assert again.rows is not None
    assert again.rows["name"].to_pylist() == names


# ---- numbers that are too large, missing or none ----


def test_too_large_numbers_and_the_spellings_of_missing_ones(file) -> None:
    table = read(file("a,b,c\n1e400,NA,x\n1,nan,NA\n-1e400,2.5,inf\n,inf,\n"))
    assert table.to_pydict() == {
        "a": [np.inf, 1, -np.inf, None],
        "b": [None, None, 2.5, np.inf],
        "c": ["x", "NA", "inf", None],
    }
    for column in ("a", "b"):
        with pytest.raises((NonFinite, vw.errors.MissingValue)):
            vw.encode(table, columns=[column])
    with pytest.raises(NonFinite, match="`a`"):
        vw.encode(table, columns=["a"], missing="mean")
    with pytest.raises(NonFinite, match="row `1`"):
        vw.encode(read(file('v\n"[1, 2]"\n"[3, 1e400]"\n')))


@pytest.mark.parametrize("cells", [[0.5, True], [True, 0.5], [1, True], [False, 2], [None, 1.5, False]])
def test_truth_values_among_numbers_are_refused_in_whatever_order(cells) -> None:
    with pytest.raises(MixedColumn, match="column `a` holds") as caught:
        as_table({"a": cells})
    assert caught.value.row == len(cells) - 1


# ---- limits: an error, never a process that is killed ----

LIMITED = """
import resource, sys, pyarrow, pyarrow.csv, pyarrow.parquet
import vecwise.errors
from vecwise.store.sources import read
from vecwise.store.vector_files import is_vector_file, read_vectors
size = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmSize")) * 1024
resource.setrlimit(resource.RLIMIT_AS, (size + int(sys.argv[1]) * 2**20,) * 2)
for path in sys.argv[2:]:
    try:
        made = read_vectors(path)[0] if path.endswith(("npz", "npy")) else read(path)
        print(made.shape)
    except vecwise.errors.VecwiseError as error:
        print(type(error).__name__, str(error).partition("`")[2].partition("`")[2][:60])
"""


def limited(folder, mebibytes: int, *names: str) -> list[str]:
    """What happens to each file in a process that may take so much memory."""
    made = subprocess.run(
        [sys.executable, "-c", LIMITED, str(mebibytes), *names],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (made.returncode, made.stderr) == (0, "")
    return made.stdout.splitlines()


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
def test_giant_cells_lines_and_widths_are_refused_within_little_memory(tmp_path) -> None:
    giant = "x" * (20 * 2**20)
    files = {
        "cell.csv": f"a,b\n1,{giant}\n2,y\n",
        "quote.csv": f'a,b\n1,"{giant}\n2,y\n',
        "line.txt": f"{giant}\n2\n",
        "line.jsonl": f'{{"a":"{giant}"}}\n',
        "wide.csv": ",".join(f"c{i}" for i in range(100_000)) + "\n" + ",".join("1" * 100_000) + "\n",
        "commas.csv": "," * (20 * 2**20) + "\n",
        "keys.jsonl": "".join(f'{{"k{i}":1}}\n' for i in range(20_100)),
        "many.csv": "a\n" + "1\n" * 10**6,
        "many.txt": "1\n" * 10**6,
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    pq.write_table(pa.table({f"c{i}": [1] for i in range(20_001)}), tmp_path / "wide.parquet")
    told = dict(zip([*files, "wide.parquet"], limited(tmp_path, 512, *files, "wide.parquet"), strict=True))
    assert told["cell.csv"].startswith(("TooLarge", "BadRow"))  # whichever limit is met first
    assert told["quote.csv"].startswith(("TooLarge", "BadRow"))
    assert told["line.txt"] == "BadRow , line 1: a cell is longer than 16 MiB. Is a quote not close"
    assert told["line.jsonl"] == told["line.txt"]
    assert told["wide.csv"].startswith("TooLarge  has 100,000 columns; up to 20,000")
    assert told["commas.csv"].startswith("TooLarge")
    assert told["keys.jsonl"].startswith("TooLarge  has 20,001 columns")
    assert told["wide.parquet"].startswith("TooLarge  has 20,001 columns")
    assert (told["many.csv"], told["many.txt"]) == ("(1000000, 1)", "(1000000, 1)")


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
def test_small_files_that_unpack_into_more_than_there_is_are_refused(tmp_path) -> None:
    """Zip, zstd and run-length bombs: what they claim is held against the memory that is free."""
    zeros = np.zeros(5 * 10**7)
    table = pa.table({"a": zeros})
    pq.write_table(table, tmp_path / "bomb.parquet")
    with pa.ipc.new_file(
        tmp_path / "bomb.arrow", table.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")
    ) as writer:
        writer.write_table(table)
    np.savez_compressed(tmp_path / "bomb.npz", zeros.reshape(-1, 1))
    names = ("bomb.parquet", "bomb.arrow", "bomb.npz")
    assert max((tmp_path / name).stat().st_size for name in names) < 2 * 2**20
    told = limited(tmp_path, 256, *names)
    assert [line.split()[0] for line in told] == ["TooLarge"] * 3
    assert "unpacks into at least 381" in told[0]
    assert "unpacks into at least 381" in told[2]


def test_twenty_thousand_columns_are_read(file) -> None:
    names = ",".join(f"c{i}" for i in range(20_000))
    assert read(file(names + "\n" + ",".join("1" * 20_000) + "\n")).num_columns == 20_000
    with pytest.raises(TooLarge, match="20,001"):
        read(file(names + ",more\n" + ",".join("1" * 20_001) + "\n"))
    quoted = ",".join(f'"c,{i}"' for i in range(15_000))
    assert read(file(quoted + "\n" + ",".join("1" * 15_000) + "\n")).num_columns == 15_000


# ---- names of files ----

NAMES = [
    "two words.csv",
    "new\nline.csv",
    "tab\tand\x1b[31mcolour.csv",
    "CON.csv",
    "-dash.csv",
    "漢字 é.csv",
    ".hidden.csv",
    "a" * 251 + ".csv",
    os.fsdecode(b"caf\xe9.csv"),
    "%2e%2e.csv",
    "rows.CSV",
]


@pytest.mark.parametrize("name", NAMES, ids=[ascii(name)[:24] for name in NAMES])
def test_files_and_folders_of_any_name_are_read_saved_and_named_on_one_line(tmp_path, name) -> None:
    path = tmp_path / name
    path.write_text("a,b\n1,2\n3,4\n")
    assert read(path).to_pydict() == {"a": [1, 3], "b": [2, 4]}
    assert workbench.load(path).vectors.shape == (2, 2)
    folder = tmp_path / "saved" / name
    folder.parent.mkdir()
    vw.save(vw.Vectors([[1.0, 2.0]], ids=["../up", "/"][:1]), folder)
    assert vw.open(folder).ids.tolist() == ["../up"]
    assert {entry.name for entry in tmp_path.iterdir()} == {name, "saved"}  # ids never become names of files
    path.write_text("a,b\n1\n")
    with pytest.raises(BadRow, match="line 2") as caught:
        read(path)
    assert str(caught.value).isprintable()


def test_a_name_that_ends_in_a_dot_or_is_too_long_says_so(tmp_path) -> None:
    path = tmp_path / "rows."
    path.write_text("a,b\n1,2\n")
    with pytest.raises(UnknownFormat, match="--format csv"):
        read(path)
    assert read(path, format="csv").num_rows == 1
    vw.save(vw.Vectors([[1.0]]), tmp_path / "saved.")
    assert len(vw.open(tmp_path / "saved.")) == 1
    with pytest.raises(FileMissing, match="a{250}"):
        vw.open(tmp_path / ("a" * 252))
    for use in (read, workbench.load, lambda name: vw.save(vw.Vectors([[1.0]]), name)):
        with pytest.raises(Unreadable, match="the name is too long"):
            use(tmp_path / ("a" * 252 + ".csv"))


# ---- lies in files ----


def test_an_extension_type_with_code_in_it_runs_nothing(tmp_path) -> None:
    mark = tmp_path / "executed"
    code = f"cos\nsystem\n(S'touch {mark}'\ntR.".encode()
    field = pa.field(
        "a",
        pa.list_(pa.float32(), 2),
        metadata={b"ARROW:extension:name": b"arrow.py_extension_type", b"ARROW:extension:metadata": code},
    )
    table = pa.table([pa.array([[1, 2]], pa.list_(pa.float32(), 2))], schema=pa.schema([field]))
    pq.write_table(table, tmp_path / "t.parquet")
    with pa.ipc.new_file(tmp_path / "t.arrow", table.schema) as writer:
        writer.write_table(table)
    assert code in (tmp_path / "t.arrow").read_bytes()  # Parquet keeps it encoded
    for name in ("t.parquet", "t.arrow"):
        assert vw.encode(tmp_path / name).values.tolist() == [[1, 2]]
    assert not mark.exists()


def test_python_objects_in_files_are_never_loaded(tmp_path) -> None:
    mark = tmp_path / "executed"
    for name in ("e.pkl", "e.pt", "e.joblib", "e.bin"):
        (tmp_path / name).write_bytes(f"cos\nsystem\n(S'touch {mark}'\ntR.".encode())
        with pytest.raises(UnknownFormat):
            vw.encode(tmp_path / name)
    assert not mark.exists()
