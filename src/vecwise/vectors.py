"""The value: a read-only matrix that knows its rows, its ids and its space.

This module must not know encoders, files, engines or how anything is computed beyond vector arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from vecwise.errors import (
    NonFinite,
    SpaceMismatch,
    WrongShape,
    WrongType,
    missing_package,
    some,
)
from vecwise.kernels.arrays import as_matrix, is_sparse, nonfinite_rows, oddities
from vecwise.kernels.arrow import whole_numbers
from vecwise.kernels.frames import held
from vecwise.kernels.norms import row_norms
from vecwise.row_ids import as_ids, places_by_id, places_of
from vecwise.space import Space, _zero_maker
from vecwise.table_text import count, preview_html, preview_text, verb

if TYPE_CHECKING:
    import pyarrow as pa

UNIT_TOLERANCE = 1e-3  # of a row's length, for the claim "unit"


class Vectors:
    """A read-only matrix of shape `(rows, dim)` with one id per row, the rows it came from, and a `Space`.

    `values` is anything NumPy reads as numbers, of shape `(rows, dim)` or `(dim,)` for one row, a SciPy
    sparse matrix, a tensor of PyTorch, JAX or whatever speaks DLPack, other `Vectors`, or a frame: with
    columns of numbers (pandas, Polars, Arrow), whose names become the features and whose pandas index the
    ids, or with one column of lists, which are the vectors, the other columns being their rows. A Series or
    Arrow array of lists gives a row each. float32 and float64 are kept, float16, bfloat16 and whole numbers
    are widened. `ids` are whole numbers or strings (numbered from 0 without them); `rows` is an Arrow table
    with one row each. Without `space` the vectors get a fresh space of their own, which meets no other.

    Arrays, CPU tensors and Arrow lists of float32 or float64 in row order and one piece are viewed, not
    copied: who changes them later changes the vectors. Everything else is copied. No input is changed.

    They behave as a vector space: `+`, `-`, scaling by a number, `-X` and `space.zero()` stay in the space.
    Addition is commutative to the bit, and associative to 4 units in the last place of the sum of
    magnitudes, `|x| + |y| + |z|`. Rows are added one to one, or one row to all; the result keeps the ids of
    the longer side or those both sides share, and counts from 0 otherwise. Numbers are selected by place
    (`X[0]`, `X[2:5]`, a mask), strings by id (`X["a"]`); `X.by_id(7)` takes ids that are numbers.

    Raises `WrongShape`, `WrongType`, `DuplicateName` (ids), `OutOfRange` for whole numbers beyond 2^53,
    `MissingValue` for empty cells, and `NonFinite` with the row ids or when a sum overflows;
    `SpaceMismatch` when vectors of two spaces meet, or columns are not those of `space` in its order.

    >>> import vecwise as vw
    >>> X = vw.Vectors([[3.0, 4.0], [1.0, 0.0]], ids=["a", "b"])
    >>> X.shape
    (2, 2)
    >>> (2 * X)["a"].values
    array([[6., 8.]])
    """

    __array_ufunc__ = None  # so that `array + X` is refused and never becomes a bare array
    __slots__ = ("encoder", "ids", "note", "rows", "space", "values")

    values: Any
    ids: np.ndarray
    rows: pa.Table | None
    space: Space
    encoder: Callable[[Any], Vectors] | None
    note: str  # how they were made, in words, where something was guessed

    def __init__(
        self,
        values: Any,
        ids: Any = None,
        rows: pa.Table | None = None,
        space: Space | None = None,
        *,
        encoder: Callable[[Any], Vectors] | None = None,
    ) -> None:
        if isinstance(values, Vectors):
            ids = values.ids if ids is None else ids
            rows = values.rows if rows is None else rows
            values = values.values
        features = None
        frame = held(values, with_ids=ids is None)
        if frame is not None:
            values, features = frame.values, frame.features
            ids = frame.ids if ids is None else ids
            rows = frame.rows if rows is None else rows
        matrix = as_matrix(values)
        if space is not None and not isinstance(space, Space):
            raise WrongType(f"`space` is a Space such as X.space, not {type(space).__name__}.")
        if space is not None and features is not None:
            _refuse_other_columns(features, space)
        space = Space(matrix.shape[1], features=features) if space is None else space
        if matrix.shape[1] != space.dim:
            raise WrongShape(
                f"`values` has {count(matrix.shape[1], 'dimension')}; {space.label} expects {space.dim}."
            )
        names = as_ids(ids, matrix.shape[0])
        if rows is not None and not hasattr(rows, "num_rows"):
            raise WrongType(f"`rows` is an Arrow table with a row each, not {type(rows).__name__}.")
        if rows is not None and rows.num_rows != matrix.shape[0]:
            raise WrongShape(f"`rows` has {count(rows.num_rows, 'row')}; `values` has {matrix.shape[0]}.")
        self._set(matrix, names, rows, _checked(space, matrix, names), encoder)

    def _set(self, values: Any, ids: Any, rows: Any, space: Space, encoder: Any, note: str = "") -> None:
        if ids.flags.writeable:
            ids = ids.view()
            ids.flags.writeable = False
        for name, value in zip(
            ("values", "ids", "rows", "space", "encoder", "note"),
            (values, ids, rows, space, encoder, note),
            strict=True,
        ):
            object.__setattr__(self, name, value)

    @classmethod
    def _trusted(
        cls, values: Any, ids: np.ndarray, rows: Any, space: Space, encoder: Any = None, note: str = ""
    ) -> Vectors:
        """Build from parts that were checked before: selection and arithmetic do not check again."""
        made = object.__new__(cls)
        made._set(as_matrix(values, ours=True), ids, rows, space, encoder, note)
        return made

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"`Vectors` are read-only; `{name}` cannot be set. Build new ones instead.")

    def __reduce__(self) -> tuple[Any, ...]:
        return (_rebuild, (self.values, self.ids, self.rows, self.space, self.encoder, self.note))

    # ---- shape and conversion ----

    @property
    def shape(self) -> tuple[int, int]:
        """`(rows, dim)`."""
        return (int(self.values.shape[0]), int(self.values.shape[1]))

    @property
    def dtype(self) -> np.dtype[Any]:
        """float32 or float64."""
        return np.dtype(self.values.dtype)

    @property
    def is_sparse(self) -> bool:
        """Whether `values` is a SciPy CSR array, for vectors that are mostly zero."""
        return is_sparse(self.values)

    def __len__(self) -> int:
        return self.shape[0]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        dense = self.values.toarray() if self.is_sparse else self.values
        return np.array(dense, dtype=dtype, copy=copy)

    def to_pandas(self) -> Any:
        """Give a pandas DataFrame: one row per vector, indexed by id, one column per feature.

        Sparse vectors give sparse columns. Raises `MissingPackage` without pandas.

        >>> import vecwise as vw
        >>> X = vw.Vectors([[3, 5650]], space=vw.Space(2, features=("bedrooms", "sqft_lot")))
        >>> X.to_pandas().columns.tolist()
        ['bedrooms', 'sqft_lot']
        """
        try:
            import pandas as pd
        except ImportError as error:
            raise missing_package("pandas", "to_pandas()", "'vecwise[pandas]'") from error
        columns = list(self.space.feature_names())
        if self.is_sparse:
            return pd.DataFrame.sparse.from_spmatrix(self.values, index=self.ids, columns=columns)
        return pd.DataFrame(self.values, index=self.ids, columns=columns)

    # ---- selection: names, ids and rows stay aligned ----

    def __getitem__(self, key: Any) -> Vectors:
        index: Any = places_of(key, self.ids)
        if len(index) and (np.diff(index) == 1).all():  # neighbours: views of the numbers and of the rows
            rows = None if self.rows is None else self.rows.slice(int(index[0]), len(index))
            index = slice(int(index[0]), int(index[-1]) + 1)
        else:
            rows = None if self.rows is None else self.rows.take(whole_numbers(index))
        space = self.space.with_claims(self.space.claims - {"centered"})  # some of centered rows need not be
        return Vectors._trusted(self.values[index], self.ids[index], rows, space, self.encoder, self.note)

    def __iter__(self) -> Iterator[Vectors]:
        return (self[i] for i in range(len(self)))

    def by_id(self, ids: Any) -> Vectors:
        """Select rows by their ids, one or several, in the order given; for ids that are numbers too.

        Raises `UnknownName` for an id that no row has.
        """
        wanted = [ids] if isinstance(ids, (str, int, np.integer)) else list(ids)
        return self[places_by_id(wanted, self.ids)]

    # ---- a vector space: closed, so every result has the same axes ----

    def __add__(self, other: Any) -> Vectors:
        return self._combine(other, 1)

    def __sub__(self, other: Any) -> Vectors:
        return self._combine(other, -1)

    def __neg__(self) -> Vectors:
        return self._derived(-self.values, self.space.claims - {"non-negative"})

    def __mul__(self, factor: Any) -> Vectors:
        if not isinstance(factor, (int, float, np.integer, np.floating)) or isinstance(factor, bool):
            return NotImplemented
        if isinstance(factor, (float, np.floating)) and not np.isfinite(factor):
            raise NonFinite(f"Cannot scale vectors by {factor}.")
        keeps = {"centered"} | ({"non-negative"} if factor >= 0 else set())
        return self._derived(self._scaled(np.multiply, factor), self.space.claims & keeps)

    __rmul__ = __mul__

    def __truediv__(self, factor: Any) -> Vectors:
        if not isinstance(factor, (int, float, np.integer, np.floating)) or isinstance(factor, bool):
            return NotImplemented
        if factor == 0 or (isinstance(factor, (float, np.floating)) and not np.isfinite(factor)):
            raise NonFinite(f"Cannot divide vectors by {factor}.")
        keeps = {"centered"} | ({"non-negative"} if factor > 0 else set())
        return self._derived(self._scaled(np.divide, factor), self.space.claims & keeps)

    def __radd__(self, other: Any) -> Vectors:
        return self if isinstance(other, int) and other == 0 else NotImplemented  # so that `sum` works

    def _scaled(self, operation: Any, factor: Any) -> Any:
        """In float64, since a factor may lie outside float32 while the result does not."""
        cells = self.values.data if self.is_sparse else self.values
        try:
            with np.errstate(over="ignore", under="ignore"):  # `_derived` refuses what overflowed
                made = operation(cells, float(factor), dtype=np.float64).astype(self.dtype)
        except OverflowError as error:
            raise NonFinite("The factor is too large for float64.") from error
        if not self.is_sparse:
            return made
        return type(self.values)((made, self.values.indices, self.values.indptr), shape=self.values.shape)

    def _derived(self, values: Any, claims: frozenset[str]) -> Vectors:
        _refuse_overflow(values)
        return Vectors._trusted(values, self.ids, self.rows, self.space.with_claims(claims))

    def _combine(self, other: Any, sign: int) -> Vectors:
        if not isinstance(other, Vectors):
            return NotImplemented
        self.space.must_match(other.space, "add" if sign > 0 else "subtract")
        left, right = self, other
        if len(left) != len(right) and 1 not in (len(left), len(right)):
            raise WrongShape(
                f"Cannot combine {len(left)} rows with {len(right)}: equal numbers, or one row, are added."
            )
        a, b = _same_shape(left.values, right.values)
        with np.errstate(over="ignore"):
            values = a + b if sign > 0 else a - b
        _refuse_overflow(values)
        claims = (
            left.space.claims
            & right.space.claims
            & ({"non-negative", "centered"} if sign > 0 else {"centered"})
        )
        ids, rows = _sum_names(left, right)
        return Vectors._trusted(values, ids, rows, left.space.with_claims(claims))

    # ---- words ----

    def __repr__(self) -> str:
        return preview_text(self._headline(), *self._preview())

    def _repr_html_(self) -> str:
        return preview_html(self._headline(), *self._preview(), pictures=self._pictures())

    def _pictures(self, rows: int = 5) -> list[bytes]:
        """The first rows as PNG files, where they are images."""
        drawn = [self.picture_of(row) for row in range(min(rows, len(self)))]
        return [picture for picture in drawn if picture is not None]

    def picture_of(self, row: int) -> bytes | None:
        """Give a row as a PNG file if a map that can show it made it in this very space, `None` otherwise."""
        steps: Any = getattr(self.encoder, "maps", (self.encoder,))
        for step in steps if len(self) else ():
            if hasattr(step, "to_png") and step.target.same_axes(self.space):
                made: bytes = step.to_png(self[row])
                return made
        return None

    def _headline(self) -> str:
        kind = "sparse" if self.is_sparse else "dense"
        claims = ", ".join(sorted(self.space.claims)) or "none"
        name = self.space.name or self.space.frame
        made = f", {self.note}" if self.note else ""
        return f"Vectors {len(self):,} × {self.shape[1]:,} {kind} {self.dtype}, space: {name}, claims: {claims}{made}"

    def _preview(self, rows: int = 5, columns: int = 6) -> tuple[list[str], list[list[str]], int]:
        names = self.space.feature_names()[:columns]
        head = np.asarray(self[:rows])[:, :columns] if len(self) else np.zeros((0, len(names)))
        more = ["…"] if self.shape[1] > columns else []
        cells = [
            [str(i), *(f"{x:.4g}" for x in row), *more]
            for i, row in zip(self.ids[:rows].tolist(), head, strict=True)
        ]
        return ["id", *names, *more], cells, max(0, len(self) - rows)


def _refuse_other_columns(columns: tuple[str, ...], space: Space) -> None:
    """Columns in another order would put every number on a wrong axis, and the shape would not tell."""
    if space.features is not None and len(columns) == space.dim and columns != space.features:
        raise SpaceMismatch(
            f"The columns {some(columns)} are not the features of {space.label}, which are "
            f"{some(space.features)}, in this order. Give them so: frame[list(X.space.features)]."
        )


def _rebuild(*parts: Any) -> Vectors:
    return Vectors._trusted(*parts)


def _zero(space: Space, rows: int) -> Vectors:
    claims = space.claims & {"centered", "non-negative"}
    return Vectors._trusted(
        np.zeros((rows, space.dim), np.float32), np.arange(rows), None, space.with_claims(claims)
    )


_zero_maker[:] = [_zero]


def as_vectors(X: Any, like: Vectors | None = None) -> Vectors:
    """Take `Vectors` as they are, and wrap a bare array: into the space of `like`, or one of its own."""
    if isinstance(X, Vectors):
        return X
    if isinstance(X, (Mapping, str)):
        raise WrongType(f"Expected vectors or an array of numbers, not {type(X).__name__}.")
    return Vectors(X, space=None if like is None else like.space.with_claims(()))


def _checked(space: Space, values: Any, ids: np.ndarray) -> Space:
    """Refuse what is no vector, and keep the claims that these numbers bear out; what only its maker can know
    ("centered") is not taken over.
    """
    claims = set(space.claims - {"centered"})
    unit = "unit" in claims and bool((np.abs(row_norms(values, 2) - 1) <= UNIT_TOLERANCE).all())
    if not unit:
        claims.discard("unit")
    if not unit or "non-negative" in claims:  # otherwise the lengths have told already that all is finite
        odd, below = oddities(values)
        if odd:
            bad = nonfinite_rows(values)
            raise NonFinite(
                f"{len(bad):,} of {count(len(ids), 'vector')} {verb(len(bad), 'hold')} NaN or infinity: "
                f"ids {some(ids[bad])}. "
                "Repair or leave out those rows."
            )
        if below:
            claims.discard("non-negative")
    return space.with_claims(claims)


def _same_shape(a: Any, b: Any) -> tuple[Any, Any]:
    """Make two value matrices addable: SciPy neither broadcasts one row nor keeps mixed sums as arrays."""
    if is_sparse(a) != is_sparse(b) or (is_sparse(a) and a.shape != b.shape):
        return (a.toarray() if is_sparse(a) else a), (b.toarray() if is_sparse(b) else b)
    return a, b


def _sum_names(a: Vectors, b: Vectors) -> tuple[np.ndarray, Any]:
    """A sum keeps the names of its longer side, or names both sides share; otherwise rows count from 0."""
    if len(a) != len(
        b
    ):  # one of them is a single row, added to each row of the other, of which there may be none
        many = b if len(a) == 1 else a
        return many.ids, many.rows
    if np.array_equal(a.ids, b.ids):
        return a.ids, a.rows if a.rows is b.rows or b.rows is None else b.rows if a.rows is None else None
    return np.arange(len(a)), None


def _refuse_overflow(values: Any) -> None:
    if len(nonfinite_rows(values)):
        raise NonFinite(
            "The result is too large for its number type. Use float64 vectors, or scale them down first."
        )
