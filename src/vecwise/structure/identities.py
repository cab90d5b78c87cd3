"""Which vectors something was made of: told by their axes, ids and numbers.

This module must not know what was made of them.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any, Final

import numpy as np

from vecwise.errors import SpaceMismatch
from vecwise.kernels.mapped import passed
from vecwise.space import OWN
from vecwise.vectors import Vectors, as_vectors

_BLOCK: Final = 1 << 22  # bytes hashed at a time


def identity(X: Vectors) -> dict[str, str]:
    """Give what must be the same: the axes, the ids, the numbers."""
    ids = hashlib.sha256("\0".join(map(str, X.ids.tolist())).encode("utf-8", "surrogatepass"))
    return {"frame": X.space.frame, "ids": ids.hexdigest(), "numbers": _numbers(X)}


def first_difference(told: dict[str, Any], X: Vectors) -> str | None:
    """Name the first part of an identity that these vectors do not have."""
    return next((name for name, value in identity(X).items() if told[name] != value), None)


def same_vectors(X: Any, told: dict[str, Any], what: str, again: str) -> Vectors:
    """Give the vectors that something was made of; raises `SpaceMismatch` with the remedy for others.

    A bare array has no axes of its own: it takes those it had then, if they were no encoder's. `what` is the thing, and
    where it lies, `again` how it is made anew.
    """
    made = as_vectors(X)
    if not isinstance(X, Vectors) and told["frame"].startswith(OWN):
        space = replace(made.space, frame=told["frame"])
        made = Vectors._trusted(made.values, made.ids, made.rows, space, made.encoder, made.note)
    other = first_difference(told, made)
    if other is None:
        return made
    remedy = f"Give the vectors that it was made of, or make it anew: {again}."
    if other == "frame":
        remedy = (
            "Their axes are other ones, so give the vectors that it was made of, as vw.save and vw.open keep them"
            + (
                ", or, if it was made of a bare array, that array itself"
                if told["frame"].startswith(OWN)
                else ""
            )
            + f"; or make it anew: {again}."
        )
    verb = "frames" if other == "frame" else other
    raise SpaceMismatch(f"{what} is of other vectors: the {verb} differ. {remedy}")


def _numbers(X: Vectors) -> str:
    digest = hashlib.sha256(f"{X.dtype} {X.shape}".encode())
    parts = (X.values.data, X.values.indices, X.values.indptr) if X.is_sparse else (X.values,)
    for part in parts:
        size = max(1, _BLOCK // max(1, part[:1].nbytes))
        for start in passed(part, range(0, len(part), size)):
            digest.update(np.ascontiguousarray(part[start : start + size]).data)
    return digest.hexdigest()
