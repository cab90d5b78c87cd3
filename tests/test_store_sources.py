"""Reading files: every format, every fault with its line, and the rule for the type of a column."""

import csv
import io
import json
import os
import threading
import time

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

import vecwise.store.csv_files as csv_files
from vecwise.errors import (
    BadRow,
    Damaged,
    DuplicateName,
    EmptyInput,
    FileMissing,
    OutOfRange,
    TextRepaired,
    UnknownFormat,
    UnknownName,
    Unreadable,
    WrongEncoding,
    WrongType,
)
from vecwise.store.csv_faults import line_of_row
from vecwise.store.sources import read
from vecwise.store.text_files import split_lines

# ---- formats ----


def test_every_format_gives_the_same_rows(tmp_path):
    table = pa.table({"a": [1, 2], "b": ["x", "é"]})
    frame = pl.from_arrow(table)
    frame.write_csv(tmp_path / "rows.csv")
    frame.write_csv(tmp_path / "rows.tsv", separator="\t")
    frame.write_ndjson(tmp_path / "rows.jsonl")
    frame.write_ndjson(tmp_path / "rows.NDJSON")
    frame.to_pandas().to_parquet(tmp_path / "rows.parquet", index=False)
    frame.write_ipc(tmp_path / "rows.arrow")
    frame.write_ipc_stream(tmp_path / "rows.ipc")
    for path in sorted(tmp_path.iterdir()):
        assert read(path).to_pydict() == table.to_pydict(), path.name
        with open(path, "rb") as opened:
            assert read(opened).to_pydict() == table.to_pydict(), path.name


def test_text_files_keep_every_line(file):
    assert read(file("a\r\n\r\nb\rc\n\n", "t.txt")).to_pydict() == {"text": ["a", "", "b", "c", ""]}
    assert read(file("no end", "t.txt")).to_pydict() == {"text": ["no end"]}
    assert read(file("\n", "t.txt")).to_pydict() == {"text": [""]}
    assert read(file("\ufeffa\0\u2028b\x85\x0b\n", "t.txt")).to_pydict() == {"text": ["a\0\u2028b\x85\x0b"]}


@given(
    st.lists(st.text(st.characters(exclude_characters="\r\n", codec="utf-8"))),
    st.sampled_from(["\n", "\r\n", "\r"]),
)
def test_lines_that_are_written_are_read(lines, end):
    assert split_lines("".join(line + end for line in lines)) == lines


def test_format_overrides_the_ending(file):
    assert read(file("a,b\n", "rows.csv"), format="txt").to_pydict() == {"text": ["a,b"]}
    assert read(file('{"a": 1}', "rows.txt"), format="ndjson").to_pydict() == {"a": [1]}
    with pytest.raises(UnknownFormat, match=r"`xls`.*csv, tsv, jsonl"):
        read(file("a"), format="xls")
    with pytest.raises(UnknownFormat, match=r"`\.json`.*\.jsonl.*--format"):
        read(file("[]", "rows.json"))
    with pytest.raises(UnknownFormat, match="no ending"):
        read(file("a", "rows"))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b'\n {"a": 1}\n', {"a": [1]}),
        (b"a,b\n1,2\n", {"a": [1], "b": [2]}),
        (b"a;b\n1;2\n", {"a": [1], "b": [2]}),
        (b"a\tb\n1\t2,5\n", {"a": [1], "b": ["2,5"]}),
        (b"the sea\nthe sky, blue\n", {"text": ["the sea", "the sky, blue"]}),
        (b"a,b\n", {"text": ["a,b"]}),
        ("a,b\n1,é\n".encode("utf-16"), {"a": [1], "b": ["é"]}),
        (b"a,b\n" + b"1,2\n" * 30_000 + b"3,4", {"a": [1] * 30_000 + [3], "b": [2] * 30_000 + [4]}),
    ],
)
def test_standard_input_is_told_by_its_first_bytes(content, expected, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))
    assert read("-").to_pydict() == expected


def test_a_pipe_is_read_like_standard_input(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(b"a,b\n1,2\n",))
    writer.start()
    assert read(pipe).to_pydict() == {"a": [1], "b": [2]}
    writer.join()


# ---- refusals that come before the content ----


def test_a_missing_file_names_its_neighbours(file, tmp_path):
    file("a\n1\n", "houses.csv")
    with pytest.raises(FileMissing, match=r"`.*house\.csv`. Did you mean `houses\.csv`\?"):
        read(tmp_path / "house.csv")
    with pytest.raises(FileMissing, match="no folder"):
        read(tmp_path / "nowhere" / "houses.csv")
    with pytest.raises(FileNotFoundError):
        read("no such file anywhere.csv")


def test_what_cannot_be_read_says_why(tmp_path, monkeypatch):
    with pytest.raises(EmptyInput, match="has no images.*It is empty"):
        read(tmp_path)
    with pytest.raises(Unreadable, match="it is a folder"):
        read(tmp_path, format="csv")
    with pytest.raises(FileMissing, match="no file name holds a NUL"):
        read("a\0.csv")
    (tmp_path / "f").write_text("")
    with pytest.raises(Unreadable, match="part of the path is a file"):
        read(tmp_path / "f" / "rows.csv")

    def denied(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", denied)
    with pytest.raises(Unreadable, match="permission denied"):
        read(tmp_path / "secret.csv")


def test_a_name_that_is_no_text_is_read_and_named(tmp_path):
    path = os.fsencode(tmp_path) + b"/caf\xe9.csv"
    with open(path, "wb") as out:
        out.write(b"a,b\n1,2\n3\n")
    with pytest.raises(BadRow, match=r"caf�\.csv`, line 3"):
        read(os.fsdecode(path))


def test_wrong_kinds_of_source():
    with pytest.raises(WrongType, match="binary"):
        read(io.StringIO("a,b\n1,2\n"))
    with pytest.raises(WrongType, match="int"):
        read(7)


def test_damaged_columnar_files(file, tmp_path):
    table = pa.table({"a": list(range(1000))})
    pq.write_table(
        table, tmp_path / "t.parquet", write_page_checksum=True, compression="none", use_dictionary=False
    )
    raw = bytearray((tmp_path / "t.parquet").read_bytes())
    raw[2000] ^= 4
    with pytest.raises(Damaged, match=r"t\.parquet"):
        read(file(bytes(raw), "t.parquet"))
    with pytest.raises(Damaged, match="Parquet"):
        read(file("PAR1", "t.parquet"))
    with pytest.raises(Damaged, match="Arrow"):
        read(file("a,b\n", "t.arrow"))


def test_arrow_offsets_are_checked_before_they_are_used(file, tmp_path):
    sink = io.BytesIO()
    table = pa.table({"a": ["some", "words", "here"]})
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    raw = bytearray(sink.getvalue())
    place = raw.index(np.array([0, 4, 9, 13], np.int32).tobytes())
    raw[place + 4 : place + 8] = np.int32(2**30).tobytes()
    with pytest.raises(Damaged):
        read(file(bytes(raw), "t.arrow"))


def test_extension_types_are_read_as_their_storage(tmp_path):
    tensor = pa.fixed_shape_tensor(pa.float32(), (2,))
    table = pa.table(
        {"t": pa.ExtensionArray.from_storage(tensor, pa.array([[1, 2]], pa.list_(pa.float32(), 2)))}
    )
    pq.write_table(table, tmp_path / "t.parquet")
    with pa.ipc.new_file(tmp_path / "t.arrow", table.schema) as writer:
        writer.write_table(table)
    for name in ("t.parquet", "t.arrow"):
        assert read(tmp_path / name).schema.field("t").type == pa.list_(pa.float32(), 2)


@pytest.mark.parametrize("name", ["e.csv", "e.tsv", "e.jsonl", "e.txt"])
def test_an_empty_file_has_no_rows(file, name):
    with pytest.raises(EmptyInput, match=name):
        read(file("", name))


def test_a_table_without_rows_or_with_twin_columns(tmp_path, file):
    pq.write_table(pa.table({"a": pa.array([], pa.int8())}), tmp_path / "t.parquet")
    with pytest.raises(EmptyInput):
        read(tmp_path / "t.parquet")
    pq.write_table(pa.table([[1], [2]], names=["a", "a"]), tmp_path / "t.parquet")
    with pytest.raises(DuplicateName, match="`a`"):
        read(tmp_path / "t.parquet")
    with pytest.raises(DuplicateName, match="`a`, `b`"):
        read(file("a,b,a,b\n1,2,3,4\n"))
    for header_only in ("a,b", "a,b\n", "a,b\r\n\r\n"):
        with pytest.raises(EmptyInput, match="no row below"):
            read(file(header_only))


# ---- encodings ----


@pytest.mark.parametrize("name", ["rows.csv", "rows.txt", "rows.jsonl"])
def test_wrong_bytes_are_placed_and_an_encoding_is_offered(file, name):
    text = {"rows.csv": "a,b\n1,café\n", "rows.txt": "the\ncafé", "rows.jsonl": '{"a": "e"}\n{"a": "é"}'}[
        name
    ]
    raw = text.encode("latin-1")
    words = rf"0xe9 at offset {raw.index(0xE9)} \(line 2\).*--encoding latin-1.*encoding=\"latin-1\""
    with pytest.raises(WrongEncoding, match=words):
        read(file(raw, name))
    right = file(text, "right." + name.split(".")[1])
    assert read(file(raw, name), encoding="latin-1").equals(read(right))


def test_windows_text_is_offered_its_own_encoding(file):
    raw = "text\n“quoted” – dash\n".encode("cp1252")
    with pytest.raises(WrongEncoding, match="--encoding cp1252"):
        read(file(raw, "t.txt"))
    assert read(file(raw, "t.txt"), encoding="cp1252")["text"].to_pylist()[1] == "“quoted” – dash"
    with pytest.raises(WrongEncoding, match="--encoding utf-8"):
        read(file("é", "t.txt"), encoding="ascii")
    with pytest.raises(UnknownName, match="`latin-1`"):
        read(file("é", "t.txt"), encoding="latin1x")


@given(st.binary(max_size=60), st.integers(0, 60))
def test_the_offset_is_the_first_bad_byte(tail, length):
    raw = b"a" * length + tail
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError as error:
        if raw.startswith((b"\xff\xfe", b"\xfe\xff")) or raw.count(0) > len(raw) // 3:
            return
        with pytest.raises(WrongEncoding, match=f"offset {error.start} "):
            read(io.BytesIO(raw), format="txt")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_byte_order_marks_are_obeyed_and_gone(file, encoding):
    assert read(file("a,b\n1,é\n".encode(encoding))).to_pydict() == {"a": [1], "b": ["é"]}
    assert read(file("é\n".encode(encoding), "t.txt")).to_pydict() == {"text": ["é"]}


def test_utf16_without_a_mark_is_not_read_as_garbage(file):
    for encoding in ("utf-16-le", "utf-16-be"):
        raw = "name,size\nsea,2\n".encode(encoding)
        with pytest.raises(WrongEncoding, match=f"--encoding {encoding}"):
            read(file(raw))
        assert read(file(raw), encoding=encoding).to_pydict() == {"name": ["sea"], "size": [2]}


# ---- CSV: types and missing cells ----


def test_types_of_columns(file):
    table = read(
        file("i,f,b,d,t,s\n1,1.5,true,2020-01-02,2020-01-02 03:04:05,x\n2,inf,false,2021-01-02,,y z\n")
    )
    assert [str(t) for t in table.schema.types] == [
        "int64",
        "double",
        "bool",
        "date32[day]",
        "timestamp[s]",
        "string",
    ]
    assert table["f"].to_pylist() == [1.5, np.inf]


def test_missing_cells(file):
    table = read(file('n,s\nNA,NA\n1,\n,""\n"",null\nnan,x\n'))
    assert table.to_pydict() == {"n": [None, 1, None, None, None], "s": ["NA", None, None, "null", "x"]}


def test_blank_lines_quotes_nul_and_carriage_returns(file):
    assert read(file('a,b\r"x\r\ny","q""q"\r\r1,5" pipe\r')).to_pydict() == {
        "a": ["x\r\ny", "1"],
        "b": ['q"q', '5" pipe'],
    }
    assert read(file("a,b\nx\0,\0\n")).to_pydict() == {"a": ["x\0"], "b": ["\0"]}


def test_whole_numbers_beyond_64_bits_are_not_rounded(file):
    table = read(file("id,size\n12345678901234567890,1e30\n1,2\n,\n"))
    assert table.to_pydict() == {"id": ["12345678901234567890", "1", None], "size": [1e30, 2.0, None]}


def test_as_text_keeps_leading_zeros(file):
    path = file("zip,n\n00501,1\n,2\n")
    assert read(path)["zip"].to_pylist() == [501, None]
    assert read(path, as_text=["zip"])["zip"].to_pylist() == ["00501", None]
    assert read(path, as_text="zip")["zip"].to_pylist() == ["00501", None]
    with pytest.raises(UnknownName, match=r"`zap`. Did you mean `zip`"):
        read(path, as_text=["zap"])
    with pytest.raises(OutOfRange, match="CSV and TSV"):
        read(file("a", "t.txt"), as_text=["text"])


def test_a_late_change_of_type_is_refused_wherever_it_stands(file):
    for place in (0, 17, 200_000):
        cells = ["1"] * 200_001
        cells[place] = "1,000"
        text = "a,b\n" + "".join(f'"{cell}",x\n' for cell in cells)
        with pytest.raises(BadRow, match=rf"line {place + 2:,}: column `a` holds `1,000`.*--as-text a"):
            read(file(text))
    assert read(file(text), as_text=["a"])["a"][200_000].as_py() == "1,000"


@pytest.mark.parametrize("delimiter", [";", "|", "\t"])
def test_the_delimiter_is_told_by_the_column_names(file, delimiter):
    text = "a,b,c\n1,x,2\n3,y,4\n".replace(",", delimiter)
    assert read(file(text)).to_pydict() == {"a": [1, 3], "b": ["x", "y"], "c": [2, 4]}


def test_a_delimiter_inside_quotes_or_in_one_column_name_parts_nothing(file):
    assert read(file('"a;b",c\n1,2\n')).to_pydict() == {"a;b": [1], "c": [2]}
    assert read(file('"a,b";c\n1;2\n')).to_pydict() == {"a,b": [1], "c": [2]}
    assert read(file("a|b\nx\ny\n")).to_pydict() == {"a|b": ["x", "y"]}


def test_decimal_commas_are_numbers_where_semicolons_part_the_cells(file):
    table = read(file("size;price;n;name\n1,72;1.234,56;1;a,b\n-,5;+7;2;c\nNA;;3;\n1,5e2;12,;4;1,5\n"))
    assert table.to_pydict() == {
        "size": [1.72, -0.5, None, 150.0],
        "price": [1234.56, 7.0, None, 12.0],
        "n": [1, 2, 3, 4],
        "name": ["a,b", "c", None, "1,5"],
    }
    assert read(file("size;n\n1,72;1\n"), as_text=["size"])["size"].to_pylist() == ["1,72"]
    assert read(file('size,n\n"1,72",1\n'))["size"].to_pylist() == ["1,72"]


@given(st.lists(st.floats(-1e6, 1e6).map(lambda x: round(x, 3)), min_size=1))
def test_decimal_commas_are_read_as_pandas_reads_them(numbers):
    text = "x;n\n" + "".join(f"{number!r};1\n".replace(".", ",") for number in numbers)
    made = read(io.BytesIO(text.encode()), format="csv")["x"].to_pylist()
    assert made == numbers
    assert made == pytest.approx(
        pd.read_csv(io.StringIO(text), sep=";", decimal=",")["x"].tolist(), rel=1e-15
    )


def test_a_cell_that_is_no_number_among_decimal_commas_is_refused(file):
    for cell in ("x", "1.234", "1.5"):
        text = "a;b\n" + "1,5;2\n" * 99 + f"{cell};2\n"
        with pytest.raises(BadRow, match=rf"line 101: column `a` holds `{cell}`.*--as-text a"):
            read(file(text))
    assert read(file("a;b\n1,5;1\nx;2\n"))["a"].to_pylist() == ["1,5", "x"]


def test_a_column_of_texts_and_numbers_is_text(file):
    assert read(file("ticket\n113803\nPC 17599\n349909\n"))["ticket"].to_pylist() == [
        "113803",
        "PC 17599",
        "349909",
    ]


@given(
    st.lists(st.one_of(st.integers(-9, 9).map(str), st.sampled_from(["", "x", "2.5", "NA"])), min_size=1),
    st.randoms(),
)
def test_the_type_of_a_column_does_not_depend_on_the_order_of_the_rows(cells, random):
    def outcome(order):
        text = "a,b\n" + "".join(f"{cell},0\n" for cell in order)
        try:
            return read(io.BytesIO(text.encode()), format="csv").schema.field("a").type
        except BadRow:
            return "refused"

    shuffled = random.sample(cells, len(cells))
    assert outcome(cells) == outcome(shuffled)


# ---- CSV: faults with their line ----


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a,b\n1,2\n3\n4,5,6\n", "line 3: 1 field, and 2 were expected"),
        ('a,b\n"x\ny",2\n\n4,5,6\n', "line 5: 3 fields, and 2 were expected"),
        ('a,b\n1,"x\n3,4\n', "line 2: a quote opens here and is never closed"),
        ('a,b\n1,"p\nq"\n2,"x\ny,z\n', "line 4: a quote opens here"),
        ('a,b\n"p\nq","x\ny\n', "line 3: a quote opens here"),
        ('a\r1\r"x\ry\r', "line 3: a quote opens here"),
        ('a,b\n1,"x\n2,"y\n3,z\n', "lines 2 to 3: text follows a closing quote"),
        ('a,b\n1,"x"y\n', "line 2: text follows a closing quote"),
        ("a,b\n1," + "x" * (17 * 2**20) + "\n", "line 2: a cell is longer than 16 MiB"),
        ("a,b\n1,2\n3," + "x" * (17 * 2**20), "line 3: a cell is longer than 16 MiB"),
    ],
)
def test_faults_are_named_with_their_line(file, text, words):
    with pytest.raises(BadRow, match=rf"rows\.csv`, {words}"):
        read(file(text))


def test_long_lines_and_cells_below_the_limit_are_read(file):
    cell = "x" * (9 * 2**20)
    assert read(file(f"a,b\n{cell},{cell}\n")).to_pydict() == {"a": [cell], "b": [cell]}
    with pytest.raises(BadRow, match="line 2: a cell is longer"):
        read(file("a\n" + "x" * (17 * 2**20), "t.txt"))


CELLS = st.text(
    st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=6
)  # Python leaves a bare CR unquoted


@given(
    st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=8), st.sampled_from(["\n", "\r\n"]), st.booleans()
)
def test_what_pythons_csv_module_writes_is_read(rows, end, quote_all):
    out = io.StringIO()
    writer = csv.writer(out, lineterminator=end, quoting=csv.QUOTE_ALL if quote_all else csv.QUOTE_MINIMAL)
    writer.writerows([("a", "b"), *rows])
    table = read(io.BytesIO(out.getvalue().encode()), format="csv", as_text=["a", "b"])
    assert [tuple(cell or "" for cell in row.values()) for row in table.to_pylist()] == rows


@given(st.text(st.sampled_from('ab",\n'), max_size=30))
def test_no_broken_quote_loses_a_row(text):
    """Whatever is read without a refusal, Python's strict reader reads the same."""
    raw = "a,b\n" + text
    try:
        table = read(io.BytesIO(raw.encode()), format="csv", as_text=["a", "b"])
    except (BadRow, EmptyInput):
        return
    rows = [row for row in csv.reader(io.StringIO(raw, newline=""), strict=True) if row][1:]
    assert [[cell or "" for cell in row.values()] for row in table.to_pylist()] == rows
    assert csv_files._quotes_pair(raw.encode(), ",") or '"' in raw


@given(st.lists(st.sampled_from(["1", "x", "p\nq", "p\r\nq", ""]), min_size=1, max_size=8))
def test_the_line_of_a_row_is_where_its_text_begins(cells):
    text, lines = "a,b\n", []
    for i, cell in enumerate(cells):
        text += "\n" * (i % 2)
        lines.append(text.count("\n") + 1)
        text += f'"{cell}",{i}\n'
    assert [line_of_row(text.encode(), ",", i) for i in range(len(cells))] == lines


# ---- JSON Lines ----


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"a": 1}\n\n{"a": }\n', "line 3 is not JSON at character 7"),
        ('{"a": NaN}', "line 1: JSON has no NaN"),
        ('{"a": 1}\n{"a": -Infinity}', "line 2: JSON has no -Infinity"),
        ("[1]", r"line 1 is \[1\], and an object"),
        ('{"a": 1, "a": 2}', "line 1: the key `a` is there more than once"),
        ('{"a": 1}\n{"a": 9223372036854775808}', "line 2: column `a` holds 9223372036854775808"),
        ('{"a": 1}\n{"b": 2}\n{"a": "x"}', "line 3: column `a` holds 'x'"),
        ('{"a": ' + "[" * 64 + "]" * 64 + "}", "line 1 is nested deeper than 64"),
        ('{"a": ' + "[" * 100_000 + "]" * 100_000 + "}", "line 1 is nested deeper than 64"),
        ('{"a": 1}\n{"a": 2', "line 2 is not JSON"),
        ('{"a": "' + "x" * (17 * 2**20) + '"}', "line 1: a cell is longer"),
    ],
)
def test_bad_lines_of_json_are_named(file, text, words):
    with pytest.raises(BadRow, match=rf"rows\.jsonl`, {words}"):
        read(file(text, "rows.jsonl"))


def test_json_lines_keep_what_json_can_say(file):
    text = (
        '{"a": 1, "t": "\\ud800\\u0000é"}\r\n{"b": [1, null], "a": 2.5}\n{"a": null, "t": "\\ud83d\\ude00"}'
    )
    with pytest.warns(TextRepaired, match="1 text holds half a character") as told:
        table = read(file(text, "rows.jsonl"))
    assert told[0].message.count == 1
    assert table.to_pydict() == {
        "a": [1.0, 2.5, None],
        "t": ["\ufffd\0é", None, "😀"],
        "b": [None, [1, None], None],
    }
    with pytest.raises(EmptyInput, match="no JSON object"):
        read(file("{}\n", "rows.jsonl"))


JSON = st.dictionaries(st.sampled_from("ab"), st.none() | st.integers(-(2**63), 2**63 - 1), min_size=1)


@given(st.lists(JSON, min_size=1))
def test_written_json_lines_are_read(records):
    raw = "\n".join(json.dumps(record) for record in records).encode()
    table = read(io.BytesIO(raw), format="jsonl")
    for row, record in zip(table.to_pylist(), records, strict=True):
        assert {name: cell for name, cell in row.items() if cell is not None} == {
            name: cell for name, cell in record.items() if cell is not None
        }


# ---- speed, and what pandas says of the same file ----


def test_a_house_sized_file_is_read_at_once_and_rightly(tmp_path):
    random = np.random.default_rng(5)
    frame = pd.DataFrame(random.integers(0, 10**6, (21_613, 17)), columns=[f"n{i}" for i in range(17)])
    frame["lat"] = random.normal(47, 1, len(frame)).round(4)
    frame["price"] = random.normal(5e5, 1e5, len(frame))
    frame["date"] = pd.Timestamp("2014-05-02") + pd.to_timedelta(random.integers(0, 300, len(frame)), "D")
    frame["view"] = random.choice(["sea", "hill, north", 'the "lake"'], len(frame))
    path = tmp_path / "houses.csv"
    frame.to_csv(path, index=False, date_format="%Y-%m-%d")
    times = []
    for _ in range(5):
        start = time.perf_counter()
        table = read(path)
        times.append(time.perf_counter() - start)
    assert min(times) < 0.1
    truth = pd.read_csv(path, parse_dates=["date"])
    pd.testing.assert_frame_equal(table.to_pandas(date_as_object=False), truth, check_dtype=False)
