"""The words that lines are made of, as pieces: which piece may come next so that no word is made up.

This module must not know texts beyond pieces, nor how lines are drawn.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np

_ENDS: Final = -1  # marks a node of the tree at which a word may end


class Lexicon:
    """A tree of words; `begins` says of each piece whether a word begins with it, `end` is what ends a line.

    >>> known = Lexicon([[2, 3], [2]], np.array([False, False, True, False]), end=1)
    >>> known.allowed([]).tolist(), known.allowed([2]).tolist(), known.allowed([2, 3]).tolist()
    ([False, False, True, False], [False, True, True, True], [False, True, True, False])
    """

    def __init__(self, words: Iterable[Sequence[int]], begins: np.ndarray, end: int) -> None:
        self._begins, self._end = begins, end
        self._tree: dict[int, Any] = {}
        for word in words:
            node = self._tree
            for piece in word:
                node = node.setdefault(piece, {})
            node[_ENDS] = {}
        self._firsts = self._next(self._tree)

    def allowed(self, line: Sequence[int]) -> np.ndarray:
        """Tell of every piece whether it may follow a line that has begun, `(pieces,)`."""
        start = max((place for place, piece in enumerate(line) if self._begins[piece]), default=0)
        node = self._tree
        for piece in line[start:]:
            node = node.get(piece, {})
        found = self._next(node)
        if _ENDS in node:
            found |= self._firsts
            found[self._end] = True
        return found

    def _next(self, node: dict[int, Any]) -> np.ndarray:
        found = np.zeros(len(self._begins), bool)
        found[[piece for piece in node if piece != _ENDS]] = True
        return found
