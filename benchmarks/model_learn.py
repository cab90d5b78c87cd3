"""A learned transformation against scikit-learn's: `python -m benchmarks.model_learn`.

Both learn from four fifths of the same labelled rows; how many of a held-out row's ten nearest have its label then is
printed by `python -m benchmarks.quality`, since the answers are not the same. metric-learn 0.7.0 does not run with
scikit-learn 1.8 and newer, whose checks it calls by their old names.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

import vecwise as vw
from benchmarks.model_probe import digits
from benchmarks.timing import Contender, Work, run


def transformed(X: np.ndarray, y: np.ndarray) -> Any:
    """Ours: it holds out a fifth of what it is given by itself, to say what it is worth."""
    return vw.fit_encoder(X, labels=y)


def by_nca(X: np.ndarray, y: np.ndarray, *, scaled: bool = True) -> Any:
    """Scaled by one number, since it hardly moves on numbers as large as those of pixels, or as given."""
    from sklearn.neighbors import NeighborhoodComponentsAnalysis
    from sklearn.pipeline import make_pipeline

    from vecwise.models.one_scale import OneScale

    made = NeighborhoodComponentsAnalysis(random_state=0, max_iter=30)
    return (make_pipeline(OneScale(), made) if scaled else made).fit(X, y)


def learned(theirs: Any) -> tuple[Contender, Contender]:
    X, y = digits()
    keep = np.sort(np.random.default_rng(0).permutation(len(y))[: 4 * len(y) // 5])
    rows, labels = X.values[keep], y[keep]
    return partial(transformed, rows, labels), partial(theirs, rows, labels)


WORKS = [
    Work(
        "fit_encoder, 1,437 digits x 64",
        "scikit-learn NCA, 30 rounds",
        partial(learned, by_nca),
        rounds=1,
        least="1",
    )
]

if __name__ == "__main__":
    run(WORKS, ["vecwise", "numpy", "scipy", "scikit-learn"])
