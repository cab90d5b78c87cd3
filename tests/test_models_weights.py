"""Weights as maps: against NumPy's norms, known matrices, and the variance of rows along axes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import vecwise as vw
from vecwise.errors import NonFinite, WrongShape, WrongType


@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 99))
def test_directions_are_stretched_as_told(rows: int, out: int, seed: int) -> None:
    W = np.random.default_rng(seed).standard_normal((rows, out))
    found = vw.weights(W)
    made = found(found.inputs)
    np.testing.assert_allclose(np.linalg.norm(made.values, axis=1), found.stretch, atol=1e-12)
    assert found.stretch[0] == pytest.approx(np.linalg.norm(W, 2))
    assert found.condition == pytest.approx(np.linalg.cond(W), rel=1e-6)


def test_the_variance_of_rows_along_axes() -> None:
    X = np.random.default_rng(0).standard_normal((200, 3)) * [4, 2, 1]
    found = vw.weights(np.diag([3.0, 2.0, 1.0]), X)
    np.testing.assert_allclose(found.variance, X.var(axis=0) / X.var(axis=0).sum())
    assert "of the variance" in repr(found)
    assert vw.weights([[1.0, 0.0], [0.0, 0.0]]).condition == float("inf")
    torch = pytest.importorskip("torch")
    layer = torch.nn.Linear(3, 2)
    np.testing.assert_allclose(
        vw.weights(layer)(X).values, X @ layer.weight.detach().double().numpy().T, atol=1e-12
    )


def test_what_is_no_matrix_is_refused() -> None:
    for bad, error in ((np.ones(3), WrongShape), ("words", WrongType), ([[np.nan]], NonFinite)):
        with pytest.raises(error):
            vw.weights(bad)
    with pytest.raises(WrongShape):
        vw.weights(np.eye(2), np.ones((3, 3)))


@pytest.mark.parametrize("degrees", [0, 10, 45, 90, 135, 180])
def test_a_rotation_turns_every_direction_by_its_angle(degrees: int) -> None:
    angle = np.radians(degrees)
    rotation = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    assert np.allclose(vw.weights(np.diag([3.0, 0.5]) @ rotation).turn, degrees, atol=1e-5)


def test_what_is_lost_or_changes_its_size_has_no_turn() -> None:
    assert np.isnan(vw.weights(np.ones((3, 2))).turn).all()
    found = vw.weights(np.diag([2.0, 0.0]))
    assert np.isnan(found.turn[1])
    assert found.turn[0] == 0
    assert "turned by" in repr(found)
    assert np.isnan(vw.weights(np.zeros((2, 2))).turn).all()
