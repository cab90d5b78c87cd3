"""The command `chain`, as whole processes: saved things made one, every joint checked, used by other commands."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

import vecwise as vw
from conftest import check_refused, run
from test_cli_learn import numbers
from vecwise.encoders.fitted import FittedEncoder
from vecwise.errors import SpaceMismatch, WrongType
from vecwise.models.chained import ChainModel
from vecwise.models.skops_files import estimator_bytes
from vecwise.verbs import chain as composed

LINES = ["the cat purrs", "a kitten sleeps", "cats and kittens", "my cat eats", "a kitten plays", "the cat sat",
         "the car brakes", "a truck turns", "cars and trucks", "my car rusts", "a truck drives", "the car sat"]  # fmt: skip
KINDS = ["cat"] * 6 + ["car"] * 6


@pytest.fixture
def parts(tmp_path: Path) -> dict[str, Any]:
    """An encoder with vectors, components of these, and a model of these, each in a folder."""
    X = vw.encode({"line": LINES, "kind": KINDS}, "count", text="line")
    fitted = vw.pca(X, k=3)
    Z = fitted(X)
    vw.save(X, tmp_path / "words")
    vw.save(FittedEncoder.of(fitted), tmp_path / "main")
    vw.save(FittedEncoder.of(composed(X.encoder, fitted)), tmp_path / "both")
    found = vw.probe(Z, "kind", model="linear", folds=2)
    found.chain().save(tmp_path / "kinds")
    ChainModel(None, found.estimator, Z.space, found.target.classes, "kind").save(tmp_path / "top")
    model = LogisticRegression().fit(Z.values, [kind == "cat" for kind in KINDS])
    (tmp_path / "cat.skops").write_bytes(estimator_bytes(model))
    (tmp_path / "new.csv").write_text("line\nthe cat\na truck\n")
    return {"folder": tmp_path, "X": X, "fitted": fitted, "probe": found, "estimator": model}


def test_an_encoder_a_map_and_a_model_are_one_and_predict_raw_rows(parts: dict[str, Any]) -> None:
    folder = parts["folder"]
    made = run("chain", "words", "main", "top", "-o", "whole", "--svg", "w.svg", cwd=folder)
    assert (made.returncode, made.stderr) == (0, "")
    assert "rows → Word → Components → standardscaler → logisticregression → kind" in made.stdout
    assert "2 joints checked" in made.stdout
    assert max(map(len, made.stdout.splitlines())) <= 100
    assert (folder / "w.svg").read_text().count("<rect") == 5
    told = json.loads(run("predict", "whole", "new.csv", "--json", cwd=folder).stdout)
    assert [one["said"] for one in told["predictions"]] == parts["probe"].predict(
        ["the cat", "a truck"]
    ).tolist()
    seen = run("trace", "whole", "new.csv", cwd=folder)
    assert "4 layers of the model of kind" in seen.stdout, seen.stderr


def test_a_part_that_brings_the_beginning_goes_on_from_where_the_chain_stands(parts: dict[str, Any]) -> None:
    folder, X = parts["folder"], parts["X"]
    for words in (
        ("words", "both"),
        ("words", "both", "kinds"),
        ("both", "top"),
        ("kinds",),
        ("words", "kinds"),
    ):
        data = json.loads(
            run("chain", *words, "-o", f"c{len(words)}{words[-1]}", "--json", cwd=folder).stdout
        )
        assert data["takes"] == "rows"
        assert [one["step"] for one in data["steps"]][:2] == ["Word", "Components"], words
        assert len(data["steps"]) == (2 if data["ends_with"] == "encoder" else 3)
    np.testing.assert_allclose(
        vw.open_encoder(folder / "c2both").transform({"line": LINES}), parts["fitted"](X).values, atol=1e-12
    )


def test_a_chain_that_ends_with_vectors_is_an_encoder(parts: dict[str, Any]) -> None:
    folder = parts["folder"]
    assert "predicts nothing" in run("chain", "words", "main", "-o", "short", cwd=folder).stdout
    assert run("encode", "new.csv", "--encoder", "short", "-o", "z", cwd=folder).returncode == 0
    truth = parts["fitted"](parts["X"].encoder(vw.read(folder / "new.csv"))).values
    np.testing.assert_allclose(vw.open(folder / "z").values, truth, atol=1e-12)
    check_refused(run("predict", "short", "new.csv", cwd=folder), "saved encoder")
    words = ("chain", "words", "main", "--target", "kind", "-o", "z2")
    check_refused(run(*words, cwd=folder), "predicts nothing")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("main", "words"), ["`main` → `words`", "stands first"]),
        (("words", "top"), ["`words` → `top`", "the model of kind"]),
        (("words", "cat.skops"), ["`words` → `cat.skops`", "3 numbers a row"]),
        (("words", "main", "top", "main"), ["`top` → `main`", "nothing can stand behind it"]),
        (("words", "nothing"), ["no model at nothing"]),
        (("words", "new.csv"), ["`new.csv` is no kept model"]),
        (("words", "net.pt"), ["weights without the code"]),
    ],
)
def test_the_joint_that_does_not_fit_is_named(
    parts: dict[str, Any], words: tuple[str, ...], told: list[str]
) -> None:
    check_refused(run("chain", *words, "-o", "o", cwd=parts["folder"]), *told)
    assert not (parts["folder"] / "o").exists()


def test_a_part_is_not_overwritten(parts: dict[str, Any]) -> None:
    made = run("chain", "words", "main", "-o", "main", cwd=parts["folder"])
    check_refused(made, "never overwritten")


def test_a_whole_model_behind_maps_keeps_its_classes_and_target(parts: dict[str, Any]) -> None:
    X, fitted, found = parts["X"], parts["fitted"], parts["probe"]
    top = vw.open_model(parts["folder"] / "top")
    whole = vw.chain(X.encoder, fitted, top)
    assert (whole.target, whole.classes) == ("kind", ("car", "cat"))
    assert whole.predict(["the cat"]).tolist() == found.predict(["the cat"]).tolist()
    assert vw.chain(X.encoder, found.chain()).predict(["a truck"]).tolist() == ["car"]
    # Vectors go on from wherever they stand.
    for rows in (LINES, X, fitted(X)):
        assert whole.predict(rows).tolist() == found.predict(LINES).tolist()
    with pytest.raises(SpaceMismatch, match="the model of kind"):
        vw.chain(X.encoder, top)
    with pytest.raises(SpaceMismatch, match="stand nowhere"):
        whole.predict(vw.encode(["the cat", "a car"], "count"))


def test_a_chain_of_vectors_takes_arrays_and_vectors_of_its_own() -> None:
    x, kinds = numbers()
    X = vw.Vectors(x)
    closer = vw.fit_encoder(X, labels=kinds, dim=4)
    model = LogisticRegression().fit(closer(X).values, kinds)
    whole = vw.chain(closer, model, target="kind")
    truth = model.predict(closer(X).values).tolist()
    assert whole.predict(x).tolist() == truth
    assert whole.predict(X).tolist() == truth
    assert whole.predict(closer(X)).tolist() == truth
    assert list(vw.trace(whole, X)) == ["input", "learned", "logisticregression"]
    np.testing.assert_array_equal(vw.trace(whole, x)["learned"].values, closer(X).values)
    with pytest.raises(WrongType, match="no encoder of rows"):
        whole.predict(["a text"])
    assert ">vectors<" in whole.diagram()


def test_normalizing_stands_behind_an_encoder() -> None:
    encoder = vw.ChainEncoder("count", steps=["normalize", "pca:2"]).fit(LINES)
    model = LogisticRegression().fit(encoder.transform(LINES), KINDS)
    assert (
        vw.chain(encoder, model).predict(["the cat"]).tolist()
        == model.predict(encoder.transform(["the cat"])).tolist()
    )
