"""How texts are read into words: the options that the fold and the map of counting encoders share.

This module must not know what is done with the words.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from vecwise.encoders.texts import texts_column
from vecwise.encoders.tokenizers import must_be_savable, tokenizer_identity
from vecwise.kernels.cutting import Rule
from vecwise.kernels.tokens import Tokens, tokens_of


@dataclass(frozen=True)
class Reading:
    """Which column is read, how its texts are cut into words, and whether a word counts once a row."""

    tokenizer: str | Callable[[str], list[str]]
    lowercase: bool | str
    column: str | None
    missing: str
    ngrams: tuple[int, int] = (1, 1)
    stop_words: tuple[str, ...] = ()
    binary: bool = False
    normalize_text: str = "NFC"

    @cached_property
    def rule(self) -> Rule:
        """How one text becomes tokens."""
        stop = frozenset(self.stop_words)
        return Rule(self.tokenizer, self.lowercase, self.normalize_text, self.ngrams, stop)

    def tokens(self, table: Any, in_order: bool = False) -> Tokens:
        """The numbered tokens of an Arrow table's texts; words by first appearance, or `in_order`."""
        return tokens_of(texts_column(table, self.column, self.missing), self.rule, in_order)

    def counts(self, tokens: Tokens, columns: Any, width: int, negative: Any = None) -> Any:
        """Count tokens into columns, or mark them where counts are binary."""
        made = tokens.counts(columns, width, negative)
        if self.binary:
            made.data[:] = 1.0
        return made

    @property
    def identity(self) -> list[Any]:
        """What tells one way of cutting from another, as JSON data."""
        cut = tokenizer_identity(self.tokenizer)
        return [cut, self.lowercase, self.ngrams, self.stop_words, self.binary, self.normalize_text]

    def state(self) -> dict[str, Any]:
        """Plain data; raises `NotSavable` for a tokenizer that is a Python function."""
        must_be_savable(self.tokenizer)
        return self.__getstate__()

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Reading:
        """Build it again."""
        options: dict[str, Any] = {n: tuple(v) if isinstance(v, list) else v for n, v in state.items()}
        return cls(**options)

    def __getstate__(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}
