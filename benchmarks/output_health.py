"""Health of a million rows from disk, against reading the file once and against what NumPy and pandas take for part of it.

Run it with `python -m benchmarks.output_health`; it writes 1.5 GB into the folder of temporary files and takes half a
minute on two cores. The floor is measured here: the mapped file summed once by all cores, its pages in memory before.
The peak is that of the whole process, mapped pages included.
"""

from __future__ import annotations

import atexit
import mmap
import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

import vecwise as vw
from benchmarks.timing import Work, alone, cores, run, scaled, seconds
from vecwise.workbench import health_of

DIM, PIECE = 384, 8_192
KEPT = "VECWISE_BENCH_HEALTH"  # the file of the first process, which those that measure peaks read again


def rows() -> int:
    return scaled(1_000_000)


@cache
def file() -> Path:
    """The file of vectors: normal numbers, made once."""
    path = Path(os.environ.get(KEPT) or tempfile.mkstemp(suffix=".npy")[1])
    if KEPT not in os.environ:
        os.environ[KEPT] = str(path)
        atexit.register(path.unlink)
        rng = np.random.default_rng(0)
        made = np.lib.format.open_memmap(path, "w+", np.float32, (rows(), DIM))
        for start in range(0, rows(), 50_000):
            made[start : start + 50_000] = rng.standard_normal((min(50_000, rows() - start), DIM), np.float32)
        made.flush()
    return path


def read_once() -> None:
    """Sum the mapped file, its pages leaving memory behind the reader, on all cores."""
    mapped = np.load(file(), mmap_mode="r")

    def piece(start: int) -> None:
        part = mapped[start : start + PIECE]
        np.add.reduce(part.reshape(-1).view(np.int64))
        begin = mapped.offset + start * DIM * 4
        first, last = (
            -(-begin // mmap.PAGESIZE) * mmap.PAGESIZE,
            (begin + part.nbytes) // mmap.PAGESIZE * mmap.PAGESIZE,
        )
        mapped._mmap.madvise(mmap.MADV_DONTNEED, first, last - first)  # type: ignore[attr-defined]

    with ThreadPoolExecutor(cores()) as pool:
        list(pool.map(piece, range(0, rows(), PIECE)))


@cache
def reading_floor() -> float:
    return median([seconds(read_once) for _ in range(8)][1:])


def plain() -> tuple[Any, ...]:
    """A part of the same by NumPy and pandas: finite, norms, spread of dimensions, repeated rows."""
    import pandas as pd

    values = np.load(file(), mmap_mode="r")
    l1, l2 = np.abs(values).sum(axis=1, dtype=np.float64), np.linalg.norm(values, axis=1)
    edges = values.min(axis=0), values.max(axis=0), values.std(axis=0, dtype=np.float64)
    raw = pd.Series([row.tobytes() for row in values])
    return bool(np.isfinite(values).all()), l1, l2, edges, int(raw.duplicated().sum())


def from_array() -> tuple[Any, Any]:
    values = np.load(file(), mmap_mode="r")
    if not alone():
        found, (finite, l1, l2, edges, repeats) = vw.health(values), plain()
        assert (found.nonfinite_rows == 0, found.duplicates) == (finite, repeats)
        np.testing.assert_allclose(found.l1, l1, rtol=1e-12)
        np.testing.assert_allclose(found.l2, l2, rtol=1e-5)  # NumPy sums float32 in float32
        assert np.isclose(found.spread.max, edges[2].max(), rtol=1e-9)
    return partial(vw.health, values), plain


def against_reading() -> tuple[Any, Any]:
    return partial(vw.health, np.load(file(), mmap_mode="r")), read_once


def as_command() -> tuple[Any, Any]:
    health_of(str(file()))
    return partial(health_of, str(file())), read_once


WORDS = "the mapped file summed once by all cores, its pages leaving behind the reader"
WORKS = [
    Work("health, 1M x 384 from disk", "reading it once", against_reading, WORDS, 9, "0.25", reading_floor),
    Work(
        "health of a file, as the command has it",
        "reading it once",
        as_command,
        WORDS,
        5,
        "0.25",
        reading_floor,
    ),
    Work(
        "health, 1M x 384, a part of it by hand", "NumPy and pandas", from_array, WORDS, 1, "", reading_floor
    ),
]

if __name__ == "__main__":
    run(WORKS, ["vecwise", "numpy", "pandas"])
