"""Encoders compared: against scikit-learn and SciPy, on real rows, with encoders that fail and nothing to tell."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr, ttest_rel
from sklearn.metrics.pairwise import cosine_similarity

import vecwise as vw
from conftest import EXAMPLES
from images import digits
from vecwise.errors import EmptyInput, Inapplicable, OutOfRange, UnknownName, WrongShape, WrongType
from vecwise.measure.views import view
from vecwise.models.footprint import encoder_bytes
from vecwise.models.judged_pairs import JudgedPairs, pair_names, reciprocal_ranks, similarities
from vecwise.models.leaderboard import size_words
from vecwise.models.qualities import clearly_better, of_folds, of_items, of_pairs, of_ranks
from vecwise.tracking.recorder import recording
from vecwise.tracking.records import all_runs

FOOD = ["red apple", "green apple pie", "sweet apple", "apple and pear"]
METAL = ["iron bolt", "steel bolt", "copper bolt and nut", "a bolt of zinc"]


def speeches(rows: int = 400) -> Any:
    table = vw.read(EXAMPLES / "speeches.csv")
    step = table.num_rows // rows
    return table.take(list(range(0, table.num_rows, step))[:rows])


# ---- by a target ----


def test_quality_is_the_score_of_the_probe_on_the_same_folds() -> None:
    rows = vw.read(EXAMPLES / "houses.csv").slice(0, 600)
    found = vw.choose(rows, "price", seed=3)
    probed = vw.probe(rows, "price", model="linear", seed=3)
    np.testing.assert_array_equal(found["table"].quality.parts, probed["linear"].scores["r2"])
    assert found.baseline.mean == probed.baseline
    assert found["table"].dim == 19
    assert found["table"].vector_bytes == 600 * 19 * 8
    assert found["table"].rows_per_second > 0
    # A linear model that scales its columns cannot tell scaled columns from others, and the words say so.
    assert set(found.tied) == {"table", "table standardized", "table min-max"}
    assert "cannot tell it from" in found.words
    assert found.recommended == "table"
    assert vw.encode(rows.drop_columns(["price"]), found.encoder).shape == (600, 19)


def test_a_clear_winner_is_called_so_and_what_fails_is_listed_with_its_reason() -> None:
    class Broken(vw.CountEncoder):
        def fit_encode(self, table: Any, /, **named: Any) -> Any:
            raise RuntimeError("the disk is on fire")

    class Nothing(vw.CountEncoder):
        """Counts letters that no text holds."""

        def __init__(self) -> None:
            super().__init__(vocabulary=["qq", "and", "of"])

    lines, labels = (FOOD + METAL) * 10, (["food"] * 4 + ["metal"] * 4) * 10
    tried = {
        "count": "count",
        "few words": Nothing(),
        "broken": Broken(),
        "tranformer": "tranformer",
        "bare": "transformer",
    }
    found = vw.choose(lines, labels, encoders=tried)
    assert [one.name for one in found.failed] == ["broken", "tranformer", "bare"]
    assert found["broken"].failure == "the disk is on fire"
    assert "transformer" in found["tranformer"].failure
    assert "needs" in found["bare"].failure
    assert [one.name for one in found.ranked] == ["count", "few words"]
    assert found.recommended == "count"
    assert "clearly above that of few words" in found.words
    with pytest.raises(UnknownName):
        found["sentence"]
    assert "count" in repr(found)
    assert "<table" in found._repr_html_()
    assert found.to_pandas()["encoder"].tolist() == ["count", "few words", "broken", "tranformer", "bare"]


def test_when_nothing_tells_the_target_none_is_recommended() -> None:
    rng = np.random.default_rng(0)
    rows = pa.table(
        {"a": rng.standard_normal(200), "b": rng.standard_normal(200), "y": rng.integers(0, 2, 200)}
    )
    found = vw.choose(rows, "y", encoders=["table", "table standardized"])
    assert found.recommended is None
    assert "Take none for this target" in found.words
    with pytest.raises(Inapplicable, match="Take none"):
        found.encoder  # noqa: B018


def test_images_are_compared_as_images() -> None:
    pixels, labels = digits()
    found = vw.choose(pixels, labels, folds=3)
    assert {one.name for one in found.ranked} == {
        "image",
        "image 14x14",
        "image components",
        "image standardized",
    }
    assert found.ranked[0].quality.mean > 0.75 > found.baseline.mean
    assert found["image components"].dim == 32


def test_tables_with_labels_are_hashed_and_numbered_too() -> None:
    rng = np.random.default_rng(1)
    kind = rng.choice(["flat", "house", "boat"], 120)
    rows = pa.table({"kind": kind, "size": rng.random(120), "y": (kind == "boat") * 2.0 + rng.random(120)})
    found = vw.choose(rows, "y")
    assert {"table hashed", "table ordinal"} <= {one.name for one in found.ranked}
    assert found["table"].quality.mean > found["table ordinal"].quality.mean


def test_groups_and_order_cut_all_alike() -> None:
    lines, labels = (FOOD + METAL) * 4, (["food"] * 4 + ["metal"] * 4) * 4
    rows = pa.table(
        {"text": lines, "kind": labels, "line": [str(i % 8) for i in range(32)], "day": range(32)}
    )
    assert "no group" in vw.choose(rows, "kind", encoders=["count"], groups="line", folds=2, text="text").how
    assert "later" in vw.choose(rows, "kind", encoders=["count"], order="day", folds=3, text="text").how


# ---- by pairs ----


def test_reciprocal_ranks_are_those_of_scikit_learns_cosines() -> None:
    rng = np.random.default_rng(2)
    x = rng.standard_normal((30, 5))
    pairs = JudgedPairs(np.array([0, 4, 9]), np.array([1, 7, 20]))
    found = reciprocal_ranks(view(vw.Vectors(x)), pairs)
    near = cosine_similarity(x)
    np.fill_diagonal(near, -np.inf)
    for one, a, b in zip(found, pairs.left, pairs.right, strict=True):
        both = [1 / (1 + (near[p] > near[p, q]).sum()) for p, q in ((a, b), (b, a))]
        assert one == pytest.approx(np.mean(both))
    np.testing.assert_allclose(similarities(view(vw.Vectors(x)), pairs), near[pairs.left, pairs.right])


def test_ranks_by_distance_in_a_table_and_in_sparse_counts() -> None:
    X = vw.encode({"a": [0.0, 1, 5, 9], "b": [0.0, 1, 5, 9]})
    assert reciprocal_ranks(view(X), JudgedPairs(np.array([0]), np.array([2]))).tolist() == [
        (1 / 2 + 1 / 3) / 2
    ]
    counts = vw.encode(["a b", "b c", "a b", "d"], "count")
    # The row that equals the asked one comes first; partners of the same row do not stand in each other's way.
    both = JudgedPairs(np.array([0, 0]), np.array([1, 2]))
    assert reciprocal_ranks(view(counts), both).tolist() == [(1 + 1 / 1.5) / 2, 1.0]


@settings(deadline=None, max_examples=25)
@given(st.integers(3, 30), st.integers(0, 1000))
def test_rank_correlation_is_that_of_scipy(pairs: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    said, judged = rng.integers(0, 5, pairs) * 1.0, rng.integers(0, 5, pairs) * 1.0
    if len(set(said)) < 2 or len(set(judged)) < 2:
        assert of_ranks(said, judged, 0).mean == 0.0
        return
    assert of_ranks(said, judged, 0).mean == pytest.approx(spearmanr(said, judged).statistic)


def test_pairs_by_text_find_the_encoder_that_knows_what_words_mean() -> None:
    pairs = [("the car stopped", "an automobile halted"), ("a physician came", "the doctor arrived"),
             ("kids play ball", "children throw balls"), ("it is raining", "wet weather today"),
             ("he purchased bread", "she bought a loaf"), ("the film was dull", "a boring movie"),
             ("big house", "large home"), ("fast train", "quick railway"), ("angry man", "furious guy"),
             ("cold winter", "freezing december")]  # fmt: skip
    found = vw.choose([side for pair in pairs for side in pair], pairs=pairs, encoders=["count", "sentence"])
    assert found.metric == "mrr"
    assert found.recommended == "sentence"
    assert "clearly above that of count" in found.words
    # Texts that no row has become rows.
    few = vw.choose(["the sea", "the sky"], pairs=pairs, encoders=["sentence"])
    assert few.rows == 22
    scored = [(a, b, 1.0) for a, b in pairs] + [(pairs[i][0], pairs[i - 3][1], 0.0) for i in range(10)]
    by_score = vw.choose(
        [side for pair in pairs for side in pair], pairs=scored, encoders=["sentence", "count"]
    )
    assert by_score.metric == "spearman"
    assert by_score["sentence"].quality.mean > 0.7 > by_score["count"].quality.mean


def test_pairs_by_id() -> None:
    rows = pa.table(
        {"name": ["p", "q", "r", "s"], "text": ["red apple", "green apple", "iron bolt", "steel bolt"]}
    )
    found = vw.choose(
        rows, pairs={"a": ["p", "r"], "b": ["q", "s"]}, ids="name", encoders=["count"], text="text"
    )
    assert found["count"].quality.mean == 1.0
    with pytest.raises(UnknownName, match="no ids of rows"):
        vw.choose(rows, pairs=[(1, 9)], encoders=["count"], text="text")
    numbered = vw.choose(rows, pairs=[(0, 1), (2, 3)], encoders=["count"], text="text")
    assert numbered["count"].quality.mean == 1.0


@pytest.mark.parametrize(
    ("pairs", "error"),
    [
        ([], EmptyInput),
        ([("a",)], WrongShape),
        ([("a", "b"), ("a", "b", 1.0)], WrongShape),
        ({"a": ["x"], "c": ["y"]}, UnknownName),
        ([("a", "b", 1.0), ("c", "d", 1.0)], OutOfRange),
        ([("a", "b", 1.0), ("c", "d", None)], OutOfRange),
        ([("a", "b", "high"), ("c", "d", "low")], WrongType),
    ],
)
def test_pairs_that_judge_nothing_are_refused(pairs: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        pair_names(pairs)
    with pytest.raises(EmptyInput, match="with itself"):
        vw.choose(FOOD, pairs=[(0, 0)], encoders=["count"])


# ---- by agreement ----


def test_without_a_target_agreement_is_told_and_not_called_quality() -> None:
    found = vw.choose(speeches(300).column("sentence").to_pylist(), encoders=["count", "tfidf", "sentence"])
    assert found.metric == "agreement"
    assert "nobody can say which is best" in found.words
    assert all(one.health in ("fine", "look", "wrong") for one in found.ranked)
    pair = vw.choose(FOOD + METAL, encoders={"one": "count", "same": "count"})
    assert [one.quality.mean for one in pair.ranked] == [1.0, 1.0]
    alone = vw.choose(FOOD, encoders=["count"])
    assert alone.ranked[0].quality is None
    assert "the only one" in alone.words


# ---- what is more than chance ----


def test_differences_on_folds_are_judged_more_strictly_than_by_a_plain_paired_test() -> None:
    rng = np.random.default_rng(3)
    strict = plain = 0
    for _ in range(300):
        a, b = rng.standard_normal((2, 5)) * 0.05 + 0.7
        one, other = sorted([of_folds(a, 0.25), of_folds(b, 0.25)], key=lambda q: -q.mean)
        strict += clearly_better(one, other)
        plain += ttest_rel(one.parts, other.parts).pvalue < 0.05
        assert not clearly_better(other, one)
    assert strict < plain < 40


def test_few_pairs_decide_nothing_and_many_do() -> None:
    assert not clearly_better(of_items(np.ones(3), 0), of_items(np.full(3, 0.5), 0))
    assert clearly_better(of_items(np.ones(9), 0), of_items(np.full(9, 0.5), 0))
    items = np.random.default_rng(0).random(400)
    assert of_items(items, 1).spread == pytest.approx(items.std() / 20, rel=0.1)


# ---- refusals, sizes, runs ----


def test_what_cannot_be_compared_is_refused() -> None:
    with pytest.raises(Inapplicable, match="not by both"):
        vw.choose(FOOD, ["a", "b", "a", "b"], pairs=[(0, 1)])
    with pytest.raises(Inapplicable, match="encoded already"):
        vw.choose({"v": [[1.0, 2.0], [3.0, 4.0]]})
    with pytest.raises(UnknownName, match="prise"):
        vw.choose(pa.table({"price": [1.0, 2.0]}), "prise")
    with pytest.raises(EmptyInput, match="two rows"):
        vw.choose(["one"])
    with pytest.raises(WrongType, match="encoders"):
        vw.choose(FOOD, encoders=[3])
    with pytest.raises(Inapplicable, match="leave `groups`"):
        vw.choose(FOOD, groups=[1, 1, 2, 2])
    with pytest.raises(OutOfRange, match="leave nothing to tell apart"):
        vw.choose(FOOD, ["a", "b", "a", "b"])
    nothing = vw.choose(FOOD, encoders=["nothing"])
    assert (nothing.recommended, nothing.ranked) == (None, ())
    assert "No encoder worked" in nothing.words


def test_sizes_count_the_weights() -> None:
    assert encoder_bytes(vw.SentenceEncoder().map_) > 20_000_000
    assert 0 < encoder_bytes(vw.CountEncoder().fit(FOOD).map_) < 100_000
    assert encoder_bytes(lambda rows: rows) is None
    assert size_words(1_234_567) == "1.2 MB"


def test_every_candidate_is_a_run(home: Any) -> None:
    vw.choose(FOOD * 3 + METAL * 3, (["f"] * 12 + ["m"] * 12), encoders=["count", "tranformer"], folds=3)
    runs = {run.name: run for run in all_runs().runs}
    assert {run.kind for run in runs.values()} == {"candidate"}
    assert runs["count"].metrics["quality"] == 1.0
    assert runs["tranformer"].status == "failed"
    with recording("outer", name="all") as outer:
        vw.choose(FOOD * 3 + METAL * 3, (["f"] * 12 + ["m"] * 12), encoders=["tfidf"], folds=3)
        with recording("within") as same:  # any other run inside a run is part of the outer one
            assert same is outer
    inner = next(run for run in all_runs().runs if run.name == "tfidf")
    assert inner.tags["parent"] == outer.id


def test_the_same_seed_gives_the_same_board() -> None:
    rows = speeches(200)
    a, b = (vw.choose(rows.select(["sentence"]), pairs=[(i, i + 1) for i in range(0, 60, 2)], encoders=["count", "tfidf"], seed=4)
            for _ in range(2))  # fmt: skip
    for one, other in zip(a.ranked, b.ranked, strict=True):
        np.testing.assert_array_equal(one.quality.parts, other.quality.parts)
    assert a.words == b.words
    assert of_pairs(vw.encode(FOOD, "count"), JudgedPairs(np.array([0]), np.array([1])), 0).items == 1
