"""Two spaces compared: against SciPy, against CKA by kernels, and on spaces whose kinship is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import orthogonal_procrustes
from scipy.spatial import procrustes as scipy_procrustes

import vecwise as vw
from vecwise.errors import EmptyInput, Inapplicable, OutOfRange
from vecwise.measure.overlap import shared_places
from vecwise.models.alignment import alignment, alignments, procrustes


def random(rows: int, dim: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((rows, dim))


def turn(dim: int, seed: int) -> np.ndarray:
    return np.linalg.qr(random(dim, dim, seed))[0]


@settings(deadline=None, max_examples=40)
@given(st.integers(4, 40), st.integers(1, 60), st.integers(1, 60), st.integers(0, 1000))
def test_cka_is_that_of_the_kernels(rows: int, a: int, b: int, seed: int) -> None:
    X, Y = random(rows, a, seed), random(rows, b, seed + 1)
    H = np.eye(rows) - 1 / rows
    K, L = H @ X @ X.T @ H, H @ Y @ Y.T @ H
    found = alignment(X, Y)
    assert found.cka == pytest.approx(np.trace(K @ L) / np.sqrt(np.trace(K @ K) * np.trace(L @ L)), rel=1e-9)
    for M in (K, L):  # the unbiased estimator by its own formula, with kernels whose diagonal is left out
        np.fill_diagonal(M, 0)

    def hsic(P: np.ndarray, Q: np.ndarray) -> float:
        one = np.ones(rows)
        sums = (one @ P @ one) * (one @ Q @ one) / ((rows - 1) * (rows - 2))
        return float(np.trace(P @ Q) + sums - 2 / (rows - 2) * (one @ P @ Q @ one))

    left, right = hsic(K, K), hsic(L, L)
    if left > 1e-9 and right > 1e-9:
        assert found.unbiased == pytest.approx(hsic(K, L) / np.sqrt(left * right), rel=1e-6, abs=1e-9)


@given(st.lists(st.integers(1, 40), min_size=2, max_size=4), st.integers(4, 30), st.integers(0, 1000))
def test_a_table_of_alignments_is_that_of_every_pair(dims: list[int], rows: int, seed: int) -> None:
    made = [random(rows, dim, seed + i) for i, dim in enumerate(dims)]
    table = alignments(made)
    for i, X in enumerate(made):
        for j, Y in enumerate(made):
            np.testing.assert_allclose(table[i, j], alignment(X, Y).unbiased, rtol=1e-9, atol=1e-12)


@given(st.integers(1, 12), st.integers(1, 20), st.integers(0, 1000))
def test_shared_places_are_those_of_sets(k: int, rows: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    left, right = (np.array([rng.permutation(20)[:k] for _ in range(rows)]) for _ in range(2))
    expected = [len(set(a) & set(b)) for a, b in zip(left.tolist(), right.tolist(), strict=True)]
    assert shared_places(left, right).tolist() == expected


@settings(deadline=None, max_examples=40)
@given(st.integers(9, 40), st.integers(1, 6), st.integers(0, 1000), st.floats(1e-3, 1e3))
def test_the_rotation_is_that_of_scipy(rows: int, dim: int, seed: int, scale: float) -> None:
    X, Y = random(rows, dim, seed), scale * random(rows, dim, seed + 1)
    found = procrustes(X, Y)
    turned, fit = orthogonal_procrustes(Y - Y.mean(axis=0), X - X.mean(axis=0))
    np.testing.assert_allclose(found.rotation, turned, atol=1e-6)
    assert found.scale == pytest.approx(fit / ((Y - Y.mean(axis=0)) ** 2).sum(), rel=1e-9)
    assert found.disparity == pytest.approx(scipy_procrustes(X, Y)[2], abs=1e-9)


@pytest.mark.parametrize("size", [1.0, 1e150, 1e-150])
def test_a_turned_and_scaled_space_is_the_same_space(size: float) -> None:
    X = random(300, 16, 0)
    found = vw.compare(X * size, X @ turn(16, 1) * 3 * size)
    assert (found.overlap.mean, round(found.cka, 9), round(found.disparity, 9)) == (1.0, 1.0, 0.0)
    np.testing.assert_allclose(found.aligned(), X * size, atol=1e-8 * size)


def test_strange_spaces_share_nothing_and_the_unbiased_number_says_so() -> None:
    found = vw.compare(random(200, 500, 0), random(200, 500, 1))
    assert found.overlap.mean < 0.12
    assert found.cka > 0.6  # more dimensions than rows: large by chance
    assert abs(found.unbiased) < 0.05


def test_the_row_that_moved_is_found_and_shown_with_its_cells() -> None:
    X = vw.encode(vw.read("examples/houses.csv").slice(0, 100), columns=["sqft_living", "grade", "lat"])
    Y = vw.standardize(X)
    values = np.array(Y.values)
    values[17] = -values[17] * 4
    found = vw.compare(Y, values, k=5)
    moved = found.moved(3)
    assert moved.column("id")[0].as_py() == 17
    assert moved.column("kept")[0].as_py() <= 0.4
    assert "sqft_living" in moved.column_names
    assert found.to_pandas().loc[17, "kept"] == moved.column("kept")[0].as_py()


def test_rows_are_matched_by_id_and_strangers_are_counted() -> None:
    X = vw.Vectors(random(6, 3, 0), ids=list("abcdef"))
    Y = vw.Vectors(np.array(X.values)[[4, 2, 0, 1]], ids=["e", "c", "a", "b"])
    found = vw.compare(X, Y, k=2)
    assert (len(found.left), found.missing, found.overlap.mean) == (4, 2, 1.0)
    assert found.disparity == pytest.approx(0, abs=1e-12)


def test_sentences_by_two_encoders_agree_more_than_by_chance() -> None:
    lines = vw.read("examples/speeches.csv").slice(0, 300).column("sentence")
    found = vw.compare(vw.encode(lines.to_pylist(), "sentence"), vw.encode(lines.to_pylist(), "tfidf"))
    assert 0.05 < found.overlap.mean < 0.9
    assert 0 < found.unbiased < found.cka < 1
    figure = found.plot()
    assert len(figure.data[0].x) == 600
    assert "300 rows" in repr(found)
    assert "<table" in found._repr_html_()


def test_what_cannot_be_compared_is_refused() -> None:
    X = random(5, 3, 0)
    with pytest.raises(EmptyInput):
        vw.compare(X, vw.Vectors(X, ids=list("abcde")))
    with pytest.raises(OutOfRange):
        vw.compare(X, X, k=0)
    with pytest.raises(OutOfRange):
        vw.compare(X, X).moved(0)


def test_equal_rows_have_no_alignment() -> None:
    same: Any = np.ones((6, 2))
    found = alignment(same, random(6, 2, 0))
    assert np.isnan(found.cka)
    assert procrustes(random(6, 2, 0), same).disparity == 1.0


def test_very_many_dimensions_are_compared_by_products_and_give_the_same_numbers() -> None:
    X, Y = random(40, 5000, 0), random(40, 6, 1)
    X[:, :6] += 30 * Y
    found = vw.compare(X, Y)
    whole = alignment(X, Y)
    assert found.cka == pytest.approx(whole.cka, rel=1e-9)
    assert found.unbiased == pytest.approx(whole.unbiased, rel=1e-9)
    assert found.disparity == pytest.approx(procrustes(X, Y).disparity, rel=1e-9)
    with pytest.raises(Inapplicable, match="components"):
        found.aligned()
