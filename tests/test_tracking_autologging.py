"""Fits recorded by themselves: the outermost ones, with their score, and everything put back afterwards."""

from __future__ import annotations

import sys
import threading
import warnings

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.cluster import KMeans
from sklearn.datasets import load_iris
from sklearn.decomposition import PCA
from sklearn.ensemble import BaggingClassifier, RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import vecwise as vw
from vecwise.tracking import autologging
from vecwise.tracking.records import Run, all_runs

X, Y = load_iris(return_X_y=True)
REGRESSION = np.array([[0.0], [1.0], [2.0]]), np.array([1.0, 3.0, 6.0])


@pytest.fixture(autouse=True)
def journal(tmp_path, monkeypatch):
    """A journal of its own, and estimators that are as they were when the test ends."""
    monkeypatch.setenv("VECWISE_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("VECWISE_TRACK", "1")
    before = (
        Ridge.fit,
        BaseEstimator.__init_subclass__.__func__,
        "__init_subclass__" in BaseEstimator.__dict__,
    )
    yield
    assert not autologging._base
    assert not autologging._wrapped
    assert not autologging._busy
    after = Ridge.fit, BaseEstimator.__init_subclass__.__func__, "__init_subclass__" in BaseEstimator.__dict__
    assert after == before


def runs() -> list[Run]:
    return all_runs().runs


def test_a_fit_is_a_run_with_its_parameters_and_its_score_on_the_training_rows() -> None:
    with vw.autolog():
        model = LogisticRegression(C=0.5, max_iter=300).fit(X, y=Y)
    LogisticRegression(max_iter=300).fit(X, Y)  # after the block
    (run,) = runs()
    assert (run.kind, run.name, run.status) == ("fit", "LogisticRegression", "done")
    assert run.params["C"] == 0.5
    assert dict(run.metrics) == {
        "training_rows": 150.0,
        "training_score": float((model.predict(X) == Y).mean()),
    }


def test_the_model_is_the_one_without_autologging() -> None:
    plain = Ridge().fit(*REGRESSION)
    with vw.autolog():
        watched = Ridge().fit(*REGRESSION)
    assert watched.coef_.tolist() == plain.coef_.tolist()
    assert clone(watched).get_params() == plain.get_params()


def test_only_the_outermost_fit_counts() -> None:
    with vw.autolog():
        make_pipeline(StandardScaler(), PCA(2), LogisticRegression(max_iter=300)).fit(X, Y)
        GridSearchCV(LogisticRegression(max_iter=300), {"C": [0.1, 1.0]}, cv=2).fit(X, Y)
        RandomForestClassifier(5, random_state=0, n_jobs=2).fit(X, Y)
        BaggingClassifier(LogisticRegression(max_iter=300), 3, random_state=0).fit(X, Y)
    pipeline, search, forest, bagging = runs()
    assert [run.name for run in runs()] == [
        "Pipeline",
        "GridSearchCV",
        "RandomForestClassifier",
        "BaggingClassifier",
    ]
    assert pipeline.params["pca__n_components"] == 2
    assert search.params["best.C"] in (0.1, 1.0)
    assert 0.9 < search.metrics["best_score"] <= 1
    assert forest.metrics["training_score"] > 0.95
    assert bagging.status == "done"


def test_transformers_and_clusterers_have_what_they_have() -> None:
    with vw.autolog():
        PCA(2).fit_transform(X)
        StandardScaler().fit_transform(X)
        labels = KMeans(3, n_init=1, random_state=0).fit_predict(X)
    pca, scaler, means = runs()
    assert pca.metrics["training_score"] < 0  # a mean log-likelihood, as scikit-learn defines it
    assert dict(scaler.metrics) == {"training_rows": 150.0}
    assert means.name == "KMeans"
    assert len(labels) == 150


def test_every_outermost_fit_of_a_cross_validation_is_one() -> None:
    with vw.autolog():
        cross_val_score(LinearRegression(), X, Y, cv=3)
    assert [run.name for run in runs()] == ["LinearRegression"] * 3


def test_inside_a_run_fits_belong_to_it_each_under_its_name() -> None:
    with vw.run("compare", autolog=True) as run:
        Ridge(alpha=1.0).fit(*REGRESSION)
        Ridge(alpha=2.0).fit(*REGRESSION)
        run.log(chosen=2)
    Ridge().fit(*REGRESSION)
    (made,) = runs()
    assert (made.params["Ridge.alpha"], made.params["Ridge 2.alpha"]) == (1.0, 2.0)
    assert set(made.metrics) == {
        "Ridge.training_rows", "Ridge.training_score", "Ridge 2.training_rows", "Ridge 2.training_score", "chosen",
    }  # fmt: skip


def test_the_switch_stays_until_it_is_turned_off_and_blocks_put_back_what_was() -> None:
    vw.autolog(True)
    with vw.autolog():
        Ridge().fit(*REGRESSION)
    assert repr(vw.autolog()) == "Autologging is on"
    with vw.autolog(False):
        Ridge().fit(*REGRESSION)
    Ridge().fit(*REGRESSION)
    assert repr(vw.autolog(False)) == "Autologging is off"
    Ridge().fit(*REGRESSION)
    assert len(runs()) == 2


def test_an_error_of_a_fit_is_the_users_and_the_run_failed() -> None:
    with vw.autolog(), pytest.raises(ValueError, match="inconsistent"):
        Ridge().fit([[0.0], [1.0]], [1.0])
    (run,) = runs()
    assert run.status == "failed"
    with vw.autolog():
        Ridge().fit(*REGRESSION)
    assert len(runs()) == 2


def test_a_score_that_fails_or_warns_leaves_the_fit_alone() -> None:
    with vw.autolog():

        class Broken(ClassifierMixin, BaseEstimator):
            def fit(self, X, y):
                self.fitted_ = True
                return self

            def score(self, X, y):
                warnings.warn("loud", stacklevel=2)
                raise ZeroDivisionError

        made = Broken().fit([[1.0]], [1])
    assert made.fitted_
    (run,) = runs()
    assert (run.status, run.name, run.params["autolog"]) == (
        "done",
        "Broken",
        "not complete: ZeroDivisionError",
    )
    Broken().fit([[1.0]], [1])
    assert len(runs()) == 1


def test_chance_goes_on_as_without() -> None:
    class Chancy(BaseEstimator):
        def fit(self, X, y=None):
            return self

        def score(self, X, y=None):
            return float(np.random.random())

    np.random.seed(5)
    expected = np.random.random(3).tolist()
    np.random.seed(5)
    with vw.autolog():
        Chancy().fit(X)
    assert np.random.random(3).tolist() == expected
    assert "training_score" in runs()[0].metrics


def test_many_rows_are_scored_on_evenly_spaced_ones(monkeypatch) -> None:
    monkeypatch.setattr(autologging, "MOST_ROWS", 40)
    with vw.autolog():
        model = LogisticRegression(max_iter=300).fit(X, Y)
    assert runs()[0].metrics["training_score"] == model.score(X[::4], Y[::4])
    assert runs()[0].metrics["training_rows"] == 150


def test_fits_that_overlap_in_threads_are_all_done() -> None:
    with vw.autolog():
        threads = [threading.Thread(target=lambda: Ridge().fit(*REGRESSION)) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert 1 <= len(runs()) <= 6
    assert {run.status for run in runs()} == {"done"}


def test_what_somebody_else_put_there_meanwhile_is_left(monkeypatch) -> None:
    with vw.autolog():
        theirs = Ridge.fit
        monkeypatch.setattr(
            LinearRegression, "fit", lambda self, *given, _fit=LinearRegression.fit: _fit(self, *given)
        )
        outside = LinearRegression.fit
    assert LinearRegression.fit is outside
    assert Ridge.fit is not theirs
    LinearRegression().fit(*REGRESSION)
    assert runs() == []


def test_fits_of_vecwise_itself_are_not_the_users() -> None:
    work = "from sklearn.linear_model import Ridge\nRidge().fit([[0.0], [1.0]], [0.0, 1.0])"
    with vw.autolog():
        exec(compile(work, autologging.__file__, "exec"), {})
        exec(compile(work, "theirs.py", "exec"), {})
    assert len(runs()) == 1


def test_recording_switched_off_records_nothing(monkeypatch) -> None:
    monkeypatch.setenv("VECWISE_TRACK", "0")
    with vw.autolog():
        assert Ridge().fit(*REGRESSION).coef_.shape == (1,)
    assert runs() == []


def test_without_scikit_learn_it_does_nothing_with_one_warning(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.base", None)
    with pytest.warns(RuntimeWarning, match="Fits are not recorded"), vw.autolog() as switch:
        assert repr(switch) == "Autologging is off"
