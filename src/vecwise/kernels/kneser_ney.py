"""Interpolated Kneser-Ney n-grams over whole numbers: how likely each token is after those before it in its line.

This module must not know texts, nor what the numbers stand for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

_DISCOUNTED: Final = 3  # counts of one, two, and three or more have a discount each


@dataclass(frozen=True, slots=True, eq=False)
class Level:
    """The grams of one length: `keys`, sorted, are context times base plus token; a context is a place in the keys
    of the length below. `kept` is the count of a gram after its discount; `total` and `lost` are sums by context.
    """

    keys: np.ndarray
    kept: np.ndarray
    total: np.ndarray
    lost: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class KneserNey:
    """An n-gram model of lines of tokens below `size`; a line is known to have begun, and its last token ends it.

    Modified Kneser-Ney smoothing, interpolated, by Chen and Goodman 1999 (doi:10.1006/csla.1999.0128); grams at the
    beginning of a line keep their plain counts. All sums are float64.
    """

    size: int
    levels: tuple[Level, ...]

    @classmethod
    def of(cls, lines: Sequence[np.ndarray], size: int, order: int) -> KneserNey:
        """Count lines of tokens from 0 to `size` - 1; grams have up to `order` tokens.

        Memory: some 50 bytes a token and length of gram.

        >>> model = KneserNey.of([np.array([0, 1, 2]), np.array([0, 0, 2])], 3, 2)
        >>> every = [np.exp(model.log_probabilities([np.array([0, token])])[1]) for token in range(3)]
        >>> bool(np.isclose(sum(every), 1))
        True
        """
        tokens, place = _flat(lines, size)
        order = min(order, int(place.max(initial=0)) + 1)  # no gram is longer than the longest line
        grams = _grams(tokens, place, size + 1, order)
        levels, below = [], 1
        for length, gram in enumerate(grams, 1):
            counts = gram.times.astype(np.float64)
            if length < order:
                counts = _continuations(gram, grams[length], place == length - 1)
            if length == 1:
                counts[np.searchsorted(gram.keys, size)] = 0  # that a line begins is never asked for
            levels.append(_level(gram.keys, counts, size + 1, below))
            below = len(gram.keys)
        return cls(size, tuple(levels))

    def log_probabilities(self, lines: Sequence[np.ndarray]) -> np.ndarray:
        """Give the natural logarithm of the probability of each token of all lines, one after the other."""
        tokens, place = _flat(lines, self.size)
        found = np.full(len(tokens), 1 / self.size)
        ending = np.zeros(len(tokens), np.int64)  # the gram, one shorter, that ends here
        for length, level in enumerate(self.levels, 1):
            context = _contexts(ending, place, length)
            known = context >= 0
            at_context = np.where(known, context, 0)
            key = at_context * (self.size + 1) + tokens
            at = np.minimum(np.searchsorted(level.keys, key), len(level.keys) - 1)
            seen = known & (level.keys[at] == key)
            total = np.where(known, level.total[at_context], 0.0)
            used = total > 0
            kept = np.where(seen, level.kept[at], 0.0)
            mixed = (kept + level.lost[at_context] * found) / np.where(used, total, 1.0)
            found, ending = np.where(used, mixed, found), np.where(seen, at, -1)
        return np.asarray(np.log(found[place > 0]))

    def following(self, begun: Sequence[Sequence[int]]) -> np.ndarray:
        """Give the probability of every token after each line that has begun, `(lines, size)`."""
        most = len(self.levels) - 1  # tokens that are looked back to
        seen = [(self.size, *line)[max(0, len(line) + 1 - most) :] for line in begun]
        told = {known: self._after(known) for known in dict.fromkeys(seen)}
        return np.array([told[known] for known in seen]).reshape(len(begun), self.size)

    def _after(self, known: tuple[int, ...]) -> np.ndarray:
        found = np.full(self.size, 1 / self.size)
        for length, level in enumerate(self.levels, 1):
            context = self._gram(known[len(known) - length + 1 :]) if length - 1 <= len(known) else -1
            if context < 0:  # nor was anything longer seen
                break
            found = self._mixed(level, context, found)
        return found

    def _gram(self, tokens: Sequence[int]) -> int:
        """The number of a gram among those of its length; -1 where it was never seen."""
        gram = 0
        for level, token in zip(self.levels, tokens, strict=False):
            key = gram * (self.size + 1) + token
            gram = int(np.searchsorted(level.keys, key))
            if gram == len(level.keys) or level.keys[gram] != key:
                return -1
        return gram

    def _mixed(self, level: Level, context: int, lower: np.ndarray) -> np.ndarray:
        total = level.total[context]
        if total <= 0:
            return lower
        first = context * (self.size + 1)
        start, end = np.searchsorted(
            level.keys, [first, first + self.size]
        )  # without the mark of a beginning
        mixed = level.lost[context] * lower
        mixed[level.keys[start:end] - first] += level.kept[start:end]
        return np.asarray(mixed / total)


@dataclass(frozen=True, slots=True, eq=False)
class _Gram:
    """The grams of one length: their sorted keys, how often each occurs, and which ends at every position (or -1)."""

    keys: np.ndarray
    times: np.ndarray
    ending: np.ndarray


def _flat(lines: Sequence[np.ndarray], size: int) -> tuple[np.ndarray, np.ndarray]:
    """All lines in one array, each behind the mark `size`, and the place of every token in its line."""
    if not len(lines):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    lengths = np.array([len(line) + 1 for line in lines])
    starts = np.cumsum(lengths) - lengths
    place = np.arange(lengths.sum()) - np.repeat(starts, lengths)
    tokens = np.full(lengths.sum(), size, np.int64)
    tokens[place > 0] = np.concatenate(lines)
    return tokens, place


def _contexts(ending: np.ndarray, place: np.ndarray, length: int) -> np.ndarray:
    """What ends just before every position, one shorter than `length`; -1 where the line had not begun yet."""
    if length == 1:
        return np.zeros(len(ending), np.int64)
    before = np.full(len(ending), -1, np.int64)
    before[1:] = ending[:-1]
    before[place < length - 1] = -1
    return before


def _grams(tokens: np.ndarray, place: np.ndarray, base: int, order: int) -> list[_Gram]:
    made: list[_Gram] = []
    ending = np.zeros(len(tokens), np.int64)
    for length in range(1, order + 1):
        context = _contexts(ending, place, length)
        known = context >= 0
        keys, which, times = np.unique(
            context[known] * base + tokens[known], return_inverse=True, return_counts=True
        )
        ending = np.full(len(tokens), -1, np.int64)
        ending[known] = which
        made.append(_Gram(keys, times, ending))
    return made


def _continuations(gram: _Gram, longer: _Gram, begins: np.ndarray) -> np.ndarray:
    """Count what a gram was seen behind, each once; at the beginning of a line how often it occurs."""
    extended = longer.ending >= 0
    pairs = np.unique(longer.ending[extended] * len(gram.keys) + gram.ending[extended])
    counts = np.bincount(pairs % len(gram.keys), minlength=len(gram.keys)).astype(np.float64)
    first = np.unique(gram.ending[begins & (gram.ending >= 0)])
    counts[first] = gram.times[first]
    return counts


def _level(keys: np.ndarray, counts: np.ndarray, base: int, contexts: int) -> Level:
    discount = _discounts(counts)[np.minimum(counts, _DISCOUNTED).astype(np.int64)]
    context = keys // base
    total = np.bincount(context, weights=counts, minlength=contexts)
    lost = np.bincount(context, weights=discount, minlength=contexts)
    return Level(keys, counts - discount, total, lost)


def _discounts(counts: np.ndarray) -> np.ndarray:
    """What counts of 0, 1, 2 and more lose; with too few counts to estimate it, half of one."""
    one, two, three, four = (int((counts == times).sum()) for times in (1, 2, 3, 4))
    if not (one and two and three and four):
        return np.array([0.0, 0.5, 0.5, 0.5])
    share = one / (one + 2 * two)
    plain = [1 - 2 * share * two / one, 2 - 3 * share * three / two, 3 - 4 * share * four / three]
    return np.array(
        [0.0, *(min(max(value, 0.05), most) for value, most in zip(plain, (1, 2, 3), strict=True))]
    )
