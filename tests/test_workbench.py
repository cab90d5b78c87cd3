"""What the commands answer: explore, similar, nearest, pairs, health, in numbers and in words."""

from __future__ import annotations

import datetime
import json

import numpy as np
import pyarrow as pa
import pytest

import vecwise as vw
from conftest import EXAMPLES, FIVE
from vecwise import workbench
from vecwise.encoders.queries import encode_query
from vecwise.errors import (
    EmptyInput,
    Inapplicable,
    MissingValue,
    NoEncoder,
    OutOfRange,
    TooLarge,
    UnknownName,
    WrongType,
)

# ---- plot ----


def test_plot_draws_components_or_the_vectors_themselves(lyrics) -> None:
    X = vw.encode(
        {"a": [1, 2, 3, 4.5], "b": [3, 1, 2, 9], "c": [0, 5, 1, 2], "d": [1, 1, 2, 2]}, encoder="table"
    )
    figure = vw.plot(X, color="a")
    assert figure.data[0].type == "scatter3d"
    assert len(figure.data[0].x) == 4
    flat = vw.plot(vw.Vectors([[0, 1], [2, 3]]), dim=2)
    assert list(flat.data[0].x) == [0, 2]
    with pytest.raises(UnknownName, match="column `z`"):
        vw.plot(X, color="z")
    with pytest.raises(OutOfRange):
        vw.plot(X, dim=4)


def test_plot_takes_arrays_and_refuses_none() -> None:
    figure = vw.plot(np.array([[0.0, 1.0], [2.0, 3.0]]), dim=2)
    assert list(figure.data[0].y) == [1, 3]
    with pytest.raises(EmptyInput, match="no rows to draw"):
        vw.plot(np.zeros((0, 3)))


# ---- the commands' answers ----


def explored(path, **options):
    return workbench.explore(str(path), **options)


def strict_json(answer) -> dict:
    return json.loads(json.dumps(answer.data, allow_nan=False))


def test_explore_the_houses() -> None:
    data = strict_json(explored(EXAMPLES / "houses.csv"))
    assert (data["rows"], len(data["columns"]), data["vectors"]["dim"]) == (21613, 21, 20)
    assert data["vectors"]["unit"] is False
    assert data["components"]["standardized"]
    assert len(data["components"]["explained_variance_ratio"]) == 3
    from sklearn.decomposition import PCA
    from sklearn.preprocessing import StandardScaler

    X = vw.encode(EXAMPLES / "houses.csv")
    truth = PCA(3).fit(StandardScaler().fit_transform(X.values)).explained_variance_ratio_
    assert np.allclose(data["components"]["explained_variance_ratio"], truth)
    from sklearn.neighbors import NearestNeighbors

    Z = StandardScaler().fit_transform(X.values)
    nearest = NearestNeighbors(n_neighbors=2).fit(Z).kneighbors(Z)[0][:, 1]
    assert data["closest"]["score"] == pytest.approx(nearest.min(), rel=1e-9)
    assert data["closest"]["searched"] == 21613


def test_explore_the_five_sentences(tmp_path) -> None:
    answer = explored(EXAMPLES / "sentences.txt", html=str(tmp_path / "r.html"))
    data = strict_json(answer)
    assert data["vectors"]["advice"] == "every row has length 1: inner product and cosine agree"
    assert [r["id"] for r in data["closest"]["rows"]] == [0, 1]
    assert data["closest"]["score"] == pytest.approx(0.5004, abs=2e-4)
    assert data["vectors"]["norms"]["l1"]["max"] == pytest.approx(19.67, abs=0.02)
    words = "\n".join(line for _, lines in answer.sections for line in lines)
    assert "inner product and cosine agree" in words
    assert "“We looked up into the sky”" in words
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "vecwise-data" in page
    assert "https://" not in page.split("vecwise-data")[1].split("</script>")[0]


@pytest.mark.parametrize("encoder", ["auto", "count", "tfidf"])
def test_explore_lyrics_by_every_encoder(encoder, tmp_path) -> None:
    data = strict_json(explored(EXAMPLES / "lyrics.txt", encoder=encoder, html=str(tmp_path / "r.html")))
    assert data["rows"] >= 200
    assert data["vectors"]["sparse"] == (encoder != "auto")
    assert data["measure"]["metric"] == "cosine"


def test_explore_a_vocabulary_of_thousands(tmp_path) -> None:
    texts = [f"common sea word{i} word{i + 1} rare{2 * i}" for i in range(2500)]
    (tmp_path / "many.txt").write_text("\n".join(texts))
    data = strict_json(explored(tmp_path / "many.txt", encoder="count", html=str(tmp_path / "r.html")))
    assert data["vectors"]["dim"] > 5000
    kept = data["components"]["explained_variance_ratio"]
    from sklearn.decomposition import PCA

    best = (
        PCA(3, svd_solver="arpack", random_state=0)
        .fit(vw.CountEncoder().fit_transform(texts))
        .explained_variance_ratio_
    )
    assert 0 < sum(kept) <= best.sum() + 1e-9  # of the whole variance, and no more than components can keep


@pytest.mark.parametrize("rows", ["a\n1\n", "a,b\n1,2\n1,2\n", "a\n1\n2\n", "t\nword\n", "a,b\n0,0\n0,1\n"])
def test_explore_tiny_files(tmp_path, rows) -> None:
    path = tmp_path / "tiny.csv"
    path.write_text(rows)
    data = strict_json(explored(path, html=str(tmp_path / "r.html")))
    assert data["rows"] == rows.count("\n") - 1
    assert (tmp_path / "r.html").stat().st_size > 10_000


@pytest.mark.parametrize("rows", ["a,b\n1,2\n", "a,b\n3,2\n3,2\n3,2\n"])
def test_rows_without_variance_are_told_so(tmp_path, rows) -> None:
    path = tmp_path / "equal.csv"
    path.write_text(rows)
    told = dict(explored(path, html=str(tmp_path / "r.html")).sections)
    assert told["Principal components"] == ["All rows are equal: there is no variance."]
    assert "ll rows are equal: there is no variance" in (tmp_path / "r.html").read_text(encoding="utf-8")
    path.write_text("a,b\n1,2\n2,9\n")
    assert dict(explored(path).sections)["Principal components"][0] == "1 keeps 100% of the variance."


def test_json_holds_no_infinity() -> None:
    answer = workbench.Answer(
        [], {"a": [1.5, float("nan"), (np.inf,)], "b": {"c": -np.inf, "d": "x"}, "n": 3}
    )
    assert strict_json(answer) == {"a": [1.5, None, [None]], "b": {"c": None, "d": "x"}, "n": 3}


def test_explore_samples_by_seed() -> None:
    one, two, other = (strict_json(explored(EXAMPLES / "houses.csv", sample=50, seed=s)) for s in (1, 1, 2))
    assert one == two
    assert one["vectors"]["rows"] == 50
    assert one["rows"] == 21613
    assert one["closest"] != other["closest"]
    with pytest.raises(OutOfRange, match="--sample"):
        explored(EXAMPLES / "houses.csv", sample=0)
    with pytest.raises(UnknownName, match="Did you mean `price`"):
        explored(EXAMPLES / "houses.csv", color="prize")


def test_similar_in_numbers_and_words() -> None:
    data = strict_json(workbench.compare_texts(FIVE[0], FIVE[1]))
    assert data["dot"] == pytest.approx(0.5004, abs=2e-4)
    assert data["cosine"] == pytest.approx(data["dot"], abs=1e-6)
    assert data["euclidean"] == pytest.approx((2 - 2 * data["cosine"]) ** 0.5, abs=1e-5)
    X = vw.encode(FIVE[:2])
    assert data["manhattan"] == pytest.approx(np.abs(X.values[0] - X.values[1]).sum(), rel=1e-5)
    assert data["meaning"] == "They are related."
    assert workbench.compare_texts("same", "same").data["cosine"] == 1
    assert strict_json(workbench.compare_texts("a", "b", encoder="count"))["cosine"] == 0


def test_counts_say_which_words_are_shared_and_not_what_is_meant() -> None:
    told = {
        text: strict_json(workbench.compare_texts("dog bites man", text, encoder="count"))["meaning"]
        for text in ("man bites dog", "dog bites bone", "the sea")
    }
    assert told == {
        "man bites dog": "They share 3 of 3 different words.",
        "dog bites bone": "They share 2 of 4 different words.",
        "the sea": "They share 0 of 5 different words.",
    }


def test_nearest_in_files_and_folders(tmp_path) -> None:
    lyrics = str(EXAMPLES / "lyrics.txt")
    data = strict_json(workbench.nearest_in(lyrics, "rain on the window", k=3))
    assert len(data["neighbors"]) == 3
    scores = [n["score"] for n in data["neighbors"]]
    assert scores == sorted(scores, reverse=True)
    workbench.encode_to(lyrics, str(tmp_path / "v"))
    assert (
        strict_json(workbench.nearest_in(str(tmp_path / "v"), "rain on the window", k=3))["neighbors"]
        == data["neighbors"]
    )
    own = strict_json(workbench.nearest_in(lyrics, None, row="5", k=4))
    assert 5 not in [n["id"] for n in own["neighbors"]]
    assert len(own["neighbors"]) == 4


def test_nearest_among_houses_takes_a_row() -> None:
    houses = str(EXAMPLES / "houses.csv")
    by_id = strict_json(workbench.nearest_in(houses, None, row="0", k=3))
    assert by_id["metric"] == "euclidean"
    row = json.dumps({"bedrooms": 3, "sqft_lot": 5650})
    options = {"columns": ["bedrooms", "sqft_lot"], "metric": "manhattan"}
    found = strict_json(workbench.nearest_in(houses, row, k=1, **options))
    assert found["neighbors"][0]["score"] == 0
    for query, own, error in (
        ("x", "1", OutOfRange),
        (None, None, OutOfRange),
        (None, "x", UnknownName),
        ("{1}", None, WrongType),
    ):
        with pytest.raises(error):
            workbench.nearest_in(houses, query, row=own)


def test_what_rows_are_compared_by_is_told() -> None:
    standardized = {"metric": "euclidean", "words": "Euclidean distance on standardized columns"}
    houses = str(EXAMPLES / "houses.csv")
    for answer in (
        workbench.nearest_in(houses, None, row="0", k=2),
        workbench.pairs_of(houses, sample=4),
        workbench.explore(houses, sample=40),
    ):
        assert strict_json(answer)["measure"] == standardized
        assert any(standardized["words"] in heading for heading, _ in answer.sections)
    plain = strict_json(workbench.pairs_of(houses, sample=4, metric="manhattan"))
    assert plain["measure"] == {"metric": "manhattan", "words": "Manhattan distance"}
    assert plain["metric"] == "manhattan"
    X = vw.encode(houses)
    ids = plain["ids"]
    truth = np.abs(X.values[ids[0]] - X.values[ids[1]]).sum()
    assert plain["values"][0][1] == pytest.approx(truth)


@pytest.mark.parametrize("k", [0, -1])
def test_k_is_checked_before_anything_is_read(k) -> None:
    with pytest.raises(OutOfRange, match=f"`-k` .* not {k}"):
        workbench.nearest_in("nowhere.csv", None, row="0", k=k)


def test_a_query_to_a_table_is_a_row_with_every_column(tmp_path) -> None:
    path = tmp_path / "sales.csv"
    path.write_text(
        "sold,rooms,kind,zip\n2014-07-22,3,flat,501\n2015-01-05,4,house,601\n2014-07-20,9,house,1\n"
    )
    row = {"sold": "2014-07-22", "rooms": 3, "kind": "flat", "zip": 501}
    found = strict_json(workbench.nearest_in(str(path), json.dumps(row), k=1))["neighbors"]
    assert (found[0]["id"], found[0]["score"]) == (0, 0)
    half = strict_json(
        workbench.nearest_in(str(path), json.dumps({**row, "rooms": 3.5}), metric="manhattan", k=1)
    )
    assert half["neighbors"][0]["score"] == 0.5
    with pytest.raises(
        MissingValue, match="lacks the columns `sold`, `kind`, `zip`; .* needs `sold`, `rooms`"
    ):
        workbench.nearest_in(str(path), '{"rooms": 3}')
    with pytest.raises(WrongType, match="row as JSON with the columns `sold`.*--row ID"):
        workbench.nearest_in(str(path), "three rooms")
    with pytest.raises(WrongType, match="`sold` holds 'soon', and a date is expected"):
        workbench.nearest_in(str(path), json.dumps({**row, "sold": "soon"}))
    with pytest.raises(WrongType, match=r"`rooms` holds \[3\]"):
        workbench.nearest_in(str(path), json.dumps({**row, "rooms": [3]}))


def test_a_date_in_a_query_is_read_without_the_rows_too() -> None:
    day = datetime.date(2014, 7, 22)
    made = vw.encode({"sold": [day, day + datetime.timedelta(7)], "n": [1, 2]})
    bare = vw.Vectors(made.values, space=made.space, encoder=made.encoder)
    assert encode_query(bare, '{"sold": "2014-07-29", "n": 2}').values.tolist() == made.values[1:].tolist()


def test_a_saved_folder_refuses_what_would_have_no_effect(tmp_path) -> None:
    folder = str(tmp_path / "v")
    vw.save(vw.encode({"a": [1, 2, 3], "b": [4, 5, 9]}), folder)
    for option, value in (
        ("columns", ["a"]),
        ("encoder", "count"),
        ("ids", "a"),
        ("text", "a"),
        ("missing", "mean"),
        ("as_text", ["a"]),
        ("format", "csv"),
        ("encoding", "latin-1"),
    ):
        with pytest.raises(Inapplicable, match=f"`--{option.replace('_', '-')}` would have no effect"):
            workbench.health_of(folder, **{option: value})
    usual = {"columns": None, "encoder": "auto", "encoding": "utf-8", "as_text": (), "progress": print}
    assert strict_json(workbench.pairs_of(folder, sample=2, seed=1, **usual))["kind"] == "distance"


def test_vectors_without_an_encoder_say_so(tmp_path) -> None:
    vw.save(vw.Vectors(np.eye(3), ids=["a", "b", "c"]), tmp_path / "v")
    with pytest.raises(NoEncoder, match="--row"):
        workbench.nearest_in(str(tmp_path / "v"), "words")
    found = strict_json(workbench.nearest_in(str(tmp_path / "v"), None, row="b", k=9))
    assert [n["id"] for n in found["neighbors"]] == ["a", "c"]
    assert strict_json(workbench.explore(str(tmp_path / "v"), html=str(tmp_path / "r.html")))["columns"] == []


def test_pairs_are_labelled() -> None:
    answer = workbench.pairs_of(str(EXAMPLES / "sentences.txt"), metric="dot")
    data = strict_json(answer)
    assert data["values"][0][1] == pytest.approx(0.5004, abs=2e-4)
    assert data["kind"] == "similarity"
    assert "We looked up into the sky" in "\n".join(answer.sections[1][1])
    with pytest.raises(TooLarge, match="--sample 50"):
        workbench.pairs_of(str(EXAMPLES / "houses.csv"))


def test_health_of_a_path() -> None:
    answer = workbench.health_of(str(EXAMPLES / "houses.csv"))
    assert answer.status == 0
    assert strict_json(answer)["verdict"] == "look"
    zeros = workbench.health_of(str(EXAMPLES / "sentences.txt"), encoder="count")
    assert strict_json(zeros)["sparse"]


def test_long_texts_are_cut_into_passages_that_know_their_row() -> None:
    from vecwise.loading import encode_table

    table = pa.table(
        {"key": ["a", "b"], "body": ["It rained. We ran home. The sea was grey and loud.", "Sun."]}
    )
    made = encode_table(table, encoder="count", text="body", ids="key", passages=6)
    assert made.total == 2
    assert made.vectors.ids.tolist() == ["a/0", "a/1", "b/0"]
    assert made.vectors.rows.column("parent").to_pylist() == [0, 0, 1]
    assert made.vectors["a/1"].rows.column("body").to_pylist() == ["The sea was grey and loud."]
    with pytest.raises(Inapplicable, match="passages"):
        encode_table(pa.table({"x": [1, 2]}), passages=5)


def test_what_was_guessed_is_said() -> None:
    X = vw.encode({"id": [1, 2], "rooms": [3, 4]})
    assert X.note == "encoded: column rooms (as it is), without id (named like an identifier)"
    assert X.note in repr(X)
    assert X[:1].note == X.note
    assert vw.encode({"id": [1, 2], "rooms": [3, 4]}, "table").note == X.note
    assert vw.encode({"id": [1, 2], "rooms": [3, 4]}, columns=["rooms"]).note == ""
    assert "running text" in vw.encode({"n": [1, 2], "t": ["a b c d e f", "g h i j k l"]}).note


def test_vectors_outlive_the_model_that_made_them(tmp_path) -> None:
    import tokenizers
    from tokenizers.models import WordLevel

    tokenizer = tokenizers.Tokenizer(WordLevel({"sea": 0, "sky": 1, "[UNK]": 2}, unk_token="[UNK]"))
    (tmp_path / "model").mkdir()
    tokenizer.save(str(tmp_path / "model" / "tokenizer.json"))
    np.save(tmp_path / "model" / "table.npy", np.eye(3, 4, dtype=np.float32))
    encoder = vw.StaticEncoder(
        model=str(tmp_path / "model" / "table.npy"), tokenizer=str(tmp_path / "model" / "tokenizer.json")
    )
    X = vw.encode(["sea", "sky"], encoder)
    vw.save(X, tmp_path / "v")
    assert vw.open(tmp_path / "v").encoder is not None
    (tmp_path / "model" / "table.npy").unlink()
    with pytest.warns(UserWarning, match="without its encoder"):
        opened = vw.open(tmp_path / "v")
    assert opened.encoder is None
    assert np.array_equal(opened.values, X.values)


def test_cut_texts_are_told_once_and_in_the_report(monkeypatch) -> None:
    from vecwise.encoders.cuts import tell
    from vecwise.encoders.sentence import SentenceMap
    from vecwise.errors import TextCut
    from vecwise.explore import facts_of
    from vecwise.telling.explored import explored

    real = SentenceMap.__call__

    def cuts(self, table):
        if table.num_rows:
            tell(TextCut(1, table.num_rows, 16))
        return real(self, table)

    monkeypatch.setattr(SentenceMap, "__call__", cuts)
    monkeypatch.setattr(vw.SentenceEncoder, "rows_a_chunk", 2)
    with pytest.warns(TextCut, match="3 of 5 texts have more than 16 tokens") as told:
        X = vw.encode([f"{n} gulls" for n in range(5)], "sentence")
    assert len(told) == 1
    answer = explored("x", 5, facts_of(X, notes=("3 of 5 texts were cut",)), None)
    assert answer.data["notes"] == ["3 of 5 texts were cut"]
    assert any("3 of 5 texts were cut" in line for _, lines in answer.sections for line in lines)
