"""Estimators as runs: the numbers are scikit-learn's own, the curves end where they must, and the model comes back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.cluster import DBSCAN, KMeans
from sklearn.datasets import make_blobs, make_classification, make_regression
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import (
    accuracy_score,
    confusion_matrix,
    f1_score,
    r2_score,
    roc_auc_score,
    silhouette_score,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

import vecwise as vw
from vecwise.errors import Damaged, EmptyInput, FileMissing, NotFitted, WrongShape, WrongType
from vecwise.models.judging import judge
from vecwise.models.keeping import load_model
from vecwise.tracking.blobs import read_blob
from vecwise.tracking.records import all_runs


def test_a_classifier_of_two_classes(home) -> None:
    X, y = make_classification(200, 6, random_state=0)
    fitted = LogisticRegression().fit(X[:100], y[:100])
    made = vw.track(fitted, vw.Vectors(X[100:]), y[100:], name="logistic")
    said, chance = fitted.predict(X[100:]), fitted.predict_proba(X[100:])[:, 1]
    assert made.metrics["accuracy"] == accuracy_score(y[100:], said)
    assert made.metrics["f1_macro"] == pytest.approx(f1_score(y[100:], said, average="macro"))
    assert made.metrics["roc_auc"] == pytest.approx(roc_auc_score(y[100:], chance))
    assert made.charts["confusion matrix"]["counts"] == confusion_matrix(y[100:], said).tolist()
    (curve,) = made.charts["ROC curve"]
    assert (curve["x"][0], curve["y"][0], curve["x"][-1], curve["y"][-1]) == (0, 0, 1, 1)
    assert np.trapezoid(curve["y"], curve["x"]) == pytest.approx(made.metrics["roc_auc"], abs=0.02)
    weights = made.charts["feature importance"]
    assert weights["features"][0] == f"dim_{np.abs(fitted.coef_[0]).argmax()}"
    (run,) = all_runs().runs
    assert (run.id, run.kind, run.name, run.params["estimator"]) == (
        made.run,
        "classifier",
        "logistic",
        "LogisticRegression",
    )
    kept = {entry["kind"]: entry for entry in run.results}
    assert read_blob(kept["confusion matrix"]["blob"]) == made.charts["confusion matrix"]
    again = load_model(kept["model"]["path"])
    assert np.array_equal(again.predict(X), fitted.predict(X))


def test_many_classes_and_no_chances() -> None:
    X, y = make_blobs(300, centers=4, cluster_std=3.0, random_state=1)
    names = np.array(["ash", "birch", "cedar", "elm"])[y]
    found = judge(RandomForestClassifier(10, random_state=0).fit(X[:200], names[:200]), X[200:], names[200:])
    assert len(found.charts["ROC curve"]) == 4
    assert 0.5 < found.metrics["roc_auc_ovr"] <= 1
    assert "log_loss" in found.metrics
    plain = judge(LinearSVC().fit(X, names), X, names)
    assert "log_loss" not in plain.metrics
    assert "ROC curve" not in plain.charts


def test_a_class_that_was_never_seen_is_counted_and_has_no_curve() -> None:
    X, y = make_blobs(60, centers=2, random_state=0)
    found = judge(LogisticRegression().fit(X, y), X, np.where(np.arange(60) == 0, 7, y))
    assert "7" in found.charts["confusion matrix"]["labels"]
    assert "log_loss" not in found.metrics


def test_very_many_classes_are_put_together() -> None:
    y = np.arange(400) % 120
    X = np.column_stack([y, y % 7]).astype(float)
    found = judge(RandomForestClassifier(3, random_state=0).fit(X, y), X, y)
    table = found.charts["confusion matrix"]
    assert table["labels"][-1] == "others"
    assert np.sum(table["counts"]) == 400


def test_a_regressor(home) -> None:
    X, y = make_regression(120, 5, noise=10, random_state=0)
    fitted = make_pipeline(StandardScaler(), LinearRegression()).fit(X[:80], y[:80])
    made = vw.track(fitted, X[80:], y[80:])
    assert made.metrics["r2"] == pytest.approx(r2_score(y[80:], fitted.predict(X[80:])))
    assert made.metrics["max_error"] == pytest.approx(np.abs(y[80:] - fitted.predict(X[80:])).max())
    assert made.charts["residuals"]["actual"] == y[80:].tolist()
    assert made.charts["feature importance"]["features"][0].startswith("x")
    assert all_runs().runs[0].metrics["rmse"] == made.metrics["rmse"]
    single = judge(LinearRegression().fit(X, y), X[:1], y[:1])
    assert "r2" not in single.metrics


def test_clusterers() -> None:
    X, _ = make_blobs(200, centers=3, random_state=0)
    fitted = KMeans(3, n_init=1, random_state=0).fit(X)
    found = judge(fitted, X)
    assert found.metrics["silhouette"] == pytest.approx(silhouette_score(X, fitted.labels_))
    assert found.metrics["inertia"] == fitted.inertia_
    assert sum(found.charts["cluster sizes"]["sizes"]) == 200
    noisy = judge(DBSCAN(0.5).fit(X), X)
    assert noisy.metrics["noise"] == (DBSCAN(0.5).fit(X).labels_ == -1).sum()
    with pytest.raises(WrongShape, match="cannot label"):
        judge(DBSCAN(0.5).fit(X), X[:5])
    assert "silhouette" not in judge(KMeans(1, n_init=1).fit(X), X).metrics


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=40))
def test_balanced_accuracy_and_confusion_agree(pairs) -> None:
    from vecwise.models.judging import _balanced, _confusion

    y, said = np.array(pairs).T
    table = np.array(_confusion(y, said)["counts"])
    rows = table.sum(axis=1) > 0
    assert _balanced(y, said) == pytest.approx((np.diag(table)[rows] / table.sum(axis=1)[rows]).mean())
    assert table.sum() == len(pairs)


def test_what_cannot_be_judged_is_refused(tmp_path) -> None:
    X = np.eye(3)
    fitted = LinearRegression().fit(X, [1, 2, 3])
    for wrong, error in (
        (lambda: judge(LinearRegression(), X, [1, 2, 3]), NotFitted),
        (lambda: judge(LinearRegression, X, [1, 2, 3]), WrongType),
        (lambda: judge("model", X), WrongType),
        (lambda: judge(StandardScaler().fit(X), X, [1, 2, 3]), WrongType),
        (lambda: judge(fitted, X), WrongShape),
        (lambda: judge(fitted, X, [1, 2]), WrongShape),
        (lambda: judge(fitted, X[:0], []), EmptyInput),
        (lambda: load_model(tmp_path / "none"), FileMissing),
    ):
        with pytest.raises(error):
            wrong()


def test_a_file_that_is_no_model_or_names_a_stranger_is_refused(tmp_path) -> None:
    import skops.io

    (tmp_path / "x.skops").write_bytes(b"no model")
    with pytest.raises(Damaged):
        load_model(tmp_path / "x.skops")
    skops.io.dump({"call": np.testing.assert_allclose}, tmp_path / "y.skops")
    with pytest.raises((WrongType, Damaged)):
        load_model(tmp_path / "y.skops")
    skops.io.dump(Strange(), tmp_path / "z.skops")
    with pytest.raises(WrongType, match="not trusted"):
        load_model(tmp_path / "z.skops")


class Strange:
    """A type that no file may ask for."""


def test_inside_a_run_it_belongs_to_that_run(home) -> None:
    X, y = make_regression(30, 2, random_state=0)
    with vw.run("outer") as run:
        made = vw.track(LinearRegression().fit(X, y), X, y)
    assert made.run == run.id
    (kept,) = all_runs().runs
    assert kept.params["estimator"] == "LinearRegression"
    assert kept.metrics["r2"] == pytest.approx(1.0)


def test_nothing_is_kept_where_runs_are_not_recorded(home, monkeypatch) -> None:
    monkeypatch.setenv("VECWISE_TRACK", "0")
    X, y = make_regression(30, 2, random_state=0)
    made = vw.track(LinearRegression().fit(X, y), X, y)
    assert (made.run, made.model) == ("", "")
    assert "not recorded" in repr(made)
    assert not home.exists()
