"""Tables in full: every option against scikit-learn, and the contract on every combination."""

from __future__ import annotations

import datetime
import warnings
from itertools import pairwise

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction import FeatureHasher
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, OrdinalEncoder, RobustScaler, StandardScaler
from sklearn.utils.estimator_checks import check_estimator

import vecwise as vw
from vecwise.encoders.table_map import TableMap
from vecwise.errors import (
    MissingValue,
    NotSavable,
    UnknownName,
    WrongType,
)
from vecwise.testing import check_encoder, check_fold
from vecwise.verbs import chain

CITY = ["zipcode", "view", "condition", "grade", "waterfront"]
SCALERS = {"standard": StandardScaler, "min-max": MinMaxScaler, "robust": RobustScaler}


def homes() -> pa.Table:
    return pa.table(
        {
            "rooms": [3, 2, 5, 4, 2],
            "area": [70.5, 44.0, 120.25, 99.0, 51.125],
            "garden": [True, False, True, True, False],
            "sold": [datetime.date(2020, 1, i) for i in (1, 2, 3, 4, 9)],
            "kind": ["house", "flat", "house", "barn", "flat"],
            "words": ["a sunny house", "flat by the sea", "the house", "", "sea and sun"],
        }
    )


def gappy() -> pa.Table:
    return pa.table(
        {
            "rooms": pa.array([3, None, 5, 4, 2]),
            "area": [70.5, 44.0, float("nan"), 99.0, 51.125],
            "garden": [True, None, True, True, False],
            "sold": [None, *(datetime.date(2020, 1, i) for i in (1, 2, 3, 4))],
            "kind": ["house", "flat", None, "barn", "flat"],
            "words": ["a sunny house", None, "the house", "", "sea and sun"],
        }
    )


TABULAR = ["rooms", "area", "garden", "sold", "kind"]
OPTIONS = [
    {"columns": TABULAR, "scale": "standard"},
    {"columns": TABULAR, "scale": {"area": "min-max", "rooms": "robust", "garden": "standard"}},
    {"columns": TABULAR, "categories": "ordinal", "order": "frequency"},
    {"columns": TABULAR, "categories": {"kind": "ordinal"}, "order": {"kind": ["flat", "barn", "house"]}},
    {"columns": TABULAR, "categories": {"kind": "hashing", "rooms": "one-hot"}, "hash_dim": 4},
    {"categories": {"words": "hashing"}, "hash_dim": 2000},
    {"order": "first", "categorical": ["rooms", "sold", "garden"]},
    {"columns": TABULAR, "weights": {"area": 2, "kind": 0.5}, "scale": "robust"},
    {"text": {"words": vw.TfidfEncoder()}},
    {
        "columns": ["words", "area"],
        "text": {"words": vw.CountEncoder(missing="empty")},
        "weights": {"words": 3},
    },
]
GAPPY_OPTIONS = [
    {"missing": "mean", "scale": "standard"},
    {"missing": "median", "scale": "min-max", "categories": "ordinal"},
    {"missing": "indicator", "text": {"words": vw.CountEncoder()}, "weights": {"kind": 2.0, "area": 3.0}},
    {"missing": "indicator", "categories": "hashing", "hash_dim": 3, "scale": "robust"},
    {"missing": "indicator", "categories": {"kind": "ordinal", "words": "hashing"}, "hash_dim": 1500},
    {"columns": ["area", "kind"], "missing": {"area": "median", "kind": "indicator"}},
    {"missing": "indicator", "text": {"words": vw.TfidfEncoder(tokenizer="word")}, "scale": {"garden": "standard"}},
]  # fmt: skip


# ---- the contract ----


@pytest.mark.parametrize(
    ("options", "rows"), [(o, homes()) for o in OPTIONS] + [(o, gappy()) for o in GAPPY_OPTIONS]
)
def test_every_option_keeps_the_contract(options, rows) -> None:
    check_encoder(vw.TableEncoder(**options), rows)
    fold = vw.TableEncoder(**options)._fold()
    check_fold(fold, [rows.slice(0, 1), rows.slice(1, 2), rows.slice(2, 0), rows.slice(3, 2)])


@pytest.mark.parametrize(
    ("options", "rows"), [(o, homes()) for o in OPTIONS] + [(o, gappy()) for o in GAPPY_OPTIONS]
)
def test_the_state_gives_the_same_bytes_in_the_same_frame(options, rows) -> None:
    fitted = vw.TableEncoder(**options).fit(rows).map_
    again = TableMap.from_state(fitted.state())
    assert again.target == fitted.target
    assert again.is_sparse == fitted.is_sparse
    made, truth = (m(rows).values for m in (again, fitted))
    assert type(made) is type(truth)
    if again.is_sparse:
        made, truth = made.toarray(), truth.toarray()
    assert made.tobytes() == truth.tobytes()


def test_columns_of_a_matrix_lead_back_to_their_source() -> None:
    encoder = vw.TableEncoder(
        missing="indicator", text={"words": vw.CountEncoder()}, categories={"kind": "hashing"}, hash_dim=2
    ).fit(gappy())
    names = encoder.get_feature_names_out().tolist()
    assert names[:4] == ["rooms", "rooms is missing", "area", "area is missing"]
    assert names[8:12] == ["kind: hash 0", "kind: hash 1", "kind is missing", "words: a"]
    assert names[-1] == "words is missing"
    assert list(dict.fromkeys(encoder.sources_)) == gappy().column_names
    assert all(name.startswith(source) for name, source in zip(names, encoder.sources_.tolist(), strict=True))


@given(st.permutations(range(12)), st.data())
def test_shuffled_rows_give_shuffled_vectors_in_the_same_space(order, data) -> None:
    values = data.draw(st.lists(st.none() | st.floats(-1e9, 1e9), min_size=12, max_size=12))
    labels = data.draw(st.lists(st.sampled_from(["a", "b", None]), min_size=12, max_size=12))
    table = pa.table(
        {"x": pa.array([0.5, *values[1:]], pa.float64()), "k": pa.array(["a", *labels[1:]], pa.string())}
    )
    options = {"missing": "indicator", "scale": "standard"}
    straight = vw.TableEncoder(**options).fit(table)
    shuffled = vw.TableEncoder(**options).fit(table.take(order))
    assert shuffled.space == straight.space  # sums without rounding: the order of rows cannot matter
    assert np.array_equal(shuffled.transform(table.take(order)), straight.transform(table)[list(order)])


@given(st.lists(st.integers(0, 9), max_size=4), st.sampled_from(["standard", "min-max", "robust"]))
def test_any_cut_of_the_rows_gives_the_same_fit(cuts, scale) -> None:
    rng = np.random.default_rng(7)
    table = pa.table({"x": rng.standard_normal(9) * 10.0 ** rng.integers(-8, 8, 9), "k": list("abcabcadd")})
    whole = vw.TableEncoder(scale=scale, order="frequency").fit(table)
    parts = vw.TableEncoder(scale=scale, order="frequency")
    edges = [0, *sorted(cuts), 9]
    for start, stop in pairwise(edges):
        parts.partial_fit(table.slice(start, stop - start))
    assert parts.space == whole.space
    assert parts.transform(table).tobytes() == whole.transform(table).tobytes()


# ---- the truth, from scikit-learn ----


@pytest.mark.parametrize("scale", [None, *SCALERS])
def test_all_houses_agree_with_a_column_transformer(houses, scale) -> None:
    frame = houses.to_pandas()
    numbers = [n for n in houses.column_names if n not in (*CITY, "id", "date")]
    made = vw.TableEncoder([*CITY, *numbers], categorical=CITY, scale=scale).fit_transform(houses)
    truth = ColumnTransformer(
        [
            ("labels", OneHotEncoder(sparse_output=False), CITY),
            ("numbers", SCALERS[scale]() if scale else "passthrough", numbers),
        ]
    ).fit_transform(frame)
    assert made.shape == truth.shape == (21613, 108)
    np.testing.assert_allclose(made, truth, rtol=1e-9, atol=1e-12)


def test_houses_in_ordinals(houses) -> None:
    encoder = vw.TableEncoder(CITY, categorical=CITY, categories="ordinal")
    truth = OrdinalEncoder().fit_transform(houses.select(CITY).to_pandas())
    assert np.array_equal(encoder.fit_transform(houses), truth)
    assert encoder.map_.columns[3].categories == tuple(map(str, [1, *range(3, 14)]))  # by size, not as text


@pytest.mark.parametrize("dim", [1, 7, 1024])
def test_hashing_agrees_with_scikit_learn(houses, dim) -> None:
    made = vw.TableEncoder(["zipcode"], categories={"zipcode": "hashing"}, hash_dim=dim).fit_transform(houses)
    made = made.toarray() if dim == 1024 else made
    tokens = [[f"zipcode={code}"] for code in houses.column("zipcode").to_pylist()]
    assert np.array_equal(made, FeatureHasher(dim, input_type="string").transform(tokens).toarray())


@pytest.mark.parametrize("scale", [None, *SCALERS])
@pytest.mark.parametrize("missing", ["mean", "median"])
def test_gaps_are_filled_as_scikit_learn_fills_them(missing, scale) -> None:
    rng = np.random.default_rng(3)
    values = rng.lognormal(3, 2, (200, 4))
    values[rng.random((200, 4)) < 0.2] = np.nan
    values[:, 3] = 7.0
    made = vw.TableEncoder(missing=missing, scale=scale).fit_transform(values)
    # The scale is that of the cells that are there; a fill is then the scaled mean or median.
    steps = ([SCALERS[scale]()] if scale else []) + [SimpleImputer(strategy=missing)]
    truth = make_pipeline(*steps).fit_transform(values)
    np.testing.assert_allclose(made, truth, rtol=1e-9, atol=1e-12)


def test_gaps_have_a_dimension_as_scikit_learn_gives_them() -> None:
    values = np.array([[1.0, np.nan, 3], [np.nan, 2, 3], [4, 9, 3]])
    made = vw.TableEncoder(missing="indicator").fit(values)
    truth = SimpleImputer(add_indicator=True).fit(values)
    order = [0, 3, 1, 4, 2]  # ours stand beside their column
    assert np.array_equal(made.transform(values), truth.transform(values)[:, order])
    assert made.get_feature_names_out().tolist() == ["x0", "x0 is missing", "x1", "x1 is missing", "x2"]
    late = np.array([[1.0, 2.0, np.nan]])  # a gap that fitting never met is filled, without a dimension
    assert np.array_equal(made.transform(late), truth.transform(late)[:, order])


def test_hundred_thousand_categories() -> None:
    rng = np.random.default_rng(0)
    labels = np.array([f"user {i}" for i in rng.permutation(100_000)], dtype=object)
    column = np.concatenate([labels, labels[:5_000]])
    rows = {"user": column}
    hot = vw.TableEncoder().fit(rows)
    made = hot.transform(rows)
    truth = OneHotEncoder().fit(column.reshape(-1, 1)).transform(column.reshape(-1, 1))
    assert made.shape == (105_000, 100_000)
    assert (made != truth).nnz == 0
    ordinal = vw.TableEncoder(categories="ordinal").fit_transform(rows)
    assert np.array_equal(ordinal, OrdinalEncoder().fit_transform(column.reshape(-1, 1)))
    hashed = vw.TableEncoder(categories="hashing", hash_dim=512).fit_transform(rows)
    hasher = FeatureHasher(512, input_type="string")
    assert np.array_equal(hashed, hasher.transform([[f"user={u}"] for u in column]).toarray())
    assert TableMap.from_state(hot.map_.state()).target.frame == hot.space.frame


def test_wide_tables_are_sparse_and_say_the_same() -> None:
    table = pa.table({"n": [1.5, 0.0, -2.0], "k": ["a", "b", "c"], "w": ["x y", "y", ""]})
    options = {"text": {"w": vw.CountEncoder()}, "categories": {"k": "hashing"}}
    wide = vw.TableEncoder(**options, hash_dim=999).fit(table)
    narrow = vw.TableEncoder(**options, hash_dim=998).fit(table)
    assert wide.map_.is_sparse
    assert not narrow.map_.is_sparse
    made = wide.transform(table)
    assert made.toarray()[:, 0].tolist() == [1.5, 0, -2]
    assert np.array_equal(made.toarray()[:, -2:], narrow.transform(table)[:, -2:])
    assert made.has_canonical_format


def test_weights_multiply_the_block() -> None:
    plain = vw.TableEncoder(TABULAR).fit_transform(homes())
    weighted = vw.TableEncoder(TABULAR, weights={"area": 2.5, "kind": 0.5}).fit(homes())
    factors = np.array([{"area": 2.5, "kind": 0.5}.get(s, 1) for s in weighted.sources_])
    assert np.array_equal(weighted.transform(homes()), plain * factors)
    assert not weighted.space.same_axes(vw.TableEncoder(TABULAR).fit(homes()).space)


# ---- texts inside ----


def test_a_text_column_agrees_with_a_column_transformer() -> None:
    made = vw.TableEncoder(
        ["area", "words"], text={"words": vw.TfidfEncoder(tokenizer="word", order="sorted")}
    )
    truth = ColumnTransformer(
        [("area", "passthrough", ["area"]), ("words", TfidfVectorizer(), "words")], sparse_threshold=0
    )
    expected = truth.fit_transform(homes().to_pandas())
    np.testing.assert_allclose(made.fit_transform(homes()), expected, rtol=1e-12)
    assert made.get_feature_names_out()[1] == "words: and"


def test_a_chain_may_encode_a_text() -> None:
    inner = vw.ChainEncoder(vw.CountEncoder(), steps=["pca:2", "normalize"])
    encoder = vw.TableEncoder(["rooms", "words"], text={"words": inner}).fit(homes())
    assert encoder.transform(homes()).shape == (5, 3)
    again = TableMap.from_state(encoder.map_.state())
    assert np.array_equal(again(homes()).values, encoder.transform(homes()))
    assert again.target == encoder.space


def test_sentences_inside_a_table() -> None:
    table = pa.table({"words": ["We looked up into the sky", "I saw a rainbow"], "n": [1, 2]})
    made = vw.TableEncoder(text={"words": vw.SentenceEncoder()}).fit(table)
    truth = vw.SentenceEncoder().transform(table.column("words").to_pylist())
    assert np.array_equal(made.transform(table)[:, :512], truth)
    assert made.get_feature_names_out()[0] == "words: dim_0"


def test_parameters_of_inner_encoders_are_parameters() -> None:
    encoder = vw.TableEncoder(text={"a__b": vw.TfidfEncoder()})
    assert encoder.get_params()["text__a__b__lowercase"] is True
    assert "text__a__b" not in encoder.get_params(deep=False)
    copy = clone(encoder)
    copy.set_params(text__a__b__lowercase=False)
    assert copy.text["a__b"].lowercase is False
    assert encoder.text["a__b"].lowercase is True
    copy.set_params(text__a__b=vw.CountEncoder())
    assert isinstance(copy.text["a__b"], vw.CountEncoder)
    with pytest.raises(UnknownName, match="text__z"):
        copy.set_params(text__z=1)


def test_a_strangers_inner_map_works_and_is_not_saved() -> None:
    class Lengths:
        def _fold(self):
            return _Lengths()

    encoder = vw.TableEncoder(["words"], text={"words": Lengths()}).fit(homes())
    assert encoder.transform(homes())[:, 0].tolist() == [13, 15, 9, 0, 11]
    with pytest.raises(NotSavable):
        encoder.map_.state()
    with pytest.raises(WrongType, match="maps columns to encoders"):
        vw.TableEncoder(text={"words": 5}).fit(homes())
    with pytest.raises(vw.errors.UnknownName, match="Did you mean `tfidf`"):
        vw.TableEncoder(text={"words": "tfidf!"}).fit(homes())


class _Lengths:
    target = vw.Space(1, "lengths")

    def zero(self):
        return 0

    def step(self, state, table):
        return 0

    def merge(self, left, right):
        return 0

    def done(self, state):
        return self

    def __call__(self, table):
        lengths = [[len(text)] for text in table.column(0).to_pylist()]
        return vw.Vectors(np.array(lengths, dtype=np.float64).reshape(-1, 1), space=self.target)


# ---- scikit-learn's own judgement ----

REFUSED = {
    "check_complex_data": "complex numbers are refused by a TypeError, as everything that is no row is",
    "check_estimators_empty_data_messages": "a table without rows still says which columns there are",
    "check_estimators_nan_inf": "gaps and infinity are refused by transform, where row numbers are those of the rows",
    "check_transformer_data_not_an_array": "a list of lists of numbers is vectors already, and the error says so",
}


@pytest.mark.parametrize("options", [{}, {"missing": "mean", "scale": "standard"}, {"scale": "robust"}])
def test_scikit_learn_checks_the_encoder(options) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of skipped checks
        results = check_estimator(
            vw.TableEncoder(**options), expected_failed_checks=REFUSED, on_fail=None, on_skip=None
        )
    failed = [r["check_name"] for r in results if r["status"] == "failed"]
    assert failed == []
    assert sum(r["status"] == "passed" for r in results) >= 42


def test_an_opened_encoder_knows_its_columns(tmp_path) -> None:
    encoder = vw.TableEncoder(TABULAR, scale="standard", text=None).fit(homes())
    vw.save(encoder, tmp_path / "table")
    opened = vw.open_encoder(tmp_path / "table")
    assert opened.transform(homes()).tobytes() == encoder.transform(homes()).tobytes()
    assert opened.n_features_in_ == 5
    assert encoder.n_features_in_ == 6
    assert opened.sources_.tolist() == encoder.sources_.tolist()


def test_nothing_learned_survives_a_failed_fit_transform() -> None:
    encoder = vw.TableEncoder()
    encoder.fit_transform({"a": [1.0, 2.0]})
    with pytest.raises(MissingValue):
        encoder.fit_transform({"a": [1.0, None]})
    assert not encoder.is_fitted
    with pytest.raises(WrongType):
        vw.TableEncoder(columns=5).fit_transform({"a": [1.0]})


def test_columns_of_a_frame_that_nobody_encodes_are_not_read() -> None:
    frame = pd.DataFrame({"rooms": [3, 4], "odd": [1, "one"], "lot": [0.5, np.nan], "kind": ["a", "b"]})
    encoder = vw.TableEncoder(["lot", "kind"], missing={"lot": "mean"})
    assert encoder.fit_transform(frame).tolist() == [[0.5, 1, 0], [0.5, 0, 1]]
    assert encoder.feature_names_in_.tolist() == ["rooms", "odd", "lot", "kind"]
    assert encoder.fit(frame).transform(frame[["kind", "lot"]]).tolist() == [[0.5, 1, 0], [0.5, 0, 1]]
    with pytest.raises(UnknownName, match="lott"):
        vw.TableEncoder(["lott"]).fit(frame[["rooms", "lot"]])
    with pytest.raises(UnknownName, match="some of `columns`"):
        vw.TableEncoder(["lot"], missing={"rooms": "mean"}).fit(frame[["rooms", "lot"]])


@pytest.mark.parametrize("dtype", [">i8", "<f4", ">f8", "u8", "i1", "?", "Int16", "boolean"])
def test_columns_of_pandas_are_read_whatever_holds_them(dtype) -> None:
    frame = pd.DataFrame({"a": pd.Series([1, 0, 1], dtype=dtype), "b": [7, 8, 9]})
    made = vw.TableEncoder(missing="mean").fit_transform(frame.iloc[::-1])
    assert made.tolist() == [[1, 9], [0, 8], [1, 7]]


def test_chains_of_maps_start_with_a_table() -> None:
    fitted = vw.TableEncoder(TABULAR, scale="standard").fit(homes()).map_
    X = fitted(homes())
    made = chain(fitted, vw.pca(X, k=2))(homes())
    assert made.shape == (5, 2)


def test_a_table_with_texts_is_saved_and_opened(tmp_path) -> None:
    encoder = vw.TableEncoder(text={"words": vw.TfidfEncoder()}, weights={"words": 2}, scale="robust").fit(
        homes()
    )
    vw.save(encoder, tmp_path / "table")
    opened = vw.open_encoder(tmp_path / "table")
    assert opened.space == encoder.space
    assert opened.get_params()["text__words__lowercase"] is True
    assert opened.transform(homes()).tobytes() == encoder.transform(homes()).tobytes()
    assert vw.TableEncoder(text={"words": vw.SentenceEncoder()}).costly
    assert not encoder.costly


def test_a_query_is_scaled_like_the_rows() -> None:
    from vecwise.encoders.queries import encode_query

    X = vw.encode(homes(), vw.TableEncoder(scale="standard", text={"words": vw.CountEncoder()}))
    query = '{"rooms": 3, "area": 70.5, "garden": true, "sold": "2020-01-01", "kind": "house", "words": "a sunny house"}'
    assert np.array_equal(encode_query(X, query).values, X[0].values)


def test_a_row_of_gaps_alone_is_what_it_is_in_a_batch() -> None:
    rows = pa.table({"a": [1.0, 2.0, None], "b": [True, None, False], "c": ["x", "y", None]})
    encoder = vw.TableEncoder(missing={"a": "mean", "b": "mean", "c": "mean"}).fit(rows)
    batch = encoder.transform({"a": [None, 5.0], "b": [None, True], "c": [None, "x"]})
    alone = encoder.transform([{"a": None, "b": None, "c": None}])
    assert alone.tolist() == batch[:1].tolist()


def test_text_columns_take_the_names_of_encoders() -> None:
    rows = {"about": ["a b", "b c"], "n": [1.0, 2.0]}
    named = vw.TableEncoder(text={"about": "tfidf"}).fit(rows)
    assert named.space == vw.TableEncoder(text={"about": vw.TfidfEncoder()}).fit(rows).space
    assert vw.TableEncoder(text={"about": "sentence"}).costly
    with pytest.raises(vw.errors.WrongType):
        vw.TableEncoder(text="about").fit(rows)
