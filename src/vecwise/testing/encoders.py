"""The contract of an encoder, checked on real rows: scikit-learn's rules and vecwise's own.

This module must not know any encoder; it is given an unfitted one and rows that it can read.
"""

# ruff: noqa: S101

from __future__ import annotations

import json
import pickle
from typing import Any

import numpy as np

from vecwise.errors import NotFitted
from vecwise.kernels.arrays import dense
from vecwise.vectors import Vectors


def check_encoder(encoder: Any, rows: Any, *, tolerance: float = 0.0) -> None:
    """Check one unfitted encoder on an Arrow table of at least three rows.

    `tolerance` is the encoder's stated difference between a row alone and in a batch. Raises
    `AssertionError` naming the rule: constructors only store; fitting twice is fitting once; fitting
    by parts is fitting at once; batch equals row by row; rows unchanged; names match the columns;
    clone, pickle and the saved state give the same vectors in the same space.
    """
    assert rows.num_rows >= 3, "check_encoder needs at least three rows"
    _constructor_stores(encoder)
    _refuses_before_fit(encoder, rows)
    before = rows.to_pydict()
    first = encoder.fit(rows)
    assert first is encoder, "fit must return the encoder"
    whole = _values(encoder, rows)
    assert rows.to_pydict() == before, "the rows were changed"
    assert np.isfinite(whole).all(), "the encoder gave NaN or infinity"
    _same_after_fits(encoder, rows, whole)
    _batch_is_rows(encoder, rows, whole, tolerance)
    names = encoder.get_feature_names_out()
    assert len(names) == whole.shape[1] == len(set(names)), "feature names do not match the columns"
    _survives_storage(encoder, rows, whole)


def _values(encoder: Any, rows: Any) -> np.ndarray:
    return dense(encoder.transform(rows))


def _constructor_stores(encoder: Any) -> None:
    params = encoder.get_params()
    again = type(encoder)(**params)
    assert all(again.get_params()[name] is value for name, value in params.items()), (
        "a constructor must only store"
    )


def _refuses_before_fit(encoder: Any, rows: Any) -> None:
    if encoder.is_fitted:  # some encoders have nothing to learn
        return
    try:
        encoder.transform(rows)
    except NotFitted:
        return
    raise AssertionError("transform before fit must raise NotFitted")


def _same_after_fits(encoder: Any, rows: Any, whole: np.ndarray) -> None:
    again = type(encoder)(**encoder.get_params()).fit(rows).fit(rows)
    assert np.array_equal(_values(again, rows), whole), "fitting twice differs from fitting once"
    assert again.space.same_axes(encoder.space), "the same fit gave another frame"
    parts = type(encoder)(**encoder.get_params())
    half = rows.num_rows // 2
    parts.partial_fit(rows.slice(0, half)).partial_fit(rows.slice(half))
    made = _values(parts, rows)
    by_parts = made.shape == whole.shape and np.allclose(made, whole, rtol=1e-12, atol=0)
    assert by_parts, "fitting by parts differs from fitting at once"
    assert parts.space.same_axes(encoder.space), "fitting by parts gave another frame"


def _batch_is_rows(encoder: Any, rows: Any, whole: np.ndarray, tolerance: float) -> None:
    alone = np.vstack([_values(encoder, rows.slice(i, 1)) for i in range(rows.num_rows)])
    assert np.abs(alone - whole).max() <= tolerance, "a row's vector depends on its batch"
    assert _values(encoder, rows.slice(0, 0)).shape == (0, whole.shape[1]), "no rows must give no vectors"


def _survives_storage(encoder: Any, rows: Any, whole: np.ndarray) -> None:
    copy = pickle.loads(pickle.dumps(encoder))  # noqa: S301  a round trip in memory, as clone and joblib do
    assert np.array_equal(_values(copy, rows), whole), "pickling changed the vectors"
    fitted = encoder.map_
    state = json.loads(json.dumps(fitted.state()))
    restored = type(fitted).from_state(state)
    made: Vectors = restored(rows)
    assert np.array_equal(dense(made.values), whole), "the saved state gives other vectors"
    assert made.space.same_axes(encoder.space), "the saved state gives another frame"
