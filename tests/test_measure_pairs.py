"""All pairs and duplicates against SciPy, long double and fractions, by NumPy and by the compiled kernel."""

from __future__ import annotations

import math
from fractions import Fraction
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.sparse import csr_array, random_array
from scipy.spatial.distance import cdist

import vecwise as vw
from conftest import read_only
from vecwise.engines.local import serial, threads
from vecwise.errors import Inapplicable, NonFinite, OutOfRange, TooLarge, UnknownName
from vecwise.kernels import distances as distance_kernel
from vecwise.kernels.equal_rows import first_equal_rows
from vecwise.kernels.similarity import DISTANCES, PAIRS, scored, table
from vecwise.measure import duplicates as duplicates_module

pytestmark = pytest.mark.usefixtures("way_of_counting")

LAYOUTS = {
    "f32": lambda a: a.astype(np.float32),
    "f64": lambda a: a,
    "f16": lambda a: a.astype(np.float16),
    "i8": lambda a: np.round(20 * a).astype(np.int8),
    "fortran": np.asfortranarray,
    "strided": lambda a: np.repeat(np.repeat(a, 2, 0), 3, 1)[::2, ::3],
    "reversed": lambda a: a[::-1, ::-1],
    "big-endian": lambda a: a.astype(">f8"),
    "sparse": lambda a: csr_array(np.where(np.abs(a) < 0.5, 0, a)),
}
SCIPY = {"manhattan": "cityblock"}


def full(X) -> np.ndarray:
    return np.asarray(X.toarray() if hasattr(X, "toarray") else X, dtype=np.float64)


def truth(A, B, metric: str, p: float = 2.0) -> np.ndarray:
    """SciPy in float64, or long double where SciPy has no such metric."""
    A, B = full(A), full(B)
    if metric == "dot":
        return np.asarray(A.astype(np.longdouble) @ B.T.astype(np.longdouble), np.float64)
    if metric == "angular":
        a, b = (M / np.sqrt((M.astype(np.longdouble) ** 2).sum(1, keepdims=True)) for M in (A, B))
        minus, plus = (np.sqrt(((a[:, None] + s * b[None]) ** 2).sum(-1)) for s in (-1, 1))
        return np.asarray(2 * np.arctan2(minus, plus) / np.longdouble(math.pi), np.float64)
    if metric == "jaccard":
        return cdist(A != 0, B != 0, "jaccard")
    if metric == "cosine":
        return 1 - cdist(A, B, "cosine")
    return cdist(A, B, SCIPY.get(metric, metric), **({"p": p} if metric == "minkowski" else {}))


# ---- all pairs ----


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("metric", list(PAIRS))
def test_every_metric_on_every_layout_is_the_truth(metric, layout) -> None:
    A, B = (LAYOUTS[layout](read_only(9, 21, seed=s)) for s in (0, 1))
    before = full(A).copy()
    ask = {"cosine": vw.cosine, "dot": vw.dot}.get(metric) or partial(vw.distances, metric=metric)
    made = ask(A, B)
    assert made.values.dtype == np.float64
    assert np.allclose(made.values, truth(A, B, metric), rtol=1e-12, atol=1e-13)
    own = ask(A).values
    assert np.array_equal(own, own.T)
    assert np.allclose(own, truth(A, A, metric), rtol=1e-12, atol=1e-13 if metric != "angular" else 1e-12)
    assert np.array_equal(full(A), before)


@pytest.mark.parametrize("p", [1, 1.5, 2, 3, 7.25, np.inf])
@pytest.mark.parametrize("size", [1e-300, 1e-30, 1.0, 1e300])
def test_minkowski_of_any_power_and_size(p, size) -> None:
    A, B = read_only(4, 11), read_only(5, 11, seed=1)
    made = vw.distances(A * size, B * size, metric="minkowski", p=p).values
    assert np.allclose(
        made, truth(A, B, "chebyshev" if p == np.inf else "minkowski", p) * size, rtol=1e-13, atol=0
    )


@pytest.mark.parametrize("rows", [(1, 1), (3, 5), (4, 4), (7, 300), (257, 33), (300, 300)])
@pytest.mark.parametrize("dim", [1, 7, 8, 9, 64])
def test_all_shapes_around_the_blocks(rows, dim) -> None:
    A, B = read_only(rows[0], dim), read_only(rows[1], dim, seed=1)
    for metric in ("manhattan", "sqeuclidean", "euclidean", "chebyshev", "hamming", "cosine", "dot"):
        assert np.allclose(table(A, B, metric), truth(A, B, metric), rtol=1e-12, atol=1e-12), metric
        assert np.allclose(table(A, A, metric), truth(A, A, metric), rtol=1e-12, atol=1e-12), metric


@pytest.mark.parametrize("metric", ["manhattan", "sqeuclidean", "euclidean", "chebyshev", "hamming"])
@pytest.mark.parametrize("size", [1e-310, 1e-200, 1.0, 1e200])
def test_distances_have_the_same_bits_both_ways_dense_or_sparse(metric, size, monkeypatch) -> None:
    for dim in (1, 7, 8, 9, 37, 300):
        A, B = (
            np.where(np.abs(M) < 0.4, 0, M) * size for M in (read_only(5, dim), read_only(9, dim, seed=1))
        )
        B[:5:2] = A[::2]
        A[1] = B[5]
        made = set()
        for way in ("0", "1"):
            monkeypatch.setenv("VECWISE_NATIVE", way)
            for kind in (np.asarray, csr_array):
                out = np.empty((5, 9))
                distance_kernel.write_distances(kind(A), kind(B), metric, 2.0, out)
                made.add(out.tobytes())
        assert len(made) == 1, dim


@pytest.mark.parametrize("metric", ["manhattan", "euclidean", "sqeuclidean"])
def test_distances_are_within_their_bound_of_exact_fractions(metric) -> None:
    A, B = (np.ldexp(read_only(3, 40, seed=s), 12).round() / 4096 + 1e8 for s in (0, 1))
    exact = [
        [[Fraction(float(x)) - Fraction(float(y)) for x, y in zip(a, b, strict=True)] for b in B] for a in A
    ]
    power = 1 if metric == "manhattan" else 2
    sums = [[float(sum((abs(d) ** power for d in row), Fraction(0))) for row in line] for line in exact]
    wanted = np.sqrt(sums) if metric == "euclidean" else np.array(sums)
    assert np.allclose(vw.distances(A, B, metric=metric).values, wanted, rtol=(40 + 16) * 2.3e-16, atol=0)


def test_near_rows_far_from_the_origin_keep_their_digits() -> None:
    far = vw.distances([[1e8, 0]], [[1e8 + 1, 0]])
    assert far.values.tolist() == [[1.0]]
    A, B = np.full((1, 1000), 1.0, np.float32), np.full((1, 1000), 1.001, np.float32)
    step = abs(float(np.float32(1.001)) - 1)
    assert vw.distances(A, B).values[0, 0] == pytest.approx(math.sqrt(1000) * step, rel=1e-13)
    for size in (1e200, 1e-200, 5e-324):
        assert vw.distances([[size, 0]], [[0, size]]).values[0, 0] == pytest.approx(2**0.5 * size, rel=0.3)
        assert vw.distances(csr_array([[size, 0]]), csr_array([[0, size]])).values[0, 0] == pytest.approx(
            2**0.5 * size, rel=0.3
        )


def test_angles_of_almost_parallel_rows_keep_their_digits() -> None:
    for angle in (1e-3, 1e-8, 1e-12, 1e-15):
        row = [math.cos(angle), math.sin(angle)]
        found = vw.distances([[1, 0]], [row, [-row[0], row[1]]], metric="angular").values[0]
        assert found[0] == pytest.approx(angle / math.pi, rel=1e-6, abs=3e-16)
        assert found[1] == pytest.approx(1 - angle / math.pi, rel=1e-15)
    assert vw.distances([[3, 4]], [[3, 4], [-3, -4]], metric="angular").values.tolist() == [[0, 1]]


def test_sets_that_are_empty_are_equal_to_each_other_alone() -> None:
    X = [[0, 0, 0], [0, 0, 0], [1, 0, 0], [5, -2, 0]]
    for made in (X, csr_array(X)):
        assert vw.distances(made, metric="jaccard").values.tolist() == [
            [0, 0, 1, 1], [0, 0, 1, 1], [1, 1, 0, 0.5], [1, 1, 0.5, 0]
        ]  # fmt: skip


def test_zero_rows_have_no_cosine_and_no_angle() -> None:
    for X in ([[0, 0], [1, 0]], csr_array([[0, 0], [1, 0]])):
        for made in (vw.cosine(X), vw.distances(X, metric="angular")):
            assert np.isnan(made.values).tolist() == [[True, True], [True, False]]
    assert vw.distances([[0, 0], [1, 0]]).values.tolist() == [[0, 1], [1, 0]]


def test_zero_signs_do_not_count() -> None:
    for metric in DISTANCES:
        assert np.nan_to_num(vw.distances([[-0.0, 1]], [[0.0, 1]], metric=metric).values).tolist() == [[0]]


@given(arrays(np.float64, (5, 3), elements=st.floats(-100, 100).map(lambda x: round(x, 3))))
def test_distances_are_symmetric_and_keep_the_triangle(values) -> None:
    live = values[values.any(axis=1)]
    for metric in ("euclidean", "manhattan", "chebyshev", "minkowski", "hamming", "jaccard", "angular"):
        rows = live if metric == "angular" else values
        D = vw.distances(rows, metric=metric).values
        assert np.array_equal(D, D.T)
        assert np.abs(np.diag(D)).max(initial=0) <= (1e-15 if metric == "angular" else 0)
        assert (D[:, None, :] <= D[:, :, None] + D[None, :, :] + 1e-9).all(), metric


@given(arrays(np.float64, (4, 3), elements=st.floats(allow_nan=False, allow_infinity=False)))
def test_cosines_of_any_finite_rows_stay_in_range(values) -> None:
    made = vw.cosine(values).values
    live = values.any(axis=1)
    assert np.isnan(made[~live]).all()
    inner = made[np.ix_(live, live)]
    assert (np.abs(inner) <= 1).all()
    assert (np.diag(inner) == 1).all()


def test_what_leaves_float64_is_refused() -> None:
    for ask in (vw.dot, vw.distances, partial(vw.distances, metric="manhattan")):
        with pytest.raises(NonFinite, match="too large"):
            ask([[1.7e308, 1.7e308]], [[-1.7e308, -1.7e308]])


def test_tables_have_the_same_bits_for_any_number_of_workers(monkeypatch) -> None:
    A, B = read_only(700, 40, dtype=np.float32), read_only(600, 40, seed=1, dtype=np.float32)
    found = {}
    for count in (1, 2, 5):
        monkeypatch.setattr("vecwise.kernels.spans.workers", lambda count=count: count)
        found[count] = [table(A, B, metric).tobytes() for metric in PAIRS if metric != "minkowski"]
        found[count] += [table(A, A, metric).tobytes() for metric in ("cosine", "manhattan")]
    assert found[1] == found[2] == found[5]


def test_sparse_rows_are_filled_in_part_by_part(monkeypatch) -> None:
    A, B = (random_array((30, 50), density=0.2, rng=np.random.default_rng(s), format="csr") for s in (0, 1))
    monkeypatch.setattr(distance_kernel, "_DENSE_CELLS", 120)
    for metric in ("minkowski", "manhattan", "hamming"):
        for left, right in ((A, B), (A, full(B)), (full(A), B)):
            assert np.allclose(
                vw.distances(left, right, metric=metric).values, truth(A, B, metric), atol=1e-13
            )


def test_options_of_distances_are_checked() -> None:
    with pytest.raises(UnknownName, match="Did you mean `euclidean`"):
        vw.distances([[1]], metric="euclidian")
    with pytest.raises(Inapplicable, match="minkowski"):
        vw.distances([[1]], metric="manhattan", p=3)
    for p in (0.5, 0, -1, np.nan, "3", True):
        with pytest.raises(OutOfRange, match="at least 1"):
            vw.distances([[1]], metric="minkowski", p=p)
    with pytest.raises(TooLarge, match="vw.pairs"):
        vw.distances(np.zeros((6000, 1)), metric="hamming")


def test_a_table_is_drawn() -> None:
    X = vw.Vectors([[1, 0], [0.6, 0.8], [-1, 0]], ids=["a", "b", "c"])
    figure = vw.cosine(X, X[:2]).plot()
    assert figure.data[0].type == "heatmap"
    assert (figure.data[0].zmin, figure.data[0].zmax) == (-1, 1)
    assert list(figure.layout.yaxis.ticktext) == ["a", "b", "c"]
    assert list(figure.layout.xaxis.ticktext) == ["a", "b"]
    assert vw.plot(vw.distances(X)).data[0].zmin == 0
    assert not vw.cosine(read_only(80, 3)).plot().layout.xaxis.showticklabels
    with pytest.raises(TooLarge, match="Draw a part"):
        vw.dot(np.ones((1001, 1))).plot()


def bound_of(metric: str, bound: float) -> dict[str, float]:
    return {"at_least" if metric in ("cosine", "dot") else "at_most": bound}


def clustered(rows: int, dim: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    centers = rng.standard_normal((max(1, rows // 5), dim))
    return centers[rng.integers(0, len(centers), rows)] + 0.4 * rng.standard_normal((rows, dim))


# ---- duplicates ----


def by_hand(X, bound: float, metric: str) -> tuple[list[int], list[int]]:
    """Greedy by row order, in plain Python."""
    D = scored(X, X, metric)
    cost = -D if metric == "cosine" else D
    kept: list[int] = []
    into = []
    for row in range(len(X)):
        near = [k for k in kept if cost[row, k] <= (-bound if metric == "cosine" else bound)]
        into.append(min(near, key=lambda k: (cost[row, k], k)) if near else row)
        if not near:
            kept.append(row)
    return kept, into


@pytest.mark.parametrize(
    ("metric", "bound"), [("cosine", 0.85), ("euclidean", 2.0), ("manhattan", 6.0), ("angular", 0.2)]
)
@pytest.mark.parametrize("sparse", [False, True])
def test_near_duplicates_are_greedy_by_row_order(metric, bound, sparse, monkeypatch) -> None:
    monkeypatch.setattr(duplicates_module, "BLOCK", 32)
    raw = clustered(200, 8)
    if sparse:
        raw = np.where(np.abs(raw) < 0.5, 0, raw)
    X = vw.Vectors(csr_array(raw) if sparse else raw)
    found = vw.duplicates(X, metric=metric, **bound_of(metric, bound))
    kept, into = by_hand(raw, bound, metric)
    assert found.keep.tolist() == kept
    assert found.into.tolist() == [k for row, k in enumerate(into) if k != row]
    scores = scored(raw, raw, metric)[found.removed, found.into]
    assert np.allclose(found.scores, scores, rtol=1e-12, atol=1e-12)
    assert 20 < len(kept) < 190
    assert sorted(np.concatenate(found.groups).tolist()) == sorted(
        {*found.removed.tolist(), *found.into.tolist()}
    )
    thinned = vw.dedupe(X, metric=metric, **bound_of(metric, bound))
    assert len(vw.duplicates(thinned, metric=metric, **bound_of(metric, bound))) == 0
    assert (
        len(
            vw.pairs(
                thinned,
                metric=metric,
                **bound_of(metric, np.nextafter(bound, 9 if metric == "cosine" else 0)),
            )
        )
        == 0
    )


@given(
    st.lists(
        st.lists(st.sampled_from([0.0, -0.0, 1.0, 2.0]), min_size=3, max_size=3), min_size=1, max_size=12
    )
)
def test_equal_rows_are_found_whatever_their_zeros_are(rows) -> None:
    keys = [tuple(x + 0.0 for x in row) for row in rows]
    firsts = [keys.index(key) for key in keys]
    for X in (np.array(rows), csr_array(np.array(rows)), np.array(rows, np.float32)):
        found = vw.duplicates(X)
        assert found.keep.tolist() == sorted(set(firsts))
        assert found.into.tolist() == [f for row, f in enumerate(firsts) if f != row]
        assert found.equal.all()
    assert first_equal_rows(np.array(rows)).tolist() == firsts


def test_zero_rows_are_equal_and_have_no_score() -> None:
    found = vw.duplicates([[0, 0], [1, 0], [0, -0.0], [1, 0]], at_least=0.9)
    assert found.removed.tolist() == [2, 3]
    assert np.isnan(found.scores).tolist() == [True, False]
    assert found.to_arrow().column("score").to_pylist() == [None, 1.0]
    assert vw.duplicates([[0, 0], [0, 0]], metric="euclidean").scores.tolist() == [0.0]


def test_equal_rows_go_where_the_first_of_them_goes() -> None:
    X = vw.Vectors([[1, 0], [0.99, 0.1], [0, 1], [0.99, 0.1]], ids=["a", "b", "c", "d"])
    found = vw.duplicates(X, at_least=0.99)
    assert found.to_arrow().to_pydict() == {
        "removed": ["b", "d"], "into": ["a", "a"], "score": [found.scores[0]] * 2, "equal": [False, False]
    }  # fmt: skip
    assert "2 of 4 rows repeat an earlier one, in 1 group; 2 are kept" in repr(found)
    assert "<th>into</th>" in found._repr_html_()


def test_no_chain_drifts_away() -> None:
    angles = np.arange(30) * 0.1
    X = np.column_stack([np.cos(angles), np.sin(angles)])
    found = vw.duplicates(X, at_least=math.cos(0.25))
    assert found.keep.tolist() == list(range(0, 30, 3))
    assert (found.scores >= math.cos(0.25)).all()
    assert np.abs(found.removed - found.into).max() == 2


def test_duplicates_do_not_depend_on_engine_or_workers() -> None:
    X = vw.Vectors(clustered(3000, 16).astype(np.float32))
    found = [vw.duplicates(X, at_least=0.9, engine=e) for e in (serial, threads(2), threads(3), None)]
    assert len({(f.into.tobytes(), f.scores.tobytes()) for f in found}) == 1
    assert len(found[0])


def test_duplicates_refuse_what_has_no_meaning() -> None:
    with pytest.raises(Inapplicable, match="grows with length"):
        vw.duplicates(np.eye(2), metric="dot", at_least=1)
    with pytest.raises(Inapplicable, match="at_most"):
        vw.duplicates(np.eye(2), metric="euclidean", at_least=1)
    with pytest.raises(UnknownName):
        vw.duplicates(np.eye(2), metric="cosin")
    assert len(vw.duplicates(np.zeros((0, 2)), at_least=0.5)) == 0
    assert len(vw.dedupe(np.ones((4, 2)))) == 1
