"""What a fresh user tries first: the examples of the help, and answers that say what they are."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator

import click
import numpy as np
import pyarrow.csv as pa_csv
import pytest

import vecwise as vw
from conftest import EXAMPLES, run
from test_tracking_importing import losses, written
from vecwise.cli import app
from vecwise.cli.printing import printable
from vecwise.errors import EmptyQuery, MissingValue, UnknownName, WrongEncoding
from vecwise.store.conditions import condition
from vecwise.structure.function_words import function_words
from vecwise.telling.clustered import _whole_parts
from vecwise.tracking.choosing import fitting
from vecwise.tracking.records import Run

_EXAMPLE = re.compile(r"^ *(?:Example: |For example: )?(vecwise .+?)(?: ; .*)?$", re.MULTILINE)
_SLOW = ("--method umap", "--text sentence", "models register")  # compile, read a model, load MLflow


def _commands(group: click.Group, *before: str) -> Iterator[tuple[str, click.Command]]:
    for name, one in group.commands.items():
        yield " ".join((*before, name)), one
        if isinstance(one, click.Group):
            yield from _commands(one, *before, name)


EXAMPLES_OF = {name: _EXAMPLE.findall(one.help or "") for name, one in _commands(app)}


@pytest.fixture
def folder(tmp_path, monkeypatch, home):
    """A folder with the files that the examples name, shortened."""
    (tmp_path / "examples").mkdir()
    for name, take in (("houses", slice(None, None, 60)), ("speeches", slice(None, 400))):
        table = vw.read(EXAMPLES / f"{name}.csv")
        some = table.take(np.arange(table.num_rows)[take].tolist())
        pa_csv.write_csv(some, tmp_path / "examples" / f"{name}.csv")
        pa_csv.write_csv(some, tmp_path / ("houses.csv" if name == "houses" else "reviews.csv"))
    lines = (EXAMPLES / "lyrics.txt").read_text(encoding="utf-8").splitlines()[:120]
    for name in ("lyrics.txt", "songs.txt", "sentences.txt", "examples/lyrics.txt"):
        some = lines if name.startswith("examples") else lines[:40]
        (tmp_path / name).write_text("\n".join(some) + "\n")
    rows = np.random.default_rng(0).standard_normal((30, 3))
    for name in ("points.npy", "embeddings.npy"):
        np.save(tmp_path / name, rows)
    written(tmp_path / "logs", losses(3))
    monkeypatch.chdir(tmp_path)
    vw.save(vw.Vectors(rows), "vectors")
    return tmp_path


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::ResourceWarning")
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.slow] if any(s in e for e in told for s in _SLOW) else [])
        for name, told in EXAMPLES_OF.items()
        if told
    ],
)
def test_the_examples_of_the_help_can_be_given(folder, name) -> None:
    if name == "models register":
        pytest.importorskip("mlflow")
        app.main(
            shlex.split("probe examples/houses.csv --target price --model linear --save prices"),
            standalone_mode=False,
        )
    for example in EXAMPLES_OF[name]:
        status = app.main(shlex.split(example)[1:], standalone_mode=False)
        assert status in ((0, 1) if name in ("health", "runs import", "choose") else (0,)), example


def test_there_are_examples() -> None:
    assert {"nearest", "pairs", "dedupe", "cluster", "map", "explain", "probe", "runs"} <= {
        name for name, told in EXAMPLES_OF.items() if told
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("shore = 1", [0]),
        ("shore = 0", [1]),
        ("shore in (0, 1)", [0, 1]),
        ("shore != 1.0", [1]),
        ("shore = true", [0]),
    ],
)
def test_one_and_zero_compare_with_true_and_false(text, expected) -> None:
    import pyarrow as pa

    rows = pa.table({"shore": [True, False, None], "place": [0, 1, 2]})
    assert rows.filter(condition(text, rows.schema)).column("place").to_pylist() == expected


def test_no_other_number_compares_with_true_and_false() -> None:
    import pyarrow as pa

    from vecwise.errors import BadCondition

    with pytest.raises(BadCondition, match="true or false"):
        condition("shore = 2", pa.schema({"shore": pa.bool_()}))


def test_runs_without_that_metric_are_none_and_a_wrong_name_is_said(folder) -> None:
    assert run("similar", "sea", "sky", "--encoder", "count", cwd=folder).returncode == 0
    asked = run("runs", "--where", "kind = similar", "--sort", "vectors.rows", cwd=folder)
    assert asked.returncode == 0, asked.stderr
    assert "no run has the metric `vectors.rows`" in asked.stdout
    assert "no run fulfils that" in run("runs", "--where", "kind = explore", cwd=folder).stdout
    wrong = run("runs", "--where", "kindd = dedupe", cwd=folder)
    assert wrong.returncode == 2
    assert "`kindd`" in wrong.stderr
    assert "`kind`" in wrong.stderr


def test_a_name_that_no_run_has_is_refused() -> None:
    runs = [Run("a", metrics={"r2": 0.9}), Run("b")]
    with pytest.raises(UnknownName, match="Did you mean `r2`"):
        fitting(runs, ["r3 > 1"])
    assert fitting([], ["r3 > 1"]) == []


def test_no_bound_and_no_score_is_rounded_to_one(folder) -> None:
    rows = np.array([[1, 0, 0], [1, 1e-3, 0], [0, 1, 2], [2, 0, 0]])
    np.save("near.npy", rows)
    made = run("dedupe", "near.npy", "--metric", "cosine", "--near", "0.9999999", cwd=folder).stdout
    assert "at least 0.9999999:" in made
    made = run("dedupe", "near.npy", "--metric", "cosine", "--near", "0.999999", cwd=folder).stdout
    assert " 0.9999995  1" in made
    assert " 0.9999995  1" in run("nearest", "near.npy", "--row", "0", cwd=folder).stdout
    assert " 1  3" in run("nearest", "near.npy", "--row", "0", cwd=folder).stdout
    assert "0.9999995" in run("pairs", "near.npy", cwd=folder).stdout
    assert "0.9999995" in run("pairs", "near.npy", "--at-least", "0.5", cwd=folder).stdout
    assert "0.9999995" in repr(vw.nearest(rows, rows[:1], metric="cosine"))


def test_the_only_row_has_no_other(folder) -> None:
    (folder / "one.csv").write_text("x,y\n1,2\n")
    (folder / "two.csv").write_text("x,y\n1,2\n3,4\n")
    assert "There is no other row.\n" in run("nearest", "one.csv", "--row", "0", cwd=folder).stdout
    assert "There is no other row.\n" in run("nearest", "one.csv", "--row", "0", "-k", "3", cwd=folder).stdout
    far = run("nearest", "two.csv", "--row", "0", "--radius", "0.01", cwd=folder).stdout
    assert "No row is that near." in far
    none = run("nearest", "two.csv", "--row", "0", "--where", "x = 1", cwd=folder).stdout
    assert "There is no other row like that." in none


def test_a_blank_text_is_refused_and_zero_queries_say_why_there_is_no_score() -> None:
    texts = vw.encode(["a b", "b c"], "count")
    for blank in ("", " \n"):
        with pytest.raises(EmptyQuery, match="blank"):
            vw.nearest(texts, blank)
    found = vw.nearest(texts, ["zzz", "a", "yyy"])
    assert np.isnan(found.scores[[0, 2]]).all()
    assert "2 queries of all zeros" in repr(found)
    assert "the query is all zeros" in repr(vw.nearest(texts, "zzz"))
    assert "every row is all zeros" in repr(vw.nearest(0 * texts, texts[0]))


def test_two_rows_are_explained_as_they_are_and_told_what_would_standardize_them(folder) -> None:
    houses = vw.encode("examples/houses.csv")
    alone, among = vw.explain(houses[0], houses[1]), vw.explain(houses[0], houses[1], among=houses)
    assert "among=X" in repr(alone)
    assert "among=X" in alone._repr_html_()
    assert "among" not in repr(among)
    assert "among" not in repr(vw.explain(houses[0], houses[1], metric="euclidean"))
    made = run("explain", "examples/houses.csv", "0", "1", "--json", cwd=folder)
    assert json.loads(made.stdout)["total"] == among.total


def test_no_rows_are_not_fine() -> None:
    texts = vw.encode(["a b", "b c"], "count")
    for empty in (texts[:0], np.zeros((0, 3))):
        found = vw.health(empty)
        assert found.verdict == "wrong"
        assert [check.reason for check in found.checks] == ["there are no rows"]
        assert "there are no rows" in repr(found)
    assert "fine" not in repr(vw.health(texts[:0]))


def test_a_column_named_as_one_of_the_answer_is_kept(folder) -> None:
    (folder / "own.csv").write_text("id,score,x\n70,5,1\n80,6,2\n90,7,4\n")
    made = run("nearest", "own.csv", "--row", "0", "--columns", "x", "--csv", "out.csv", cwd=folder)
    assert made.returncode == 0, made.stderr
    lines = (folder / "out.csv").read_text().replace('"', "").splitlines()
    assert lines[0] == "rank,id,score,id (column),score (column),x"
    assert [line.split(",")[3:] for line in lines[1:]] == [["80", "6", "2"], ["90", "7", "4"]]
    X = vw.encode("own.csv")
    assert vw.nearest(X, X[0]).to_pandas(rows=True)["id (column)"].tolist()[0] == 70


def test_clusters_by_cosine_say_what_their_distances_are(folder) -> None:
    by_cosine = run("cluster", "points.npy", "-k", "2", cwd=folder).stdout
    assert "Farthest from their centers, by Euclidean distance of rows at length 1\n" in by_cosine
    other = run("cluster", "points.npy", "-k", "2", "--metric", "euclidean", cwd=folder).stdout
    assert "Farthest from their centers\n" in other


def test_python_names_its_argument_and_the_command_its_option(folder) -> None:
    (folder / "lat.txt").write_bytes("café au lait\nthé\n".encode("latin-1"))
    (folder / "gap.csv").write_text("a,b\n1,2\n,3\n")
    refused = run("pairs", "lat.txt", cwd=folder)
    assert "Read it with `--encoding latin-1`.\n" in refused.stderr
    refused = run("health", "gap.csv", cwd=folder)
    assert "--missing mean or --missing median, or leave the column out by --columns.\n" in refused.stderr
    with pytest.raises(WrongEncoding, match='in Python: `encoding="latin-1"`'):
        vw.read("lat.txt")
    with pytest.raises(MissingValue, match='in Python: `missing="mean"`.*in Python: `columns=`'):
        vw.encode({"a": [1.0, None], "b": [2.0, 3.0]})


def test_joined_emoji_stay_joined_and_nothing_else_that_is_not_printed(folder) -> None:
    family = "\N{WOMAN}\u200d\N{WOMAN}\u200d\N{GIRL}"
    heart = "\N{HEAVY BLACK HEART}\ufe0f\u200d\N{FIRE}"
    (folder / "zwj.txt").write_text(f"{family} {heart} family\nplain words\n", encoding="utf-8")
    for words in (("nearest", "zwj.txt", "family", "--encoder", "count"), ("pairs", "zwj.txt")):
        assert f"{family} {heart}" in run(*words, cwd=folder).stdout
    assert printable("a\u200db\x1b[1m\u200d") == "a\ufffdb\ufffd[1m\ufffd"


def test_names_of_clusters_end_where_a_part_ends() -> None:
    assert _whole_parts("sqft_above low, grade low") == "sqft_above low, grade low"
    long = "sqft_above low, sqft_living15 low, sqft_living low"
    assert _whole_parts(long) == "sqft_above low, sqft_living15 low, …"
    assert len(_whole_parts("x" * 60 + ", y")) <= 40


def test_modal_verbs_and_numerals_name_no_cluster() -> None:
    words = ["the", "of", "and", "may", "ought", "must", "three", "000", "fiscal", "1914"]
    empty = function_words(words, np.array([9, 9, 9, 1, 1, 1, 1, 1, 1, 1]))
    assert empty.tolist() == [True] * 8 + [False] * 2
    assert not function_words(["000", "sea"], np.array([1, 1])).any()


def test_a_run_against_itself_moved_nothing(folder) -> None:
    assert run("encode", "lyrics.txt", "-o", "v", "--encoder", "count", cwd=folder).returncode == 0
    told = run("runs", "diff", "last", "last", cwd=folder).stdout
    assert "no row moved" in told
    assert "moved most" not in told
    shown = run("runs", "show", "last", cwd=folder).stdout
    assert re.search(r"\b1 column\b", shown)
