"""Rows become vectors: encode, the guess of what columns are, files of vectors, saved vectors and their encoders."""

from __future__ import annotations

import mmap

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import vecwise as vw
from conftest import EXAMPLES, FIVE
from test_workbench import explored, strict_json
from vecwise import workbench
from vecwise.encoders.guess import plan
from vecwise.errors import (
    DuplicateName,
    Inapplicable,
    MissingValue,
    NoEncoder,
    NonFinite,
    NothingToEncode,
    UnknownName,
    WrongShape,
    WrongType,
)

FRAME = pd.DataFrame({"rooms": [3, 2, 5], "kind": ["flat", "flat", "house"]})


# ---- encode ----


@pytest.mark.parametrize(
    "rows",
    [
        FRAME,
        pl.from_pandas(FRAME),
        pa.Table.from_pandas(FRAME),
        FRAME.to_dict("list"),
        FRAME.to_dict("records"),
    ],
    ids=["pandas", "polars", "arrow", "dict", "records"],
)
def test_every_kind_of_table_gives_the_same_vectors(rows) -> None:
    X = vw.encode(rows)
    assert X.values.tolist() == [[3, 1, 0], [2, 1, 0], [5, 0, 1]]
    assert X.space.features == ("rooms", "kind=flat", "kind=house")
    assert X.rows.column("rooms").to_pylist() == [3, 2, 5]


def test_text_becomes_sentences_unless_told_otherwise() -> None:
    assert vw.encode(FIVE).shape == (5, 512)
    assert vw.encode(FIVE, encoder="count").is_sparse
    assert "unit" in vw.encode(FIVE, encoder="tfidf").space.claims
    assert vw.encode(EXAMPLES / "sentences.txt").shape == (5, 512)
    with pytest.raises(UnknownName, match="encoder `sentense`. Did you mean `sentence`"):
        vw.encode(FIVE, encoder="sentense")


def test_ids_come_from_a_column_or_a_list() -> None:
    rows = {"name": ["a", "b"], "x": [1, 2]}
    X = vw.encode(rows, ids="name")
    assert (X.ids.tolist(), X.space.features) == (["a", "b"], ("x",))
    assert vw.encode(rows, ids=[7, 8], columns=["x"]).ids.tolist() == [7, 8]
    assert vw.encode({"n": [5, 6], "x": [1, 2]}, ids="n").ids.tolist() == [5, 6]
    with pytest.raises(DuplicateName, match="`a`"):
        vw.encode({"name": ["a", "a"], "x": [1, 2]}, ids="name")
    with pytest.raises(MissingValue, match="empty in row 1"):
        vw.encode({"name": ["a", None], "x": [1, 2]}, ids="name")
    with pytest.raises(UnknownName, match="Did you mean `name`"):
        vw.encode(rows, ids="nam")
    with pytest.raises(WrongShape):
        vw.encode(rows, ids=[1])


def test_a_fitted_encoder_is_not_fitted_again() -> None:
    encoder = vw.CountEncoder().fit(["a b"])
    assert vw.encode(["b c"], encoder).values.toarray().tolist() == [[0, 1]]
    with pytest.raises(WrongType, match="constructor"):
        vw.encode(["a"], encoder, missing="empty")


def test_an_encoder_is_an_object_or_a_name() -> None:
    with pytest.raises(WrongType, match=r"give an encoder object: CountEncoder\(\)"):
        vw.encode(["a"], vw.CountEncoder)
    with pytest.raises(WrongType, match="`encoder` is int"):
        vw.encode(["a"], 5)


def test_many_texts_run_in_chunks_and_report_progress(lyrics) -> None:
    seen: list[tuple[int, int]] = []
    many = lyrics * 4
    words = vw.CountEncoder().fit(many)  # an encoder that is being fitted reads the rows at once
    X = vw.encode(many, words, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (len(many), len(many))
    assert len(seen) > 3
    one = vw.CountEncoder().fit_transform(many)
    assert np.array_equal(X.values.toarray(), one.toarray())
    assert X.ids.tolist() == list(range(len(many)))
    assert X.rows.column("text").to_pylist() == many


def test_rows_that_are_numbers_are_sent_to_vectors() -> None:
    with pytest.raises(WrongType, match="Vectors"):
        vw.encode([[1, 2], [3, 4]])


# ---- the guess ----


def test_the_guess_says_why(houses) -> None:
    columns = {c.name: c for c in plan(houses).columns}
    assert (columns["id"].use, columns["id"].why) == ("skip", "named like an identifier")
    assert columns["date"].why == "days since 1970"
    assert columns["waterfront"].type == "true/false"
    assert sum(c.use == "encode" for c in columns.values()) == 20


def test_the_guess_on_mixed_tables() -> None:
    people = {
        "Name": [
            "Braund, Mr. Owen Harris",
            "Cumings, Mrs. John Bradley",
            "Heikkinen, Miss. Laina",
            "Allen, Mr. Henry",
        ],
        "Age": [22, 38, 26, 35],
        "Sex": ["male", "female", "female", "male"],
        "Ticket": ["A/5 21171", "PC 17599", "STON/O2", "373450"],
    }
    uses = {c.name: c.use for c in plan(pa.table(people)).columns}
    assert uses == {"Name": "skip", "Age": "encode", "Sex": "encode", "Ticket": "encode"}
    reviews = {"stars": [1, 5], "review": ["It broke on the very first day", "I love it and so does my cat"]}
    assert {c.name: c.use for c in plan(pa.table(reviews)).columns} == {"stars": "skip", "review": "text"}
    assert {
        c.use
        for c in plan(pa.table({"id": [1, 2], "title": ["one thing here", "another thing there"]})).columns
    } == {"skip", "text"}


def test_overrides_win() -> None:
    reviews = pa.table(
        {
            "stars": [1, 5],
            "review": ["It broke on the very first day", "I love it and so does my cat"],
            "k": ["a", "b"],
        }
    )
    assert [c.name for c in plan(reviews, columns=["stars"]).columns if c.use == "encode"] == ["stars"]
    assert [c.name for c in plan(reviews, encoder="table").columns if c.use == "encode"] == ["stars", "k"]
    assert [c.name for c in plan(reviews, text="k").columns if c.use == "text"] == ["k"]
    assert [c.name for c in plan(reviews, columns=["stars", "k"]).columns if c.use == "encode"] == [
        "stars",
        "k",
    ]
    with pytest.raises(WrongType):
        plan(reviews, encoder="table", text="review")
    with pytest.raises(UnknownName, match="Did you mean `review`"):
        plan(reviews, columns=["reviews"])
    with pytest.raises(NothingToEncode, match="no text|holds text"):
        plan(pa.table({"a": [1]}), encoder="count")
    with pytest.raises(NothingToEncode, match="--columns"):
        plan(pa.table({"id": [1, 2], "b": [["x"], ["y"]]}))


def test_the_guess_looks_at_the_whole_column_before_it_calls_it_empty() -> None:
    late = 10_000
    table = pa.table(
        {
            "x": pa.array([None] * late + [1.0]),
            "label": pa.array([None] * late + ["a"]),
            "none": pa.nulls(late + 1, pa.float64()),
            "y": list(range(late + 1)),
        }
    )
    found = {c.name: (c.use, c.why) for c in plan(table).columns}
    assert found["x"] == ("encode", "as it is")
    assert found["label"] == ("encode", "1 label, one dimension each")
    assert found["none"] == ("skip", "empty")


@pytest.mark.parametrize(
    "kind", [pa.list_(pa.float32()), pa.list_(pa.float64(), 2), pa.large_list(pa.int8())]
)
def test_the_only_column_of_vectors_is_taken(kind) -> None:
    table = pa.table({"v": pa.array([[1, 2], [3, 4]], kind), "id": [7, 9], "n": [1, 2]})
    made = plan(table)
    assert (made.vectors, made.encoder) == ("v", None)
    assert [(c.use, c.why) for c in made.columns] == [
        ("vectors", "holds vectors of 2 numbers"),
        ("skip", "beside the vectors, for colour and reading"),
        ("skip", "beside the vectors, for colour and reading"),
    ]
    X = vw.encode(table, ids="id")
    assert X.values.tolist() == [[1, 2], [3, 4]]
    assert X.ids.tolist() == [7, 9]
    assert X.rows.column_names == ["id", "n"]
    assert X.space.name == "column `v`"
    assert X.space.frame.startswith("own-")
    assert not X.space.same_axes(vw.encode(table).space)
    assert vw.encode(table, columns=["n"]).space.features == ("n",)
    assert vw.encode(table, encoder="table").space.features == ("n",)
    assert vw.encode(table.select(["v"])).rows is None


def test_vectors_are_chosen_among_several_columns() -> None:
    rows = {"a": [[1, 2], [3, 4]], "b": ["[0.5]", "[3e-4]"], "n": [5, 6], "t": ["x", "y"]}
    assert [(c.name, c.use) for c in plan(pa.table(rows)).columns][:3] == [
        ("a", "skip"),
        ("b", "skip"),
        ("n", "encode"),
    ]
    assert plan(pa.table(rows)).columns[0].why == "holds vectors of 2 numbers"
    X = vw.encode(rows, vectors="b")
    assert (X.values.tolist(), X.rows.column_names) == ([[0.5], [3e-4]], ["a", "n", "t"])
    assert vw.encode(pd.DataFrame({"v": [np.array([1.0, 2]), np.array([3.0, 5])]})).values.tolist() == [
        [1, 2],
        [3, 5],
    ]
    with pytest.raises(UnknownName, match="column `c`"):
        vw.encode(rows, vectors="c")
    with pytest.raises(WrongType, match="Column `n` holds int64"):
        vw.encode(rows, vectors="n")
    for option in ({"columns": ["n"]}, {"text": "t"}, {"encoder": "table"}, {"missing": "mean"}):
        with pytest.raises(Inapplicable, match=f"--{next(iter(option))}"):
            vw.encode(rows, vectors="b", **option)
    with pytest.raises(Inapplicable, match="no encoder object"):
        vw.encode(rows, vw.TableEncoder(), vectors="b")


def test_broken_vectors_are_no_reason_to_encode_something_else() -> None:
    whole = [[1.0, 2.0]] * 40
    for broken, error in (([9.0], WrongShape), (None, MissingValue), ([1.0, np.nan], NonFinite)):
        with pytest.raises(error, match=r"row `40` \(counted from 0\)"):
            vw.encode({"v": [*whole, broken], "n": list(range(41))})
    tags = plan(pa.table({"tags": [[1], [1, 2], [3, 4, 5]], "n": [1, 2, 3]}))
    assert tags.columns[0].why == "lists of 1 to 3 numbers, and vectors have one length"
    assert [c.use for c in tags.columns] == ["skip", "encode"]


def test_a_file_of_vectors_is_opened(tmp_path) -> None:
    E = np.random.default_rng(0).standard_normal((40, 5))
    np.save(tmp_path / "emb.npy", E.astype(np.float32))
    X = vw.encode(tmp_path / "emb.npy")
    assert np.array_equal(X.values, E.astype(np.float32))
    base = X.values
    while isinstance(base, np.ndarray):
        base = base.base
    assert isinstance(base, mmap.mmap)
    assert (X.space.name, X.encoder, X.rows) == ("vectors of `emb.npy`", None, None)
    assert vw.encode(str(tmp_path / "emb.npy"), ids=list(range(100, 140))).ids[0] == 100
    part = workbench.load(tmp_path / "emb.npy", sample=7, seed=1)
    assert (part.total, len(part.vectors)) == (40, 7)
    assert np.array_equal(part.vectors.values, E.astype(np.float32)[part.vectors.ids])
    with pytest.raises(NoEncoder, match="--row"):
        workbench.nearest_in(str(tmp_path / "emb.npy"), "words")
    for option in (
        {"columns": ["a"]},
        {"text": "t"},
        {"encoder": "count"},
        {"missing": "mean"},
        {"vectors": "v"},
    ):
        with pytest.raises(Inapplicable, match="NumPy file of vectors"):
            vw.encode(tmp_path / "emb.npy", **option)
    with pytest.raises(Inapplicable, match="NumPy file of vectors.*`--ids`"):
        vw.encode(tmp_path / "emb.npy", ids="a")
    E[3, 2] = np.nan
    np.save(tmp_path / "nan.npy", E)
    with pytest.raises(NonFinite, match="ids `3`"):
        vw.encode(tmp_path / "nan.npy")


def test_a_sparse_file_of_vectors_is_explored(tmp_path) -> None:
    import scipy.sparse as sp

    S = sp.random(30, 12, 0.3, format="csr", random_state=2)
    sp.save_npz(tmp_path / "s.npz", S)
    data = strict_json(explored(tmp_path / "s.npz", html=str(tmp_path / "r.html")))
    assert data["vectors"]["sparse"]
    assert data["vectors"]["density"] == pytest.approx(S.nnz / 360)


def test_a_sample_of_a_column_of_vectors_keeps_its_row_numbers(tmp_path) -> None:
    import pyarrow.parquet as pq

    lists = pa.FixedSizeListArray.from_arrays(pa.array(np.arange(60.0)), 2)
    pq.write_table(pa.table({"v": lists, "n": np.arange(30)}), tmp_path / "p.parquet")
    made = workbench.load(tmp_path / "p.parquet", sample=6, seed=4).vectors
    assert np.array_equal(made.values, np.arange(60.0).reshape(30, 2)[made.ids])
    assert made.rows.column("n").to_pylist() == made.ids.tolist()


@pytest.mark.parametrize(
    ("cells", "use"),
    [
        (["$1,200", "$950", "$2,100"], "skip"),
        (["1,200", "950", "12,000"], "skip"),
        (["5%", "7.5%", "8%"], "skip"),
        (["1,72 €", "3 €", "4,5 €"], "skip"),
        (["1,200", "950", "950"], "encode"),  # two different values may be labels
        (["00501", "98101", "10001"], "encode"),  # codes, read as text on purpose
        (["$1,200", "two", "three"], "encode"),
        (["12.05.2014", "13.05.2014", "14.05.2014"], "encode"),
    ],
)
def test_numbers_with_signs_are_no_labels(cells, use) -> None:
    found = plan(pa.table({"price": cells, "n": [1, 2, 3]})).columns[0]
    assert found.use == use
    assert ("write plain numbers" in found.why) == (use == "skip")
    assert plan(pa.table({"price": cells, "n": [1, 2, 3]}), columns=["price"]).columns[0].use == "encode"


# ---- save and open ----


@pytest.mark.parametrize("encoder", ["sentence", "count", "tfidf"])
def test_saved_vectors_open_with_their_encoder(tmp_path, encoder) -> None:
    X = vw.encode(FIVE, encoder=encoder, ids=list("abcde"))
    vw.save(X, tmp_path / "v")
    Y = vw.open(tmp_path / "v")
    assert np.array_equal(np.asarray(X), np.asarray(Y))
    assert Y.space == X.space
    assert Y.ids.tolist() == list("abcde")
    assert Y.rows.equals(X.rows)
    assert np.array_equal(vw.nearest(X, "rain", k=2).ids, vw.nearest(Y, "rain", k=2).ids)
    assert (X + Y).shape == X.shape


def test_a_table_opens_with_its_encoder(tmp_path) -> None:
    X = vw.encode(FRAME)
    vw.save(X, tmp_path / "v")
    Y = vw.open(tmp_path / "v")
    assert vw.nearest(Y, [{"rooms": 5, "kind": "house"}], k=1).ids.tolist() == [[2]]


def test_an_encoder_that_cannot_be_saved_warns(tmp_path) -> None:
    X = vw.encode(["ab"], vw.CountEncoder(tokenizer=list))
    with pytest.warns(UserWarning, match="without the encoder"):
        vw.save(X, tmp_path / "v")
    assert vw.open(tmp_path / "v").encoder is None
    with pytest.raises(WrongType, match=r"vw.Vectors\(array\)"):
        vw.save(np.eye(2), tmp_path / "w")
