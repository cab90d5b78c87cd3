"""Rows of a table as vectors: `TableEncoder`, its options and what they may hold.

This module must not know how a column is chosen, which is `guess`, nor how one is fitted, which is `column_folds`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Self

import numpy as np

from vecwise.encoders.base import Encoder, Remember
from vecwise.encoders.column_folds import ENCODINGS, ORDERS
from vecwise.encoders.options import PerColumn, factor, one_of, per_column, whole
from vecwise.encoders.registry import as_encoder
from vecwise.encoders.scales import SCALES
from vecwise.encoders.table_columns import Cells
from vecwise.encoders.table_fold import TableFold
from vecwise.encoders.table_map import TableMap
from vecwise.errors import DuplicateName, WrongShape, WrongType, some, unknown
from vecwise.runner import Progress
from vecwise.store.rows import columns_as_table
from vecwise.vectors import Vectors
from vecwise.verbs import Fold

__all__ = ["TableEncoder", "TableFold", "TableMap"]

MISSING: Final = ("error", "mean", "median", "indicator")
UNKNOWN: Final = ("error", "zeros")
_LISTS: Final = ("columns", "categorical")


class TableEncoder(Encoder):
    """Rows of a table as vectors: numbers, true/false, dates, categories and texts, one block a column.

    `columns` are the columns to encode, in this order (`None`: every column of an encodable type). Numbers come
    as they are, true/false as 1/0, dates as days since 1970-01-01 with the time as a fraction. Columns of text are
    categories; `categorical` names number columns to treat so too. Every option below is one value for all
    columns, or a mapping by column.

    `categories`: `"one-hot"` (a dimension `column=value` each), `"ordinal"` (one dimension, the place in the order)
    or `"hashing"` into `hash_dim` dimensions (nothing is learned; equal to scikit-learn's `FeatureHasher`). A column
    that the mapping names is a category. `order`: `"sorted"` (numbers by size, text by its characters),
    `"frequency"`, `"first"` (as they appear), or, by column, a list; the order of a pandas Categorical is not taken.
    `unknown`: what an unseen category becomes, `"error"` or `"zeros"` (an ordinal is -1).

    `text` maps columns to encoders of text or their names, such as `{"description": "tfidf"}`; their dimensions are
    named `column: word`. `missing`: `"error"`, or what fills an empty cell or NaN: `"mean"`, `"median"`, or
    `"indicator"`, which is the mean and a dimension `column is missing` of 1 and 0, if fitting met a gap. Under any
    but `"error"` an empty category is all zeros (an ordinal is -1) and an empty text is a text of no words.

    `scale` (numbers and dates, and true/false where named): `"standard"`, `"min-max"`, `"robust"`, by the cells that
    are there, as scikit-learn's scalers. Spreads are exact to rounding however the rows were cut. `weights` multiply
    the whole block of a column.

    Gives float64 of shape `(rows, dim)`: dense, or CSR when more than 1,000 dimensions are those of one-hot or hashed
    categories and of sparse texts.

    Raises `UnknownName` for a column or category that is not there, `MissingValue` and `NonFinite` with row numbers,
    `OutOfRange` for numbers that float64 cannot hold, `NothingToEncode`, `Inapplicable`, and `TooLarge` above
    1,000,000 one-hot categories in a column.

    >>> from vecwise import TableEncoder
    >>> encoder = TableEncoder(columns=["bedrooms", "sqft_lot"])
    >>> encoder.fit_transform({"bedrooms": [3, 3], "sqft_lot": [5650, 7242]})
    array([[3.000e+00, 5.650e+03],
           [3.000e+00, 7.242e+03]])
    >>> scaled = TableEncoder(scale={"price": "min-max"}, categories={"size": "ordinal"}, order={"size": ["S", "L"]})
    >>> scaled.fit_transform({"price": [10, 30, 20], "size": ["L", "S", "S"], "kind": ["a", "b", "a"]})
    array([[0. , 1. , 1. , 0. ],
           [1. , 0. , 0. , 1. ],
           [0.5, 0. , 1. , 0. ]])
    >>> scaled.get_feature_names_out().tolist(), scaled.sources_.tolist()
    (['price', 'size', 'kind=a', 'kind=b'], ['price', 'size', 'kind', 'kind'])
    """

    rows_a_chunk = None  # a column is read at once
    _columns_in: tuple[str, ...] = ()

    def __init__(
        self,
        columns: Sequence[str] | None = None,
        *,
        categorical: Sequence[str] = (),
        categories: str | Mapping[str, str] = "one-hot",
        order: str | Mapping[str, str | Sequence[str]] = "sorted",
        hash_dim: int | Mapping[str, int] = 1024,
        text: Mapping[str, Any] | None = None,
        missing: str | Mapping[str, str] = "error",
        unknown: str | Mapping[str, str] = "error",
        scale: str | Mapping[str, str | None] | None = None,
        weights: Mapping[str, float] | None = None,
    ) -> None:
        self.columns = columns
        self.categorical = categorical
        self.categories = categories
        self.order = order
        self.hash_dim = hash_dim
        self.text = text
        self.missing = missing
        self.unknown = unknown
        self.scale = scale
        self.weights = weights

    @property
    def sources_(self) -> np.ndarray:
        """The source column of every column that `transform` gives, as an object array."""
        fitted: Any = self.map_
        return np.array(fitted.sources, dtype=object)

    def partial_fit(self, rows: Any, y: Any = None) -> Self:
        """Learn from more rows; any cut into parts gives what one `fit` on all rows gives."""
        if isinstance(rows, np.ndarray):
            self._check_array(rows, self._seen is not None)
        table, names = columns_as_table(rows, self._named())
        super().partial_fit(table)
        self._columns_in = names
        return self

    def transform(self, rows: Any) -> Any:
        """Encode rows: an array of shape `(rows, dim)`, CSR for many categories, or what `set_output` chose."""
        if isinstance(rows, np.ndarray):
            self._check_array(rows, True)
        fitted: Any = self.map_
        table, _ = columns_as_table(rows, [column.name for column in fitted.columns])
        return self._given(fitted(table), rows)

    def fit_transform(self, rows: Any, y: Any = None) -> Any:
        """`fit`, then `transform` of the same rows, which are read once."""
        table, names = columns_as_table(rows, self._named())
        made = self.fit_encode(table)
        self._columns_in = names
        return self._given(made, rows)

    def _named(self) -> set[str]:
        """The columns that options name, if these are all that are encoded: no other one need be read."""
        if self.columns is None:
            return set()
        lists = (self.columns, self.categorical, self.text)
        rules = (
            self.categories,
            self.order,
            self.hash_dim,
            self.missing,
            self.unknown,
            self.scale,
            self.weights,
        )
        naming = (o for o in (*lists, *rules) if isinstance(o, Iterable) and not isinstance(o, str))
        return {str(name) for names in naming for name in names}

    @property
    def costly(self) -> bool:  # type: ignore[override]
        """Whether an encoder of a text column is."""
        inner = [as_encoder(e) if isinstance(e, str) else e for e in (self.text or {}).values()]
        return any(getattr(encoder, "costly", False) for encoder in inner)

    def fit_encode(
        self, table: Any, /, *, progress: Progress | None = None, remember: Remember | None = None
    ) -> Vectors:
        """Fit on an Arrow table and give its vectors; labels are read once."""
        if remember is not None and self.costly:
            return super().fit_encode(table, progress=progress, remember=remember)
        self._seen, self._map = None, None  # a failed fit leaves nothing learned, old or new
        fold: Any = self.folded()
        cells = Cells(table)
        seen = fold.read(cells)
        fitted = fold.done(seen)
        made: Vectors = fitted.encode(cells)
        self._seen, self._map, self._opened = seen, fitted, False
        self._columns_in = tuple(table.column_names)
        if progress:
            progress(table.num_rows, table.num_rows)
        return made

    def _fold(self) -> TableFold:
        for option in _LISTS:
            if isinstance(getattr(self, option), str):
                raise WrongType(f"`{option}` is a list of names, not the text `{getattr(self, option)}`.")
        columns = None if self.columns is None else tuple(self.columns)
        if columns is not None and len(set(columns)) < len(columns):
            raise DuplicateName(f"`columns` names a column twice: {some(columns)}.")
        inner = {str(name): _fold_of(name, encoder) for name, encoder in (self.text or {}).items()}
        return TableFold(columns, tuple(self.categorical), self._options(), inner)

    def _options(self) -> dict[str, PerColumn]:
        words = one_of("scale", SCALES)
        rules = (
            ("categories", "one-hot", one_of("encoding of categories", ENCODINGS)),
            ("order", "sorted", _order),
            ("hash_dim", 1024, whole("hash_dim")),
            ("missing", "error", one_of("policy for missing values", MISSING)),
            ("unknown", "error", one_of("policy for unknown categories", UNKNOWN)),
            ("scale", None, lambda value: None if value is None else words(value)),
        )
        options = {name: per_column(name, getattr(self, name), *rule) for name, *rule in rules}
        if self.weights is not None and not isinstance(self.weights, Mapping):
            raise WrongType(f'`weights` is a mapping such as {{"price": 2.0}}, not {self.weights!r}.')
        return {**options, "weights": per_column("weights", self.weights or {}, 1.0, factor)}

    # ---- what scikit-learn asks ----

    @property
    def feature_names_in_(self) -> np.ndarray:
        """The columns of the table that was fitted, as an object array; those of an array are `x0`, `x1`, …"""
        names = self._columns_in
        if (
            not names or not self.is_fitted
        ):  # opened from a file, which knows the columns it needs; or neither
            fitted: Any = self.map_
            names = tuple([column.name for column in fitted.columns])
        return np.array(names, dtype=object)

    @property
    def n_features_in_(self) -> int:
        """How many columns the table had that was fitted."""
        return len(self.feature_names_in_)

    def _check_array(self, rows: np.ndarray, known: bool) -> None:
        """The columns of an array are known by their places, so their number must not change."""
        if rows.ndim == 1 and rows.dtype.kind in "biuf":
            raise WrongShape(
                f"An array of shape {rows.shape} may be one row or one column. Reshape your data: "
                "array.reshape(1, -1) for one row, array.reshape(-1, 1) for one column."
            )
        if known and rows.ndim == 2 and rows.shape[1] != self.n_features_in_:
            raise WrongShape(
                f"X has {rows.shape[1]} features, but TableEncoder is expecting {self.n_features_in_} features as "
                "input. Give an array of as many columns, or a table, whose columns have names."
            )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = self.missing != "error"
        return tags

    # ---- the encoders inside, as scikit-learn names parts of parts ----

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The constructor's arguments; with `deep` those of the text encoders too, as `text__column__name`."""
        params = super().get_params(deep)
        for column, encoder in (self.text or {}).items() if deep else ():
            inner = encoder.get_params(True) if hasattr(encoder, "get_params") else {}
            params[f"text__{column}"] = encoder
            params |= {f"text__{column}__{name}": value for name, value in inner.items()}
        return params

    def set_params(self, **params: Any) -> Self:
        """Set constructor arguments, also those of text encoders; what was learned is forgotten."""
        inner = {name: value for name, value in params.items() if name.startswith("text__")}
        super().set_params(**{name: value for name, value in params.items() if name not in inner})
        for name, value in inner.items():
            self._set_inner(name, value)
        return self

    def _set_inner(self, name: str, value: Any) -> None:
        found = [column for column in self.text or {} if f"{name}__".startswith(f"text__{column}__")]
        if not found:
            raise unknown("parameter of TableEncoder", name, list(self.get_params()))
        column = max(found, key=len)  # a column's name may hold two underscores itself
        rest = name[len(f"text__{column}__") :]
        if rest:
            dict(self.text or {})[column].set_params(**{rest: value})
        else:
            self.text = {**(self.text or {}), column: value}


def _fold_of(name: str, encoder: Any) -> Fold[Any, Any, Any]:
    encoder = as_encoder(encoder) if isinstance(encoder, str) else encoder
    if not hasattr(encoder, "_fold"):
        raise WrongType(
            f"`text` maps columns to encoders such as TfidfEncoder(); for `{name}` it holds {encoder!r}."
        )
    fold: Fold[Any, Any, Any] = encoder._fold()
    return fold


def _order(value: Any) -> str | tuple[str, ...]:
    if isinstance(value, str):
        return one_of("order of categories", ORDERS)(value)
    labels = tuple(map(str, value))
    if not labels or len(set(labels)) < len(labels):
        raise DuplicateName(f"An `order` lists every category once, not {some(labels)}.")
    return labels
