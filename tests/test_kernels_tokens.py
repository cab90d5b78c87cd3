"""Words found on bytes against the exact rule in Python, one text at a time."""

from __future__ import annotations

import sys
import unicodedata
from collections import Counter
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vecwise.kernels import native_counts, token_counts, tokens, word_spans, wordlists, workers
from vecwise.kernels.cutting import Rule, word_grams
from vecwise.kernels.tokens import count_tokens, token_ids, tokens_of

pytestmark = pytest.mark.usefixtures("way_of_counting")

TRICKY = [
    "", " ", "\0", "a\0", "a", "\0a b", "a\x1cb\x1fc", "a\u00a0b\u2003c\u3000d\x85e", "x" * 8, "x" * 9, "x" * 16 + " " + "x" * 17,
    "y" * 64, "y" * 65 + " " + "y" * 66, "İstanbul straße ΣΑΣ", "cafe\u0301 café CAFÉ", "ﬁne ﬀ Å K", "👩‍👩‍👧‍👦 🎉 a\u00adb\u200bc",
    "don't a_b x1 _ __ 12 3", "\ufffd \uffff", "\n\na\n", "你好 世界", "J\u030c ǰ", "é" * 40, "é" * 31 + "a",
]  # fmt: skip
alphabet = st.sampled_from(
    [
        "a",
        "B",
        "\0",
        " ",
        "\n",
        "\x1d",
        "é",
        "e\u0301",
        "ß",
        "İ",
        "_",
        "1",
        "-",
        "x" * 9,
        "Y" * 30,
        "👍",
        "Σ",
        "\u2028",
    ]
)
texts = st.lists(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
    | st.lists(alphabet, max_size=20).map("".join)
    | st.sampled_from(TRICKY)
    | st.none(),
    max_size=8,
)
rules = st.builds(
    Rule,
    tokenizer=st.sampled_from(["whitespace", "word", "characters", "characters-in-words"]),
    lowercase=st.sampled_from([True, False, "casefold"]),
    form=st.sampled_from(["NFC", "none", "NFKC"]),
    ngrams=st.sampled_from([(1, 1), (1, 2), (2, 3), (1, 4)]),
    stop=st.sampled_from([frozenset(), frozenset(["a", "the", "x" * 9, "b"])]),
)


def slowly(rows, rule):
    """The words by first appearance, and every row's counts: plain Python, the rule applied text by text."""
    cut = [rule.cut(text or "") for text in rows]
    return list(dict.fromkeys(word for row in cut for word in row)), cut


def assert_same(column, rows, rule) -> None:
    expected, cut = slowly(rows, rule)
    words, ids, offsets = token_ids(column, rule)
    assert words == expected
    assert [[words[i] for i in ids[a:b]] for a, b in pairwise(offsets)] == cut
    again, counts = count_tokens(column, rule)
    assert again == expected
    assert counts.shape == (len(rows), len(expected))
    assert counts.has_canonical_format
    for i, row in enumerate(cut):
        span = slice(counts.indptr[i], counts.indptr[i + 1])
        assert (np.diff(counts.indices[span]) > 0).all()
        found = zip(counts.indices[span], counts.data[span], strict=True)
        assert {words[j]: n for j, n in found} == Counter(row)


@given(texts, rules)
def test_words_on_bytes_are_the_words_of_the_exact_rule(rows, rule) -> None:
    assert_same(pa.array(rows, pa.string()), rows, rule)


@given(texts, rules, st.integers(0, 8))
def test_slices_chunks_and_kinds_of_arrow_strings_are_one(rows, rule, cut) -> None:
    whole = pa.array(["before é", *rows], pa.large_string())[1:]
    kinds = [whole, whole.cast(pa.string()), whole.dictionary_encode(), whole.cast(pa.string_view())]
    kinds.append(pa.chunked_array([whole[:cut], whole[cut:]], pa.large_string()))
    expected = slowly(rows, rule)
    for column in kinds:
        words, ids, offsets = token_ids(column, rule)
        assert (words, len(ids), len(offsets)) == (expected[0], sum(map(len, expected[1])), len(rows) + 1)


@pytest.mark.parametrize("tokenizer", ["whitespace", "word"])
def test_every_character_is_classified_as_python_does(tokenizer) -> None:
    every = [chr(i) for i in range(sys.maxunicode + 1) if not 0xD800 <= i < 0xE000]
    for form in ("none", "NFC"):
        rule = Rule(tokenizer, form=form)
        rows = ["".join(f"ab{c}cd {c}{c} " for c in every[i : i + 500]) for i in range(0, 20_000, 500)]
        rows += ["".join(f"ab{c}cd" for c in every[i : i + 9000]) for i in range(20_000, len(every), 9000)]
        expected, cut = slowly(rows, rule)
        words, ids, _ = token_ids(pa.array(rows), rule)
        assert words == expected
        assert len(ids) == sum(map(len, cut))


@pytest.mark.parametrize("ngrams", [(1, 1), (1, 2)])
def test_nothing_depends_on_parts_groups_or_workers(ngrams, monkeypatch) -> None:
    rng = np.random.default_rng(0)
    lexicon = np.array(
        [*TRICKY, *(f"word{i}" for i in range(300)), *(f"a-longer-word-{i}" for i in range(300))]
    )
    rows = [" ".join(lexicon[rng.integers(0, len(lexicon), 12)]) for _ in range(400)]
    column, rule = pa.array(rows), Rule(ngrams=ngrams)
    whole = token_ids(column, rule), count_tokens(column, rule)[1]
    monkeypatch.setattr(workers, "SHARED_BYTES", 0)
    for part, group, count in ((500, 1000, 1), (500, 3000, 2), (3000, 3000, 3), (1, 1, 2)):
        monkeypatch.setattr(tokens, "PART_BYTES", part)
        monkeypatch.setattr(tokens, "GROUP_BYTES", group)
        monkeypatch.setattr(tokens, "workers", lambda count=count: count)
        monkeypatch.setattr(token_counts, "workers", lambda count=count: count)
        monkeypatch.setattr(workers, "workers", lambda count=count: count)
        monkeypatch.setattr(token_counts, "_BLOCK_TOKENS", part)
        words, ids, offsets = token_ids(column, rule)
        assert words == whole[0][0]
        assert np.array_equal(ids, whole[0][1])
        assert np.array_equal(offsets, whole[0][2])
        counts = count_tokens(column, rule)[1]
        for name in ("data", "indices", "indptr"):
            made, expected = getattr(counts, name), getattr(whole[1], name)
            assert made.dtype == expected.dtype
            assert made.tobytes() == expected.tobytes()


def test_words_that_share_a_hash_stay_apart(way_of_counting, monkeypatch) -> None:
    rows = [f"same-length-{i:04} and-{i % 7}-another-one é{i:015}" for i in range(300)]
    expected = slowly(rows, Rule())[0]
    calls = []

    def constant(numbers):
        calls.append(len(numbers))
        return np.zeros_like(numbers)

    monkeypatch.setattr(word_spans, "mix", constant)
    monkeypatch.setattr(native_counts, "HASH_MASK", 7)
    assert token_ids(pa.array(rows), Rule())[0] == expected
    assert calls or way_of_counting == "compiled"
    # Apart inside their groups, so that only the joining of groups can confuse them.
    monkeypatch.setattr(tokens, "PART_BYTES", 1)
    monkeypatch.setattr(tokens, "GROUP_BYTES", 1)
    words = ["one-long-word", "two-long-word", "one-long-word", "six-long-word"]
    assert token_ids(pa.array(words), Rule())[0] == ["one-long-word", "two-long-word", "six-long-word"]


def test_words_that_differ_late_or_by_a_nul_are_two() -> None:
    for size in (7, 8, 9, 15, 16, 17, 24, 63, 64, 65, 200):
        stem = "q" * (size - 1)
        rows = [f"{stem}a {stem}b {stem} {stem}\0", f"{stem}\0\0 {stem}b {stem}a"]
        assert_same(pa.array(rows), rows, Rule())


def test_64_bit_indices_begin_where_32_bits_end(monkeypatch) -> None:
    column = pa.array(["a b a", "c a"])
    narrow = count_tokens(column, Rule())[1]
    monkeypatch.setattr(token_counts, "INDEX_LIMIT", 3)
    wide = count_tokens(column, Rule())[1]
    assert (narrow.indices.dtype, narrow.indptr.dtype) == (np.int32, np.int32)
    assert (wide.indices.dtype, wide.indptr.dtype) == (np.int64, np.int64)
    assert np.array_equal(wide.toarray(), narrow.toarray())


def test_runs_of_words_come_in_the_order_of_the_exact_rule() -> None:
    rows = ["a b c d", "", "b c", "a", "d a b c"]
    words, ids, offsets = token_ids(pa.array(rows), Rule(ngrams=(2, 3)))
    for row, start, stop in zip(rows, offsets, offsets[1:], strict=False):
        assert [words[i] for i in ids[start:stop]] == word_grams(row.split(), (2, 3))


def test_columns_are_moved_left_out_and_negated() -> None:
    made = tokens_of(pa.array(["a b b", "c a"]), Rule())
    assert made.counts(np.array([2, -1, 0], np.int32), 3).toarray().tolist() == [[0, 0, 1], [1, 0, 1]]
    signed = made.counts(np.array([0, 0, 1], np.int32), 2, np.array([False, True, True]))
    assert signed.toarray().tolist() == [[-1, 0], [1, -1]]
    assert tokens_of(pa.array([], pa.string()), Rule()).counts(np.zeros(0, np.int32), 4).shape == (0, 4)


@given(st.lists(st.text(max_size=12)))
def test_word_lists_keep_every_word(words) -> None:
    listed = wordlists.from_words(words)
    assert wordlists.to_words(listed) == words
    assert wordlists.to_words(listed[1:]) == words[1:]
    order = wordlists.sorted_order(listed)
    assert [words[i] for i in order] == sorted(words)
    merged, (first, second) = wordlists.merged([listed, wordlists.from_words(["new\n", *words[:2]])])
    names = wordlists.to_words(merged)
    assert names == list(dict.fromkeys([*words, "new\n"]))
    assert [names[i] for i in [*first, *second]] == [*words, "new\n", *words[:2]]


@pytest.mark.parametrize("tokenizer", ["whitespace", "word"])
def test_rows_that_hold_every_control_character_are_cut_one_by_one(tokenizer) -> None:
    controls = "".join(map(chr, range(32))) + "\x7f"
    rows = [f"é{controls}ΣΑΣ a", "plain", "ΟΔΟΣ", f"a{controls}b", "é\u0301 \u0301é", "Σ"]
    assert_same(pa.array(rows), rows, Rule(tokenizer))
    assert_same(pa.array(rows[2:]), rows[2:], Rule(tokenizer))
    assert_same(
        pa.array(["ΟΔΟΣ", "ΣΑ", "\u0301a", "e", "\u0301"]),
        ["ΟΔΟΣ", "ΣΑ", "\u0301a", "e", "\u0301"],
        Rule(tokenizer),
    )


def test_the_forms_of_text() -> None:
    composed, decomposed = unicodedata.normalize("NFC", "é"), unicodedata.normalize("NFD", "é")
    both = pa.array([f"{composed} {decomposed} ﬁ FI Straße STRASSE"])
    assert token_ids(both, Rule())[0] == ["é", "ﬁ", "fi", "straße", "strasse"]
    assert token_ids(both, Rule(form="none"))[0][:2] == [composed, decomposed]
    assert token_ids(both, Rule(form="NFKC"))[0] == ["é", "fi", "straße", "strasse"]
    assert token_ids(both, Rule(lowercase="casefold"))[0] == ["é", "fi", "strasse"]
