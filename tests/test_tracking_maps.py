"""Runs own their maps: the layout that was drawn is opened again, or the file that is gone or changed is named."""

from __future__ import annotations

import json

import numpy as np
import pytest

import vecwise as vw
from conftest import EXAMPLES
from test_cli import run as command
from vecwise import workbench
from vecwise.errors import FileMissing, Inapplicable, VecwiseError
from vecwise.tracking.records import all_runs


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("VECWISE_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("VECWISE_TRACK", "1")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def table(tmp_path, seed=0):
    rows = np.random.default_rng(seed).standard_normal((40, 6)) * [1, 10, 100, 1, 1, 1]
    np.savetxt(tmp_path / "t.csv", rows, delimiter=",", header="a,b,c,d,e,f", comments="")
    return str(tmp_path / "t.csv")


def last():
    return all_runs().runs[-1]


def test_a_map_of_a_run_is_drawn_point_for_point(home) -> None:
    workbench.map_of(table(home), csv="first.csv", dim=2, seed=3, sample=30)
    first = last()
    assert {entry["kind"] for entry in first.results} == {"layout", "table"}
    assert (first.params["method"], first.params["dim"], first.params["metric"]) == ("pca", 2, "auto")
    workbench.map_of(f"runs:/{first.id}", csv="again.csv")
    assert (home / "first.csv").read_bytes() == (home / "again.csv").read_bytes()
    kept = vw.open_layout(f"runs:/{first.id}")
    assert kept.coordinates.tobytes() == vw.open_layout(f"runs:/{last().id}").coordinates.tobytes()
    assert kept.coordinates.shape == (30, 2)


def test_an_option_that_asks_for_another_map_gets_it(home) -> None:
    workbench.map_of(table(home), dim=2)
    assert workbench.map_of(f"runs:/{last().id}", dim=3).data["dim"] == 3
    assert workbench.map_of(f"runs:/{all_runs().runs[0].id}", dim=2).data["dim"] == 2


@pytest.mark.parametrize("metric", ["cosine", "euclidean", "auto"])
def test_a_map_of_saved_vectors_is_opened_with_the_run_alone(home, metric) -> None:
    vw.save(vw.encode(vw.read(table(home))), "v")
    workbench.map_of("v", metric=metric)
    made = vw.open_layout("runs:/last")
    assert len(made.ids) == 40
    assert np.array_equal(vw.open("runs:/last").values, vw.open("v").values)


def test_what_is_gone_or_changed_is_named(home) -> None:
    workbench.map_of(table(home))
    first = f"runs:/{last().id}"
    folder = home / "runs" / "layouts" / last().id
    arrays = next(path for path in folder.iterdir() if path.suffix != ".json")
    content = arrays.read_bytes()
    arrays.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(VecwiseError, match=arrays.name):
        workbench.map_of(first)
    arrays.unlink()
    with pytest.raises(VecwiseError, match=arrays.name):
        vw.open_layout(first)
    (folder / "_layout.json").unlink()
    with pytest.raises(Inapplicable, match="layouts"):
        workbench.map_of(first)
    table(home, seed=1)
    with pytest.raises(Inapplicable, match=r"t\.csv was changed"):
        workbench.explore(first)
    (home / "t.csv").unlink()
    with pytest.raises(FileMissing, match=r"t\.csv is gone"):
        workbench.explore(first)


def test_a_run_without_a_layout_or_vectors_says_so(home) -> None:
    workbench.explore(table(home))
    with pytest.raises(Inapplicable, match="kept no layout"):
        vw.open_layout("runs:/last")
    with pytest.raises(Inapplicable, match="saved no vectors"):
        vw.open("runs:/last")


def test_files_that_commands_write_are_results(home) -> None:
    path = table(home)
    workbench.cluster_of(path, k=3, csv="c.csv", parquet="c.parquet")
    assert [entry["name"] for entry in last().results] == ["c.csv", "c.parquet"]
    workbench.nearest_in(path, None, row="3", csv="n.csv")
    assert [entry["name"] for entry in last().results] == ["n.csv"]
    workbench.dedupe_file(path, keep="k.csv", removed="r.csv")
    assert [entry["name"] for entry in last().results] == ["k.csv", "r.csv"]


def test_the_command_opens_it_too(home) -> None:
    words = ("map", str(EXAMPLES / "houses.csv"), "--sample", "200", "--no-html", "--csv", "a.csv", "--json")
    assert command(*words, cwd=home).returncode == 0
    again = command("map", f"runs:/{last().id}", "--no-html", "--csv", "b.csv", "--json", cwd=home)
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["placed"] == 200
    assert (home / "a.csv").read_bytes() == (home / "b.csv").read_bytes()


def test_the_last_run_is_the_one_before_the_asking_one(home) -> None:
    table(home)
    command("encode", "t.csv", "-o", "v", cwd=home)
    made = command("explore", "runs:/last", "--no-html", cwd=home)
    assert made.returncode == 0, made.stderr
    assert "40 rows" in made.stdout
