"""Passages: no word is lost, none is too long, each knows its row, and sentences stay whole where they fit."""

from __future__ import annotations

import itertools

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import vecwise as vw
from vecwise.errors import DuplicateName, NothingToEncode, OutOfRange, UnknownName
from vecwise.kernels.sentences import pieces, words_of

TEXTS = st.text(st.sampled_from("ab .!?\n\t”)。海の e\u0301"), max_size=80)


@given(TEXTS, st.integers(1, 9), st.integers(0, 8))
def test_every_word_is_in_a_passage_and_none_is_too_long(text, most, overlap) -> None:
    overlap = min(overlap, most - 1)
    found = [text[a:b] for a, b in pieces(text, most, overlap)]
    words = [[part[a:b] for a, b in words_of(part)] for part in found]
    assert all(len(part) <= most for part in words)
    joined = words[0] + [word for part in words[1:] for word in part[overlap:]]
    assert joined == [text[a:b] for a, b in words_of(text)]
    for before, after in itertools.pairwise(words):
        assert before[len(before) - overlap :] == after[:overlap]


def test_sentences_stay_whole_where_they_fit() -> None:
    text = "He said “no.” Then he left!  The rest of us stayed until the very end of it all.\n\nA new day"
    found = [text[a:b] for a, b in pieces(text, 6)]
    assert found == [
        "He said “no.” Then he left!",
        "The rest of us stayed until",
        "the very end of it all.",
        "A new day",
    ]


def test_numbers_and_names_are_no_ends() -> None:
    text = "It costs 3.50 at example.org today. Buy two of them now, please."
    assert next(text[a:b] for a, b in pieces(text, 7)) == "It costs 3.50 at example.org today."


def test_scripts_without_spaces_are_cut_between_characters() -> None:
    text = "海は広いな。大きいな。月がのぼるし日が沈む"
    assert [text[a:b] for a, b in pieces(text, 6)] == [
        "海は広いな。",
        "大きいな。",
        "月がのぼるし",
        "日が沈む",
    ]


def test_a_row_is_repeated_beside_its_passages() -> None:
    table = pa.table({"title": ["a", "b", "c", "d"], "body": ["One two. Three four. Five", None, "", "Six"]})
    made = vw.passages(table, most=2, column="body")
    assert made.to_pydict() == {
        "title": ["a", "a", "a", "b", "c", "d"],
        "body": ["One two.", "Three four.", "Five", None, "", "Six"],
        "parent": [0, 0, 0, 1, 2, 3],
        "passage": [0, 1, 2, 0, 0, 0],
    }
    X = vw.encode(made, vw.CountEncoder(column="body", missing="empty"))
    assert X.rows.column("parent").to_pylist() == [0, 0, 0, 1, 2, 3]


def test_what_cannot_be_cut() -> None:
    for options in ({"most": 0}, {"most": 3, "overlap": 3}, {"overlap": -1}):
        with pytest.raises(OutOfRange):
            vw.passages(["a b"], **options)
    with pytest.raises(DuplicateName, match="parent"):
        vw.passages({"text": ["a"], "parent": [1]})
    with pytest.raises(UnknownName):
        vw.passages({"a": ["x"], "b": ["y"]}, column="c")
    with pytest.raises(NothingToEncode):
        vw.passages({"a": [1]})
