"""A transformer run by PyTorch: token numbers in, pooled vectors out.

This module must not know texts, folders' layouts, nor any vecwise type beyond errors.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np

from vecwise.errors import Damaged, Inapplicable, VecwiseError, some
from vecwise.kernels.pooling import token_weights
from vecwise.kernels.spans import workers

_RUNNING: Final = threading.Lock()  # of all models: the number of threads belongs to the process


def torch_device(device: str) -> str:
    """Give "cpu" or "cuda"; raises `Inapplicable` when "cuda" is asked for and there is none."""
    import torch

    present = torch.cuda.is_available()
    if device == "cuda" and not present:
        raise Inapplicable(
            'device="cuda" was asked for, and PyTorch sees no CUDA device here. Use device="auto" or "cpu", '
            "or install a PyTorch built for your GPU."
        )
    return "cuda" if present and device != "cpu" else "cpu"


@contextmanager
def _all_cores() -> Iterator[None]:
    """One forward pass at a time, on no more threads than cores: more are far slower. The caller's number stays."""
    import torch

    with _RUNNING:
        wanted = torch.get_num_threads()
        if wanted <= workers():
            yield
            return
        torch.set_num_threads(workers())
        try:
            yield
        finally:
            torch.set_num_threads(wanted)


class TorchModel:
    """A model of the `transformers` package, float32, from a folder of safetensors files."""

    one_by_one = False
    by_token = True

    def __init__(self, folder: Path, device: str) -> None:
        self.device = torch_device(device)
        self._model = _loaded(folder).to(self.device).eval()
        self.hidden = int(self._model.config.hidden_size)

    def __call__(self, ids: np.ndarray, lengths: np.ndarray, poolings: tuple[str, ...]) -> np.ndarray:
        """Run one padded batch `(texts, width)`; gives float32 `(texts, hidden · len(poolings))`."""
        return self._pooled(ids, lengths, poolings, every=False)[0]

    def layers(self, ids: np.ndarray, lengths: np.ndarray, poolings: tuple[str, ...]) -> list[np.ndarray]:
        """Run one padded batch; gives what the call does of the embeddings and behind every layer, in order."""
        return self._pooled(ids, lengths, poolings, every=True)

    def _pooled(
        self, ids: np.ndarray, lengths: np.ndarray, poolings: tuple[str, ...], *, every: bool
    ) -> list[np.ndarray]:
        import torch

        mask = np.arange(ids.shape[1]) < lengths[:, None]
        with _all_cores(), torch.inference_mode():
            real = torch.from_numpy(mask).to(self.device)
            found = self._model(
                input_ids=torch.from_numpy(ids).to(self.device),
                attention_mask=real.to(torch.int64),
                **({"output_hidden_states": True} if every else {}),
            )
            inner = found.hidden_states[:-1] if every else ()
            made = []
            for tokens in (*inner, found.last_hidden_state):
                pooled = [_pool(tokens, real, lengths, pooling) for pooling in poolings]
                made.append(np.asarray(torch.cat(pooled, dim=1).float().cpu().numpy()))
            return made


def _pool(found: Any, real: Any, lengths: np.ndarray, pooling: str) -> Any:
    import torch

    if pooling == "max":
        return found.masked_fill(~real[:, :, None], float("-inf")).max(dim=1).values
    weights = torch.from_numpy(token_weights(pooling, lengths, found.shape[1])).to(found.device)
    return torch.bmm(weights[:, None, :], found)[:, 0]


def _loaded(folder: Path) -> Any:
    """The weights in their model. What the file lacks would be random numbers, so that is refused."""
    import torch
    from transformers import AutoConfig, AutoModel
    from transformers.utils import logging

    shows, level = logging.is_progress_bar_enabled(), logging.get_verbosity()
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    local: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    try:
        config = AutoConfig.from_pretrained(str(folder), **local)
        if getattr(config, "is_encoder_decoder", False):
            raise Inapplicable(f"`{folder.name}` is an encoder with a decoder; an encoder alone is run.")
        model, told = AutoModel.from_pretrained(
            str(folder),
            config=config,
            dtype=torch.float32,
            use_safetensors=True,
            output_loading_info=True,
            **local,
        )
    except VecwiseError:
        raise
    except Exception as error:  # a broken folder raises whatever its broken part leads to
        said = str(error).strip().split("\n", 1)[0]
        raise Damaged(f"`{folder}` cannot be loaded as a transformer: {said}") from error
    finally:
        logging.set_verbosity(level)
        if shows:
            logging.enable_progress_bar()
    lacking = [name for name in told["missing_keys"] if "pooler" not in name]
    if lacking:
        raise Damaged(
            f"The weights in `{folder}` lack {some(sorted(lacking))}: they belong to another model than its "
            "`config.json` describes."
        )
    return model
