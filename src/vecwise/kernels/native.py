"""The compiled library: whether it is there, and its functions with their arguments declared.

This module must not know any vecwise type, nor what the functions do. Where the library was not compiled on
installing, or `VECWISE_NATIVE=0` is set, callers take their way through NumPy.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from ctypes import CDLL, c_int64
from functools import cache
from math import prod
from pathlib import Path
from typing import Any, Final

import numpy as np

VERSION: Final = 2  # of the functions' arguments; `native_table.c` says the same
LIBRARY: Final = Path(__file__).with_name("native.library")  # `.so` would make it a module of Python
LINE: Final = 64  # bytes


def bound(
    arguments: Mapping[str, tuple[Any, ...]], answers: Mapping[str, Any] | None = None
) -> Callable[[], Any]:
    """Give a function that gives the library with these functions declared, or None where there is none.

    `arguments` are ctypes of each function; `answers` those of functions that do not give an `int64`.
    """

    done: list[Any] = []

    def library() -> Any:
        made = None if os.environ.get("VECWISE_NATIVE") == "0" else loaded(LIBRARY)
        if made is None or made in done:
            return made
        try:
            for name, kinds in arguments.items():
                function = getattr(made, name)
                function.argtypes = kinds
                function.restype = (answers or {}).get(name, c_int64)
        except AttributeError:  # a library of before, left by an interrupted build
            return None
        done.append(made)
        return made

    return library


@cache
def loaded(path: Path) -> Any:
    """Load it from the package's own folder; one of another version, or that does not load, counts as none."""
    if sys.byteorder != "little" or not path.exists():
        return None
    try:
        made = CDLL(str(path))
        made.vecwise_version.restype = c_int64
        return made if made.vecwise_version() == VERSION else None
    except (OSError, AttributeError):
        return None


def address(array: np.ndarray) -> int:
    """Give where an array's cells begin; they must lie one after the other."""
    assert array.flags.c_contiguous  # noqa: S101  the library reads one cell after the other
    return int(array.ctypes.data)


def checked(answer: int) -> int:
    """Give what a function answered; a negative answer raises `ValueError`."""
    if answer < 0:
        raise ValueError("The compiled kernel was given sizes or places that do not fit.")
    return answer


def on_a_line(shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """Give an array that is not filled in, whose cells begin where a line of the cache does: every 64 bytes.

    A register of 64 bytes is otherwise written to two lines each time.
    """
    size = prod(shape) * np.dtype(dtype).itemsize
    made = np.empty(size + LINE, np.uint8)
    first = -made.ctypes.data % LINE
    return made[first : first + size].view(dtype).reshape(shape)
