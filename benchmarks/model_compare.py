"""Two spaces compared, against the usual way with tables of rows, SciPy and scikit-learn: `python -m benchmarks.model_compare`."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

import vecwise as vw
from benchmarks.floors import product
from benchmarks.timing import Contender, Work, alone, run, scaled
from vecwise.measure.overlap import neighbor_overlap
from vecwise.models.alignment import alignment, alignments, procrustes

ROWS, A, B, K = scaled(3_000), 512, 384, 10


def spaces(rows: int = ROWS) -> tuple[np.ndarray, np.ndarray]:
    """Rows in two spaces that share some of their shape."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((rows, A))
    return X, X @ rng.standard_normal((A, B)) / 20 + rng.standard_normal((rows, B))


def kernels(X: np.ndarray, Y: np.ndarray) -> tuple[float, float]:
    """CKA as it is usually written, and its unbiased estimate: tables of rows by rows."""
    K, L = X @ X.T, Y @ Y.T
    centered = [M - M.mean(axis=0) - M.mean(axis=1)[:, None] + M.mean() for M in (K, L)]
    whole = [float((P * Q).sum()) for P in centered for Q in centered]
    for M in (K, L):
        np.fill_diagonal(M, 0)
    return whole[1] / np.sqrt(whole[0] * whole[3]), hsic(K, L) / np.sqrt(hsic(K, K) * hsic(L, L))


def hsic(P: np.ndarray, Q: np.ndarray) -> float:
    """The unbiased HSIC of kernels without their diagonal, times n (n - 3)."""
    n, p, q = len(P), P.sum(axis=0), Q.sum(axis=0)
    return float((P * Q).sum() + p.sum() * q.sum() / ((n - 1) * (n - 2)) - 2 / (n - 2) * (p @ q))


def cka() -> tuple[Contender, Contender]:
    X, Y = spaces()
    ours, theirs = partial(alignment, X, Y), partial(kernels, X, Y)
    if not alone():
        np.testing.assert_allclose(ours(), theirs(), rtol=1e-8)
    return ours, theirs


def layers() -> tuple[Contender, Contender]:
    """The unbiased CKA of every two of eight layers."""
    rng = np.random.default_rng(0)
    made = [rng.standard_normal((scaled(2_000), dim)) for dim in (64, 128, 128, 256, 256, 128, 64, 10)]

    def theirs() -> np.ndarray:
        tables = [X @ X.T for X in made]  # a table of rows each, kept for all pairs
        for K in tables:
            np.fill_diagonal(K, 0)
        own, table = [hsic(K, K) for K in tables], np.ones((len(made),) * 2)
        for i, K in enumerate(tables):
            for j in range(i):
                table[i, j] = table[j, i] = hsic(K, tables[j]) / np.sqrt(own[i] * own[j])
        return table

    ours = partial(alignments, made)
    if not alone():
        np.testing.assert_allclose(ours(), theirs(), rtol=1e-6, atol=1e-9)
    return ours, theirs


def turned() -> tuple[Contender, Contender]:
    from scipy.spatial import procrustes as scipy_procrustes

    X, Y = spaces(2 * ROWS)
    wide = np.hstack([Y, np.zeros((len(Y), A - B))])  # SciPy asks for as many columns
    ours, theirs = partial(procrustes, X, Y), partial(scipy_procrustes, X, wide)
    if not alone():
        np.testing.assert_allclose(ours().disparity, theirs()[2], rtol=1e-9)
    return ours, theirs


def overlapping() -> tuple[Contender, Contender]:
    """Euclidean on both sides, so that both look for the same neighbours."""
    X, Y = (side.astype(np.float32) for side in spaces(2 * ROWS))
    asked = np.sort(np.random.default_rng(0).choice(len(X), min(len(X), 2_000), replace=False))
    ours = partial(neighbor_overlap, vw.Vectors(X), vw.Vectors(Y), k=K, metric="euclidean")
    theirs = partial(by_scikit_learn, X, Y, asked)
    if not alone():
        assert abs(ours().mean - theirs()) < 1e-4, (ours().mean, theirs())
    return ours, theirs


def by_scikit_learn(X: np.ndarray, Y: np.ndarray, asked: np.ndarray) -> float:
    from sklearn.neighbors import NearestNeighbors

    near: list[Any] = []
    for side in (X, Y):
        found = (
            NearestNeighbors(n_neighbors=K + 1, algorithm="brute")
            .fit(side)
            .kneighbors(side[asked], return_distance=False)
        )
        near.append([set(row) - {own} for row, own in zip(found.tolist(), asked.tolist(), strict=True)])
    return float(np.mean([len(a & b) / K for a, b in zip(*near, strict=True)]))


def whole() -> tuple[Contender, Contender]:
    from scipy.spatial import procrustes as scipy_procrustes

    X, Y = spaces()
    sides = [side.astype(np.float32) for side in (X, Y)]
    asked = np.sort(np.random.default_rng(0).choice(len(X), min(len(X), 2_000), replace=False))
    wide = np.hstack([Y, np.zeros((len(Y), A - B))])

    def theirs() -> tuple[Any, ...]:
        return by_scikit_learn(*sides, asked), kernels(X, Y), scipy_procrustes(X, wide)[2]

    return partial(vw.compare, *(vw.Vectors(side) for side in sides)), theirs


WORKS = [
    Work(
        f"CKA and its unbiased estimate, {ROWS:,} x {A} and {B}",
        "NumPy, tables of rows",
        cka,
        "three products of columns in float64",
        rounds=3,
        least="3",
        bound=lambda: product(A, A + B, ROWS, np.float64) + product(B, B, ROWS, np.float64),
    ),
    Work("CKA of every two of 8 layers, 2,000 rows", "NumPy, tables of rows", layers, rounds=3, least="3"),
    Work(
        f"Procrustes, {2 * ROWS:,} x {A} and {B}",
        "SciPy procrustes",
        turned,
        "one product of columns in float64",
        rounds=3,
        least="1",
        bound=lambda: product(A, B, 2 * ROWS, np.float64),
    ),
    Work(
        f"neighbour overlap, 2,000 of {2 * ROWS:,} x {A} and {B}",
        "scikit-learn NearestNeighbors",
        overlapping,
        "two products in float32",
        rounds=3,
        least="1",
        bound=lambda: product(2_000, 2 * ROWS, A + B),
    ),
    Work(f"compare, {ROWS:,} x {A} and {B}", "the three by hand", whole, rounds=3, least="2"),
]

if __name__ == "__main__":
    run(WORKS, ["vecwise", "numpy", "scipy", "scikit-learn"])
