"""Indexes: the exact one, a query at a time, against FAISS; a graph through `vw.index` against the same graph bare.

Run it with `python -m benchmarks.output_index`; it takes a minute on two cores. Exact answers are compared before
anything is timed; of both graphs the recall is printed, against the exact answer.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import faiss
import numpy as np
from usearch.index import Index

import vecwise as vw
from benchmarks.floors import reading
from benchmarks.timing import Contender, Work, alone, cores, run, scaled

ROWS, DIM, QUERIES, K = 200_000, 512, 20, 10


def normal(rows: int, dim: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((rows, dim), dtype=np.float32)


def one_by_one(search: Callable[[np.ndarray], Any], queries: np.ndarray) -> Contender:
    return lambda: [search(query) for query in queries]


def exact() -> tuple[Contender, Contender]:
    """The ten largest inner products; FAISS keeps float32 and its own two threads, which a single query does not use."""
    X, queries = normal(scaled(ROWS), DIM), normal(QUERIES, DIM, 1)
    faiss.omp_set_num_threads(cores())
    ours, flat = vw.index(X, metric="dot"), faiss.IndexFlatIP(DIM)
    flat.add(X)
    if not alone():
        for query in queries:
            scores, places = flat.search(query[None], K)
            found = ours.nearest(query, k=K)
            np.testing.assert_allclose(found.scores, scores, rtol=1e-5)
            np.testing.assert_array_equal(found.places, places)
    return one_by_one(lambda query: ours.nearest(query, k=K), queries), one_by_one(
        lambda query: flat.search(query[None], K), queries
    )


def graph(*, at_once: bool) -> tuple[Contender, Contender]:
    """The same graph on both sides; ours asks for ten candidates more, and scores them in float64."""
    rng = np.random.default_rng(0)
    centers, dim = normal(100, 128, 2), 128
    X = centers[rng.integers(0, 100, scaled(20_000))] + 0.7 * normal(scaled(20_000), dim)
    queries = centers[rng.integers(0, 100, 200)] + 0.7 * normal(200, dim, 3)
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    ours = vw.index(X, method="usearch")
    bare = Index(ndim=dim, metric="ip", dtype="f32", connectivity=16, expansion_add=128, expansion_search=128)
    bare.add(np.arange(len(X), dtype=np.uint64), X, threads=1)
    if not alone():
        truth = vw.nearest(X, queries, k=K).places
        found = [ours.nearest(query, k=K).places[0] for query in queries]
        theirs = [bare.search(query, K).keys for query in queries]
        for name, answers in (("ours", found), ("bare", theirs)):
            share = np.mean([np.isin(a, t).mean() for a, t in zip(answers, truth, strict=True)])
            print(f"    recall of the 10 nearest, {name}: {share:.4f}")
        print(f"    what the index says of itself: {ours.recall}")
    if at_once:
        return partial(ours.nearest, queries, k=K), partial(bare.search, queries, K)
    return one_by_one(lambda query: ours.nearest(query, k=K), queries), one_by_one(
        lambda query: bare.search(query, K), queries
    )


WORKS = [
    Work(
        "exact top 10, one query at a time, 20 of them",
        "FAISS IndexFlatIP",
        exact,
        "20 times one byte a coordinate over the bandwidth of memory",
        least="2",
        bound=lambda: QUERIES * reading(scaled(ROWS) * DIM),
    ),
    Work("top 10 by a graph, 200 queries at once", "usearch alone", partial(graph, at_once=True)),
    Work("top 10 by a graph, 200 one at a time", "usearch alone", partial(graph, at_once=False), rounds=3),
]

if __name__ == "__main__":
    run(WORKS, ["vecwise", "faiss-cpu", "usearch", "numpy"])
