"""Groups that need all rows at once: dense regions, and a tree of merges; each with its limit.

This module must not know vectors, spaces or the screen.
"""

from __future__ import annotations

import warnings
from typing import Any, Final

import numpy as np

from vecwise.errors import TooLarge, missing_package
from vecwise.kernels.arrays import dense
from vecwise.table_text import count as counted

MOST_MERGED: Final = 10_000  # rows of a tree of merges, whose distances take 400 MB
MOST_MEASURED: Final = 20_000  # rows whose dense regions are found by all distances, in about a minute
MOST_GRAPHED: Final = 500_000  # rows whose dense regions are found by a graph of near rows
LEAST: Final = 5  # rows of the smallest dense region
_SHARE: Final = 100  # and of many rows, one in so many


def merges(values: Any) -> np.ndarray:
    """Give Ward's tree of merges as SciPy gives it, `(rows - 1, 4)`; raises `TooLarge` above 10,000 rows.

    Source: Ward 1963, doi:10.1080/01621459.1963.10500845.
    """
    if values.shape[0] > MOST_MERGED:
        raise TooLarge(
            f"A tree of merges of {counted(values.shape[0], 'row')} needs the distances of all pairs; the limit is "
            f'{MOST_MERGED:,}. Use method="kmeans", or a sample: X[:: {-(-values.shape[0] // MOST_MERGED)}].'
        )
    if values.shape[0] < 2:
        return np.zeros((0, 4))
    from scipy.cluster.hierarchy import linkage

    return linkage(dense(values), method="ward")


def cut(tree: np.ndarray, count: int) -> np.ndarray:
    """Give the labels, from 0, of the tree cut into `count` clusters: its last merges are undone."""
    rows = len(tree) + 1
    parent = np.arange(rows + len(tree))
    for step in range(rows - count):
        parent[tree[step, :2].astype(np.int64)] = rows + step
    for node in range(len(parent) - 1, -1, -1):  # parents have larger numbers than what they hold
        parent[node] = parent[parent[node]]
    return np.unique(parent[:rows], return_inverse=True)[1].astype(np.int64)


def dense_regions(values: Any, *, by_direction: bool, seed: int) -> np.ndarray:
    """Give a label a row, -1 for rows in no dense region.

    By direction, of unit rows in many dimensions: EVoC (McInnes 2025), whose graph of near rows finds regions that
    distances alone lose there. Otherwise HDBSCAN (Campello, Moulavi and Sander 2013,
    doi:10.1007/978-3-642-37456-2_14) by Euclidean distance, exactly. Raises `TooLarge` above 500,000 and 20,000 rows,
    `MissingPackage` without the extra `[map]`.
    """
    rows, most = values.shape[0], MOST_GRAPHED if by_direction else MOST_MEASURED
    if rows > most:
        raise TooLarge(
            f"Dense regions are found among up to {most:,} rows, not {rows:,}. "
            f'Use method="kmeans", or a sample: X[:: {-(-rows // most)}].'
        )
    least = max(LEAST, rows // _SHARE)
    if rows <= 2 * least:
        return np.zeros(rows, np.int64)
    return _by_graph(values, least, seed) if by_direction else _by_distance(values, least)


def _by_distance(values: Any, least: int) -> np.ndarray:
    try:
        from sklearn.cluster import HDBSCAN
    except ImportError as error:
        raise missing_package("scikit-learn", 'method="density"', "'vecwise[map]'") from error
    found = HDBSCAN(min_cluster_size=least, copy=True).fit(dense(values))
    return np.asarray(found.labels_, np.int64)


def _by_graph(values: Any, least: int, seed: int) -> np.ndarray:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import numba
            from evoc import EVoC
    except ImportError as error:
        raise missing_package("evoc", 'method="density" by cosine', "'vecwise[map]'") from error
    before = numba.get_num_threads()
    numba.set_num_threads(1)  # with another number of threads it finds other regions
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = EVoC(base_min_cluster_size=least, random_state=seed).fit(dense(values, np.float32))
        # Its finest layer: which of the coarser ones it prefers turns on the last bits of the rows.
        return np.asarray(found.cluster_layers_[0], np.int64)
    finally:
        numba.set_num_threads(before)
