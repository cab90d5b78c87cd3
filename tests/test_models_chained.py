"""Models in a row: the same answers as step by step, checked joints, saved without code."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import skops.io
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import vecwise as vw
from conftest import EXAMPLES
from vecwise.errors import Damaged, NotFitted, NotSavable, SpaceMismatch, UnknownFormat, WrongType
from vecwise.models.chained import ChainModel, diagram
from vecwise.models.skops_files import estimator_bytes, estimator_of

LINES = [
    "the cat purrs",
    "a kitten sleeps",
    "cats and kittens",
    "the car brakes",
    "a truck turns",
    "cars and trucks",
]
KINDS = ["cat"] * 3 + ["car"] * 3


def test_a_chain_says_what_its_steps_say_one_by_one() -> None:
    X = vw.encode(LINES, "sentence")
    fitted = vw.pca(X, k=4)
    scores = fitted(X)
    model = LogisticRegression().fit(scores.values, KINDS)
    whole = vw.chain(X.encoder, fitted, model, target="kind")
    new = ["my cat", "my car"]
    step_by_step = model.predict(np.asarray(fitted(X.encoder(_table(new))).values))
    assert whole.predict(new).tolist() == step_by_step.tolist()
    assert [dim for _, dim in whole.steps] == [512, 4, 1]
    assert whole.predict(scores).tolist() == model.predict(scores.values).tolist()
    assert "kind" in repr(whole)
    assert "<svg" in whole._repr_html_()


def _table(lines: list[str]) -> Any:
    from vecwise.store.rows import as_table

    return as_table(lines)


def test_a_pipeline_of_scikit_learn_becomes_a_chain_and_keeps_its_answers(tmp_path) -> None:
    pipeline = make_pipeline(vw.TfidfEncoder(), LogisticRegression()).fit(LINES, KINDS)
    whole = vw.chain(pipeline)
    assert isinstance(whole, ChainModel)
    assert whole.predict(LINES).tolist() == pipeline.predict(LINES).tolist()
    whole.save(tmp_path / "model")
    assert vw.open_model(tmp_path / "model").predict(["a truck", "a cat"]).tolist() == ["car", "cat"]


def test_what_a_probe_learned_is_saved_and_predicts_raw_rows_the_same(tmp_path) -> None:
    rows = vw.read(EXAMPLES / "houses.csv").slice(0, 500)
    found = vw.probe(rows, "price", model=["linear", "boosting"], folds=3)
    found.chain().save(tmp_path / "prices")
    opened = vw.open_model(tmp_path / "prices")
    np.testing.assert_array_equal(opened.predict(rows.slice(0, 9)), found.predict(rows.slice(0, 9)))
    assert (opened.target, opened.classes) == ("price", None)
    with pytest.raises(UnknownFormat, match="open_model"):
        vw.open(tmp_path / "prices")


def test_chains_without_an_estimator_are_maps() -> None:
    X = vw.encode(LINES, "count")
    made = vw.chain(X.encoder, vw.pca(X, k=2))
    np.testing.assert_allclose(made(_table(LINES)).values, vw.pca(X, k=2)(X).values)


def test_joints_are_checked() -> None:
    X, Y = vw.encode(LINES, "count"), vw.encode(LINES, "sentence")
    with pytest.raises(SpaceMismatch):
        vw.chain(Y.encoder, vw.pca(X, k=2))
    with pytest.raises(SpaceMismatch, match="512"):
        vw.chain(Y.encoder, Ridge().fit(np.eye(3), [1, 2, 3]))
    with pytest.raises(WrongType, match="stands first"):
        vw.chain(X.encoder, Y.encoder)
    with pytest.raises(WrongType, match="nothing can stand behind"):
        vw.chain(Ridge().fit(np.eye(3), [1, 2, 3]), vw.pca(X, k=2))
    with pytest.raises(NotFitted):
        vw.chain(X.encoder, Ridge())
    with pytest.raises(WrongType):
        vw.chain()
    with pytest.raises(WrongType, match="no step"):
        vw.chain("sentence")
    bare = vw.chain(make_pipeline(StandardScaler(), Ridge()).fit(np.eye(3), [1, 2, 3]))
    assert bare.predict(np.eye(3)).shape == (3,)
    with pytest.raises(WrongType, match="no encoder"):
        bare.predict(["a text"])
    with pytest.raises(SpaceMismatch):
        bare.predict(X)


@pytest.mark.parametrize("model", ["linear", "neighbors", "kernel", "boosting", "network"])
@pytest.mark.parametrize("classes", [True, False])
def test_every_model_of_a_probe_is_saved_without_code(tmp_path, model, classes) -> None:
    x = np.random.default_rng(0).standard_normal((60, 3))
    y = np.where(x[:, 0] > 0, "up", "down") if classes else x[:, 0]
    found = vw.probe(x, y, model=model, folds=2)
    found.chain().save(tmp_path / "model")
    np.testing.assert_array_equal(vw.open_model(tmp_path / "model").predict(x), found.predict(x))


class Stranger:
    """A type that no list names."""

    def fit(self) -> None:
        self.x_ = 1


def test_files_of_strange_types_and_broken_ones_are_refused() -> None:
    with pytest.raises(NotSavable, match="not trusted"):
        estimator_bytes(Stranger())
    with pytest.raises(WrongType, match="not trusted"):
        estimator_of(skops.io.dumps(Stranger()), "model")
    with pytest.raises(Damaged):
        estimator_of(b"PK\x03\x04 nothing", "model")


def test_names_in_a_diagram_are_no_markup() -> None:
    assert "<script" not in diagram([("<script>", 3)], "<b>")
