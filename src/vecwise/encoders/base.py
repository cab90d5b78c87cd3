"""What every encoder shares: the scikit-learn estimator around a fitting fold and the fitted map.

This module must not know any particular encoder, and loads scikit-learn only when scikit-learn asks.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any, ClassVar, Protocol, Self

import numpy as np

from vecwise.encoders.cuts import told_once
from vecwise.errors import NotFitted, VecwiseError, WrongType, missing_package, unknown
from vecwise.kernels.arrays import writable
from vecwise.runner import Progress, apply
from vecwise.space import Space
from vecwise.store.rows import as_table
from vecwise.vectors import Vectors
from vecwise.verbs import Fold, Map


class EncoderMap(Protocol):
    """A fitted encoder: a frozen `Map` from Arrow tables to vectors, which is saved as plain data."""

    @property
    def target(self) -> Space:
        """The space of the vectors that come out."""
        ...

    def __call__(self, table: Any, /) -> Vectors:
        """Encode every row of an Arrow table."""
        ...

    def state(self) -> dict[str, Any]:
        """Everything needed to build the same map again: JSON data, with NumPy arrays anywhere in it."""
        ...

    @classmethod
    def from_state(cls, state: dict[str, Any], /) -> Self:
        """Build the map again."""
        ...


# What a costly encoder calls in place of its map when somebody remembers rows that were encoded before.
Remember = Callable[[Any, Any, Progress | None], Vectors]


class Encoder:
    """A scikit-learn estimator whose fitting is a fold and whose fitted state is a map (`map_`).

    Constructors only store. Subclasses give `_fold()`: a fold over Arrow tables that finishes into an
    `EncoderMap`. Row input is whatever `vecwise.encode` takes.
    """

    reads: ClassVar[str] = (
        "table"  # what of a table: "table" (any columns), one "text" column, or one "image"
    )
    needs_rows: ClassVar[bool] = True  # whether there is anything to learn from rows
    rows_a_chunk: ClassVar[int | None] = 1024  # rows encoded at a time, so that progress moves; None: all
    in_batches: ClassVar[bool] = True  # whether it can be fitted on a file larger than memory
    costly: ClassVar[bool] = (
        False  # whether encoding a row costs far more than looking up that it was encoded
    )
    _seen: Any = None
    _map: Map | None = None
    _opened: bool = False
    _output: str = "default"

    def _fold(self) -> Fold[Any, Any, Any]:
        raise WrongType(f"{type(self).__name__} gives no fold to fit by.")

    def folded(self) -> Fold[Any, Any, Any]:
        """The fitting fold; raises `WrongType` for settings of a type or form that the encoder cannot use."""
        parameters = inspect.signature(type(self).__init__).parameters
        for name, value in self.get_params(deep=False).items():
            if parameters[name].annotation in (bool, "bool") and not isinstance(value, (bool, np.bool_)):
                raise WrongType(f"`{name}` is True or False, not {value!r}.")
        try:
            return self._fold()
        except (TypeError, ValueError, AttributeError, KeyError) as error:
            if isinstance(error, VecwiseError):
                raise
            raise WrongType(f"{self!r}: a setting has a type or form that it cannot use: {error}.") from error

    # ---- fitting ----

    def fit(self, rows: Any, y: Any = None) -> Self:
        """Learn from the rows, forgetting what was learned before; `y` is ignored."""
        opened = self._opened
        self._seen, self._map, self._opened = None, None, False
        try:
            self.partial_fit(rows)
            self._map = self.folded().done(self._seen)  # here and not on use, so that bad rows fail in `fit`
        except BaseException:
            self._seen, self._opened = None, opened  # a failed `fit` leaves nothing learned, old or new
            raise
        return self

    def partial_fit(self, rows: Any, y: Any = None) -> Self:
        """Learn from more rows; any cut into parts gives what one `fit` on all rows gives."""
        if self._opened:
            raise NotFitted(
                f"This {type(self).__name__} was opened from a file, which keeps what was learned and not all that "
                "was counted on the way. Call `fit` to learn anew."
            )
        fold = self.folded()
        self._seen = fold.step(fold.zero() if self._seen is None else self._seen, as_table(rows))
        self._map = None
        return self

    @property
    def is_fitted(self) -> bool:
        """Whether `transform` can be called."""
        return self._map is not None or self._seen is not None or not self.needs_rows

    @property
    def map_(self) -> Map:
        """The fitted, frozen map. Raises `NotFitted` before `fit`."""
        if self._map is None:
            if not self.is_fitted:
                raise NotFitted(f"This {type(self).__name__} has seen no rows yet. Call `fit(rows)` first.")
            fold = self.folded()
            self._map = fold.done(fold.zero() if self._seen is None else self._seen)
        return self._map

    # ---- encoding ----

    def transform(self, rows: Any) -> Any:
        """Encode rows: an array of shape `(rows, dim)`, sparse CSR for counts, or what `set_output` chose."""
        return self._given(self.map_(as_table(rows)), rows)

    def _given(self, made: Vectors, rows: Any) -> Any:
        """What `transform` gives for these vectors: what `set_output` chose."""
        output = self._chosen_output()
        if output == "polars":
            import polars as pl

            return pl.DataFrame(np.asarray(made), schema=list(made.space.feature_names()))
        if output == "pandas":
            frame = made.to_pandas()
            index = getattr(
                rows, "index", None
            )  # a frame keeps its row names, as scikit-learn's users expect
            return frame.set_axis(index, axis=0) if hasattr(index, "get_indexer") else frame
        return writable(made.values)  # made a moment ago, for this caller alone

    def _chosen_output(self) -> str:
        """What `set_output` chose, or what scikit-learn is configured to give."""
        if self._output != "default" or "sklearn" not in sys.modules:
            return self._output
        return str(sys.modules["sklearn"].get_config().get("transform_output", "default"))

    def fit_transform(self, rows: Any, y: Any = None) -> Any:
        """`fit`, then `transform` of the same rows, which are read once where that is possible."""
        return self._given(self.fit_encode(as_table(rows)), rows)

    def fit_encode(
        self, table: Any, /, *, progress: Progress | None = None, remember: Remember | None = None
    ) -> Vectors:
        """Fit on an Arrow table and give its vectors, calling `progress(done, total)` as rows are finished."""
        return self.fit(table).encode(table, progress=progress, remember=remember)

    def encode(
        self, table: Any, /, *, progress: Progress | None = None, remember: Remember | None = None
    ) -> Vectors:
        """Give the vectors of an Arrow table, encoded chunk by chunk; rows are numbered from 0.

        A costly encoder lets `remember`, if it is given, encode in its place.
        """
        with told_once():
            if remember is not None and self.costly:
                return remember(self.map_, table, progress)
            size = self.rows_a_chunk or max(1, table.num_rows)
            made = apply(self.map_, table, size=size, progress=progress)
        return Vectors._trusted(made.values, np.arange(len(made)), made.rows, made.space, self.map_)

    @property
    def space(self) -> Space:
        """The space of the vectors this encoder makes."""
        return self.map_.target

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """The name of every column that `transform` gives, as an object array."""
        return np.array(self.space.feature_names(), dtype=object)

    # ---- the estimator's side ----

    @classmethod
    def _parameter_names(cls) -> list[str]:
        return [name for name in inspect.signature(cls.__init__).parameters if name != "self"]

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The constructor's arguments, by name; those of an inner encoder as `name__argument`."""
        own = {name: getattr(self, name) for name in self._parameter_names()}
        if not deep:
            return own
        inner = {name: value.get_params() for name, value in own.items() if isinstance(value, Encoder)}
        return own | {f"{name}__{key}": value for name, args in inner.items() for key, value in args.items()}

    def set_params(self, **params: Any) -> Self:
        """Set constructor arguments; what was learned is forgotten."""
        for name, value in params.items():
            outer, _, rest = name.partition("__")
            if outer not in self._parameter_names():
                raise unknown(f"parameter of {type(self).__name__}", name, self._parameter_names())
            if rest:
                getattr(self, outer).set_params(**{rest: value})
            else:
                setattr(self, name, value)
        self._seen, self._map, self._opened = None, None, False
        return self

    def set_output(self, *, transform: str | None = None) -> Self:
        """Choose what `transform` gives: `"default"` arrays, or a `"pandas"` or `"polars"` DataFrame."""
        if transform not in (None, "default", "pandas", "polars"):
            raise unknown("output", str(transform), ["default", "pandas", "polars"])
        if transform in ("pandas", "polars") and not find_spec(transform):
            install = "'vecwise[pandas]'" if transform == "pandas" else "polars"
            raise missing_package(transform, f'set_output(transform="{transform}")', install)
        self._output = transform or self._output
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return self.is_fitted

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import InputTags, Tags, TargetTags, TransformerTags

        return Tags(
            estimator_type="transformer",
            target_tags=TargetTags(required=False),
            transformer_tags=TransformerTags(),
            input_tags=InputTags(string=True, two_d_array=True),
            requires_fit=self.needs_rows,
        )

    def __repr__(self) -> str:
        defaults = {n: p.default for n, p in inspect.signature(type(self).__init__).parameters.items()}
        given = self.get_params(deep=False)
        changed = {n: v for n, v in given.items() if v is not defaults[n] and not _equal(v, defaults[n])}
        words = ", ".join(f"{n}={_short(v)}" for n, v in changed.items())
        return f"{type(self).__name__}({words})"


def short_repr(fitted: Any) -> str:
    """A map in one line: its space, and not the thousands of words or labels that it holds."""
    return f"{type(fitted).__name__}({fitted.target!r})"


def _equal(value: Any, default: Any) -> bool:
    return not isinstance(value, (np.ndarray, Vectors)) and bool(value == default)


def _short(value: Any) -> str:
    text = repr(value)
    return (
        text
        if len(text) <= 60
        else f"<{len(value):,} entries>"
        if hasattr(value, "__len__")
        else text[:57] + "…"
    )


def choice(kind: str, value: Any, known: tuple[str, ...]) -> str:
    """Give the value back if it is one of the known words; otherwise raise `UnknownName`."""
    if value not in known:
        raise unknown(kind, str(value), known)
    return str(value)
