"""Sentences in, sums of their features out; what depends on a token alone is computed once per distinct one.

This module must not know files, threads, nor any vecwise type.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vecwise.kernels.sentence_layers import FEATURES, ORDERS, PRODUCTS, TOKEN, WIDTH, Convolutions, Layers

_REACH = 2  # positions that the widest convolution looks to either side
_NOWHERE = (
    np.iinfo(np.intp).max // 2
)  # a row beyond every array: clipped, it becomes the last, a row of zeros


class Words:
    """All that depends on a token alone: one row per distinct token, then a row of zeros for "no token".

    The slots of the first convolution are its products with a token, one for each place that the token can
    have in the window; a window's output is then a sum of rows.
    """

    def __init__(self, layers: Layers, count: int) -> None:
        self._layers = layers
        self.vectors = np.empty((count + 1, TOKEN), np.float32)
        self.projected = np.empty((len(ORDERS), count + 1, WIDTH), np.float32)
        self.slots = [np.empty((taps, count + 1, WIDTH), np.float32) for taps, _ in ORDERS]
        self.sums = np.zeros(count + 1)
        self.squares = np.zeros(count + 1)
        for rows in (self.vectors, self.projected, *self.slots):
            rows[..., count, :] = 0

    def put(self, start: int, vectors: np.ndarray) -> None:
        """Write the rows of these tokens from `start` on."""
        rows = slice(start, start + len(vectors))
        self.vectors[rows] = vectors
        self.sums[rows] = vectors.sum(axis=1, dtype=np.float64)
        self.squares[rows] = np.einsum("ij,ij->i", vectors, vectors)
        inputs = np.split(self._layers.projected(vectors), len(ORDERS), axis=1)
        for order, own, kept, slots in zip(
            self._layers.orders, inputs, self.projected, self.slots, strict=True
        ):
            kept[rows] = own
            for weights, slot in zip(order.slots, slots, strict=True):
                np.matmul(kept[rows], weights, out=slot[rows])
            slots[order.left, rows] += order.slot_bias


class Line:
    """Sentences one after another: which word stands where, and what its neighbours are.

    Positions are numbered without gaps, and every sentence starts at an even one, as the second convolution
    works on pairs. On the line they stand with gaps between sentences, so that a step aside never leads to a
    stranger: a gap leads to the row of zeros.
    """

    def __init__(self, words: np.ndarray, lengths: np.ndarray, distinct: int) -> None:
        even, gap = lengths + (lengths & 1), _REACH
        stops = np.cumsum(even)
        self.size = int(stops[-1])
        self.starts, self.ends = stops - even, stops - even + lengths
        self._places = np.arange(self.size) + gap * np.repeat(np.arange(1, len(lengths) + 1), even)
        filled = np.arange(len(words)) + np.repeat(self.ends - np.cumsum(lengths), lengths)
        self._words = np.full(self.size + gap * (len(lengths) + 1), distinct, np.intp)
        self._words[self._places[filled]] = words
        self._positions = np.full(len(self._words), _NOWHERE, np.intp)
        self._positions[self._places[filled]] = filled

    def words(self, low: int, high: int) -> list[np.ndarray]:
        """Give the words around the positions from `low` to `high`: two left, ..., two right of each."""
        places = self._places[low:high]
        return [self._words[places + step] for step in range(-_REACH, _REACH + 1)]

    def rows(self, low: int, high: int) -> list[np.ndarray]:
        """Give the positions around each pair: two left of its first, ..., two right of its second."""
        places = self._places[low:high:2]
        return [self._positions[places + step] for step in range(-_REACH, _REACH + 2)]


class Scratch:
    """Arrays that one worker uses again and again, for up to `positions` (an even number) at a time."""

    def __init__(self, positions: int) -> None:
        padded, pairs = positions + 2 * _REACH, positions // 2
        self.hidden = np.empty((padded + 1, WIDTH), np.float32)
        self.addend = np.empty((padded, WIDTH), np.float32)
        self.inputs = np.empty((ORDERS[-1][0] + 1, pairs, WIDTH), np.float32)
        self.operand = np.empty(2 * pairs * WIDTH, np.float32)
        self.products = np.empty((4, pairs, WIDTH), np.float32)
        self.features = np.empty((positions, FEATURES - TOKEN), np.float32)
        self.vectors = np.empty((positions, TOKEN), np.float32)


class Segment:
    """The positions from `start` (even) to `stop` of a line, whose features are computed in one go."""

    def __init__(self, words: Words, line: Line, scratch: Scratch, start: int, stop: int) -> None:
        self._words, self._line, self._scratch = words, line, scratch
        self._start, self._stop = start, stop
        self._low = max(start - _REACH, 0)  # the second convolution needs the first one's neighbours
        self._seen = line.words(self._low, min(stop + _REACH, line.size))
        self._rows = [rows - self._low for rows in line.rows(start, stop)]
        self._own = slice(start - self._low, stop - self._low)
        self._features = scratch.features[: stop - start]

    def sums(self, layers: Layers) -> tuple[int, np.ndarray]:
        """Sum the normalized features by sentence: the first sentence's number, and `(sentences, 1280)`."""
        for number, order in enumerate(layers.orders):
            hidden = self._first_convolution(number, order)
            outputs = self._second_convolution(order, hidden)
            own, columns = hidden[self._own], slice(number * WIDTH, (number + 1) * WIDTH)
            for parity, output in enumerate(outputs):
                np.add(output, own[parity::2], out=self._features[parity::2, columns])
        return self._normalized_sums(layers.epsilon)

    def _first_convolution(self, number: int, order: Convolutions) -> np.ndarray:
        slots, seen = self._words.slots[number], self._seen[_REACH - order.left :]
        hidden = self._scratch.hidden[: len(seen[0]) + 1]
        result, addend = hidden[:-1], self._scratch.addend[: len(seen[0])]
        _take(slots[0], seen[0], result)
        for slot, words in zip(slots[1:], seen[1:], strict=False):
            result += _take(slot, words, addend)
        np.maximum(result, 0, out=result)
        result += _take(self._words.projected[number], self._seen[_REACH], addend)
        hidden[-1] = 0
        return hidden

    def _second_convolution(self, order: Convolutions, hidden: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        rows, pairs = self._rows[_REACH - order.left :], len(self._rows[0])
        inputs, products = self._scratch.inputs[:, :pairs], self._scratch.products[:, :pairs]
        for column, gathered in zip(rows[: order.taps + 1], inputs, strict=False):
            _take(hidden, column, gathered)
        for product, weights, result in zip(PRODUCTS[order.taps], order.pairs, products, strict=False):
            operand = self._scratch.operand[: pairs * len(weights)].reshape(pairs, len(product), WIDTH)
            for block, (combination, _) in enumerate(product):
                _combine(inputs, combination, operand[:, block])
            np.matmul(operand.reshape(pairs, -1), weights, out=result)
        first, both, last, swing = products
        both += order.pair_bias
        first += both
        both -= last
        if len(order.pairs) == len(products):
            first += swing
            both -= swing
        return np.maximum(first, 0, out=first), np.maximum(both, 0, out=both)

    def _normalized_sums(self, epsilon: np.float32) -> tuple[int, np.ndarray]:
        # Layer norm and sum in one: only the sum is needed, so each position is weighed as it is added.
        own, features = self._seen[_REACH][self._own], self._features
        vectors = _take(self._words.vectors, own, self._scratch.vectors[: len(own)])
        mean = (self._words.sums[own] + features @ np.ones(features.shape[1], np.float32)) / FEATURES
        squares = (self._words.squares[own] + np.einsum("ij,ij->i", features, features)) / FEATURES
        weight = 1 / np.sqrt(squares - mean * mean + epsilon)
        shift, weight = weight * mean, weight.astype(np.float32)
        first, spans = self._sentences()
        sums = np.empty((len(spans), FEATURES), np.float32)
        for row, (low, high) in enumerate(spans):
            np.matmul(weight[low:high], vectors[low:high], out=sums[row, :TOKEN])
            np.matmul(weight[low:high], features[low:high], out=sums[row, TOKEN:])
            sums[row] -= np.float32(shift[low:high].sum())
        return first, sums

    def _sentences(self) -> tuple[int, list[tuple[int, int]]]:
        # The first sentence here, and where it and the next ones lie among the positions of this segment.
        starts, ends = self._line.starts, self._line.ends
        first = int(np.searchsorted(ends, self._start, "right"))
        here = slice(first, int(np.searchsorted(starts, self._stop)))
        low = np.maximum(starts[here], self._start) - self._start
        high = np.minimum(ends[here], self._stop) - self._start
        return first, list(zip(low.tolist(), high.tolist(), strict=True))


def _take(array: np.ndarray, rows: np.ndarray, out: np.ndarray) -> np.ndarray:
    return np.take(array, rows, axis=0, out=out, mode="clip")  # clipping is what spares NumPy a copy


def _combine(
    inputs: Sequence[np.ndarray] | np.ndarray, combination: tuple[int, int, int], out: np.ndarray
) -> None:
    i, sign, j = combination
    if sign:
        (np.add if sign > 0 else np.subtract)(inputs[i], inputs[j], out=out)
    else:
        out[:] = inputs[i]
