"""A transformer run by ONNX Runtime: token numbers in, pooled vectors out.

This module must not know texts, folders' layouts, nor any vecwise type beyond errors.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np

from vecwise.errors import Damaged, Inapplicable, WrongShape, some
from vecwise.kernels.pooling import pooled
from vecwise.kernels.spans import workers

_OUTSIDE: Final = b"\x0a\x08location\x12"  # an entry "location" of a tensor whose numbers lie in another file
_BY_BATCH: Final = b"DynamicQuantizeLinear"
_INPUTS: Final = ("input_ids", "attention_mask", "token_type_ids", "position_ids")
_NAMES: Final = ("last_hidden_state", "token_embeddings", "sentence_embedding")


class OnnxModel:
    """An ONNX file whose inputs are token numbers and whose output is a vector a token, or one a text.

    The file is loaded from memory: one that keeps numbers in other files is refused, since its hash would
    not cover them, and operators that ONNX Runtime does not have itself are not looked for.
    """

    def __init__(self, path: Path, device: str) -> None:
        data = path.read_bytes()
        if _OUTSIDE in data:
            raise Inapplicable(f"`{path}` keeps its weights in other files. Save it as one file.")
        # The scale of activations that is taken from a whole batch would make a row depend on its neighbours.
        self.one_by_one = _BY_BATCH in data
        self._session = _session(data, path, device)
        self.device = "cuda" if "CUDA" in self._session.get_providers()[0] else "cpu"
        self._inputs = {entry.name: entry.type for entry in self._session.get_inputs()}
        odd = [name for name in self._inputs if name not in _INPUTS]
        if odd or "input_ids" not in self._inputs:
            raise WrongShape(f"`{path}` takes {some(self._inputs)}; a text encoder takes {some(_INPUTS)}.")
        self._output, self.by_token = _output(self._session.get_outputs(), path)
        self.hidden = self._width()

    def _width(self) -> int:
        """How many numbers come out: files need not say, so one token is tried."""
        found = self._run(np.zeros((1, 1), np.int64), np.ones(1, np.int64))
        return int(found.shape[-1])

    def __call__(self, ids: np.ndarray, lengths: np.ndarray, poolings: tuple[str, ...]) -> np.ndarray:
        """Run one padded batch `(texts, width)`; gives float32 `(texts, hidden · len(poolings))`.

        A model that gives one vector a text (not `by_token`) leaves nothing to pool: `(texts, hidden)`.
        """
        found = self._run(ids, lengths)
        return pooled(found, lengths, poolings) if self.by_token else found

    def _run(self, ids: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        places = np.arange(ids.shape[1])
        known = {
            "input_ids": ids,
            "attention_mask": places < lengths[:, None],
            "token_type_ids": np.zeros_like(ids),
            "position_ids": np.broadcast_to(places, ids.shape),
        }
        feed = {
            name: np.ascontiguousarray(known[name], np.int32 if "int32" in kind else np.int64)
            for name, kind in self._inputs.items()
        }
        try:
            found = self._session.run([self._output], feed)[0]
        except Exception as error:  # the package's errors share no class
            said = str(error).strip().split("\n", 1)[0]
            raise WrongShape(f"The ONNX model does not take these texts: {said}") from error
        return np.asarray(found, dtype=np.float32)


def _session(data: bytes, path: Path, device: str) -> Any:
    import onnxruntime

    present = "CUDAExecutionProvider" in onnxruntime.get_available_providers()
    if device == "cuda" and not present:
        raise Inapplicable(
            'device="cuda" was asked for, and this ONNX Runtime has no CUDA. Use device="auto" or "cpu", or '
            "install onnxruntime-gpu."
        )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = workers(), 1
    options.log_severity_level = 3
    providers = (["CUDAExecutionProvider"] if present and device != "cpu" else []) + ["CPUExecutionProvider"]
    try:
        return onnxruntime.InferenceSession(data, options, providers=providers)
    except Exception as error:  # the package's errors share no class
        said = str(error).strip().split("\n", 1)[0]
        raise Damaged(f"`{path}` is no ONNX model that ONNX Runtime can run: {said}") from error


def _output(outputs: Any, path: Path) -> tuple[str, bool]:
    """The output to take, and whether it has a vector for every token."""
    ranks = {entry.name: len(entry.shape or ()) for entry in outputs}
    for name in (*_NAMES, *ranks):
        if ranks.get(name) in (2, 3):
            return name, ranks[name] == 3
    raise WrongShape(f"`{path}` gives {some(ranks)}, none of them a vector a token or a text.")
