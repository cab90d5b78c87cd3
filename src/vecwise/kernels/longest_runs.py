"""The longest run of tokens that a line shares with any line of a corpus.

This module must not know texts, nor what the numbers stand for.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def longest_runs(lines: Sequence[np.ndarray], corpus: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Give for each line the length of its longest run of tokens that stands in a line of the corpus, and which line.

    Lines are arrays of whole numbers from 0. Of several longest runs the first in the line counts; the first corpus
    line that holds it is given, -1 where nothing is shared. Runs grow token by token, and only places that still agree
    are looked at: time is a pass over the corpus, and a small part of one for every further token.

    >>> lengths, where = longest_runs([np.array([7, 1, 2, 3, 9])], [np.array([1, 2]), np.array([5, 1, 2, 3])])
    >>> lengths.tolist(), where.tolist()
    ([3], [1])
    """
    ours, theirs = _Places.of(lines), _Places.of(corpus)
    lengths, where = np.zeros(len(lines), np.int64), np.full(len(lines), -1)
    base = 1 + max((int(side.tokens.max()) for side in (ours, theirs) if len(side.tokens)), default=0)
    length = 0
    while len(ours.at) and len(theirs.at):
        keys = ours.keys(length, base)
        grams, ours.gram = np.unique(keys, return_inverse=True)
        seen = theirs.keys(length, base)
        place = np.minimum(np.searchsorted(grams, seen), len(grams) - 1)
        theirs.only(grams[place] == seen, place)
        first = np.full(len(grams), -1)
        first[theirs.gram[::-1]] = theirs.line[theirs.at[::-1]]  # the earliest is written last
        ours.only(first[ours.gram] >= 0, ours.gram)
        length += 1
        found = ours.line[ours.at[::-1]]
        lengths[found], where[found] = length, first[ours.gram[::-1]]
        for side in (ours, theirs):
            side.only(side.last[side.at] - side.at > length, side.gram)
    return lengths, where


class _Places:
    """Positions in lines laid end to end at which runs begin that are still looked at, and the run each one is."""

    def __init__(self, tokens: np.ndarray, line: np.ndarray, last: np.ndarray) -> None:
        self.tokens, self.line, self.last = tokens, line, last  # `last`: where the line of a position ends
        self.at = np.arange(len(tokens))
        self.gram = np.zeros(len(tokens), np.int64)

    @classmethod
    def of(cls, lines: Sequence[np.ndarray]) -> _Places:
        lengths = np.array([len(line) for line in lines], np.int64)
        tokens = np.concatenate([np.zeros(0, np.int64), *lines])
        return cls(tokens, np.repeat(np.arange(len(lines)), lengths), np.repeat(np.cumsum(lengths), lengths))

    def keys(self, length: int, base: int) -> np.ndarray:
        """Name each run with one token more."""
        return np.asarray(self.gram * base + self.tokens[self.at + length])

    def only(self, kept: np.ndarray, gram: np.ndarray) -> None:
        """Keep these positions; `gram` names all runs anew."""
        self.at, self.gram = self.at[kept], gram[kept]
