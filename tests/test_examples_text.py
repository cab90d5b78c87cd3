"""The example texts are what the guides say they are."""

from __future__ import annotations

import unicodedata

import pytest

import vecwise as vw
from conftest import EXAMPLES, FIVE


@pytest.mark.parametrize("name", ["lyrics.txt", "sentences.txt"])
def test_every_line_is_a_row_of_plain_nfc_text(name: str) -> None:
    raw = (EXAMPLES / name).read_bytes()
    text = raw.decode("utf-8")
    assert raw.endswith(b"\n")
    assert b"\r" not in raw
    assert text == unicodedata.normalize("NFC", text)
    assert all(line == line.strip() and line for line in text.removesuffix("\n").split("\n"))


def test_the_five_sentences_are_there_in_order() -> None:
    assert (EXAMPLES / "sentences.txt").read_text(encoding="utf-8").splitlines() == FIVE


def test_lyrics_are_a_thousand_mostly_different_and_use_the_words_of_the_guide(lyrics: list[str]) -> None:
    assert 960 <= len(lyrics) <= 1040
    repeated = len(lyrics) - len(set(lyrics))
    assert 0 < repeated < 0.08 * len(lyrics)
    words = " ".join(lyrics).lower().split()
    assert 1_400 < len(set(words)) < 0.25 * len(words)  # a voice: words come back, and not always the same
    assert {"children", "grass", "gathered", "summer's", "dampened", "end"} <= set(words)


def test_speeches_are_ten_thousand_different_sentences_with_their_year() -> None:
    rows = vw.read(EXAMPLES / "speeches.csv")
    assert rows.column_names == ["year", "president", "party", "sentence"]
    sentences, years = rows["sentence"].to_pylist(), rows["year"].to_pylist()
    assert len(set(sentences)) == len(sentences) == 10_000
    assert years == sorted(years)
    assert years[0] == 1790
    assert all(40 <= len(sentence) <= 200 for sentence in sentences)
