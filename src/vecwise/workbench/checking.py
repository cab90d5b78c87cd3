"""Vectors checked, of whatever a PATH holds: rows that are encoded first, or vectors as they lie on the disk.

This module must not know how its answers are printed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vecwise.given_vectors import vectors_as_they_lie
from vecwise.loading import is_saved, load, vectors_already
from vecwise.row_ids import as_ids
from vecwise.telling.answer import Answer
from vecwise.telling.checked import healthy
from vecwise.workbench.tracked import tracked
from vecwise.workbench.views import display_name


@tracked("health")
def health_of(
    path: str, *, split: str | None = None, strict: bool = False, allow: Sequence[str] = (), **options: Any
) -> Answer:
    """Check the vectors of a PATH; `split` is a column that names each row's split, and is not encoded.

    The status is 1 where something is wrong; with `strict` also where something deserves a look; the checks named by
    `allow` never count. Files of vectors and saved folders are read once: NaN in them is found, not refused.
    """
    from vecwise.measure.health import examined, health

    beside = {name: value for name, value in options.items() if name != "seed"}
    seed = int(options.get("seed", 0))
    if vectors_already(path, **beside) and not is_saved(options.get("encoder")):
        asked = (options.get("ids"), options.get("vectors"))
        lain = vectors_as_they_lie(path, *asked, sample=options.get("sample"), seed=seed)
        ids = as_ids(lain.ids, int(lain.values.shape[0]))
        found = examined(lain.values, ids, lain.rows, lain.space, splits=split, seed=seed)
        space = lain.space
    else:
        if split is not None and not is_saved(options.get("encoder")):
            options["leave_out"] = (split,)
        X = load(path, **options).vectors
        found, space = health(X, splits=split, seed=seed), X.space
    return healthy(display_name(path), found, space, strict=strict, allow=allow)
