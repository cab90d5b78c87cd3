"""Why a model predicts what it does: which columns matter, which tell the target all by themselves, equal rows.

This module must not know how models are tried, files or the command line.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from vecwise.kernels.arrays import dense
from vecwise.kernels.equal_rows import first_equal_rows
from vecwise.models.splits import Split
from vecwise.models.targets import Target
from vecwise.space import Space
from vecwise.vectors import Vectors

MOST_COLUMNS: Final = 60
JUDGED: Final = 2_000  # rows on which a column is shuffled
TIMES: Final = 3
ALONE: Final = (
    0.99  # R², or the mean over the classes of the share found, of a column that tells the target by itself
)
FALL: Final = 1e-9  # falls of a score that are smaller are rounding
_DEPTH: Final = 8


def columns_of(space: Space) -> dict[str, list[int]]:
    """Give the dimensions of each column that was encoded: the labels of a category belong to one. Empty if unnamed.

    >>> columns_of(Space(3, "table-1", ("rooms", "kind=flat", "kind=house")))
    {'rooms': [0], 'kind': [1, 2]}
    """
    found: dict[str, list[int]] = {}
    if space.features is None:
        return found
    for place, name in enumerate(space.features):
        column = name.partition("=")[0] if space.kind == "table" else name
        found.setdefault(column, []).append(place)
    return found


def importance(
    made: Any, values: np.ndarray, y: np.ndarray, columns: dict[str, list[int]], task: str, *, seed: int = 0
) -> dict[str, float]:
    """Give by how much the score falls when a column is shuffled among judged rows, the largest first.

    The score is accuracy or R²; the mean of three shuffles of up to 2,000 rows. (Breiman 2001, Random Forests,
    Machine Learning 45, doi:10.1023/A:1010933404324, section 10.)
    """
    rng = np.random.default_rng(seed)
    keep = np.sort(rng.choice(len(y), JUDGED, replace=False)) if len(y) > JUDGED else np.arange(len(y))
    values, y = np.asarray(values[keep]), y[keep]
    whole = _score(task, y, made.predict(values))
    orders = [rng.permutation(len(y)) for _ in range(TIMES)]
    found = {}
    for name, places in columns.items():
        shuffled = np.concatenate([values] * TIMES)  # in one call: predicting has a price of its own
        shuffled[:, places] = np.concatenate([values[order][:, places] for order in orders])
        said = np.split(np.asarray(made.predict(shuffled)), TIMES)
        fall = whole - float(np.mean([_score(task, y, one) for one in said]))
        found[name] = fall if abs(fall) > FALL else 0.0
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def alone(
    learned: Vectors, judged: Vectors, target: Target, split: Split, columns: dict[str, list[int]]
) -> dict[str, float]:
    """Give the columns that tell the target all by themselves: what a leak looks like.

    The score of each is R², or balanced accuracy, so that a rare class counts as much as a frequent one.
    """
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    kind = DecisionTreeClassifier if target.classes else DecisionTreeRegressor
    a, b = dense(learned.values), dense(judged.values)
    truth, said = target.values[split.train], target.values[split.test]
    found = {}
    for name, places in columns.items():
        tree = kind(max_depth=_DEPTH, random_state=0).fit(a[:, places], truth)
        score = _even_score(target.task, said, np.asarray(tree.predict(b[:, places])))
        if score >= ALONE:
            found[name] = score
    return found


def repeated(X: Vectors, target: Target, splits: Sequence[Split]) -> int:
    """Count the judged rows whose vector equals that of a row their model learned from."""
    if X.is_sparse:
        return 0
    first = first_equal_rows(X.values)[target.places]
    found = 0
    for split in splits:
        found += int(np.isin(first[split.test], first[split.train]).sum())
    return found


def _even_score(task: str, y: np.ndarray, said: np.ndarray) -> float:
    """R², or balanced accuracy, by which the more frequent of two classes reaches a half, however rare the other."""
    if task == "numbers":
        return _score(task, y, said)
    labels = np.unique(y)
    found = [float((said[y == label] == label).mean()) for label in labels]
    return float(np.mean(found)) if len(labels) > 1 else 0.0


def _score(task: str, y: np.ndarray, said: np.ndarray) -> float:
    if task == "classes":
        return float((y == said).mean())
    spread = float(((y - y.mean()) ** 2).sum())
    return 1.0 - float(((y - said) ** 2).sum()) / spread if spread > 0 else 0.0
