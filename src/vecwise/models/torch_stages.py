"""The layers of a torch module by forward hooks.

This module must not know what becomes of the activations; it loads torch, so it is imported where a module was given.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

import numpy as np
import torch

from vecwise.errors import Inapplicable, WrongShape, WrongType, unknown
from vecwise.models.given_rows import Given, given_rows
from vecwise.models.stages import INPUT, Layer, Reached, Stages
from vecwise.models.weights_digest import digest_of
from vecwise.row_ids import as_ids

_SAME = (torch.nn.Dropout, torch.nn.Identity)  # give back what they get while nothing is learned


def torch_stages(model: Any, wanted: list[str] | None, pool: str) -> Stages:
    """Give the layers that are called, in the order of their calls."""
    _check_named(model, wanted or ())
    weights = digest_of({"modules": str(model), "state": dict(model.state_dict())})
    return Stages(lambda chunk, reached: _walk(model, chunk, reached, wanted, pool), weights)


def _check_named(model: Any, wanted: Sequence[str]) -> None:
    """Raise `UnknownName` for a layer that no module is called, naming those that there are."""
    names = [
        INPUT,
        *(name or "output" for name, module in model.named_modules() if name or not any(module.children())),
    ]
    for pattern in wanted:
        plain = pattern.partition(":")[0]
        if plain not in (*names, "output") and not any(fnmatchcase(name, plain) for name in names):
            raise unknown("layer", pattern, names)


def torch_given(rows: Any, ids: Any) -> Given:
    """Take tensors and arrays of any shape as rows, and dicts of them."""
    if isinstance(rows, Mapping):
        parts = {name: torch.as_tensor(value) for name, value in rows.items()}
        counts = {len(part) for part in parts.values()}
        if len(counts) != 1:
            raise WrongShape(f"The tensors have {sorted(counts)} rows: all need a row for each.")
        count = counts.pop()
        return Given(
            lambda a, b: {n: p[a:b] for n, p in parts.items()}, count, as_ids(ids, count), None, None
        )
    if isinstance(rows, torch.Tensor) or (isinstance(rows, np.ndarray) and rows.ndim > 2):
        tensor = torch.as_tensor(np.array(rows) if isinstance(rows, np.ndarray) else rows)
        if tensor.ndim < 2:
            raise WrongShape(f"A tensor of shape {tuple(tensor.shape)} holds no rows: give (rows, …).")
        return Given(lambda a, b: tensor[a:b], len(tensor), as_ids(ids, len(tensor)), None, None)
    given = given_rows(rows, ids)
    first = given.take(0, 1)
    if not (isinstance(first, np.ndarray) or hasattr(first, "tocsr")):
        raise WrongType(
            "A torch module reads numbers: give vectors, an array, a tensor or a dict of tensors. Encode the rows "
            "first (vw.encode), or give the token ids."
        )
    return given


def _walk(model: Any, chunk: Any, reached: Reached, wanted: list[str] | None, pool: str) -> Iterator[Layer]:
    inputs = _on_device(model, chunk)
    rows = len(next(iter(inputs.values())) if isinstance(inputs, dict) else inputs)
    mask = inputs.get("attention_mask") if isinstance(inputs, dict) else None
    found: list[Layer] = []
    hooks = []
    names = dict(model.named_modules())
    for name, module in names.items():
        if not _is_looked_at(name, module, wanted):
            continue
        shown = name or "output"
        hooks.append(module.register_forward_pre_hook(lambda *_, shown=shown: reached.at(shown) and None))
        hooks.append(
            module.register_forward_hook(
                lambda _m, _i, out, shown=shown: found.append((shown, _pooled(shown, out, rows, mask, pool))),
                always_call=False,
            )
        )
    training = {module: module.training for module in model.modules()}
    try:
        model.eval()
        with torch.no_grad():
            _ = model(**inputs) if isinstance(inputs, dict) else model(inputs)
    finally:
        for hook in hooks:
            hook.remove()
        for module, was in training.items():
            module.training = was
    yield from found


def _is_looked_at(name: str, module: Any, wanted: list[str] | None) -> bool:
    """Without names every module that has none inside, but those that change nothing; a model of one is `output`."""
    if wanted is None:
        return not any(module.children()) and not isinstance(module, _SAME)
    plain = [pattern.partition(":")[0] for pattern in wanted]
    return any((name or "output") == pattern or fnmatchcase(name or "output", pattern) for pattern in plain)


def _on_device(model: Any, chunk: Any) -> Any:
    first = next((p for p in [*model.parameters(), *model.buffers()] if p.is_floating_point()), None)
    device = None if first is None else first.device
    kind = torch.float32 if first is None else first.dtype

    def moved(value: Any) -> Any:
        dense = value.toarray() if hasattr(value, "tocsr") else value
        tensor = torch.as_tensor(np.array(dense)) if isinstance(dense, np.ndarray) else dense
        return tensor.to(device=device, dtype=kind if tensor.is_floating_point() else None)

    return {name: moved(value) for name, value in chunk.items()} if isinstance(chunk, dict) else moved(chunk)


def _pooled(name: str, out: Any, rows: int, mask: Any, pool: str) -> np.ndarray:
    """One row of numbers each: what the layer gave, averaged over tokens or places."""
    value = _first(out)
    if value is None:
        raise WrongType(f"Layer `{name}` gives {type(out).__name__} and no tensor. Name other layers.")
    value = value.detach()
    if value.ndim == 0 or len(value) != rows:
        raise WrongShape(
            f"Layer `{name}` gives a tensor of shape {tuple(value.shape)} for {rows:,} rows: its first axis are no "
            "rows. Name other layers with `layers`, or use batch_first=True in the model."
        )
    value = value.reshape(rows, 1) if value.ndim == 1 else value
    if value.ndim > 2 and pool == "refuse":
        raise Inapplicable(
            f"Layer `{name}` gives a tensor of shape {tuple(value.shape)}: average it (pool='mean') or keep all its "
            "numbers (pool='flatten')."
        )
    if value.ndim > 2 and pool == "flatten":
        value = value.reshape(rows, -1)
    if value.ndim == 3:
        value = _over_tokens(value, mask)
    elif value.ndim > 3:
        value = value.double().mean(dim=tuple(range(2, value.ndim))).to(value.dtype)
    value = value.float() if value.dtype in (torch.float16, torch.bfloat16) else value
    return np.array(value.cpu().numpy())


def _over_tokens(value: Any, mask: Any) -> Any:
    wide = value.double()
    if mask is None or tuple(mask.shape) != tuple(value.shape[:2]):
        return wide.mean(dim=1).to(value.dtype)
    weight = mask.to(wide.dtype)[:, :, None]
    return ((wide * weight).sum(dim=1) / weight.sum(dim=1).clamp(min=1)).to(value.dtype)


def _first(out: Any) -> Any:
    if isinstance(out, torch.Tensor):
        return out
    inner = out.values() if isinstance(out, Mapping) else out if isinstance(out, (tuple, list)) else ()
    return next((value for value in inner if isinstance(value, torch.Tensor)), None)
