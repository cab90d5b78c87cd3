"""How good a fitted scikit-learn estimator is on rows: the numbers and the curves that fit its kind.

This module must not know files, nor how anything is drawn.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from vecwise.errors import EmptyInput, NotFitted, WrongShape, WrongType, missing_package
from vecwise.table_text import count as counted
from vecwise.vectors import Vectors

CURVE_POINTS: Final = 200  # of a curve that is kept
MOST_RESIDUALS: Final = 2_000  # rows whose prediction is kept; above, a seeded sample
MOST_SILHOUETTE: Final = 5_000
MOST_FEATURES: Final = 30
MOST_CLASSES: Final = 50  # of a confusion matrix that is kept


@dataclass(frozen=True, slots=True)
class Judged:
    """`kind` is "classifier", "regressor" or "clusterer"; `metrics` are numbers by scikit-learn's names.

    `charts` are plain data by name: "confusion matrix", "ROC curve", "precision-recall curve", "residuals",
    "feature importance", "cluster sizes".
    """

    kind: str
    metrics: dict[str, float]
    charts: dict[str, Any] = field(default_factory=dict)


def judge(estimator: Any, X: Any, y: Any = None, /, *, seed: int = 0) -> Judged:
    """Judge a fitted estimator on rows that it has not seen, if the numbers are to say how it does on new ones.

    Raises `WrongType` for an estimator that is neither classifier, regressor nor clusterer, `NotFitted`,
    `WrongShape` for targets that do not fit the rows, `EmptyInput`, `MissingPackage` without scikit-learn.
    """
    try:
        from sklearn.base import is_classifier, is_clusterer, is_regressor
        from sklearn.exceptions import NotFittedError
        from sklearn.utils.validation import check_is_fitted
    except ImportError as error:
        raise missing_package("scikit-learn", "Judging an estimator", "scikit-learn") from error
    if not hasattr(estimator, "get_params") or isinstance(estimator, type):
        raise WrongType(f"Expected a fitted scikit-learn estimator, not {type(estimator).__name__}.")
    try:
        check_is_fitted(estimator)
    except NotFittedError as error:
        raise NotFitted(f"{type(estimator).__name__} is not fitted. Call `fit` first.") from error
    rows = X.values if isinstance(X, Vectors) else X
    count = rows.shape[0] if hasattr(rows, "shape") else len(rows)
    if not count:
        raise EmptyInput("There are no rows to judge the estimator on.")
    if is_clusterer(estimator):
        return _clusterer(estimator, rows, seed)
    if y is None:
        raise WrongShape(f"{type(estimator).__name__} is judged by targets: give `y`, one for each row.")
    target = np.asarray(y)
    if target.shape[:1] != (count,):
        raise WrongShape(f"`y` has {counted(len(target), 'target')} for {counted(count, 'row')}.")
    names = feature_names(estimator, X)
    if is_classifier(estimator):
        return _classifier(estimator, rows, target, names)
    if is_regressor(estimator):
        return _regressor(estimator, rows, target, names, seed)
    raise WrongType(f"{type(estimator).__name__} is neither a classifier, a regressor nor a clusterer.")


# ---- classifiers ----


def _classifier(estimator: Any, rows: Any, y: np.ndarray, names: list[str]) -> Judged:
    from sklearn import metrics as m

    said = estimator.predict(rows)
    common = {"average": "macro", "zero_division": 0}
    found = {
        "accuracy": m.accuracy_score(y, said),
        "balanced_accuracy": _balanced(y, said),
        "precision_macro": m.precision_score(y, said, **common),
        "recall_macro": m.recall_score(y, said, **common),
        "f1_macro": m.f1_score(y, said, **common),
    }
    charts = {"confusion matrix": _confusion(y, said), **_importance(estimator, names)}
    chances = estimator.predict_proba(rows) if hasattr(estimator, "predict_proba") else None
    classes = np.asarray(estimator.classes_)
    known = bool(np.isin(y, classes).all()) and len(np.unique(y)) == len(classes)
    if chances is not None and known:
        found["log_loss"] = m.log_loss(y, chances, labels=classes)
        if len(classes) == 2:
            found |= {"roc_auc": m.roc_auc_score(y == classes[1], chances[:, 1]),
                      "average_precision": m.average_precision_score(y == classes[1], chances[:, 1])}  # fmt: skip
        else:
            found["roc_auc_ovr"] = m.roc_auc_score(y, chances, multi_class="ovr", labels=classes)
        charts |= _curves(y, chances, classes)
    return Judged("classifier", {name: float(value) for name, value in found.items()}, charts)


def _balanced(y: np.ndarray, said: np.ndarray) -> float:
    """The mean over the classes of y of the share found; scikit-learn's warns of classes that only `said` has."""
    return float(np.mean([(said[y == label] == label).mean() for label in np.unique(y)]))


def _confusion(y: np.ndarray, said: np.ndarray) -> dict[str, Any]:
    """Rows are the truth, columns what was said; of very many classes the most frequent, the others as one."""
    labels, counts = np.unique(np.concatenate([y, said]), return_counts=True)
    if len(labels) > MOST_CLASSES:
        kept = np.sort(np.argsort(-counts, kind="stable")[: MOST_CLASSES - 1])
        labels = labels[kept]
    place = {label: i for i, label in enumerate(labels.tolist())}
    other = len(labels)
    table = np.zeros((other + 1, other + 1), dtype=np.int64)
    pairs = [np.array([place.get(label, other) for label in side.tolist()]) for side in (y, said)]
    np.add.at(table, (pairs[0], pairs[1]), 1)
    names = [str(label) for label in labels.tolist()]
    if table[other].any() or table[:, other].any():
        return {"labels": [*names, "others"], "counts": table.tolist(), "right": float((y == said).mean())}
    return {"labels": names, "counts": table[:other, :other].tolist()}


def confusion_chart(y: np.ndarray, said: np.ndarray, /) -> dict[str, Any]:
    """Give the confusion matrix of names as plain data: the truth in rows, what was said in columns."""
    return _confusion(y, said)


def residuals_chart(y: np.ndarray, said: np.ndarray, seed: int = 0, /) -> dict[str, Any]:
    """Give true and predicted numbers as plain data, of at most 2,000 rows."""
    keep = _some(len(y), MOST_RESIDUALS, seed)
    return {"actual": _floats(y[keep]), "predicted": _floats(said[keep]), "of": len(y)}


def _curves(y: np.ndarray, chances: np.ndarray, classes: np.ndarray) -> dict[str, Any]:
    """The curves of the second of two classes, or of each of at most eight against the rest."""
    from sklearn import metrics as m

    roc, precision = [], []
    shown = [1] if len(classes) == 2 else range(min(8, len(classes)))
    for place in shown:
        right = y == classes[place]
        false, true, _ = m.roc_curve(right, chances[:, place])
        roc.append({"class": str(classes[place]), "x": _thinned(false), "y": _thinned(true)})
        sure, share, _ = m.precision_recall_curve(right, chances[:, place])
        precision.append({"class": str(classes[place]), "x": _thinned(share), "y": _thinned(sure)})
    return {"ROC curve": roc, "precision-recall curve": precision}


def _thinned(values: np.ndarray) -> list[float]:
    keep = np.unique(np.linspace(0, len(values) - 1, min(len(values), CURVE_POINTS)).round().astype(int))
    return [float(value) for value in values[keep]]


# ---- regressors ----


def _regressor(estimator: Any, rows: Any, y: np.ndarray, names: list[str], seed: int) -> Judged:
    from sklearn import metrics as m

    said = np.asarray(estimator.predict(rows))
    found = {
        "rmse": m.root_mean_squared_error(y, said),
        "mae": m.mean_absolute_error(y, said),
        "median_absolute_error": m.median_absolute_error(y, said),
    }
    if len(y) > 1:  # of a single row, R² has no value
        found["r2"] = m.r2_score(y, said)
    charts = _importance(estimator, names)
    if y.ndim == 1 and said.ndim == 1:
        found["max_error"] = m.max_error(y, said)
        charts["residuals"] = residuals_chart(y, said, seed)
    return Judged("regressor", {name: float(value) for name, value in found.items()}, charts)


def _floats(values: np.ndarray) -> list[float]:
    return [float(value) for value in values]


# ---- clusterers ----


def _clusterer(estimator: Any, rows: Any, seed: int) -> Judged:
    from sklearn.metrics import calinski_harabasz_score, silhouette_score

    labels = np.asarray(estimator.predict(rows) if hasattr(estimator, "predict") else estimator.labels_)
    if len(labels) != (rows.shape[0] if hasattr(rows, "shape") else len(rows)):
        raise WrongShape("This clusterer cannot label new rows: give those that it was fitted on.")
    names, sizes = np.unique(labels, return_counts=True)
    found: dict[str, Any] = {"clusters": int((names >= 0).sum()), "noise": int((labels == -1).sum())}
    if hasattr(estimator, "inertia_"):
        found["inertia"] = estimator.inertia_
    keep = _some(len(labels), MOST_SILHOUETTE, seed)
    part = rows[keep] if hasattr(rows, "shape") and not hasattr(rows, "iloc") else np.asarray(rows)[keep]
    if 1 < len(np.unique(labels[keep])) < len(keep):
        found["silhouette"] = silhouette_score(part, labels[keep])
        if not hasattr(part, "tocsr"):
            found["calinski_harabasz"] = calinski_harabasz_score(part, labels[keep])
    charts = {"cluster sizes": {"labels": [str(n) for n in names.tolist()], "sizes": sizes.tolist()}}
    return Judged("clusterer", {name: float(value) for name, value in found.items()}, charts)


# ---- features ----


def feature_names(estimator: Any, X: Any) -> list[str]:
    """Give the names of the columns: those of vectors, of a frame, or of the estimator; else none."""
    if isinstance(X, Vectors):
        return list(X.space.feature_names())
    named = getattr(X, "columns", getattr(estimator, "feature_names_in_", None))
    return [] if named is None else [str(name) for name in named]


def _importance(estimator: Any, names: list[str]) -> dict[str, Any]:
    """What the estimator itself says: `feature_importances_`, or the size of its coefficients."""
    last = estimator[-1] if hasattr(estimator, "steps") else estimator
    if hasattr(last, "feature_importances_"):
        weights, what = np.asarray(last.feature_importances_, np.float64), "feature_importances_"
    elif hasattr(last, "coef_"):
        coefficients = np.atleast_2d(np.asarray(last.coef_, np.float64))
        weights, what = np.abs(coefficients).mean(axis=0), "mean size of the coefficients"
    else:
        return {}
    if hasattr(estimator, "steps") and len(estimator.steps) > 1:
        try:
            names = [str(name) for name in estimator[:-1].get_feature_names_out()]
        except (AttributeError, ValueError, TypeError):
            names = names if len(names) == len(weights) else []
    if len(names) != len(weights):
        names = [f"feature {i}" for i in range(len(weights))]
    order = np.argsort(-weights, kind="stable")[:MOST_FEATURES]
    told = {"features": [names[i] for i in order], "weights": _floats(weights[order]), "what": what}
    return {"feature importance": told}


def _some(rows: int, most: int, seed: int) -> np.ndarray:
    if rows <= most:
        return np.arange(rows)
    return np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))
