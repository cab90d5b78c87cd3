"""The compiled kernel against NumPy's way: equal words, numbers, rows and bits, whatever the text and the workers."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array

import vecwise as vw
from vecwise.kernels import native, native_counts, token_counts, tokens, wordlists, workers
from vecwise.kernels.bags import weigh_to_unit_rows
from vecwise.kernels.cutting import Rule
from vecwise.kernels.tokens import token_ids, tokens_of

ROOT = Path(__file__).parent.parent
needs_library = pytest.mark.skipif(
    native_counts.library() is None, reason="the compiled kernel was not built"
)

sizes = st.sampled_from([0, 1, 2, 7, 8, 9, 15, 16, 17, 63, 64, 65, 127, 128, 129, 1000])
ascii_bytes = st.characters(max_codepoint=127)
pieces = st.builds(lambda letter, size: letter * size, st.sampled_from("aB_9-\0é"), sizes)
gaps = st.sampled_from(
    [" ", "\t", "\n", "\v", "\f", "\r", "\x1c", "\x1d", "\x1e", "\x1f", "\x85", "\u00a0", ""]
)
rows_of_text = st.lists(
    st.text(ascii_bytes, max_size=200)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
    | st.lists(pieces | gaps, max_size=12).map("".join)
    | st.just("")
    | st.none(),
    max_size=12,
)
rules = st.builds(
    Rule,
    tokenizer=st.sampled_from(["whitespace", "word"]),
    lowercase=st.sampled_from([True, False, "casefold"]),
    ngrams=st.sampled_from([(1, 1), (1, 2)]),
    stop=st.sampled_from([frozenset(), frozenset(["a", "bb"])]),
)


def both(work):
    """What work gives with NumPy and compiled."""
    made = []
    for way in ("0", "1"):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("VECWISE_NATIVE", way)
            made.append(work())
    return made


def bits(counts):
    """The bits of a CSR array with their types."""
    return [(a.dtype, a.tobytes()) for a in (counts.data, counts.indices, counts.indptr)]


def counted(column, rule, signed=False):
    """Words, numbers of words, offsets of rows, and the counts into half as many columns, some left out."""
    words, ids, offsets = token_ids(column, rule)
    width = len(words) // 2 + 1
    columns = ((np.arange(len(words), dtype=np.int32) * 7) % (width + 1) - 1).astype(np.int32)
    negative = np.arange(len(words)) % 3 == 0 if signed else None
    counts = tokens_of(column, rule).counts(columns, width, negative)
    return words, (ids.dtype, ids.tobytes()), offsets.tobytes(), bits(counts)


@needs_library
@given(rows_of_text, rules, st.booleans())
def test_any_text_gives_the_same_bits(rows, rule, signed) -> None:
    first, second = both(lambda: counted(pa.array(rows, pa.string()), rule, signed))
    assert first == second


@needs_library
@given(rows_of_text, rules, st.integers(0, 13), st.sampled_from([1, 2, 7]))
def test_slices_chunks_and_workers_give_the_same_bits(rows, rule, at, count) -> None:
    whole = pa.array(["before é x", *rows, "after"], pa.large_string())[1:-1]
    chunks = [whole[:at], pa.array([], pa.large_string()), whole[at:]]
    columns = [whole, whole.cast(pa.string()), pa.chunked_array(chunks, pa.large_string())]
    expected = both(lambda: counted(whole, rule))[0]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(workers, "SHARED_BYTES", 0)
        patch.setattr(workers, "workers", lambda: count)
        patch.setattr(tokens, "workers", lambda: count)
        patch.setattr(token_counts, "workers", lambda: count)
        patch.setattr(tokens, "PART_BYTES", 40)
        patch.setattr(token_counts, "_BLOCK_TOKENS", 3)
        for column in columns:
            assert both(lambda column=column: counted(column, rule)) == [expected, expected]


@needs_library
@given(st.lists(st.text(st.sampled_from("ab\0 é"), max_size=30), max_size=40), rules)
def test_colliding_hashes_give_the_same_bits(rows, rule) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(native_counts, "HASH_MASK", 7)
        first, second = both(lambda: counted(pa.array(rows, pa.string()), rule))
        assert first == second


@needs_library
@pytest.mark.parametrize("size", [1, 2, 8, 9, 16, 17, 32, 33, 100, 5000])
def test_rows_of_every_length_are_sorted_and_summed(size) -> None:
    rng = np.random.default_rng(size)
    rows = [" ".join(map(str, rng.integers(0, high, size))) for high in (1, 3, size + 1, 10**6)]
    for signed in (False, True):
        first, second = both(lambda signed=signed: counted(pa.array(rows), Rule(), signed))
        assert first == second


@needs_library
@given(st.lists(st.binary(max_size=20) | st.binary(max_size=3).map(lambda b: b"same-head" + b), max_size=60))
def test_word_lists_are_sorted_and_joined_alike(words) -> None:
    listed = pa.array([b"x", *words], pa.large_binary())[1:]
    order = wordlists.sorted_order(listed)
    assert [words[i] for i in order] == sorted(words)
    assert all(a <= b for a, b in pairwise(order) if words[a] == words[b])
    distinct = pa.array(sorted(set(words)), pa.large_binary())
    assert wordlists.in_order(distinct)
    assert wordlists.in_order(distinct[::-1]) == (len(distinct) < 2)
    some = pa.array(sorted({*words[::2], b"sam", b"same-head-and-more"}), pa.large_binary())
    joined, (ours, theirs) = wordlists.joined_in_order(distinct, some)
    names = joined.to_pylist()
    assert names == sorted({*words, *some.to_pylist()})
    assert [names[i] for i in [*ours, *theirs]] == [*distinct.to_pylist(), *some.to_pylist()]
    (first, moved), (second, others) = both(lambda: wordlists.arranged(listed))
    assert first.equals(second)
    assert moved.tobytes() == others.tobytes()
    lists = [listed, distinct, listed[:3]]
    (first, places), (second, others) = both(lambda: wordlists.merged(lists))
    assert first.equals(second)
    assert [a.tolist() for a in places] == [a.tolist() for a in others]


@needs_library
@given(st.lists(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 5)), max_size=9), max_size=9))
def test_weighing_gives_the_same_bits(rows) -> None:
    cells = [sorted(dict(row).items()) for row in rows]
    starts = np.cumsum([0, *map(len, cells)]).astype(np.int32)
    columns = np.array([c for row in cells for c, _ in row], np.int32)
    values = np.array([float(v) for row in cells for _, v in row])
    weights = np.log(np.arange(2, 12)) * 1.7 + 1

    def weighed():
        counts = csr_array((values.copy(), columns, starts), shape=(len(cells), 10))
        weigh_to_unit_rows(counts, weights)
        return counts.data.tobytes()

    first, second = both(weighed)
    assert first == second


@needs_library
def test_the_encoders_give_the_same_frames_and_bits(lyrics) -> None:
    rows = [*lyrics, "é à ü", "x" * 3000, ""]
    for kind in (vw.CountEncoder, vw.TfidfEncoder):
        for options in ({}, {"tokenizer": "word", "order": "sorted"}, {"hashing": 64}, {"max_features": 50}):
            made = both(lambda kind=kind, options=options: kind(**options).fit(rows))
            first, second = both(lambda made=made: [bits(encoder.transform(rows)) for encoder in made])
            assert first[0] == first[1] == second[0] == second[1]
            assert made[0].space.frame == made[1].space.frame


@needs_library
def test_offsets_beyond_the_text_are_refused() -> None:
    offsets = np.array([0, 99, 4], np.int32)
    broken = pa.Array.from_buffers(pa.string(), 2, [None, pa.py_buffer(offsets), pa.py_buffer(b"a b ")])
    with pytest.raises(ValueError, match="offsets"):
        token_ids(broken, Rule())


def test_a_library_that_is_missing_old_or_broken_counts_as_none(tmp_path, monkeypatch) -> None:
    assert native.loaded(tmp_path / "none.so") is None
    (tmp_path / "broken.so").write_bytes(b"not a library")
    assert native.loaded(tmp_path / "broken.so") is None
    monkeypatch.setattr(native, "VERSION", -1)
    native.loaded.cache_clear()
    assert native_counts.library() is None
    monkeypatch.undo()
    native.loaded.cache_clear()
    monkeypatch.setenv("VECWISE_NATIVE", "0")
    assert native_counts.library() is None
    assert vw.CountEncoder().fit_transform(["a b a"]).toarray().tolist() == [[2, 1]]


def test_without_a_compiler_the_build_says_so_and_goes_on(tmp_path, monkeypatch) -> None:
    pytest.importorskip("hatchling")
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    hook = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(hook)
    source, library = tmp_path / "some.c", tmp_path / "libsome.so"
    source.write_text("this is no C")
    library.write_bytes(b"of an earlier build")
    monkeypatch.setenv("CC", "no-such-compiler")
    assert "no C compiler" in hook.compiled([source], library)
    monkeypatch.setenv("CC", f"{sys.executable} -c 0")  # succeeds and writes nothing
    assert "failed" in hook.compiled([source], library)
    monkeypatch.setenv("CC", "false")
    assert "failed" in hook.compiled([source], library)
    assert [path.name for path in tmp_path.iterdir()] == ["some.c"]


def test_the_library_loads_on_use_alone() -> None:
    code = "import vecwise; vecwise.Vectors([[1, 2]]); from vecwise.kernels.native import loaded; print(loaded.cache_info().currsize)"
    made = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert made.stdout.strip() == "0"
