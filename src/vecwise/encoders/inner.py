"""Maps inside a map as plain data: what an encoder that holds other encoders saves of them.

This module must not know any encoder. The registry lists the maps that call this module, so neither can import the
other; it is looked up by its own name when it is needed, and no file has a say in that.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any


def inner_data(fitted: Any) -> dict[str, Any]:
    """Give a fitted map as plain data. Raises `NotSavable`."""
    made: dict[str, Any] = import_module("vecwise.encoders.registry").to_data(fitted)
    return made


def inner_map(data: dict[str, Any]) -> Any:
    """Build a map from its plain data. Raises `UnknownName`, `Damaged`."""
    return import_module("vecwise.encoders.registry").from_data(data)
