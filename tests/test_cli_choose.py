"""The command `choose`, as whole processes: the board, the sentence, the exit status, the refusals."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import vecwise as vw
from conftest import EXAMPLES, check_refused, run

HOUSES = str(EXAMPLES / "houses.csv")
SPEECHES = str(EXAMPLES / "speeches.csv")


def test_choose_tells_the_board_and_which_to_take(tmp_path: Path) -> None:
    made = run("choose", HOUSES, "--target", "price", "--sample", "400", "--csv", "b.csv", cwd=tmp_path)
    assert (made.returncode, made.stderr) == (0, "")
    assert max(map(len, made.stdout.splitlines())) <= 100
    for words in ("encoders on 400 rows", "Take table", "R²", "rows/s", "on disk", "5 folds",
                  "saying the same of every row reaches"):  # fmt: skip
        assert words in " ".join(made.stdout.split()), words
    board = vw.read(tmp_path / "b.csv")
    assert board["encoder"].to_pylist()[-1] == "table min-max"
    assert board.num_rows == 3


def test_the_numbers_as_json_are_those_of_the_function(tmp_path: Path) -> None:
    made = run("choose", HOUSES, "--target", "waterfront", "--encoders", "table,nothing", "--folds", "2", "--json",
               cwd=tmp_path)  # fmt: skip
    data = json.loads(made.stdout)
    found = vw.choose(HOUSES, "waterfront", encoders=["table"], folds=2)
    assert data["encoders"][0]["quality"] == found["table"].quality.mean
    assert data["words"] == found.words
    assert data["encoders"][1]["encoder"] == "nothing"
    assert "no encoder `nothing`" in data["encoders"][1]["failure"]
    assert made.returncode == (0 if data["recommended"] else 1)


def test_pairs_of_a_file_and_agreement(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("name,text\np,red apple\nq,green apple\nr,iron bolt\ns,steel bolt\n")
    (tmp_path / "pairs.csv").write_text("a,b\np,q\nr,s\n")
    named = ("choose", "rows.csv", "--text", "text", "--encoders", "count,tfidf")
    made = run(*named, "--ids", "name", "--pairs", "pairs.csv", "--json", cwd=tmp_path)
    data = json.loads(made.stdout)
    assert (data["metric"], data["encoders"][0]["quality"]) == ("mrr", 1.0)
    (tmp_path / "texts.csv").write_text("a,b,score\nred apple,green apple,5\nred apple,iron bolt,0\n")
    scored = run(*named, "--pairs", "texts.csv", "--json", cwd=tmp_path)
    assert json.loads(scored.stdout)["metric"] == "spearman"
    alone = run(*named, cwd=tmp_path)
    assert "nobody can say which is best" in " ".join(alone.stdout.split())
    assert alone.returncode == 0


def test_none_to_take_is_exit_status_1_and_a_saved_encoder_takes_part(tmp_path: Path) -> None:
    vw.save(vw.CountEncoder(column="sentence").fit(["the congress and the union"]), tmp_path / "few")
    made = run("choose", SPEECHES, "--target", "party", "--sample", "600", "--folds", "2", "--text", "sentence",
               "--encoders", "few", "--seed", "5", "--json", cwd=tmp_path)  # fmt: skip
    data = json.loads(made.stdout)
    assert data["encoders"][0]["dim"] == 4
    assert (made.returncode, data["recommended"]) == (1, None)
    rare = run("choose", SPEECHES, "--target", "party", "--sample", "60", "--text", "sentence", "--encoders", "count",
               cwd=tmp_path)  # fmt: skip
    assert rare.stderr == ""
    assert "without classes of fewer rows than folds" in " ".join(rare.stdout.split())
    nothing = run("choose", SPEECHES, "--encoders", "nothing", "--sample", "50", cwd=tmp_path)
    assert nothing.returncode == 1
    assert "Could not be tried" in nothing.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((HOUSES, "--target", "prise"), "prise"),
        ((HOUSES, "--target", "price", "--pairs", HOUSES), "not by both"),
        ((HOUSES, "--pairs", HOUSES), "column of pairs"),
        ((HOUSES, "--target", "price", "--encoder", "table"), "--encoders"),
        ((HOUSES, "--target", "price", "--set", "scale=standard"), "--set"),
        (
            (SPEECHES, "--target", "sentence", "--sample", "60", "--columns", "year"),
            "leave nothing to tell apart",
        ),
        (("nowhere.csv",), "nowhere.csv"),
    ],
)
def test_what_cannot_be_chosen_is_one_line(tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    check_refused(run("choose", *words, cwd=tmp_path), said)
