from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.sparse import csr_array
from scipy.spatial.distance import pdist, squareform

from conftest import read_only
from vecwise.kernels.arrays import as_matrix, nonfinite_rows
from vecwise.kernels.arrow import numbers, present, strings, whole_numbers
from vecwise.kernels.digests import first_equal
from vecwise.kernels.extremes import extreme_pairs
from vecwise.kernels.moments import fix_signs, merge_moments, moments, principal_axes
from vecwise.kernels.norms import row_norms, scale_rows, unit_rows
from vecwise.kernels.pair_scores import in_eights
from vecwise.kernels.similarity import PAIRS, cosines
from vecwise.kernels.spans import in_spans, on_spans
from vecwise.kernels.survey import survey
from vecwise.kernels.topk import best

EPS = np.finfo(float).eps
any_floats = arrays(
    np.float64,
    (3, 4),
    elements=st.floats(allow_nan=False, allow_infinity=False, max_value=1e307, min_value=-1e307),
)


# ---- norms ----


@given(any_floats)
def test_norms_agree_with_the_standard_library(values) -> None:
    rows = [[float(x) for x in row] for row in values]
    assert row_norms(values, 2) == pytest.approx([math.hypot(*r) for r in rows], rel=1e-14, abs=0)
    assert row_norms(values, np.inf) == pytest.approx([max(map(abs, r)) for r in rows], rel=0, abs=0)
    assert row_norms(values, 1) == pytest.approx([math.fsum(map(abs, r)) for r in rows], rel=1e-14, abs=0)


@given(any_floats)
def test_scaled_rows_have_length_one_or_zero(values) -> None:
    for made in (scale_rows(values, 2), scale_rows(csr_array(values), 2).toarray()):
        lengths = [math.hypot(*map(float, row)) for row in made]
        for length, row in zip(lengths, values, strict=True):
            assert abs(length - (1.0 if row.any() else 0.0)) <= 4 * EPS


@given(arrays(np.float64, (2, 3), elements=st.floats(1, 2)), st.integers(-1000, 1000))
def test_scaling_ignores_powers_of_two(values, power) -> None:
    assert np.array_equal(scale_rows(np.ldexp(values, power), 2), scale_rows(values, 2))


@pytest.mark.parametrize(
    ("dtype", "size"), [(np.float32, 1e30), (np.float32, 1e-30), (np.float64, 1e200), (np.float64, 5e-324)]
)
def test_huge_and_tiny_rows_come_out_unit(dtype, size) -> None:
    made = scale_rows(np.full((2, 2), size, dtype=dtype), 2)
    assert made.dtype == dtype
    assert np.allclose(made, 2**-0.5, rtol=4 * np.finfo(dtype).eps)


@given(arrays(np.float64, (5, 6), elements=st.floats(-9, 9)).map(lambda a: np.where(np.abs(a) < 3, 0, a)))
def test_sparse_norms_equal_dense_ones(values) -> None:
    for order in (1, 2, np.inf):
        assert np.allclose(row_norms(csr_array(values), order), row_norms(values, order), rtol=1e-14, atol=0)


# ---- similarity ----


@pytest.mark.parametrize("metric", [name for name in PAIRS if name not in ("angular", "jaccard")])
@pytest.mark.parametrize("sparse", [(False, False), (True, False), (False, True), (True, True)])
def test_pairs_agree_with_scipy(metric, sparse) -> None:
    from scipy.spatial.distance import cdist

    A, B = np.round(read_only(5, 7)), np.round(read_only(4, 7, seed=1))
    truth = A @ B.T if metric == "dot" else 1 - cdist(A, B, "cosine") if metric == "cosine" else None
    if truth is None:
        truth = cdist(A, B, {"manhattan": "cityblock"}.get(metric, metric))
    left, right = (csr_array(M) if s else M for M, s in zip((A, B), sparse, strict=True))
    assert np.allclose(PAIRS[metric](left, right), truth, rtol=1e-12, atol=1e-12)


@given(any_floats)
def test_cosines_stay_in_range_and_are_one_with_oneself(values) -> None:
    made = cosines(values, values)
    live = values.any(axis=1)
    assert np.isnan(made[~live]).all()
    assert np.isnan(made[:, ~live]).all()
    inner = made[np.ix_(live, live)]
    assert (np.abs(inner) <= 1).all()
    assert (np.diag(inner) == 1).all()


def test_near_rows_far_from_the_origin_keep_their_digits() -> None:
    A = np.full((1, 1000), 1.0, np.float32)
    B = np.full((1, 1000), 1.001, np.float32)
    truth = math.sqrt(1000) * abs(float(np.float32(1.001)) - 1)
    assert PAIRS["euclidean"](A, B)[0, 0] == pytest.approx(truth, rel=1e-12)
    assert PAIRS["euclidean"](np.array([[1e8]]), np.array([[1e8 + 1]]))[0, 0] == 1
    assert PAIRS["euclidean"](np.array([[1e200, 0]]), np.array([[0, 1e200]]))[0, 0] == pytest.approx(
        2**0.5 * 1e200
    )
    assert PAIRS["euclidean"](np.array([[1e-200, 0]]), np.array([[0, 1e-200]]))[0, 0] == pytest.approx(
        2**0.5 * 1e-200
    )


# ---- top k ----


@given(
    arrays(np.float64, (3, 12), elements=st.sampled_from([0.0, 1.0, 2.0, np.nan, -np.inf])),
    st.integers(1, 14),
)
def test_best_is_a_stable_sort_with_missing_scores_last(scores, k) -> None:
    found, places = best(scores, np.arange(12), k)
    for row, got, at in zip(scores, found, places, strict=True):
        order = sorted(
            range(12), key=lambda i: (math.isnan(row[i]), -row[i] if not math.isnan(row[i]) else 0, i)
        )[:k]
        assert at.tolist() == order
        assert np.array_equal(got, row[order], equal_nan=True)


# ---- moments and axes ----


@given(
    st.lists(
        arrays(np.float64, st.tuples(st.integers(0, 5), st.just(3)), elements=st.floats(-100, 100)),
        min_size=1,
        max_size=4,
    ),
    st.sampled_from([0.0, 1e4, 1e6]),
)
def test_merged_moments_are_the_moments_of_all_rows(blocks, offset) -> None:
    parts = [moments(block + offset, diagonal=False) for block in blocks]
    total = parts[0]
    for part in parts[1:]:
        total = merge_moments(total, part)
    rows = np.vstack(blocks) + offset
    assert total.n == len(rows)
    if len(rows) > 1:
        assert np.allclose(total.scatter, np.cov(rows.T, ddof=0) * len(rows), rtol=1e-9, atol=1e-5)
        assert np.allclose(total.mean, rows.mean(axis=0), rtol=1e-12)


@given(arrays(np.float64, (6, 5), elements=st.floats(-9, 9)).map(lambda a: np.where(np.abs(a) < 5, 0, a)))
def test_sparse_moments_equal_dense_ones(values) -> None:
    a, b = moments(csr_array(values), diagonal=True), moments(values, diagonal=True)
    assert np.allclose(a.mean, b.mean)
    assert np.allclose(a.scatter, b.scatter, atol=1e-9)


@pytest.mark.parametrize("offset", [0, 1e2, 1e4, 1e6, 1e8])
def test_axes_do_not_lose_digits_to_an_offset(offset) -> None:
    X = read_only(300, 4) * [4, 3, 2, 1] + offset
    values, axes = principal_axes(moments(X, diagonal=False).scatter, 4)
    _, singular, truth = np.linalg.svd(X - X.mean(axis=0), full_matrices=False)
    assert np.allclose(values, singular**2, rtol=1e-6)
    assert np.allclose(axes, fix_signs(truth), atol=1e-6)
    assert (values >= 0).all()


# ---- extremes and equal rows ----


@given(st.integers(2, 40), st.integers(1, 4), st.integers(0, 10_000))
def test_extreme_pairs_are_the_brute_force_ones(rows, dim, seed) -> None:
    points = np.unique(np.random.default_rng(seed).integers(-4, 5, (rows, dim)).astype(float), axis=0)
    found = extreme_pairs(points)
    if len(points) < 2:
        assert found is None
        return
    all_pairs = squareform(pdist(points))
    upper = np.where(np.triu(np.ones_like(all_pairs), 1) > 0, all_pairs, np.inf)
    near, far = found
    assert near.distance == pytest.approx(upper.min(), rel=1e-12)
    assert far.distance == pytest.approx(all_pairs.max(), rel=1e-12)
    assert all_pairs[near.left, near.right] == pytest.approx(near.distance)
    assert near.left < near.right


def test_extreme_pairs_across_blocks() -> None:
    points = read_only(1500, 8)
    points = np.vstack([points, points[700] + 1e-9, points[3] + 1e6])
    near, far = extreme_pairs(points)
    assert (near.left, near.right) == (700, 1500)
    assert far.right == 1501


@given(arrays(np.float64, (8, 2), elements=st.sampled_from([0.0, -0.0, 1.0, 2.0])))
def test_equal_rows_are_led_by_the_first_of_them(values) -> None:
    seen: dict[tuple[float, ...], int] = {}
    truth = [seen.setdefault(tuple(row), i) for i, row in enumerate((values + 0.0).tolist())]
    for matrix in (values, as_matrix(csr_array(values))):
        digests = survey(matrix, np.zeros(2), np.ones(2)).digests[0]
        assert first_equal(digests, matrix, np.zeros(8, bool)).tolist() == truth


def test_nonfinite_rows_are_found_in_both_layouts() -> None:
    values = np.eye(4)
    values[2, 3], values[0, 0] = np.nan, -np.inf
    assert nonfinite_rows(values).tolist() == [0, 2]
    assert nonfinite_rows(csr_array(values)).tolist() == [0, 2]


# ---- Arrow ----


@given(st.lists(st.none() | st.text(st.characters(codec="utf-8"), max_size=5)))
def test_strings_are_arrow_s_own(texts) -> None:
    made = strings(texts)
    made.validate(full=True)
    assert made.to_pylist() == texts


@given(st.lists(st.none() | st.floats(allow_nan=False), max_size=20), st.integers(0, 5), st.integers(0, 20))
def test_numbers_are_arrow_s_own(values, start, length) -> None:
    array = pa.array(values, pa.float64()).slice(start, length)
    column = pa.chunked_array([array, pa.array([None, 2.0], pa.float64())])
    truth = [np.nan if v is None else v for v in column.to_pylist()]
    assert np.array_equal(numbers(column, np.float64, np.nan), truth, equal_nan=True)
    assert present(column).tolist() == [v is not None for v in column.to_pylist()]


def test_whole_numbers_share_memory() -> None:
    assert whole_numbers(np.array([3, 1])).to_pylist() == [3, 1]
    assert whole_numbers(np.zeros(0)).to_pylist() == []


# ---- long checks ----


@pytest.mark.slow
def test_the_closest_of_all_houses_by_a_second_method(houses) -> None:
    from sklearn.neighbors import KDTree

    columns = [name for name in houses.column_names if name not in ("id", "date")]
    X = np.column_stack([houses.column(name).to_numpy().astype(float) for name in columns])
    Z = np.unique((X - X.mean(axis=0)) / X.std(axis=0), axis=0)
    near, far = extreme_pairs(Z)
    assert near.distance == pytest.approx(KDTree(Z).query(Z, k=2)[0][:, 1].min(), rel=1e-9)
    rim = Z[np.argsort(-np.linalg.norm(Z, axis=1))[:2000]]  # the farthest pair lies on the rim
    assert far.distance == pytest.approx(pdist(rim).max(), rel=1e-9)


@pytest.mark.slow
@settings(max_examples=5000)
@given(any_floats)
def test_scaled_rows_have_length_one_in_thousands_of_cases(values) -> None:
    lengths = [math.hypot(*map(float, row)) for row in scale_rows(values, 2)]
    expected = [1.0 if row.any() else 0.0 for row in values]
    assert np.abs(np.subtract(lengths, expected)).max() <= 4 * EPS


def test_many_rows_on_all_cores_give_the_bits_that_each_gives_alone() -> None:
    rows = (
        np.random.default_rng(0).standard_normal((30_000, 100)).astype(np.float32)
    )  # 12 MB: several threads
    rows[5], rows[6], rows[29_999] = 0, 1e-38, 3e38
    rows[7, 0] = 1e-45
    made, some = unit_rows(rows, 2)
    norms = row_norms(rows, 2)
    for place in (0, 5, 6, 7, 14_999, 15_000, 29_999):
        assert np.array_equal(scale_rows(rows[place : place + 1], 2)[0], made[place])
        assert row_norms(rows[place : place + 1], 2)[0] == norms[place]
    truth = rows.astype(np.float64)
    lengths = np.sqrt((truth**2).sum(axis=1))
    assert np.allclose(norms, lengths, rtol=1e-13, atol=0)
    assert np.array_equal(some, lengths > 0)
    unit = truth[some] / lengths[some, None]
    assert (np.abs(made[some] - unit) <= 4 * np.spacing(np.abs(unit).astype(np.float32))).all()


def test_errors_in_a_span_reach_the_caller_and_every_row_is_visited() -> None:
    visited = np.zeros(1000, int)

    def visit(span: slice) -> None:
        visited[span] += 1

    for size in (1, 7, 1000, 5000):
        visited[:] = 0
        in_spans(visit, 1000, size)
        assert (visited == 1).all()
    for row_bytes in (1, 1 << 20):
        visited[:] = 0
        on_spans(visit, 1000, row_bytes)
        assert (visited == 1).all()
    on_spans(visit, 0, 8)

    def fail(span: slice) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        in_spans(fail, 10, 2)


@pytest.mark.parametrize("shape", [(0, 3), (1, 1), (1, 4096), (3, 7), (5, 8), (4, 300), (2000, 9)])
@pytest.mark.parametrize("order", ["C", "F"])
def test_eight_sums_add_one_term_after_the_other(shape, order) -> None:
    terms = np.asarray(read_only(*shape) * 10.0 ** (np.arange(shape[1]) % 9), order=order)
    sums = np.zeros((shape[0], 8))
    for place in range(shape[1]):
        sums[:, place % 8] += terms[:, place]
    a, b, c, d, e, f, g, h = sums.T
    assert np.array_equal(in_eights(terms), ((a + e) + (b + f)) + ((c + g) + (d + h)))
