"""Transformer models as ONNX files: the same vectors without PyTorch, and files that are not run."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import vecwise as vw
from onnx_files import numbers_of_tokens, sum_of_tokens
from test_encoders_transformer import HIDDEN, LIMIT, folder, tokenizer, write
from vecwise.encoders.registry import from_data, to_data
from vecwise.errors import (
    Damaged,
    FileMissing,
    Inapplicable,
    MissingPackage,
    UnknownFormat,
    WrongShape,
)
from vecwise.kernels.pooling import POOLINGS


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return folder(tmp_path_factory.mktemp("models") / "tiny")


def with_onnx(tmp_path: Path, tiny: Path, data: bytes) -> Path:
    where = shutil.copytree(tiny, tmp_path / "both")
    (where / "onnx").mkdir()
    (where / "onnx/model.onnx").write_bytes(data)
    return where


def test_a_folder_runs_by_onnx_where_pytorch_is_absent(tmp_path, tiny, monkeypatch) -> None:
    where = with_onnx(tmp_path, tiny, numbers_of_tokens(dynamic=False))
    assert vw.TransformerEncoder(where).space.dim == HIDDEN
    chosen = vw.TransformerEncoder(where, backend="onnx", normalize=False)
    ids = [tokenizer().token_to_id(word) for word in ("[CLS]", "the", "sea", "[SEP]")]
    assert chosen.transform(["the sea"]).tolist() == [[np.mean(ids)]]
    monkeypatch.setitem(sys.modules, "torch", None)
    alone = vw.TransformerEncoder(where, normalize=False)
    assert alone.space.same_axes(chosen.space)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingPackage, match=r"`onnxruntime`.*pip install 'vecwise\[onnx\]'"):
        vw.TransformerEncoder(where, backend="onnx").transform(["a"])


def test_a_model_of_one_vector_a_text_leaves_nothing_to_pool(tmp_path, tiny) -> None:
    file = tmp_path / "m.onnx"
    file.write_bytes(sum_of_tokens())
    options = {"model": file, "tokenizer": tiny, "max_tokens": LIMIT}
    for pooling in POOLINGS:
        with pytest.raises(Inapplicable, match=rf"one vector a text.*pooling='{pooling}'.*Leave out"):
            vw.TransformerEncoder(**options, pooling=pooling).transform(["a"])
    encoder = vw.TransformerEncoder(**options)
    ids = {
        text: [tokenizer().token_to_id(word) for word in f"[CLS] {text} [SEP]".split()]
        for text in ("the sea", "sky")
    }
    assert encoder.transform(list(ids)).tolist() == [[sum(one)] for one in ids.values()]
    opened = from_data(to_data(encoder.map_))
    assert opened.target == encoder.space
    assert opened(pa.table({"text": ["sky"]})).values.tolist() == [[sum(ids["sky"])]]


def test_what_a_folder_says_of_pooling_is_no_part_of_a_frame_without_it(tmp_path, tiny) -> None:
    where = with_onnx(tmp_path, tiny, sum_of_tokens())
    frames = set()
    for poolings in ("mean", "cls", ["mean", "max"]):
        write(where / "1_Pooling/config.json", embedding_dimension=HIDDEN, pooling_mode=poolings)
        encoder = vw.TransformerEncoder(where, backend="onnx", normalize=False)
        assert encoder.transform(["sea"]).shape == (1, 1)
        assert from_data(to_data(encoder.map_)).target == encoder.space
        frames.add(encoder.space.frame)
    assert len(frames) == 1


def test_the_callers_number_of_threads_stays(tiny) -> None:
    import torch

    from vecwise.kernels.spans import workers
    from vecwise.kernels.torch_model import TorchModel

    before, seen = torch.get_num_threads(), []
    try:
        for wanted in (workers() + 3, 1):
            torch.set_num_threads(wanted)
            model = TorchModel(tiny, "cpu")
            assert torch.get_num_threads() == wanted
            model._model.register_forward_pre_hook(lambda *_: seen.append(torch.get_num_threads()))
            made = model(np.array([[2, 4, 3]]), np.array([3]), ("mean",))
            assert made.shape == (1, HIDDEN)
            assert torch.get_num_threads() == wanted
            with pytest.raises(IndexError):
                model(np.array([[2, 10**6, 3]]), np.array([3]), ("mean",))
            assert torch.get_num_threads() == wanted
        assert seen == [workers(), workers(), 1, 1]
    finally:
        torch.set_num_threads(before)


def test_quantizing_by_the_batch_does_not_make_rows_depend_on_it(tmp_path, tiny) -> None:
    where = with_onnx(tmp_path, tiny, numbers_of_tokens(dynamic=True))
    encoder = vw.TransformerEncoder(where, backend="onnx", normalize=False)
    texts = ["the sea", "zzz zz", "sky"]
    together = encoder.transform(texts)
    assert together.tolist() == [encoder.transform([text])[0].tolist() for text in texts]


def test_onnx_files_that_are_not_run_are_refused(tmp_path, tiny) -> None:
    def refused(data: bytes, error: type[Exception], said: str) -> None:
        file = tmp_path / "m.onnx"
        file.write_bytes(data)
        with pytest.raises(error, match=said):
            vw.TransformerEncoder(file, tokenizer=tiny).transform(["a"])

    refused(b"\xff" * 30, Damaged, "no ONNX model")
    refused(numbers_of_tokens(dynamic=False, domain="own.ops"), Damaged, "no ONNX model")
    refused(numbers_of_tokens(dynamic=False, input_name="pixels"), WrongShape, "pixels")
    outside = numbers_of_tokens(dynamic=False) + b"\x0a\x08location\x12\x01x"
    refused(outside, Inapplicable, "other files")
    with pytest.raises(FileMissing, match="tokenizer="):
        vw.TransformerEncoder(tmp_path / "m.onnx").transform(["a"])
    with pytest.raises(Inapplicable, match="PyTorch does not run"):
        vw.TransformerEncoder(tmp_path / "m.onnx", tokenizer=tiny, backend="torch").transform(["a"])
    (tmp_path / "m.gguf").write_bytes(b"x")
    with pytest.raises(UnknownFormat, match="neither"):
        vw.TransformerEncoder(tmp_path / "m.gguf", tokenizer=tiny).transform(["a"])
    with pytest.raises(FileMissing, match="onnx/model.onnx"):
        vw.TransformerEncoder(tiny, backend="onnx").transform(["a"])
