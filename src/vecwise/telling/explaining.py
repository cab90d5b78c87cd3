"""Why two rows are close, in words and as data.

This module must not know the command line, nor compute anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from vecwise.draw.words import number, share
from vecwise.measure.explain import WORDS_OF, Explanation
from vecwise.measure.views import MEASURES
from vecwise.table_text import clip, grid
from vecwise.telling.answer import Answer
from vecwise.telling.words import cut, space_data, wrapped


@dataclass(frozen=True, slots=True)
class Pair:
    """Two rows in words; whether they are equal, and which of them ("a", "b") are all zeros."""

    words: tuple[str, str]
    equal: bool
    zeros: str = ""


def explanation(name: str, found: Explanation, pair: Pair, X: Any, measure: str = "") -> Answer:
    """Tell why two rows are close; `measure` is how rows of this file are compared, in words."""
    rows = pair.words
    lines = [*(map(cut, grid(*found.table())) if len(found) else ()), *wrapped(_finding(found, pair))]
    of = [f"{letter}  {words}" for letter, words in zip("ab", rows, strict=True)]
    by = f" ({measure})" if measure not in ("", *MEASURES.values()) else ""
    head = f"{clip(name, 40)}: {WORDS_OF[found.metric]} {number(found.total)}{by}"
    data = {"name": name, **found.to_dict(), "rows": list(rows), "measure": measure or WORDS_OF[found.metric]}
    return Answer([(head, lines), ("Rows", list(map(cut, of)))], {**data, "space": space_data(X.space)})


def _finding(found: Explanation, pair: Pair) -> str:
    """The answer in one sentence, or in two."""
    who = {"": "", "ab": "Both rows are"}.get(pair.zeros, f"Row {pair.zeros} is")
    if pair.zeros and found.metric == "cosine":
        return f"{who} all zeros, and a row of zeros has no direction, so the cosine has no value."
    if pair.equal:
        same = f"{who} all zeros: they are identical." if who else "They are identical."
        return f"{same} No part makes a distance." if found.metric == "euclidean" else _most(found, same)
    if pair.zeros and found.metric == "dot":
        return f"{who} all zeros, so nothing adds to the inner product."
    return _most(found, "")


def _most(found: Explanation, before: str) -> str:
    """What adds most, after what was said before."""
    if not len(found) and found.how == "left out":
        return f"{before} No word can be left out of a text of one word.".lstrip()
    if not len(found):
        return before or "They share nothing: no part adds anything."
    return f"{before} {_largest(found)}".lstrip()


def _largest(found: Explanation) -> str:
    first, value = found.names[0], float(found.products[0])
    if found.how == "left out":
        turn = "falls" if value > 0 else "rises"
        score = WORDS_OF[found.metric]
        return f"Without “{clip(first, 24)}” the {score} {turn} most, by {number(abs(value), 3)}."
    part = float(found.shares[0])
    kind = "feature" if found.how == "features" else "word"
    if 0 < part <= 1:
        return f"The {kind} “{clip(first, 24)}” makes {share(part)} of the {WORDS_OF[found.metric]}."
    return f"The {kind} “{clip(first, 24)}” adds most: {number(value, 3)}."
