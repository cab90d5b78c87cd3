"""Exact search in stages: floors, products in eight bits and sparse cells lose no row, and give the same bits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.sparse import csr_array, random_array

import vecwise as vw
from test_measure_nearest import way  # noqa: F401  both ways of searching, for every test
from vecwise.measure import nearest as module


def staged(monkeypatch, rows: int) -> None:
    """Small stages, so that a floor and eight bits are used on few rows."""
    monkeypatch.setattr(module, "FIRST_ROWS", rows)
    monkeypatch.setattr(module, "LEAST_ROWS", 64)
    monkeypatch.setattr(module, "SEARCHED_ROWS", rows)


def exact_order(X: np.ndarray, q: np.ndarray, metric: str) -> list[float]:
    """Scores in long double, larger is better, at once for all rows."""
    X, q = X.astype(np.longdouble), q.astype(np.longdouble)
    if metric == "dot":
        return X @ q
    if metric in ("cosine", "angular"):
        with np.errstate(invalid="ignore"):
            made = X @ q / np.sqrt((X * X).sum(axis=1)) / np.sqrt(q @ q)
        return made if metric == "cosine" else -np.arccos(np.clip(made, -1, 1)) / np.pi
    return -((X - q) ** 2).sum(axis=1)


HARD = ("noise", "offset", "clusters", "lengths", "duplicates", "huge", "tiny")


def hard_rows(kind: str, dtype: type) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(HARD.index(kind))
    X = rng.standard_normal((1_500, 48))
    if kind == "offset":
        X = 1 + X / 1000
    elif kind == "clusters":
        X = X[rng.integers(0, 20, 1_500)] + X * 1e-5
    elif kind == "lengths":
        X *= 10.0 ** rng.integers(-6, 7, (1_500, 1))
    elif kind == "duplicates":
        X = X[rng.integers(0, 40, 1_500)]
    elif kind in ("huge", "tiny"):
        X *= 1e30 if kind == "huge" else 1e-30
    X = X.astype(dtype)
    return X, (X[::75] * dtype(1.0009)).astype(dtype)


@pytest.mark.parametrize("metric", ["cosine", "dot", "euclidean", "sqeuclidean", "angular"])
@pytest.mark.parametrize("kind", HARD)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_stages_lose_no_row(kind, metric, dtype, monkeypatch) -> None:
    staged(monkeypatch, 128)
    if kind in ("huge", "tiny") and dtype == np.float32 and metric == "sqeuclidean":
        dtype = np.float64
    X, Q = hard_rows(kind, dtype)
    found = vw.nearest(X, Q, k=6, metric=metric)
    for q, places in zip(Q, found.places, strict=True):
        scores = exact_order(X, q, metric)
        best = np.sort(scores)[::-1][:6]
        apart = 1e-13 * np.abs(best) + (1e-13 if metric in ("cosine", "angular") else 0)
        if metric == "dot":
            apart = apart + 1e-14 * np.sqrt(
                (X[places].astype(np.longdouble) ** 2).sum(axis=1) * (q.astype(np.longdouble) ** 2).sum()
            )
        if metric == "angular":
            apart = apart + 1e-9  # the arc cosine of a long double loses half of its digits near 1
        assert (np.abs(scores[places] - best) <= apart).all()
    whole = [vw.nearest(X, Q[i : i + 1], k=6, metric=metric) for i in range(3)]  # measures every row
    assert all(np.array_equal(one.places[0], found.places[i]) for i, one in enumerate(whole))
    assert all(one.scores[0].tobytes() == found.scores[i].tobytes() for i, one in enumerate(whole))


def test_bytes_find_every_pair_that_reaches_the_floor() -> None:
    from vecwise.kernels.byte_candidates import reaching_floor
    from vecwise.kernels.native_screen import multiplies_bytes
    from vecwise.kernels.pair_scores import exact_scores, sides_of

    X, Q = hard_rows("noise", np.float32)
    sides = sides_of(Q, X)
    every = np.repeat(np.arange(len(Q)), len(X)), np.tile(np.arange(len(X)), len(Q))
    for metric in ("cosine", "dot", "euclidean", "sqeuclidean", "angular"):
        scores = exact_scores(sides, *every, metric).reshape(len(Q), len(X))
        floor = np.sort(scores, axis=1)[:, -20]
        found = reaching_floor(sides, metric, floor)
        if not multiplies_bytes():
            assert found is None
            continue
        assert found is not None
        marked = np.zeros(scores.shape, bool)
        marked[found] = True
        assert marked[scores >= floor[:, None]].all()
        assert marked.mean() < 0.5  # and not simply all of them


@pytest.mark.parametrize("metric", ["cosine", "dot", "euclidean", "sqeuclidean", "angular"])
@pytest.mark.parametrize("scale", [1.0, 1e-200, 1e200])
def test_sparse_rows_are_dense_rows_to_the_bit(metric, scale, monkeypatch) -> None:
    staged(monkeypatch, 64)
    if scale != 1 and metric in ("dot", "sqeuclidean"):
        scale = 1e-100 if scale < 1 else 1e100
    rng = np.random.default_rng(8)
    X = random_array((700, 90), density=0.05, format="csr", rng=rng)
    X.data[:] = rng.choice([-1.0, 1, 2], X.nnz) * rng.random(X.nnz) * scale
    X.data[X.indptr[5] : X.indptr[6]] = 0
    X.eliminate_zeros()
    Q = X[:30]
    dense, sparse = (vw.nearest(*sides, k=9, metric=metric) for sides in ((X.toarray(), Q.toarray()), (X, Q)))
    assert np.array_equal(dense.places, sparse.places)
    assert dense.scores.tobytes() == sparse.scores.tobytes()
    mixed = vw.nearest(X, Q.toarray(), k=9, metric=metric), vw.nearest(X.toarray(), Q, k=9, metric=metric)
    assert all(other.scores.tobytes() == dense.scores.tobytes() for other in mixed)
    middle = float(np.nanmedian(dense.scores))
    within = [
        vw.nearest(*sides, radius=middle, metric=metric) for sides in ((X.toarray(), Q.toarray()), (X, Q))
    ]
    assert all(np.array_equal(a, b) for a, b in zip(*(found.places for found in within), strict=True))


@example(795, 3, "dot")  # products that cancel, and are not nothing
@given(st.integers(0, 10_000), st.integers(1, 12), st.sampled_from(["cosine", "dot", "euclidean", "angular"]))
def test_rows_that_share_nothing_stand_in_their_order(seed, k, metric) -> None:
    rng = np.random.default_rng(seed)
    X = csr_array((rng.random((60, 12)) < 0.08) * rng.choice([-1.0, 1.0, 1e-30], (60, 12)))
    Q = csr_array((rng.random((9, 12)) < 0.2) * 1.0)
    found, dense = (
        vw.nearest(X, Q, k=k, metric=metric),
        vw.nearest(X.toarray(), Q.toarray(), k=k, metric=metric),
    )
    assert np.array_equal(found.places, dense.places)
    assert found.scores.tobytes() == dense.scores.tobytes()


def test_both_ways_give_the_same_bits(monkeypatch) -> None:
    staged(monkeypatch, 128)
    answers = {}
    for native in ("0", "1"):
        monkeypatch.setenv("VECWISE_NATIVE", native)
        X, Q = hard_rows("clusters", np.float32)
        S = random_array((400, 70), density=0.06, format="csr", rng=np.random.default_rng(1))
        for metric in ("cosine", "dot", "euclidean", "sqeuclidean", "angular"):
            for name, rows, asked in (("dense", X, Q), ("sparse", S, S[:25]), ("few", X, Q[:2])):
                found = vw.nearest(rows, asked, k=8, metric=metric)
                known = answers.setdefault((metric, name), (found.places.tobytes(), found.scores.tobytes()))
                assert known == (found.places.tobytes(), found.scores.tobytes()), (metric, name)
