"""The command `map`, as whole processes: the page, the tables, the words, the refusals."""

from __future__ import annotations

import json

import numpy as np
import pyarrow.parquet as pq
import pytest

import vecwise as vw
from conftest import EXAMPLES, check_refused, run

SENTENCES = str(EXAMPLES / "sentences.txt")
HOUSES = str(EXAMPLES / "houses.csv")


def test_map_writes_a_page_and_says_how_far_to_believe_it(tmp_path) -> None:
    made = run("map", SENTENCES, "--dim", "2", cwd=tmp_path)
    assert (made.returncode, made.stderr) == (0, "")
    assert "5 rows in 2 dimensions, laid out by PCA" in made.stdout
    assert "of each row's 2 nearest neighbours are still neighbours in the picture" in made.stdout
    assert "Trustworthiness 0." in made.stdout
    assert "by cosine" in made.stdout
    assert max(map(len, made.stdout.splitlines())) <= 100
    assert [p.name for p in tmp_path.iterdir()] == ["sentences-map.html"]
    page = (tmp_path / "sentences-map.html").read_text(encoding="utf-8")
    assert "5 rows by PCA in 2 dimensions" in page
    assert "rainbow eyes" in page


def test_tables_hold_coordinates_labels_and_scores_by_row_id(tmp_path) -> None:
    found = vw.read(HOUSES)
    words = ("map", HOUSES, "--sample", "300", "--color", "grade", "-o", "m.html")
    made = run(*words, "--csv", "m.csv", "--parquet", "m.parquet", "--json", cwd=tmp_path)
    data = json.loads(made.stdout)
    table = pq.read_table(tmp_path / "m.parquet")
    assert table.column_names == ["id", "x", "y", "z", "neighbors_kept", "trustworthiness", "grade"]
    assert table.num_rows == 300
    assert table["grade"].to_pylist() == found["grade"].take(table["id"]).to_pylist()
    assert data["faithfulness"]["neighbors_kept"] == pytest.approx(
        np.mean(table["neighbors_kept"].to_numpy())
    )
    assert data["rows"] == found.num_rows
    assert (data["placed"], data["method"], data["dim"]) == (300, "pca", 3)
    assert data["measure"] == "Euclidean distance on standardized columns"
    read = vw.read(tmp_path / "m.csv")
    assert np.allclose(read["x"].to_numpy(), table["x"].to_numpy(), rtol=1e-6)
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    run(*words, "--csv", "m.csv", "--parquet", "m.parquet", "--json", cwd=tmp_path)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


def test_vectors_of_a_file_are_drawn(tmp_path) -> None:
    np.save(tmp_path / "v.npy", np.random.default_rng(0).standard_normal((12_000, 16)).astype(np.float32))
    made = run("map", "v.npy", "--json", cwd=tmp_path)
    data = json.loads(made.stdout)
    assert data["html"] == "v-map.html"
    assert data["faithfulness"]["measured"] == 50_000_000 // 12_000
    assert run("map", "v.npy", "--no-html", cwd=tmp_path).returncode == 0
    assert sorted(p.name for p in tmp_path.iterdir()) == ["v-map.html", "v.npy"]


def test_standard_input_and_metrics(tmp_path) -> None:
    text = "a,b,c,d\n" + "".join(f"{i},{i * i % 7},{i % 3},{5 * i % 11}\n" for i in range(30))
    made = run("map", "-", "--metric", "manhattan", "--json", "--no-html", cwd=tmp_path, text=text)
    assert json.loads(made.stdout)["metric"] == "manhattan"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--color", "txt"], ["Did you mean `text`"]),
        (["--dim", "4"], ["'4'", "--help"]),
        (["--method", "magic"], ["'magic'", "--help"]),
        (["--neighbors", "0"], ["`--neighbors`", "not 0"]),
        (["--csv", "no/m.csv"], ["m.csv"]),
        (["-o", "no/m.html"], ["m.html"]),
        (["--metric", "dot"], ["'dot'"]),
    ],
)
def test_refusals_are_one_line_and_exit_2(tmp_path, words, told) -> None:
    check_refused(run("map", SENTENCES, *words, cwd=tmp_path), *told)
    assert not list(tmp_path.iterdir())


def test_nothing_is_wider_than_the_screen_and_help_has_an_example(tmp_path) -> None:
    assert max(map(len, run("map", HOUSES, "--sample", "500", cwd=tmp_path).stdout.splitlines())) <= 100
    assert "vecwise map houses.csv --color price" in run("map", "--help").stdout


@pytest.mark.slow
def test_map_by_umap(tmp_path) -> None:
    made = run("map", str(EXAMPLES / "lyrics.txt"), "--method", "umap", "--json", cwd=tmp_path)
    assert (made.returncode, made.stderr) == (0, "")
    assert json.loads(made.stdout)["method"] == "umap"
