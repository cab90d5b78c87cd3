"""`vecwise pairs` and `vecwise dedupe` as a user meets them, and the files that they write."""

from __future__ import annotations

import datetime
import json

import numpy as np
import pyarrow as pa
import pytest

import vecwise as vw
from conftest import EXAMPLES, check_refused, run
from vecwise import workbench
from vecwise.errors import (
    FileMissing,
    Inapplicable,
    OutOfRange,
    TooLarge,
    UnknownFormat,
    Unreadable,
    WrongShape,
    WrongType,
)
from vecwise.store.row_files import write_rows

ROWS = 'code,x,y,note\n007,1,0,first\n008,2,0,\n009,0,1,"a, b"\n010,1,0.05,NA\n011,1,0,last\n'
NUMBERS = {"columns": ["x", "y"]}


def test_pairs_prints_the_edges_and_writes_them(tmp_path) -> None:
    made = run("pairs", str(EXAMPLES / "sentences.txt"), "--at-least", "0.3", "--csv", "e.csv", cwd=tmp_path)
    assert (made.returncode, made.stderr) == (0, "")
    assert made.stdout.startswith("sentences.txt: 3 pairs of 10 by cosine, at least 0.3")
    assert vw.read(tmp_path / "e.csv").column("right").to_pylist() == [1, 2, 2]
    assert max(map(len, made.stdout.splitlines())) <= 100
    check_refused(run("pairs", str(EXAMPLES / "sentences.txt"), "--at-least", "2"), "between -1 and 1")


def test_dedupe_writes_what_stays_and_what_went(file, tmp_path) -> None:
    path = file(ROWS)
    options = (
        "--columns",
        "x,y",
        "--ids",
        "code",
        "--near",
        "0.99",
        "--keep",
        "thin.csv",
        "--removed",
        "gone.jsonl",
    )
    made = run("dedupe", str(path), "--as-text", "code", *options, cwd=tmp_path)
    assert (made.returncode, made.stderr) == (0, "")
    assert made.stdout.startswith("rows.csv: 3 of 5 rows repeat an earlier one, 2 stay")
    assert (tmp_path / "thin.csv").read_text() == 'code,x,y,note\n007,1,0,first\n009,0,1,"a, b"\n'
    gone = [json.loads(line) for line in (tmp_path / "gone.jsonl").read_text().splitlines()]
    assert [(g["removed"], g["into"], g["equal"]) for g in gone] == [
        ("008", "007", False), ("010", "007", False), ("011", "007", True)
    ]  # fmt: skip
    assert path.read_text() == ROWS
    as_json = json.loads(run("dedupe", str(path), "--columns", "x,y", "--json").stdout)
    assert (as_json["groups"], as_json["kept"]) == ([[0, 4]], 4)
    check_refused(run("dedupe", str(path), "--keep", str(path)), "never overwritten")


def test_without_a_bound_only_equal_vectors_are_duplicates(file) -> None:
    answer = workbench.dedupe_file(str(file(ROWS)), **NUMBERS)
    assert answer.data["removed"] == [{"id": 4, "into": 0, "score": 1.0, "equal": True}]
    assert "Near ones too" in answer.sections[0][1][0]


def test_cells_are_written_as_they_were_read(file, tmp_path) -> None:
    path = file("id\tx\ty\n01\t1.50\t2\n02\t1.5\t2.0\n03\tNA\t\n04\t3\t+4\n", "rows.tsv")
    workbench.dedupe_file(str(path), columns=["x", "y"], missing="mean", keep=str(tmp_path / "thin.tsv"))
    assert (tmp_path / "thin.tsv").read_text() == "id\tx\ty\n01\t1.50\t2\n03\tNA\t\n04\t3\t+4\n"


@pytest.mark.parametrize("ending", ["csv", "tsv", "jsonl", "parquet", "arrow"])
def test_every_format_keeps_all_columns_and_types(ending, tmp_path) -> None:
    day = datetime.date(2024, 2, 29)
    table = pa.table({"x": [1.0, 1.0, 2.5], "n": [7, 7, None], "day": [day, day, None], "yes": [True, True, False],
                      "word": ["ä,\"b\"", "ä,\"b\"", "line\nbreak"]})  # fmt: skip
    write_rows(table, tmp_path / f"in.{ending}")
    kept = tmp_path / f"out.{ending}"
    workbench.dedupe_file(str(tmp_path / f"in.{ending}"), columns=["x"], keep=str(kept))
    wanted = vw.read(tmp_path / f"in.{ending}").take([0, 2])
    assert vw.read(kept).to_pylist() == wanted.to_pylist()
    assert vw.read(kept).schema.types == wanted.schema.types


def test_texts_a_line_and_folders_of_vectors(tmp_path) -> None:
    (tmp_path / "a.txt").write_text("one two\ntwo\none two\n")
    answer = workbench.dedupe_file(str(tmp_path / "a.txt"), encoder="count", keep=str(tmp_path / "b.txt"))
    assert (tmp_path / "b.txt").read_text() == "one two\ntwo\n"
    assert answer.data["kept"] == 2
    vw.save(vw.Vectors([[1, 0], [1, 0], [0, 1]], ids=["a", "b", "c"]), tmp_path / "v")
    workbench.dedupe_file(str(tmp_path / "v"), keep=str(tmp_path / "w"))
    assert vw.open(tmp_path / "w").ids.tolist() == ["a", "c"]
    with pytest.raises(Inapplicable, match="--keep DIR"):
        workbench.dedupe_file(str(tmp_path / "v"), keep=str(tmp_path / "w.csv"))


def test_what_could_lose_rows_is_refused(file, tmp_path) -> None:
    path = file(ROWS)
    link = tmp_path / "link.csv"
    link.symlink_to(path)
    out = str(tmp_path / "out.csv")
    for options in (
        {"keep": str(link)},
        {"removed": str(path)},
        {"keep": out, "sample": 2},
        {"keep": out, "removed": out},
    ):
        with pytest.raises(Inapplicable):
            workbench.dedupe_file(str(path), **NUMBERS, **options)
    with pytest.raises(UnknownFormat, match="ends in"):
        workbench.dedupe_file(str(path), **NUMBERS, keep=str(tmp_path / "out.xyz"))
    with pytest.raises(Inapplicable, match="--at-least"):
        workbench.pairs_of(str(path), **NUMBERS, csv=out)
    with pytest.raises(Inapplicable, match="never overwritten"):
        workbench.pairs_of(str(path), **NUMBERS, at_least=0.5, csv=str(path))
    with pytest.raises(OutOfRange):
        workbench.dedupe_file(str(path), **NUMBERS, at_least=7)
    assert not (tmp_path / "out.csv").exists()
    assert path.read_text() == ROWS


def test_many_rows_are_told_by_their_best_pairs() -> None:
    houses = str(EXAMPLES / "houses.csv")
    with pytest.raises(TooLarge, match="more than 1,000,000 such pairs.*--csv FILE"):  # not into a file
        workbench.pairs_of(str(EXAMPLES / "houses.csv"), at_least=0.999, metric="cosine")
    with pytest.raises(TooLarge, match="--at-least"):
        workbench.pairs_of(houses, sample=60)
    answer = workbench.pairs_of(houses, sample=60, k=2)
    assert (answer.data["pairs"], answer.data["metric"]) == (120, "euclidean")
    assert len(answer.data["edges"]) == 120
    near = workbench.pairs_of(houses, sample=60, at_most=2.0)
    assert all(edge["score"] <= 2 for edge in near.data["edges"])
    best = [float(line.split()[0]) for line in near.sections[0][1][::2] if not line.startswith("…")]
    assert best == sorted(best)


def test_rows_that_a_format_cannot_hold_are_refused(tmp_path) -> None:
    lists = pa.table({"a": [[1, 2], [3]]})
    with pytest.raises(WrongType, match="column `a`"):
        write_rows(lists, tmp_path / "a.csv")
    with pytest.raises(WrongShape, match="2 columns"):
        write_rows(pa.table({"a": ["x"], "b": ["y"]}), tmp_path / "a.txt")
    with pytest.raises(WrongType, match="several lines"):
        write_rows(pa.table({"a": ["x\ny"]}), tmp_path / "a.txt")
    with pytest.raises(FileMissing):
        write_rows(lists, tmp_path / "none" / "a.parquet")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(Unreadable, match="folder"):
        write_rows(pa.table({"a": [1]}), tmp_path / "folder.csv")
    assert [p.name for p in tmp_path.iterdir()] == ["folder.csv"]
    write_rows(pa.table({"a": [[1.5, float("nan")], None], "b": [b"\x00", b"x"]}), tmp_path / "a.jsonl")
    assert (tmp_path / "a.jsonl").read_text() == '{"a": [1.5, null], "b": "AA=="}\n{"a": null, "b": "eA=="}\n'
    write_rows(pa.table({"a": pa.array([], pa.string())}), tmp_path / "none.csv")
    assert (tmp_path / "none.csv").read_text() == "a\n"
    assert np.isnan(vw.read(tmp_path / "a.jsonl").column("a").to_pylist()[0][1] or np.nan)


@pytest.mark.parametrize(
    "words",
    [
        ["cluster", "a.csv", "-k", "2", "--csv", "a.csv"],
        ["map", "a.csv", "--no-browser", "--csv", "./a.csv"],
        ["map", "a.csv", "--no-browser", "-o", "a.csv"],
        ["explore", "a.csv", "--no-browser", "--html", "a.csv"],
        ["pairs", "a.csv", "--at-least", "0", "--csv", "b", "--parquet", "b"],
        ["cluster", "a.csv", "-k", "2", "--csv", "b", "--parquet", "b"],
        ["dedupe", "v", "--removed", "v/part-1-0.parquet"],
    ],
    ids=" ".join,
)
def test_no_answer_takes_the_place_of_what_it_was_made_of(words, tmp_path) -> None:
    (tmp_path / "a.csv").write_text("x,y\n1,2\n3,4\n5,7\n")
    vw.save(vw.Vectors([[1.0, 2.0], [3.0, 4.0]]), tmp_path / "v")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    made = run(*words, cwd=tmp_path)
    assert made.returncode == 2, made.stdout
    assert "Give another name" in made.stderr or "a file of its own" in made.stderr
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_a_lone_carriage_return_comes_back(tmp_path) -> None:
    rows = pa.table({"text": ["a\rb", "c", 'd"\r\ne'], "n": [1, 2, 3]})
    write_rows(rows, tmp_path / "out.csv")
    assert vw.read(tmp_path / "out.csv").to_pydict() == rows.to_pydict()


def test_float32_is_written_as_short_as_it_reads_back_whatever_the_name(tmp_path) -> None:
    values = [0.1, None, 1e-40, 3e38, float("inf"), -0.0]
    rows = pa.table({"n": list(range(6)), "x": pa.array(values, pa.float32())})
    write_rows(rows, tmp_path / "out.dat", ".csv")
    lines = (tmp_path / "out.dat").read_text().splitlines()
    assert lines[:3] == ["n,x", "0,0.1", "1,"]
    back = vw.read(tmp_path / "out.dat", format="csv").column("x").cast(pa.float32())
    assert back.to_pylist() == rows.column("x").to_pylist()
