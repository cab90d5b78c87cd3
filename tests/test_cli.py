"""The command line as a user meets it: exit status, standard output and standard error."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import vecwise as vw
from conftest import EXAMPLES, FIVE, VECWISE, check_refused, program, run
from vecwise.cli.app import _system as system_message


def test_explore_writes_words_and_a_report(tmp_path) -> None:
    made = run("explore", str(EXAMPLES / "sentences.txt"), "--no-browser", cwd=tmp_path)
    assert (made.returncode, made.stderr) == (0, "")
    assert "every row has length 1: inner product and cosine agree" in made.stdout.lower()
    assert max(map(len, made.stdout.splitlines())) <= 100
    assert [p.name for p in tmp_path.iterdir()] == ["sentences-vecwise.html"]


def test_explore_json_is_one_document(tmp_path) -> None:
    made = run("explore", str(EXAMPLES / "sentences.txt"), "--json", "--no-html", cwd=tmp_path)
    assert json.loads(made.stdout)["vectors"]["dim"] == 512
    assert not list(tmp_path.iterdir())


def test_explore_reads_standard_input(tmp_path) -> None:
    csv = run("explore", "-", "--json", "--no-html", cwd=tmp_path, text="a,b\n1,2\n3,5\n")
    assert json.loads(csv.stdout)["vectors"]["dim"] == 2
    lines = run(
        "explore", "-", "--format", "txt", "--encoder", "count", "--json", "--no-html", text="one two\ntwo\n"
    )
    assert json.loads(lines.stdout)["space"]["features"] == ["one", "two"]


def test_overrides(tmp_path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("key,x,y,label\nk1,1,10,a\nk2,2,,b\nk3,3,30,a\n")
    made = run(
        "explore",
        str(path),
        "--ids",
        "key",
        "--columns",
        "x, y",
        "--missing",
        "mean",
        "--color",
        "label",
        "--json",
        "--html",
        "out.html",
        cwd=tmp_path,
    )
    data = json.loads(made.stdout)
    assert data["space"]["features"] == ["x", "y"]
    assert data["neighbors"][0]["id"] == "k1"
    assert (tmp_path / "out.html").exists()


def test_a_column_can_be_read_as_text(tmp_path) -> None:
    (tmp_path / "almost.csv").write_text("a,b\n" + "1,2\n" * 99 + "x,2\n")
    made = run("explore", "almost.csv", "--as-text", "a", "--no-html", "--json", cwd=tmp_path)
    assert json.loads(made.stdout)["space"]["features"] == ["a=1", "a=x", "b"]


def test_encode_then_health_nearest_pairs(tmp_path) -> None:
    made = run("encode", str(EXAMPLES / "sentences.txt"), "-o", "v", cwd=tmp_path)
    assert "5 × 512 vectors" in made.stdout
    assert run("health", "v", cwd=tmp_path).returncode == 0
    near = run("nearest", "v", "rainbow eyes in the sky", "-k", "2", cwd=tmp_path)
    assert FIVE[0] in near.stdout.splitlines()[1]
    assert "0.500" in run("pairs", "v", cwd=tmp_path).stdout


def test_health_ends_with_1_when_something_is_wrong(tmp_path) -> None:
    path = tmp_path / "z.csv"
    path.write_text("a,b\n0,0\n0,0\n")
    made = run("health", str(path))
    assert made.returncode == 1
    assert "WRONG" in made.stdout


def test_nothing_is_wider_than_the_screen(tmp_path) -> None:
    houses = str(EXAMPLES / "houses.csv")
    (tmp_path / "wide.csv").write_text(
        ",".join(f"a_rather_long_column_name_{i}" for i in range(60)) + "\n" + ",".join(["1.5"] * 60)
    )
    names = [f"a_column_name_of_more_than_sixty_characters_as_some_surveys_have_{i}" for i in range(6)]
    rows = [
        ",".join(["id_" + "x" * 60 + str(i), *(str((i * j) % 7 * (i % 5 > 0)) for j in range(1, 7))])
        for i in range(20)
    ]
    (tmp_path / "long.csv").write_text("\n".join([",".join(["key", *names]), *rows]))
    long = ("long.csv", "--ids", "key")
    for words in (
        ("explore", houses, "--no-html"),
        ("explore", "wide.csv", "--no-html"),
        ("explore", *long, "--no-html"),
        ("health", *long),
        ("nearest", *long, "--row", "id_" + "x" * 60 + "7"),
        ("pairs", *long),
        ("health", houses),
        ("nearest", houses, "--row", "5"),
        ("pairs", houses, "--sample", "40"),
    ):
        lines = run(*words, cwd=tmp_path).stdout.splitlines()
        assert len(lines) > 5
        assert max(map(len, lines)) <= 100, words


def test_similar() -> None:
    made = run("similar", FIVE[0], FIVE[1])
    assert "0.5004" in made.stdout
    assert json.loads(run("similar", "a", "b", "--json").stdout)["a"] == "a"


@pytest.mark.parametrize(
    ("name", "content", "options", "words"),
    [
        ("empty.csv", b"", [], ["empty"]),
        ("x.unknown", b"\x00\x01", [], ["--format"]),
        ("ragged.csv", b"a,b\n1,2\n3\n", [], ["line 3"]),
        ("latin.csv", "name,x\ncaf\xe9,1\n".encode("latin-1"), [], ["10", "--encoding"]),
        ("nothing.jsonl", b'{"a": ["x"]}\n{"a": ["y"]}\n', [], ["`a`", "--columns"]),
        ("col.csv", b"price,rooms\n1,2\n", ["--columns", "prize"], ["Did you mean `price`"]),
        ("gap.csv", b"a,b\n1,2\n,3\n", [], ["`a`", "`1`", "--missing mean"]),
        ("inf.csv", b"a\n1\ninf\n", [], ["infinite", "`1`"]),
        ("blank.csv", b"t\n \n \n", ["--encoder", "count"], ["No word"]),
        ("twice.csv", b"a,a\n1,2\n", [], ["`a`"]),
        ("k.csv", b"a\n1\n", ["--sample", "0"], ["--sample"]),
        ("almost.csv", b"a,b\n" + b"1,2\n" * 99 + b"x,2\n", [], ["line 101", "`a`", "--as-text a"]),
    ],
)
def test_bad_input_is_one_line_and_exit_2(tmp_path, name, content, options, words) -> None:
    (tmp_path / name).write_bytes(content)
    check_refused(run("explore", name, "--no-browser", *options, cwd=tmp_path), *words)
    assert [p.name for p in tmp_path.iterdir()] == [name], "something was half-written"
    check_refused(run("encode", name, "-o", "v", *options, cwd=tmp_path), *words)
    assert [p.name for p in tmp_path.iterdir()] == [name], "something was half-written"


def test_a_missing_file_is_one_line_and_exit_2(tmp_path) -> None:
    check_refused(run("explore", "nowhere.csv", cwd=tmp_path), "nowhere.csv")
    check_refused(run("health", "nowhere", cwd=tmp_path), "nowhere")


def test_a_report_that_cannot_be_written_says_so(tmp_path) -> None:
    check_refused(
        run("explore", str(EXAMPLES / "sentences.txt"), "--html", str(tmp_path / "no" / "r.html")), "r.html"
    )


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["explore"], ["Missing argument", "Try: vecwise explore --help"]),
        (["foo"], ["No such command 'foo'", "Try: vecwise --help"]),
        (["encode", "x.csv"], ["-o", "Try: vecwise encode --help"]),
        (["similar", "a", "b", "--encoder", "magic"], ["'magic'", "'sentence'"]),
        (["pairs", "x.csv", "--sample", "few"], ["'few'"]),
        (["nearest", "x.csv"], ["Give a query, or --row ID, or --plus ITEM."]),
        (
            ["nearest", "x.csv", "q", "--row", "1"],
            ["Give a query, --row ID or --plus ITEM, not several of them."],
        ),
        (["nearest", "x.csv", "q", "-k", "0"], ["`-k`", "not 0"]),
    ],
)
def test_usage_errors_are_one_line_and_exit_2(words, told) -> None:
    check_refused(run(*words), *told)


def test_a_saved_folder_refuses_options_of_reading(tmp_path) -> None:
    run("encode", str(EXAMPLES / "sentences.txt"), "--encoder", "count", "-o", "v", cwd=tmp_path)
    check_refused(run("health", "v", "--columns", "a", "--ids", "b", cwd=tmp_path), "`--columns`, `--ids`")
    assert run("health", "v", "--sample", "3", "--seed", "1", cwd=tmp_path).returncode == 0


def test_reports_of_files_with_dots_in_their_names_stay_apart(tmp_path) -> None:
    for name in ("data.2024.csv", "data.2025.csv"):
        (tmp_path / name).write_text("a,b\n1,2\n3,5\n")
        assert run("explore", name, "--no-browser", cwd=tmp_path).returncode == 0
    assert sorted(p.name for p in tmp_path.glob("*.html")) == [
        "data.2024-vecwise.html",
        "data.2025-vecwise.html",
    ]


def test_errors_of_the_system_have_a_reason() -> None:
    assert system_message(OSError(28, "No space left on device")) == "No space left on device."
    assert system_message(OSError("odd")) == "odd."
    assert system_message(OSError(13, "Permission denied", "r.html")) == "Permission denied: r.html"
    assert "--sample" in system_message(MemoryError())


def test_cells_cannot_command_the_terminal(tmp_path) -> None:
    (tmp_path / "t.txt").write_text("hello \x1b[31mred\x07\nworld\n")
    made = run("explore", "t.txt", "--no-html", "--encoder", "count", cwd=tmp_path)
    assert "\x1b" not in made.stdout
    assert "\x07" not in made.stdout
    check_refused(run("explore", "no\x1b[31m.csv", cwd=tmp_path), "no\ufffd[31m.csv")
    (tmp_path / "b\x1b[1m.txt").write_text("hello\nworld\n")
    named = run("explore", "b\x1b[1m.txt", "--no-html", "--encoder", "count", cwd=tmp_path)
    assert named.stdout.startswith("b\ufffd[1m.txt: 2 rows")
    assert "\x1b" not in named.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Some files, a folder of vectors, and a run to look at."""
    made = tmp_path_factory.mktemp("rows")
    (made / "rows.csv").write_text("name,x,y\nking,2,2\nman,2,0\nwoman,-2,0.1\nqueen,-2,2\n")
    (made / "lines.txt").write_text(
        "the sea \x1b[31m\n\nCaf\u00e9 au lait \U0001f469\u200d\U0001f467\n", "utf-8"
    )
    np.save(made / "near.npy", np.array([[1, 0, 0], [1, 1e-3, 0], [0, 1, 2], [np.nan, 0, 0]]))
    vw.save(vw.encode(str(made / "rows.csv"), columns=["x", "y"], ids="name"), made / "v")
    return made


@pytest.mark.parametrize(
    "words",
    [
        "--version",
        "",
        "explore - --no-html --format csv",
        "encode rows.csv -o w --columns x,y --json",
        "health near.npy",
        "similar sea sky --encoder count",
        "nearest v --row king",
        "pairs lines.txt --encoder count",
        "explain rows.csv king queen --ids name",
        "cluster v -k 2",
        "map v --no-html",
        "dedupe v --near",
        "choose rows.csv --target x",
        "runs --json",
        "runs show last",
        "trace nothing rows.csv",
    ],
)
def test_a_program_says_and_does_what_tests_see_in_their_own_process(folder, words, monkeypatch) -> None:
    monkeypatch.setenv("VECWISE_RUNS", str(folder / "runs"))
    monkeypatch.setenv("COLUMNS", "80")
    given = (folder / "rows.csv").read_text()
    here, alone = (call(*words.split(), cwd=folder, text=given) for call in (run, program))
    assert (here.returncode, here.stdout, here.stderr) == (alone.returncode, alone.stdout, alone.stderr)
    assert here.stdout or here.stderr
    assert "Traceback" not in alone.stderr


def test_python_dash_m_is_the_same_program() -> None:
    made = subprocess.run(
        [sys.executable, "-m", "vecwise", "--version"], capture_output=True, text=True, check=True
    )
    assert made.stdout == run("--version").stdout


def test_help_lists_every_command() -> None:
    made = run("--help")
    for command in ("explore", "encode", "health", "similar", "nearest", "pairs"):
        assert command in made.stdout
        assert run(command, "--help").returncode == 0
    assert run("--version").stdout.strip().endswith("0.1.0")


def test_a_closed_pipe_is_no_error() -> None:
    made = subprocess.run(
        f"{VECWISE} explore {EXAMPLES / 'sentences.txt'} --no-html | head -1",
        shell=True,
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.stderr == ""
    assert made.stdout.startswith("sentences.txt: 5 rows")


def test_progress_shows_at_a_terminal_only(tmp_path) -> None:
    path = tmp_path / "many.txt"
    path.write_text("\n".join(f"{line} {n}" for n in range(600) for line in FIVE))
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [VECWISE, "encode", str(path), "-o", str(tmp_path / "v")], stdout=subprocess.PIPE, stderr=follower
    )
    os.close(follower)
    seen = b""
    while True:
        try:
            part = os.read(leader, 4096)
        except OSError:
            break
        if not part:
            break
        seen += part
    assert process.wait() == 0
    assert process.stdout is not None
    assert b"rows/s" in seen
    assert b"3,000 \xc3\x97 512" in process.stdout.read()
    process.stdout.close()
    os.close(leader)


@pytest.mark.parametrize("kind", ["npy", "npz", "parquet", "csv", "jsonl"])
def test_vectors_that_are_there_are_a_path_of_every_command(tmp_path, kind) -> None:
    E = np.random.default_rng(3).standard_normal((30, 6)).astype(np.float32)
    path = tmp_path / f"emb.{kind}"
    titles = [f"title {i}" for i in range(30)]
    if kind == "npy":
        np.save(path, E)
    elif kind == "npz":
        np.savez_compressed(path, E)
    elif kind == "parquet":
        pq.write_table(
            pa.table({"title": titles, "v": pa.array(E.tolist(), pa.list_(pa.float32(), 6))}), path
        )
    elif kind == "csv":
        cells = [f'"{row}",{title}' for row, title in zip(E.tolist(), titles, strict=True)]
        path.write_text("v,title\n" + "\n".join(cells))
    else:
        lines = [
            json.dumps({"v": row, "title": title}) for row, title in zip(E.tolist(), titles, strict=True)
        ]
        path.write_text("\n".join(lines))
    name = "vectors of `emb." + kind + "`" if kind in ("npy", "npz") else "column `v`"
    told = json.loads(run("explore", path.name, "--no-html", "--json", cwd=tmp_path).stdout)
    assert (told["rows"], told["vectors"]["dim"], told["space"]["name"]) == (30, 6, name)
    assert [c["use"] for c in told["columns"] if c["name"] == "v"] == ["vectors"][: len(told["columns"])]
    checked = json.loads(run("health", path.name, "--json", cwd=tmp_path).stdout)
    lengths = np.linalg.norm(E.astype(np.float64), axis=1)
    assert checked["norms"]["l2"]["max"] == pytest.approx(lengths.max(), rel=1e-6)
    near = json.loads(run("nearest", path.name, "--row", "4", "-k", "3", "--json", cwd=tmp_path).stdout)
    scores = (E @ E[4]) / (lengths * lengths[4])
    best = [i for i in np.argsort(-scores).tolist() if i != 4][:3]
    assert [n["id"] for n in near["neighbors"]] == best
    assert [n["score"] for n in near["neighbors"]] == pytest.approx(scores[best].tolist(), rel=1e-5)
    assert (
        len(json.loads(run("pairs", path.name, "--sample", "5", "--json", cwd=tmp_path).stdout)["ids"]) == 5
    )
    words = run("explore", path.name, "--no-browser", cwd=tmp_path)
    assert (words.returncode, words.stderr) == (0, "")
    assert words.stdout.splitlines()[0] == f"{path.name}: 30 rows" + (
        "" if kind[:2] == "np" else ", 2 columns"
    )
    assert f"{name[0].upper()}{name[1:]}: 30 × 6, dense" in words.stdout
    check_refused(run("nearest", path.name, "words", cwd=tmp_path), "--row")
    assert f"30 × 6 vectors ({name}), saved in v" in run("encode", path.name, "-o", "v", cwd=tmp_path).stdout


def test_a_column_of_vectors_is_chosen(tmp_path) -> None:
    path = tmp_path / "two.jsonl"
    path.write_text("\n".join(json.dumps({"a": [i, 1], "b": [1, i, 2], "n": i}) for i in range(4)))
    made = json.loads(run("explore", path.name, "--vectors", "b", "--no-html", "--json", cwd=tmp_path).stdout)
    assert (made["space"]["name"], made["vectors"]["dim"]) == ("column `b`", 3)
    check_refused(run("health", path.name, "--vectors", "c", cwd=tmp_path), "column `c`", "`a`")
    check_refused(
        run("health", path.name, "--vectors", "b", "--columns", "n", cwd=tmp_path), "--columns", "no effect"
    )
    np.save(tmp_path / "emb.npy", np.eye(3))
    check_refused(
        run("health", "emb.npy", "--ids", "n", "--vectors", "b", cwd=tmp_path),
        "NumPy file",
        "`--ids`",
        "`--vectors`",
    )
    (tmp_path / "cut.npy").write_bytes((tmp_path / "emb.npy").read_bytes()[:-8])
    check_refused(run("explore", "cut.npy", cwd=tmp_path), "`cut.npy`", "damaged")


def test_settings_reach_the_encoder(tmp_path) -> None:
    path = tmp_path / "songs.txt"
    path.write_text("the sea the sea\na deep sea\n")
    out = run("encode", str(path), "-o", str(tmp_path / "v"), "--encoder", "count", "--set", "ngrams=[1, 2]",
              "--set", "binary=true", "--set", "tokenizer=word", "--json")  # fmt: skip
    assert out.returncode == 0
    made = vw.open(tmp_path / "v")
    assert made.space.features == ("the", "sea", "the sea", "sea the", "deep", "deep sea")
    assert made.values.toarray().max() == 1


def test_settings_that_are_none(tmp_path) -> None:
    path = tmp_path / "songs.txt"
    path.write_text("the sea\na deep sea\n")
    for given, words in (("ngram=3", "Did you mean `ngrams`"), ("ngrams", "KEY=VALUE")):
        out = run("health", str(path), "--encoder", "count", "--set", given)
        assert out.returncode == 2
        assert words in out.stderr
    out = run("health", str(path), "--encoder", "sentense")
    assert (out.returncode, "Did you mean `sentence`" in out.stderr) == (2, True)


def test_a_saved_encoder_encodes_new_rows(tmp_path) -> None:
    vw.save(vw.TfidfEncoder().fit(["the sea", "a deep sea"]), tmp_path / "words")
    (tmp_path / "songs.txt").write_text("the sea\na deep sky\n")
    out = run(
        "encode", str(tmp_path / "songs.txt"), "-o", str(tmp_path / "v"), "--encoder", str(tmp_path / "words")
    )
    assert out.returncode == 0
    assert vw.open(tmp_path / "v").space.same_axes(vw.open_encoder(tmp_path / "words").space)
    out = run(
        "health", str(tmp_path / "songs.txt"), "--encoder", str(tmp_path / "words"), "--set", "binary=true"
    )
    assert (out.returncode, "--set" in out.stderr) == (2, True)


def test_the_command_line_lists_every_encoder() -> None:
    from vecwise.cli.options import ENCODERS
    from vecwise.encoders import registry

    assert ("auto", *registry.ENCODERS) == ENCODERS


def test_nearest_by_radius_condition_arithmetic_and_into_a_file(tmp_path) -> None:
    (tmp_path / "rows.csv").write_text(
        "name,x,y,town\nking,2,2,a\nman,2,0,b\nwoman,-2,0.1,a\nqueen,-2,2,a\nother,0,-3,c\n"
    )
    wide = ("nearest", "rows.csv", "--columns", "x,y", "--ids", "name", "--metric", "cosine")
    made = json.loads(
        run(
            *wide, "--plus", "king", "--plus", "woman", "--minus", "man", "-k", "1", "--json", cwd=tmp_path
        ).stdout
    )
    assert [found["id"] for found in made["neighbors"]] == ["queen"]
    made = run(*wide, "--row", "king", "--where", "town = 'a' and x < 0", "--csv", "near.csv", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    table = vw.read(tmp_path / "near.csv")
    assert table["id"].to_pylist() == ["queen", "woman"]
    assert table["town"].to_pylist() == ["a", "a"]
    made = json.loads(run(*wide, "--row", "king", "--radius", "0.5", "--json", cwd=tmp_path).stdout)
    assert [found["id"] for found in made["neighbors"]] == ["man"]
    for words, reason in (
        (("--where", "price < 3"), "price"),
        (("--where", "town <"), "condition"),
        (("--plus", "king"), "not several"),
        (("--csv", "rows.csv"), "Give another name"),
    ):
        refused = run(*wide, "--row", "king", *words, cwd=tmp_path)
        assert refused.returncode == 2
        assert reason in refused.stderr
