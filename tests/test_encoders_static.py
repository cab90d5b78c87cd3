from __future__ import annotations

import json
import os
import shutil
import sys

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import vecwise as vw
from vecwise.encoders.registry import from_data, to_data
from vecwise.encoders.tokens import Tokenizer, of_words
from vecwise.errors import (
    Damaged,
    EmptyVocabulary,
    FileMissing,
    Inapplicable,
    MissingPackage,
    MissingValue,
    SpaceMismatch,
    UnknownFormat,
    UnknownName,
    WrongShape,
)
from vecwise.kernels.token_sums import SEGMENT, token_means
from vecwise.testing import check_encoder, check_fold

TEXTS = [
    "The sea, the sea and the sky!",
    "",
    "rainbows over unseen seas",
    "Ünïcode and 海 and 😀",
    "[CLS] the [UNK] sea </s>",
    "the sea " * 150,
]
CORPUS = [
    "The sea, the sea and the sky!",
    "rainbows over the seas of grass",
    "a sky of rain and unseen grass",
] * 3


def trained(kind: str):
    """A small tokenizer of each family."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

    special = ["[UNK]", "[CLS]", "</s>"]
    made = {
        "wordpiece": (models.WordPiece(unk_token="[UNK]"), trainers.WordPieceTrainer),
        "bpe": (models.BPE(unk_token="[UNK]"), trainers.BpeTrainer),
        "unigram": (models.Unigram(), trainers.UnigramTrainer),
        "words": (models.WordLevel(unk_token="[UNK]"), trainers.WordLevelTrainer),
    }
    model, trainer = made[kind]
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    extra = {"unk_token": "[UNK]"} if kind == "unigram" else {}
    tokenizer.train_from_iterator(
        CORPUS, trainer(vocab_size=80, special_tokens=special, show_progress=False, **extra)
    )
    return tokenizer


def folder(path, kind="wordpiece", *, dtype=np.float32, quantized=False, normalize=True, dim=12, seed=0):
    """A model2vec folder, written by hand."""
    from safetensors.numpy import save_file

    path.mkdir(exist_ok=True)
    tokenizer, rng = trained(kind), np.random.default_rng(seed)
    size = tokenizer.get_vocab_size()
    rows = size // 2 if quantized else size
    matrix = rng.standard_normal((rows, dim)) * (40 if dtype is np.int8 else 1)
    arrays = {"embeddings": matrix.astype(dtype)}
    if quantized:
        arrays["mapping"] = rng.integers(0, rows, size)
        arrays["weights"] = rng.uniform(0.1, 2, size)
    save_file(arrays, path / "model.safetensors")
    tokenizer.enable_truncation(8)  # both are the folder's business, not of a mean
    tokenizer.enable_padding(length=16)
    tokenizer.save(str(path / "tokenizer.json"))
    (path / "config.json").write_text(json.dumps({"normalize": normalize, "model_type": "model2vec"}))
    return path


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return folder(tmp_path_factory.mktemp("static") / "small")


def test_the_contract(model) -> None:
    check_encoder(vw.StaticEncoder(str(model)), pa.table({"text": TEXTS}), tolerance=0)
    table = pa.table({"text": TEXTS})
    fold = vw.StaticEncoder(model)._fold()
    check_fold(fold, [table.slice(0, 2), table.slice(2, 0), table.slice(2, 1), table.slice(3)])
    assert vw.StaticEncoder(model).is_fitted


@pytest.mark.parametrize("kind", ["wordpiece", "bpe", "unigram", "words"])
@pytest.mark.parametrize("quantized", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.int8])
def test_the_same_vectors_as_model2vec(tmp_path, kind, quantized, dtype) -> None:
    from model2vec import StaticModel

    where = folder(tmp_path / "m", kind, dtype=dtype, quantized=quantized, normalize=kind != "bpe")
    texts = [text for text in TEXTS if "[CLS]" not in text]
    peer = StaticModel.from_pretrained(where, max_length=None, force_download=False)
    truth = peer.encode(texts, use_multiprocessing=False)
    ours = vw.StaticEncoder(where).transform(texts)
    half = dtype is np.float16  # there the peer rounds its means to float16
    assert ours.dtype == np.float32
    assert np.abs(ours - truth.astype(np.float64)).max() <= (2e-3 if half else 2e-6) * max(
        1, np.abs(truth).max()
    )


def test_a_folder_that_the_peer_writes_is_read_as_the_peer_reads_it(tmp_path, model) -> None:
    from model2vec import StaticModel
    from model2vec.persistence import save_pretrained

    peer = StaticModel.from_pretrained(model, force_download=False)
    save_pretrained(tmp_path / "m", peer.embedding, peer.tokenizer, {**peer.config}, create_model_card=False)
    assert np.allclose(
        vw.StaticEncoder(tmp_path / "m").transform(TEXTS[:4]), peer.encode(TEXTS[:4]), atol=2e-6
    )


def test_a_mean_in_float64_is_the_truth(model) -> None:
    from safetensors.numpy import load_file
    from tokenizers import Tokenizer as Whole

    matrix = load_file(model / "model.safetensors")["embeddings"].astype(np.float64)
    tokenizer = Whole.from_file(str(model / "tokenizer.json"))
    tokenizer.no_truncation(), tokenizer.no_padding()
    unknown = tokenizer.token_to_id("[UNK]")
    made = vw.StaticEncoder(model, normalize=False).transform(TEXTS[:4])
    for text, row in zip(TEXTS[:4], made, strict=True):
        ids = [i for i in tokenizer.encode(text, add_special_tokens=False).ids if i != unknown]
        truth = matrix[ids].mean(axis=0) if ids else np.zeros(12)
        assert np.abs(row - truth).max() < 1e-6


words = st.sampled_from(["the", "sea", "sky", "rainbow", "zzz", "Grass", "[CLS]", "é", ""])


@given(rows=st.lists(st.lists(words, max_size=20).map(" ".join), min_size=1, max_size=6))
def test_a_row_has_the_same_bits_anywhere(model, rows) -> None:
    encoder = vw.StaticEncoder(model)
    made = encoder.transform(rows)
    assert made[::-1].tobytes() == encoder.transform(rows[::-1]).tobytes()
    assert made[-1].tobytes() == encoder.transform(rows[-1:])[0].tobytes()
    norms = np.linalg.norm(made, axis=1)
    assert np.all((np.abs(norms - 1) < 1e-6) | (norms == 0))


@given(
    lengths=st.lists(st.integers(0, 3 * SEGMENT), min_size=1, max_size=5),
    weighted=st.booleans(),
    seed=st.integers(0, 9),
)
def test_token_means_against_float64(lengths, weighted, seed) -> None:
    rng = np.random.default_rng(seed)
    table = rng.standard_normal((7, 3)).astype(np.float32)
    ids = rng.integers(0, 7, sum(lengths))
    weights = rng.uniform(size=len(ids)) if weighted else None
    made = token_means(table, ids, np.array(lengths), weights)
    factors = np.ones(len(ids)) if weights is None else weights
    parts = np.split(table[ids].astype(np.float64) * factors[:, None], np.cumsum(lengths)[:-1])
    truth = np.array([part.mean(axis=0) if len(part) else np.zeros(3) for part in parts])
    assert np.abs(made - truth).max() <= SEGMENT * 2.0**-24 * 5


def test_long_texts_are_read_whole_and_sums_stay_exact(model) -> None:
    encoder = vw.StaticEncoder(model, normalize=False)
    short, long = encoder.transform(["the sea ", "the sea " * 20_000])
    assert np.abs(short - long).max() < 4e-6  # the stated bound would be 1.5e-5 times the numbers
    table = pa.table({"text": ["the sea " * 20_000]})
    assert encoder.map_.cut_rows(table).tolist() == [False]


def test_control_tokens_in_a_text_stay_text(model) -> None:
    tokenizer = Tokenizer((model / "tokenizer.json").read_bytes())
    control = {trained("wordpiece").token_to_id(name) for name in ("[CLS]", "</s>")}
    ids, _ = tokenizer.flat(["[CLS] the sea </s>"])
    assert not control & set(ids.tolist())


def test_unit_is_claimed_only_where_it_holds(model) -> None:
    X = vw.encode(["the sea", "sky"], vw.StaticEncoder(model))
    assert "unit" in X.space.claims
    assert vw.is_unit(X)
    empty = vw.encode(["the sea", ""], vw.StaticEncoder(model))
    assert "unit" not in empty.space.claims
    assert not empty.values[1].any()
    plain = vw.encode(["the sea"], vw.StaticEncoder(model, normalize=False))
    assert "unit" not in plain.space.claims
    assert not plain.space.same_axes(X.space)


def test_by_name(model) -> None:
    from vecwise.encoders.registry import encoder_from_data, encoder_to_data, made_by_name

    encoder = made_by_name("static", {"model": model})
    X = vw.encode(["the sea"], encoder)
    assert X.space.same_axes(encoder_from_data(encoder_to_data(encoder)).space)


# ---- a matrix of one's own ----


@pytest.mark.parametrize("suffix", ["npy", "safetensors"])
def test_a_matrix_and_a_tokenizer(tmp_path, model, suffix) -> None:
    from safetensors.numpy import load_file, save_file

    matrix = load_file(model / "model.safetensors")["embeddings"]
    file = tmp_path / f"table.{suffix}"
    np.save(file, matrix) if suffix == "npy" else save_file({"embedding.weight": matrix}, file)
    encoder = vw.StaticEncoder(file, tokenizer=model / "tokenizer.json")
    whole = vw.StaticEncoder(model, normalize=False)
    assert np.array_equal(encoder.transform(TEXTS), whole.transform(TEXTS))
    assert encoder.space.same_axes(whole.space)  # the identity is the content, not the container
    in_folder = vw.StaticEncoder(file, tokenizer=model)
    assert np.array_equal(in_folder.transform(TEXTS), whole.transform(TEXTS))


def test_a_list_of_words(tmp_path) -> None:
    np.save(tmp_path / "t.npy", np.eye(4, dtype=np.float32))
    (tmp_path / "v.txt").write_text("sea\r\ncafé\n!\nsky\n", encoding="utf-8")
    encoder = vw.StaticEncoder(tmp_path / "t.npy", tokenizer=tmp_path / "v.txt")
    made = encoder.transform(["Sea cafe\u0301 land", "sky!", "\0unknown", "land"])
    assert made.tolist() == [[0.5, 0.5, 0, 0], [0, 0, 0.5, 0.5], [0, 0, 0, 0], [0, 0, 0, 0]]
    pieces = Tokenizer(of_words(["[UNK]", "rain", "##bow", "a"])).flat(["a Rainbow"])
    assert pieces[0].tolist() == [3, 1, 2]
    cased = Tokenizer(of_words(["Sea", "sea"])).flat(["sea Sea"])
    assert cased[0].tolist() == [1, 0]
    with pytest.raises(EmptyVocabulary):
        of_words([])
    with pytest.raises(Damaged, match="`sea` more than once"):
        of_words(["sea", "sea"])


# ---- identity, storage, errors ----


def test_saved_vectors_know_their_model(tmp_path) -> None:
    where = folder(tmp_path / "m")
    X = vw.encode(TEXTS, vw.StaticEncoder(where), ids=list("abcdef"))
    vw.save(X, tmp_path / "saved")
    opened = vw.open(tmp_path / "saved")
    assert vw.nearest(opened, "rainbows over unseen seas", k=1).ids.tolist() == [["c"]]
    data = json.loads(json.dumps(to_data(X.encoder)))
    assert from_data(data).target == X.encoder.target
    folder(where, seed=1)  # other weights in the same place
    with pytest.raises(SpaceMismatch, match="Put the old files back"):
        from_data(data)
    with pytest.raises(SpaceMismatch):
        X.encoder(pa.table({"text": ["sea"]}))
    os.rename(where, tmp_path / "elsewhere")
    with pytest.raises(FileMissing, match="nothing is downloaded"):
        from_data(data)


def test_the_frame_tells_models_apart(tmp_path) -> None:
    first = folder(tmp_path / "a")
    shutil.copytree(first, tmp_path / "same")
    assert vw.StaticEncoder(first).space.same_axes(vw.StaticEncoder(tmp_path / "same").space)
    others = {"b": {"seed": 1}, "c": {"normalize": False}, "d": {"kind": "bpe"}, "e": {"dtype": np.float16}}
    frames = {vw.StaticEncoder(folder(tmp_path / name, **kind)).space.frame for name, kind in others.items()}
    assert len(frames | {vw.StaticEncoder(first).space.frame}) == 5


def test_what_is_not_a_model_is_refused(tmp_path, model) -> None:
    from safetensors.numpy import save_file

    for encoder in (vw.StaticEncoder(), vw.TransformerEncoder()):
        with pytest.raises(Inapplicable, match="needs the path of a model"):
            encoder.transform(["a"])
    with pytest.raises(FileMissing, match="nothing is downloaded"):
        vw.StaticEncoder("minishlab/potion-base-8M").transform(["a"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileMissing, match="no `model.safetensors`"):
        vw.StaticEncoder(tmp_path / "empty").transform(["a"])
    np.save(tmp_path / "small.npy", np.eye(3))
    with pytest.raises(FileMissing, match="vocabulary.txt"):
        vw.StaticEncoder(tmp_path / "small.npy").transform(["a"])
    with pytest.raises(WrongShape, match="different models"):
        vw.StaticEncoder(tmp_path / "small.npy", tokenizer=model).transform(["a"])
    np.save(tmp_path / "objects.npy", np.array([[{}]], dtype=object), allow_pickle=True)
    with pytest.raises(Exception, match="objects") as refused:
        vw.StaticEncoder(tmp_path / "objects.npy", tokenizer=model).transform(["a"])
    assert isinstance(refused.value, vw.errors.VecwiseError)
    (tmp_path / "m.bin").write_bytes(b"x")
    with pytest.raises(UnknownFormat):
        vw.StaticEncoder(tmp_path / "m.bin", tokenizer=model).transform(["a"])
    with pytest.raises(Inapplicable, match="`.json` or a `.txt`"):
        vw.StaticEncoder(tmp_path / "small.npy", tokenizer=tmp_path / "m.bin").transform(["a"])
    save_file({"a": np.eye(2), "b": np.eye(2)}, tmp_path / "two.safetensors")
    with pytest.raises(UnknownName, match="`a`, `b`"):
        vw.StaticEncoder(tmp_path / "two.safetensors", tokenizer=model).transform(["a"])
    save_file({"embeddings": np.zeros(3)}, tmp_path / "flat.safetensors")
    with pytest.raises(Damaged, match="matrix"):
        vw.StaticEncoder(tmp_path / "flat.safetensors", tokenizer=model).transform(["a"])


@pytest.mark.parametrize(
    ("name", "data", "error"),
    [
        ("model.safetensors", b"\xff" * 40, Damaged),
        ("model.safetensors", b"", Damaged),
        ("tokenizer.json", b"{}", Damaged),
        ("tokenizer.json", b"\xff\xfe", Damaged),
        ("config.json", b"[" * 100_000, Damaged),
        ("config.json", b"[]", Damaged),
        ("config.json", b" " * (1 << 21), Damaged),
    ],
)
def test_a_damaged_folder_is_named(tmp_path, name, data, error) -> None:
    where = folder(tmp_path / "m")
    (where / name).write_bytes(data)
    with pytest.raises(error, match=r"safetensors|tokenizer|config\.json"):
        vw.StaticEncoder(where).transform(["a"])


def test_a_mapping_that_leads_nowhere_is_refused(tmp_path) -> None:
    from safetensors.numpy import load_file, save_file

    where = folder(tmp_path / "m", quantized=True)
    arrays = load_file(where / "model.safetensors")
    save_file({**arrays, "mapping": arrays["mapping"] + 10_000}, where / "model.safetensors")
    with pytest.raises(WrongShape, match="`mapping`"):
        vw.StaticEncoder(where).transform(["a"])
    save_file({**arrays, "weights": arrays["weights"][:3]}, where / "model.safetensors")
    with pytest.raises(WrongShape, match="`weights`"):
        vw.StaticEncoder(where).transform(["a"])


def test_bfloat16_says_what_to_do(tmp_path, model) -> None:
    header = json.dumps({"embeddings": {"dtype": "BF16", "shape": [2, 2], "data_offsets": [0, 8]}}).encode()
    file = tmp_path / "b.safetensors"
    file.write_bytes(len(header).to_bytes(8, "little") + header + bytes(8))
    with pytest.raises(UnknownFormat, match="float32 or float16"):
        vw.StaticEncoder(file, tokenizer=model).transform(["a"])


def test_a_missing_package_names_the_line_that_installs_it(model, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(MissingPackage, match=r"pip install 'vecwise\[static\]'"):
        vw.StaticEncoder(model).transform(["a"])


def test_missing_texts_follow_the_policy(model) -> None:
    with pytest.raises(MissingValue):
        vw.StaticEncoder(model).transform(["a", None])
    assert not vw.StaticEncoder(model, missing="empty").transform(["sea", None])[1].any()
