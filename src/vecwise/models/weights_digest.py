"""What a fitted model is, as a digest of its numbers: the same weights give the same axes, anywhere.

This module must not know what a model computes.
"""

from __future__ import annotations

import hashlib
from typing import Any, Final

import numpy as np

_DEEP: Final = 12  # objects inside objects


def digest_of(model: Any) -> str:
    """Give a digest of everything a fitted object holds: arrays, numbers, words, and objects of these.

    >>> digest_of({"w": np.eye(2)}) == digest_of({"w": np.eye(2)}), digest_of({"w": np.eye(2)}) == digest_of({})
    (True, False)
    """
    made = hashlib.sha256()
    _add(made, model, 0)
    return made.hexdigest()[:32]


def _add(made: Any, value: Any, depth: int) -> None:
    made.update(type(value).__name__.encode() + b"(")
    if depth > _DEEP:
        return
    if isinstance(value, np.ndarray) and value.dtype != object:
        made.update(f"{value.dtype}{value.shape}".encode() + np.ascontiguousarray(value).tobytes())
    elif value is None or isinstance(value, (bool, int, float, complex, str, bytes, np.generic)):
        made.update(repr(value).encode())
    elif hasattr(value, "tocsr"):
        rows = value.tocsr()
        for part in (rows.data, rows.indices, rows.indptr):
            _add(made, part, depth + 1)
    elif hasattr(value, "detach") and hasattr(value, "cpu"):
        tensor = value.detach().cpu()
        made.update(f"{tensor.dtype}{tuple(tensor.shape)}".encode())
        made.update(tensor.contiguous().flatten().view(_bytes()).numpy().tobytes())
    elif isinstance(value, dict):
        for key, inner in value.items():
            _add(made, key, depth + 1)
            _add(made, inner, depth + 1)
    elif isinstance(value, (list, tuple, np.ndarray)):
        for inner in value:
            _add(made, inner, depth + 1)
    elif isinstance(value, (set, frozenset)):
        made.update(repr(sorted(map(repr, value))).encode())
    elif hasattr(value, "__dict__"):
        _add(made, {k: v for k, v in vars(value).items() if k != "random_state"}, depth + 1)
    made.update(b")")


def _bytes() -> Any:
    import torch

    return torch.uint8
