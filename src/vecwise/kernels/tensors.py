"""Tensors of other libraries as NumPy arrays; no such library is imported, their objects are recognised.

This module must not know any vecwise type beyond errors, nor what the numbers mean.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from vecwise.errors import WrongType


def as_array(values: Any) -> np.ndarray:
    """Give anything that NumPy, PyTorch, JAX or DLPack describes as an array, in place where that is possible.

    A PyTorch tensor on the CPU, a NumPy array and a DLPack object on the CPU are views of the same memory,
    detached from any graph; tensors on other devices and those of bfloat16 and float8, which become float32,
    are copies, as are lists. Raises `WrongType` with the reason for what has no array of plain numbers.

    >>> as_array([[1, 2]]).tolist()
    [[1, 2]]
    """
    if type(values) is np.ndarray:
        return _plain(values)
    torch = getattr(sys.modules.get("torch"), "Tensor", ())
    if isinstance(values, torch):
        return _of_torch(values)
    if isinstance(values, (list, tuple)) and values and isinstance(values[0], torch):
        values = [_of_torch(row) if isinstance(row, torch) else row for row in values]
    has_array = any(hasattr(type(values), name) for name in ("__array__", "__array_interface__"))
    try:
        if hasattr(values, "__dlpack__") and not has_array:
            return np.from_dlpack(values)
        return _plain(np.asarray(values))
    except (TypeError, RuntimeError, BufferError) as error:
        reason = " ".join(str(error).split())[:160]
        raise WrongType(
            f"`{type(values).__name__}` gives no array of numbers: {reason}. Convert it to a NumPy array first."
        ) from error


def _plain(array: np.ndarray) -> np.ndarray:
    """JAX has types of its own (bfloat16, float8), which NumPy sees as bytes with a name; float32 holds them."""
    name = array.dtype.name
    if array.dtype.kind == "V" and name.startswith(("bfloat16", "float8", "float6", "float4")):
        return array.astype(np.float32)
    return array


def _of_torch(tensor: Any) -> np.ndarray:
    name = str(tensor.dtype)
    if not str(tensor.layout).endswith("strided"):
        raise WrongType(
            f"The tensor is laid out as {tensor.layout}. Give `tensor.to_dense()`, or a SciPy sparse matrix."
        )
    if tensor.is_complex() or tensor.is_quantized or tensor.device.type == "meta":
        raise WrongType(f"A tensor of {name} on `{tensor.device}` holds no plain numbers.")
    tensor = tensor.detach().cpu()
    if tensor.is_floating_point() and name not in ("torch.float16", "torch.float32", "torch.float64"):
        tensor = tensor.float()
    return tensor.resolve_neg().numpy()
