from __future__ import annotations

import hashlib
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vecwise.kernels import cooccurrence
from vecwise.kernels.averages import (
    common_directions,
    second_moment,
    sif_weights,
    usif_a,
    usif_weights,
    without_directions,
    word_averages,
)
from vecwise.kernels.cooccurrence import near_counts, positive_information, renumbered_pairs, word_factors
from vecwise.kernels.row_samples import bags_of, merge_samples, sample_rows, scramble, word_digests

rows_of_words = st.lists(st.lists(st.integers(0, 9), max_size=12), min_size=1, max_size=20)


def flat(rows: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    numbers = np.array([n for row in rows for n in row], np.int32)
    return numbers, np.cumsum([0, *map(len, rows)]).astype(np.int64)


# ---- averages ----


@given(rows_of_words)
def test_averages_are_means_of_rows(rows) -> None:
    matrix = np.random.default_rng(1).standard_normal((10, 4)).astype(np.float32)
    made = word_averages(matrix, *flat(rows))
    wanted = [matrix[row].astype(np.float64).mean(axis=0) if row else np.zeros(4) for row in rows]
    assert made.dtype == np.float32
    assert np.allclose(made, wanted, rtol=0, atol=1e-6)


@pytest.mark.parametrize("length", [1, 63, 64, 65, 129, 20_000])
def test_long_rows_keep_the_stated_bound_and_do_not_mind_their_neighbours(length) -> None:
    rng = np.random.default_rng(length)
    matrix = rng.standard_normal((500, 8)).astype(np.float32) + np.float32(3)
    rows = [rng.integers(0, 500, n).tolist() for n in (5, length, 0, 70, 1)]
    made = word_averages(matrix, *flat(rows))
    for row, vector in zip(rows, made, strict=True):
        alone = word_averages(matrix, *flat([row]))[0]
        exact = matrix[row].astype(np.float64).mean(axis=0) if row else np.zeros(8)
        size = np.abs(matrix[row]).astype(np.float64).mean(axis=0) if row else np.zeros(8)
        assert np.array_equal(alone, vector)
        assert (np.abs(vector - exact) <= 66 * 2.0**-24 * size).all()


# ---- weights ----


def test_weights_follow_the_papers() -> None:
    chances = np.array([0.5, 0.01, 0.0])
    assert np.allclose(sif_weights(chances, 1e-3), [0.001 / 0.501, 0.001 / 0.011, 1])
    assert np.allclose(usif_weights(chances, 0.02), [0.02 / 0.51, 0.02 / 0.02, 2])
    # 4 words, rows of 2: the threshold is 1 - (3/4)^2 = 0.4375, one word in four lies above it, Z is 2
    assert usif_a(np.array([0.7, 0.1, 0.1, 0.1]), 2) == pytest.approx((1 - 0.25) / (0.25 * 2))
    assert usif_a(np.full(4, 0.25), 11) == math.inf
    assert usif_weights(np.full(3, 0.25), math.inf).tolist() == [2, 2, 2]


@given(st.integers(1, 40), st.floats(1, 60))
def test_a_word_never_weighs_nothing(words, length) -> None:
    chances = np.random.default_rng(words).dirichlet(np.full(words, 0.3))
    assert usif_a(chances, length) > 0


# ---- common directions ----


def test_common_directions_are_the_first_singular_vectors_of_all_rows() -> None:
    rng = np.random.default_rng(3)
    matrix = rng.standard_normal((10, 6)).astype(np.float32)
    rows = [rng.integers(0, 10, 1 + i % 7).tolist() for i in range(200)]
    weights = rng.uniform(0.1, 1, 10)
    digests = word_digests([f"w{i}" for i in range(10)])
    sample = sample_rows(digests, *flat(rows), rows=1000, most=10**6)
    counts = bags_of(sample, np.arange(10), 10)
    directions, shares = common_directions(second_moment(counts, sample.times, weights, matrix), 3)
    vectors = np.array([(matrix[row] * weights[row, None]).mean(axis=0) for row in rows])
    _, values, axes = np.linalg.svd(vectors, full_matrices=False)
    assert np.allclose(np.abs(np.sum(directions * axes[:3], axis=1)), 1)
    assert np.allclose(shares, values[:3] ** 2 / (values[:3] ** 2).sum())
    assert (directions[np.arange(3), np.abs(directions).argmax(axis=1)] > 0).all()
    cleaned = without_directions(matrix, weights, directions, np.ones(3))
    assert np.abs(cleaned @ directions.T.astype(np.float32)).max() < 1e-6


def test_directions_that_carry_nothing_are_left_out() -> None:
    line = np.outer([3.0, 4.0, 0.0], [3.0, 4.0, 0.0])
    directions, shares = common_directions(line, 3)
    assert np.allclose(directions, [[0.6, 0.8, 0]])
    assert shares.tolist() == [1]
    assert common_directions(np.zeros((3, 3)), 2)[0].shape == (0, 3)


# ---- samples ----


def test_digests_tell_words_apart() -> None:
    words = [f"{a}{b}" for a in "abcdefghijklmnopqrstuvwxyzéß日" for b in range(3000)] + [
        "",
        "a",
        "b",
        "ab",
        "ba",
    ]
    digests = word_digests(words)
    assert len(set(digests.tolist())) == len(set(words))
    assert word_digests(["ba"])[0] == digests[-1]
    assert abs(float((digests / 2**64).mean()) - 0.5) < 0.01


def test_scramble_is_splitmix64() -> None:
    def slow(x: int) -> int:
        z = (x + 0x9E3779B97F4A7C15) % 2**64
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB % 2**64
        return z ^ (z >> 31)

    numbers = np.random.default_rng(0).integers(0, 2**63, 50, np.uint64)
    assert scramble(numbers).tolist() == [slow(x) for x in numbers.tolist()]


@given(rows_of_words, st.integers(1, 8), st.integers(1, 30), st.integers(0, 20))
def test_a_sample_does_not_depend_on_the_cut(rows, most_rows, most_tokens, cut) -> None:
    digests = word_digests([f"w{i}" for i in range(10)])
    limits = {"rows": most_rows, "most": most_tokens}
    whole = sample_rows(digests, *flat(rows), **limits)
    parts = [sample_rows(digests, *flat(part), **limits) for part in (rows[:cut], rows[cut:])]
    for joined in (merge_samples(*parts, **limits), merge_samples(*reversed(parts), **limits)):
        assert joined.digests.tolist() == whole.digests.tolist()
        assert joined.times.tolist() == whole.times.tolist()
        same = bags_of(joined, np.arange(10), 10) != bags_of(whole, np.arange(10), 10)
        assert same.nnz == 0


@given(rows_of_words)
def test_a_sample_without_a_limit_is_all_rows_by_their_words(rows) -> None:
    digests = word_digests([f"w{i}" for i in range(10)])
    sample = sample_rows(digests, *flat(rows), rows=100, most=10**6)
    counts = bags_of(sample, np.arange(10), 10).toarray()
    made = {
        tuple(row): times
        for row, times in zip(counts.astype(int).tolist(), sample.times.tolist(), strict=True)
    }
    wanted: dict[tuple[int, ...], int] = {}
    for row in rows:
        bag = tuple(row.count(i) for i in range(10))
        wanted[bag] = wanted.get(bag, 0) + bool(row)
    assert made == {bag: times for bag, times in wanted.items() if times}


# ---- words near each other ----


@given(rows_of_words, st.integers(1, 4))
def test_near_counts_are_those_of_a_plain_loop(rows, window) -> None:
    wanted = np.zeros((10, 10), np.int64)
    for row in rows:
        for i, a in enumerate(row):
            for apart in range(1, window + 1):
                if i + apart < len(row):
                    wanted[min(a, row[i + apart]), max(a, row[i + apart])] += window - apart + 1
    made = near_counts(*flat(rows), 10, window)
    assert made.toarray().tolist() == wanted.tolist()
    turned = renumbered_pairs(made, np.array([*range(9, 0, -1), -1]), 10).toarray()
    full = wanted + np.triu(wanted, 1).T
    kept = full[:9, :9][::-1, ::-1]
    assert np.array_equal(turned[1:, 1:], np.triu(kept))


@pytest.mark.parametrize("block", [1, 5, 1000])
def test_near_counts_do_not_depend_on_the_block(monkeypatch, block) -> None:
    rows = [[1, 2, 3, 1], [], [2] * 9, [4], [0, 1, 0, 1, 0, 1]]
    whole = near_counts(*flat(rows), 5, 3).toarray()
    monkeypatch.setattr(cooccurrence, "_BLOCK", block)
    assert np.array_equal(near_counts(*flat(rows), 5, 3).toarray(), whole)
    assert near_counts(*flat([[]]), 5, 3).nnz == 0


def test_positive_information_is_that_of_the_definition() -> None:
    rng = np.random.default_rng(5)
    pairs = near_counts(*flat([rng.integers(0, 12, 30).tolist() for _ in range(4)]), 12, 3)
    both = (pairs + pairs.T).toarray().astype(float)
    context = both.sum(axis=0) ** 0.75
    joint, word, context = both / both.sum(), both.sum(axis=1) / both.sum(), context / context.sum()
    with np.errstate(divide="ignore"):
        wanted = np.maximum(0, np.log(joint / np.outer(word, context)))
    assert np.allclose(positive_information(pairs, 0.75).toarray(), wanted)


@pytest.mark.parametrize("words", [60, 500])
def test_word_factors_are_the_truncated_decomposition(words) -> None:
    from scipy.sparse import random as sparse_random

    matrix = sparse_random(words, words, 0.1, "csr", random_state=1)
    made = word_factors(matrix, 7)
    left, values, _ = np.linalg.svd(matrix.toarray())
    wanted = left[:, :7] * np.sqrt(values[:7])
    assert np.allclose(np.abs(made), np.abs(wanted), atol=2e-5)
    assert (made[np.abs(made).argmax(axis=0), np.arange(7)] > 0).all()
    again = hashlib.sha256(word_factors(matrix.copy(), 7).tobytes()).hexdigest()
    assert again == hashlib.sha256(made.tobytes()).hexdigest()


def test_word_factors_leave_out_what_has_no_rank() -> None:
    from scipy.sparse import csr_array

    made = word_factors(csr_array(np.outer([1.0, 2.0, 2.0], [1.0, 0.0, 1.0])), 3)
    assert made.shape == (3, 1)
    assert word_factors(csr_array((3, 3)), 2).shape == (3, 0)
