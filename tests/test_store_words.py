"""Folders say what they hold, tables keep empty apart from missing, and words of no content name no cluster."""

from __future__ import annotations

import csv
import io

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import vecwise as vw
from vecwise.draw.words import count, share, verb
from vecwise.errors import UnknownFormat, Unreadable
from vecwise.store.row_files import write_rows
from vecwise.structure.function_words import function_words


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """A folder of vectors, of a layout, of an index and of an encoder."""
    where = tmp_path_factory.mktemp("kinds")
    X = vw.Vectors(np.random.default_rng(0).standard_normal((8, 4)))
    vw.save(X, where / "vectors")
    vw.save(vw.layout(X, dim=2), where / "layout")
    vw.save(vw.index(X), where / "index")
    vw.save(vw.CountEncoder().fit(["the sea"]), where / "encoder")
    return where, X


def test_every_folder_says_what_it_holds_and_what_opens_it(folders) -> None:
    where, X = folders
    openers = {
        "vectors": (vw.open, "saved vectors: vw.open(path)"),
        "layout": (lambda path: vw.open_layout(path, X), "saved layout: vw.open_layout(path, X)"),
        "index": (lambda path: vw.open_index(path, X), "saved index: vw.open_index(path, X)"),
        "encoder": (vw.open_encoder, "saved encoder: vw.open_encoder(path)"),
    }
    for kind, (opener, _) in openers.items():
        assert opener(where / kind) is not None
        for other, (_, words) in openers.items():
            if other == kind or (kind, other) == ("encoder", "vectors"):
                continue
            with pytest.raises((UnknownFormat, vw.errors.FileMissing)) as refused:
                opener(where / other)
            assert words in str(refused.value) or other == "vectors"
    with pytest.raises(UnknownFormat, match=r"There is no `_manifest.json`"):
        vw.open(where)
    with pytest.raises(vw.errors.VecwiseError, match="a saved layout: vw.open_layout"):
        vw.read(where / "layout")


def test_an_index_lies_beside_its_vectors_as_a_layout_does(folders, tmp_path) -> None:
    _, X = folders
    vw.save(X, tmp_path / "v")
    vw.save(vw.layout(X, dim=2), tmp_path / "v")
    vw.save(vw.index(X, metric="dot"), tmp_path / "v")
    vw.save(X, tmp_path / "v")  # vectors saved again leave both
    opened = vw.open(tmp_path / "v")
    found = vw.open_index(tmp_path / "v", opened).nearest(opened[:2], k=3)
    assert found.places.tolist() == vw.nearest(X, X[:2], k=3, metric="dot").places.tolist()
    assert vw.open_layout(tmp_path / "v", opened).dim == 2
    assert (tmp_path / "v" / "_index" / "_index.json").is_file()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "mine.txt").write_text("")
    with pytest.raises(Unreadable, match="holds other files"):
        vw.save(vw.index(X), tmp_path / "other")


def test_an_empty_text_and_a_missing_one_are_written_apart(tmp_path) -> None:
    table = pa.table({"a": ["", None, "x"], "b": [1.5, None, 2.0], "c": [None, "", 'say "so", then']})
    write_rows(table, tmp_path / "t.csv")
    assert (tmp_path / "t.csv").read_text() == 'a,b,c\n"",1.5,\n,,""\nx,2.0,"say ""so"", then"\n'
    write_rows(table.select(["a"]), tmp_path / "one.csv")
    assert (tmp_path / "one.csv").read_text() == 'a\n""\n""\nx\n'


@given(st.lists(st.tuples(st.text(), st.text(), st.floats(allow_nan=False)), min_size=1))
def test_csv_reads_back_by_pythons_reader(tmp_path_factory, rows) -> None:
    columns = list(zip(*rows, strict=True))
    path = tmp_path_factory.getbasetemp() / "law.csv"
    write_rows(pa.table({"a,b": columns[0], "b": columns[1], "c": columns[2]}), path)
    read = list(csv.reader(io.StringIO(path.read_bytes().decode(), newline="")))
    assert read == [["a,b", "b", "c"], *([a, b, str(c)] for a, b, c in rows)]


def test_a_key_of_a_row_that_is_there_twice_is_refused(tmp_path) -> None:
    (tmp_path / "t.jsonl").write_text('{"a": 1}\n{"a": 1, "b": 2, "a": 3}\n')
    with pytest.raises(vw.errors.BadRow, match="line 2: the key `a` is there more than once"):
        vw.read(tmp_path / "t.jsonl")
    twice = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"])
    with pytest.raises(vw.errors.DuplicateName, match="`a`"):
        write_rows(twice, tmp_path / "out.jsonl")


def test_function_words_are_those_of_the_language() -> None:
    english = ["the", "of", "i", "war", "die", "sea"]
    assert function_words(english, np.array([9, 5, 2, 3, 3, 4])).tolist() == [
        True,
        True,
        True,
        False,
        False,
        False,
    ]
    german = ["die", "war", "man", "see", "der die", "und see"]
    assert function_words(german, np.ones(6)).tolist() == [True, True, True, False, True, False]
    assert not function_words(["the", "sea", "sky"], np.array([1, 9, 9])).any()
    assert function_words([], np.zeros(0)).tolist() == []


def test_names_of_clusters_hold_no_words_without_content() -> None:
    texts = [
        f"the {w} of the {v} and the sea of it" for w in ("cat", "dog") for v in ("town", "town", "town")
    ]
    texts += [f"a song is on my {w} for you" for w in ("mind", "mind", "lips", "lips")]
    found = vw.cluster(vw.encode(texts, "count"), 2)
    words = {word for name in found.names for word in name.split(", ")}
    assert not words & {"the", "of", "and", "it", "a", "is", "on", "my", "for", "you"}
    assert "song" in words
    assert set(vw.cluster(vw.encode(["the of", "the of", "and in", "and in"], "count"), 2).names) == {
        "the, of",
        "and, in",
    }


def test_amounts_shares_and_verbs_agree() -> None:
    assert [count(n, "query") for n in (0, 1, 2)] == ["0 queries", "1 query", "2 queries"]
    assert (count(3, "day"), count(1000, "row")) == ("3 days", "1,000 rows")
    assert (verb(1, "are"), verb(2, "are"), verb(1, "have"), verb(1, "stay")) == ("is", "are", "has", "stays")
    assert [share(x) for x in (0.995, 0.9949, 0.99999, 1 - 1e-12, 1)] == [
        "99.5%",
        "99.5%",
        "99.99%",
        "100%",
        "100%",
    ]
    assert [share(x) for x in (1e-6, 0.0, 0.991)] == ["under 0.01%", "0%", "99.1%"]


@given(st.floats(0, 1))
def test_a_share_is_never_rounded_to_nothing_or_all(part) -> None:
    said = share(part)
    assert (said == "0%") == (part == 0)
    assert (said == "100%") == (part >= 1 - 1e-11)
