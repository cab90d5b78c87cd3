"""Exact sums against Python's fractions, and pieces of a matrix against slow writing."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import read_only
from vecwise.kernels.exact import ExactSums, exact_sums, square_root
from vecwise.kernels.pieces import Picks, Stripe, side_by_side

finite = st.floats(allow_nan=False, allow_infinity=False)


def truth(values) -> ExactSums:
    exact = [Fraction(v) for v in values]
    return ExactSums(len(exact), sum(exact, Fraction(0)), sum((v * v for v in exact), Fraction(0)))


@given(st.lists(finite | st.integers(-(2**40), 2**40).map(float) | st.sampled_from([0.25, -1.75, 5e-324])))
def test_sums_are_those_of_fractions(values) -> None:
    assert exact_sums(np.array(values, dtype=np.float64)) == truth(values)


@given(st.lists(finite, max_size=9), st.lists(finite, max_size=9))
def test_sums_of_parts_are_the_sums_of_the_whole(left, right) -> None:
    parts = [exact_sums(np.array(part, dtype=np.float64)) for part in (left, right)]
    assert parts[0].merged(parts[1]) == exact_sums(np.array(left + right, dtype=np.float64))


@pytest.mark.parametrize("scale", [1.0, 1e-3, 2.0**-6, 1e300, 5e-324, 1e9])
def test_long_columns_lose_nothing(scale) -> None:
    values = np.random.default_rng(0).integers(-(2**20), 2**20, 70_000) * scale
    values.flags.writeable = False
    made = exact_sums(values)
    assert made == truth(values.tolist())
    assert (
        exact_sums(np.full(70_000, (2 - 2.0**-52) * scale)).squares
        == 70_000 * Fraction((2 - 2.0**-52) * scale) ** 2
    )


@given(st.lists(st.floats(-1e60, 1e60), max_size=40), st.integers(0, 60))
def test_sums_on_one_grid_and_beyond_it(values, tiny) -> None:
    """Numbers of one magnitude are cut into slices; one that is far smaller sends them the other way."""
    values = np.array([*values, np.pi * 2.0**-tiny, -np.e])
    assert exact_sums(values) == truth(values.tolist())
    assert exact_sums(values, squares=False).total == truth(values.tolist()).total


def test_many_tiles_of_fractions_lose_nothing() -> None:
    values = np.random.default_rng(1).standard_normal(30_000)
    assert exact_sums(values) == truth(values.tolist())
    assert exact_sums(values[:9_000]).merged(exact_sums(values[9_000:])) == exact_sums(values)


@given(finite)
def test_roots_of_squares(value) -> None:
    assert square_root(Fraction(value) ** 2) == abs(value)
    assert square_root(Fraction(-1)) == 0


@given(st.fractions(min_value=0, max_value=10**30))
def test_roots_are_rounded_once(value) -> None:
    root = square_root(value)
    below, above = Fraction(np.nextafter(root, -1)), Fraction(np.nextafter(root, np.inf))
    assert below < 0 or below**2 <= value <= above**2


def test_variance_far_from_zero() -> None:
    values = 1e15 + np.array([0.0, 1, 2, 3])
    assert float(exact_sums(values).variance) == 1.25
    assert np.isclose(square_root(exact_sums(read_only(50)).variance), np.std(read_only(50)), rtol=1e-14)


@given(st.integers(0, 40), st.integers(1, 3), st.integers(0, 2**32 - 1))
def test_pieces_stand_where_they_are_put(rows, tile_rows, seed) -> None:
    rng = np.random.default_rng(seed)
    blocks = [rng.standard_normal((rows, 3)), rng.standard_normal(rows)]
    places, signs = rng.integers(-1, 4, rows).astype(np.int32), rng.choice([-1.0, 2.0], rows)
    pieces = [Stripe(0, blocks[0]), Picks(3, places, signs), Stripe(7, blocks[1]), Picks(8, places % 2, 5.0)]
    slow = np.zeros((rows, 10))
    for row in range(rows):
        slow[row, :3], slow[row, 7] = blocks[0][row], blocks[1][row]
        slow[row, 8 + places[row] % 2] = 5.0
        if places[row] >= 0:
            slow[row, 3 + places[row]] = signs[row]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("vecwise.kernels.pieces.TILE", 10 * tile_rows)
        patch.setattr("vecwise.kernels.pieces._AT_ONCE", 3)
        assert np.array_equal(side_by_side(rows, 10, pieces), slow)
        numbers = [rng.standard_normal(rows), rng.integers(0, 9, rows), rng.random(rows) < 0.5]
        columns = [Stripe(1 + place, column) for place, column in enumerate(numbers)]
        beside = side_by_side(rows, 6, [*columns, Stripe(5, numbers[0])])
        assert np.array_equal(beside[:, [1, 2, 3, 5]], np.array([*numbers, numbers[0]], dtype=float).T)
        assert not beside[:, [0, 4]].any()
    assert np.array_equal(pieces[1].sparse(4).toarray(), slow[:, 3:7])
