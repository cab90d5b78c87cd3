"""What follows the pooling: dense layers and unit length.

This module must not know files, models, nor any vecwise type beyond errors.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from vecwise.errors import Damaged, WrongShape
from vecwise.kernels.norms import scale_rows


def _gelu(x: np.ndarray) -> Any:
    from scipy.special import erf

    return 0.5 * x * (1 + erf(x / np.sqrt(np.float32(2))))


_ACTIVATIONS: Final[dict[str, Callable[[np.ndarray], Any]]] = {
    "Identity": lambda x: x,
    "Tanh": np.tanh,
    "ReLU": lambda x: np.maximum(x, 0),
    "Sigmoid": lambda x: 1 / (1 + np.exp(-np.clip(x, -80, 80))),
    "GELU": _gelu,
}


class Head:
    """Dense layers (their arrays, the name of an activation) and `None` for unit length, in order."""

    def __init__(
        self, steps: Sequence[tuple[dict[str, np.ndarray], str] | None], width: int, name: str
    ) -> None:
        self._steps: list[Callable[[np.ndarray], np.ndarray]] = []
        self.dim = width
        for step in steps:
            self._steps.append(_unit if step is None else self._dense(*step, name))

    def __call__(self, vectors: np.ndarray) -> np.ndarray:
        """Give the float32 vectors `(rows, dim)` that come out; the input is left as it is."""
        made = vectors.astype(np.float32)
        for step in self._steps:
            made = step(made)
        return made

    def _dense(
        self, arrays: dict[str, np.ndarray], activation: str, name: str
    ) -> Callable[[np.ndarray], np.ndarray]:
        if "linear.weight" not in arrays:
            raise Damaged(f"A Dense module of `{name}` has no `linear.weight`.")
        weight = arrays["linear.weight"].astype(np.float32)
        bias = np.asarray(arrays.get("linear.bias", np.zeros(len(weight))), np.float32)
        if weight.shape != (len(bias), self.dim):
            raise WrongShape(
                f"A Dense module of `{name}` has the shape {weight.shape} for {self.dim} numbers."
            )
        self.dim = len(weight)
        act = _ACTIVATIONS[activation]
        return lambda x: np.asarray(act(x @ weight.T + bias), np.float32)


def _unit(vectors: np.ndarray) -> np.ndarray:
    return np.asarray(scale_rows(vectors, 2))
