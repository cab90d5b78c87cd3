"""What holds for encoders of every kind: the contract, tables, saved state, and what a strict reader would try."""

from __future__ import annotations

import datetime
import pickle

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

import vecwise as vw
from vecwise.encoders.registry import from_data, to_data
from vecwise.errors import (
    DuplicateName,
    MissingValue,
    NonFinite,
    NotFitted,
    NothingToEncode,
    NotSavable,
    OutOfRange,
    UnknownName,
    WrongType,
)
from vecwise.testing import check_encoder, check_fold

HOUSE_VOCABULARY = ["children", "in", "of", "grass", "gathered", "the", "end", "summer's", "dampened"]


def songs() -> pa.Table:
    return pa.table({"text": ["The sea, the sea", "a sky of grass", "", "rain the Sea café"]})


def homes() -> pa.Table:
    return pa.table(
        {
            "rooms": [3, 2, 5, 4],
            "area": [70.5, 44.0, 120.25, 99.0],
            "garden": [True, False, True, True],
            "sold": [datetime.date(2020, 1, i) for i in (1, 2, 3, 4)],
            "kind": ["house", "flat", "house", "barn"],
        }
    )


# ---- the contract ----


@pytest.mark.parametrize(
    ("encoder", "rows", "tolerance"),
    [
        (vw.TableEncoder(), homes(), 0),
        (vw.TableEncoder(columns=["kind", "rooms"], categorical=["rooms"]), homes(), 0),
        (vw.TableEncoder(missing="mean"), homes(), 0),
        (vw.TableEncoder(missing="median"), homes(), 0),
        (vw.CountEncoder(), songs(), 0),
        (vw.CountEncoder(vocabulary=HOUSE_VOCABULARY), songs(), 0),
        (vw.CountEncoder(tokenizer="word", order="sorted", lowercase=False), songs(), 0),
        (vw.TfidfEncoder(), songs(), 0),
        (vw.TfidfEncoder(vocabulary=["sea", "sky"]), songs(), 0),
        (vw.SentenceEncoder(), songs(), 1e-6),
    ],
)
def test_every_encoder_keeps_the_contract(encoder, rows, tolerance) -> None:
    check_encoder(encoder, rows, tolerance=tolerance)
    assert encoder.is_fitted


def test_check_encoder_finds_each_broken_rule() -> None:
    class Acts(vw.CountEncoder):
        def __init__(self, vocabulary=None) -> None:
            super().__init__(vocabulary=list(vocabulary or ["a"]))

    class Peeks(vw.CountEncoder):
        def __init__(self) -> None:
            super().__init__()

        def transform(self, rows):
            return super().transform(rows).toarray() / max(1, rows.num_rows)

    class Forgets(vw.CountEncoder):
        def __init__(self) -> None:
            super().__init__()

        def partial_fit(self, rows, y=None):
            self._seen = None
            return super().partial_fit(rows)

    for broken, rule in ((Acts(), "only store"), (Peeks(), "batch|no rows"), (Forgets(), "by parts")):
        with pytest.raises(AssertionError, match=rule):
            check_encoder(broken, songs())


@pytest.mark.parametrize("encoder", [vw.TableEncoder(missing="median"), vw.TableEncoder(missing="mean")])
def test_the_table_fold_keeps_the_laws(encoder) -> None:
    rows = homes()
    check_fold(encoder._fold(), [rows.slice(0, 1), rows.slice(1, 2), rows.slice(2, 0), rows.slice(3, 1)])
    assert encoder.fit(rows).space.dim == 7


@pytest.mark.parametrize(
    "encoder", [vw.CountEncoder(), vw.TfidfEncoder(order="sorted"), vw.TfidfEncoder(["sea"])]
)
def test_the_vocabulary_fold_keeps_the_laws(encoder) -> None:
    rows = songs()
    check_fold(encoder._fold(), [rows.slice(0, 2), rows.slice(2, 0), rows.slice(3, 1), rows.slice(1, 1)])
    assert encoder.fit(rows).is_fitted


def test_encoders_stand_in_scikit_learn() -> None:
    frame = homes().to_pandas()
    model = make_pipeline(vw.TableEncoder(["rooms", "area"]), Ridge()).fit(frame, [1, 2, 3, 4])
    assert model.predict(frame).shape == (4,)
    assert clone(model[0]).get_params() == model[0].get_params()
    text = make_pipeline(vw.TfidfEncoder(), Ridge()).fit(["a b", "b c", "c"], [0, 1, 2])
    assert text.predict(["a"]).shape == (1,)
    assert text[:-1].get_feature_names_out().tolist() == ["a", "b", "c"]


def test_set_output_gives_a_named_frame() -> None:
    made = vw.TableEncoder(["rooms", "kind"]).set_output(transform="pandas").fit_transform(homes())
    assert made.columns.tolist() == ["rooms", "kind=barn", "kind=flat", "kind=house"]
    with pytest.raises(UnknownName, match="output"):
        vw.TableEncoder().set_output(transform="duckdb")
    named = vw.TableEncoder(["rooms", "kind"]).set_output(transform="polars").fit_transform(homes())
    assert named.columns == ["rooms", "kind=barn", "kind=flat", "kind=house"]
    import sklearn

    with sklearn.config_context(transform_output="pandas"):
        assert vw.TableEncoder(["rooms"]).fit_transform(homes()).columns.tolist() == ["rooms"]


def test_unfitted_and_changed_encoders_refuse() -> None:
    with pytest.raises(NotFitted, match="Call `fit"):
        vw.CountEncoder().transform(["a"])
    encoder = vw.CountEncoder().fit(["a"]).set_params(order="sorted")
    with pytest.raises(NotFitted):
        encoder.transform(["a"])
    with pytest.raises(UnknownName, match="Did you mean `lowercase`"):
        encoder.set_params(lower_case=True)
    assert repr(vw.CountEncoder(order="sorted")) == "CountEncoder(order='sorted')"


# ---- tables ----


def test_the_first_houses(houses) -> None:
    encoder = vw.TableEncoder(columns=["bedrooms", "sqft_lot"]).fit(houses)
    first = houses.slice(0, 3)
    X = encoder.map_(first)
    assert X[:2].values.tolist() == [[3, 5650], [3, 7242]]
    assert (X[0].shape, X.shape) == ((1, 2), (3, 2))
    assert X[0].values.T.tolist() == [[3], [5650]]
    assert list(X.space.features) == ["bedrooms", "sqft_lot"]
    assert X.to_pandas().columns.tolist() == ["bedrooms", "sqft_lot"]


def test_a_house_can_be_an_18_dimensional_vector(houses) -> None:
    columns = [name for name in houses.column_names if name not in ("id", "date", "price")]
    X = vw.encode(houses, vw.TableEncoder(columns=columns))
    assert X.shape == (21613, 18)
    truth = houses.select(columns).to_pandas().astype(float).to_numpy()
    assert np.array_equal(X.values, truth)


def test_one_hot_agrees_with_scikit_learn() -> None:
    labels = np.array(["b", "a", "c", "a", "é", "B"], dtype=object)
    made = vw.TableEncoder(["x"]).fit_transform({"x": labels.tolist()})
    truth = OneHotEncoder(sparse_output=False).fit(labels.reshape(-1, 1))
    assert np.array_equal(made, truth.transform(labels.reshape(-1, 1)))


def test_dates_count_days_and_booleans_are_one_or_zero() -> None:
    moment = datetime.datetime(1970, 1, 2, 12)
    rows = pa.table({"day": [datetime.date(1970, 1, 11)], "moment": [moment], "yes": [True]})
    assert vw.TableEncoder().fit_transform(rows).tolist() == [[10, 1.5, 1]]


def test_missing_values_follow_the_policy() -> None:
    rows = {"a": [1.0, None, 4.0, float("nan"), 10.0], "k": ["x", None, "y", "x", "x"]}
    with pytest.raises(MissingValue, match=r"`a` has no value in 2 rows: `1`, `3`.*--missing mean"):
        vw.TableEncoder(["a"]).fit_transform(rows)
    with pytest.raises(MissingValue, match="`k`"):
        vw.TableEncoder(["k"]).fit_transform(rows)
    assert vw.TableEncoder(["a"], missing="mean").fit_transform(rows)[:, 0].tolist() == [1, 5, 4, 5, 10]
    assert vw.TableEncoder(["a"], missing="median").fit_transform(rows)[:, 0].tolist() == [1, 4, 4, 4, 10]
    assert vw.TableEncoder(["k"], missing="mean").fit_transform(rows)[1].tolist() == [0, 0]
    with pytest.raises(UnknownName, match="policy for missing values `drop`"):
        vw.TableEncoder(["a"], missing="drop").fit(rows)


def test_infinity_is_refused_under_every_policy() -> None:
    rows = {"a": [1.0, float("inf")]}
    for policy in ("error", "mean", "median"):
        with pytest.raises(NonFinite, match="`a` is infinite in 1 row: `1`"):
            vw.TableEncoder(missing=policy).fit_transform(rows)


def test_unknown_categories_and_columns() -> None:
    encoder = vw.TableEncoder(["kind"]).fit(homes())
    with pytest.raises(UnknownName, match="holds `castle` in row 1"):
        encoder.transform({"kind": ["flat", "castle"]})
    lenient = vw.TableEncoder(["kind"], unknown="zeros").fit(homes())
    assert lenient.transform({"kind": ["castle"]}).tolist() == [[0, 0, 0]]
    with pytest.raises(UnknownName, match="no column `kind`. Did you mean `kinds`"):
        encoder.transform({"kinds": ["flat"]})
    with pytest.raises(UnknownName, match="Did you mean `area`"):
        vw.TableEncoder(["arae"]).fit(homes())


def test_tables_that_cannot_be_encoded() -> None:
    with pytest.raises(NothingToEncode):
        vw.TableEncoder().fit(pa.table({"x": [[1, 2]]}))
    with pytest.raises(WrongType, match="list"):
        vw.TableEncoder(["x"]).fit(pa.table({"x": [[1, 2]]}))
    with pytest.raises(DuplicateName, match="names a column twice"):
        vw.TableEncoder(["a", "a"]).fit({"a": [1]})
    with pytest.raises(DuplicateName, match="`k=1`"):
        vw.TableEncoder(["k", "k=1"]).fit({"k": ["1"], "k=1": [2]})
    with pytest.raises(WrongType, match="was a number when fitted"):
        vw.TableEncoder(["a"]).fit({"a": [1]}).transform({"a": ["one"]})
    with pytest.raises(WrongType, match="in one part"):
        vw.TableEncoder(["a"]).fit({"a": [1]}).partial_fit({"a": ["one"]})


def test_the_frame_is_the_meaning_of_the_columns() -> None:
    a, b = (vw.TableEncoder(["rooms"], missing=m).fit(homes()).space for m in ("mean", "error"))
    assert a.same_axes(b)
    assert not a.same_axes(vw.TableEncoder(["area"]).fit(homes()).space)


@given(st.lists(st.floats(-1e12, 1e12) | st.integers(-(2**40), 2**40) | st.none(), min_size=1, max_size=9))
def test_numbers_come_through_as_they_are(values) -> None:
    values = [*values, 7.5]
    made = vw.TableEncoder(missing="mean").fit_transform(
        pa.table({"x": pa.array(map(_float, values), pa.float64())})
    )
    kept = [v for v in values if v is not None]
    assert [m for m, v in zip(made[:, 0], values, strict=True) if v is not None] == [float(v) for v in kept]


def _float(value):
    return None if value is None else float(value)


def _letters(text: str) -> list[str]:
    return list(text)


# ---- saved state ----


def test_only_known_maps_are_built() -> None:
    from vecwise.errors import Damaged

    with pytest.raises(UnknownName, match="fitted encoder `os.system`"):
        from_data({"map": "os.system", "state": {}})
    for state in ({}, None, {"words": 3}):
        with pytest.raises(Damaged, match="incomplete"):
            from_data({"map": "words", "state": state})
    with pytest.raises(NotSavable, match="none of the maps"):
        to_data(print)


def test_vectors_keep_their_encoder_through_pickle() -> None:
    X = vw.encode(["a b", "c"], "tfidf")
    again = pickle.loads(pickle.dumps(X))
    assert np.array_equal(
        again.encoder(pa.table({"text": ["a"]})).values.toarray(),
        X.encoder(pa.table({"text": ["a"]})).values.toarray(),
    )
    assert isinstance(pd.DataFrame(np.asarray(again)), pd.DataFrame)


# ---- what a strict reader would try ----


@pytest.mark.parametrize("encoder", [vw.CountEncoder(), vw.TfidfEncoder()])
def test_counts_stand_before_every_scikit_learn_model(encoder) -> None:
    from sklearn.cluster import KMeans
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import SGDClassifier
    from sklearn.svm import LinearSVC

    rows, y = ["a b", "b c", "c d", "d a"], [0, 1, 1, 0]
    for model in (SGDClassifier(), LinearSVC(), RandomForestClassifier(3), KMeans(2, n_init=1)):
        assert len(make_pipeline(clone(encoder), model).fit(rows, y).predict(rows)) == 4


def test_a_vocabulary_mapping_gives_its_own_columns() -> None:
    rows = ["the sea the sky", "a sky of rain"]
    truth = CountVectorizer().fit(rows)
    ours = vw.CountEncoder(truth.vocabulary_, tokenizer="word")
    assert np.array_equal(ours.transform(rows).toarray(), truth.transform(rows).toarray())
    for vocabulary in ("the sea", {"the", "sea"}):
        with pytest.raises(WrongType, match="gives words no order"):
            vw.CountEncoder(vocabulary).transform(rows)


def test_nameless_tokenizers_share_no_frame() -> None:
    a, b = (vw.CountEncoder(["a"], tokenizer=lambda t: t.split(",")) for _ in range(2))
    assert not a.space.same_axes(b.space)
    assert a.space.same_axes(a.space)
    named = [vw.CountEncoder(["a"], tokenizer=_letters).space for _ in range(2)]
    assert named[0].same_axes(named[1])


def test_days_and_numbers_are_no_match() -> None:
    days = vw.TableEncoder().fit({"d": [datetime.date(2024, 1, 1)]})
    with pytest.raises(WrongType, match="was a date when fitted"):
        days.transform({"d": [20240101]})
    with pytest.raises(WrongType, match="was a number when fitted"):
        vw.TableEncoder().fit({"d": [1]}).transform({"d": [datetime.date(2024, 1, 1)]})
    assert vw.TableEncoder().fit({"b": [True]}).transform({"b": [1]}).tolist() == [[1]]


def test_whole_numbers_that_would_be_rounded_are_refused() -> None:
    with pytest.raises(OutOfRange, match=r"`a` holds whole numbers beyond 2\^53"):
        vw.TableEncoder().fit_transform({"a": [2**53 + 1, 2**53]})
    assert vw.TableEncoder().fit_transform({"a": [2**53]}).tolist() == [[2.0**53]]


def test_names_that_are_not_there_are_found_in_every_option() -> None:
    with pytest.raises(UnknownName, match="`zz`"):
        vw.TableEncoder(categorical=["zz"]).fit({"a": [1]})
    with pytest.raises(UnknownName, match="`b`"):
        vw.TableEncoder(["a"], categorical=["b"]).fit({"a": [1], "b": [2]})
    with pytest.raises(WrongType, match="list of names"):
        vw.TableEncoder("price").fit({"price": [1]})


def test_a_frame_keeps_its_row_names() -> None:
    frame = pd.DataFrame({"x": [1, 2]}, index=[10, 20])
    assert vw.TableEncoder().set_output(transform="pandas").fit_transform(frame).index.tolist() == [10, 20]
