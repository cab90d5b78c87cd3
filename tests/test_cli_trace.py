"""The commands `trace` and `compare`, as whole processes: kept models, encoders, pages, refusals."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import vecwise as vw
from conftest import EXAMPLES, check_refused, run
from vecwise.models.skops_files import estimator_bytes

HOUSES = str(EXAMPLES / "houses.csv")
LYRICS = str(EXAMPLES / "lyrics.txt")


def test_a_kept_model_is_traced_with_its_encoder(tmp_path: Path) -> None:
    vw.probe(vw.read(HOUSES).slice(0, 300), "waterfront", model="network", folds=2).chain().save(
        tmp_path / "m"
    )
    made = run(
        *("trace", "m", HOUSES, "--target", "waterfront", "--sample", "1500"),
        *("--html", "p.html", "-o", "layers"),
        cwd=tmp_path,
    )
    assert (made.returncode, made.stderr) == (0, "")
    assert max(map(len, made.stdout.splitlines())) <= 100
    for words in (
        "layers of the model of waterfront, 1,500 rows",
        "linear accuracy",
        "hidden 1",
        "output",
        "CKA",
    ):
        assert words in made.stdout, words
    assert len(list((tmp_path / "layers").iterdir())) == 4
    assert "hidden 1" in (tmp_path / "p.html").read_text(encoding="utf-8")


def test_the_numbers_as_json_are_those_of_the_function(tmp_path: Path) -> None:
    X = np.random.default_rng(0).standard_normal((60, 3))
    labels = np.where(X[:, 0] > 0, "up", "down")
    np.savetxt(tmp_path / "x.csv", X, delimiter=",", header="a,b,c", comments="")
    lines = (tmp_path / "x.csv").read_text().splitlines()
    told = [f"{line},{label}" for line, label in zip(lines, ["sort", *labels], strict=True)]
    (tmp_path / "x.csv").write_text("\n".join(told) + "\n")
    model = make_pipeline(StandardScaler(), MLPClassifier((4,), max_iter=400, tol=1, random_state=0))
    model.fit(X, labels)
    (tmp_path / "net.skops").write_bytes(estimator_bytes(model))
    made = run("trace", "net.skops", "x.csv", "--target", "sort", "--json", "-k", "5", cwd=tmp_path)
    data = json.loads(made.stdout)
    found = vw.trace(model, X).summary(labels, k=5)
    assert [one["layer"] for one in data["layers"]] == ["input", "standardscaler", "hidden 1", "output"]
    assert [one["agreement"] for one in data["layers"]][2:] == pytest.approx(
        [one.agreement for one in found.layers][2:]
    )
    assert data["layers"][3]["probe"] == pytest.approx(found.layers[3].probe)
    assert data["cka"][2][3] == pytest.approx(found.cka[2, 3])


def test_an_encoder_is_traced_and_what_is_none_is_refused(tmp_path: Path) -> None:
    vw.save(vw.encode(vw.read(LYRICS).slice(0, 20), "sentence"), tmp_path / "lines")
    made = run("trace", "lines", LYRICS, "--sample", "200", cwd=tmp_path)
    assert "token average" in made.stdout
    assert "name a column of labels (--target)" in made.stdout
    (tmp_path / "net.pt").write_bytes(b"weights")
    check_refused(run("trace", "net.pt", LYRICS, cwd=tmp_path), "from Python", "vw.trace")
    check_refused(run("trace", "nothing", LYRICS, cwd=tmp_path), "no model at nothing")
    check_refused(run("trace", "lines", LYRICS, "--target", "colour", cwd=tmp_path), "colour")
    (tmp_path / "bad.skops").write_bytes(b"no zip")
    check_refused(run("trace", "bad.skops", HOUSES, cwd=tmp_path), "damaged")
    small = LogisticRegression().fit([[0.0], [1.0]], [0, 1])
    (tmp_path / "small.skops").write_bytes(estimator_bytes(small))
    check_refused(run("trace", "small.skops", HOUSES, "--sample", "50", cwd=tmp_path), "logisticregression")


def test_two_spaces_are_compared_with_a_status(tmp_path: Path) -> None:
    for name, encoder in (("meaning", "sentence"), ("words", "tfidf")):
        vw.save(vw.encode(vw.read(LYRICS).slice(0, 200), encoder), tmp_path / name)
    made = run("compare", "meaning", "words", "-k", "5", "--html", "both.html", cwd=tmp_path)
    assert (made.returncode, made.stderr) == (0, "")
    assert max(map(len, made.stdout.splitlines())) <= 100
    assert "of the 5 nearest rows are the same in both" in made.stdout
    assert "neighbours kept" in (tmp_path / "both.html").read_text(encoding="utf-8")
    data = json.loads(run("compare", "meaning", "words", "--json", cwd=tmp_path).stdout)
    found = vw.compare(vw.open(tmp_path / "meaning"), vw.open(tmp_path / "words"))
    assert data["cka"] == pytest.approx(found.cka)
    assert data["neighbours_kept"] == pytest.approx(found.overlap.mean)
    assert run("compare", "meaning", "words", "--least", "0.9", cwd=tmp_path).returncode == 1
    assert run("compare", "meaning", "meaning", "--least", "1", cwd=tmp_path).returncode == 0
    check_refused(run("compare", "meaning", "nothing", cwd=tmp_path), "nothing")
    check_refused(run("compare", "meaning", "words", "--least", "2", cwd=tmp_path), "--least")


def test_rows_that_moved_are_told_in_words(tmp_path) -> None:
    lines = [
        "the sea is deep",
        "a deep blue sea",
        "the sky is high",
        "a high grey sky",
        "an old tree",
        "the tree is old",
    ]
    rows = {"line": lines, "n": list(range(6))}
    vw.save(vw.encode(rows, "count", text="line"), tmp_path / "a")
    vw.save(vw.encode(rows, "tfidf", text="line"), tmp_path / "b")
    made = run("compare", "a", "b", "-k", "2", cwd=tmp_path)
    assert (made.returncode, made.stderr) == (0, "")
    assert "No row has other neighbours than before" in made.stdout
    vw.save(vw.Vectors(np.random.default_rng(0).normal(size=(6, 3)), rows=pa.table(rows)), tmp_path / "c")
    assert "the sea is deep" in run("compare", "a", "c", "-k", "2", cwd=tmp_path).stdout


def test_layers_are_named_by_patterns_and_unknown_ones_refused(tmp_path: Path) -> None:
    X = np.random.default_rng(0).standard_normal((40, 3))
    model = make_pipeline(StandardScaler(), MLPClassifier((4, 3), max_iter=400, tol=1, random_state=0))
    (tmp_path / "net.skops").write_bytes(estimator_bytes(model.fit(X, X[:, 0] > 0)))
    np.save(tmp_path / "x.npy", X)
    data = json.loads(
        run("trace", "net.skops", "x.npy", "--layers", "hidden*, output", "--json", cwd=tmp_path).stdout
    )
    assert [one["layer"] for one in data["layers"]] == ["hidden 1", "hidden 2", "output"]
    check_refused(
        run("trace", "net.skops", "x.npy", "--layers", "hiden 1", cwd=tmp_path), "hiden 1", "hidden 1"
    )
    (tmp_path / "notes.txt").write_text("no model")
    check_refused(run("trace", "notes.txt", "x.npy", cwd=tmp_path), "no kept model")
    np.save(tmp_path / "wide.npy", np.ones((5, 4)))
    check_refused(run("trace", "net.skops", "wide.npy", cwd=tmp_path), "layer `standardscaler`")
    model[1].coefs_[1][0, 0] = np.nan
    (tmp_path / "nan.skops").write_bytes(estimator_bytes(model))
    check_refused(run("trace", "nan.skops", "x.npy", cwd=tmp_path), "Layer `hidden 2`", "NaN")


@pytest.mark.slow
def test_a_registered_model_and_a_registered_encoder_are_traced(tmp_path: Path, home: Path) -> None:
    pytest.importorskip("mlflow")
    rows = np.random.default_rng(0).standard_normal((40, 4))
    np.savetxt(tmp_path / "t.csv", rows, delimiter=",", header="a,b,c,d", comments="")
    assert (
        run("probe", "t.csv", "--target", "a", "--model", "linear", "--save", "m", cwd=tmp_path).returncode
        == 0
    )
    assert run("models", "register", "last", "prices", "--alias", "champion", cwd=tmp_path).returncode == 0
    made = run("trace", "models:/prices@champion", "t.csv", cwd=tmp_path)
    assert "layers of the model of a, 40 rows" in made.stdout, made.stderr
    assert run("encode", "t.csv", "-o", "v", cwd=tmp_path).returncode == 0
    assert run("models", "register", "last", "numbers", cwd=tmp_path).returncode == 0
    assert "table" in run("trace", "models:/numbers", "t.csv", cwd=tmp_path).stdout
    chained = run("chain", "models:/prices", "-o", "whole", cwd=tmp_path)
    assert chained.returncode == 0, chained.stderr
    check_refused(run("trace", "models:/nothing", "t.csv", cwd=tmp_path), "nothing", "prices")
