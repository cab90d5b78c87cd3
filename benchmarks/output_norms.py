"""Norms and normalization of 200,000 x 512 float32, and looking at them on the way in: `python -m benchmarks.output_norms`.

Both contenders' answers are compared before anything is timed. Takes half a minute on two cores.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.preprocessing import normalize

import vecwise as vw
from benchmarks.floors import reading
from benchmarks.timing import Work, alone, run, scaled

ROWS, DIM = scaled(200_000), 512
READ = ROWS * DIM * 4


def made() -> vw.Vectors:
    return vw.Vectors(np.random.default_rng(0).standard_normal((ROWS, DIM), dtype=np.float32))


def norms() -> tuple[Callable[[], Any], Callable[[], Any]]:
    X = made()

    def theirs() -> Any:
        return np.stack([np.linalg.norm(X.values, ord=order, axis=1) for order in (1, 2)], axis=1)

    if not alone():
        np.testing.assert_allclose(vw.norms(X, order=[1, 2]), theirs(), rtol=1e-5)  # float32 sums, theirs
    return lambda: vw.norms(X, order=[1, 2]), theirs


def normalized() -> tuple[Callable[[], Any], Callable[[], Any]]:
    X = made()
    if not alone():
        np.testing.assert_allclose(vw.normalize(X).values, normalize(X.values), rtol=1e-5)
    return lambda: vw.normalize(X), lambda: normalize(X.values, copy=True)


def looked_at() -> tuple[Callable[[], Any], Callable[[], Any]]:
    values = made().values
    return lambda: vw.Vectors(values), lambda: np.isfinite(values).all()


def summary() -> tuple[Callable[[], Any], None]:
    X = made()
    return lambda: vw.norm_summary(X), None


WORKS = [
    Work(
        "L1 and L2 norms of 200,000 x 512",
        "NumPy linalg.norm twice",
        norms,
        "0.41 GB read once",
        15,
        "8",
        lambda: reading(READ),
    ),
    Work(
        "normalize 200,000 x 512",
        "scikit-learn normalize",
        normalized,
        "0.41 GB read and as much written, at the speed of reading; fresh memory is zeroed by the system besides",
        15,
        "4",
        lambda: reading(2 * READ),
    ),
    Work(
        "Vectors of 200,000 x 512",
        "NumPy isfinite",
        looked_at,
        "0.41 GB read once",
        15,
        "",
        lambda: reading(READ),
    ),
    Work("summary of L1 and L2 norms", "none", summary, "0.41 GB read once", 15, "", lambda: reading(READ)),
]

if __name__ == "__main__":
    run(WORKS, ("vecwise", "numpy", "scikit-learn"))
