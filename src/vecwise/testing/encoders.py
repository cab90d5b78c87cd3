"""The contract of an encoder, checked on real rows: scikit-learn's rules and vecwise's own.

This module must not know any encoder; it is given an unfitted one and rows that it can read.
"""

# ruff: noqa: S101

from __future__ import annotations

import pickle
import tempfile
from importlib.util import find_spec
from itertools import pairwise
from typing import Any

import numpy as np

from vecwise.errors import NotFitted, NotSavable
from vecwise.kernels.arrays import dense
from vecwise.store.states import pack, unpack
from vecwise.storing import open_encoder, save
from vecwise.vectors import Vectors

_MOST_SINGLES = 60  # rows fitted one by one


def check_encoder(encoder: Any, rows: Any, *, tolerance: float = 0.0) -> None:
    """Check one unfitted encoder, anybody's, on an Arrow table of at least three rows that it can read.

    `tolerance` is the encoder's stated difference between a row alone and in a batch. Raises
    `AssertionError` naming the rule that is broken:

    - a constructor only stores; scikit-learn can clone it; `transform` before `fit` raises `NotFitted`
    - the rows are left unchanged; columns of numbers may be a read-only array
    - fitting twice is fitting once, and fitting by parts, whatever the cut, is fitting at once
    - fitted on other rows it has another identity, or gives the same vectors
    - a batch is its rows one by one; no rows give no vectors
    - feature names match the columns, and a DataFrame carries them
    - pickled, and saved and opened, it has the same identity and gives the same bytes
    """
    assert rows.num_rows >= 3, "check_encoder needs at least three rows"
    _constructor_stores(encoder)
    _refuses_before_fit(encoder, rows)
    before = _bytes(rows)
    first = encoder.fit(rows)
    assert first is encoder, "fit must return the encoder"
    whole = _values(encoder, rows)
    assert _bytes(rows) == before, "the rows were changed"
    assert np.isfinite(whole).all(), "the encoder gave NaN or infinity"
    _batch_is_rows(encoder, rows, whole, tolerance)
    _same_after_fits(encoder, rows, whole, tolerance)
    _same_by_parts(encoder, rows, whole, tolerance)
    _other_rows_other_identity(encoder, rows, whole)
    _names_match(encoder, rows, whole)
    _read_only_arrays(encoder, rows)
    _survives_storage(encoder, rows, whole)


def _values(encoder: Any, rows: Any) -> np.ndarray:
    return dense(encoder.transform(rows))


def _bytes(rows: Any) -> bytes:
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows.schema) as writer:
        writer.write_table(rows)
    return bytes(sink.getvalue())


def _twin(encoder: Any) -> Any:
    return type(encoder)(**encoder.get_params(deep=False))


def _constructor_stores(encoder: Any) -> None:
    params = encoder.get_params(deep=False)
    again = type(encoder)(**params)
    stored = again.get_params(deep=False)
    assert all(stored[name] is value for name, value in params.items()), "a constructor must only store"
    if find_spec("sklearn") is not None:
        from sklearn.base import clone

        assert repr(clone(encoder)) == repr(encoder), "scikit-learn's clone has other parameters"


def _refuses_before_fit(encoder: Any, rows: Any) -> None:
    if encoder.is_fitted:  # some encoders have nothing to learn
        return
    try:
        encoder.transform(rows)
    except NotFitted:
        return
    raise AssertionError("transform before fit must raise NotFitted")


def _same_after_fits(encoder: Any, rows: Any, whole: np.ndarray, tolerance: float) -> None:
    again = _twin(encoder).fit(rows).fit(rows)
    assert np.array_equal(_values(again, rows), whole), "fitting twice differs from fitting once"
    assert again.space.same_axes(encoder.space), "the same fit gave another frame"
    made = dense(_twin(encoder).fit_transform(rows))
    assert _close(made, whole, tolerance), "fit_transform differs from fit and transform"


def _same_by_parts(encoder: Any, rows: Any, whole: np.ndarray, tolerance: float) -> None:
    count = rows.num_rows
    cuts = [[0, count // 2, count], [0, 0, 1, count // 3, count, count]]
    if count <= _MOST_SINGLES:
        cuts.append(list(range(count + 1)))
    for places in cuts:
        parts = _twin(encoder)
        for start, stop in pairwise(places):
            parts.partial_fit(rows.slice(start, stop - start))
        made = _values(parts, rows)
        assert _close(made, whole, tolerance), f"fitting by parts {places} differs from fitting at once"
        same = parts.space.same_axes(encoder.space) or not np.array_equal(made, whole)
        assert same, "fitting by parts gave another frame"


def _close(made: np.ndarray, whole: np.ndarray, tolerance: float) -> bool:
    """Up to rounding; what depends on its batch a little is fitted on by a little more."""
    scale = 1e-12 if whole.dtype == np.float64 else 1e-6
    limit = scale * np.abs(whole).max(initial=0) + 10 * tolerance
    return made.shape == whole.shape and bool(np.allclose(made, whole, rtol=scale, atol=limit))


def _other_rows_other_identity(encoder: Any, rows: Any, whole: np.ndarray) -> None:
    """Rows with gaps are left out: what fills a gap is no part of what an axis means."""
    complete = np.ones(rows.num_rows, bool)
    for column in rows.columns:
        complete &= ~np.array(column.is_null(nan_is_null=True).to_pylist(), dtype=bool)
    other = _twin(encoder).fit(rows.slice(0, rows.num_rows - 1))
    if other.space.same_axes(encoder.space):
        part = rows.filter(complete)
        known = _values(other, part) if part.num_rows else whole[:0]
        assert np.array_equal(known, whole[complete]), (
            "fitted on other rows it gives other vectors under the same identity"
        )


def _batch_is_rows(encoder: Any, rows: Any, whole: np.ndarray, tolerance: float) -> None:
    alone = np.vstack([_values(encoder, rows.slice(i, 1)) for i in range(rows.num_rows)])
    assert np.abs(alone - whole).max() <= tolerance, "a row's vector depends on its batch"
    assert _values(encoder, rows.slice(0, 0)).shape == (0, whole.shape[1]), "no rows must give no vectors"


def _names_match(encoder: Any, rows: Any, whole: np.ndarray) -> None:
    names = encoder.get_feature_names_out()
    assert len(names) == whole.shape[1] == len(set(names)), "feature names do not match the columns"
    if find_spec("pandas") is not None:
        twin = _twin(encoder).fit(rows).set_output(transform="pandas")
        assert list(twin.transform(rows).columns) == list(names), "a DataFrame lost the feature names"


def _read_only_arrays(encoder: Any, rows: Any) -> None:
    """An encoder of number columns that it is not told by name takes a matrix, and leaves it alone."""
    import pyarrow as pa

    wanted = [f"x{i}" for i in range(rows.num_columns)]
    plain = all(pa.types.is_float64(kind) for kind in rows.schema.types) and rows.column_names == wanted
    if not plain or any(column.null_count for column in rows.columns):
        return
    matrix = np.column_stack([column.to_numpy() for column in rows.columns])
    matrix.flags.writeable = False
    made = dense(_twin(encoder).fit(matrix).transform(matrix))
    assert np.array_equal(made, _values(encoder, rows)), "an array gives other vectors than its columns"


def _survives_storage(encoder: Any, rows: Any, whole: np.ndarray) -> None:
    copy = pickle.loads(pickle.dumps(encoder))  # noqa: S301  a round trip in memory, as clone and joblib do
    assert np.array_equal(_values(copy, rows), whole), "pickling changed the vectors"
    opened = _opened(encoder)
    made: Vectors = opened(rows)
    assert np.array_equal(dense(made.values), whole), "saved and opened it gives other vectors"
    assert made.values.dtype == encoder.map_(rows).values.dtype, "saved and opened it gives another type"
    assert made.space.same_axes(encoder.space), "saved and opened it has another frame"


def _opened(encoder: Any) -> Any:
    """The map after a round trip through a folder, or, for a stranger's that no folder takes, through its state."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            save(encoder, folder + "/encoder")
        except NotSavable:
            fitted = encoder.map_
            return type(fitted).from_state(unpack(*pack(fitted.state())))
        return open_encoder(folder + "/encoder").map_
