"""The layers of the Universal Sentence Encoder, arranged so that most work is done once per distinct token.

This module must not know files, threads, nor any vecwise type.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

ORDERS = ((2, 0), (3, 1), (5, 2))  # the three n-gram convolutions: taps, and how many of them look left
REACH = 2  # positions that the widest of them looks to either side
TOKEN, WIDTH = 512, 256  # numbers of a token's vector; channels of one convolution
FEATURES = TOKEN + len(ORDERS) * WIDTH  # of one position: the token's vector, then the three convolutions
_GAP = np.iinfo(np.intp).max // 2  # a row number beyond every array: clipped, it finds the last row, of zeros

# Two neighbouring outputs of a convolution by minimal filtering, with inputs d0, d1, ...: the products first, both,
# last and swing give y0 = first + both + swing and y1 = both - swing - last. A product is a list of pairs:
# which inputs are combined, (i, sign, j), and the taps that its weights add up, with their factors.
_Product = list[tuple[tuple[int, int, int], dict[int, float]]]
_TWO_TAPS: list[_Product] = [
    [((0, -1, 1), {0: 1.0})],
    [((1, 0, 1), {0: 1.0, 1: 1.0})],
    [((1, -1, 2), {1: 1.0})],
]
_THREE_TAPS: list[_Product] = [
    [((0, -1, 2), {0: 1.0})],
    [((1, 1, 2), {0: 0.5, 1: 0.5, 2: 0.5})],
    [((1, -1, 3), {2: 1.0})],
    [((2, -1, 1), {0: 0.5, 1: -0.5, 2: 0.5})],
]
_FIVE_TAPS: list[_Product] = [  # three taps, and two taps three inputs further
    [*_THREE_TAPS[0], ((3, -1, 4), {3: 1.0})],
    [*_THREE_TAPS[1], ((4, 0, 4), {3: 1.0, 4: 1.0})],
    [*_THREE_TAPS[2], ((4, -1, 5), {4: 1.0})],
    _THREE_TAPS[3],
]
_PRODUCTS = {2: _TWO_TAPS, 3: _THREE_TAPS, 5: _FIVE_TAPS}


@dataclass(frozen=True, slots=True)
class Convolutions:
    """The weights of the two convolutions of one n-gram order, the second one's as its pair products.

    Source of the pair products: Winograd 1980, "Arithmetic Complexity of Computations"; Lavin and Gray 2016,
    arXiv:1509.09308. They need 3, 4 and 7 matrix products in place of 4, 6 and 10 for 2, 3 and 5 taps.
    """

    taps: int
    left: int
    slots: np.ndarray  # (taps, 256, 256), of the first convolution
    slot_bias: np.ndarray
    pairs: tuple[np.ndarray, ...]  # of the second
    pair_bias: np.ndarray

    @classmethod
    def read(cls, arrays: Mapping[str, np.ndarray], taps: int, left: int) -> Convolutions:
        """Arrange the weights of this order."""
        first, second = (arrays[f"w{k}_{taps}"].reshape(taps, WIDTH, WIDTH) for k in (1, 2))
        pairs = tuple(
            np.concatenate([np.tensordot(np.float32(list(mix.values())), second[list(mix)], 1) for _, mix in product])
            for product in _PRODUCTS[taps]
        )
        return cls(taps, left, first, arrays[f"b1_{taps}"], pairs, arrays[f"b2_{taps}"])


class Layers:
    """All weights behind the token table, from the arrays of the weights file by name."""

    def __init__(self, arrays: Mapping[str, np.ndarray]) -> None:
        def joined(name: str) -> np.ndarray:
            return np.concatenate([arrays[f"{name}{taps}"] for taps, _ in ORDERS], axis=-1)

        self.projection, self.projection_bias = joined("proj"), joined("proj_b")
        self.projection_gain, self.projection_shift = joined("ln_g"), joined("ln_b")
        self.orders = [Convolutions.read(arrays, taps, left) for taps, left in ORDERS]
        self.epsilon = np.float32(arrays["eps"])
        self._arrays = arrays

    def sentence_vectors(self, sums: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        """Give unit vectors `(sentences, 512)` from the sums of normalized features over a sentence's positions."""
        w, count = self._arrays, lengths.astype(np.float32)[:, None]
        mean = (sums * w["ln_g"] + count * w["ln_b"]) @ w["cnn_W"]
        mean = (mean + count * w["cnn_b"]) / np.sqrt(count)
        hidden = np.maximum(mean @ w["d0"], 0)
        skipped = np.maximum(mean @ w["p1"] + hidden @ w["d1"], 0)
        deep = np.maximum(skipped @ w["d2"], 0)
        vectors = np.tanh(skipped @ w["p3"] + deep @ w["d3"])
        squares = np.einsum("ij,ij->i", vectors, vectors)
        vectors /= np.sqrt(np.maximum(squares, self.epsilon))[:, None]
        return vectors


class Words:
    """All that depends on a token alone, one row per distinct token, and a last row of zeros for "no token"."""

    def __init__(self, count: int) -> None:
        self.vectors = np.empty((count + 1, TOKEN), np.float32)
        self.projected = np.empty((len(ORDERS), count + 1, WIDTH), np.float32)
        self.slots = [np.empty((taps, count + 1, WIDTH), np.float32) for taps, _ in ORDERS]
        self.sums = np.zeros(count + 1)
        self.squares = np.zeros(count + 1)
        for array in (self.vectors, *self.projected, *chain(*self.slots)):
            array[-1] = 0

    def put(self, layers: Layers, start: int, vectors: np.ndarray) -> None:
        """Write the rows of these tokens: projection, its normalization, and every slot of the first convolution."""
        rows = slice(start, start + len(vectors))
        self.vectors[rows] = vectors
        self.sums[rows] = vectors.sum(axis=1, dtype=np.float64)
        self.squares[rows] = np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64)
        x = vectors @ layers.projection
        x += layers.projection_bias
        x -= x.mean(axis=1, keepdims=True)
        x /= np.sqrt(np.einsum("ij,ij->i", x, x) / np.float32(x.shape[1]) + layers.epsilon)[:, None]
        x *= layers.projection_gain
        x += layers.projection_shift
        for order, projected, slots in zip(layers.orders, self.projected, self.slots, strict=True):
            projected[rows], x = x[:, :WIDTH], x[:, WIDTH:]
            for slot, weights in zip(slots, order.slots, strict=True):
                np.matmul(projected[rows], weights, out=slot[rows])
            slots[order.left, rows] += order.slot_bias


class Line:
    """Sentences laid out one after another, so that a neighbour is one step away and never a stranger.

    Positions are numbered without gaps; every sentence starts at an even one, since the second convolution works
    on pairs. On the line the positions stand with gaps around each sentence, and a gap leads to a row of zeros.
    """

    def __init__(self, words: np.ndarray, lengths: np.ndarray, distinct: int) -> None:
        even = lengths + (lengths & 1)
        self.ends = np.cumsum(even)
        self.starts = self.ends - even
        self.lengths = lengths
        gap = REACH + 1
        self.places = np.arange(self.ends[-1]) + gap * np.repeat(np.arange(1, len(lengths) + 1), even)
        filled = np.arange(len(words)) + np.repeat(self.starts - (np.cumsum(lengths) - lengths), lengths)
        size = self.ends[-1] + gap * (len(lengths) + 1)
        self.words = np.full(size, distinct, np.intp)
        self.words[self.places[filled]] = words
        self.positions = np.full(size, _GAP, np.intp)
        self.positions[self.places[filled]] = filled


class Scratch:
    """Arrays that one worker uses again and again, for up to `positions` (even) at a time."""

    def __init__(self, positions: int) -> None:
        padded, pairs = positions + 2 * REACH, positions // 2
        self.hidden = np.empty((padded + 1, WIDTH), np.float32)
        self.addend = np.empty((padded, WIDTH), np.float32)
        self.inputs = np.empty((max(ORDERS)[0] + 1, pairs, WIDTH), np.float32)
        self.operand = np.empty(2 * pairs * WIDTH, np.float32)
        self.products = np.empty((4, pairs, WIDTH), np.float32)
        self.features = np.empty((positions, FEATURES - TOKEN), np.float32)
        self.vectors = np.empty((positions, TOKEN), np.float32)


def segment_sums(
    layers: Layers, words: Words, line: Line, scratch: Scratch, start: int, stop: int
) -> tuple[int, np.ndarray]:
    """Sum the normalized features of the positions `start` (even) to `stop` by sentence.

    Gives the number of the first sentence and one row of 1280 for it and each that follows in the segment.
    """
    low, high = max(start - REACH, 0), min(stop + REACH, len(line.places))
    seen = [line.words[line.places[low:high] + step] for step in range(-REACH, REACH + 1)]
    rows = [line.positions[line.places[start:stop:2] + step] - low for step in range(-REACH, REACH + 2)]
    features = scratch.features[: stop - start]
    hidden = scratch.hidden[: high - low + 1]
    for number, order in enumerate(layers.orders):
        near = slice(REACH - order.left, None)
        _first_convolution(words.slots[number], words.projected[number], seen[near], seen[REACH], hidden, scratch)
        first, second = _second_convolution(order, hidden, rows[near], scratch)
        own, columns = hidden[start - low : stop - low], slice(number * WIDTH, (number + 1) * WIDTH)
        np.add(first, own[0::2], out=features[0::2, columns])
        np.add(second, own[1::2], out=features[1::2, columns])
    return _normalized_sums(layers, words, line, scratch, seen[REACH][start - low : stop - low], start)


def _first_convolution(
    slots: np.ndarray,
    projected: np.ndarray,
    seen: Sequence[np.ndarray],
    own: np.ndarray,
    hidden: np.ndarray,
    scratch: Scratch,
) -> None:
    result, addend = hidden[:-1], scratch.addend[: len(own)]
    np.take(slots[0], seen[0], axis=0, out=result, mode="clip")
    for slot, column in zip(slots[1:], seen[1:], strict=False):
        np.take(slot, column, axis=0, out=addend, mode="clip")
        result += addend
    np.maximum(result, 0, out=result)
    np.take(projected, own, axis=0, out=addend, mode="clip")
    result += addend
    hidden[-1] = 0


def _second_convolution(
    order: Convolutions, hidden: np.ndarray, rows: Sequence[np.ndarray], scratch: Scratch
) -> tuple[np.ndarray, np.ndarray]:
    pairs = len(rows[0])
    inputs, products = scratch.inputs[: order.taps + 1, :pairs], scratch.products[:, :pairs]
    for column, gathered in zip(rows, inputs, strict=False):
        np.take(hidden, column, axis=0, out=gathered, mode="clip")
    for product, weights, result in zip(_PRODUCTS[order.taps], order.pairs, products, strict=False):
        operand = scratch.operand[: pairs * len(weights)].reshape(pairs, len(weights))
        for number, ((i, sign, j), _) in enumerate(product):
            block = operand[:, number * WIDTH : (number + 1) * WIDTH]
            _combine(inputs[i], sign, inputs[j], block)
        np.matmul(operand, weights, out=result)
    first, both, last, swing = products
    both += order.pair_bias
    first += both
    both -= last
    if len(order.pairs) == len(products):
        first += swing
        both -= swing
    return np.maximum(first, 0, out=first), np.maximum(both, 0, out=both)


def _combine(a: np.ndarray, sign: int, b: np.ndarray, out: np.ndarray) -> None:
    if sign:
        (np.add if sign > 0 else np.subtract)(a, b, out=out)
    else:
        out[:] = a


def _normalized_sums(
    layers: Layers, words: Words, line: Line, scratch: Scratch, own: np.ndarray, start: int
) -> tuple[int, np.ndarray]:
    # Layer norm and sum in one: only the sum over a sentence is needed, so every row is weighed as it is added.
    stop = start + len(own)
    features, vectors = scratch.features[: len(own)], scratch.vectors[: len(own)]
    np.take(words.vectors, own, axis=0, out=vectors, mode="clip")
    mean = (words.sums[own] + features.sum(axis=1)) / FEATURES
    squares = (words.squares[own] + np.einsum("ij,ij->i", features, features)) / FEATURES
    weight = 1 / np.sqrt(squares - mean * mean + layers.epsilon)
    shift, weight = weight * mean, weight.astype(np.float32)
    here = slice(np.searchsorted(line.ends, start, "right"), np.searchsorted(line.starts, stop))
    begin = np.maximum(line.starts[here], start) - start
    end = np.maximum(np.minimum(line.starts[here] + line.lengths[here], stop) - start, begin)
    sums = np.empty((len(begin), FEATURES), np.float32)
    for total, a, b in zip(sums, begin.tolist(), end.tolist(), strict=True):
        np.matmul(weight[a:b], vectors[a:b], out=total[:TOKEN])
        np.matmul(weight[a:b], features[a:b], out=total[TOKEN:])
        total -= np.float32(shift[a:b].sum())
    return here.start, sums
