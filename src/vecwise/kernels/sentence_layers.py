"""The layers of the Universal Sentence Encoder: its weights arranged for use, and the dense layers.

This module must not know files, threads, nor any vecwise type.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

ORDERS = ((2, 0), (3, 1), (5, 2))  # the three n-gram convolutions: taps, and how many of them look left
TOKEN, WIDTH = 512, 256  # numbers of a token's vector; channels of one convolution
FEATURES = TOKEN + len(ORDERS) * WIDTH  # of one position: the token's vector, then the three convolutions

# Two neighbouring outputs of a convolution by minimal filtering, from the inputs d0, d1, ...: of the products
# first, both, last and swing come y0 = first + both + swing and y1 = both - swing - last. A product is a
# list of blocks: the inputs combined (i, sign, j), and the taps its weights add up, with their factors.
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
_FIVE_TAPS: list[_Product] = [  # three taps, and two taps three inputs further on
    [*_THREE_TAPS[0], ((3, -1, 4), {3: 1.0})],
    [*_THREE_TAPS[1], ((4, 0, 4), {3: 1.0, 4: 1.0})],
    [*_THREE_TAPS[2], ((4, -1, 5), {4: 1.0})],
    _THREE_TAPS[3],
]
PRODUCTS = {2: _TWO_TAPS, 3: _THREE_TAPS, 5: _FIVE_TAPS}


@dataclass(frozen=True, slots=True)
class Convolutions:
    """The weights of the two convolutions of one n-gram order, the second one's as its pair products.

    Source of the pair products: Winograd 1980, "Arithmetic Complexity of Computations"; Lavin and Gray 2016,
    arXiv:1509.09308. They multiply 3, 4 and 7 matrices in place of 4, 6 and 10 for 2, 3 and 5 taps.
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
        first, second = (arrays[f"w{layer}_{taps}"].reshape(taps, WIDTH, WIDTH) for layer in (1, 2))
        pairs = tuple(
            np.concatenate([_mixed(second, mix) for _, mix in product]) for product in PRODUCTS[taps]
        )
        return cls(taps, left, first, arrays[f"b1_{taps}"], pairs, arrays[f"b2_{taps}"])


def _mixed(taps: np.ndarray, mix: Mapping[int, float]) -> np.ndarray:
    total = np.zeros(taps.shape[1:], np.float32)
    for tap, factor in mix.items():
        total += np.float32(factor) * taps[tap]
    return total


class Layers:
    """All weights behind the token table, made from the arrays of the weights file."""

    def __init__(self, arrays: Mapping[str, np.ndarray]) -> None:
        self._arrays = arrays
        self._projection, self._projection_bias = self._joined("proj"), self._joined("proj_b")
        self._gain, self._shift = self._joined("ln_g"), self._joined("ln_b")
        self.epsilon = np.float32(arrays["eps"])
        self.orders = [Convolutions.read(arrays, taps, left) for taps, left in ORDERS]

    def _joined(self, name: str) -> np.ndarray:
        return np.concatenate([self._arrays[f"{name}{taps}"] for taps, _ in ORDERS], axis=-1)

    def projected(self, vectors: np.ndarray) -> np.ndarray:
        """Give the input of the three convolutions side by side, `(tokens, 768)`, one layer norm over all."""
        x: np.ndarray = vectors @ self._projection
        x += self._projection_bias
        x -= x.mean(axis=1, keepdims=True)
        x /= np.sqrt(np.einsum("ij,ij->i", x, x) / np.float32(x.shape[1]) + self.epsilon)[:, None]
        x *= self._gain
        x += self._shift
        return x

    def sentence_vectors(self, sums: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        """Give unit vectors `(sentences, 512)`, from the normalized features summed over each sentence."""
        return self._dense(sums, lengths)["sentence"]

    def stages(self, sums: np.ndarray, lengths: np.ndarray) -> dict[str, np.ndarray]:
        """Give what every stage makes of each sentence, in order; the last are the vectors.

        The first two are means over the tokens: of their own vectors, and of the three n-gram convolutions.
        """
        means = sums * self._arrays["ln_g"] / lengths.astype(np.float32)[:, None] + self._arrays["ln_b"]
        averaged = {"token average": means[:, :TOKEN], "n-gram average": means[:, TOKEN:]}
        return averaged | self._dense(sums, lengths)

    def _dense(self, sums: np.ndarray, lengths: np.ndarray) -> dict[str, np.ndarray]:
        w, count = self._arrays, lengths.astype(np.float32)[:, None]
        pooled = (sums * w["ln_g"] + count * w["ln_b"]) @ w["cnn_W"]
        pooled = (pooled + count * w["cnn_b"]) / np.sqrt(count)
        hidden = np.maximum(pooled @ w["d0"], 0)
        skipped = np.maximum(pooled @ w["p1"] + hidden @ w["d1"], 0)
        deep = np.maximum(skipped @ w["d2"], 0)
        vectors: np.ndarray = np.tanh(skipped @ w["p3"] + deep @ w["d3"])
        squares = np.einsum("ij,ij->i", vectors, vectors)
        vectors /= np.sqrt(np.maximum(squares, self.epsilon))[:, None]
        names = ("pooled", "dense 1", "dense 2", "dense 3", "sentence")
        return dict(zip(names, (pooled, hidden, skipped, deep, vectors), strict=True))
