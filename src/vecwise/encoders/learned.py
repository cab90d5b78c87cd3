"""A learned transformation of vectors: the map, its numbers as plain data, and what it was worth on held-out rows.

This module must not know how it is learned.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, Self

import numpy as np

from vecwise.errors import NonFinite
from vecwise.kernels.projection import by_slabs, projected
from vecwise.space import Space, mint_frame
from vecwise.vectors import Vectors
from vecwise.verbs import chain

LINEAR: Final = ("mean", "weights")
NETWORK: Final = ("hidden", "bias", "out")


@dataclass(frozen=True, slots=True, eq=False)
class Learned:
    """A `Map` that was learned so that rows judged similar come closer; compare its vectors by cosine.

    It gives `(X - mean) @ weights`, and for `kind="network"` adds `tanh((X - mean) @ hidden + bias) @ out`.

    `before` and `after` are retrieval on rows that were held out: `mrr` (mean reciprocal rank of the partner, or of the
    first row of the same label), `recall@1`, `recall@10`, and with labels `precision@10`: the share of the 10 nearest,
    or of as many as there are, that have the same label. `gain` is the difference in `mrr`, with labels that in
    `precision@10`, with its 95% interval, from drawing the held-out rows again; `improved` whether all of it lies above
    zero; `words` says it in a sentence.
    """

    arrays: dict[str, np.ndarray] = field(repr=False)
    source: Space
    target: Space
    report: dict[str, Any] = field(repr=False)

    @classmethod
    def of(cls, arrays: dict[str, np.ndarray], source: Space, report: dict[str, Any]) -> Self:
        """Mint the space of what comes out."""
        raw = b"".join(
            name.encode() + np.ascontiguousarray(arrays[name]).tobytes() for name in sorted(arrays)
        )
        frame = mint_frame("learned", source.frame.encode() + raw)
        return cls(arrays, source, Space(arrays["weights"].shape[1], frame, name=f"learned {source.name}".strip()),
                   report)  # fmt: skip

    @property
    def kind(self) -> str:
        """Give "linear" or "network"."""
        return "network" if "out" in self.arrays else "linear"

    @property
    def before(self) -> dict[str, float]:
        """Retrieval among held-out rows by the vectors as they were given."""
        return dict(self.report["before"])

    @property
    def after(self) -> dict[str, float]:
        """Retrieval among held-out rows by the vectors that come out."""
        return dict(self.report["after"])

    @property
    def gain(self) -> tuple[float, float, float]:
        """By how much `mrr` (with labels `precision@10`) grew, and the 95% interval of that."""
        mean, low, high = self.report["gain"]
        return float(mean), float(low), float(high)

    @property
    def improved(self) -> bool:
        """Whether held-out retrieval is clearly better than before."""
        return bool(self.report["improved"])

    @property
    def words(self) -> str:
        """What it was worth, in a sentence."""
        return str(self.report["words"])

    def __call__(self, X: Vectors, /) -> Vectors:
        """Map vectors of the source space, a block at a time, from float64 to their own number type."""
        self.source.must_match(X.space, "map")
        with np.errstate(over="ignore", invalid="ignore"):
            values = by_slabs(X.values, self.target.dim, self._mapped).astype(X.dtype)
        if not np.isfinite(values).all():
            raise NonFinite(
                "What comes out is too large for its number type. Use float64, or scale down first."
            )
        encoder = None if X.encoder is None else chain(X.encoder, self)
        return Vectors._trusted(values, X.ids, X.rows, self.target, encoder=encoder)

    def _mapped(self, values: Any) -> np.ndarray:
        arrays = self.arrays
        made = projected(values, arrays["mean"], np.ascontiguousarray(arrays["weights"].T))
        if "out" not in arrays:
            return made
        hidden = projected(values, arrays["mean"], np.ascontiguousarray(arrays["hidden"].T))
        units = np.tanh(hidden + arrays["bias"])
        nothing = np.zeros(units.shape[1])
        return made + projected(units, nothing, np.ascontiguousarray(arrays["out"].T))

    def transform(self, X: Any) -> Vectors:
        """Map vectors, or an array of the source space, to `(rows, dim)`; raises `SpaceMismatch`, `NonFinite`."""
        return self(X if isinstance(X, Vectors) else Vectors(X, space=self.source.with_claims(())))

    def state(self) -> dict[str, Any]:
        """Plain data and arrays."""
        spaces = {"source": self.source.to_data(), "target": self.target.to_data()}
        return {"arrays": dict(self.arrays), "report": self.report, **spaces}

    @classmethod
    def from_state(cls, state: dict[str, Any], /) -> Self:
        """Build the same map again."""
        names = [*LINEAR, *(NETWORK if "out" in state["arrays"] else ())]
        arrays = {name: np.array(state["arrays"][name], np.float64) for name in names}
        spaces = {name: Space.from_data(state[name]) for name in ("source", "target")}
        return cls(arrays, spaces["source"], spaces["target"], dict(state["report"]))

    def __repr__(self) -> str:
        return f"Learned({self.kind}: {self.source.dim:,} → {self.target.dim:,} dimensions). {self.words}"
