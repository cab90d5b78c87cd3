"""Fitted encoders as plain data and back: the closed list of what a file may name.

This module must not know files; it turns maps into JSON data and JSON data into maps.
"""

from __future__ import annotations

from typing import Any

from vecwise.encoders.base import EncoderMap
from vecwise.encoders.counts import WordMap
from vecwise.encoders.sentence import SentenceMap
from vecwise.encoders.table import TableMap
from vecwise.errors import Damaged, unknown

# A file names one of these and nothing else: no module is imported because a file says so.
MAPS: dict[str, type[EncoderMap]] = {"words": WordMap, "sentence": SentenceMap, "table": TableMap}


def to_data(fitted: Any) -> dict[str, Any] | None:
    """Give a fitted map as JSON data; `None` for a map that is not in the list, such as a stranger's.

    Raises `NotSavable` when the map holds a Python function.
    """
    for name, kind in MAPS.items():
        if isinstance(fitted, kind):
            return {"map": name, "state": fitted.state()}
    return None


def from_data(data: dict[str, Any]) -> EncoderMap:
    """Build the map again; raises `UnknownName`, `Damaged`."""
    name = str(data.get("map"))
    if name not in MAPS:
        raise unknown("fitted encoder", name, list(MAPS))
    try:
        return MAPS[name].from_state(data["state"])
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise Damaged(
            f"The saved encoder `{name}` is incomplete: {error!r}. Encode the rows again."
        ) from error
