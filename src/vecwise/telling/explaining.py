"""Why two rows are close, in words and as data.

This module must not know the command line, nor compute anything.
"""

from __future__ import annotations

from typing import Any

from vecwise.draw.words import number, share
from vecwise.measure.explain import WORDS_OF, Explanation
from vecwise.measure.views import MEASURES
from vecwise.table_text import clip, grid
from vecwise.telling.answer import Answer
from vecwise.telling.words import cut, space_data


def explanation(name: str, found: Explanation, rows: tuple[str, str], X: Any, measure: str = "") -> Answer:
    """Tell why two rows are close; `rows` are the two in words, `measure` how rows of this file are compared."""
    lines = [*(map(cut, grid(*found.table())) if len(found) else ()), _finding(found)]
    of = [f"{letter}  {words}" for letter, words in zip("ab", rows, strict=True)]
    by = f" ({measure})" if measure not in ("", *MEASURES.values()) else ""
    head = f"{clip(name, 40)}: {WORDS_OF[found.metric]} {number(found.total)}{by}"
    data = {"name": name, **found.to_dict(), "rows": list(rows), "measure": measure or WORDS_OF[found.metric]}
    return Answer([(head, lines), ("Rows", list(map(cut, of)))], {**data, "space": space_data(X.space)})


def _finding(found: Explanation) -> str:
    """The answer in one sentence."""
    if not len(found):
        return "They share nothing: no part adds anything."
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
