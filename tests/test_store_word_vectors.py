from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vecwise.encoders.word_vectors import word_vectors_of
from vecwise.errors import (
    BadRow,
    Damaged,
    DuplicateName,
    EmptyInput,
    EmptyVocabulary,
    FileMissing,
    NonFinite,
    UnknownFormat,
    Unreadable,
    VecwiseError,
    WrongEncoding,
    WrongShape,
    WrongType,
)
from vecwise.kernels.subwords import gram_buckets
from vecwise.store.word_vector_files import read_word_vectors

WORDS = ["the", "sea", "café", "日本", "x;y", '"quoted"', "don't", "1812"]
NUMBERS = np.random.default_rng(0).standard_normal((len(WORDS), 5)).astype(np.float32)


def text_of(words=WORDS, matrix=NUMBERS, *, header=False, mark=" ", trailing=False, end="\n") -> bytes:
    lines = [f"{len(words)}{mark}{matrix.shape[1]}"] if header else []
    for word, row in zip(words, matrix, strict=True):
        lines.append(mark.join([word, *(repr(float(x)) for x in row)]) + (mark if trailing else ""))
    return (end.join(lines) + end).encode()


def binary_of(words=WORDS, matrix=NUMBERS, *, feed=b"\n") -> bytes:
    rows = [
        w.encode() + b" " + row.astype("<f4").tobytes() + feed for w, row in zip(words, matrix, strict=True)
    ]
    return f"{len(words)} {matrix.shape[1]}\n".encode() + b"".join(rows)


def fasttext_of(words, own, buckets, shortest, longest, *, version=12, quantized=0, labels=()) -> bytes:
    settings = [own.shape[1], 5, 5, 1, 5, 1, 2, 2, len(buckets), shortest, longest, 100]
    made = struct.pack("<2i", 793712314, version) + struct.pack("<12id", *settings, 1e-4)
    made += struct.pack("<3i2q", len(words) + len(labels), len(words), len(labels), 99, -1)
    for kind, names in ((0, words), (1, labels)):
        for word in names:
            made += word.encode() + b"\0" + struct.pack("<qb", 7, kind)
    matrix = np.vstack([own, buckets]).astype("<f4")
    return (
        made + struct.pack("<bqq", quantized, *matrix.shape) + matrix.tobytes() + struct.pack("<bqq", 0, 0, 0)
    )


def written(tmp_path, raw: bytes, name="vectors.txt"):
    path = tmp_path / name
    path.write_bytes(raw)
    return path


# ---- what is read ----


@pytest.mark.parametrize(
    "raw",
    [
        text_of(),
        text_of()[:-1],
        text_of(header=True),
        text_of(header=True, trailing=True),
        text_of(trailing=True),
        text_of(mark="\t"),
        text_of(end="\r\n"),
        text_of(header=True, end="\r\n"),
        binary_of(),
        binary_of(feed=b""),
    ],
    ids=["glove", "no last line feed", "word2vec", "fasttext", "trailing", "tabs", "windows", "word2vec windows",
         "binary", "binary without line feeds"],
)  # fmt: skip
@pytest.mark.parametrize("name", ["vectors.txt", "vectors.bin", "vectors"])
def test_formats_are_told_by_their_content(tmp_path, raw, name) -> None:
    made = read_word_vectors(written(tmp_path, raw, name))
    assert list(made.words) == WORDS
    assert np.array_equal(made.matrix, NUMBERS)
    assert made.subwords is None


def test_one_dimension_and_many_blocks(tmp_path) -> None:
    matrix = np.random.default_rng(1).standard_normal((60_000, 9)).astype(np.float32)
    words = [f"w{i}" for i in range(60_000)]
    made = read_word_vectors(written(tmp_path, text_of(words, matrix)))
    assert np.array_equal(made.matrix, matrix)
    assert read_word_vectors(written(tmp_path, b"sea 1\nsky 2\n")).matrix.tolist() == [[1], [2]]


def test_fasttext_models_are_read_with_their_subwords(tmp_path) -> None:
    rng = np.random.default_rng(2)
    words, labels = ["</s>", "sea", "café"], ["__label__a"]
    own, buckets = rng.standard_normal((3, 4)), rng.standard_normal((50, 4))
    raw = fasttext_of(words, own, buckets, 3, 4, labels=labels)
    made = read_word_vectors(written(tmp_path, raw, "model.bin"))
    assert list(made.words) == words
    for word, vector, mine in zip(words, made.matrix, own, strict=True):
        parts = [] if word == "</s>" else [buckets[slow_hash(gram) % 50] for gram in slow_grams(word, 3, 4)]
        assert np.allclose(vector, np.mean([mine, *parts], axis=0), atol=1e-6)
    assert made.subwords is not None
    vectors, found = made.subwords.means(["seaside", ""])
    assert found.tolist() == [True, False]
    wanted = np.mean([buckets[slow_hash(gram) % 50] for gram in slow_grams("seaside", 3, 4)], axis=0)
    assert np.allclose(vectors[0], wanted, atol=1e-6)
    plain = read_word_vectors(written(tmp_path, fasttext_of(words, own, buckets[:0], 0, 0), "model.bin"))
    assert plain.subwords is None
    assert np.allclose(plain.matrix, own, atol=1e-6)


def slow_grams(word: str, shortest: int, longest: int) -> list[str]:
    framed = f"<{word}>"
    found = []
    for i in range(len(framed)):
        for n in range(shortest, longest + 1):
            gram = framed[i : i + n]
            if len(gram) == n and not (n == 1 and (i == 0 or i + n == len(framed))):
                found.append(gram)
    return found


def slow_hash(gram: str) -> int:
    """FNV-1a over signed bytes, as the reference has it."""
    mark = 2166136261
    for byte in gram.encode():
        signed = byte - 256 if byte > 127 else byte
        mark = ((mark ^ (signed % 2**32)) * 16777619) % 2**32
    return mark


@given(
    st.lists(st.text(st.characters(codec="utf-8"), max_size=8), min_size=1, max_size=6),
    st.integers(1, 4),
    st.integers(0, 3),
)
def test_grams_are_those_of_a_plain_loop(words, shortest, more) -> None:
    owners, buckets = gram_buckets(words, shortest, shortest + more, 1000)
    made = sorted(zip(owners.tolist(), buckets.tolist(), strict=True))
    wanted = [
        (i, slow_hash(g) % 1000)
        for i, w in enumerate(words)
        for g in slow_grams(w, shortest, shortest + more)
    ]
    assert made == sorted(wanted)


@pytest.mark.parametrize("name", ["lee_fasttext_new.bin", "crime-and-punishment.bin", "toy-model.bin"])
def test_fasttext_models_agree_with_gensim(name) -> None:
    fasttext = pytest.importorskip("gensim.models.fasttext")
    from gensim.test.utils import datapath

    theirs, mine = fasttext.load_facebook_model(datapath(name)).wv, read_word_vectors(datapath(name))
    assert list(mine.words) == theirs.index_to_key
    words = [word for word in mine.words if word != "</s>"]
    rows = [list(mine.words).index(word) for word in words]
    assert np.allclose(mine.matrix[rows], [theirs[word] for word in words], atol=1e-6)
    unknown = [word for word in ("zzqx", "señorita", "日本語", "rejections") if word not in set(mine.words)]
    assert mine.subwords is not None
    assert np.allclose(mine.subwords.means(unknown)[0], [theirs[word] for word in unknown], atol=1e-6)


@pytest.mark.parametrize("name", ["crime-and-punishment", "toy-model"])
def test_fasttext_models_agree_with_the_text_that_fasttext_wrote(name) -> None:
    datapath = pytest.importorskip("gensim.test.utils").datapath
    binary, text = read_word_vectors(datapath(f"{name}.bin")), read_word_vectors(datapath(f"{name}.vec"))
    rows = [list(binary.words).index(word) for word in text.words]
    assert "</s>" in text.words or name == "toy-model"
    assert np.allclose(binary.matrix[rows], text.matrix, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("name", "binary"), [("euclidean_vectors.bin", True), ("lee_fasttext.vec", False)])
def test_word2vec_files_agree_with_gensim(name, binary) -> None:
    models = pytest.importorskip("gensim.models")
    from gensim.test.utils import datapath

    theirs = models.KeyedVectors.load_word2vec_format(datapath(name), binary=binary)
    mine = read_word_vectors(datapath(name))
    assert list(mine.words) == theirs.index_to_key
    assert np.array_equal(mine.matrix, theirs.vectors)


# ---- what is refused ----


@pytest.mark.parametrize(
    ("raw", "error", "words"),
    [
        (b"", EmptyInput, "empty"),
        (b"0 5\n", EmptyInput, "nothing to read"),
        (b"sea 1 2\nsky 1\n", BadRow, "Line 2 .* has 1 number after its word, and 2"),
        (b"sea 1 2\nsky 1 2 3\n", BadRow, "Line 2"),
        (b"sea 1 2\n\nsky 1 2\n", BadRow, "Line 2"),
        (b"sea 1 2\nsky 1 two\n", BadRow, "`?'two'"),
        (b"sea 1 2\nsky 1 \n", BadRow, "Line 2"),
        (b"sea 1 2 \nsky 1  \n", BadRow, "Line 2"),
        (b"sea 1 2\n 1 2\n", BadRow, "no word"),
        (b"sea\nsky\n", BadRow, "a word and its numbers"),
        (b"sea 1 2\nsea 3 4\n", DuplicateName, "`sea`"),
        (b"sea 1 2\nsky nan 4\n", NonFinite, "`sky`"),
        (b"sea 1 2\nsky 1e60 4\n", NonFinite, "`sky`"),
        (b"sea 1 2\nsk\xff 3 4\n", WrongEncoding, "Line 2"),
        (text_of(header=True).replace(b"8 5", b"9 5"), Damaged, "claims 9 words"),
        (text_of(header=True).replace(b"8 5", b"7 5"), Damaged, "claims 7 words"),
        (text_of(header=True).replace(b"8 5", b"8 6"), BadRow, "and 6 were expected"),
        (text_of(header=True).replace(b"8 5", b"999999999 5"), Damaged, "claims 999,999,999"),
        (binary_of().replace(b"8 5", b"99999999999 300"), Damaged, "claims 99,999,999,999"),
        (binary_of()[:-30], Damaged, "cut off"),
        (binary_of() + b"more", Damaged, "follow"),
        (binary_of(["a b"], NUMBERS[:1]), Damaged, "damaged"),
        (binary_of(["sea", "sea"], NUMBERS[:2]), DuplicateName, "`sea`"),
        (binary_of(["sea"], np.full((1, 5), np.inf)), NonFinite, "`sea`"),
        (binary_of().replace(b"sea", b"s\xff\xff"), WrongEncoding, "Word 2"),
        (b"\x00\x01\x02" * 50, UnknownFormat, "binary"),
        (b"\x80\x04\x95" + b"\0" * 50, UnknownFormat, "binary"),
    ],
)
def test_faults_are_named(tmp_path, raw, error, words) -> None:
    with pytest.raises(error, match=words):
        read_word_vectors(written(tmp_path, raw))


def test_every_cut_of_a_fasttext_model_is_refused(tmp_path) -> None:
    raw = fasttext_of(["sea", "café"], NUMBERS[:2], NUMBERS, 3, 4)[:-17]
    for stop in [*range(4, len(raw), 7), len(raw) - 1]:
        with pytest.raises(VecwiseError):
            read_word_vectors(written(tmp_path, raw[:stop], "cut.bin"))


def test_fasttext_claims_are_held_against_the_file(tmp_path) -> None:
    raw = fasttext_of(["sea"], NUMBERS[:1], NUMBERS, 3, 4)
    huge = raw.replace(struct.pack("<bqq", 0, 9, 5), struct.pack("<bqq", 0, 10**12 + 1, 5))
    for broken, error in [
        (huge, Damaged),
        (fasttext_of(["sea"], NUMBERS[:1], NUMBERS, 3, 4, quantized=1), WrongType),
        (fasttext_of(["sea"], NUMBERS[:1], NUMBERS, 3, 4, version=10), WrongType),
        (raw.replace(b"sea\0", b"s\xffa\0"), WrongEncoding),
        (fasttext_of(["sea", "sea"], NUMBERS[:2], NUMBERS, 3, 4), DuplicateName),
    ]:
        with pytest.raises(error):
            read_word_vectors(written(tmp_path, broken, "model.bin"))


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_unforeseen(raw) -> None:
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        for start in (b"", b"3 2\n", (793712314).to_bytes(4, "little"), b"sea 1 2\n"):
            path = Path(folder, "any.bin")
            path.write_bytes(start + raw)
            try:
                made = read_word_vectors(path)
            except VecwiseError:
                continue
            assert np.isfinite(made.matrix).all()
            assert len(made.words) == len(made.matrix)


def test_paths_that_lead_nowhere(tmp_path) -> None:
    with pytest.raises(FileMissing):
        read_word_vectors(tmp_path / "none.txt")
    with pytest.raises(Unreadable):
        read_word_vectors(tmp_path)


# ---- from memory, and a matrix with words beside it ----


class Model:
    index_to_key = WORDS
    vectors = NUMBERS


def test_vectors_come_from_many_places(tmp_path) -> None:
    from safetensors.numpy import save_file

    np.save(tmp_path / "a.npy", NUMBERS)
    (tmp_path / "a.txt").write_text("\n".join(WORDS) + "\n", encoding="utf-8")
    save_file({"embedding": NUMBERS, "scale": np.ones(3)}, tmp_path / "b.safetensors")
    (tmp_path / "b.json").write_text('{"' + '", "'.join(w.replace('"', '\\"') for w in WORDS) + '"}', "utf-8")
    import json

    (tmp_path / "b.json").write_text(json.dumps({w: i for i, w in enumerate(WORDS)}), "utf-8")
    (tmp_path / "c.txt").write_bytes(text_of())
    for given_vectors in (
        dict(zip(WORDS, NUMBERS.tolist(), strict=True)),
        (WORDS, NUMBERS),
        (WORDS, NUMBERS.astype(np.float64)),
        Model(),
        tmp_path / "a.npy",
        tmp_path / "b.safetensors",
        str(tmp_path / "c.txt"),
        (tmp_path / "b.json", tmp_path / "a.npy"),
        (WORDS, tmp_path / "b.safetensors"),
    ):
        made = word_vectors_of(given_vectors)
        assert list(made.words) == WORDS
        assert np.array_equal(made.matrix, NUMBERS)


@pytest.mark.parametrize(
    ("given_vectors", "error"),
    [
        (7, WrongType),
        ({}, EmptyVocabulary),
        ({"sea": [1, 2], "sky": [1]}, WrongShape),
        ({"sea": 1.0}, WrongShape),
        ({"sea": ["one"]}, WrongShape),
        ({3: [1.0]}, WrongType),
        ((["sea"], np.eye(2)), WrongShape),
        ((["sea", "sea"], np.eye(2)), DuplicateName),
        ((["sea", "sky"], [[1.0], [1e39]]), NonFinite),
        ({"sea": [float("nan")]}, NonFinite),
    ],
)
def test_what_is_no_word_vectors_is_refused(given_vectors, error) -> None:
    with pytest.raises(error):
        word_vectors_of(given_vectors)


@pytest.mark.parametrize(
    ("name", "words", "error"),
    [
        ("a.txt", "sea\n", WrongShape),
        ("a.json", '{"sea": 0, "sky": 2}', BadRow),
        ("a.json", '{"sea": 0, "sky": true}', BadRow),
        ("a.json", '["sea", 3]', BadRow),
        ("a.json", "[", BadRow),
        ("none.txt", "", FileMissing),
    ],
)
def test_words_beside_a_matrix_must_fit_it(tmp_path, name, words, error) -> None:
    np.save(tmp_path / "a.npy", np.eye(2))
    (tmp_path / name).write_text(words, encoding="utf-8")
    with pytest.raises(error):
        word_vectors_of(tmp_path / "a.npy")


def test_a_broken_safetensors_file_is_damaged(tmp_path) -> None:
    path = written(tmp_path, b"\xff" * 40, "m.safetensors")
    with pytest.raises(Damaged):
        word_vectors_of((["sea"], path))
