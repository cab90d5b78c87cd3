"""Where answers may be written: never over what they were made of, and no two into one file.

This module must not know what is written.
"""

from __future__ import annotations

import os
from pathlib import Path

from vecwise.errors import Inapplicable
from vecwise.store.os_errors import shown


def refuse_overwriting(path: str, *targets: str | None) -> None:
    """Raise `Inapplicable` where a target is the input, lies inside an input folder, or is named twice.

    >>> refuse_overwriting("rows.csv", "kept.csv", None)
    """
    places: list[Path] = []
    for target in targets:
        if target is None:
            continue
        place = Path(os.path.realpath(target))
        source = None if path == "-" else Path(os.path.realpath(path))
        if source is not None and (place == source or (source.is_dir() and source in place.parents)):
            raise Inapplicable(
                f"{shown(target)} is the input, which is never overwritten. Give another name."
            )
        if place in places:
            raise Inapplicable(f"{shown(target)} is named for two answers. Give each a file of its own.")
        places.append(place)
