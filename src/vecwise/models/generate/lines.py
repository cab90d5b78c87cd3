"""The lines that a generator learns from, which are held out, and what makes two lines the same.

This module must not know how lines become numbers, nor what learns from them.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from vecwise.encoders.texts import texts_of
from vecwise.errors import EmptyInput, OutOfRange
from vecwise.store.rows import as_table
from vecwise.table_text import clip, count

FEWEST: Final = 50  # different lines: forty to learn from, five to stop by, five to be judged by
MOST_HELD: Final = 1000  # lines to stop by, and as many to be judged by
PART: Final = 0.1
# Words for what is copied: letters and digits in a row, and each sign of the scripts that put no spaces between words.
_WORD: Final = re.compile(r"[぀-ヿ㐀-鿿가-힯]|[^\W_぀-ヿ㐀-鿿가-힯]+")


@dataclass(frozen=True, slots=True)
class Lines:
    """Different lines to learn from, to stop learning by, and to be judged by; no line is in two of them."""

    train: list[str]
    stop: list[str]
    judge: list[str]
    blank: int
    repeated: int

    @property
    def digest(self) -> str:
        """What tells these lines, and how they were cut, from others."""
        made = hashlib.sha256()
        for part in (self.train, self.stop, self.judge):
            made.update("\n".join([*part, ""]).encode("utf-8", "surrogatepass") + b"\0")
        return made.hexdigest()[:16]


def read_lines(rows: Any, column: str | None, seed: int) -> Lines:
    """Take the texts of rows as lines: white space is one space, blank lines and repeated ones are left out.

    Raises `EmptyInput` without a line, `OutOfRange` for fewer than 50 different ones, `MissingValue` for nulls.
    """
    table = as_table(rows)
    texts = [plain(text) for text in texts_of(table, column)]
    filled = [text for text in texts if text]
    if not filled:
        raise EmptyInput(
            "There is no line to learn from: all are blank." if texts else "There are no lines to learn from."
        )
    first: dict[str, str] = {}
    for text in filled:
        first.setdefault(same(text), text)
    different = list(first.values())
    if len(different) == 1 and len(filled) > 1:
        raise OutOfRange(
            f"All {len(filled):,} lines are the same, “{clip(different[0], 40)}”: there is nothing to learn but that "
            "line."
        )
    if len(different) < FEWEST:
        raise OutOfRange(
            f"A generator learns from at least {FEWEST} different lines, not {len(different)}: some are held out to "
            "stop by and to be judged by."
        )
    held = min(MOST_HELD, round(PART * len(different)))
    order = np.random.default_rng([seed, 0]).permutation(len(different))
    judge, stop, train = (np.sort(part) for part in np.split(order, [held, 2 * held]))
    cut = [[different[i] for i in part] for part in (train, stop, judge)]
    return Lines(cut[0], cut[1], cut[2], len(texts) - len(filled), len(filled) - len(different))


def plain(text: str) -> str:
    """Give a text in Unicode's composed form with white space as single spaces.

    >>> plain("  the\\tsea ")
    'the sea'
    """
    composed = unicodedata.normalize("NFC", text)
    return " ".join(composed.replace("\u2581", " ").split())  # pieces write a space as U+2581


def words_of(text: str) -> list[str]:
    """Cut a text into words without case, accents kept, punctuation left out.

    >>> words_of("Oh, the SEA's wide!")
    ['oh', 'the', 'sea', 's', 'wide']
    """
    return _WORD.findall(unicodedata.normalize("NFC", text).casefold())


def same(text: str) -> str:
    """Give what two lines share that differ in case, white space and punctuation alone."""
    return " ".join(words_of(text)) or text


def how_many(lines: Lines) -> str:
    """Tell how many lines serve for what, in words."""
    left = [f"{count(lines.repeated, 'repeated line')}"] if lines.repeated else []
    left += [f"{count(lines.blank, 'blank line')}"] if lines.blank else []
    told = f"{count(len(lines.train), 'line')} to learn from, {len(lines.stop):,} to stop by, "
    told += f"{len(lines.judge):,} held out"
    return told + (f" ({' and '.join(left)} left out)" if left else "")
