"""Generated lines as a value: how near they are to what they were prompted by, and what they copy.

This module must not know how lines are generated.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import isnan
from typing import Any

import numpy as np

from vecwise.models.generate.copied import Copied
from vecwise.table_text import clip, count, preview_html
from vecwise.vectors import Vectors

_SHOWN = 10


@dataclass(frozen=True, slots=True, eq=False)
class Written:
    """New lines for a prompt, the nearest to it first.

    `likeness` is the cosine of each line and the prompt by the generator's encoder, `(lines,)`; NaN without a prompt.
    `copied` is the longest run of words that a line shares with a line learned from; `refused` counts the drawn lines
    that were such a line themselves, `wanted` is how many lines were asked for, `vectors` are those of the lines.
    """

    prompt: str | None
    lines: list[str]
    likeness: np.ndarray
    copied: list[Copied]
    refused: int
    wanted: int
    vectors: Vectors = field(repr=False)

    def __iter__(self) -> Iterator[str]:
        return iter(self.lines)

    def __len__(self) -> int:
        return len(self.lines)

    def __getitem__(self, place: int) -> str:
        return self.lines[place]

    @property
    def longest_copied(self) -> int:
        """The most words in a row that any of the lines shares with a line learned from."""
        return max((one.words for one in self.copied), default=0)

    @property
    def words(self) -> str:
        """Give what is to know about the lines, in a sentence or two."""
        told = f"The longest run of words copied from a line is {count(self.longest_copied, 'word')}."
        if self.refused:
            were = f"{count(self.refused, 'drawn line')} {'was' if self.refused == 1 else 'were'}"
            told += f" {were} a line learned from, and refused."
        if len(self) < self.wanted:
            told += f" No more new lines were found than {len(self)} of {self.wanted}: raise the temperature."
        return told

    def to_data(self) -> dict[str, Any]:
        """Give plain data, one entry a line."""
        each = zip(self.lines, self.likeness.tolist(), self.copied, strict=True)
        return {
            "prompt": self.prompt,
            "lines": [
                {"text": text, "likeness": None if isnan(near) else near, "copied_words": one.words,
                 "copied_from": one.source or None}
                for text, near, one in each
            ],
            "refused": self.refused,
            "wanted": self.wanted,
            "longest_copied": self.longest_copied,
        }  # fmt: skip

    def _preview(self) -> tuple[str, list[str], list[list[str]], int]:
        head = (
            f"{count(len(self), 'line')} for “{clip(self.prompt, 60)}”"
            if self.prompt
            else count(len(self), "line")
        )
        cells = [
            [clip(text, 80), "" if isnan(near) else f"{near:.2f}", str(one.words)]
            for text, near, one in zip(self.lines, self.likeness.tolist(), self.copied, strict=True)
        ]
        return head, ["line", "likeness", "words copied"], cells[:_SHOWN], max(0, len(self) - _SHOWN)

    def __repr__(self) -> str:
        head, _, cells, more = self._preview()
        return "\n".join(
            [
                head,
                *(f"  {near:>5}  {text}" for text, near, _ in cells),
                *([f"  … {more} more"] if more else []),
            ]
        )

    def _repr_html_(self) -> str:
        return preview_html(*self._preview(), width=90)
