"""Fitted encoders as plain data and back: the closed list of what a file may name.

This module must not know files; it turns maps into JSON data and JSON data into maps.
"""

from __future__ import annotations

from typing import Any

from vecwise.encoders.counts import WordMap
from vecwise.encoders.sentence import SentenceMap
from vecwise.encoders.table import TableMap
from vecwise.errors import Damaged, NotSavable, some, unknown
from vecwise.measure.components import Components, Standardized
from vecwise.measure.norms import Normalized
from vecwise.verbs import Chain, Map, chain

# A file names one of these and nothing else: no module is imported because a file says so.
MAPS: dict[str, Any] = {
    "words": WordMap,
    "sentence": SentenceMap,
    "table": TableMap,
    "normalized": Normalized,
    "standardized": Standardized,
    "components": Components,
}


def to_data(fitted: Any) -> dict[str, Any]:
    """Give a fitted map, or a chain of them, as JSON data.

    Raises `NotSavable` for a map that is not in the list, such as a stranger's, and for one that holds a
    Python function.
    """
    if isinstance(fitted, Chain):
        return {"map": "chain", "state": {"maps": [to_data(step) for step in fitted.maps]}}
    for name, kind in MAPS.items():
        if isinstance(fitted, kind):
            return {"map": name, "state": fitted.state()}
    raise NotSavable(
        f"{type(fitted).__name__} is none of the maps that are saved as plain data: {some(MAPS)}."
    )


def from_data(data: dict[str, Any]) -> Map:
    """Build the map again; raises `UnknownName`, `Damaged`."""
    name = str(data.get("map"))
    if name != "chain" and name not in MAPS:
        raise unknown("fitted encoder", name, [*MAPS, "chain"])
    try:
        if name == "chain":
            return chain(*(from_data(step) for step in data["state"]["maps"]))
        made: Map = MAPS[name].from_state(data["state"])
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise Damaged(
            f"The saved encoder `{name}` is incomplete: {error!r}. Encode the rows again."
        ) from error
    return made
