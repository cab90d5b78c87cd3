"""What of generated lines stands in the lines that were learned from.

This module must not know how lines are generated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from vecwise.kernels.longest_runs import longest_runs
from vecwise.models.generate.lines import same, words_of

SHORT: Final = 0.1  # the part of lines that end before the shortest line that is given
WORDY: Final = 3  # words of a line from which none is made up; names have fewer, and scripts without spaces
MANY: Final = 3  # times one word stands in a line that repeats itself
ALIKE: Final = 0.5  # share of the words of two lines that are in both, from which they are much the same


@dataclass(frozen=True, slots=True)
class Copied:
    """The longest run of words that a line shares with a learned one: how many words, and that line ("" for none)."""

    words: int
    source: str


class KnownLines:
    """The lines that were learned from, to look copies up in, and what is usual among them.

    `shortest` is how many words nine in ten have at least; `invents` whether words may be made up.
    """

    def __init__(self, lines: Sequence[str]) -> None:
        self.lines = list(lines)
        self._same = {same(line) for line in lines}
        self._number: dict[str, int] = {}
        self._words = [self._numbers(line) for line in lines]
        lengths = np.array([len(words) for words in self._words])
        self.shortest = int(np.quantile(lengths, SHORT))
        self.invents = float(np.mean([len(line.split()) for line in lines])) < WORDY

    def __contains__(self, line: str) -> bool:
        """Whether a line is a learned one, but for case, spaces and punctuation."""
        return same(line) in self._same

    def reads_like(self, line: str) -> bool:
        """Whether a line does not end early, nor repeats itself as a small model does.

        It has no word twice in a row, none three times, and no pair of words twice.
        """
        words = words_of(line)
        pairs = list(pairwise(words))
        repeats = len(set(pairs)) < len(pairs) or any(a == b for a, b in pairs)
        return len(words) >= self.shortest and not repeats and max(map(words.count, words), default=0) < MANY

    def runs(self, lines: Sequence[str]) -> list[Copied]:
        """Give the longest copied run of each line."""
        lengths, where = longest_runs([self._numbers(line) for line in lines], self._words)
        found = zip(lengths.tolist(), where.tolist(), strict=True)
        return [Copied(words, self.lines[place] if words else "") for words, place in found]

    def _numbers(self, line: str) -> np.ndarray:
        number = self._number
        return np.array([number.setdefault(word, len(number)) for word in words_of(line)], np.int64)


def various(lines: Sequence[str], wanted: int) -> list[int]:
    """Give the places of the first lines that are not much the same, then, as far as needed, of the others.

    >>> various(["the cold sea", "the cold wide sea", "a warm fire"], 2)
    [0, 2]
    """
    sets = [set(words_of(line)) for line in lines]
    kept: list[int] = []
    for place, words in enumerate(sets):
        if all(len(words & sets[i]) < ALIKE * max(1, len(words | sets[i])) for i in kept):
            kept.append(place)
    rest = [place for place in range(len(lines)) if place not in kept]
    return [*kept, *rest][:wanted]
