"""Probing and choosing against the same pipelines by scikit-learn: `python -m benchmarks.model_probe`.

Both cut the same folds and reach the same scores to the last digits; a probe also says which rows were told wrong, what
matters, what may be a leak, and how sure each answer is. The floor is fitting and predicting alone, once a fold.
"""

from __future__ import annotations

from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

import vecwise as vw
from benchmarks.timing import Contender, Work, alone, run, scaled, seconds
from vecwise.models.estimators import BASELINE, How, estimator, scaling_of
from vecwise.models.splits import splits
from vecwise.models.targets import read_target

EXAMPLES = Path(__file__).parent.parent / "examples"
SCORES = {
    True: {"accuracy": "accuracy", "balanced_accuracy": "balanced_accuracy", "f1_macro": "f1_macro"},
    False: {"r2": "r2", "mae": "neg_mean_absolute_error", "rmse": "neg_root_mean_squared_error"},
}


@cache
def digits() -> tuple[Any, np.ndarray]:
    from sklearn.datasets import load_digits

    found = load_digits()
    return vw.Vectors(found.data), found.target


@cache
def houses() -> tuple[Any, np.ndarray]:
    table = vw.read(EXAMPLES / "houses.csv").slice(0, scaled(21_613))
    names = [name for name in table.column_names if name not in ("id", "date", "price")]
    return vw.encode(table, columns=names), np.array(table.column("price").to_pylist(), np.float64)


def parts(X: Any, y: np.ndarray, name: str) -> tuple[Any, np.ndarray, list[tuple[np.ndarray, np.ndarray]]]:
    """The estimator of a probe, the target as it learns it, and its folds."""
    target = read_target(y, len(y), name="target")
    cut, _ = splits(target, folds=5, seed=0)
    scaling = scaling_of(X.values, named=X.space.features is not None, one_unit=False)
    made = estimator(name, How(len(cut[0].train), target.task == "classes", scaling, 0))
    return made, target.values, [(one.train, one.test) for one in cut]


def by_scikit_learn(X: Any, y: np.ndarray, model: str) -> dict[str, np.ndarray]:
    from sklearn.model_selection import cross_validate

    found = {}
    for name in (BASELINE, model):
        made, target, folds = parts(X, y, name)
        names = SCORES[target.dtype.kind in "iu"]
        found = cross_validate(made, X.values, target, cv=folds, scoring=names)
    return {name: np.abs(found[f"test_{name}"]) for name in names}


def bare(data: Any, model: str) -> float:
    """Seconds of fitting and predicting in each fold."""
    X, y = data()

    def work() -> None:
        for name in (BASELINE, model):
            made, target, folds = parts(X, y, name)
            for train, test in folds:
                made.fit(X.values[train], target[train]).predict(X.values[test])

    work()
    return min(seconds(work) for _ in range(3))


def probed(data: Any, model: str) -> tuple[Contender, Contender]:
    X, y = data()
    ours, theirs = partial(vw.probe, X, y, model=model), partial(by_scikit_learn, X, y, model)
    if not alone():
        found = ours()[model].scores
        for name, expected in theirs().items():
            np.testing.assert_allclose(np.abs(found[name]), expected, rtol=1e-9, err_msg=name)
    return ours, theirs


def chosen() -> tuple[Contender, Contender]:
    """Three ways to encode a table, judged by the ridge of a probe; by hand with scikit-learn's own scalers."""
    from sklearn.linear_model import RidgeCV
    from sklearn.model_selection import cross_validate
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, StandardScaler

    X, y = houses()
    rows = {name: X.values[:, i] for i, name in enumerate(X.space.features)}
    names = {
        "table": FunctionTransformer(),
        "table standardized": StandardScaler(),
        "table min-max": MinMaxScaler(),
    }

    def by_hand() -> dict[str, np.ndarray]:
        _, target, folds = parts(X, y, "linear")
        matrix, made = np.column_stack([*rows.values()]), {}
        for name, scaler in names.items():
            ridge = RidgeCV([10.0**power for power in range(-2, 5)])
            whole = make_pipeline(scaler, StandardScaler(), ridge)
            made[name] = cross_validate(whole, matrix, target, cv=folds, scoring="r2")["test_score"]
        return made

    ours = partial(vw.choose, rows, y, encoders=list(names))
    if not alone():
        found, expected = ours(), by_hand()
        for name, scores in expected.items():
            np.testing.assert_allclose(found[name].quality.parts, scores, rtol=1e-6, err_msg=name)
    return ours, by_hand


WORKS = [
    Work(
        f"probe of {what}, {model}, 5 folds",
        "scikit-learn cross_validate",
        partial(probed, data, model),
        "fitting and predicting alone",
        rounds=3,
        least="0.8",
        bound=partial(bare, data, model),
    )
    for what, data, model in (
        ("1,797 digits", digits, "linear"),
        ("1,797 digits", digits, "neighbors"),
        ("21,613 houses", houses, "boosting"),
    )
] + [
    Work(
        "choose of 3 encoders, 21,613 houses, 5 folds", "scikit-learn by hand", chosen, rounds=3, least="0.5"
    )
]

if __name__ == "__main__":
    run(WORKS, ["vecwise", "numpy", "scikit-learn"])
