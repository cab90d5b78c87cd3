"""Files in the safetensors format: their header, held against the bytes that follow, and one tensor mapped.

This module must not know spaces, rows or encoders; nothing in the format is code.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from math import prod
from typing import Any, BinaryIO, Final

import numpy as np

from vecwise.errors import Damaged, WrongShape, WrongType, some, unknown

_LONGEST_HEADER: Final = 100_000_000  # bytes, the format's own limit
_TYPES: Final = {
    **{"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2", "BOOL": "|b1"},
    **{"I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "|i1"},
    **{"U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "|u1"},
}


@dataclass(frozen=True, slots=True)
class Tensor:
    """One entry of the header: the type as the format spells it, the shape, and where the bytes begin and end."""

    kind: str
    shape: tuple[int, ...]
    start: int
    end: int


def read_safetensors(file: BinaryIO, name: str, size: int, wanted: str | None = None) -> np.ndarray:
    """Give the tensor of this name, or the only one of shape `(rows, dim)`, mapped from the open file.

    BF16 is widened to float32, which is a copy. Raises `Damaged` when the header is none or claims more or
    less than the file holds, `WrongType` for several such tensors and for types that NumPy has not,
    `WrongShape` for none, `UnknownName`.
    """
    tensors, start = _header(file, name, size)
    chosen = tensors[_choose(tensors, name, wanted)]
    dtype = _TYPES.get(chosen.kind)
    if dtype is None:
        raise WrongType(f"{name} holds numbers of type {chosen.kind}, which are not read. Save them as F32.")
    if not prod(chosen.shape):
        return np.zeros(chosen.shape, dtype)
    array = np.memmap(file, dtype, "r", offset=start + chosen.start, shape=chosen.shape)
    if chosen.kind == "BF16":
        return (array.astype(np.uint32) << 16).view(np.float32)
    return array if array.flags.aligned else np.array(array)


def _choose(tensors: dict[str, Tensor], name: str, wanted: str | None) -> str:
    if wanted is not None:
        if wanted not in tensors:
            raise unknown("tensor", wanted, list(tensors))
        return wanted
    matrices = [key for key, tensor in tensors.items() if len(tensor.shape) == 2]
    if len(matrices) > 1:
        raise WrongType(
            f"{name} holds {len(matrices)} tensors of shape (rows, dim): {some(matrices)}. "
            "Name the one of vectors: `--vectors NAME` (in Python: `vectors=`)."
        )
    if not matrices:
        listed = ", ".join(f"`{key[:40]}` {tensor.shape}" for key, tensor in list(tensors.items())[:5])
        raise WrongShape(f"{name} holds no tensor of shape (rows, dim). There are: {listed or 'none'}.")
    return matrices[0]


def _header(file: BinaryIO, name: str, size: int) -> tuple[dict[str, Tensor], int]:
    """Read the header; the tensors must fill the rest of the file without gap or overlap."""
    if size < 8:
        raise Damaged(f"{name} is damaged or is no safetensors file: it has {size} bytes.")
    (length,) = struct.unpack("<Q", file.read(8))
    if length > min(size - 8, _LONGEST_HEADER):
        raise Damaged(
            f"{name} is damaged or is no safetensors file: its header claims {length:,} bytes of {size:,}."
        )
    try:
        entries = json.loads(file.read(length).decode("utf-8"), object_pairs_hook=_unique)
        tensors = {key: _entry(key, entry) for key, entry in entries.items() if key != "__metadata__"}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise Damaged(
            f"{name} is damaged or is no safetensors file: its header is not one: {reason}."
        ) from error
    place = 0
    for tensor in sorted(tensors.values(), key=lambda entry: (entry.start, entry.end)):
        width = np.dtype(_TYPES[tensor.kind]).itemsize if tensor.kind in _TYPES else None
        claimed = tensor.end - tensor.start if width is None else prod(tensor.shape) * width
        if tensor.start != place or tensor.end - tensor.start != claimed:
            raise Damaged(f"{name} is damaged: a tensor of {tensor.shape} claims bytes that are not its own.")
        place = tensor.end
    if place != size - 8 - length:
        raise Damaged(
            f"{name} is damaged: its header claims {place:,} bytes, and {size - 8 - length:,} follow."
        )
    return tensors, 8 + length


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise ValueError("a name is there twice")
    return made


def _entry(key: str, entry: Any) -> Tensor:
    shape, (start, end) = entry["shape"], entry["data_offsets"]
    whole = [*shape, start, end]
    if not isinstance(shape, list) or not all(type(number) is int and number >= 0 for number in whole):
        raise ValueError(f"the entry of `{key[:40]}` is not one")
    if end < start or not isinstance(entry["dtype"], str):
        raise ValueError(f"the entry of `{key[:40]}` is not one")
    return Tensor(entry["dtype"], tuple(shape), start, end)
