from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import vecwise as vw
from vecwise.errors import DuplicateName, OutOfRange, SpaceMismatch, UnknownName, WrongShape, WrongType
from vecwise.space import mint_frame


def test_every_space_has_axes_of_its_own() -> None:
    assert not vw.Space(2).same_axes(vw.Space(2))


def test_claims_do_not_decide_who_may_meet() -> None:
    space = vw.Space(3)
    assert space.same_axes(space.with_claims({"unit"}))
    space.must_match(space.with_claims({"centered"}), "add")


def test_a_mismatch_names_both_spaces_and_the_remedy() -> None:
    cities, words = vw.Space(2, name="cities"), vw.Space(2, name="words")
    with pytest.raises(SpaceMismatch, match=r"`cities`.*`words`.*one fitted encoder"):
        cities.must_match(words, "add")


def test_impossible_spaces_are_refused() -> None:
    with pytest.raises(OutOfRange, match="at least one dimension"):
        vw.Space(0)
    with pytest.raises(WrongShape, match="1 name for 2"):
        vw.Space(2, features=("a",))
    with pytest.raises(WrongType):
        vw.Space(2.5)
    with pytest.raises(DuplicateName, match="`a`"):
        vw.Space(2, features=("a", "a"))
    with pytest.raises(UnknownName, match="tidy"):
        vw.Space(2).with_claims({"tidy"})
    with pytest.raises(UnknownName, match="tidy"):
        vw.Space(2, claims=frozenset({"tidy"}))


def test_zero_is_a_vector_of_the_space() -> None:
    space = vw.Space(3, features=("a", "b", "c"))
    zero = space.zero()
    assert zero.space.same_axes(space)
    assert zero.values.tolist() == [[0, 0, 0]]
    assert space.zero(2).shape == (2, 3)


@given(st.dictionaries(st.text(), st.integers()), st.dictionaries(st.text(), st.integers()))
def test_frames_agree_exactly_when_their_meaning_does(a: dict[str, int], b: dict[str, int]) -> None:
    assert (mint_frame("x", a) == mint_frame("x", b)) == (a == b)
    assert mint_frame("x", a) != mint_frame("y", a)


def test_feature_names_exist_for_every_dimension() -> None:
    assert vw.Space(2).feature_names() == ("dim_0", "dim_1")
    assert np.array_equal(vw.Space(2, features=["p", "q"]).feature_names(), ("p", "q"))
