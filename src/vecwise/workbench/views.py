"""How a file is called and its rows are compared, the same in every use case.

This module must not know how its answers are printed.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from vecwise.errors import unknown
from vecwise.measure.views import View, view
from vecwise.vectors import Vectors


def viewed(X: Vectors, metric: str) -> View:
    """What rows are compared by: the rule of `vw.nearest` and all others, `measure.views.view`."""
    return view(X, metric)


def display_name(path: str) -> str:
    """What to call the input: the file's name, or standard input."""
    return "standard input" if path == "-" else Path(path).name or str(path)


def known_id(X: Vectors, text: str) -> Any:
    """The id of X that a word on the command line means, or `None`: numbers are typed as digits."""
    if X.ids.dtype != object:
        number = int(text) if re.fullmatch("-?[0-9]{1,18}", text) else None
        return number if number is not None and (X.ids == number).any() else None
    return text if (X.ids == text).any() else None


def id_of(X: Vectors, text: str) -> Any:
    """The id of X that a word on the command line means; raises `UnknownName` with near ones."""
    known = known_id(X, text)
    if known is None:
        raise unknown("row with the id", text, [str(i) for i in X.ids[:1000].tolist()])
    return known
