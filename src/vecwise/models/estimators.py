"""The estimators that are tried on vectors, by name, each with the scaling that it needs inside.

This module must not know targets' names, rows or files.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from vecwise.errors import WrongType, missing_package, some, unknown

BASELINE: Final = "baseline"
MODELS: Final = {
    "linear": "a weighted sum of the dimensions",
    "neighbors": "the rows that are nearest",
    "kernel": "a support vector machine, Gaussian kernel",
    "boosting": "many small decision trees",
    "network": "a small neural network",
}
HIDDEN: Final = 128  # units of the network
A_TREE: Final = 1e5  # multiplications that a tree takes, however few the rows
# Multiplications that "auto" spends on learning one fold, some seconds on two cores; models beyond are left out.
MOST_WORK: Final = {"linear": 3e10, "neighbors": 1e12, "kernel": 5e10, "boosting": 1e9, "network": 3e11}
EVEN: Final = 50.0  # largest numbers of columns this far apart, and each column is scaled by itself


@dataclass(frozen=True, slots=True)
class Size:
    """What decides how long learning takes: rows, dimensions, classes (1 for numbers), and whether X is sparse."""

    rows: int
    dim: int
    classes: int
    sparse: bool


def chosen(model: str | Sequence[str], size: Size) -> tuple[list[str], list[str]]:
    """Give the models to try, and which of "auto" are left out with the reason; raises `UnknownName`.

    >>> chosen("auto", Size(100, 20, 2, False))[0]
    ['linear', 'neighbors', 'kernel', 'boosting', 'network']
    >>> chosen("auto", Size(1_000_000, 2000, 2, False))[0]
    ['linear']
    """
    if model == "auto":
        reasons = {name: _too_much(name, size) for name in MODELS}
        taken = [name for name, why in reasons.items() if not why] or ["linear"]
        return taken, [f"{name} ({why})" for name, why in reasons.items() if name not in taken]
    if not isinstance(model, (str, Sequence)):
        raise WrongType(
            f"`model` is a name or a list of names, not {type(model).__name__}; there are: {some(list(MODELS), 9)}. "
            "Judge an estimator of your own by vw.track, or by scikit-learn."
        )
    names = [model] if isinstance(model, str) else list(dict.fromkeys(model))
    for name in names:
        if name not in MODELS:
            raise unknown("model", str(name), ("auto", *MODELS))
    return names, []


def _too_much(name: str, size: Size) -> str:
    if name == "boosting" and size.sparse:
        return "reads no sparse vectors"
    trees = size.classes if size.classes > 2 else 1
    width = min(size.dim, 200) if size.sparse else size.dim  # cells of a sparse row that are not zero
    work = {
        "linear": 50.0 * size.rows * width * trees,
        "neighbors": float(size.rows) ** 2 * width,
        "kernel": float(size.rows) ** 2 * width * (1 if size.rows < 15_000 else 100),
        "boosting": 100.0 * trees * (size.rows * width + A_TREE),
        "network": 30.0 * size.rows * size.dim * HIDDEN * 3,
    }[name]
    return "it would take long; ask for it by name" if work > MOST_WORK[name] else ""


@dataclass(frozen=True, slots=True)
class How:
    """What an estimator is made for: rows to learn from, classes or numbers, the scaling, and the seed."""

    rows: int
    classes: bool
    scaling: str
    seed: int


def estimator(name: str, how: How) -> Any:
    """Make an unfitted scikit-learn estimator by its name here.

    Raises `UnknownName`, `MissingPackage` without scikit-learn.
    """
    try:
        import sklearn  # noqa: F401
    except ImportError as error:
        raise missing_package("scikit-learn", "Probing", "'vecwise[models]'") from error
    makers = {BASELINE: _baseline, "linear": _linear, "neighbors": _neighbors, "kernel": _kernel,
              "boosting": _boosting, "network": _network}  # fmt: skip
    if name not in makers:
        raise unknown("model", str(name), tuple(makers))
    return makers[name](how)


def scaling_of(values: Any, *, named: bool, one_unit: bool) -> str:
    """Tell how dimensions are scaled before learning: "columns" each by its own deviation, "one" all by one number,
    "sparse" by none of them.

    Named columns have units of their own; unnamed ones have where their largest numbers are far apart.

    >>> scaling_of(np.array([[1.0, 900.0], [2.0, 100.0]]), named=False, one_unit=False)
    'columns'
    """
    if hasattr(values, "tocsr"):
        return "sparse"
    if named:
        return "one" if one_unit else "columns"
    largest = np.abs(values[:10_000]).max(axis=0, initial=0)
    largest = largest[largest > 0]
    if not len(largest):
        return "one"
    low, high = np.quantile(largest, 0.05, method="lower"), np.quantile(largest, 0.95, method="higher")
    return "columns" if bool(high > EVEN * low) else "one"


def _baseline(how: How) -> Any:
    from sklearn.dummy import DummyClassifier, DummyRegressor

    return DummyClassifier(strategy="most_frequent") if how.classes else DummyRegressor()


def _linear(how: How) -> Any:
    from sklearn.linear_model import LogisticRegression, RidgeCV

    if how.classes:
        return _scaled(
            LogisticRegression(C=0.1 if how.scaling == "one" else 1.0, max_iter=200, tol=1e-3), how.scaling
        )
    return _scaled(RidgeCV([10.0**power for power in range(-2, 5)]), how.scaling)


def _neighbors(how: How) -> Any:
    from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

    kind = KNeighborsClassifier if how.classes else KNeighborsRegressor
    return _scaled(kind(min(5, how.rows), weights="distance", algorithm="brute"), how.scaling)


def _kernel(how: How) -> Any:
    from sklearn.svm import SVC, SVR

    return (
        _scaled(SVC(C=3.0), how.scaling)
        if how.classes
        else _of_scaled_target(_scaled(SVR(C=3.0), how.scaling))
    )


def _boosting(how: How) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    if how.classes:
        return HistGradientBoostingClassifier(random_state=how.seed)
    return HistGradientBoostingRegressor(max_iter=200, random_state=how.seed)


def _network(how: How) -> Any:
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    settings: dict[str, Any] = {
        "hidden_layer_sizes": (HIDDEN,),
        "alpha": 0.1,
        "random_state": how.seed,
        "max_iter": 30,
    }
    if how.classes:
        return _scaled(MLPClassifier(**settings), how.scaling)
    return _of_scaled_target(_scaled(MLPRegressor(**settings), how.scaling))


def _of_scaled_target(model: Any) -> Any:
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.preprocessing import StandardScaler

    return TransformedTargetRegressor(model, transformer=StandardScaler())


def _scaled(model: Any, scaling: str) -> Any:
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import MaxAbsScaler, StandardScaler

    if scaling == "one":
        from vecwise.models.one_scale import OneScale

        return make_pipeline(OneScale(), model)
    return make_pipeline(MaxAbsScaler() if scaling == "sparse" else StandardScaler(), model)
