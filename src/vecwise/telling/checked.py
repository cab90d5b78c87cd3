"""The health of vectors, in words and as data.

This module must not know the command line, nor compute anything.
"""

from __future__ import annotations

from collections.abc import Sequence

from vecwise.draw.words import share
from vecwise.errors import unknown
from vecwise.measure.health import Health
from vecwise.space import Space
from vecwise.table_text import clip
from vecwise.telling.answer import Answer
from vecwise.telling.words import (
    range_words,
    space_data,
    wrapped,
)


def healthy(
    name: str, found: Health, space: Space, *, strict: bool = False, allow: Sequence[str] = ()
) -> Answer:
    """Tell the health of vectors: a line a check; status 1 when something is wrong, or with `strict` worth a look.

    Checks named by `allow` do not count; raises `UnknownName` for one that there is not.
    """
    known = [check.name for check in found.checks]
    for check_name in allow:
        if check_name not in known:
            raise unknown("check", check_name, known)
    failing = ("wrong", "look") if strict else ("wrong",)
    status = int(found.verdict_without(allow) in failing)
    marks = {"fine": "fine ", "look": "LOOK ", "wrong": "WRONG"}
    lines = []
    for check in found.checks:
        lines += wrapped(f"{marks[check.verdict]}  {check.name}: {check.reason}", " " * 7)
        if check.remedy:
            lines += wrapped(f"       {check.remedy}", " " * 7)
    kind = "sparse" if found.sparse else "dense"
    facts = [
        f"{kind} {found.dtype}, {share(found.density)} of the cells are not zero",
        *(f"{n.upper()} norm {range_words(found.norms[n])}" for n in ("l1", "l2")),
        f"standard deviation of a dimension {range_words(found.spread)}",
        *wrapped(found.advice),
    ]
    head = f"{clip(name, 60)}: {found.rows:,} × {found.dim:,}, {found.verdict}"
    data = {
        "name": name,
        "space": space_data(space),
        **found.to_dict(),
        "allowed": list(allow),
        "status": status,
    }
    return Answer([(head, facts), ("Checks", lines)], data, status)
