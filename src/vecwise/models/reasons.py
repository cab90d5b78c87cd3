"""Why a model predicts what it does: which columns matter, which tell the target all by themselves, equal rows.

This module must not know how models are tried, files or the command line.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from vecwise.errors import Inapplicable
from vecwise.kernels.arrays import dense
from vecwise.kernels.equal_rows import first_equal_rows
from vecwise.models.splits import Split
from vecwise.models.targets import Target
from vecwise.space import Space
from vecwise.vectors import Vectors

MOST_COLUMNS: Final = 60
JUDGED: Final = 2_000  # rows on which a column is shuffled, and from which one more fold says little more
FEW: Final = 30  # judged rows, among which shuffling leaves too much where it was
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


def constant(X: Vectors) -> list[str]:
    """Name the columns of a table that are the same in all rows, so that nothing is told by them.

    Raises `Inapplicable` where all rows have one vector.

    >>> import vecwise as vw
    >>> constant(vw.encode({"rooms": [3, 4], "doors": [1, 1]}))
    ['doors']
    """
    low, high = (np.asarray(side.toarray() if hasattr(side, "toarray") else side).ravel()
                 for side in (X.values.min(axis=0), X.values.max(axis=0)))  # fmt: skip
    still = low == high
    if still.all():
        raise Inapplicable(
            f"All {len(X):,} rows have the same vector, so nothing can be told from them. Encode columns that differ."
        )
    columns = columns_of(X.space) if X.space.kind == "table" else {}
    return [name for name, places in columns.items() if still[places].all()]


class Fold(NamedTuple):
    """A model of one fold, the vectors that it learned from and is judged by, and the truth of these."""

    made: Any
    learned: Vectors
    judged: Vectors
    truth: np.ndarray


def importance(folds: Sequence[Fold], task: str, *, seed: int = 0) -> dict[str, float]:
    """Give by how much the score falls when a column is shuffled among judged rows, the largest first.

    The score is accuracy or R² over the judged rows of all `folds` together, at most 2,000 of each; the mean of three
    shuffles. A fold of few judged rows draws the cells from those it learned from. A label that only some folds learned
    is part of its column all the same. (Breiman 2001, Random Forests, Machine Learning 45,
    doi:10.1023/A:1010933404324, section 10.)
    """
    rng = np.random.default_rng(seed)
    truth, plain, shuffled = [], [], []
    for fold in folds:
        values, y = dense(fold.judged.values), fold.truth
        keep = np.sort(rng.choice(len(y), JUDGED, replace=False)) if len(y) > JUDGED else np.arange(len(y))
        values = np.asarray(values[keep])
        given = values if len(values) >= FEW else dense(fold.learned.values)
        orders = [_drawn(rng, len(values), len(given)) for _ in range(TIMES)]
        truth.append(y[keep])
        plain.append(np.asarray(fold.made.predict(values)))
        shuffled.append(_shuffled(fold.made, values, given, orders, columns_of(fold.learned.space)))
    y = np.concatenate(truth)
    whole = _score(task, y, np.concatenate(plain))
    found = {}
    for name in dict.fromkeys(name for one in shuffled for name in one):
        said = [one.get(name, [said] * TIMES) for one, said in zip(shuffled, plain, strict=True)]
        scores = [_score(task, y, np.concatenate([one[time] for one in said])) for time in range(TIMES)]
        fall = whole - float(np.mean(scores))
        found[name] = fall if abs(fall) > FALL else 0.0
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def _drawn(rng: np.random.Generator, rows: int, of: int) -> np.ndarray:
    return rng.permutation(of)[:rows] if of >= rows else rng.integers(of, size=rows)


def _shuffled(
    made: Any,
    values: np.ndarray,
    given: np.ndarray,
    orders: Sequence[np.ndarray],
    columns: dict[str, list[int]],
) -> dict[str, list[np.ndarray]]:
    """What a model says of rows with one column from other rows, for each column and each order."""
    found = {}
    for name, places in columns.items():
        rows = np.concatenate([values] * len(orders))  # in one call: predicting has a price of its own
        rows[:, places] = np.concatenate([given[order][:, places] for order in orders])
        found[name] = np.split(np.asarray(made.predict(rows)), len(orders))
    return found


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
