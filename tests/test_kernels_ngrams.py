"""n-grams and copied runs against slow and plain counting: every number by its definition, in fractions of counts."""

from __future__ import annotations

from collections import Counter, defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vecwise.kernels.kneser_ney import KneserNey
from vecwise.kernels.longest_runs import longest_runs

SIZE = 4  # tokens 0 to 3; the last ends a line
LINES = st.lists(
    st.lists(st.integers(0, SIZE - 2), max_size=6).map(lambda line: [*line, SIZE - 1]),
    min_size=1,
    max_size=12,
)


def arrays(lines: list[list[int]]) -> list[np.ndarray]:
    return [np.array(line, np.int64) for line in lines]


def plainly(lines: list[list[int]], order: int):
    """The probability of a token after a context, by the definition: dictionaries and recursion, no arrays."""
    padded = [("^", *line) for line in lines]
    order = min(order, max(map(len, padded)))
    raw = [
        Counter(line[i - n + 1 : i + 1] for line in padded for i in range(n - 1, len(line)))
        for n in range(1, order + 1)
    ]
    counts = []
    for n in range(1, order + 1):
        if n == order:
            counted = dict(raw[n - 1])
        else:
            before = defaultdict(set)
            for gram in raw[n]:
                before[gram[1:]].add(gram[0])
            counted = {gram: raw[n - 1][gram] if gram[0] == "^" else len(before[gram]) for gram in raw[n - 1]}
        if n == 1:
            counted[("^",)] = 0
        counts.append(counted)
    discounts = []
    for counted in counts:
        times = [sum(1 for value in counted.values() if value == k) for k in (1, 2, 3, 4)]
        if all(times):
            share = times[0] / (times[0] + 2 * times[1])
            found = [k - (k + 1) * share * times[k] / times[k - 1] for k in (1, 2, 3)]
            discounts.append([0.0, *(min(max(d, 0.05), k) for d, k in zip(found, (1, 2, 3), strict=True))])
        else:
            discounts.append([0.0, 0.5, 0.5, 0.5])

    def chance(context: tuple, token: int, n: int) -> float:
        if n == 0:
            return 1 / SIZE
        context = context[len(context) - (n - 1) :] if n > 1 else ()
        counted, discount = counts[n - 1], discounts[n - 1]
        followers = {gram[-1]: value for gram, value in counted.items() if gram[:-1] == context}
        total = sum(followers.values())
        lower = chance(context, token, n - 1)
        if not total:
            return lower
        lost = sum(discount[min(value, 3)] for value in followers.values())
        own = followers.get(token, 0)
        return (own - discount[min(own, 3)] + lost * lower) / total

    def of_line(line: list[int]) -> list[float]:
        whole = ("^", *line)
        return [chance(whole[:i], whole[i], min(order, i + 1)) for i in range(1, len(whole))]

    return of_line


@settings(deadline=None, max_examples=60)
@given(LINES, LINES, st.integers(1, 4))
def test_probabilities_are_those_of_the_definition(lines, asked, order) -> None:
    model = KneserNey.of(arrays(lines), SIZE, order)
    truth = [chance for line in asked for chance in plainly(lines, order)(line)]
    assert np.allclose(np.exp(model.log_probabilities(arrays(asked))), truth, rtol=1e-12, atol=0)


@settings(deadline=None, max_examples=40)
@given(LINES, st.lists(st.integers(0, SIZE - 2), max_size=5), st.integers(1, 5))
def test_what_may_follow_has_probability_one_together(lines, before, order) -> None:
    model = KneserNey.of(arrays(lines), SIZE, order)
    ends = [model.log_probabilities(arrays([[*before, token]]))[-1] for token in range(SIZE)]
    assert np.exp(ends).sum() == pytest.approx(1, rel=1e-12)


@settings(deadline=None, max_examples=40)
@given(
    LINES, st.lists(st.lists(st.integers(0, SIZE - 2), max_size=5), min_size=1, max_size=4), st.integers(1, 5)
)
def test_what_follows_is_told_for_all_tokens_as_for_each(lines, begun, order) -> None:
    model = KneserNey.of(arrays(lines), SIZE, order)
    found = model.following(begun)
    each = [
        [model.log_probabilities(arrays([[*line, token]]))[-1] for token in range(SIZE)] for line in begun
    ]
    assert np.allclose(found, np.exp(each), rtol=1e-12)


def test_a_pattern_is_learned_and_noise_is_not() -> None:
    rng = np.random.default_rng(0)
    pattern = [[0, 1, 2, 0, 1, 2, 3]] * 30
    noise = [[*rng.integers(0, 3, 6), 3] for _ in range(30)]
    told = [
        np.exp(-KneserNey.of(arrays(lines[:20]), SIZE, 3).log_probabilities(arrays(lines[20:])).mean())
        for lines in (pattern, noise)
    ]
    assert told[0] < 1.3 < 2 < told[1]


# ---- copied runs ----

WORDS = st.lists(st.lists(st.integers(0, 3), max_size=8), max_size=6)


def shared(line: list[int], corpus: list[list[int]]) -> int:
    runs = {
        tuple(known[a:b]) for known in corpus for a in range(len(known)) for b in range(a + 1, len(known) + 1)
    }
    own = (line[a:b] for a in range(len(line)) for b in range(a + 1, len(line) + 1))
    return max((len(run) for run in own if tuple(run) in runs), default=0)


@settings(deadline=None, max_examples=100)
@given(WORDS, WORDS)
def test_the_longest_run_is_the_longest_of_all_runs(lines, corpus) -> None:
    lengths, where = longest_runs(arrays(lines), arrays(corpus))
    assert lengths.tolist() == [shared(line, corpus) for line in lines]
    for line, length, place in zip(lines, lengths.tolist(), where.tolist(), strict=True):
        runs = [line[i : i + length] for i in range(len(line) - length + 1)]
        first = next((run for run in runs if length and shared(run, corpus) == length), None)
        holders = [i for i, known in enumerate(corpus) if first and shared(first, [known]) == length]
        assert place == (holders[0] if holders else -1)


def test_runs_do_not_cross_lines() -> None:
    lengths, _ = longest_runs(arrays([[0, 1, 2, 3]]), arrays([[0, 1], [2, 3]]))
    assert lengths.tolist() == [2]
