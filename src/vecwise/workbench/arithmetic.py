"""Vector arithmetic on the command line: items typed as words become one vector to search for.

This module must not know how a search goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vecwise.errors import EmptyInput
from vecwise.measure.combine import combine
from vecwise.vectors import Vectors
from vecwise.workbench.views import known_id


def combined_query(X: Vectors, plus: Sequence[str], minus: Sequence[str]) -> tuple[Vectors, list[Any]]:
    """Give the vector of `--plus A --plus B --minus C`, and the ids of those items that are rows of X.

    An item is the id of a row, or else a text that the encoder of X reads. The ids are to be left out of what is
    found: a combination is nearest to what it was made of. Raises `EmptyInput` without `plus`, and what
    `combine` raises.
    """
    if not plus:
        raise EmptyInput("There is nothing to add. Give at least one --plus ITEM beside --minus.")
    items = [[_item(X, text) for text in given] for given in (plus, minus)]
    made = combine(X, plus=[item for item, _ in items[0]], minus=[item for item, _ in items[1]])
    return made, list(dict.fromkeys(item for given in items for item, own in given if own))


def _item(X: Vectors, text: str) -> tuple[Any, bool]:
    known = known_id(X, text)
    return (text, False) if known is None else (known, True)
