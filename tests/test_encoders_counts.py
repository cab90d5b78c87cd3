"""Counting encoders against scikit-learn, the exact rule in Python, and themselves in parts."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
import unicodedata
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import (
    CountVectorizer,
    HashingVectorizer,
    TfidfTransformer,
    TfidfVectorizer,
)
from sklearn.pipeline import make_pipeline

import vecwise as vw
from vecwise.encoders.registry import from_data, to_data
from vecwise.errors import EmptyVocabulary, Inapplicable, OutOfRange, UnknownName
from vecwise.testing import check_encoder, check_fold

pytestmark = pytest.mark.usefixtures("way_of_counting")

# One sentence each in 20 scripts, and what trips tokenizers.
SCRIPTS = [
    "The sea, the sea", "Ça va à l'été", "Το Σπίτι ΟΔΟΣ", "Привет, мир и Мир", "Բարեւ աշխարհ", "שלום עולם", "مرحبا بالعالم",
    "ܫܠܡܐ ܥܠܡܐ", "नमस्ते दुनिया", "হ্যালো বিশ্ব", "ਸਤ ਸ੍ਰੀ ਅਕਾਲ", "હેલો વિશ્વ", "வணக்கம் உலகம்", "హలో ప్రపంచం", "ഹലോ ലോകം",
    "สวัสดี ชาวโลก", "ສະບາຍດີ ໂລກ", "မင်္ဂလာပါ ကမ္ဘာ", "გამარჯობა მსოფლიო", "ሰላም ለዓለም", "안녕 세상", "こんにちは 世界", "カタカナ 漢字", "你好 世界 天",
]  # fmt: skip
ODD = [
    "", " ", "\u3000\u2003", "🎉 👩‍👩‍👧‍👦 👍🏽", "soft\u00adhyphen zero\u200bwidth zwj\u200dx", "İstanbul ISTANBUL ıssız", "Straße STRASSE ß",
    "nul\0inside\0 \0", "a b c", "x" * 5000, "word" * 30 + " " + "word" * 31, "J\u030c ǰ", "ﬁne Å K Ω", "tab\tline\nfeed\x0bff\x0c\x1cfs\x85nel",
    "under_score _ __ a_", "don't 3.14 1,000 ½ ² x²", "\ufffd", "".join(map(chr, range(32, 127))),
]  # fmt: skip
ROWS = [unicodedata.normalize("NFC", row) for row in [*SCRIPTS, *ODD, *SCRIPTS[:4]]]
pieces = st.sampled_from(
    ["sea", "Sea", " ", "É", "e\u0301", "\ud800", "\0", "ß", "İ", "x" * 12, "\n", "你好"]
)
any_text = st.lists(st.text(max_size=20) | st.lists(pieces, max_size=9).map("".join), min_size=1, max_size=6)


def assert_same_bits(ours, theirs) -> None:
    """Equal, zero for zero; sums that a compiler may fuse differently elsewhere are equal on x86."""
    theirs = theirs.copy()
    theirs.sum_duplicates()
    theirs.eliminate_zeros()
    assert np.array_equal(ours.indptr, theirs.indptr)
    assert np.array_equal(ours.indices, theirs.indices)
    if platform.machine() in ("x86_64", "AMD64"):
        assert np.array_equal(ours.data, theirs.data)
    else:
        np.testing.assert_array_max_ulp(ours.data, theirs.data, 4)


@pytest.mark.parametrize(
    "options", [{}, {"ngrams": (1, 2)}, {"min_df": 2}, {"binary": True}, {"lowercase": False}], ids=str
)
def test_all_scripts_count_as_scikit_learn_counts_them(options) -> None:
    theirs = {{"ngrams": "ngram_range"}.get(name, name): value for name, value in options.items()}
    for ours, truth in (
        (vw.CountEncoder(tokenizer="word", order="sorted", **options), CountVectorizer(**theirs)),
        (vw.TfidfEncoder(tokenizer="word", order="sorted", **options), TfidfVectorizer(**theirs)),
    ):
        expected = truth.fit_transform(ROWS)
        assert_same_bits(ours.fit_transform(ROWS), expected)
        assert list(ours.get_feature_names_out()) == list(truth.get_feature_names_out())
        assert_same_bits(ours.transform(ROWS[::-1]), truth.transform(ROWS[::-1]))


def test_white_space_tokens_are_those_of_str_split() -> None:
    ours = vw.CountEncoder(order="sorted")
    truth = CountVectorizer(tokenizer=str.split, token_pattern=None)
    assert_same_bits(ours.fit_transform(ROWS), truth.fit_transform(ROWS))
    assert list(ours.get_feature_names_out()) == list(truth.get_feature_names_out())
    spaces = [chr(i) for i in range(sys.maxunicode + 1) if chr(i).isspace()]
    assert vw.CountEncoder().fit(["a".join(spaces)]).get_feature_names_out().tolist() == ["a"]


REPAIRED = pytest.mark.filterwarnings("ignore::vecwise.errors.TextRepaired")  # lone surrogates are told


@REPAIRED
@given(
    any_text,
    st.sampled_from(["whitespace", "word"]),
    st.sampled_from([True, False, "casefold"]),
    st.sampled_from(["NFC", "NFKC", "none"]),
)
def test_any_text_counts_as_the_rule_says(rows, tokenizer, lowercase, form) -> None:
    def cut(row):
        row = "".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in row)
        row = row if form == "none" else unicodedata.normalize(form, row)
        row = row.lower() if lowercase is True else row
        row = (
            unicodedata.normalize(form, row.casefold()) if lowercase == "casefold" and form != "none" else row
        )
        row = row.casefold() if lowercase == "casefold" and form == "none" else row
        return row.split() if tokenizer == "whitespace" else re.findall(r"\b\w\w+\b", row)

    encoder = vw.CountEncoder(tokenizer=tokenizer, lowercase=lowercase, normalize_text=form)
    words = list(dict.fromkeys(word for row in rows for word in cut(row)))
    if not words:
        with pytest.raises(EmptyVocabulary):
            encoder.fit_transform(rows)
        return
    made = encoder.fit_transform(rows)
    assert encoder.get_feature_names_out().tolist() == words
    for row, counted in zip(rows, made.toarray(), strict=True):
        assert {word: n for word, n in zip(words, counted, strict=True) if n} == Counter(cut(row))
    assert np.array_equal(encoder.transform(rows).toarray(), made.toarray())
    opened = from_data(to_data(encoder.map_))
    assert opened.target == encoder.space
    assert np.array_equal(
        opened(pa.table({"text": ["é ß x", *[r for r in rows if r.isascii()]]})).values.toarray()[1:],
        made.toarray()[[r.isascii() for r in rows]],
    )


# ---- hashed columns ----


@pytest.mark.parametrize("sign", [True, False])
@pytest.mark.parametrize(
    "options", [{}, {"ngrams": (1, 2)}, {"binary": True}, {"stop_words": ["the"]}], ids=str
)
@pytest.mark.parametrize("dim", [16, 2**18])
def test_hashed_columns_are_scikit_learns(sign, options, dim) -> None:
    theirs = {{"ngrams": "ngram_range"}.get(name, name): value for name, value in options.items()}
    truth = HashingVectorizer(n_features=dim, alternate_sign=sign, norm=None, **theirs)
    ours = vw.CountEncoder(hashing=dim, alternate_sign=sign, tokenizer="word", **options)
    assert_same_bits(ours.transform(ROWS), truth.transform(ROWS))
    assert_same_bits(ours.fit_transform(ROWS), truth.transform(ROWS))
    weights = vw.TfidfEncoder(hashing=dim, alternate_sign=sign, tokenizer="word", **options)
    chained = make_pipeline(truth, TfidfTransformer())
    expected = chained.fit_transform(ROWS)
    if not sign or dim > 16:  # where signs cancel, scikit-learn's lengths count what is left: zeros
        assert_same_bits(weights.fit_transform(ROWS), expected)
        assert_same_bits(weights.transform(ROWS[3:]), chained.transform(ROWS[3:]))


def test_hashing_needs_no_fitting_and_keeps_the_contract() -> None:
    rows = pa.table({"text": ["the sea the sea", "a sea of the sea", "sea the rain", "", "é"]})
    check_encoder(vw.CountEncoder(hashing=64), rows)
    check_encoder(vw.TfidfEncoder(hashing=64, alternate_sign=False, ngrams=(1, 2)), rows)
    check_encoder(vw.TfidfEncoder(normalize_text="NFKC", lowercase="casefold"), rows)
    encoder = vw.CountEncoder(hashing=64)
    assert encoder.is_fitted
    assert not vw.TfidfEncoder(hashing=64).is_fitted
    assert encoder.space.claims == frozenset()
    assert "non-negative" in vw.CountEncoder(hashing=64, alternate_sign=False).space.claims
    assert not encoder.space.same_axes(vw.CountEncoder(hashing=64, alternate_sign=False).space)
    assert not encoder.space.same_axes(vw.CountEncoder(hashing=65).space)
    with pytest.raises(Inapplicable, match="keep no words"):
        encoder.inverse_transform(encoder.transform(["a"]))
    for options in ({"vocabulary": ["a"]}, {"min_df": 2}, {"max_features": 3}, {"min_df": 1.0}):
        with pytest.raises(Inapplicable, match="no effect"):
            vw.CountEncoder(hashing=64, **options).transform(["a"])
    for dim in (0, -1, 2**31, 2.5):
        with pytest.raises(OutOfRange, match="number of columns"):
            vw.CountEncoder(hashing=dim).transform(["a"])


@pytest.mark.parametrize(
    "encoder",
    [
        vw.CountEncoder(hashing=32),
        vw.TfidfEncoder(hashing=32),
        vw.TfidfEncoder(ngrams=(1, 2), max_features=3),
    ],
)
def test_the_folds_keep_the_laws(encoder) -> None:
    rows = pa.table({"text": ["The sea, the sea", "a sky of grass", "", "rain the Sea café"]})
    check_fold(encoder._fold(), [rows.slice(0, 2), rows.slice(2, 0), rows.slice(3, 1), rows.slice(1, 1)])
    assert encoder.fit(rows).is_fitted


# ---- a vocabulary that grows, that is given, that is opened again ----


def test_a_vocabulary_grows_and_old_columns_keep_their_places(lyrics) -> None:
    encoder = vw.CountEncoder(tokenizer="word").fit(lyrics[:100])
    before = encoder.get_feature_names_out().tolist()
    old = encoder.transform(lyrics).toarray()
    encoder.partial_fit(lyrics[100:])
    after = encoder.get_feature_names_out().tolist()
    assert after[: len(before)] == before
    assert len(after) > len(before)
    assert np.array_equal(encoder.transform(lyrics).toarray()[:, : len(before)], old)
    assert encoder.space == vw.CountEncoder(tokenizer="word").fit(lyrics).space
    grown = vw.CountEncoder().fit_transform(["b a", "a"])
    assert grown.toarray().tolist() == [[1, 1], [0, 1]]


def test_growing_after_fit_transform_counts_the_rows_once() -> None:
    a, b = ["the sea", "the sky"], ["a sky", "rain"]
    for options in ({}, {"min_df": 2}, {"max_features": 2}, {"order": "sorted"}):
        encoder = vw.TfidfEncoder(**options)
        encoder.fit_transform(a)
        encoder.partial_fit(b)
        whole = vw.TfidfEncoder(**options).fit(a + b)
        assert encoder.space == whole.space
        assert np.array_equal(encoder.transform(a + b).toarray(), whole.transform(a + b).toarray())


def test_words_that_lower_casing_takes_apart_are_found_again() -> None:
    rows = ["J\u030c J\u030c", "İx"]  # their lower case is no composed letter
    encoder = vw.CountEncoder()
    made = encoder.fit_transform(rows)
    assert made.toarray().tolist() == [[2, 0], [0, 1]]
    assert np.array_equal(encoder.transform(rows).toarray(), made.toarray())
    opened = from_data(to_data(encoder.map_))
    assert np.array_equal(opened(pa.table({"text": rows})).values.toarray(), made.toarray())


@REPAIRED
def test_a_given_vocabulary_keeps_its_spelling_and_is_found_in_lower_case() -> None:
    encoder = vw.CountEncoder(["The", "Sea", "a\nb"], tokenizer="whitespace")
    assert encoder.transform(["the sea THE"]).toarray().tolist() == [[2, 1, 0]]
    assert encoder.get_feature_names_out().tolist() == ["The", "Sea", "a\nb"]
    opened = from_data(to_data(encoder.map_))
    assert opened.target == encoder.space
    assert opened(pa.table({"text": ["SEA"]})).values.toarray().tolist() == [[0, 1, 0]]
    weights = vw.TfidfEncoder(["Sea", "zzz"]).fit(["the sea", "sea", "x"])
    assert weights.map_.rows_with.tolist() == [2, 0]
    lone = vw.CountEncoder(["\ud800", "a"])
    assert lone.transform(["a \ud800"]).toarray().tolist() == [[0, 1]]


def test_few_and_many_texts_look_words_up_alike(lyrics) -> None:
    encoder = vw.CountEncoder(tokenizer="word").fit(lyrics)
    many = encoder.transform(lyrics)  # by Arrow
    one_by_one = np.vstack([encoder.transform([line]).toarray() for line in lyrics[:40]])  # by a dictionary
    assert np.array_equal(many.toarray()[:40], one_by_one)


def test_every_way_of_reading_has_its_own_frame() -> None:
    rows = ["the sea", "sky"]
    ways = [
        {}, {"normalize_text": "NFKC"}, {"normalize_text": "none"}, {"lowercase": "casefold"}, {"lowercase": False},
        {"tokenizer": "word"}, {"ngrams": (1, 2)}, {"binary": True}, {"stop_words": ["zzz"]},
    ]  # fmt: skip
    frames = [vw.CountEncoder(**way).fit(rows).space.frame for way in ways]
    assert len(set(frames)) == len(ways)
    for option in ({"normalize_text": "NFD"}, {"lowercase": "upper"}):
        with pytest.raises(UnknownName):
            vw.CountEncoder(**option).fit(rows)


def test_nothing_depends_on_the_hash_seed_or_on_parts() -> None:
    code = (
        "import vecwise as vw; from vecwise.encoders.registry import to_data; rows = ['b a c', 'c a d é', 'b  d', ''] * 9\n"
        "for parts in (1, 2, 9):\n"
        "    e = vw.TfidfEncoder(ngrams=(1, 2), max_features=5, stop_words=['d', 'x'])\n"
        "    [e.partial_fit(rows[i * len(rows) // parts:(i + 1) * len(rows) // parts]) for i in range(parts)]\n"
        "    print(e.space.frame, e.get_feature_names_out().tolist(), e.transform(rows).data.tobytes().hex())"
    )
    made = {
        subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "77")
    }
    assert len(made) == 1
    assert len(set(made.pop().splitlines())) == 1


def test_dictionary_columns_and_their_nulls() -> None:
    column = pa.DictionaryArray.from_arrays(pa.array([0, 1, 0]), pa.array(["the sea", None]))
    made = vw.CountEncoder(missing="empty").fit_transform(pa.table({"text": column}))
    assert made.toarray().tolist() == [[1, 1], [0, 0], [1, 1]]
    with pytest.raises(vw.errors.MissingValue, match="`1`"):
        vw.CountEncoder().fit(pa.table({"text": column}))
