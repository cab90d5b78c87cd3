"""Registered models in words and as data.

This module must not know the command line, nor compute anything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vecwise.draw.words import count
from vecwise.table_text import grid
from vecwise.telling.answer import Answer
from vecwise.telling.words import cut

if TYPE_CHECKING:
    from vecwise.tracking.registry import Version


def registered(version: Version) -> Answer:
    """Tell what was registered, and how to use it."""
    names = [
        f"models:/{version.name}/{version.version}",
        *(f"models:/{version.name}@{a}" for a in version.aliases),
    ]
    lines = [
        f"{version.kind} of run {version.run}, kept in {version.path}",
        f"use it as {' or '.join(names)}",
    ]
    return Answer(
        [(f"{version.name}, version {version.version}", [cut(line) for line in lines])], version.to_data()
    )


def listed_models(versions: list[Version]) -> Answer:
    """Tell models as a table."""
    cells = [
        [v.name, str(v.version), ", ".join(v.aliases) or "–", v.kind, v.run, v.made[:16].replace("T", " ")]
        for v in versions
    ]
    lines = [
        cut(line) for line in grid(["model", "version", "aliases", "kind", "run", "registered (UTC)"], cells)
    ]
    if not versions:
        lines = ["none yet: vecwise models register RUN NAME"]
    models = len({version.name for version in versions})
    data = {"models": [version.to_data() for version in versions]}
    return Answer([(f"{count(models, 'model')}, {count(len(versions), 'version')}", lines)], data)
