"""Exact nearest neighbours against FAISS's flat index and scikit-learn's brute force: `python -m benchmarks.output_nearest`.

Dense: 200,000 x 512 float32 of unit length, 1,000 queries, the 10 best by inner product (for scikit-learn by cosine,
which ranks them alike). Sparse: 200,000 rows of 50,000 words drawn by Zipf's law, weighed as TF-IDF. The queries are
rows with noise.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from scipy.sparse import csr_array

import vecwise as vw
from benchmarks.floors import product, reading
from benchmarks.timing import Work, alone, run, scaled

ROWS, DIM, QUERIES, K = scaled(200_000), 512, 1_000, 10
WORDS = 50_000


@cache
def dense() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((ROWS, DIM), dtype=np.float32)
    asked = rows[:QUERIES] + 0.5 * rng.standard_normal((QUERIES, DIM), dtype=np.float32)
    return tuple(x / np.linalg.norm(x, axis=1, keepdims=True) for x in (rows, asked))  # type: ignore[return-value]


def flat_index() -> tuple[Callable[[], object], Callable[[], object]]:
    import faiss

    rows, asked = dense()
    index = faiss.IndexFlatIP(DIM)
    index.add(rows)
    X = vw.Vectors(rows)
    if not alone():
        assert (vw.nearest(X, asked, k=K, metric="dot").places == index.search(asked, K)[1]).mean() > 0.9999
    return lambda: vw.nearest(X, asked, k=K, metric="dot"), lambda: index.search(asked, K)


def brute_force() -> tuple[Callable[[], object], Callable[[], object]]:
    from sklearn.neighbors import NearestNeighbors

    rows, asked = dense()
    peer = NearestNeighbors(n_neighbors=K, metric="cosine", algorithm="brute").fit(rows)
    X = vw.Vectors(rows)
    if not alone():
        assert (vw.nearest(X, asked, k=K, metric="dot").places == peer.kneighbors(asked)[1]).mean() > 0.999
    return lambda: vw.nearest(X, asked, k=K, metric="dot"), lambda: peer.kneighbors(asked)


@cache
def texts() -> tuple[Any, Any]:
    """TF-IDF rows of some 40 different words each."""
    rng = np.random.default_rng(1)
    chance = 1 / np.arange(3, WORDS + 3) ** 1.05
    words = rng.choice(WORDS, (ROWS, 50), p=chance / chance.sum())
    cells = csr_array((np.ones(words.size), words.ravel(), np.arange(ROWS + 1) * 50), shape=(ROWS, WORDS))
    cells.sum_duplicates()
    weight = np.log((1 + ROWS) / (1 + np.bincount(cells.indices, minlength=WORDS))) + 1
    cells.data *= weight[cells.indices]
    unit = vw.normalize(vw.Vectors(cells)).values
    return unit, unit[rng.permutation(ROWS)[:QUERIES]]


def sparse() -> tuple[Callable[[], object], Callable[[], object]]:
    from sklearn.neighbors import NearestNeighbors

    rows, asked = texts()
    peer = NearestNeighbors(n_neighbors=K, metric="cosine", algorithm="brute").fit(rows)
    X, Q = vw.Vectors(rows), None
    Q = vw.Vectors(asked, space=X.space)
    if not alone():
        found, (distance, _) = vw.nearest(X, Q, k=K), peer.kneighbors(asked)
        assert np.allclose(found.scores, 1 - distance, atol=1e-9)
    return lambda: vw.nearest(X, Q, k=K), lambda: peer.kneighbors(asked)


def _postings() -> float:
    """Every cell that a query and a row share is read once: 12 bytes."""
    rows, asked = texts()
    often = np.bincount(rows.indices, minlength=WORDS)
    return reading(12 * float(often[asked.indices].sum()))


SIZE = f"{ROWS:,} x {DIM}"
WORKS = [
    Work(
        f"10 nearest by inner product, {QUERIES:,} queries on {SIZE}",
        "FAISS IndexFlatIP",
        flat_index,
        "the matrix product",
        5,
        "1.05",
        lambda: product(ROWS, QUERIES, DIM),
    ),
    Work(
        f"the same ({SIZE}), against brute force",
        "scikit-learn NearestNeighbors",
        brute_force,
        "the matrix product",
        3,
        "2.5",
        lambda: product(ROWS, QUERIES, DIM),
    ),
    Work(
        f"10 nearest by cosine, {QUERIES:,} queries on TF-IDF {ROWS:,} x {WORDS:,}",
        "scikit-learn NearestNeighbors",
        sparse,
        "reading the cells that both sides have",
        3,
        "3",
        _postings,
    ),
]

if __name__ == "__main__":
    run(WORKS, ["vecwise", "numpy", "scikit-learn", "faiss-cpu"])
