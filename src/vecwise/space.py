"""What coordinates mean, and which vectors may meet.

This module must not know arrays, files, encoders or engines.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections import Counter
from collections.abc import Callable, Iterable
from copy import copy
from dataclasses import dataclass, field
from typing import Any, Final, Self

from vecwise.errors import DuplicateName, OutOfRange, SpaceMismatch, UnknownName, WrongShape, WrongType, some
from vecwise.table_text import count

CLAIMS: Final = frozenset({"unit", "centered", "non-negative"})
OWN: Final = "own-"  # how frames begin that no encoder minted

# `Space.zero` gives Vectors, which live one floor above: `vecwise.vectors` puts its maker here on import.
_zero_maker: list[Callable[[Space, int], Any]] = []


@dataclass(frozen=True, slots=True)
class Space:
    """The meaning of the coordinates of vectors: how many, which axes, and what is known of the points.

    `frame` is the identity of the axes. It is minted once, when an encoder is fitted or loaded, and
    decides which vectors may meet. `claims` ("unit", "centered", "non-negative") are properties of
    the points; they never decide that.

    >>> from vecwise import Space
    >>> plane = Space(2, features=("bedrooms", "sqft_lot"), name="houses")
    >>> plane
    Space(houses: 2 dimensions)
    >>> plane.same_axes(Space(2))
    False
    """

    dim: int
    frame: str = field(default_factory=lambda: f"{OWN}{uuid.uuid4().hex[:12]}")
    features: tuple[str, ...] | None = None
    claims: frozenset[str] = frozenset()
    name: str = ""

    def __post_init__(self) -> None:
        """Refuse impossible spaces where they are made, so that no later check has to."""
        if not isinstance(self.dim, int) or isinstance(self.dim, bool):
            raise WrongType(f"`dim` is a whole number, not {self.dim!r}.")
        if self.dim < 1:
            raise OutOfRange(f"A space needs at least one dimension; `dim` is {self.dim}.")
        object.__setattr__(self, "claims", frozenset(self.claims))
        if self.features is not None:
            object.__setattr__(self, "features", tuple(map(str, self.features)))
            if len(self.features) != self.dim:
                raise WrongShape(
                    f"`features` has {count(len(self.features), 'name')} for {count(self.dim, 'dimension')}."
                )
            if len(set(self.features)) < self.dim:
                twice = [name for name, times in Counter(self.features).items() if times > 1]
                raise DuplicateName(f"`features` names two dimensions alike: {some(twice)}.")
        if not self.claims <= CLAIMS:
            raise UnknownName(f"Unknown claims {sorted(self.claims - CLAIMS)}; there are {sorted(CLAIMS)}.")

    def same_axes(self, other: Space) -> bool:
        """Tell whether vectors of both spaces may meet: the same frame and dimension, whatever the claims."""
        return (self.dim, self.frame) == (other.dim, other.frame)

    def must_match(self, other: Space, action: str) -> None:
        """Raise `SpaceMismatch`, naming both spaces and the remedy, unless the axes are the same."""
        if not self.same_axes(other):
            raise SpaceMismatch(
                f"Cannot {action} vectors of two spaces: {self.label} and {other.label}. "
                "Encode both sides with one fitted encoder, or, if your own arrays do share their axes, "
                "give the second the first's space: Vectors(array, space=X.space)."
            )

    def with_claims(self, claims: Iterable[str]) -> Space:
        """Give the same space with exactly these claims."""
        wanted = frozenset(claims)
        if wanted == self.claims:
            return self
        if not wanted <= CLAIMS:
            raise UnknownName(f"Unknown claims {sorted(wanted - CLAIMS)}; there are {sorted(CLAIMS)}.")
        made = copy(self)  # not `replace`, which would check a hundred thousand feature names once more
        object.__setattr__(made, "claims", wanted)
        return made

    def to_data(self) -> dict[str, Any]:
        """Give the space as JSON data."""
        features = None if self.features is None else list(self.features)
        claims = sorted(self.claims)
        return {
            "dim": self.dim,
            "frame": self.frame,
            "name": self.name,
            "claims": claims,
            "features": features,
        }

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> Self:
        """Build the space again: the frame travels, it is never minted anew."""
        return cls(**data)

    def zero(self, rows: int = 1) -> Any:
        """Give the zero vector of this space, as `Vectors` of shape `(rows, dim)`.

        >>> import numpy as np, vecwise as vw
        >>> X = vw.Vectors([[3.0, 4.0]])
        >>> np.array_equal((X + X.space.zero()).values, X.values)
        True
        """
        return _zero_maker[0](self, rows)

    @property
    def kind(self) -> str:
        """What made the axes, as the frame tells it: "table", "image", "sentence", "own", …"""
        return self.frame.partition("-")[0]

    def feature_names(self) -> tuple[str, ...]:
        """Give a name for every dimension: the features, or `dim_0`, `dim_1`, …"""
        return self.features or tuple(f"dim_{i}" for i in range(self.dim))

    @property
    def label(self) -> str:
        """The name (or "your own vectors"), the dimension and the frame, for messages."""
        return f"`{self.name or 'your own vectors'}` ({count(self.dim, 'dimension')}, frame {self.frame})"

    def __repr__(self) -> str:
        plural = "s" if self.dim != 1 else ""
        claims = f", {', '.join(sorted(self.claims))}" if self.claims else ""
        return f"Space({self.name or self.frame}: {self.dim:,} dimension{plural}{claims})"


def mint_frame(kind: str, meaning: Any) -> str:
    """Mint the frame of axes from what gives them their meaning: plain JSON data or bytes.

    Called once, where an encoder is fitted or loaded; afterwards the frame travels with the space.
    """
    raw = meaning if isinstance(meaning, bytes) else json.dumps(meaning, sort_keys=True).encode()
    return f"{kind}-{hashlib.sha256(kind.encode() + b'|' + raw).hexdigest()[:16]}"
