"""Fitted encoders kept in a folder by themselves.

This module must not know encoders: it keeps the data that they are built from again.
"""

from __future__ import annotations

import os
from typing import Any, Final

from vecwise.store.state_folders import StateFolder

ENCODER: Final = StateFolder("encoder", "fit the encoder again")
NAME: Final = ENCODER.name


def save(data: dict[str, Any], path: str | os.PathLike[str]) -> None:
    """Save the data of an encoder as `StateFolder.save` does.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save({"words": ["sea"]}, folder + "/words")
    ...     load(folder + "/words")
    {'words': ['sea']}
    """
    ENCODER.save(data, path)


def is_encoder_folder(path: str | os.PathLike[str]) -> bool:
    """Tell whether a folder holds an encoder by itself."""
    return ENCODER.holds(path)


def load(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Give the data that was saved; raises what `StateFolder.load` raises."""
    return ENCODER.load(path)
