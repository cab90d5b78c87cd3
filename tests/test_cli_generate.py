"""The command `generate`: learned, kept, stopped and gone on with, asked again, and what it refuses."""

from __future__ import annotations

import inspect
import json
import signal
import subprocess
import time
from pathlib import Path

import pytest

import vecwise as vw
from conftest import EXAMPLES, VECWISE, check_refused, run
from vecwise.cli import app
from vecwise.models.generate.generator import GENERATORS, Generator

LYRICS = str(EXAMPLES / "lyrics.txt")
QUICK = ("--epochs", "2", "--choices", "2")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A file of lines, and a generator that has learned from them."""
    place = tmp_path_factory.mktemp("generate")
    lines = (EXAMPLES / "lyrics.txt").read_text(encoding="utf-8").splitlines()[:300]
    (place / "songs.txt").write_text("\n".join(lines), encoding="utf-8")
    made = run("generate", "songs.txt", "a ship in the storm", "the baker", *QUICK, "--save", "songs", "--html", "p.html",
               "--csv", "lines.csv", cwd=place)  # fmt: skip
    assert (made.returncode, made.stderr) == (0, "")
    (place / "said.txt").write_text(made.stdout, encoding="utf-8")
    return place


def test_it_tells_what_was_learned_and_the_lines_of_each_prompt(folder) -> None:
    said = (folder / "said.txt").read_text(encoding="utf-8")
    assert max(map(len, said.splitlines())) <= 100
    for words in ("songs.txt: 2", "lines to learn from", "by n-grams", "like their own", "Learned in", "“a ship in the storm”",
                  "“the baker”", "The longest run of words copied", "Written"):  # fmt: skip
        assert words in " ".join(said.split()), words
    told = vw.read(folder / "lines.csv")
    assert told.column_names == ["prompt", "text", "likeness", "copied_words", "copied_from"]
    assert told.column("prompt").to_pylist() == ["a ship in the storm"] * 5 + ["the baker"] * 5
    assert all(line in " ".join(said.split()) for line in told.column("text").to_pylist())
    lines = set((folder / "songs.txt").read_text(encoding="utf-8").splitlines())
    assert not set(told.column("text").to_pylist()) & lines


def test_the_page_draws_how_it_learned_and_the_lines(folder) -> None:
    page = (folder / "p.html").read_text(encoding="utf-8")
    for words in (
        "told best after epoch",
        "steered by its vector",
        "learned from",
        "the baker",
        "words copied",
    ):
        assert words in page, words


def test_a_kept_generator_writes_the_same_lines_again(folder) -> None:
    made = run("generate", "songs", "the baker", "--choices", "2", "--json", cwd=folder)
    data = json.loads(made.stdout)
    assert made.returncode == 0
    told = vw.read(folder / "lines.csv")
    assert [line["text"] for line in data["written"][0]["lines"]] == told.column("text").to_pylist()[5:]
    found = vw.open_generator(folder / "songs")
    assert data["report"] == found.report
    assert [entry["text"] for entry in data["written"][0]["lines"]] == found.write(
        "the baker", choices=2
    ).lines
    unsteered = json.loads(run("generate", "songs", "-n", "3", "--json", cwd=folder).stdout)["written"]
    assert [entry["likeness"] for entry in unsteered[0]["lines"]] == [None] * 3


def test_the_command_takes_what_the_function_takes_by_default() -> None:
    defaults = {name: p.default for name, p in inspect.signature(Generator.write).parameters.items()}
    options = {option.name: option.default for option in app.commands["generate"].params}
    shared = set(defaults) & set(options)
    assert shared == {"n", "temperature", "top_p", "guidance", "choices", "copies", "invent", "seed"}
    assert {name: options[name] for name in shared} == {name: defaults[name] for name in shared}
    assert options["epochs"] == inspect.signature(vw.generator).parameters["epochs"].default


def test_lines_come_from_standard_input_and_from_a_column(tmp_path) -> None:
    lines = list(dict.fromkeys(Path(LYRICS).read_text(encoding="utf-8").splitlines()))[:60]
    made = run(
        "generate", "-", "--format", "txt", *QUICK, "-n", "1", "--json", cwd=tmp_path, text="\n".join(lines)
    )
    assert made.returncode == 0, made.stderr
    assert json.loads(made.stdout)["rows"] == 60
    (tmp_path / "t.csv").write_text(
        "\n".join(["kind,line", *(f'x,"{line}"' for line in lines)]), encoding="utf-8"
    )
    check_refused(run("generate", "t.csv", *QUICK, cwd=tmp_path), "Several columns hold text", "--text")
    made = run(
        "generate", "t.csv", "--text", "line", *QUICK, "-n", "1", "--encoder", "count", "--json", cwd=tmp_path
    )
    assert json.loads(made.stdout)["space"]["dim"] > 10


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nothing.txt",), "nothing.txt"),
        (("one.txt",), "All 60 lines are the same"),
        (("empty.txt",), "empty"),
        (("few.txt",), "at least 50 different lines"),
        (("songs", "x", "--epochs", "3", "--save", "y"), "--epochs, --save would have no effect"),
        (("songs", "  "), "blank"),
        (("songs", "x", "--temperature", "0"), "--temperature"),
        (("songs", "x", "-n", "0"), "--lines"),
        (("songs.txt", "--save", "songs.txt"), "never overwritten"),
        (("songs.txt", "--encoder", "sentense"), "sentense"),
        (("nothing.txt", "--guidance", "-1"), "--guidance"),  # before anything is read or learned
        (("nothing.txt", "-n", "900"), "At most 1,000"),
        (("nothing.txt", " "), "blank"),
    ],
)
def test_refusals_are_one_line(folder, words, said) -> None:
    (folder / "one.txt").write_text("the same line\n" * 60, encoding="utf-8")
    (folder / "empty.txt").write_text("", encoding="utf-8")
    (folder / "few.txt").write_text("\n".join(f"line {i}" for i in range(20)), encoding="utf-8")
    check_refused(run("generate", *words, cwd=folder), said)


def test_fewer_lines_than_asked_end_with_1(folder, monkeypatch) -> None:
    monkeypatch.setattr("vecwise.models.generate.generator._TRIES", 1)
    made = run("generate", "songs", "the baker", "-n", "60", "--choices", "1", cwd=folder)
    assert made.returncode == 1
    assert "No more new lines were found than" in made.stdout


def test_a_training_that_is_stopped_goes_on(folder) -> None:
    words = [VECWISE, "generate", LYRICS, "--save", "stopped"]
    going = subprocess.Popen(words, cwd=folder, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    for _ in range(600):
        time.sleep(0.1)
        if (folder / "stopped" / "_generator.json").exists() or going.poll() is not None:
            break
    going.send_signal(signal.SIGINT)
    _, complained = going.communicate(timeout=60)
    assert going.returncode == 130
    assert "kept in `stopped`: the same command goes on from there" in complained
    check_refused(run("generate", "stopped", "x", cwd=folder), "not trained to its end")
    check_refused(run("generate", LYRICS, "--save", "stopped", "--seed", "3", cwd=folder), "another seed")
    reached = len(GENERATORS.load(folder / "stopped")["training"]["epochs"])
    more = ("--epochs", str(reached + 1), "--save", "stopped", "--json")
    made = run("generate", LYRICS, *more, cwd=folder)
    assert len(json.loads(made.stdout)["report"]["epochs"]) in (reached, reached + 1)
