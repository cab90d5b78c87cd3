"""What a token is: the exact rule that cuts a text into words or characters, one text at a time in Python.

This module must not know arrays or vecwise types; `kernels.word_spans` follows the same rule on bytes, faster.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

WORDS: Final = ("whitespace", "word")
TOKENIZERS: Final = (*WORDS, "characters", "characters-in-words")
FORMS: Final = ("NFC", "none", "NFKC")
_SPACES = re.compile(r"\s\s+")  # a run of white space counts as one space
_WORD = re.compile(r"(?u)\b\w\w+\b")  # scikit-learn's tokens: two or more word characters

Tokenizer = Callable[[str], list[str]]


@dataclass(frozen=True)
class Rule:
    """How a text becomes tokens: its normal form, then its case, then the cut, then stop words, then n-grams.

    `tokenizer` is one of `TOKENIZERS` or a function from text to a list. `lowercase` is True (`str.lower`),
    False or `"casefold"`. `form` is one of `FORMS`. `ngrams` are the shortest and the longest run of
    neighbouring words, or characters, that is one token. `stop` words are dropped before runs are made.

    >>> Rule("word", ngrams=(1, 2), stop=frozenset({"the"})).cut("The deep Sea")
    ['deep', 'sea', 'deep sea']
    """

    tokenizer: str | Tokenizer = "whitespace"
    lowercase: bool | str = True
    form: str = "NFC"
    ngrams: tuple[int, int] = (1, 1)
    stop: frozenset[str] = frozenset()

    @cached_property
    def words(self) -> Tokenizer:
        """Text to words, before stop words are dropped and runs are made; not for `"characters"`."""
        if callable(self.tokenizer):
            split: Tokenizer = self.tokenizer
        else:
            split = str.split if self.tokenizer == "whitespace" else _WORD.findall
        prepare = self.prepare
        return lambda text: split(prepare(text))

    @cached_property
    def cut(self) -> Tokenizer:
        """Text to tokens."""
        prepare, ngrams, stop, words = self.prepare, self.ngrams, self.stop, self.words
        if self.tokenizer == "characters":
            return lambda text: character_grams(_SPACES.sub(" ", prepare(text)), ngrams)
        if self.tokenizer == "characters-in-words":
            return lambda text: [g for word in prepare(text).split() for g in _padded_grams(word, ngrams)]
        if not stop and ngrams == (1, 1):
            return words
        return lambda text: word_grams([word for word in words(text) if word not in stop], ngrams)

    @cached_property
    def prepare(self) -> Callable[[str], str]:
        """Text to the text that is cut: normalized, then in one case."""
        form, case = self.form, self.lowercase
        if case == "casefold":
            return lambda text: normal(normal(text, form).casefold(), form)  # folding may undo the form
        return (lambda text: normal(text, form).lower()) if case else (lambda text: normal(text, form))

    def __getstate__(self) -> dict[str, Any]:  # the cached functions are closures, which no process can send
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def normal(text: str, form: str = "NFC") -> str:
    """Give the normal form, so that a composed and a decomposed é are one word; `"none"` changes nothing."""
    return text if form == "none" or text.isascii() else unicodedata.normalize(form, text)  # type: ignore[arg-type]


def word_grams(words: list[str], ngrams: tuple[int, int]) -> list[str]:
    """Give runs of neighbouring words, joined by a space.

    >>> word_grams(["a", "deep", "sea"], (1, 2))
    ['a', 'deep', 'sea', 'a deep', 'deep sea']
    """
    low, high = ngrams
    return [" ".join(words[i : i + n]) for n in range(low, high + 1) for i in range(len(words) - n + 1)]


def character_grams(text: str, ngrams: tuple[int, int]) -> list[str]:
    """Give runs of neighbouring characters.

    >>> character_grams("sea", (2, 3))
    ['se', 'ea', 'sea']
    """
    low, high = ngrams
    return [text[i : i + n] for n in range(low, high + 1) for i in range(len(text) - n + 1)]


def _padded_grams(word: str, ngrams: tuple[int, int]) -> list[str]:
    """A word shorter than a run is one run, counted once, as scikit-learn counts it."""
    padded, (low, high) = f" {word} ", ngrams
    if len(padded) <= low:
        return [padded]
    return character_grams(padded, (low, min(high, len(padded))))
