"""Texts in any script, prepared so that their bytes tell words from gaps: ASCII by its class, all else is in words.

This module must not know any vecwise type. Python's own tables decide what a letter and what white space is.
"""

from __future__ import annotations

import sys
from typing import Final

import numpy as np

from vecwise.kernels.cutting import Rule

# Control characters neither compose with their neighbours nor belong to words nor change their case, so that
# texts joined by one are prepared as each alone.
_SEPARATORS: Final = [chr(i) for i in (*range(1, 9), *range(14, 28), 127)]
_SPACE, _LETTER, _UNKNOWN = 1, 2, 128
_classes = np.full(sys.maxunicode + 1, _UNKNOWN, np.uint8)  # filled as characters are met


def prepared(rows: list[bytes], rule: Rule) -> list[bytes]:
    """Give every text normalized, in its case, with a space for each character beyond ASCII that parts words.

    With the word rule, a word of one such character is a space too: a word has two.
    """
    joined = b"".join(rows).decode()
    separator = next((c for c in _SEPARATORS if c not in joined), None)
    if separator is None:  # a text with every control character in it
        return ["\n".join(rule.words(row.decode())).encode() for row in rows]
    text = rule.prepare(separator.encode().join(rows).decode())
    characters = np.frombuffer(text.encode("utf-32-le"), np.uint32)
    found = classes(characters)
    if rule.tokenizer == "word":
        letter = (found & _LETTER) > 0
        beside = np.zeros(len(letter), bool)
        beside[1:] |= letter[:-1]
        beside[:-1] |= letter[1:]
        gap = ~(letter & beside)
    else:
        gap = (found & _SPACE) > 0
    gap &= characters > 127
    made = np.where(gap, np.uint32(32), characters).tobytes().decode("utf-32-le").encode()
    return made.split(separator.encode())


def classes(characters: np.ndarray) -> np.ndarray:
    """The class of every code point: white space as `str.split` sees it, letters as `\\w` does, or neither."""
    found = _classes[characters]
    unknown = found == _UNKNOWN
    if unknown.any():
        for number in np.unique(characters[unknown]).tolist():
            one = chr(number)
            _classes[number] = _SPACE * one.isspace() | _LETTER * (one.isalnum() or one == "_")
        found = _classes[characters]
    return found
