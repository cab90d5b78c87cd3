"""The command `fit-encoder`, as whole processes: what is learned, saved, drawn, used on new rows, and refused."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vecwise as vw
from conftest import check_refused, run
from vecwise.tracking.records import all_runs

NAMES = [f"c{i}" for i in range(10)]


def numbers(rows: int = 20, seed: int = 0) -> tuple[np.ndarray, list[str]]:
    """Six kinds that six quiet columns tell, beside four loud ones."""
    rng = np.random.default_rng(seed)
    kind = np.repeat(np.arange(6), rows)
    quiet = 0.3 * np.eye(6)[kind] + 0.1 * rng.standard_normal((len(kind), 6))
    return np.hstack([quiet, rng.standard_normal((len(kind), 4))]).round(4), [f"kind {k}" for k in kind]


def write(path: Path, names: list[str], rows: Any) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(names)
        writer.writerows(rows)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    x, kinds = numbers()
    write(
        tmp_path / "t.csv",
        [*NAMES, "kind"],
        [[*row, kind] for row, kind in zip(x.tolist(), kinds, strict=True)],
    )
    more, _ = numbers(2, seed=1)
    write(tmp_path / "new.csv", NAMES, more.tolist())
    write(tmp_path / "pairs.csv", ["a", "b"], [(i, i + 1) for i in range(0, 120, 2)])
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "new.npy", more)
    return tmp_path


def test_labels_make_an_encoder_of_new_rows(folder: Path) -> None:
    made = run("fit-encoder", "t.csv", "--labels", "kind", "-o", "closer", "--html", "p.html", cwd=folder)
    assert (made.returncode, made.stderr) == (0, "")
    assert max(map(len, made.stdout.splitlines())) <= 100
    for words in ("It helps", "of 24 held-out rows", "mean reciprocal rank", "--encoder closer"):
        assert words in made.stdout, words
    page = (folder / "p.html").read_text(encoding="utf-8")
    assert "before" in page
    assert "held out" in page
    # New rows, which have no column of labels, go the whole way: as in Python, to the bit.
    assert run("encode", "new.csv", "--encoder", "closer", "-o", "near", cwd=folder).returncode == 0
    rows = vw.read(folder / "t.csv")
    X = vw.encode(rows.drop_columns(["kind"]))
    found = vw.fit_encoder(X, labels=rows.column("kind"))
    fresh = found(X.encoder(vw.read(folder / "new.csv")))
    np.testing.assert_array_equal(vw.open(folder / "near").values, fresh.values)
    assert vw.open(folder / "near").space.same_axes(found.target)
    for words in (
        ("nearest", "t.csv", "--row", "3", "-k", "2"),
        ("map", "t.csv", "--no-html"),
        ("health", "t.csv"),
    ):
        assert run(*words, "--encoder", "closer", cwd=folder).returncode in (0, 1), words
    near = json.loads(
        run("nearest", "t.csv", "--row", "3", "--encoder", "closer", "--json", cwd=folder).stdout
    )
    assert sum(n["id"] < 20 for n in near["neighbors"]) >= 8
    told = run("probe", "t.csv", "--target", "kind", "--model", "linear", "--encoder", "closer", cwd=folder)
    assert "learned from the labels `kind`" in told.stdout  # a probe of what was learned from flatters
    assert "learned" in run("trace", "closer", "new.csv", cwd=folder).stdout


def test_the_numbers_are_those_of_the_function(folder: Path) -> None:
    made = run(
        "fit-encoder", "x.npy", "--pairs", "pairs.csv", "-o", "closer", "--json", "--seed", "3", cwd=folder
    )
    data = json.loads(made.stdout)
    pairs = [(i, i + 1) for i in range(0, 120, 2)]
    found = vw.fit_encoder(np.load(folder / "x.npy"), pairs=pairs, seed=3)
    assert data["before"] == pytest.approx(found.before)
    assert data["after"] == pytest.approx(found.after)
    assert tuple(data["gain"].values()) == pytest.approx(found.gain)
    assert data["improved"] is found.improved
    assert made.returncode == int(not found.improved)
    assert data["words"] == found.words


def test_vectors_of_ones_own_go_on_through_it(folder: Path) -> None:
    made = run("fit-encoder", "x.npy", "--pairs", "pairs.csv", "-o", "closer", "--dim", "3", cwd=folder)
    assert made.returncode in (0, 1)
    assert "encode VECTORS --encoder closer" in made.stdout
    assert run("encode", "new.npy", "--encoder", "closer", "-o", "near", cwd=folder).returncode == 0
    weights = vw.open_encoder(folder / "closer").map_.arrays
    truth = (np.load(folder / "new.npy") - weights["mean"]) @ weights["weights"]
    np.testing.assert_allclose(vw.open(folder / "near").values, truth, atol=1e-12)
    np.testing.assert_allclose(
        vw.encode(folder / "new.npy", str(folder / "closer")).values, truth, atol=1e-12
    )
    health = json.loads(run("health", "new.npy", "--encoder", "closer", "--json", cwd=folder).stdout)
    assert health["space"]["dim"] == 3
    check_refused(
        run("encode", "t.csv", "--encoder", "closer", "-o", "z", cwd=folder), "takes vectors and no rows"
    )
    np.save(folder / "wide.npy", np.ones((4, 11)))
    check_refused(run("encode", "wide.npy", "--encoder", "closer", "-o", "z", cwd=folder), "11 dimensions")


def test_saved_vectors_go_on_and_answer_in_words(tmp_path: Path) -> None:
    foods = [
        "red apple pie",
        "green apple tart",
        "apple and pear",
        "sweet apple cake",
        "apple juice",
        "an apple a day",
    ]
    bolts = [
        "steel bolt",
        "iron nail and bolt",
        "copper bolt",
        "zinc screw and bolt",
        "rusty bolt",
        "bolt is loose",
    ]
    write(
        tmp_path / "s.csv", ["line", "kind"], [*((f, "food") for f in foods), *((b, "metal") for b in bolts)]
    )
    run("encode", "s.csv", "--encoder", "sentence", "--text", "line", "-o", "meaning", cwd=tmp_path)
    made = run("fit-encoder", "meaning", "--labels", "kind", "--dim", "4", "-o", "closer", cwd=tmp_path)
    assert made.returncode == 1  # there are too few held-out rows to tell; it is saved all the same
    assert "saved all the same" in made.stdout
    for where in ("meaning", "s.csv"):
        near = run(
            "nearest", where, "a green apple", "-k", "3", "--encoder", "closer", "--json", cwd=tmp_path
        )
        assert {n["id"] for n in json.loads(near.stdout)["neighbors"]} <= set(range(6)), near.stderr
    # What went through it already stays as it is.
    run("encode", "meaning", "--encoder", "closer", "-o", "near", cwd=tmp_path)
    run("encode", "near", "--encoder", "closer", "-o", "again", cwd=tmp_path)
    np.testing.assert_array_equal(vw.open(tmp_path / "again").values, vw.open(tmp_path / "near").values)
    # Pairs may be named by their texts.
    write(tmp_path / "p.csv", ["a", "b"], [*zip(foods[::2], foods[1::2], strict=True), *zip(bolts[::2], bolts[1::2],
                                                                                         strict=True)])  # fmt: skip
    made = run("fit-encoder", "meaning", "--pairs", "p.csv", "-o", "by_text", cwd=tmp_path)
    assert "judged pairs" in made.stdout
    write(tmp_path / "p.csv", ["a", "b"], [(foods[0], "no such line")])
    check_refused(
        run("fit-encoder", "meaning", "--pairs", "p.csv", "-o", "o", cwd=tmp_path), "no such line", "texts"
    )


def test_noise_ends_with_one_and_says_so(tmp_path: Path) -> None:
    x = np.random.default_rng(0).standard_normal((80, 5)).round(3)
    write(
        tmp_path / "n.csv",
        ["a", "b", "c", "d", "e", "kind"],
        [[*row, "xyz"[i % 3]] for i, row in enumerate(x)],
    )
    made = run("fit-encoder", "n.csv", "--labels", "kind", "-o", "o", cwd=tmp_path)
    assert made.returncode == 1
    assert "does not clearly help" in made.stdout or "worse" in made.stdout
    assert (tmp_path / "o" / "_encoder.json").is_file()


def test_a_column_of_a_vocabulary_word_is_no_leak(tmp_path: Path) -> None:
    write(tmp_path / "s.csv", ["line", "kind"], [(f"a kind word {i}", "ab"[i % 2]) for i in range(30)])
    made = run(
        "fit-encoder",
        "s.csv",
        "--labels",
        "kind",
        "--text",
        "line",
        "--encoder",
        "count",
        "-o",
        "o",
        cwd=tmp_path,
    )
    assert made.returncode in (0, 1), made.stderr


def table(kind: Any, x: np.ndarray | None = None) -> list[list[Any]]:
    rows = numbers()[0] if x is None else x
    return [[*row, kind(i)] for i, row in enumerate(rows.tolist())]


BAD_LABELS = {
    "one class": (table(lambda i: "one"), "same target"),
    "no label": (table(lambda i: ""), "`kind` is empty"),
    "an id": (table(lambda i: f"r{i}"), "Labels of one row"),
    "too few rows": (table(lambda i: "ab"[i % 2])[:6], "at least 6 rows of one"),
    "one row": (table(lambda i: "a")[:1], "too few rows"),
}


@pytest.mark.parametrize("name", list(BAD_LABELS))
def test_labels_that_cannot_be_learned_from_are_refused(tmp_path: Path, name: str) -> None:
    rows, words = BAD_LABELS[name]
    write(tmp_path / "t.csv", [*NAMES, "kind"], rows)
    check_refused(run("fit-encoder", "t.csv", "--labels", "kind", "-o", "o", cwd=tmp_path), words)
    assert not (tmp_path / "o").exists()


def test_gaps_and_single_labels_are_left_out_and_counted(tmp_path: Path) -> None:
    _, kinds = numbers()
    write(
        tmp_path / "t.csv",
        [*NAMES, "kind"],
        table(lambda i: "alone" if i == 5 else kinds[i] if i % 9 else ""),
    )
    made = run("fit-encoder", "t.csv", "--labels", "kind", "-o", "o", cwd=tmp_path)
    assert made.returncode == 0
    assert "left out: 1 label of one row (`alone`) and 14 rows without a label" in made.stdout


def test_constant_columns_teach_nothing(tmp_path: Path) -> None:
    write(tmp_path / "t.csv", [*NAMES, "kind"], table(lambda i: "ab"[i % 2], np.ones((40, 10))))
    made = run("fit-encoder", "t.csv", "--labels", "kind", "-o", "o", cwd=tmp_path)
    assert made.returncode == 1, made.stderr
    assert "does not clearly help" in made.stdout


BAD_PAIRS = {
    "unknown": ([(0, 1), (3, 999)], ["a", "b"], "`999`"),
    "selves": ([(3, 3), (4, 4)], ["a", "b"], "with itself"),
    "scores": ([(0, 1, 0.5), (2, 3, 0.7)], ["a", "b", "score"], "leave the scores out"),
    "columns": ([(0, 1)], ["left", "right"], "no column of pairs `a`"),
    "empty side": ([(0, 1), (2, "")], ["a", "b"], "pair 1 (counted from 0)"),
    "one group": ([(i, i + 1) for i in range(119)], ["a", "b"], "1 group of rows"),
    "no pairs": ([], ["a", "b"], "no row below it"),
}


@pytest.mark.parametrize("name", list(BAD_PAIRS))
def test_pairs_that_cannot_be_learned_from_are_refused(folder: Path, name: str) -> None:
    rows, names, words = BAD_PAIRS[name]
    write(folder / "bad.csv", names, rows)
    check_refused(run("fit-encoder", "x.npy", "--pairs", "bad.csv", "-o", "o", cwd=folder), words)


def test_pairs_of_a_row_with_itself_are_left_out_and_counted(folder: Path) -> None:
    write(folder / "p.csv", ["a", "b"], [*((i, i + 1) for i in range(0, 120, 2)), (7, 7)])
    made = run("fit-encoder", "x.npy", "--pairs", "p.csv", "-o", "o", cwd=folder)
    assert "left out: 1 pair of a row with itself" in made.stdout


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("t.csv",), "--labels or from --pairs"),
        (("t.csv", "--labels", "kind", "--pairs", "pairs.csv"), "give one of them"),
        (("t.csv", "--labels", "colour"), "no column `colour`"),
        (("t.csv", "--labels", "kind", "--columns", "c0,kind"), "column `kind` itself"),
        (("t.csv", "--labels", "kind", "--dim", "11"), "`--dim` is at most the 10"),
        (("t.csv", "--labels", "kind", "--held-out", "0.9"), "`--held-out`"),
        (("x.npy", "--labels", "kind"), "carry no rows"),
        (("t.csv", "--labels", "kind", "--html", "closer"), "named for two answers"),
    ],
)
def test_what_is_asked_wrongly_is_refused(folder: Path, words: tuple[str, ...], told: str) -> None:
    check_refused(run("fit-encoder", *words, "-o", "closer", cwd=folder), told)


@pytest.mark.slow
def test_it_is_a_run_whose_encoder_can_be_registered(folder: Path, home: Path) -> None:
    pytest.importorskip("mlflow")
    run("fit-encoder", "t.csv", "--labels", "kind", "-o", "closer", cwd=folder)
    last = all_runs().runs[-1]
    assert (last.kind, last.status) == ("fit-encoder", "done")
    assert [entry["kind"] for entry in last.results] == ["encoder"]
    assert last.metrics["after.precision@10"] > last.metrics["before.precision@10"]
    assert run("models", "register", "last", "kinds", "--alias", "champion", cwd=folder).returncode == 0
    made = run("encode", "new.csv", "--encoder", "models:/kinds@champion", "-o", "near", cwd=folder)
    assert made.returncode == 0, made.stderr
