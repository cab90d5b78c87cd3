"""What the commands say: true of odd rows, in their own options, with words that agree with their numbers."""

from __future__ import annotations

import json

import numpy as np
import pytest

import vecwise as vw
from conftest import EXAMPLES
from test_cli import check_refused, run
from vecwise.cli.maps import COMPILED
from vecwise.cli.printing import say
from vecwise.cli.speaking import spoken
from vecwise.errors import Inapplicable, OutOfRange, UnknownName

OPTIONS = {"at_least": "--at-least", "k": "-k", "most": "--most", "method": "--method", "text": "--text"}
SEVEN = "id,x,y\na,0,0\nb,0,0\nc,1,2\nd,1,2\ne,1,0\nf,0,3\ng,5,5\n"


@pytest.fixture
def points(tmp_path):
    """A file of four vectors without rows, the last of zeros."""
    np.save(tmp_path / "x.npy", np.array([[1, 2, 3], [1, 2, 3.5], [3, 0, 0], [0, 0, 0]], np.float32))
    return tmp_path


def test_explain_says_that_rows_are_identical_or_zero(tmp_path) -> None:
    (tmp_path / "t.csv").write_text(SEVEN)

    def said(a: str, b: str, metric: str) -> str:
        made = run("explain", "t.csv", a, b, "--ids", "id", "--metric", metric, cwd=tmp_path)
        assert made.returncode == 0, made
        assert "share nothing" not in made.stdout or (a, b) == ("e", "f")
        return " ".join(made.stdout.split())

    assert "They are identical. No part makes a distance." in said("c", "d", "euclidean")
    assert "They are identical. The feature “y” makes 80% of the cosine." in said("c", "d", "cosine")
    assert "Both rows are all zeros: they are identical." in said("a", "b", "euclidean")
    assert "Both rows are all zeros, and a row of zeros has no direction" in said("a", "b", "cosine")
    assert "Row a is all zeros, and" in said("a", "c", "cosine")
    assert "Row b is all zeros, so nothing adds to the inner product." in said("c", "a", "dot")
    assert "They share nothing" in said("e", "f", "dot")
    assert "a b squared difference share" in said("c", "g", "euclidean")


def test_a_blank_text_has_no_vector(tmp_path) -> None:
    data = json.loads(run("similar", "", "A dog", "--json").stdout)
    assert (data["cosine"], data["dot"], data["euclidean"]) == (None, 0, pytest.approx(1, abs=1e-6))
    assert "all zeros (a blank text" in run("similar", " ", "").stdout
    assert vw.similar("A dog", "A dog").cosine == 1
    (tmp_path / "t.txt").write_text("We looked up into the sky\n\nIt was raining\n")
    assert run("encode", "t.txt", "-o", "v", "--encoder", "sentence", cwd=tmp_path).returncode == 0
    kept = vw.open(tmp_path / "v")
    assert (vw.norms(kept) > 0).tolist() == [True, False, True]
    assert "unit" not in kept.space.claims
    assert "1 of 3 rows is all zeros: `1`" in run("health", "v", cwd=tmp_path).stdout
    check_refused(run("nearest", "v", "", cwd=tmp_path), "query is blank")
    check_refused(
        run("nearest", "v", "--row", "1", cwd=tmp_path), "“row 1” is all zeros", "--metric euclidean"
    )
    assert "no value" in run("nearest", "v", "clouds", cwd=tmp_path).stdout.splitlines()[-1]


def test_blank_texts_are_the_same_alone_and_in_a_batch() -> None:
    encoder = vw.SentenceEncoder()
    made = encoder.transform(["the sea", "", " \t ", "the sky"])
    assert not made[1:3].any()
    assert np.allclose(np.linalg.norm(made[[0, 3]], axis=1), 1, atol=1e-6)
    assert not encoder.transform([""]).any()
    assert encoder.map_(vw.encode(["the sea"], "sentence").rows).space.claims == {"unit"}


def test_a_query_of_unknown_words_is_refused_with_the_reason() -> None:
    lyrics = str(EXAMPLES / "lyrics.txt")
    check_refused(
        run("nearest", lyrics, "qxqx", "--encoder", "tfidf"), "knows nothing of “qxqx”", "all zeros"
    )
    rows = run("nearest", lyrics, "qxqx", "--encoder", "count", "--metric", "euclidean", "-k", "2")
    assert rows.returncode == 0  # a distance from zeros is a number


def test_a_vector_may_be_typed(points) -> None:
    made = run("nearest", "x.npy", "[1, 2, 3]", "-k", "2", "--metric", "euclidean", cwd=points)
    assert made.returncode == 0, made
    assert made.stdout.splitlines()[1].split() == ["0", "0", "(1,", "2,", "3)"]
    check_refused(run("nearest", "x.npy", "[1, 2]", cwd=points), "2 numbers", "3 each")
    check_refused(run("nearest", "x.npy", "[1, 2, NaN]", cwd=points), "NaN or infinity")
    check_refused(run("nearest", "x.npy", '[1, 2, "x"]', cwd=points), "something else than numbers")
    check_refused(run("nearest", "x.npy", "[1, 2", cwd=points), "looks like a vector in JSON and is none")
    check_refused(run("nearest", "x.npy", "the sea", cwd=points), "3 numbers as JSON", "--row ID")
    check_refused(run("nearest", "x.npy", "[0, 0, 0]", cwd=points), "is all zeros")


def test_vectors_without_rows_are_told_by_their_coordinates(points) -> None:
    made = run("pairs", "x.npy", "--at-least", "0.9", cwd=points).stdout
    assert "1  (1, 2, 3.5)" in made
    assert "1 zero row has no direction and is in no pair." in made


def test_dedupe_keeps_vectors_as_vectors(points) -> None:
    made = run("dedupe", "x.npy", "--near", "0.99", "--keep", "thin.npy", cwd=points)
    assert made.returncode == 0, made
    assert "1 of 4 rows repeats an earlier one, 3 stay" in made.stdout
    assert np.load(points / "thin.npy").tolist() == [[1, 2, 3], [3, 0, 0], [0, 0, 0]]
    assert run("dedupe", "x.npy", "--keep", "thin", cwd=points).returncode == 0
    assert len(vw.open(points / "thin")) == 4
    check_refused(run("dedupe", "x.npy", "--keep", "thin.csv", cwd=points), "--keep DIR", "--keep OUT.npy")


def test_refusals_speak_the_options_of_the_command(points) -> None:
    (points / "t.csv").write_text(SEVEN)

    def refused(words: str, *said: str) -> None:
        made = run(*words.split(), cwd=points)
        check_refused(made, *said)
        assert "at_least" not in made.stderr
        assert "=" not in made.stderr

    refused("pairs x.npy --metric euclidean --at-least 0.5", "give `--at-most`, not `--at-least`")
    refused("pairs x.npy -k 2 --at-least 0.5", "Leave out `--at-least`")
    refused("pairs x.npy --at-least -1 --metric cosine --most 2", "more: `--most ")
    refused("dedupe x.npy --near 2", "`--near` is 2")
    refused("cluster x.npy -k 0", "`-k` is the number of clusters")
    refused("cluster x.npy --method density -k 2", "--method density finds the number", "Leave out `-k`")
    refused("map x.npy --method tsne --dim 2 --no-html", "Use --method pca")
    refused("map x.npy --neighbors 1 --no-html", "`--neighbors` is a number of rows")
    refused("health t.csv --ids x", "`--ids` must be unique")
    refused(
        "encode t.csv -o v --rejects r.txt", "`--rejects` is for rows that are left out: `--bad-rows skip`."
    )


def test_what_only_looks_like_an_option_stays() -> None:
    assert spoken(UnknownName("There is no column `text`."), OPTIONS) == "There is no column `text`."
    assert spoken(OutOfRange("Column `text` holds `k`."), OPTIONS) == "Column `text` holds `-k`."
    assert spoken(Inapplicable('method="density" and p=2'), OPTIONS) == "--method density and p=2"
    assert spoken(OutOfRange("more: `most=2_000`, or `k=10`."), OPTIONS) == "more: `--most 2000`, or `-k 10`."
    twice = "Name one: text=… (--text COLUMN)."
    assert spoken(UnknownName(twice), OPTIONS) == "Name one: --text COLUMN."
    assert spoken(OutOfRange("`at_least` is 2"), {}) == "`at_least` is 2"


def test_health_tells_identical_rows_and_shares_that_are_not_whole(tmp_path) -> None:
    same = np.ones((3, 2))
    np.save(tmp_path / "same.npy", same)
    made = run("health", "same.npy", cwd=tmp_path).stdout
    assert "standard deviation of a dimension from 0 to 0, median 0" in made
    assert vw.health(same).spread == (0, 0, 0)
    assert vw.health(np.zeros((0, 2))).to_dict()["spread"]["max"] is None
    filled = np.ones((200, 1))
    filled[0] = 0
    np.save(tmp_path / "almost.npy", filled)
    assert "99.5% of the cells are not zero" in run("health", "almost.npy", cwd=tmp_path).stdout


def test_a_row_without_a_split_is_named(tmp_path) -> None:
    (tmp_path / "t.csv").write_text("id,x,y,split\na,1,2,train\nb,2,3,\nc,3,1,test\nd,0,1,\n")
    made = run("health", "t.csv", "--ids", "id", "--split", "split", cwd=tmp_path)
    check_refused(made, "2 rows name no split: `b`, `d`")


def test_clusters_say_what_their_silhouette_is_of(tmp_path) -> None:
    (tmp_path / "t.csv").write_text(SEVEN)
    made = run("cluster", "t.csv", "--ids", "id", "--metric", "cosine", cwd=tmp_path).stdout
    assert "(of rows at length 1)" in made
    assert (
        "of rows at"
        not in run("cluster", "t.csv", "--ids", "id", "--metric", "euclidean", cwd=tmp_path).stdout
    )


def test_few_rows_are_told_that_pca_would_do(tmp_path) -> None:
    rows = "x,y,z\n" + "".join(f"{i},{i * i % 7},{i % 3}\n" for i in range(20))
    (tmp_path / "t.csv").write_text(rows)
    made = run("map", "t.csv", "--method", "tsne", "--no-html", cwd=tmp_path)
    assert made.returncode == 0, made
    assert "Of 20 rows the components show nearly as much, and at once: --method pca." in made.stdout


def test_what_goes_on_is_said_at_a_terminal_alone(monkeypatch, capsys) -> None:
    say("quiet")
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    say("UMAP is compiling \x1b[31m")
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "UMAP is compiling \ufffd[31m\n")
    assert set(COMPILED) == {"umap", "pacmap"}
