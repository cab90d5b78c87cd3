"""The fitted map of a table: frozen columns side by side, as one matrix in one space.

This module must not know how columns were fitted, nor what any kind of column writes.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, chain, groupby
from typing import Any, Final, Self

import numpy as np

from vecwise.encoders.columns import BOOLEAN, DATE, NUMBER
from vecwise.encoders.table_columns import KINDS, Cells, Column
from vecwise.errors import DuplicateName, some
from vecwise.kernels.pieces import side_by_side
from vecwise.space import Space, mint_frame
from vecwise.vectors import Vectors

MOST_DENSE: Final = 1_000  # more dimensions of categories, hashes and words than this are kept sparse


@dataclass(frozen=True)
class TableMap:
    """Frozen columns: an Arrow table to float64, column blocks side by side.

    The result is dense, or CSR where more than 1,000 dimensions are those of categories, hashes and sparse texts.
    """

    target: Space
    columns: tuple[Column, ...]

    @classmethod
    def of(cls, columns: tuple[Column, ...]) -> Self:
        """Mint the space: the axes are the columns and how each is read, its fills left out."""
        features = tuple([feature for column in columns for feature in column.features])
        if len(set(features)) < len(features):
            twice = sorted(name for name, times in Counter(features).items() if times > 1)
            raise DuplicateName(f"Two columns would give the same feature names: {some(twice)}. Rename one.")
        frame = mint_frame("table", [column.meaning() for column in columns])
        return cls(Space(len(features), frame, features, name="TableEncoder"), columns)

    @property
    def sources(self) -> tuple[str, ...]:
        """The source column of every dimension."""
        return tuple([column.name for column in self.columns for _ in column.features])

    @cached_property
    def is_sparse(self) -> bool:
        """Whether the vectors are CSR: a property of the fitted columns, never of the rows."""
        return sum(column.wide for column in self.columns) > MOST_DENSE

    def __call__(self, table: Any, /) -> Vectors:
        """Encode every row, column block by column block."""
        return self.encode(Cells(_typed(table, self.columns)))

    def encode(self, cells: Cells) -> Vectors:
        """Encode a table whose labels may have been read before."""
        values = self._sparse(cells) if self.is_sparse else self._dense(cells, self.columns)
        ids = np.arange(cells.table.num_rows)
        # Every column has refused what is not finite, so the matrix is not searched for it once more.
        return Vectors._trusted(values, ids, cells.table, self.target, self)

    def _dense(self, cells: Cells, columns: tuple[Column, ...]) -> np.ndarray:
        widths = [len(column.features) for column in columns]
        starts = accumulate(widths, initial=0)
        blocks = (column.pieces(cells, at) for column, at in zip(columns, starts, strict=False))
        return side_by_side(cells.table.num_rows, sum(widths), chain.from_iterable(blocks))

    def _sparse(self, cells: Cells) -> Any:
        from scipy.sparse import csr_array, hstack

        blocks: list[Any] = []
        for wide, columns in groupby(self.columns, lambda column: column.wide > 0):
            if wide:
                blocks += [column.sparse(cells) for column in columns]
            else:
                blocks.append(csr_array(self._dense(cells, tuple(columns))))
        return hstack(blocks, format="csr")

    def state(self) -> dict[str, Any]:
        """Plain data. Raises `NotSavable` for a text column whose map is none that is saved."""
        names = {kind: name for name, kind in KINDS.items()}
        return {"columns": [{"is": names[type(column)], **column.data()} for column in self.columns]}

    @classmethod
    def from_state(cls, state: dict[str, Any], /) -> Self:
        """Build the same map from its plain data."""
        parts = [dict(column) for column in state["columns"]]
        return cls.of(tuple(KINDS[part.pop("is")].of(part) for part in parts))


def _typed(table: Any, columns: tuple[Column, ...]) -> Any:
    """Columns without a single value, which have no type of their own, get that of the fitted column."""
    import pyarrow as pa

    kinds = {NUMBER: pa.float64(), BOOLEAN: pa.bool_(), DATE: pa.timestamp("us")}
    for column in columns:
        place = table.schema.get_field_index(column.name)
        if place >= 0 and pa.types.is_null(table.schema.field(place).type):
            kind = kinds.get(column.kind, pa.string())
            table = table.set_column(place, column.name, table.column(place).cast(kind))
    return table
