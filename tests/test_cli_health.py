"""`vecwise health` on the command line: files as they lie, splits, and the status for continuous integration."""

from __future__ import annotations

import json

import numpy as np
import pytest

import vecwise as vw
from conftest import EXAMPLES, check_refused, read_only, run


@pytest.fixture
def sound(tmp_path):
    """The name of a file of vectors that are fine in every respect, and its folder."""
    np.save(tmp_path / "sound.npy", vw.normalize(read_only(400, 32, dtype=np.float32)).values)
    return tmp_path


def test_sound_vectors_pass_even_strictly(sound) -> None:
    made = run("health", "sound.npy", "--strict", cwd=sound)
    assert (made.returncode, made.stderr) == (0, "")
    assert made.stdout.startswith("sound.npy: 400 × 32, fine")
    assert max(map(len, made.stdout.splitlines())) <= 100
    data = json.loads(run("health", "sound.npy", "--json", cwd=sound).stdout)
    assert (data["verdict"], data["status"], data["leaks"]) == ("fine", 0, [])
    assert {check["verdict"] for check in data["checks"]} == {"fine"}


def test_strict_fails_on_a_look_unless_the_check_is_allowed(sound) -> None:
    X = np.load(sound / "sound.npy")
    np.save(sound / "twice.npy", np.concatenate([X, X[:3]]))
    assert run("health", "twice.npy", cwd=sound).returncode == 0
    assert run("health", "twice.npy", "--strict", cwd=sound).returncode == 1
    allowed = run("health", "twice.npy", "--strict", "--allow", "duplicates", "--json", cwd=sound)
    assert allowed.returncode == 0
    assert json.loads(allowed.stdout)["allowed"] == ["duplicates"]
    check_refused(run("health", "twice.npy", "--allow", "duplicate", cwd=sound), "Did you mean `duplicates`")


def test_what_is_not_finite_in_a_file_of_vectors_is_found_and_not_refused(tmp_path) -> None:
    values = read_only(30, 4).copy()
    values[[3, 8], 1] = np.nan, np.inf
    np.save(tmp_path / "gaps.npy", values)
    made = run("health", "gaps.npy", cwd=tmp_path)
    assert made.returncode == 1
    assert "2 of 30 rows hold NaN or infinity: `3`, `8`" in made.stdout
    check_refused(run("nearest", "gaps.npy", "--row", "1", cwd=tmp_path), "NaN")


def test_a_saved_folder_tells_the_same_as_its_file(sound) -> None:
    X = vw.Vectors(np.load(sound / "sound.npy"), ids=[f"r{i}" for i in range(400)])
    vw.save(X, sound / "folder")
    one, two = (
        json.loads(run("health", name, "--json", cwd=sound).stdout) for name in ("sound.npy", "folder")
    )
    for data in (one, two):
        for name in ("name", "space"):
            data.pop(name)
    assert one == two


def test_splits_of_a_table_are_told_apart_and_not_encoded(tmp_path) -> None:
    lines = [f"{i},{i * i % 7},{'train' if i < 30 else 'test'}" for i in range(40)]
    (tmp_path / "rows.csv").write_text("\n".join(["a,b,part", *lines, "3,2,test"]))
    made = run("health", "rows.csv", "--split", "part", cwd=tmp_path)
    assert made.returncode == 1
    assert "1 of 11 rows of `test` equals a row of `train`: `40`" in made.stdout
    told = json.loads(run("health", "rows.csv", "--split", "part", "--json", cwd=tmp_path).stdout)
    assert told["space"]["features"] == ["a", "b"]
    assert told["leaks"][0]["ids"] == [40]
    assert run("health", "rows.csv", "--split", "part", "--allow", "leakage", cwd=tmp_path).returncode == 0
    check_refused(run("health", "rows.csv", "--split", "parts", cwd=tmp_path), "`part`")
    np.save(tmp_path / "x.npy", np.eye(3))
    check_refused(run("health", "x.npy", "--split", "part", cwd=tmp_path), "column `part`")


def test_samples_and_help(sound) -> None:
    data = json.loads(run("health", "sound.npy", "--sample", "50", "--seed", "3", "--json", cwd=sound).stdout)
    assert data["rows"] == 50
    check_refused(run("health", "sound.npy", "--sample", "0", cwd=sound), "--sample")
    help_text = run("health", "--help").stdout
    assert "--strict" in help_text
    assert "For example: vecwise health" in help_text
    assert run(
        "health", str(EXAMPLES / "lyrics.txt"), "--encoder", "count", "--sample", "200"
    ).returncode in (0, 1)
