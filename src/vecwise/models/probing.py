"""What a model on top of vectors can learn: several models, cross-validated on the same folds, beside a baseline.

This module must not know files, the command line or how anything is drawn.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from vecwise.errors import VecwiseError
from vecwise.kernels.arrays import dense
from vecwise.measure.health import ONE_UNIT
from vecwise.models.estimators import BASELINE, How, Size, chosen, estimator, scaling_of
from vecwise.models.sources import Source
from vecwise.models.splits import Split
from vecwise.models.targets import Target
from vecwise.runner import Progress
from vecwise.vectors import Vectors

KEPT: Final = 2_000  # judged rows, beyond which the models of folds are not kept
SMALL: Final = 1_000_000  # cells, below which threads wait for each other longer than they work
MAIN: Final = {"classes": "accuracy", "numbers": "r2"}


@dataclass(frozen=True, slots=True, eq=False)
class Tried:
    """One model: its scores by name, `(folds,)` each, what it said of the judged rows, and its seconds.

    `said` `(judged,)` are class numbers or numbers; `sure` how clearly, for classes (a probability, or a margin).
    """

    model: str
    scores: dict[str, np.ndarray]
    said: np.ndarray
    sure: np.ndarray | None
    seconds: float

    def mean(self, metric: str) -> float:
        """The mean over the folds."""
        return float(self.scores[metric].mean())

    def spread(self, metric: str) -> float:
        """The standard deviation over the folds (dividing by folds - 1)."""
        values = self.scores[metric]
        return float(values.std(ddof=1)) if len(values) > 1 else 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """All models on the same folds; `judged` are the numbers of the rows that were judged, in the order of `said`."""

    tried: tuple[Tried, ...]
    judged: np.ndarray
    left_out: tuple[str, ...]
    made: dict[str, list[Any]]  # by name the models of the first folds, as many as hold `KEPT` judged rows


class _Folds:
    """The vectors of every fold, encoded once for all models."""

    def __init__(self, source: Source, target: Target, splits: Sequence[Split]) -> None:
        self.source, self.target, self.splits = source, target, splits
        self._kept: dict[int, tuple[Vectors, Vectors]] = {}

    def __getitem__(self, number: int) -> tuple[Vectors, Vectors]:
        if number not in self._kept:
            split, places = self.splits[number], self.target.places
            self._kept[number] = self.source.cut(places[split.train], places[split.test])
        return self._kept[number]


def tried(
    source: Source,
    target: Target,
    splits: Sequence[Split],
    *,
    model: str | Sequence[str] = "auto",
    seed: int = 0,
    progress: Progress | None = None,
) -> Trial:
    """Try models on the folds; a model that raises in the middle is named in the error, with its fold."""
    folds = _Folds(source, target, splits)
    first = folds[0][0]
    size = Size(len(first), first.space.dim, len(target.classes or ()) or 1, first.is_sparse)
    names, left = chosen(model, size)
    with _threads(size):
        return _each(folds, target, splits, names, left, seed, progress)


def _threads(size: Size) -> Any:
    from threadpoolctl import threadpool_limits

    return threadpool_limits(1 if size.rows * size.dim < SMALL else None)


def _each(
    folds: _Folds,
    target: Target,
    splits: Sequence[Split],
    names: Sequence[str],
    left: Sequence[str],
    seed: int,
    progress: Progress | None,
) -> Trial:
    """Every model on every fold, the baseline first."""
    steps, done = (len(names) + 1) * len(splits), 0
    found: list[Tried] = []
    kept: dict[str, list[Any]] = {}
    before = np.cumsum([0, *(len(split.test) for split in splits)])
    for name in [BASELINE, *names]:
        parts, began = [], time.perf_counter()
        for number, split in enumerate(splits):
            learned, judged = folds[number]
            made = fitted(
                name, learned, target.values[split.train], target.task, seed, f"in fold {number + 1}"
            )
            if before[number] < KEPT:
                kept.setdefault(name, []).append(made)
            parts.append(_judged(made, judged, target, split))
            done += 1
            if progress:
                progress(done, steps)
        scores = {metric: np.array([part[0][metric] for part in parts]) for metric in parts[0][0]}
        said = np.concatenate([part[1] for part in parts])
        sure = None if parts[0][2] is None else np.concatenate([part[2] for part in parts])
        found.append(Tried(name, scores, said, sure, time.perf_counter() - began))
    return Trial(tuple(found), np.concatenate([split.test for split in splits]), tuple(left), kept)


def _judged(
    made: Any, judged: Vectors, target: Target, split: Split
) -> tuple[dict[str, float], np.ndarray, np.ndarray | None]:
    """The scores of one fold, what was said of its judged rows, and how sure."""
    values = inputs(judged)
    said = np.asarray(made.predict(values))
    return scores_of(target.task, target.values[split.test], said), said, _sureness(made, values, target)


def fitted(name: str, X: Vectors, y: np.ndarray, task: str, seed: int, where: str = "") -> Any:
    """Fit a named model; warnings that say no more than that more steps would be better are held back.

    Raises `VecwiseError` naming the model where fitting fails.
    """
    values = inputs(X)
    scaling = scaling_of(values, named=X.space.features is not None, one_unit=X.space.kind in ONE_UNIT)
    made = estimator(name, How(len(X), task == "classes", scaling, seed))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return made.fit(values, y)
    except (ValueError, ArithmeticError, np.linalg.LinAlgError) as error:
        raise VecwiseError(f"The model `{name}` failed {where}: {error}".replace("  ", " ")) from error


def inputs(X: Vectors) -> Any:
    """The numbers as scikit-learn takes them: float32 and float64, dense or sparse rows."""
    return X.values if X.is_sparse else dense(X.values)


def scores_of(task: str, y: np.ndarray, said: np.ndarray) -> dict[str, float]:
    """Score what was said: accuracy, balanced accuracy and macro F1, or R², mean absolute error and RMSE.

    >>> scores_of("classes", np.array([0, 1, 1]), np.array([0, 1, 0]))["accuracy"]
    0.6666666666666666
    """
    from sklearn import metrics as m

    if task == "classes":
        present = np.unique(y)
        recall = float(np.mean([(said[y == label] == label).mean() for label in present]))
        f1 = m.f1_score(y, said, average="macro", zero_division=0)
        return {"accuracy": float((y == said).mean()), "balanced_accuracy": recall, "f1_macro": float(f1)}
    r2 = float(m.r2_score(y, said)) if len(y) > 1 else float("nan")
    off = np.abs(y - said)
    return {"r2": r2, "mae": float(off.mean()), "rmse": float(np.sqrt((off**2).mean()))}


def _sureness(made: Any, values: Any, target: Target) -> np.ndarray | None:
    """How clearly a classifier decided for what it said: a probability, or the margin to the next class."""
    if target.classes is None:
        return None
    if hasattr(made, "predict_proba"):
        return np.asarray(made.predict_proba(values)).max(axis=1)
    margins = np.asarray(made.decision_function(values))
    if margins.ndim == 1:
        return np.abs(margins)
    best = np.sort(margins, axis=1)
    return np.asarray(best[:, -1] - best[:, -2])
