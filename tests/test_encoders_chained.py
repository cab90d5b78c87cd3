"""Chains: the same as their steps one by one, fitted in any split, saved and used as one."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.decomposition import PCA
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.preprocessing import StandardScaler, normalize

import vecwise as vw
from vecwise.errors import EmptyInput, OutOfRange, UnknownName, WrongType
from vecwise.testing import check_encoder

TEXTS = ["the sea", "the sky over the sea", "rain", "a deep sea", "sky and rain", "the rain over a field"]


def table(texts=TEXTS) -> pa.Table:
    return pa.table({"text": texts})


CHAINS = [
    (vw.ChainEncoder(vw.CountEncoder(), steps=["pca:2"]), 1e-12),
    (vw.ChainEncoder("count", steps=["standardize", "pca:2", "normalize"]), 1e-12),
    (vw.ChainEncoder(vw.SentenceEncoder(), steps=["pca:3"]), 1e-6),
    (vw.ChainEncoder(vw.SentenceEncoder(), steps=["normalize"]), 1e-6),
    (vw.ChainEncoder(vw.CountEncoder(vocabulary=["sea", "sky"]), steps=[]), 0.0),
    (vw.ChainEncoder(vw.ChainEncoder("tfidf", steps=["pca:3"]), steps=["standardize"]), 1e-12),
]


@pytest.mark.parametrize(("encoder", "tolerance"), CHAINS, ids=lambda value: repr(value)[:60])
def test_every_chain_keeps_the_contract(encoder, tolerance) -> None:
    check_encoder(encoder, table(), tolerance=tolerance)


@pytest.mark.parametrize(("encoder", "_"), CHAINS[:5], ids=lambda value: repr(value)[:60])
def test_the_chain_fold_keeps_the_laws(encoder, _) -> None:
    def same(a, b) -> bool:
        if isinstance(a, dict) or isinstance(b, dict):
            return a == b
        left, right = a(table()).values, b(table()).values
        left, right = (v.toarray() if hasattr(v, "toarray") else v for v in (left, right))
        return bool(np.allclose(left, right, atol=1e-5))

    parts = [table(TEXTS[:2]), table([]).cast(table().schema), table(TEXTS[2:3]), table(TEXTS[3:])]
    fold = encoder._fold()
    state = fold.zero()
    for part in parts:
        state = fold.merge(state, fold.step(fold.zero(), part))
    assert same(fold.done(state), fold.done(fold.step(fold.zero(), table())))
    left = fold.merge(fold.merge(*(fold.step(fold.zero(), p) for p in parts[:2])), state)
    assert same(fold.done(left), fold.done(fold.merge(fold.step(fold.zero(), parts[0]), state)))


def test_it_equals_scikit_learns_steps() -> None:
    counts = CountVectorizer(token_pattern=r"\S+").fit_transform(TEXTS).toarray()
    truth = normalize(PCA(3).fit_transform(StandardScaler().fit_transform(counts)))
    chain = vw.ChainEncoder(vw.CountEncoder(order="sorted"), steps=["standardize", "pca:3", "normalize"])
    made = chain.fit_transform(TEXTS)
    assert np.allclose(np.abs(made), np.abs(truth), atol=1e-10)


def test_it_is_the_steps_one_by_one_to_the_bit() -> None:
    X = vw.encode(TEXTS, "count")
    one_by_one = vw.pca(X, k=2)(X)
    chain = vw.ChainEncoder("count", steps=["pca:2"])
    made = vw.encode(TEXTS, chain)
    assert made.values.tobytes() == one_by_one.values.tobytes()
    assert made.space.same_axes(one_by_one.space)
    assert vw.nearest(made, "the sea", k=1).ids.tolist() == [[0]]  # a text goes through every step


def test_fitting_leaves_the_users_encoder_alone() -> None:
    inner = vw.CountEncoder()
    chain = vw.ChainEncoder(inner, steps=["pca:2"]).fit(TEXTS)
    assert not inner.is_fitted
    assert chain.get_params()["encoder__tokenizer"] == "whitespace"
    chain.set_params(encoder__tokenizer="word")
    assert inner.tokenizer == "word"
    assert not chain.is_fitted


@given(st.lists(st.integers(1, 5), min_size=1, max_size=4))
def test_any_split_gives_the_same_chain(cuts) -> None:
    whole = vw.ChainEncoder("count", steps=["pca:2"]).fit(TEXTS)
    parts, start = vw.ChainEncoder("count", steps=["pca:2"]), 0
    for size in [*cuts, len(TEXTS)]:
        parts.partial_fit(table(TEXTS[start : start + size]))
        start += size
    assert parts.transform(TEXTS).tobytes() == whole.transform(TEXTS).tobytes()


@pytest.mark.parametrize(
    ("steps", "error", "words"),
    [
        (["pcaa:3"], UnknownName, "pca:K"),
        (["pca:three"], OutOfRange, "names no number"),
        (["normalize:2"], OutOfRange, "takes no number"),
        ("pca:3", WrongType, "list of steps"),
        (["pca:0"], OutOfRange, "at least 1"),
    ],
)
def test_steps_that_are_none(steps, error, words) -> None:
    with pytest.raises(error, match=words):
        vw.ChainEncoder("count", steps=steps).fit(TEXTS)


def test_nothing_to_fit_on() -> None:
    fold = vw.ChainEncoder("count", steps=["pca:2"])._fold()
    with pytest.raises(EmptyInput):
        fold.done(fold.zero())


def test_a_chain_is_a_block_of_a_table(tmp_path) -> None:
    rows = pa.table({"text": TEXTS, "rooms": [3.0, 2.0, 5.0, 1.0, 4.0, 4.0]})
    inner = vw.ChainEncoder("sentence", steps=["pca:2"])
    encoder = vw.TableEncoder(text={"text": inner}, scale={"rooms": "standard"}, weights={"text": 3.0})
    check_encoder(encoder, rows, tolerance=3e-6)
    made = vw.encode(rows, encoder)
    assert made.space.features == ("text: component 1", "text: component 2", "rooms")
    assert np.allclose(made.values[:, :2], 3 * vw.encode(TEXTS, inner).values, atol=1e-5)
    vw.save(encoder, tmp_path / "e")
    assert vw.open_encoder(tmp_path / "e").transform(rows).tobytes() == encoder.transform(rows).tobytes()
