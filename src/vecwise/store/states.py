"""States of fitted encoders as JSON data and one safetensors file: arrays are taken out of the data and put back.

This module must not know encoders, nor where the two are kept.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from vecwise.errors import Damaged, NotSavable

_ARRAY: Final = "vecwise array"  # the one key of a JSON object that stands for an array


def pack(data: Any) -> tuple[Any, bytes]:
    """Give the data without its arrays, as JSON data, and the arrays as the bytes of a safetensors file.

    There are no bytes when there are no arrays. Raises `NotSavable` for what is neither JSON nor an array
    of numbers.

    >>> plain, raw = pack({"words": ["sea"], "matrix": np.array([[1.5, 2.0]])})
    >>> plain
    {'words': ['sea'], 'matrix': {'vecwise array': '0'}}
    >>> unpack(plain, raw)["matrix"]
    array([[1.5, 2. ]])
    """
    arrays: dict[str, np.ndarray] = {}
    plain = _without(data, arrays)
    try:
        plain = json.loads(json.dumps(plain, allow_nan=False))
    except (TypeError, ValueError, RecursionError) as error:
        raise NotSavable(f"The encoder's data cannot be written as JSON: {error}.") from error
    if not arrays:
        return plain, b""
    from safetensors.numpy import save

    return plain, bytes(save(arrays))


def _without(data: Any, arrays: dict[str, np.ndarray]) -> Any:
    if isinstance(data, np.ndarray):
        if data.dtype.kind not in "fiub":
            raise NotSavable(f"An array of {data.dtype} cannot be saved; arrays hold numbers.")
        name = str(len(arrays))
        arrays[name] = np.ascontiguousarray(data, data.dtype.newbyteorder("="))
        return {_ARRAY: name}
    if isinstance(data, Mapping):
        if set(data) == {_ARRAY}:
            raise NotSavable(f"The name `{_ARRAY}` stands for an array in files. Give it another name.")
        return {key: _without(value, arrays) for key, value in data.items()}
    return [_without(value, arrays) for value in data] if isinstance(data, (list, tuple)) else data


def unpack(plain: Any, raw: bytes) -> Any:
    """Put the arrays back where they were, read-only; raises `Damaged` when one is not there."""
    return _with(plain, _arrays(raw) if raw else {})


def _arrays(raw: bytes) -> dict[str, np.ndarray]:
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        made: dict[str, np.ndarray] = load(raw)
    except (SafetensorError, ValueError, KeyError) as error:
        raise Damaged(f"The arrays of a saved encoder cannot be read: {error}.") from error
    for array in made.values():
        array.flags.writeable = False
    return made


def _with(plain: Any, arrays: dict[str, np.ndarray]) -> Any:
    if isinstance(plain, dict):
        if plain.keys() == {_ARRAY}:
            try:
                return arrays[plain[_ARRAY]]
            except (KeyError, TypeError) as error:
                raise Damaged("An array of a saved encoder is missing. Encode the rows again.") from error
        return {key: _with(value, arrays) for key, value in plain.items()}
    return [_with(value, arrays) for value in plain] if isinstance(plain, list) else plain
