"""The methods that bend space to lay rows out: each from the same start, with exact neighbours, in one thread.

This module must not know files, nor what is done with a layout. The packages behind it load on use.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from vecwise.errors import OutOfRange, missing_package
from vecwise.kernels.arrays import dense
from vecwise.kernels.norms import unit_rows
from vecwise.measure.nearest import nearest
from vecwise.vectors import Vectors

# Rows above which a sample is laid out and the others are placed: about two minutes of one core each.
LIMITS: Final = {"umap": 50_000, "tsne": 10_000, "pacmap": 50_000}
FEWEST: Final = 5  # different rows below which these methods have nothing to go by
_INSTALL: Final = "'vecwise[map]'"


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """What a method works on: different rows, how they are compared, and where they start (float64, spread 1)."""

    rows: Vectors
    metric: str
    neighbors: int
    seed: int
    start: np.ndarray

    def nearest(self, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Every row itself and its k nearest other rows, `(rows, k + 1)`, with their distances; exact."""
        found = nearest(self.rows, self.rows, k=k + 1, metric=self.metric)
        away = np.maximum(1 - found.scores, 0) if self.metric == "cosine" else found.scores
        others = found.places != np.arange(len(self.rows))[:, None]
        others[others.all(axis=1), -1] = False
        near, far = (found_of[others].reshape(-1, k) for found_of in (found.places, away))
        itself = np.arange(len(self.rows))[:, None]
        return np.hstack([itself, near]), np.hstack([np.zeros(itself.shape), far])

    def comparable(self) -> np.ndarray:
        """The rows as a dense array of float32 whose Euclidean distances rank as their cosines do, for cosine."""
        values = unit_rows(self.rows.values, 2)[0] if self.metric == "cosine" else self.rows.values
        return dense(values, np.float32)


def laid_out(method: str, job: Job) -> np.ndarray:
    """Lay rows out by a method, shape like `job.start`; raises `MissingPackage`, `OutOfRange` for too few rows."""
    if len(job.rows) < FEWEST:
        raise OutOfRange(
            f"{NAMES[method]} needs at least {FEWEST} rows that differ, and there are {len(job.rows)}. "
            'Use method="pca".'
        )
    return np.asarray(_METHODS[method](job))


def _umap(job: Job) -> np.ndarray:
    """McInnes, Healy and Melville 2018, doi:10.48550/arXiv.1802.03426."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ImportWarning)  # of what it would need for other things
        try:
            from umap import UMAP
        except ImportError as error:
            raise missing_package("umap-learn", "UMAP", _INSTALL) from error
    size = min(job.neighbors + 1, len(job.rows) - 1)  # UMAP counts a row among its own neighbours
    places, away = job.nearest(size - 1)
    start = job.start.astype(np.float32)
    method = UMAP(
        n_components=start.shape[1], n_neighbors=size, init=10 * start, random_state=job.seed, n_jobs=1,
        precomputed_knn=(places, away.astype(np.float32)),
    )  # fmt: skip
    with warnings.catch_warnings():  # it will not transform new rows: that is not its job here
        warnings.filterwarnings("ignore", "precomputed_knn.2. .knn_search_index. is not", UserWarning)
        return np.asarray(method.fit_transform(start))  # of `start` it reads the shape alone


def _tsne(job: Job) -> np.ndarray:
    """Van der Maaten 2014 (Barnes and Hut's approximation), https://jmlr.org/papers/v15/vandermaaten14a.html."""
    try:
        from sklearn.manifold import TSNE
    except ImportError as error:
        raise missing_package("scikit-learn", "t-SNE", _INSTALL) from error
    from scipy.sparse import csr_array

    count = len(job.rows)
    perplexity = min(2.0 * job.neighbors, (count - 1) / 3)
    size = min(count - 1, int(3 * perplexity + 1))
    places, away = job.nearest(size)
    ends = np.arange(0, places.size + 1, size + 1)
    graph = csr_array((away.ravel(), places.ravel(), ends), (count, count))
    method = TSNE(
        n_components=job.start.shape[1], perplexity=perplexity, metric="precomputed", random_state=job.seed,
        init=(1e-4 * job.start).astype(np.float32), learning_rate="auto",
    )  # fmt: skip
    with _alone("sklearn"):  # its sums have other bits with another number of threads
        return np.asarray(method.fit_transform(graph))


def _pacmap(job: Job) -> np.ndarray:
    """Wang, Huang, Rudin and Shaposhnik 2021, https://jmlr.org/papers/v22/20-1061.html."""
    if job.metric == "chebyshev":
        raise OutOfRange('PaCMAP does not compare by the Chebyshev distance. Use metric="euclidean".')
    try:
        from pacmap import PaCMAP
    except ImportError as error:
        raise missing_package("pacmap", "PaCMAP", "pacmap") from error
    size = min(
        job.neighbors, int(len(job.rows) / 3.5)
    )  # with their farther partners they must not be all rows
    places = job.nearest(size)[0][:, 1:]
    rows = np.repeat(np.arange(len(job.rows)), size)
    pairs = np.stack([rows, places.ravel()], axis=1).astype(np.int32)
    with _alone("pacmap"):
        method = PaCMAP(
            n_components=job.start.shape[1], n_neighbors=size, pair_neighbors=pairs, random_state=job.seed,
            distance="manhattan" if job.metric == "manhattan" else "euclidean", apply_pca=False,
        )  # fmt: skip
        return np.asarray(method.fit_transform(job.comparable().copy(), init=job.start.astype(np.float32)))


@contextmanager
def _alone(package: str) -> Iterator[None]:
    """One thread, and none of the package's own remarks on standard error."""
    import logging

    from threadpoolctl import threadpool_limits

    logger, numba = logging.getLogger(package), sys.modules.get("numba")
    level, threads = logger.level, numba.get_num_threads() if numba else 1
    logger.setLevel(logging.ERROR)
    try:
        if numba:
            numba.set_num_threads(1)
        with threadpool_limits(limits=1):
            yield
    finally:
        logger.setLevel(level)
        if numba:
            numba.set_num_threads(threads)


_METHODS: Final[dict[str, Callable[[Job], Any]]] = {"umap": _umap, "tsne": _tsne, "pacmap": _pacmap}
NAMES: Final = {"pca": "PCA", "umap": "UMAP", "tsne": "t-SNE", "pacmap": "PaCMAP", "as is": "as they are"}
