"""The command `probe`, as whole processes: the models, the page, the predictions, the refusals."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import vecwise as vw
from conftest import EXAMPLES, check_refused, run

HOUSES = str(EXAMPLES / "houses.csv")
QUICK = ("--sample", "400", "--model", "linear,neighbors", "--folds", "3")


def test_probe_tells_models_reasons_and_mistakes(tmp_path: Path) -> None:
    made = run(
        "probe", HOUSES, "--target", "price", *QUICK, "--html", "p.html", "--csv", "p.csv", cwd=tmp_path
    )
    assert (made.returncode, made.stderr) == (0, "")
    assert max(map(len, made.stdout.splitlines())) <= 100
    for words in ("price from TableEncoder, 400 rows", "over 3 folds", "always saying the mean", "What matters to",
                  "Told worst", "sqft_living"):  # fmt: skip
        assert words in " ".join(made.stdout.split()), words
    page = (tmp_path / "p.html").read_text(encoding="utf-8")
    assert "price predicted" in page
    assert "predicted too high by" in page
    told = vw.read(tmp_path / "p.csv")
    prices = vw.read(HOUSES).column("price")
    assert told.column_names == ["id", "price", "predicted"]
    assert told["price"].to_pylist() == prices.take(told["id"]).to_pylist()


def test_the_numbers_as_json_are_those_of_the_function(tmp_path: Path) -> None:
    made = run(
        "probe", HOUSES, "--target", "waterfront", "--model", "linear", "--folds", "2", "--json", cwd=tmp_path
    )
    data = json.loads(made.stdout)
    found = vw.probe(HOUSES, "waterfront", model="linear", folds=2)
    assert (data["best"], data["task"], data["classes"]) == ("linear", "classes", ["false", "true"])
    assert data["score"] == pytest.approx(found.score)
    assert data["models"][1]["accuracy"]["mean"] == pytest.approx(found.score)
    assert data["importance"] == pytest.approx(found.importance)
    assert data["written"] == []


def test_vectors_that_were_saved_are_probed_by_a_column_of_their_rows(tmp_path: Path) -> None:
    rows = vw.read(HOUSES).slice(0, 200)
    X = vw.encode(rows.drop_columns(["price"]))
    vw.save(vw.Vectors(X, rows=rows, space=X.space), tmp_path / "houses")
    made = run("probe", "houses", "--target", "price", "--model", "linear", "--json", cwd=tmp_path)
    assert json.loads(made.stdout)["score"] == pytest.approx(vw.probe(X, rows["price"], model="linear").score)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((HOUSES, "--target", "prise"), "prise"),
        ((HOUSES, "--target", "price", "--model", "forest"), "forest"),
        ((HOUSES, "--target", "price", "--group", "id", "--order", "date", "--sample", "50"), "not by both"),
        (("one.csv", "--target", "kind"), "same target"),
        (("few.csv", "--target", "kind"), "fewer rows than the 5 folds"),
        (("v.npy", "--target", "kind"), "kind"),
        ((HOUSES, "--target", "price", "--csv", HOUSES), "never overwritten"),
    ],
)
def test_what_cannot_be_probed_is_refused(tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    (tmp_path / "one.csv").write_text("size,kind\n" + "".join(f"{i},a\n" for i in range(20)))
    (tmp_path / "few.csv").write_text("size,kind\n" + "".join(f"{i},{'ab'[i > 18]}\n" for i in range(20)))
    np.save(tmp_path / "v.npy", np.eye(20))
    check_refused(run("probe", *words, cwd=tmp_path), said)


def test_a_saved_model_predicts_a_file_and_the_answers_are_those_of_python(tmp_path: Path) -> None:
    told = run("probe", HOUSES, "--target", "price", *QUICK, "--save", "m", "--json", cwd=tmp_path)
    assert json.loads(told.stdout)["written"] == ["m"]
    made = run("predict", "m", HOUSES, "--csv", "said.csv", "--sample", "50", cwd=tmp_path)
    assert (made.returncode, made.stderr) == (0, "")
    assert max(map(len, made.stdout.splitlines())) <= 100
    said = vw.read(tmp_path / "said.csv")
    assert said.column_names == ["id", "price"]
    rows = vw.read(HOUSES).take(said["id"])
    np.testing.assert_allclose(
        said["price"].to_numpy(), vw.open_model(tmp_path / "m").predict(rows), rtol=1e-12
    )


def test_a_model_of_bare_vectors_predicts_bare_vectors(tmp_path: Path) -> None:
    x = np.random.default_rng(0).standard_normal((40, 3))
    vw.probe(x, x[:, 0] > 0, model="linear").chain().save(tmp_path / "m")
    np.save(tmp_path / "v.npy", x[:5])
    data = json.loads(run("predict", "m", "v.npy", "--json", cwd=tmp_path).stdout)
    assert [answer["said"] for answer in data["predictions"]] == (x[:5, 0] > 0).tolist()
    check_refused(run("predict", "m", HOUSES, cwd=tmp_path), "takes vectors")
    check_refused(run("predict", "none", HOUSES, cwd=tmp_path), "none")
