"""`vw.weights`: a matrix of weights as the map that it is, and what it stretches, squashes and turns.

This module must not know files, nor train anything.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from vecwise.errors import NonFinite, WrongShape, WrongType
from vecwise.kernels.arrays import dense
from vecwise.kernels.neighbourhoods import effective_rank
from vecwise.space import Space, mint_frame
from vecwise.table_text import preview_html, preview_text
from vecwise.vectors import Vectors, as_vectors


@dataclass(frozen=True, slots=True, eq=False)
class Weights:
    """A linear `Map`, `rows @ matrix`: each direction of `inputs` (r, in) becomes that of `outputs`, times its stretch.

    `stretch` (r,) are the singular values, largest first; `variance` (r,), if rows were given, is the share of their
    variance that lies along each input direction, the rest lying where the matrix sends nothing.
    """

    matrix: np.ndarray = field(repr=False)
    stretch: np.ndarray
    inputs: np.ndarray = field(repr=False)
    outputs: np.ndarray = field(repr=False)
    variance: np.ndarray | None
    target: Space

    def __call__(self, X: Any, /) -> Vectors:
        """Map vectors `(rows, in)` to `(rows, out)`; the bias of a layer is not added."""
        given = as_vectors(X)
        if given.space.dim != len(self.matrix):
            raise WrongShape(
                f"These weights take {len(self.matrix):,} numbers a row, not {given.space.dim:,}."
            )
        return Vectors(dense(given.values) @ self.matrix, given.ids, given.rows, self.target)

    @property
    def effective_rank(self) -> float:
        """How many directions are used: exp of the entropy of the singular values (Roy and Vetterli 2007)."""
        return effective_rank(self.stretch) if self.stretch.any() else 0.0

    @property
    def condition(self) -> float:
        """The largest stretch over the least; infinite where a direction is lost."""
        least = float(self.stretch[-1])
        lost = self.stretch[0] * max(self.matrix.shape) * np.finfo(np.float64).eps
        return float("inf") if least <= lost else float(self.stretch[0]) / least

    @property
    def turn(self) -> np.ndarray:
        """By how many degrees each direction is turned on its way, `(r,)`, 0 to 180.

        NaN for a direction that is lost, and where as many numbers do not come out as go in: there is no common space
        then in which a direction could turn. Of equal stretches only their directions together have a meaning.
        """
        if self.matrix.shape[0] != self.matrix.shape[1]:
            return np.full(len(self.stretch), np.nan)
        lost = self.stretch <= self.stretch[0] * len(self.matrix) * np.finfo(np.float64).eps
        both = (self.inputs * self.outputs).sum(axis=1)
        return np.where(lost, np.nan, np.degrees(np.arccos(np.clip(both, -1, 1))))

    def _preview(self) -> tuple[str, list[str], list[list[str]], int]:
        head = f"Weights {self.matrix.shape[0]:,} → {self.matrix.shape[1]:,}: effective rank {self.effective_rank:.1f}"
        head += f", condition {self.condition:.3g}"
        parts = np.full(len(self.stretch), np.nan) if self.variance is None else self.variance
        cells = [[str(i + 1), f"{s:.4g}", "–" if np.isnan(t) else f"{t:.0f}°", "–" if np.isnan(v) else f"{v:.1%}"]
                 for i, (s, t, v) in enumerate(zip(self.stretch[:8], self.turn, parts, strict=False))]  # fmt: skip
        return (
            head,
            ["direction", "stretch", "turned by", "of the variance"],
            cells,
            max(0, len(self.stretch) - 8),
        )

    def __repr__(self) -> str:
        return preview_text(*self._preview())

    def _repr_html_(self) -> str:
        return preview_html(*self._preview())


def weights(layer: Any, rows: Any = None, /) -> Weights:
    """Give the weights of a layer as a map: singular values, effective rank, condition, what each direction carries.

    `layer` is an array `(in, out)`, as scikit-learn's `coefs_` are, or a torch `Linear`, whose weight is turned. `rows`
    `(rows, in)` tell the share of their variance along each direction. Cost: one singular value decomposition.

    Raises `WrongShape`, `WrongType`, `NonFinite`.

    >>> found = weights([[3.0, 0.0], [0.0, 0.5]])
    >>> found.stretch.tolist(), found.condition
    ([3.0, 0.5], 6.0)
    >>> weights([[0.0, 2.0], [-1.0, 0.0]]).turn.round(6).tolist()
    [90.0, 90.0]
    """
    inner = getattr(layer, "weight", None)
    if inner is not None and hasattr(inner, "detach"):
        layer = inner.detach().cpu().double().numpy().T
    elif hasattr(layer, "detach"):
        raise WrongType("Give the layer itself rather than its weight, which torch keeps as (out, in).")
    try:
        matrix = np.array(layer, np.float64)
    except (TypeError, ValueError) as error:
        raise WrongType(f"Weights are a matrix or a linear layer, not {type(layer).__name__}.") from error
    if matrix.ndim != 2 or not matrix.size:
        raise WrongShape(f"Weights are a matrix (in, out); this has the shape {matrix.shape}.")
    if not np.isfinite(matrix).all():
        raise NonFinite("The weights hold NaN or infinity.")
    left, stretch, right = np.linalg.svd(matrix, full_matrices=False)
    space = Space(matrix.shape[1], mint_frame("layer", matrix.tobytes()), name="weights")
    return Weights(matrix, stretch, left.T, right, _variance(rows, left), space)


def _variance(rows: Any, directions: np.ndarray) -> np.ndarray | None:
    if rows is None:
        return None
    X = dense(as_vectors(rows).values)
    if X.shape[1] != len(directions):
        raise WrongShape(f"The rows have {X.shape[1]:,} numbers; these weights take {len(directions):,}.")
    centered = np.asarray(X, np.float64) - X.mean(axis=0)
    size = float(np.abs(centered).max(initial=0.0))
    if not size:
        return np.full(directions.shape[1], np.nan)
    centered = centered / size
    shares: np.ndarray = ((centered @ directions) ** 2).sum(axis=0) / (centered**2).sum()
    return shares
