"""Two rows compared by every measure at once."""

from __future__ import annotations

from math import isnan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import cityblock, cosine, euclidean

import vecwise as vw
from vecwise.errors import SpaceMismatch, WrongShape
from vecwise.measure.likeness import likeness

NUMBERS = st.lists(st.floats(-1e3, 1e3).map(lambda x: round(x, 3)), min_size=3, max_size=3)


def test_two_texts_and_two_rows_give_the_same_numbers() -> None:
    found = vw.similar("We looked up", "It was raining")
    X = vw.encode(["We looked up", "It was raining"], "sentence")
    assert vw.similar(X[0], X[1]).scores == found.scores
    assert found.cosine == pytest.approx(found.dot, abs=1e-6)
    assert repr(found).endswith(found.meaning)
    assert vw.similar("a b", "b c", encoder="tfidf").shared == (1, 3)
    assert vw.similar("a b", "b c", encoder=vw.CountEncoder()).meaning == "They share 1 of 3 different words."


@given(NUMBERS, NUMBERS)
def test_the_numbers_are_those_of_scipy_and_symmetric(a, b) -> None:
    found, turned = likeness(vw.Vectors([a]), [b]), likeness(vw.Vectors([b]), [a])
    assert found.scores == pytest.approx(turned.scores, nan_ok=True, rel=1e-12)
    assert found.dot == pytest.approx(float(np.dot(a, b)), rel=1e-9, abs=1e-9)
    assert found.euclidean == pytest.approx(float(euclidean(a, b)), rel=1e-12)
    assert found.manhattan == pytest.approx(float(cityblock(a, b)), rel=1e-12)
    if any(a) and any(b):
        assert found.cosine == pytest.approx(1 - float(cosine(a, b)), abs=1e-12)
    else:
        assert isnan(found.cosine)
        assert "no value" in found.meaning


def test_what_cannot_be_compared_is_refused() -> None:
    X = vw.Vectors([[1.0, 2.0], [3.0, 4.0]])
    with pytest.raises(WrongShape, match=r"not 2\. Take one"):
        vw.similar(X, X[0])
    with pytest.raises(SpaceMismatch):
        vw.similar(X[0], vw.Vectors([[1.0, 2.0]]))
