"""How far a layout can be believed: ranks, projection and faithfulness against brute force and scikit-learn."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.sparse import csr_array
from scipy.spatial.distance import cdist

import vecwise as vw
from conftest import choose_way, read_only
from test_structure_layout import METRICS, blobs
from vecwise.kernels import ranks
from vecwise.kernels.projection import projected
from vecwise.kernels.ranks import count_below, nearer


@pytest.fixture(params=["numpy", "compiled"])
def way(request, monkeypatch):
    """Counting both ways, in NumPy and compiled."""
    choose_way(monkeypatch, request.param, ranks.library)
    return request.param


# ---- ranks, against long arithmetic ----


def true_counts(X, rows, others, metric):
    """How many rows are nearer, in long double; distances whose squares agree to nine digits are equal."""
    Z = X.astype(np.longdouble)
    if metric == "cosine":
        Z = Z / np.abs(Z).max(axis=1, keepdims=True)
        Z = Z / np.sqrt((Z * Z).sum(axis=1, keepdims=True))
    length = {"manhattan": lambda v: np.abs(v).sum(1), "chebyshev": lambda v: np.abs(v).max(1)}.get(
        metric, lambda v: np.sqrt((v * v).sum(1))
    )
    found = np.stack([length(Z - Z[row]) for row in rows])
    limits = np.take_along_axis(found, others, 1) * np.sqrt(np.longdouble(1) - 1e-9)
    found[np.arange(len(rows)), rows] = np.inf
    return (found[:, None, :] < limits[:, :, None]).sum(2)


WILD = {
    "plain": lambda X: X,
    "ties": lambda X: np.round(X) + 0.5,
    "two far clusters": lambda X: X + 1e8 * (np.arange(len(X)) % 2)[:, None],
    "huge": lambda X: X * 1e200,
    "tiny": lambda X: X * 1e-200,
    "one far row": lambda X: np.concatenate([X[:-1], 1e160 * X[-1:]]),
    "equal rows": lambda X: X[np.arange(len(X)) // 9 * 9],
    "offset": lambda X: X + 1e6,
}


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("kind", WILD)
def test_ranks_are_those_of_long_arithmetic(kind, metric, way) -> None:
    random = np.random.default_rng(1)
    X = WILD[kind](random.standard_normal((300, 7)))
    rows = np.sort(random.choice(300, 25, replace=False))
    others = (rows[:, None] + random.integers(1, 299, (25, 4))) % 300
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = nearer(X, rows, others, metric)
        sparse = nearer(csr_array(X), rows, others, metric)
    expected = true_counts(X, rows, others, metric)
    assert np.array_equal(found, expected)
    assert np.array_equal(sparse, expected)


def test_ranks_over_several_blocks_and_batches(way, monkeypatch) -> None:
    monkeypatch.setattr(ranks, "_QUERIES", 16)
    monkeypatch.setattr(ranks, "_BLOCK", 50)
    X = read_only(430, 6)
    rows = np.arange(0, 430, 7)
    others = (rows[:, None] + [[1, 200]]) % 430
    for metric in METRICS:
        assert np.array_equal(nearer(X, rows, others, metric), true_counts(X, rows, others, metric))


@given(
    arrays(np.float64, (3, 40), elements=st.integers(0, 9)),
    arrays(np.float64, (3, 5), elements=st.integers(0, 9)),
)
def test_counting_below_is_what_it_says(cells, limits) -> None:
    assert np.array_equal(count_below(cells, limits), (cells[:, None] < limits[:, :, None]).sum(2))


# ---- projection ----


def test_projection_is_right_and_each_row_by_itself() -> None:
    X, axes = blobs(500, 33), read_only(3, 33, seed=1)
    mean = X.mean(axis=0, dtype=np.float64)
    made = projected(X, mean, axes)
    exact = (X.astype(np.longdouble) - mean) @ axes.T.astype(np.longdouble)
    bound = 33 * np.finfo(float).eps * (np.abs(X - mean) @ np.abs(axes.T))
    assert (np.abs(made - exact) <= bound).all()
    for start, stop in ((0, 1), (3, 9), (17, 430), (499, 500)):
        assert projected(X[start:stop], mean, axes).tobytes() == made[start:stop].tobytes()
    sparse = csr_array(X)
    assert np.allclose(projected(sparse, mean, axes), made, atol=1e-5)
    assert projected(sparse[7:9], mean, axes).tobytes() == projected(sparse, mean, axes)[7:9].tobytes()


# ---- faithfulness, against scikit-learn and brute force ----


@pytest.mark.parametrize("metric", METRICS)
def test_trustworthiness_is_scikit_learns(metric, way) -> None:
    from sklearn.manifold import trustworthiness

    X = blobs(150, 12).astype(np.float64)
    points = X[:, :2]
    for k in (1, 5, 20):
        found = vw.faithfulness(X, points, k=k, metric=metric)
        assert found.trustworthiness == pytest.approx(
            trustworthiness(X, points, n_neighbors=k, metric=metric)
        )
        assert found.rows_trustworthiness.mean() == pytest.approx(found.trustworthiness)


def test_neighbours_kept_are_those_of_brute_force() -> None:
    X = blobs(120, 8).astype(np.float64)
    points = X[:, :3]

    def near(Z):
        away = cdist(Z, Z)
        np.fill_diagonal(away, np.inf)
        return np.argsort(away, axis=1)[:, :6]

    shares = [len(set(a) & set(b)) / 6 for a, b in zip(near(X), near(points), strict=True)]
    found = vw.faithfulness(X, points, k=6, metric="euclidean")
    assert np.allclose(found.rows_neighbors_kept, shares)
    assert found.neighbors_kept == pytest.approx(np.mean(shares))
    assert (
        found.words
        == f"{100 * np.mean(shares):.0f}% of each row's 6 nearest neighbours are still neighbours in the picture"
    )


@given(arrays(np.float64, (30, 3), elements=st.integers(-3, 3)), st.integers(1, 20))
def test_a_picture_of_the_vectors_themselves_is_wholly_faithful(X, k) -> None:
    found = vw.faithfulness(X, X, k=k, metric="euclidean")  # ties and equal rows included
    assert (found.neighbors_kept, found.trustworthiness, found.measured) == (1.0, 1.0, 30)


def test_above_a_size_a_seeded_sample_is_measured_against_all_rows(monkeypatch) -> None:
    from vecwise.structure import faithfulness

    X = blobs(400, 8)
    whole = vw.faithfulness(X, X[:, :2])
    monkeypatch.setattr(faithfulness, "PAIRS", 400 * 60)
    monkeypatch.setattr(faithfulness, "FEWEST", 10)
    some = vw.faithfulness(X, X[:, :2], seed=3)
    measured = np.isfinite(some.rows_neighbors_kept)
    assert measured.sum() == some.measured == 60
    assert np.array_equal(some.rows_trustworthiness[measured], whole.rows_trustworthiness[measured])
    assert some.neighbors_kept == whole.rows_neighbors_kept[measured].mean()
    assert "on 60 rows" in repr(some)
    again, other = (vw.faithfulness(X, X[:, :2], seed=seed) for seed in (3, 4))
    assert np.array_equal(np.isfinite(again.rows_neighbors_kept), measured)
    assert not np.array_equal(np.isfinite(other.rows_neighbors_kept), measured)


@pytest.mark.parametrize(("rows", "measured"), [(1, 0), (2, 0), (3, 3), (4, 4)])
def test_very_few_rows(rows, measured) -> None:
    found = vw.layout(blobs(rows), dim=2).faithfulness
    assert found.measured == measured
    assert found.k == 1
    assert np.isnan(found.neighbors_kept) == (not measured)
    assert ("too few rows" in repr(found)) == (not measured)


def test_rows_without_a_place_or_a_direction_are_left_out() -> None:
    X, points = blobs(50, 5).copy(), blobs(50, 2).copy()
    X[3], points[8] = 0, np.nan
    found = vw.faithfulness(X, points, metric="cosine")
    assert np.flatnonzero(np.isnan(found.rows_neighbors_kept)).tolist() == [3, 8]
    keep = np.setdiff1d(np.arange(50), [3, 8])
    assert found.trustworthiness == vw.faithfulness(X[keep], points[keep], metric="cosine").trustworthiness
