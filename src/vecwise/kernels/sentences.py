"""Where a long text may be cut: between paragraphs, sentences and words.

This module must not know any vecwise type, nor what the pieces are for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

# Scripts that write no spaces: each of their characters counts as a word.
_UNSPACED: Final = "\u0e00-\u0e7f\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORD: Final = re.compile(rf"[{_UNSPACED}]|[^\s{_UNSPACED}]+")
# A sentence ends after its mark and closing quotes, before white space; a paragraph ends at an empty line.
_END: Final = re.compile(r"""[.!?\u2026][)\]"'\u201d\u2019\u00bb]*(?=\s)|[\u3002\uff01\uff1f]|\n[^\S\n]*\n""")


def words_of(text: str) -> list[tuple[int, int]]:
    """Give where every word starts and ends; of scripts without spaces every character is a word.

    >>> words_of("the sea")
    [(0, 3), (4, 7)]
    """
    return [match.span() for match in _WORD.finditer(text)]


def pieces(text: str, most: int, overlap: int = 0) -> list[tuple[int, int]]:
    """Cut a text into pieces of at most `most` words, at ends of sentences where that is possible.

    A piece holds as many whole sentences as fit; a sentence of more words is cut between words. With
    `overlap`, a piece begins that many words before the end of the one before it. A text that fits is one piece,
    and so is one without words.

    >>> text = "It rained. We ran home. The sea was grey and loud."
    >>> [text[a:b] for a, b in pieces(text, 6)]
    ['It rained. We ran home.', 'The sea was grey and loud.']
    """
    words = words_of(text)
    if len(words) <= most:
        return [(0, len(text))]
    found = []
    for first, last in _runs(_sentence_ends(text, words), len(words), most, overlap):
        found.append((words[first][0], words[last - 1][1]))
    return found


def _sentence_ends(text: str, words: list[tuple[int, int]]) -> list[int]:
    """After how many words a sentence ends, rising."""
    ends: list[int] = []
    count = 0
    for match in _END.finditer(text):
        while count < len(words) and words[count][0] < match.end():
            count += 1
        if count and (not ends or ends[-1] != count):
            ends.append(count)
    return ends


def _runs(ends: list[int], total: int, most: int, overlap: int) -> Iterator[tuple[int, int]]:
    start, place = 0, 0
    while True:
        limit = start + most
        if limit >= total:
            yield start, total
            return
        while place < len(ends) and ends[place] <= limit:
            place += 1
        stop = ends[place - 1] if place and ends[place - 1] > start + overlap else limit
        yield start, stop
        start = stop - overlap
