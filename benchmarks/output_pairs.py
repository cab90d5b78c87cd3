"""All pairs, and the pairs that count among many rows, against SciPy and scikit-learn.

Run it with `python -m benchmarks.output_pairs`; it takes about four minutes on two cores. Both contenders give the same
answer, which is compared before anything is timed.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from scipy.sparse import random_array
from scipy.spatial.distance import cdist
from sklearn.metrics.pairwise import cosine_similarity
from sklearn.preprocessing import normalize

import vecwise as vw
from benchmarks.floors import product
from benchmarks.timing import Work, alone, run, scaled

DIM = 512
SIDE = 2_000
CHUNK = 2_000
LEAST = 0.8
DIFFERENCES = "a difference, its sign and a sum: three steps of float64, of which a product takes one"


def table(metric: str, peer: str) -> tuple[Any, Any]:
    """All pairs of two sets of float32 rows; SciPy widens them to float64 itself."""
    rng = np.random.default_rng(0)
    A, B = (rng.standard_normal((SIDE, DIM)).astype(np.float32) for _ in range(2))
    ours = partial(vw.cosine, A, B) if metric == "cosine" else partial(vw.distances, A, B, metric=metric)
    theirs = partial(cosine_similarity, A, B) if metric == "cosine" else partial(cdist, A, B, peer)
    if not alone():
        np.testing.assert_allclose(
            ours().values, theirs(), rtol=1e-9, atol=1e-6 if metric == "cosine" else 1e-9
        )
    return ours, theirs


def clustered(rows: int) -> np.ndarray:
    """Rows around a center for every ten of them, some near, some far, as sentences about few things are."""
    rng = np.random.default_rng(0)
    centers = rng.standard_normal((max(1, rows // 10), DIM)).astype(np.float32)
    spread = rng.uniform(0.2, 2, (rows, 1)).astype(np.float32)
    return centers[rng.integers(0, len(centers), rows)] + spread * rng.standard_normal(
        (rows, DIM), dtype=np.float32
    )


def chunked(X: Any) -> tuple[np.ndarray, np.ndarray]:
    """What scikit-learn's users write: normalize once, multiply chunk by chunk, keep what is large enough."""
    unit = normalize(X)
    lefts, rights = [], []
    for start in range(0, X.shape[0], CHUNK):
        left, right = np.nonzero(_dense(unit[start : start + CHUNK] @ unit.T) >= LEAST)
        above = right > left + start
        lefts.append(left[above] + start)
        rights.append(right[above])
    return np.concatenate(lefts), np.concatenate(rights)


def _dense(products: Any) -> np.ndarray:
    return products.toarray() if hasattr(products, "toarray") else products


def alike(X: Any) -> tuple[Any, Any]:
    """The pairs of one set with a cosine of at least 0.8."""
    ours = partial(vw.pairs, vw.Vectors(X), at_least=LEAST)
    if not alone():
        found = set(map(tuple, ours().places.tolist()))
        different = found ^ set(zip(*(part.tolist() for part in chunked(X)), strict=True))
        rows = np.array([*different]).reshape(-1, 2)
        exact = np.diag(vw.cosine(X[rows[:, 0]], X[rows[:, 1]]).values) if len(rows) else np.zeros(0)
        assert (
            np.abs(exact - LEAST).max(initial=0) < 1e-5
        )  # float32 may round a score at the bound to either side
    return ours, partial(chunked, X)


def sparse() -> Any:
    """Rows like TF-IDF: a hundred words each of 20,000, some rows copied and changed a little."""
    rng = np.random.default_rng(0)
    X = random_array((scaled(20_000), 20_000), density=0.005, rng=rng, format="csr", dtype=np.float32)
    return X[np.concatenate([np.arange(X.shape[0]), rng.integers(0, X.shape[0], X.shape[0] // 20)])]


def repeated() -> tuple[Any, Any]:
    """Rows that repeat an earlier one nearly; alone, since no peer thins rows this way."""
    X = vw.Vectors(clustered(scaled(50_000)))
    return partial(vw.duplicates, X, at_least=LEAST), None


MANY = scaled(50_000)
WORKS = [
    Work(
        "all pairs, Manhattan, 2,000 x 2,000 x 512",
        "SciPy cdist",
        partial(table, "manhattan", "cityblock"),
        DIFFERENCES,
        least="8",
        bound=lambda: 3 * product(SIDE, SIDE, DIM, np.float64),
    ),
    Work(
        "all pairs, Euclidean, 2,000 x 2,000 x 512",
        "SciPy cdist",
        partial(table, "euclidean", "euclidean"),
        DIFFERENCES,
        bound=lambda: 3 * product(SIDE, SIDE, DIM, np.float64),
    ),
    Work(
        "all pairs, cosine, 2,000 x 2,000 x 512",
        "scikit-learn, float32",
        partial(table, "cosine", ""),
        "a product in float64; the peer's is float32, twice as fast",
        least="0.5",
        bound=lambda: product(SIDE, SIDE, DIM, np.float64),
    ),
    Work(
        "pairs with cosine >= 0.8, 50,000 x 512",
        "chunked scikit-learn",
        lambda: alike(clustered(MANY)),
        "half of a product in float32; products of bytes come before",
        rounds=3,
        least="3",
        bound=lambda: product(MANY, MANY / 2, DIM),
    ),
    Work(
        "pairs with cosine >= 0.8, TF-IDF 21,000 x 20,000",
        "chunked scikit-learn",
        lambda: alike(sparse()),
        rounds=3,
    ),
    Work(
        "near duplicates, cosine >= 0.8, 50,000 x 512",
        "",
        repeated,
        "half of a product in float32",
        rounds=3,
        bound=lambda: product(MANY, MANY / 2, DIM),
    ),
]

if __name__ == "__main__":
    run(WORKS, ["vecwise", "numpy", "scipy", "scikit-learn"])
