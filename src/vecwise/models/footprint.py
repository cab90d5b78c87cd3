"""What encoders and vectors weigh: bytes of vectors in memory, and of an encoder on disk with its weights.

This module must not know how encoders are judged.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vecwise.encoders.registry import to_data
from vecwise.encoders.sentence import SentenceMap
from vecwise.errors import NotSavable
from vecwise.kernels.sentence_weights import weights_paths
from vecwise.store import encoder_folders
from vecwise.vectors import Vectors
from vecwise.verbs import Chain


def vector_bytes(X: Vectors) -> int:
    """Give the bytes of the numbers; of sparse vectors also of their places.

    >>> vector_bytes(Vectors([[1.0, 2.0]]))
    16
    """
    values = X.values
    if X.is_sparse:
        return int(values.data.nbytes + values.indices.nbytes + values.indptr.nbytes)
    return int(values.size * values.dtype.itemsize)


def encoder_bytes(fitted: Any) -> int | None:
    """Give the bytes of a fitted map as it is saved, with the weights it needs; `None` where it cannot be saved."""
    try:
        data = to_data(fitted)
    except NotSavable:
        return None
    with tempfile.TemporaryDirectory() as folder:
        saved = Path(folder) / "encoder"
        encoder_folders.save(data, saved)
        own = _size(saved)
    return own + sum(_size(path) for path in set(_weights(fitted)))


def _weights(fitted: Any) -> Iterator[Path]:
    """Files that a map needs and that are not saved with it."""
    for step in fitted.maps if isinstance(fitted, Chain) else [fitted]:
        if isinstance(step, SentenceMap):
            yield from weights_paths()
        model = getattr(step, "model", None)
        if isinstance(model, str) and Path(model).exists():
            yield Path(model)


def _size(path: Path) -> int:
    if path.is_dir():
        return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    return path.stat().st_size
