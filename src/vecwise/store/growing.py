"""What is known of vectors that are saved chunk by chunk: whether the next chunk fits, and their manifest in the end.

This module must not know how parts are written.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from vecwise.errors import DuplicateName, WrongType, some
from vecwise.store import parts
from vecwise.store.manifest import Manifest, Part
from vecwise.store.named_files import File
from vecwise.vectors import Vectors


class Growing:
    """The vectors so far; `take` refuses a chunk that does not fit under them."""

    def __init__(self, first: Vectors) -> None:
        self._first, self._space = first, first.space
        self._rows = parts.check_columns(first.rows)
        self._risen: list[np.ndarray] = []  # ids that have only risen, which are all different
        self._seen: set[Any] | None = None  # all ids, once they fall or are names
        self.count = 0

    def take(self, X: Vectors) -> Any:
        """Count a chunk in; gives its rows with plain Arrow types."""
        rows = self._rows if X is self._first else parts.check_columns(X.rows)
        self._space.must_match(X.space, "save together")
        if (X.dtype, X.is_sparse) != (self._first.dtype, self._first.is_sparse) or self._columns(rows):
            raise WrongType(
                "The chunks to save have vectors or rows of different types. Give all of them one type."
            )
        self._take_ids(X.ids)
        self._space = self._space.with_claims(self._space.claims & X.space.claims)
        self.count += len(X)
        return rows

    def _columns(self, rows: Any) -> bool:
        if rows is None or self._rows is None:
            return rows is not self._rows
        return not rows.schema.equals(self._rows.schema)

    def _take_ids(self, ids: np.ndarray) -> None:
        rising = ids.dtype != object and self._seen is None and bool((ids[1:] > ids[:-1]).all())
        if rising and (not self._risen or not len(ids) or ids[0] > self._risen[-1][-1]):
            self._risen += [ids] if len(ids) else []
            return
        if self._seen is None:
            self._seen = {name for part in self._risen for name in part.tolist()}
            self._risen = []
        for name in ids.tolist():
            if name in self._seen:
                raise DuplicateName(
                    f"Some rows were selected twice, such as {some([name])}, and saved rows need ids of their own. "
                    "Number them anew: vw.Vectors(X, ids=range(len(X)))."
                )
            self._seen.add(name)

    def manifest(
        self, generation: int, made: Sequence[Part], encoder: Any, arrays: File | None, identity: str | None
    ) -> Manifest:
        """What the folder holds now."""
        return Manifest(
            generation=generation,
            rows=self.count,
            dtype=self._first.dtype.name,
            sparse=self._first.is_sparse,
            columns=None if self._rows is None else self._rows.column_names,
            space=self._space,
            encoder=encoder,
            parts=tuple(made),
            arrays=arrays,
            identity=identity,
        )
