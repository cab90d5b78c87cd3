"""Saved encoders: the same identity and bytes when opened, and every broken folder is told apart."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import vecwise as vw
from vecwise.errors import Damaged, FileMissing, NotFitted, NotSavable, UnknownFormat, UnknownName, Unreadable
from vecwise.store import encoder_folders
from vecwise.store.states import pack, unpack
from vecwise.testing.folds import alike

TEXTS = ["the sea", "the sky over the sea", "rain", "a deep sea"]
ARRAYS = hnp.arrays(
    st.sampled_from([np.float32, np.float64, np.int64, np.uint8, np.bool_]),
    hnp.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=4),
)
DATA = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5) | ARRAYS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@given(DATA)
def test_whatever_was_packed_is_unpacked(data) -> None:
    plain, raw = pack(data)
    json.dumps(plain)
    made = unpack(plain, raw)
    assert alike(made, data, exact=True)


def test_arrays_keep_their_type_and_shape_and_are_read_only() -> None:
    made = unpack(*pack({"a": np.zeros((0, 3), ">f4"), "b": [np.arange(6, dtype=np.uint8).reshape(2, 3).T]}))
    assert made["a"].shape == (0, 3)
    assert made["a"].dtype == np.float32
    assert made["b"][0].tolist() == [[0, 3], [1, 4], [2, 5]]
    assert not made["a"].flags.writeable


def test_what_is_neither_json_nor_numbers_is_refused() -> None:
    for data in ({"f": len}, {"a": np.array(["x"])}, {"a": float("nan")}):
        with pytest.raises(NotSavable):
            pack(data)
    with pytest.raises(Damaged, match="missing"):
        unpack({"vecwise array": "7"}, b"")
    with pytest.raises(Damaged, match="cannot be read"):
        unpack({"vecwise array": "0"}, b"no safetensors")


def test_an_opened_encoder_goes_on_as_the_saved_one(tmp_path) -> None:
    chain = vw.ChainEncoder(vw.TfidfEncoder(ngrams=(1, 2)), steps=["pca:2"]).fit(TEXTS)
    vw.save(chain, tmp_path / "chain")
    assert sorted(os.listdir(tmp_path / "chain")) == ["_encoder.json", "encoder-1.safetensors"]
    opened = vw.open_encoder(tmp_path / "chain")
    assert opened.space == chain.space
    assert opened.transform(TEXTS).tobytes() == chain.transform(TEXTS).tobytes()
    assert opened.encoder.ngrams == (1, 2)
    assert repr(opened) == repr(chain)
    assert vw.encode(TEXTS, opened).space.same_axes(chain.space)
    with pytest.raises(NotFitted, match="opened from a file"):
        opened.partial_fit(TEXTS)
    opened.fit(TEXTS[:3])
    assert opened.space.frame != chain.space.frame


def test_saving_again_replaces_the_whole_folder(tmp_path) -> None:
    vw.save(vw.ChainEncoder("count", steps=["pca:2"]).fit(TEXTS), tmp_path / "e")
    vw.save(vw.CountEncoder().fit(TEXTS), tmp_path / "e")
    assert os.listdir(tmp_path / "e") == ["_encoder.json"]
    assert vw.open_encoder(tmp_path / "e").space.dim == 7


def test_vectors_keep_arrays_of_their_encoder_and_sweep_old_ones(tmp_path) -> None:
    X = vw.encode(TEXTS, vw.ChainEncoder("count", steps=["pca:2"]))
    for _ in range(2):
        vw.save(X, tmp_path / "x")
    assert sorted(os.listdir(tmp_path / "x")) == [
        "_manifest.json",
        "encoder-2.safetensors",
        "part-2-0.parquet",
    ]
    opened = vw.open(tmp_path / "x")
    assert opened.encoder(X.rows).space == X.space
    assert vw.nearest(opened, "the sea", k=1).ids.tolist() == [[0]]
    raw = (tmp_path / "x" / "encoder-2.safetensors").read_bytes()
    (tmp_path / "x" / "encoder-2.safetensors").write_bytes(raw[:-1] + bytes([raw[-1] ^ 1]))
    with pytest.raises(Damaged, match=r"encoder-2\.safetensors"):
        vw.open(tmp_path / "x")


def damage(folder, how) -> None:
    path = folder / "_encoder.json"
    if how == "cut":
        path.write_text(path.read_text()[:-20])
    elif how == "changed":
        path.write_text(path.read_text().replace('"sea"', '"tea"'))
    elif how == "no arrays":
        (folder / "encoder-1.safetensors").unlink()
    elif how == "list":
        path.write_text("[1]")
    elif how == "other":
        path.write_text('{"format": "a web page", "sha256": "0"}')


@pytest.mark.parametrize("how", ["cut", "changed", "no arrays", "list", "other"])
def test_a_damaged_encoder_is_refused(tmp_path, how) -> None:
    vw.save(vw.ChainEncoder("count", steps=["pca:2"]).fit(TEXTS), tmp_path / "e")
    damage(tmp_path / "e", how)
    with pytest.raises(Damaged):
        vw.open_encoder(tmp_path / "e")


def test_folders_that_hold_no_encoder(tmp_path) -> None:
    with pytest.raises(FileMissing):
        vw.open_encoder(tmp_path / "none")
    vw.save(vw.Vectors([[1.0]]), tmp_path / "x")
    with pytest.raises(UnknownFormat, match="no saved encoder"):
        vw.open_encoder(tmp_path / "x")
    with pytest.raises(Unreadable, match="other files"):
        vw.save(vw.CountEncoder().fit(TEXTS), tmp_path / "x")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("mine")
    with pytest.raises(Unreadable, match=r"thesis\.txt"):
        vw.save(vw.CountEncoder().fit(TEXTS), tmp_path / "mine")
    encoder_folders.save({"vecwise encoder": "pickle", "parameters": {}, "fitted": {}}, tmp_path / "strange")
    with pytest.raises(UnknownName, match="no encoder `pickle`"):
        vw.open_encoder(tmp_path / "strange")


def test_a_newer_format_asks_for_an_upgrade(tmp_path) -> None:
    vw.save(vw.CountEncoder().fit(TEXTS), tmp_path / "e")
    path = tmp_path / "e" / "_encoder.json"
    path.write_text(path.read_text().replace('"version": 1', '"version": 2'))
    with pytest.raises(UnknownFormat, match="newer vecwise"):
        vw.open_encoder(tmp_path / "e")


def test_what_cannot_be_saved(tmp_path) -> None:
    with pytest.raises(NotFitted):
        vw.save(vw.CountEncoder(), tmp_path / "e")
    with pytest.raises(NotSavable, match="tokenizer"):
        vw.save(vw.CountEncoder(tokenizer=str.split).fit(TEXTS), tmp_path / "e")

    class Mine(vw.CountEncoder):
        pass

    with pytest.raises(NotSavable, match="Mine"):
        vw.save(Mine().fit(TEXTS), tmp_path / "e")
    assert not (tmp_path / "e").exists()


def test_names_that_stand_for_something_else_are_refused(tmp_path) -> None:
    encoder = vw.TableEncoder(scale={"vecwise array": "standard"}).fit({"vecwise array": [1.0, 2.0]})
    with pytest.raises(NotSavable, match="vecwise array"):
        vw.save(encoder, tmp_path / "e")
    encoder = vw.TableEncoder(scale={"vecwise encoder": "standard"}).fit({"vecwise encoder": [1.0, 2.0]})
    with pytest.raises(NotSavable, match="vecwise encoder"):
        vw.save(encoder, tmp_path / "e")


def test_a_strangers_file_of_our_name_is_not_overwritten(tmp_path) -> None:
    (tmp_path / "_encoder.json").write_text("{}")
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(Unreadable):
        vw.save(vw.CountEncoder().fit(TEXTS), tmp_path)
    assert (tmp_path / "_encoder.json").read_text() == "{}"


def test_a_failed_fit_leaves_nothing_learned(tmp_path) -> None:
    encoder = vw.TfidfEncoder().fit(TEXTS)
    with pytest.raises(vw.errors.MissingValue):
        encoder.fit([None])
    assert not encoder.is_fitted
    vw.save(vw.TfidfEncoder().fit(TEXTS), tmp_path / "e")
    opened = vw.open_encoder(tmp_path / "e")
    with pytest.raises(vw.errors.MissingValue):
        opened.fit([None])
    with pytest.raises(NotFitted, match="opened from a file"):
        opened.partial_fit(["new words"])
