"""The survey of rows, compiled and by NumPy, against plain float64 formulas; equal rows and columns found for certain."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy.sparse import csr_array
from sklearn.neighbors import NearestNeighbors

from conftest import choose_way, read_only
from vecwise.kernels import native_health
from vecwise.kernels.arrays import as_matrix
from vecwise.kernels.digests import equal_columns, first_equal
from vecwise.kernels.mapped import picked
from vecwise.kernels.neighbourhoods import (
    best_of_others,
    effective_rank,
    neighbourhoods,
    singular_values,
    skewness,
    unit_single,
)
from vecwise.kernels.survey import merged, nothing, survey


@pytest.fixture(params=["numpy", "compiled"])
def way(request, monkeypatch):
    """Both ways of reading rows."""
    choose_way(monkeypatch, request.param, native_health.library)
    return request.param


@pytest.fixture
def both_ways(monkeypatch):
    """Gives the surveys of both ways."""
    if native_health.library() is None:
        pytest.skip("the compiled kernel was not built: no C compiler was found on installing")

    def made(*given):
        found = []
        for mode in ("0", "1"):
            monkeypatch.setenv("VECWISE_NATIVE", mode)
            found.append(survey(*given))
        return found

    return made


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(1, 1), (7, 3), (5, 16), (33, 50), (130, 100), (3, 400)])
def test_a_survey_tells_what_plain_formulas_tell(way, dtype, shape) -> None:
    values = read_only(*shape, dtype=dtype) * (np.random.default_rng(1).random(shape) < 0.7)
    center, weights = read_only(shape[1], seed=2), np.abs(read_only(shape[1], seed=3))
    found, double = survey(values, center, weights), values.astype(np.float64)
    assert np.allclose(found.l1[0], np.abs(double).sum(axis=1), rtol=1e-14)
    assert np.allclose(found.l2[0], np.linalg.norm(double, axis=1), rtol=1e-14)
    assert np.allclose(found.far[0], np.linalg.norm((double - center) * weights, axis=1), rtol=1e-14)
    assert np.allclose(found.sum, (double - center).sum(axis=0), rtol=1e-12, atol=1e-12)
    assert np.allclose(found.squares, np.square(double - center).sum(axis=0), rtol=1e-13)
    lengths = np.linalg.norm(double, axis=1, keepdims=True)
    unit = np.divide(double, lengths, out=np.zeros_like(double), where=lengths > 0)
    assert np.allclose(found.units, unit.sum(axis=0), rtol=1e-12, atol=1e-13)
    assert np.array_equal(found.low, double.min(axis=0))
    assert np.array_equal(found.high, double.max(axis=0))
    assert (found.rows, found.finite, found.filled) == (len(values), len(values), np.count_nonzero(values))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_both_ways_give_the_same_digests(both_ways, dtype) -> None:
    for dim in (1, 3, 15, 16, 17, 40):
        values = read_only(30, dim, dtype=dtype).copy()
        values[4, 0], values[9, 0] = np.nan, np.inf
        one, two = both_ways(values, np.zeros(dim), np.ones(dim))
        assert np.array_equal(one.digests[0], two.digests[0])
        assert np.array_equal(one.hashes, two.hashes)
        assert np.array_equal(one.bad[0], two.bad[0])
        assert one.bad[0].nonzero()[0].tolist() == [4, 9]
        assert len(np.unique(one.digests[0], axis=0)) == 30


def test_rows_that_are_not_finite_are_left_out(way) -> None:
    values = np.array([[1, 2], [np.nan, 9], [3, -np.inf], [5, 0], [0.0, 0]])
    found = survey(values, np.zeros(2), np.ones(2))
    assert found.bad[0].tolist() == [False, True, True, False, False]
    assert (found.finite, found.sum.tolist(), found.high.tolist()) == (3, [6, 2], [5, 2])
    truth = np.array([1, 2]) / np.sqrt(5) + [1, 0]
    assert np.allclose(found.units, truth, rtol=1e-15)


def test_lengths_of_unusual_size(way) -> None:
    values = np.array([[3e200, 4e200], [3e-200, 4e-200], [5e-324, 0], [1.7e308, 1.7e308], [0, 0]])
    found = survey(values, np.zeros(2), np.ones(2))
    assert found.l2[0][:3] == pytest.approx([5e200, 5e-200, 5e-324])
    assert (found.l2[0][4], found.bad[0].any()) == (0, False)
    assert np.isinf(found.l1[0][3])
    assert np.allclose(found.units, [0.6 + 0.6 + 1 + 0.5**0.5, 0.8 + 0.8 + 0.5**0.5], rtol=1e-12)
    single = np.array([[3e38, 3e38], [1e-45, 0]], np.float32)
    lengths = survey(single, np.zeros(2), np.ones(2)).l2[0]
    assert np.allclose(lengths, np.linalg.norm(single.astype(np.float64), axis=1), rtol=1e-14)


def test_digests_know_order_place_and_sign_but_not_that_of_zero(way) -> None:
    values = np.zeros((8, 20))
    values[1, 3], values[2, 4], values[3, 3], values[4, 19] = 1, 1, -1, 1
    values[5, :2], values[6, :2], values[7] = (1, 2), (2, 1), -0.0
    found = survey(values, np.zeros(20), np.ones(20)).digests[0]
    assert len(np.unique(found, axis=0)) == 7
    assert np.array_equal(found[0], found[7])
    assert first_equal(found, values, np.zeros(8, bool)).tolist() == [0, 1, 2, 3, 4, 5, 6, 0]


@pytest.mark.parametrize("dim", [1, 7, 16, 40])
def test_one_hot_and_whole_numbers_get_digests_of_their_own(way, dim) -> None:
    rng = np.random.default_rng(0)
    for dtype in (np.float32, np.float64):
        values = np.unique(rng.integers(0, 3, (3000, dim)), axis=0).astype(dtype)
        values = np.concatenate([values, np.eye(dim)[1:] * 7, -values[1:] - 1]).astype(dtype)
        made = survey(values, np.zeros(dim), np.ones(dim)).digests[0]
        assert len(np.unique(made[:, 0])) == len(np.unique(values, axis=0))


@given(
    arrays(
        np.float64, array_shapes(min_dims=2, max_dims=2, max_side=9), elements=st.sampled_from([0.0, 1, -2.5])
    )
)
def test_sparse_rows_tell_the_same(values) -> None:
    center = np.linspace(-1, 1, values.shape[1])
    dense, sparse = (
        survey(X, center, np.ones(values.shape[1])) for X in (values, as_matrix(csr_array(values)))
    )
    for name in ("l1", "l2", "far", "bad"):
        assert np.allclose(getattr(dense, name)[0], getattr(sparse, name)[0], atol=1e-9)
    for name in ("rows", "finite", "filled", "sum", "squares", "units", "low", "high"):
        assert np.allclose(getattr(dense, name), getattr(sparse, name), atol=1e-12)
    groups = [np.unique(X.digests[0], axis=0, return_inverse=True)[1].tolist() for X in (dense, sparse)]
    assert len(set(groups[0])) == len(set(groups[1])) == len(set(zip(*groups, strict=True)))


def test_blocks_join_to_the_whole(way) -> None:
    values, center = read_only(200, 9), read_only(9, seed=1)
    whole, parts = survey(values, center, np.ones(9)), nothing(9)
    for start in range(0, 200, 33):
        parts = merged(parts, survey(values[start : start + 33], center, np.ones(9)))
    assert np.allclose(whole.squares, parts.squares, rtol=1e-13)
    assert np.array_equal(whole.digests[0], np.concatenate(parts.digests))
    assert (whole.rows, whole.filled) == (parts.rows, parts.filled)
    swapped = merged(survey(values[33:66], center, np.ones(9)), survey(values[:33], center, np.ones(9)))
    assert not np.array_equal(
        swapped.hashes,
        merged(*(survey(values[a:b], center, np.ones(9)) for a, b in ((0, 33), (33, 66)))).hashes,
    )


# ---- equal rows and columns ----


@pytest.mark.parametrize("sparse", [False, True])
def test_a_shared_digest_is_never_taken_for_equality(sparse) -> None:
    values = np.random.default_rng(0).integers(0, 2, (60, 4)).astype(float)
    truth = [next(j for j in range(i + 1) if (values[j] == values[i]).all()) for i in range(60)]
    matrix = as_matrix(csr_array(values)) if sparse else values
    for digests in (
        np.zeros((60, 2), np.uint64),
        (values.sum(axis=1, keepdims=True) * [1, 0]).astype(np.uint64),
    ):
        assert first_equal(digests, matrix, np.zeros(60, bool)).tolist() == truth


def test_rows_left_out_equal_none() -> None:
    found = first_equal(np.zeros((3, 2), np.uint64), np.ones((3, 2)), np.array([True, False, False]))
    assert found.tolist() == [0, 1, 1]
    assert first_equal(np.zeros((0, 2), np.uint64), np.ones((0, 2)), np.zeros(0, bool)).tolist() == []


@pytest.mark.parametrize("sparse", [False, True])
def test_equal_columns_are_found_whatever_their_keys(sparse) -> None:
    values = np.random.default_rng(0).integers(0, 2, (20, 5)).astype(float)[:, [0, 1, 0, 2, 1, 0, 3]]
    blocks = [as_matrix(csr_array(b)) if sparse else b for b in (values[:7], values[7:])]
    keep = np.zeros(7, bool)
    truth = [(0, 2, 5), (1, 4)]
    assert equal_columns([0] * 7, lambda: blocks, keep) == truth  # all share a key
    assert equal_columns([0, 1, 0, 2, 1, 0, 3], lambda: blocks, keep) == truth
    assert equal_columns([0] * 7, lambda: blocks, np.arange(7) == 4) == [(0, 2, 5)]
    assert equal_columns(range(7), lambda: pytest.fail("nothing need be read"), keep) == []


def test_rows_are_picked_from_a_mapped_file(tmp_path) -> None:
    values = read_only(3000, 40)
    np.save(tmp_path / "x.npy", values)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    places = np.random.default_rng(0).permutation(3000)[:150]
    assert np.array_equal(picked(mapped, places), values[places])
    assert np.array_equal(picked(values, places), values[places])


# ---- neighbours and spectra ----


@pytest.mark.parametrize("sparse", [False, True])
def test_neighbourhoods_are_those_of_scikit_learn(sparse) -> None:
    values = read_only(700, 12)
    unit = unit_single(as_matrix(csr_array(values)) if sparse else values)
    best, times = neighbourhoods(unit, 10)
    distances, places = NearestNeighbors(n_neighbors=11, metric="cosine").fit(values).kneighbors(values)
    assert np.allclose(best, 1 - distances[:, 1], atol=2e-6)
    assert np.array_equal(times, np.bincount(places[:, 1:].reshape(-1), minlength=700))
    others = best_of_others(unit[:300], unit[300:])
    truth = (
        NearestNeighbors(n_neighbors=1, metric="cosine").fit(values[300:]).kneighbors(values[:300])[0][:, 0]
    )
    assert np.allclose(others, 1 - truth, atol=2e-6)


def test_skewness_is_that_of_scipy() -> None:
    from scipy.stats import skew

    for values in (np.arange(9), np.random.default_rng(0).exponential(size=500), np.array([0, 0, 0, 9])):
        assert skewness(values) == pytest.approx(skew(values), rel=1e-12, abs=1e-12)
    assert skewness(np.ones(5)) == 0


@pytest.mark.parametrize("shape", [(50, 8), (8, 50)])
@pytest.mark.parametrize("scale", [1.0, 1e200, 1e-200])
def test_singular_values_are_those_of_the_centered_rows(shape, scale) -> None:
    values = read_only(*shape) + 3
    truth = np.linalg.svd(values - values.mean(axis=0), compute_uv=False)
    for matrix in (values * scale, as_matrix(csr_array(values * scale))):
        found = np.sort(singular_values(matrix))[::-1]
        assert np.allclose(found / found[0], truth / truth[0], atol=1e-7)


def test_the_effective_rank_of_equal_directions_is_their_number() -> None:
    assert effective_rank(np.ones(7)) == pytest.approx(7)
    assert effective_rank(np.array([5.0, 0, 0])) == 1
    assert np.isnan(effective_rank(np.zeros(3)))
