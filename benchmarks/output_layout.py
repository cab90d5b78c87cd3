"""The first picture of vectors, as whole processes: `vecwise map` against scikit-learn's PCA drawn by plotly.

Run it with `python -m benchmarks.output_layout`; it takes a minute on two cores. Both read the same file and write a page
with 25,000 of its points in three dimensions, whose coordinates are compared before anything is timed. Ours also
measures how faithful the picture is, which the peer does not.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from benchmarks.floors import reading
from benchmarks.timing import Contender, Work, alone, run, scaled

ROWS, DIM = scaled(100_000), 512
FOLDER = Path(tempfile.gettempdir()) / "vecwise-benchmark-layout"
PEER = """
import sys
import numpy as np
import plotly.graph_objects as go
from sklearn.decomposition import PCA

X = np.load(sys.argv[1])
points = PCA(3, svd_solver="covariance_eigh").fit_transform(X)
if sys.argv[3:]:
    np.save(sys.argv[3], points)
keep = np.sort(np.random.default_rng(0).choice(len(X), min(len(X), 25_000), replace=False))
x, y, z = points[keep].T
go.Figure(go.Scatter3d(x=x, y=y, z=z, mode="markers", marker={"size": 2})).write_html(sys.argv[2])
"""


def call(*words: object) -> None:
    subprocess.run([sys.executable, *map(str, words)], check=True, capture_output=True)


def first_picture() -> tuple[Contender, Contender]:
    """A file of vectors in forty clusters, and both ways from it to a page."""
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / f"{ROWS}.npy"
    if not path.exists():
        random = np.random.default_rng(0)
        centers = random.standard_normal((40, DIM)).astype(np.float32)
        noise = random.standard_normal((ROWS, DIM)).astype(np.float32)
        np.save(path, centers[random.integers(0, 40, ROWS)] + noise)
    ours = partial(call, "-m", "vecwise", "map", path, "--method", "pca", "-o", FOLDER / "ours.html")
    theirs = partial(call, "-c", PEER, path, FOLDER / "theirs.html")
    if not alone():
        ours("--parquet", FOLDER / "ours.parquet")
        theirs(FOLDER / "theirs.npy")
        table = pq.read_table(FOLDER / "ours.parquet", columns=["x", "y", "z"])
        mine, other = np.stack(table.columns, axis=1), np.load(FOLDER / "theirs.npy")
        np.testing.assert_allclose(np.abs(mine), np.abs(other), atol=2e-3)
    return ours, theirs


WORKS = [
    Work(
        f"first picture (PCA) of {ROWS:,} x {DIM}",
        "scikit-learn PCA, plotly write_html",
        first_picture,
        "the file is read once from memory",
        3,
        "< 3 s",
        lambda: reading(4 * ROWS * DIM),
    )
]

if __name__ == "__main__":
    run(WORKS, ["vecwise", "numpy", "scipy", "scikit-learn", "plotly", "pyarrow"])
