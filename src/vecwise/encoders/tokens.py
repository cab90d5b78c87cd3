"""Texts to token numbers, by a `tokenizer.json` or a list of words; the `tokenizers` package does the cutting.

This module must not know files nor what becomes of the numbers.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import Any, NamedTuple

import numpy as np

from vecwise.errors import Damaged, EmptyVocabulary, missing_package, some


class Windows(NamedTuple):
    """Token numbers in pieces no longer than the limit: whose piece each is, and which texts have several."""

    ids: list[list[int]]
    owners: np.ndarray
    several: np.ndarray


@dataclass(frozen=True)
class Tokenizer:
    """A tokenizer by its JSON; `limit` is the most tokens of a piece, control tokens included.

    Control tokens written out in a text, such as `[CLS]` or `</s>`, are cut like any other characters.
    """

    data: bytes
    limit: int | None = None
    lowercase: bool = False

    def flat(self, texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """All token numbers one after another, and how many belong to each text; no control tokens."""
        made = [found.ids for found in self._encoded(texts, control=False)]
        lengths = np.fromiter(map(len, made), np.int64, len(made))
        return np.fromiter(chain.from_iterable(made), np.int64, int(lengths.sum())), lengths

    def windows(self, texts: Sequence[str], *, all_of: bool) -> Windows:
        """Pieces with their control tokens: the first one of each text, or all of them."""
        found = self._encoded(texts, control=True)
        several = np.array([bool(one.overflowing) for one in found], dtype=bool)
        pieces = [
            [one.ids, *(more.ids for more in one.overflowing)] if all_of else [one.ids] for one in found
        ]
        owners = np.repeat(np.arange(len(pieces)), [len(parts) for parts in pieces])
        return Windows(list(chain.from_iterable(pieces)), owners, several)

    def too_long(self, texts: Sequence[str]) -> np.ndarray:
        """Which texts do not fit into one piece."""
        return np.array([bool(one.overflowing) for one in self._encoded(texts, control=True)], dtype=bool)

    def _encoded(self, texts: Sequence[str], *, control: bool) -> list[Any]:
        texts = [text.lower() for text in texts] if self.lowercase else list(texts)
        made: list[Any] = opened(self.data, self.limit).encode_batch_fast(texts, add_special_tokens=control)
        return made


@lru_cache(maxsize=8)
def opened(data: bytes, limit: int | None) -> Any:
    """The tokenizer itself: padding and its own limit are taken off. Raises `Damaged`, `MissingPackage`."""
    try:
        import tokenizers
    except ImportError as error:
        raise missing_package("tokenizers", "Cutting texts into tokens", "'vecwise[static]'") from error
    try:
        made = tokenizers.Tokenizer.from_buffer(data)
    except Exception as error:  # the package raises bare exceptions
        raise Damaged(f"The tokenizer is no `tokenizer.json` that can be read: {error}.") from error
    made.no_padding()
    if limit is None:
        made.no_truncation()
    else:
        made.enable_truncation(limit)
    made.encode_special_tokens = True
    return made


def unknown_id(data: bytes) -> int | None:
    """The number of the token that stands for whatever the vocabulary lacks, if there is one."""
    tokenizer = opened(data, None)  # which refuses what is no tokenizer
    model = json.loads(data)["model"]
    if model.get("unk_token") is not None:
        found = tokenizer.token_to_id(model["unk_token"])
        return None if found is None else int(found)
    return model.get("unk_id")


def of_words(words: Sequence[str]) -> bytes:
    """A tokenizer for a list of tokens, one for every row of a matrix.

    With entries like `##ing` it cuts as BERT does; otherwise into words and punctuation marks, NFC-normalized,
    lower-cased unless an entry has a capital. A word that is not listed has no token. Raises
    `EmptyVocabulary`, and `Damaged` for an entry that is listed twice.
    """
    try:
        from tokenizers import Tokenizer as Whole
        from tokenizers import models, normalizers, pre_tokenizers
    except ImportError as error:
        raise missing_package("tokenizers", "Cutting texts into tokens", "'vecwise[static]'") from error
    places = {word: place for place, word in enumerate(words)}
    if not places:
        raise EmptyVocabulary("The vocabulary lists no token. Give one token a line.")
    if len(places) < len(words):
        twice = [word for place, word in enumerate(words) if places[word] != place]
        raise Damaged(f"The vocabulary lists {some(twice)} more than once; each line names another row.")
    lower = not any(word != word.lower() for word in words if not word.startswith("["))
    if any(word.startswith("##") for word in words):
        unknown = "[UNK]" if "[UNK]" in places else _spare(places)
        made = Whole(models.WordPiece(places, unk_token=unknown))
        made.normalizer = normalizers.BertNormalizer(lowercase=lower)
        made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    else:
        made = Whole(models.WordLevel(places, unk_token=_spare(places)))
        steps = [normalizers.NFC(), *([normalizers.Lowercase()] if lower else [])]
        made.normalizer = normalizers.Sequence(steps)
        made.pre_tokenizer = pre_tokenizers.Whitespace()
    return str(made.to_str()).encode()


def _spare(places: dict[str, int]) -> str:
    name = "\0unknown"  # white space and NUL stand in no line of a vocabulary
    places[name] = len(places)
    return name
