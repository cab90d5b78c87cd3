"""Exact search: the product only chooses; order, ties, filters and radius are those of exact scores."""

from __future__ import annotations

from fractions import Fraction
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array, random_array
from sklearn.neighbors import NearestNeighbors

import vecwise as vw
from conftest import choose_way
from vecwise.engines.local import serial, threads
from vecwise.errors import (
    BadCondition,
    EmptyInput,
    NonFinite,
    NonFiniteQuery,
    OutOfRange,
    UnknownName,
    WrongType,
)
from vecwise.kernels import searching
from vecwise.kernels.native_select import library
from vecwise.measure import nearest as module
from vecwise.measure.nearest import Nearest, Within
from vecwise.runner import chunks, fold
from vecwise.testing import check_fold

METRICS = ("cosine", "dot", "euclidean", "manhattan", "chebyshev")


@pytest.fixture(params=["numpy", "compiled"], autouse=True)
def way(request, monkeypatch):
    """Both ways of searching, one after the other; the compiled one where it was built on installing."""
    choose_way(monkeypatch, request.param, library)
    return request.param


def truth(X: np.ndarray, q: np.ndarray, metric: str) -> list[float]:
    """Scores in long double, larger is better; None for no value."""
    X, q = X.astype(np.longdouble), q.astype(np.longdouble)
    made = []
    for x in X:
        if metric == "dot":
            made.append(float(x @ q))
        elif metric == "cosine":
            size = np.sqrt(x @ x) * np.sqrt(q @ q)
            made.append(float("nan") if size == 0 else float(x @ q / size))
        else:
            apart = np.abs(x - q)
            made.append(
                -float(
                    {
                        "euclidean": np.sqrt((apart**2).sum()),
                        "manhattan": apart.sum(),
                        "chebyshev": apart.max(),
                    }[metric]
                )
            )
    return made


def brute(X: np.ndarray, Q: np.ndarray, k: int, metric: str) -> list[list[int]]:
    answers = []
    for q in Q:
        scores = truth(X, q, metric)
        answers.append(
            sorted(
                range(len(X)),
                key=lambda i: (np.isnan(scores[i]), -scores[i] if scores[i] == scores[i] else 0, i),
            )[:k]
        )
    return answers


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_against_every_pair_in_long_double(metric, dtype) -> None:
    rng = np.random.default_rng(3)
    X = rng.standard_normal((700, 19)).astype(dtype)
    Q = rng.standard_normal((23, 19)).astype(dtype)
    found = vw.nearest(X, Q, k=7, metric=metric)
    assert found.places.tolist() == brute(X, Q, 7, metric)
    sign = 1 if metric in ("cosine", "dot") else -1
    expected = [truth(X[places], q, metric) for q, places in zip(Q, found.places, strict=True)]
    assert sign * found.scores == pytest.approx(np.array(expected), rel=1e-13, abs=1e-14)


def near_ties(dim: int = 64, rows: int = 400) -> tuple[np.ndarray, np.ndarray]:
    """Rows that differ by less than a float32 product can tell, in an order that only exact scores know."""
    rng = np.random.default_rng(0)
    base = rng.standard_normal(dim).astype(np.float32)
    X = np.tile(base, (rows, 1))
    X[np.arange(rows), rng.integers(0, dim, rows)] *= np.float32(1 + 2.0**-20) ** rng.integers(
        -3, 4, rows
    ).astype(np.float32)
    return X, np.stack([base] * 12) + rng.standard_normal((12, dim)).astype(np.float32) * np.float32(0.1)


def whole_numbers(values: np.ndarray) -> np.ndarray:
    """All numbers times 2⁶⁰ as Python's own whole numbers, with which nothing is rounded."""
    large = values.astype(np.float64) * 2.0**60
    assert (large % 1 == 0).all()
    return np.array([[int(v) for v in row] for row in large], object)


@pytest.mark.parametrize("metric", ["cosine", "dot", "euclidean"])
def test_rows_that_a_float32_product_cannot_tell_apart_are_ranked_exactly(metric) -> None:
    X, Q = near_ties()
    found = vw.nearest(X, Q, k=9, metric=metric)
    wholes, asked = whole_numbers(X), whole_numbers(Q)
    sizes = (wholes**2).sum(axis=1)
    for q, places in zip(asked, found.places.tolist(), strict=True):
        dots = wholes @ q
        if metric == "cosine":
            keys = [Fraction(dot * abs(dot), size) for dot, size in zip(dots, sizes, strict=True)]
        else:
            keys = (dots if metric == "dot" else 2 * dots - sizes).tolist()
        exact = [keys[i] for i in places]
        best = sorted(keys, reverse=True)[:9]
        # Float64 itself may not tell two of them apart: then any of them is right, in the order of rows.
        assert all(abs(a - b) <= abs(b) * Fraction(1, 10**13) for a, b in zip(exact, best, strict=True))


@pytest.mark.parametrize(
    "metric",
    ["cosine", "dot", "euclidean", "sqeuclidean"]
    if "sqeuclidean" in searching.PAIRS
    else ["cosine", "dot", "euclidean"],
)
def test_equal_rows_stand_in_their_order(metric) -> None:
    X = np.ones((5_000, 8), np.float32)
    found = vw.nearest(X, np.ones((10, 8), np.float32), k=12, metric=metric)
    assert (found.places == np.arange(12)).all()


@pytest.mark.parametrize("scale", [1e-30, 1e-15, 1e15, 1e30])
@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_tiny_and_huge_rows(scale, metric) -> None:
    rng = np.random.default_rng(1)
    X = rng.standard_normal((300, 9)).astype(np.float32)
    plain = vw.nearest(X, X[:12], k=4, metric=metric)
    scaled = vw.nearest(X * np.float32(scale), X[:12] * np.float32(scale), k=4, metric=metric)
    assert (plain.places == scaled.places).mean() > 0.95  # scaling rounds
    assert scaled.places.tolist() == brute(X * np.float32(scale), X[:12] * np.float32(scale), 4, metric)
    mixed = X.copy()
    mixed[::2] *= np.float32(scale)
    assert vw.nearest(mixed, X[:12], k=4).places.tolist() == brute(mixed, X[:12], 4, "cosine")


def test_far_from_the_origin() -> None:
    X = np.array([[1e8, 1.0], [1e8 + 1, 1.0], [1e8 + 3, 1.0]])
    found = vw.nearest(X, X[:1], k=3, metric="euclidean")
    assert found.scores.tolist() == [[0.0, 1.0, 3.0]]
    many = np.concatenate([X] * 20)
    found = vw.nearest(many, np.concatenate([X] * 5), k=20, metric="euclidean")
    assert (found.scores == 0).all()
    assert found.places[1].tolist() == list(range(1, 60, 3))


@pytest.mark.parametrize("queries", [1, 20])
def test_zero_rows_have_no_cosine_and_come_last_in_order(queries) -> None:
    X = np.zeros((50, 3), np.float32)
    X[[7, 30]] = [[-1, 0, 0], [1, 0, 0]]
    found = vw.nearest(X, np.tile(np.float32([1, 0, 0]), (queries, 1)), k=5)
    assert found.places.tolist() == [[30, 7, 0, 1, 2]] * queries
    assert np.isnan(found.scores[:, 2:]).all()
    nothing = vw.nearest(X, np.zeros((queries, 3)), k=3)
    assert nothing.places.tolist() == [[0, 1, 2]] * queries
    assert np.isnan(nothing.scores).all()


def test_the_answer_does_not_depend_on_chunks_workers_or_other_queries(monkeypatch) -> None:
    rng = np.random.default_rng(5)
    X = rng.standard_normal((9_000, 6)).astype(np.float32)
    X[4_000:5_000] = X[:1_000]
    Q = X[:40] + np.float32(0.01)
    whole = vw.nearest(X, Q, k=6)
    for size, engine in ((64, serial), (1_000, threads(2)), (8_999, threads(3))):
        monkeypatch.setattr(module, "SEARCHED_ROWS", size)
        monkeypatch.setattr(module, "LEAST_ROWS", 64)
        monkeypatch.setattr(module, "FIRST_ROWS", size // 4)
        other = vw.nearest(X, Q, k=6, engine=engine)
        assert np.array_equal(whole.places, other.places)
        assert np.array_equal(whole.scores, other.scores)
    for i in (0, 17):
        alone = vw.nearest(X, Q[i : i + 1], k=6)
        assert np.array_equal(alone.places[0], whole.places[i])
        assert np.array_equal(alone.scores[0], whole.scores[i])


@given(st.integers(0, 10_000), st.integers(1, 40), st.integers(1, 12), st.sampled_from(METRICS))
def test_laws_prefix_filter_and_sparse(seed, rows, k, metric) -> None:
    rng = np.random.default_rng(seed)
    X = rng.integers(-2, 3, (rows, 3)).astype(np.float32)
    Q = rng.integers(-2, 3, (int(rng.integers(1, 14)), 3)).astype(np.float32)
    found = vw.nearest(X, Q, k=k, metric=metric)
    assert found.places.shape == (len(Q), min(k, rows))
    less = vw.nearest(X, Q, k=max(1, k // 2), metric=metric)
    assert np.array_equal(less.places, found.places[:, : less.places.shape[1]])
    mask = rng.random(rows) < 0.6
    own = vw.Vectors(X)
    some = vw.nearest(own, Q, k=k, metric=metric, where=mask)
    alone = vw.nearest(own[mask], Q, k=k, metric=metric)
    assert np.array_equal(some.ids, alone.ids)
    assert np.array_equal(some.scores, alone.scores, equal_nan=True)
    assert np.array_equal(vw.nearest(own, Q, k=k, metric=metric, exclude=~mask).ids, alone.ids)
    sparse = vw.nearest(csr_array(X), csr_array(Q), k=k, metric=metric)
    assert np.allclose(sparse.scores, found.scores, rtol=1e-12, atol=1e-12, equal_nan=True)
    if metric == "dot":  # of whole numbers, where nothing rounds
        assert np.array_equal(sparse.places, found.places)


@given(st.integers(0, 10_000), st.sampled_from(METRICS), st.floats(-2, 4))
def test_all_rows_within_a_radius(seed, metric, radius) -> None:
    rng = np.random.default_rng(seed)
    X, Q = rng.integers(-2, 3, (30, 3)).astype(np.float32), rng.integers(-2, 3, (11, 3)).astype(np.float32)
    if metric != "dot" and not (-1 <= radius <= 1 if metric == "cosine" else radius >= 0):
        with pytest.raises(OutOfRange, match=r"radius.*lies"):
            vw.nearest(X, Q, radius=radius, metric=metric)
        return
    found = vw.nearest(X, Q, radius=radius, metric=metric)
    every = vw.nearest(X, Q, k=30, metric=metric)
    for i in range(len(Q)):
        with np.errstate(invalid="ignore"):
            inside = every.scores[i] >= radius if metric in ("cosine", "dot") else every.scores[i] <= radius
        assert found.places[i].tolist() == every.places[i][inside].tolist()
        assert found.scores[i].tolist() == every.scores[i][inside].tolist()
    assert [len(p) for p in vw.nearest(X, Q, radius=radius, k=2, metric=metric).places] == [
        min(2, n) for n in found.lengths
    ]
    assert found.to_arrow().num_rows == found.lengths.sum()


def test_sparse_against_scikit_learn() -> None:
    X = random_array((800, 300), density=0.03, format="csr", rng=np.random.default_rng(2))
    Q = random_array((60, 300), density=0.05, format="csr", rng=np.random.default_rng(3))
    found = vw.nearest(X, Q, k=5)
    peer = NearestNeighbors(n_neighbors=5, metric="cosine", algorithm="brute").fit(X)
    distance, place = peer.kneighbors(Q)
    filled = found.scores > 0
    assert np.allclose(1 - found.scores[filled], distance[filled], atol=1e-12)
    assert (found.places[filled] == place[filled]).mean() > 0.99


def test_expressions_over_the_rows_apply_inside_the_search() -> None:
    rows = pa.table({"price": [1, 5, 2, 9], "town": ["a", "b", "b", None]})
    X = vw.Vectors([[1.0, 0], [0.9, 0.1], [0.1, 0.9], [0, 1]], rows=rows)
    found = vw.nearest(X, [[1.0, 0]], k=2, where=(pc.field("price") < 9) & (pc.field("town") == "b"))
    cheap = vw.nearest(X, [[1.0, 0]], where=pc.field("price") < 9)
    assert found.places.tolist() == [[1, 2]]
    assert found.rows[0].column("price").to_pylist() == [5, 2]
    assert vw.nearest(X, [[1.0, 0]], where=pc.field("price") > 100).places.shape == (1, 0)
    assert found.to_arrow().to_pydict()["rank"] == [1, 2]
    with pytest.raises(UnknownName, match="no column `prize`. Did you mean `price`"):
        vw.nearest(X, [[1.0, 0]], where=pc.field("prize") < 9)
    with pytest.raises(WrongType, match="columns") as refused:
        vw.nearest(X, [[1.0, 0]], where=pc.field("town") < 9)
    assert "\n" not in str(refused.value)
    assert vw.nearest(X, [[1.0, 0]], where="price < 9").ids.tolist() == cheap.ids.tolist()
    assert (
        vw.nearest(X, [[1.0, 0]], exclude="price >= 9 or price is missing").ids.tolist() == cheap.ids.tolist()
    )
    with pytest.raises(BadCondition, match="town"):
        vw.nearest(X, [[1.0, 0]], where="town < 9")
    with pytest.raises(WrongType, match="without rows"):
        vw.nearest(X.values, [[1.0, 0]], where=pc.field("price") < 9)


@pytest.mark.parametrize("metric", METRICS)
def test_the_folds_keep_the_laws(metric) -> None:
    rng = np.random.default_rng(0)
    X = vw.Vectors(rng.integers(-2, 3, (40, 3)).astype(float))
    check_fold(Nearest(X[:5], 4, metric), list(chunks(X, 9)))
    check_fold(Within(X[:5], metric, 0.5), list(chunks(X, 9)))
    scores, places = fold(Nearest(X[:5], 4, metric), chunks(X, 7))
    assert np.array_equal(places, vw.nearest(X, X[:5], k=4, metric=metric).places)
    assert scores.shape == (5, 4)


def test_what_cannot_be_searched_is_refused() -> None:
    X = vw.Vectors([[1.0, 2.0]])
    ask = partial(vw.nearest, X)
    for wrong, error in (
        (lambda: ask([[1.0, 2.0]], k=0), OutOfRange),
        (lambda: ask([[1.0, 2.0]], k=True), OutOfRange),
        (lambda: ask([[1.0, 2.0]], radius=float("nan")), OutOfRange),
        (lambda: ask([[1.0, np.nan]]), NonFiniteQuery),
        (lambda: ask([[1.0, 2.0]], metric="cos"), UnknownName),
        (lambda: ask(np.zeros((0, 2))), EmptyInput),
        (lambda: vw.nearest([[1e300, 1e300]], [[1e300, 1e300]], metric="dot"), NonFinite),
    ):
        with pytest.raises(error):
            wrong()
    assert vw.nearest(np.zeros((0, 2)), [[1.0, 2.0]]).places.shape == (1, 0)
    assert vw.nearest(X, [[1.0, 2.0]], k=9).places.tolist() == [[0]]


def test_a_short_last_chunk_puts_scores_on_their_own_rows() -> None:
    """Where the floor leaves one query, its candidates are as many as the rows, in another order."""
    rng = np.random.default_rng(0)
    for trial in range(12):
        X = rng.standard_normal((8_195, 16)).astype(np.float32)
        Q = rng.standard_normal((10, 16)).astype(np.float32)
        X[8_192:] = Q[trial % 10] + rng.standard_normal((3, 16)).astype(np.float32) * np.float32(1e-4)
        together = vw.nearest(X, Q, k=2)
        for i in range(10):
            alone = vw.nearest(X, Q[i : i + 1], k=2)
            assert np.array_equal(alone.places[0], together.places[i])
            assert np.array_equal(alone.scores[0], together.scores[i])


@pytest.mark.parametrize("place", [0, 8_192])
def test_a_row_that_overflows_matters_only_where_it_is_among_the_best(place) -> None:
    X = np.random.default_rng(0).standard_normal((8_193, 2))
    X[place] = 1e200
    assert np.isfinite(vw.nearest(X, X[5:6], k=1, metric="euclidean").scores).all()
    with pytest.raises(NonFinite):
        vw.nearest(X, X[place : place + 1] * 1e100, k=1, metric="dot")


@pytest.mark.parametrize("metric", ["cosine", "dot", "euclidean", "sqeuclidean"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_pair_has_the_same_score_in_pairs_and_in_searches(metric, dtype) -> None:
    X = vw.Vectors(np.random.default_rng(4).standard_normal((60, 37)).astype(dtype))
    bound = {"at_least": -1e9} if metric in ("cosine", "dot") else {"at_most": 1e9}
    bound = {"at_least": -1.0} if metric == "cosine" else bound
    found = vw.pairs(X, metric=metric, **bound)
    every = vw.nearest(X, X, k=60, metric=metric)
    known = {(i, int(p)): s for i in range(60) for p, s in zip(every.places[i], every.scores[i], strict=True)}
    assert len(found) == 60 * 59 // 2
    assert all(
        known[left, right] == score
        for (left, right), score in zip(found.places.tolist(), found.scores, strict=True)
    )
    left, right = found.places[7].tolist()
    again = vw.nearest(X, X[left], radius=float(found.scores[7]), metric=metric)
    assert right in again.places[0].tolist()


def test_radius_takes_numbers_of_numpy() -> None:
    assert vw.nearest([[1.0, 0.0]], [[1.0, 0.0]], radius=np.float32(0.5)).lengths.tolist() == [1]
