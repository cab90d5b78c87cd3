"""Principal components: three of 200,000 x 512 float32, streamed from disk and in memory, against scikit-learn.

Run it with `python -m benchmarks.output_components`; it takes a minute on two cores. Both find the same three
components, which is checked before anything is timed: the rows are noise around three directions.
"""

from __future__ import annotations

import atexit
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import vecwise as vw
from benchmarks.floors import product
from benchmarks.timing import Contender, Work, alone, run, scaled

DIM = 512
BATCH = 16_384  # rows; took the least processor time of 2,048 to 32,768
FLOOR = "half a matrix product of the rows with themselves, in float32, at the measured rate"
KEPT: list[tempfile.TemporaryDirectory[str]] = []


def rows() -> np.ndarray:
    """Noise and three directions that vary more, with an offset."""
    rng = np.random.default_rng(0)
    count = scaled(200_000)
    values = rng.standard_normal((count, DIM), dtype=np.float32)
    for strength in (6, 4, 3):
        axis = rng.standard_normal(DIM).astype(np.float32)
        values += np.outer(
            rng.standard_normal(count, dtype=np.float32), strength * axis / np.linalg.norm(axis)
        )
    values += 3
    return values


def streamed() -> tuple[Contender, Contender]:
    """A `.npy` file, mapped; each opens it anew."""
    folder = tempfile.TemporaryDirectory()
    KEPT.append(folder)
    atexit.register(folder.cleanup)
    path = Path(folder.name) / "rows.npy"
    if alone():  # the rows are made elsewhere, so that the peak is that of the work
        _in_another_process(path)
    else:
        np.save(path, rows())
    ours, theirs = partial(_ours_from, path), partial(_incremental, path)
    return _same(ours, theirs)


def in_memory() -> tuple[Contender, Contender]:
    """One array that both are given."""
    values = rows()
    return _same(partial(_ours, values), partial(_theirs, values))


def _in_another_process(path: Path) -> None:
    import subprocess
    import sys

    code = (
        "import sys, numpy as np; from benchmarks.output_components import rows; np.save(sys.argv[1], rows())"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], check=True)


def _ours_from(path: Path) -> np.ndarray:
    return _ours(np.load(path, mmap_mode="r"))


def _ours(values: np.ndarray) -> np.ndarray:
    return vw.pca(vw.Vectors(values), k=3).components


def _incremental(path: Path) -> np.ndarray:
    from sklearn.decomposition import IncrementalPCA

    values, model = np.load(path, mmap_mode="r"), IncrementalPCA(3)
    for start in range(0, len(values), BATCH):
        model.partial_fit(values[start : start + BATCH])
    return np.asarray(model.components_)


def _theirs(values: np.ndarray) -> np.ndarray:
    from sklearn.decomposition import PCA

    return np.asarray(PCA(3, svd_solver="covariance_eigh").fit(values).components_)


def _same(ours: Any, theirs: Any) -> tuple[Contender, Contender]:
    if not alone():
        together = np.abs(np.sum(ours() * theirs(), axis=1))
        assert together.min() > 0.999, together
    return ours, theirs


WORKS = [
    Work(
        "3 components of 200,000 x 512, streamed",
        "scikit-learn IncrementalPCA, batches of 16,384",
        streamed,
        FLOOR,
        2,
        "10",
        lambda: product(scaled(200_000), DIM, DIM) / 2,
    ),
    Work(
        "3 components of 200,000 x 512, in memory",
        "scikit-learn PCA, covariance_eigh",
        in_memory,
        FLOOR,
        7,
        "1",
        lambda: product(scaled(200_000), DIM, DIM) / 2,
    ),
]

if __name__ == "__main__":
    run(WORKS, ["vecwise", "numpy", "scipy", "scikit-learn"])
