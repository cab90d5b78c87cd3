"""The text generator: how lines are cut, what is learned, drawn, copied and kept, each against a plain way to tell."""

from __future__ import annotations

import sys
from dataclasses import replace
from itertools import product

import numpy as np
import pyarrow as pa
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import vecwise as vw
from vecwise.errors import (
    Damaged,
    EmptyInput,
    FileMissing,
    Inapplicable,
    MissingPackage,
    MissingValue,
    OutOfRange,
    SpaceMismatch,
    UnknownFormat,
    VecwiseError,
    WrongShape,
)
from vecwise.models.generate.copied import KnownLines, various
from vecwise.models.generate.drawing import Taste, drawn
from vecwise.models.generate.generator import GENERATORS
from vecwise.models.generate.judged import held_out, margin_of, mixed, share_of
from vecwise.models.generate.lines import plain, read_lines, same, words_of
from vecwise.models.generate.network import Network, Shape, dropped
from vecwise.models.generate.passes import Coded, log_probabilities
from vecwise.models.generate.pieces import END, MOST_LONG, UNKNOWN, Pieces

SEA = (
    "the {} boat sails {} over the {} sea",
    "a {} wave breaks {} on the {} shore",
    "the {} gull {} leaves the {} harbour",
)
FARM = (
    "the {} cow stands {} in the {} field",
    "a {} tractor pulls {} at the {} plough",
    "the {} farmer {} feeds the {} horse",
)
HOW = ("old", "grey", "small", "quiet", "long", "cold", "bright", "slow", "white", "lonely", "proud", "tired")
WHEN = ("today", "again", "alone", "at noon", "in spring", "by night", "at last", "in the rain")


@pytest.fixture(scope="module")
def songs() -> list[str]:
    made = [
        verse.format(a, when, b) for verse in SEA + FARM for a, when, b in product(HOW, WHEN, HOW) if a != b
    ]
    return [made[i] for i in np.random.default_rng(0).permutation(len(made))[:240]]


@pytest.fixture(scope="module")
def made(songs):
    return vw.generator(songs, epochs=25)


# ---- lines ----


def test_lines_are_cut_into_three_parts_that_share_nothing(songs) -> None:
    found = read_lines([*songs, "", "  ", songs[0].upper() + "!", None or songs[3]], None, 0)
    parts = found.train, found.stop, found.judge
    assert sorted(line for part in parts for line in part) == sorted(songs)
    assert [len(part) for part in parts] == [192, 24, 24]
    assert (found.blank, found.repeated) == (2, 2)
    assert found.digest != read_lines(songs, None, 1).digest


@pytest.mark.parametrize(
    ("rows", "error", "words"),
    [
        ([], EmptyInput, "empty"),
        (["", "  "], EmptyInput, "all are blank"),
        (["the same line"] * 500, OutOfRange, "All 500 lines are the same"),
        ([f"line {i}" for i in range(49)], OutOfRange, "at least 50 different lines, not 49"),
        ({"text": ["a line", None]}, MissingValue, "1"),
        ({"a": ["x"] * 60, "b": ["y"] * 60}, VecwiseError, "`a`, `b`"),
    ],
)
def test_too_little_to_learn_from_is_told(rows, error, words) -> None:
    with pytest.raises(error, match=words):
        vw.generator(rows)


@given(st.text(max_size=60))
def test_plain_lines_stay_as_they_are_and_words_ignore_case_and_punctuation(text) -> None:
    once = plain(text)
    assert plain(once) == once
    assert words_of(f"{once}, !") == words_of(once)
    assert same(once.replace(" ", "  ")) == same(once)


def test_signs_of_scripts_without_spaces_are_words() -> None:
    assert words_of("海辺の町 by the SEA") == ["海", "辺", "の", "町", "by", "the", "sea"]


# ---- pieces ----


@settings(deadline=None, max_examples=60)
@given(st.lists(st.sampled_from("abc de'é,猫\t"), max_size=80).map("".join))
def test_pieces_give_back_the_text(text) -> None:
    pieces = _pieces()
    line = plain(text)
    assert pieces.joined(pieces.cut([line])) == [line]


def _pieces() -> Pieces:
    if not hasattr(_pieces, "made"):
        rng = np.random.default_rng(0)
        _pieces.made = Pieces.learned(["".join(rng.choice(list("abc de'é,猫"), 30)) for _ in range(200)])
    return _pieces.made


def test_a_long_line_is_cut_and_does_not_end() -> None:
    (numbers,) = _pieces().cut(["abcde " * 400])
    assert len(numbers) == MOST_LONG
    assert END not in numbers
    (short,) = _pieces().cut(["abc"])
    assert short[-1] == END
    assert (short == END).sum() == 1


def test_thousands_of_different_characters_are_no_obstacle() -> None:
    lines = ["".join(chr(0x4E00 + (17 * i + j) % 9000) for j in range(20)) for i in range(500)]
    pieces = Pieces.learned(lines)
    assert len(pieces) <= 8000
    told = pieces.joined(pieces.cut(lines[:50]))
    assert sum(a == b for a, b in zip(told, lines, strict=False)) > 5


# ---- the network ----


def small(pieces: int = 7, dim: int = 5) -> Network:
    rng = np.random.default_rng(0)
    shape = Shape(6, 8, 0.4)
    return Network(pieces, rng.standard_normal((20, dim)), shape).begun(
        rng.standard_normal((pieces, 4)), torch.Generator().manual_seed(0)
    )


def test_a_line_is_told_the_same_alone_and_among_others() -> None:
    network, rng = small(), np.random.default_rng(1)
    tokens = [rng.integers(0, 7, length) for length in (3, 9, 1, 5)]
    vectors = rng.standard_normal((4, 5)).astype(np.float32)
    together = log_probabilities(network, Coded(tokens, vectors), steered=True)
    alone = [
        log_probabilities(network, Coded([t], v[None]), steered=True)
        for t, v in zip(tokens, vectors, strict=True)
    ]
    assert np.allclose(together, np.concatenate(alone), atol=1e-5)
    unsteered = log_probabilities(network, Coded(tokens, 100 * vectors))
    assert np.array_equal(unsteered, log_probabilities(network, Coded(tokens, vectors)))


def test_what_may_come_next_has_probability_one_together() -> None:
    network = small()
    ends = [
        log_probabilities(network, Coded([np.array([2, 5, last])], np.zeros((1, 5), np.float32)))[-1]
        for last in range(7)
    ]
    assert np.exp(ends).sum() == pytest.approx(1, rel=1e-5)


def test_pieces_begin_where_the_encoder_puts_them() -> None:
    known = np.zeros((7, 3))
    known[1], known[2] = [1, 2, 3], [2, 4, 6]
    made = Network(7, 5, Shape(6, 8, 0.4)).begun(known, torch.Generator().manual_seed(0))
    table = made.table.weight.detach().numpy()
    assert np.allclose(table[2, :3], 2 * table[1, :3])
    assert not np.allclose(table[3, :3], 2 * table[4, :3])


def test_leaving_numbers_out_keeps_their_mean() -> None:
    ones = torch.ones(200, 200)
    left = dropped(ones, 0.4, torch.Generator().manual_seed(0))
    assert np.allclose(np.unique(left), [0.0, 1 / 0.6])
    assert float(left.mean()) == pytest.approx(1, abs=0.02)
    assert dropped(ones, 0.4, None) is ones


# ---- what it is worth ----


@given(st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=30)
def test_a_mixture_is_the_logarithm_of_the_mean_and_the_best_share_is_found(seed) -> None:
    rng = np.random.default_rng(seed)
    a, b = np.log(rng.uniform(0.01, 1, (2, 50)))
    assert np.allclose(mixed(a, b, 0.3), np.log(0.3 * np.exp(a) + 0.7 * np.exp(b)))
    assert np.array_equal(mixed(a, b, 1.0), a)
    assert np.array_equal(mixed(a, b, 0.0), b)
    scores = [mixed(a, b, share / 20).sum() for share in range(21)]
    assert share_of(a, b) == np.argmax(scores) / 20


def test_held_out_numbers_by_hand() -> None:
    network, counted = np.log([0.5, 0.5, 0.25, 0.25]), np.log([0.25, 0.25, 0.25, 0.25])
    found = held_out(network, counted, 1.0, np.array([2, 2]), np.array([4, 4]), 0)
    assert found["perplexity"] == pytest.approx(8**0.5)
    assert found["n_grams"] == {"perplexity": pytest.approx(4), "bits_per_character": pytest.approx(1)}
    assert found["gain"][0] == pytest.approx(1 - 8**0.5 / 4)
    assert found["gain"][1] == pytest.approx(0)
    assert not found["better"]


def test_a_margin_by_hand() -> None:
    near = np.array([[[0.9, 0.7], [0.1, 0.3]], [[0.2, 0.2], [0.5, np.nan]]])
    found = margin_of(["a", "b"], near, 0)
    assert np.allclose(found.own, [0.8, 0.5])
    assert np.allclose(found.other, [0.2, 0.2])
    assert found.mean == pytest.approx(0.45)
    assert found.low <= 0.45 <= found.high
    dead = np.full((3, 3, 2), np.nan)
    dead[:2, :2] = near
    assert margin_of(["a", "b", "c"], dead, 0).prompts == ["a", "b"]


def test_it_learns_and_a_prompt_matters(made) -> None:
    report = made.report
    assert report["better"]
    assert report["perplexity"] < report["n_grams"]["perplexity"]
    assert report["margin"]["low"] > 0.05
    sea, farm = (made.write(p, n=8, choices=4) for p in ("ships on the ocean", "cattle and wheat"))
    assert sum("sea" in x or "shore" in x or "harbour" in x for x in sea) > 5
    assert sum("field" in x or "plough" in x or "horse" in x for x in farm) > 5


def test_perplexity_is_that_of_the_product_of_what_is_told_piece_by_piece(made, songs) -> None:
    lines = songs[:3]
    nats, pieces = 0.0, 0
    for tokens in made.pieces.cut(lines):
        for place in range(len(tokens)):
            own = log_probabilities(
                made.writer.network, Coded([tokens[: place + 1]], np.zeros((1, 512), np.float32))
            )[-1]
            counted = made.writer.n_grams.following([tokens[:place].tolist()])[0, tokens[place]]
            nats -= np.log(made.writer.share * np.exp(own) + (1 - made.writer.share) * counted)
            pieces += 1
    assert made.perplexity(lines) == pytest.approx(np.exp(nats / pieces), rel=1e-5)
    assert made.perplexity(["shore shore wave cow the the"]) > 3 * made.perplexity(lines)


# ---- drawing ----


def test_lines_are_drawn_as_often_as_they_are_likely(made) -> None:
    plainly = Taste(temperature=1, top_p=1, guidance=1)
    found = drawn(made.writer, None, 1000, plainly, 1, torch.Generator().manual_seed(0))
    often = np.bincount([line[0] for line in found], minlength=len(made.pieces)) / 1000
    every = [np.array([piece]) for piece in range(len(made.pieces))]
    free = log_probabilities(made.writer.network, Coded(every, np.zeros((len(every), 512), np.float32)))
    share = made.writer.share
    true = share * np.exp(free) + (1 - share) * made.writer.n_grams.following([[]])[0]
    true[[UNKNOWN, END]] = 0
    true /= true.sum()
    likely = true > 0.01
    assert likely.sum() >= 2
    assert np.all(np.abs(often - true)[likely] < 4 * np.sqrt(true * (1 - true) / 1000)[likely])


def test_what_is_unlikely_is_left_out(made) -> None:
    found = drawn(made.writer, None, 30, Taste(1, 1e-9, 1), 8, torch.Generator().manual_seed(0))
    assert len({tuple(line) for line in found}) == 1  # the likeliest piece alone, every time


def test_no_word_is_made_up_unless_it_may_be(made, songs) -> None:
    known = {word for line in songs for word in line.split()}
    wild = {"temperature": 3.0, "top_p": 1.0, "n": 40, "choices": 1}
    assert {word for line in made.write(**wild) for word in line.split()} <= known
    assert not {word for line in made.write(**wild, invent=True) for word in line.split()} <= known


def test_names_may_be_made_up() -> None:
    rng = np.random.default_rng(0)
    syllables = ("ka", "lo", "mi", "ra", "ten", "vo", "sul", "bri")
    names = sorted({"".join(rng.choice(syllables, rng.integers(2, 4))).title() for _ in range(150)})
    found = vw.generator(names, epochs=15).write(n=10, temperature=1.0, top_p=1.0)
    assert len(found) == 10
    assert not set(found) & set(names)


# ---- writing ----


def test_written_lines_are_new_different_and_the_same_for_a_seed(made, songs) -> None:
    found = made.write("a boat", n=12, choices=3)
    assert len(set(map(same, found))) == len(found) == 12
    assert not {same(line) for line in found} & set(map(same, songs))
    assert made.write("a boat", n=12, choices=3).lines == found.lines
    assert made.write("a boat", n=12, choices=3, seed=1).lines != found.lines
    assert found.likeness.tolist() == sorted(found.likeness, reverse=True)
    truth = vw.cosine(vw.encode(["a boat"], "sentence"), vw.encode(found.lines, "sentence")).values[0]
    assert np.allclose(found.likeness, truth, atol=1e-6)
    assert np.allclose(found.vectors.values, vw.encode(found.lines, "sentence").values, atol=1e-6)


def test_copies_are_refused_or_allowed() -> None:
    every = [f"the {a} {b} sea" for a in HOW for b in HOW]
    made = vw.generator(every[:-30], epochs=12)
    refused = made.write(n=3, choices=4)
    assert refused.refused > 0
    assert "refused" in refused.words
    assert not set(map(same, refused)) & set(map(same, every[:-30]))
    allowed = made.write(n=8, copies=True)
    assert set(map(same, allowed)) & set(map(same, every[:-30]))
    assert allowed.refused == 0


def test_too_few_new_lines_are_told(made, monkeypatch) -> None:
    monkeypatch.setattr("vecwise.models.generate.generator._TRIES", 1)
    few = made.write("a boat", n=60, choices=1)
    assert 0 < len(few) < 60
    assert f"No more new lines were found than {len(few)} of 60" in few.words
    monkeypatch.setattr(KnownLines, "reads_like", lambda *_: False)
    with pytest.raises(Inapplicable, match=r"among 2 drawn: \d were lines learned from.*`copies`"):
        made.write("a boat", n=1, choices=2)


def test_a_vector_of_the_space_steers_as_its_sentence_does(made) -> None:
    X = vw.encode(["a boat on the sea", "a cow"], "sentence")
    assert made.write(X[0], n=2, choices=3).lines == made.write("a boat on the sea", n=2, choices=3).lines
    assert made.write(X[0] + X[1], n=1).prompt is None
    with pytest.raises(SpaceMismatch):
        made.write(vw.Vectors(np.ones((1, 512))))
    with pytest.raises(WrongShape):
        made.write(X)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"n": 0}, "n"),
        ({"n": 500, "choices": 3}, "At most 1,000"),
        ({"temperature": 0}, "temperature"),
        ({"temperature": float("nan")}, "temperature"),
        ({"top_p": 1.5}, "top_p"),
        ({"guidance": "much"}, "guidance"),
        ({"seed": -1}, "seed"),
    ],
)
def test_settings_out_of_range_are_told(made, given, words) -> None:
    with pytest.raises(OutOfRange, match=words):
        made.write("sea", **given)


def test_a_prompt_that_says_nothing_is_told(made, songs) -> None:
    with pytest.raises(Inapplicable, match="blank"):
        made.write("  ")
    by_words = vw.generator(songs, encoder="count", epochs=2)
    with pytest.raises(Inapplicable, match="knows nothing of “qxqx”"):
        by_words.write("qxqx")
    assert len(by_words.write("sea shore", n=3)) == 3


def test_the_encoder_that_was_given_stays_as_it_is(songs) -> None:
    mine = vw.CountEncoder()
    made = vw.generator(songs, encoder=mine, epochs=1)
    assert not mine.is_fitted
    assert made.source.dim > 10


def test_a_prompt_in_another_language_steers(made) -> None:
    german = made.write("Ein Schiff auf dem Meer", n=6)
    assert sum("sea" in x or "shore" in x or "harbour" in x for x in german) >= 4


def test_copied_runs_are_told_with_their_line(made, songs) -> None:
    found = made.write("a boat", n=10)
    for line, run in zip(found.lines, found.copied, strict=True):
        words = words_of(line)
        stretches = [words[i : i + run.words] for i in range(len(words) - run.words + 1)]
        assert any(" ".join(stretch) in " ".join(words_of(run.source)) for stretch in stretches)
        longer = [" ".join(words[i : i + run.words + 1]) for i in range(len(words) - run.words)]
        assert not any(f" {part} " in f" {' '.join(words_of(song))} " for part in longer for song in songs)


def test_lines_much_the_same_come_last() -> None:
    assert various(["the cold sea", "the cold wide sea", "a warm fire", "the sea"], 4) == [0, 2, 1, 3]
    learned = KnownLines(["one two three four"] * 9 + ["one two"])
    assert learned.shortest == 3
    assert learned.reads_like("a b c")
    assert not learned.reads_like("a b")
    for line in ("on the sea on the", "on on the sea", "a sea a sky a"):
        assert not learned.reads_like(line)


# ---- bits, stops and folders ----


def weights(generator) -> list[np.ndarray]:
    return [value.numpy() for value in generator.writer.network.state_dict().values()]


def test_the_same_seed_gives_the_same_bits_with_any_number_of_threads(songs) -> None:
    before = torch.get_num_threads()
    found = []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            torch.manual_seed(threads)  # nor does it depend on what chance was used before
            found.append(weights(vw.generator(songs, epochs=3)))
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    assert all(np.array_equal(a, b) for a, b in zip(*found, strict=True))
    other = weights(vw.generator(songs, epochs=3, seed=1))
    assert any(a.shape != b.shape or not np.array_equal(a, b) for a, b in zip(found[0], other, strict=True))


def test_a_stopped_training_goes_on_as_if_it_had_never_stopped(songs, tmp_path) -> None:
    def stop_after_two(epoch, n_grams) -> None:
        assert n_grams > 1
        assert epoch.loss > 0
        if epoch.number == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt, match="2 epochs are kept"):
        vw.generator(songs, epochs=5, into=tmp_path / "g", watch=stop_after_two)
    with pytest.raises(Inapplicable, match="not trained to its end"):
        vw.open_generator(tmp_path / "g")
    seen: list[int] = []
    went_on = vw.generator(
        songs, epochs=5, into=tmp_path / "g", watch=lambda epoch, _: seen.append(epoch.number)
    )
    whole = vw.generator(songs, epochs=5)
    assert seen == [3, 4, 5]
    assert all(np.array_equal(a, b) for a, b in zip(weights(went_on), weights(whole), strict=True))
    assert went_on.write("a boat").lines == whole.write("a boat").lines
    assert {**went_on.report, "epochs": 0, "seconds": 0} == {**whole.report, "epochs": 0, "seconds": 0}
    again = vw.generator(songs, epochs=5, into=tmp_path / "g", watch=lambda *_: pytest.fail("it is trained"))
    assert again.report == went_on.report
    with pytest.raises(Inapplicable, match="another seed"):
        vw.generator(songs, epochs=5, into=tmp_path / "g", seed=1)
    with pytest.raises(Inapplicable, match="other lines"):
        vw.generator([*songs, "one more line"], epochs=5, into=tmp_path / "g")


def test_a_saved_generator_writes_the_same_lines(made, tmp_path) -> None:
    made.save(tmp_path / "g")
    opened = vw.open_generator(tmp_path / "g")
    assert opened.write("a boat").lines == made.write("a boat").lines
    assert opened.report == made.report
    assert opened.words == made.words
    assert opened.perplexity(["the old sea"]) == made.perplexity(["the old sea"])
    assert sorted(path.suffix for path in (tmp_path / "g").iterdir()) == [".json", ".safetensors"]


def test_a_damaged_folder_is_told(made, tmp_path) -> None:
    made.save(tmp_path / "g")
    arrays = next((tmp_path / "g").glob("*.safetensors"))
    raw = bytearray(arrays.read_bytes())
    raw[len(raw) // 2] ^= 1
    arrays.write_bytes(bytes(raw))
    with pytest.raises(Damaged):
        vw.open_generator(tmp_path / "g")
    with pytest.raises(FileMissing):
        vw.open_generator(tmp_path / "nothing")
    vw.save(vw.Vectors([[1.0, 2.0]]), tmp_path / "v")
    with pytest.raises(UnknownFormat, match=r"vw\.open\(path\)"):
        vw.open_generator(tmp_path / "v")
    for lost in ("weights", "pieces", "report"):
        data = made.to_data()
        data[lost] = {} if lost != "pieces" else np.zeros(5, np.uint8)
        GENERATORS.save(data, tmp_path / lost)
        with pytest.raises(Damaged):
            vw.open_generator(tmp_path / lost)


def test_without_torch_the_extra_is_named(songs, monkeypatch, made, tmp_path) -> None:
    made.save(tmp_path / "g")
    monkeypatch.setitem(sys.modules, "torch", None)
    for call in (lambda: vw.generator(songs), lambda: vw.open_generator(tmp_path / "g")):
        with pytest.raises(MissingPackage, match=r"vecwise\[torch\]"):
            call()


def test_tables_progress_and_what_is_seen_at_a_glance(songs, made) -> None:
    ticks: list[tuple[int, int]] = []
    table = pa.table({"year": range(len(songs)), "line": songs})
    found = vw.generator(table, epochs=2, progress=lambda done, total: ticks.append((done, total)))
    assert ticks == sorted(ticks)
    assert ticks[-1] == (2 * 192, 2 * 192)
    assert [epoch["number"] for epoch in found.report["epochs"]] == [1, 2]
    written = made.write("a boat", n=3)
    assert repr(written).startswith("3 lines for “a boat”\n")
    assert written.lines[0] in repr(written)
    assert "<table>" in written._repr_html_()
    assert made.words in repr(made)
    assert [entry["text"] for entry in written.to_data()["lines"]] == list(written)
    assert replace(written, refused=1, wanted=9).words.count(".") == 3


@pytest.mark.slow
@pytest.mark.parametrize("name", ["lyrics.txt", "speeches.csv"])
def test_real_lines_are_told_better_than_by_n_grams_and_prompts_matter(name) -> None:
    from conftest import EXAMPLES

    column = "sentence" if name == "speeches.csv" else None
    found = vw.generator(vw.read(EXAMPLES / name), text=column)
    assert found.report["better"]
    assert found.report["margin"]["low"] > 0.1
    assert found.report["margin"]["prompts"] == 20
