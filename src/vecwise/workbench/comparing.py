"""Two files of the same rows, compared as spaces.

This module must not know how its answers are printed.
"""

from __future__ import annotations

from typing import Any

from vecwise.errors import OutOfRange
from vecwise.loading import load
from vecwise.models.compare import compare
from vecwise.telling.answer import Answer
from vecwise.telling.traced import told_comparison
from vecwise.workbench.outputs import refuse_overwriting
from vecwise.workbench.tracked import tracked
from vecwise.workbench.views import display_name


@tracked("compare")
def compare_of(
    path: str,
    other: str,
    *,
    k: int = 10,
    least: float | None = None,
    html: str | None = None,
    seed: int = 0,
    command: str = "",
    **options: Any,
) -> Answer:
    """Compare the spaces of two saved folders or files, row by row with the same id.

    `html` gets a page whose slider goes from one to the other; with `least` the status is 1 where rows keep less than
    that share of their k nearest.
    """
    if least is not None and not 0 <= least <= 1:
        raise OutOfRange(f"`least` is the share of neighbours to keep, from 0 to 1, not {least!r}.")
    refuse_overwriting(path, html)
    refuse_overwriting(other, html)
    left, right = (load(side, seed=seed, **options).vectors for side in (path, other))
    found = compare(left, right, k=k, seed=seed)
    names = (display_name(path), display_name(other))
    names = names if names[0] != names[1] else (path, other)
    if html is not None:
        from vecwise.stage_pictures import compare_report, write_page

        write_page(html, compare_report(found, name=" and ".join(names), names=names, command=command))
    status = int(least is not None and found.overlap.mean < least)
    return told_comparison(names, found, html, status, least)
