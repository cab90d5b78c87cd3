"""k-means of many rows against scikit-learn and FAISS: the same start, the same number of passes, the same centers.

python -m benchmarks.output_clusters
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from sklearn.cluster import KMeans

import vecwise as vw
from benchmarks.floors import product, reading
from benchmarks.timing import Work, alone, run, scaled

ROWS, DIM, CENTERS, PASSES = 200_000, 128, 64, 20
FLOOR = "a pass is a product of 200,000 x 64 x 128 and reads 102 MB, 20 times"


def rows() -> np.ndarray:
    """Clusters that overlap, so that labels go on changing for more passes than are made."""
    rng = np.random.default_rng(0)
    middles = 0.3 * rng.standard_normal((CENTERS, DIM))
    made = middles[rng.integers(0, CENTERS, scaled(ROWS))] + rng.standard_normal((scaled(ROWS), DIM))
    return made.astype(np.float32)


def ours(X: np.ndarray) -> Any:
    return vw.cluster(X, metric="euclidean", start=X[:CENTERS], iterations=PASSES, tolerance=0, names=False)


def sklearns(X: np.ndarray) -> Any:
    job = KMeans(CENTERS, init=X[:CENTERS], n_init=1, max_iter=PASSES, tol=0, algorithm="lloyd")
    return job.fit(X)


def faisss(X: np.ndarray) -> Any:
    import faiss

    job = faiss.Kmeans(DIM, CENTERS, niter=PASSES, max_points_per_centroid=10**9)
    job.train(X, init_centroids=X[:CENTERS])
    return job, job.index.search(X, 1)[1]  # labels too, as the others give them


def against(peer: Any) -> tuple[Any, Any]:
    """Both contenders, which must agree."""
    X = rows()
    if not alone():
        made, theirs = ours(X), peer(X)
        inertia = theirs.inertia_ if peer is sklearns else theirs[0].obj[-1]
        assert made.iterations == PASSES
        assert abs(made.inertia - inertia) < 1e-3 * inertia
        if peer is sklearns:
            assert theirs.n_iter_ == PASSES
            assert abs(made.inertia - inertia) < 1e-5 * inertia
    return partial(ours, X), partial(peer, X)


def floor() -> float:
    """Seconds of the passes that labels and centers take, and of the last one, for labels alone."""
    count = scaled(ROWS)
    return (PASSES + 1) * max(product(count, CENTERS, DIM), reading(4.0 * count * DIM))


WORKS = [
    Work(
        "k-means, 64 clusters, 200,000 x 128, 20 passes",
        "scikit-learn KMeans, lloyd",
        partial(against, sklearns),
        FLOOR,
        5,
        "1.5",
        floor,
    ),
    Work("k-means, the same", "FAISS Kmeans", partial(against, faisss), FLOOR, 5, "1", floor),
]

if __name__ == "__main__":
    run(WORKS, ["vecwise", "numpy", "scikit-learn", "faiss-cpu"])
