"""Which vectors something was made of: told by their axes, ids and numbers.

This module must not know what was made of them.
"""

from __future__ import annotations

import hashlib
from typing import Any, Final

import numpy as np

from vecwise.kernels.mapped import passed
from vecwise.vectors import Vectors

_BLOCK: Final = 1 << 22  # bytes hashed at a time


def identity(X: Vectors) -> dict[str, str]:
    """Give what must be the same: the axes, the ids, the numbers."""
    ids = hashlib.sha256("\0".join(map(str, X.ids.tolist())).encode("utf-8", "surrogatepass"))
    return {"frame": X.space.frame, "ids": ids.hexdigest(), "numbers": _numbers(X)}


def first_difference(told: dict[str, Any], X: Vectors) -> str | None:
    """Name the first part of an identity that these vectors do not have."""
    return next((name for name, value in identity(X).items() if told[name] != value), None)


def _numbers(X: Vectors) -> str:
    digest = hashlib.sha256(f"{X.dtype} {X.shape}".encode())
    parts = (X.values.data, X.values.indices, X.values.indptr) if X.is_sparse else (X.values,)
    for part in parts:
        size = max(1, _BLOCK // max(1, part[:1].nbytes))
        for start in passed(part, range(0, len(part), size)):
            digest.update(np.ascontiguousarray(part[start : start + size]).data)
    return digest.hexdigest()
