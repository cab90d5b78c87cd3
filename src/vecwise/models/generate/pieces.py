"""Byte-pair pieces: lines as whole numbers and back, learned from the lines by sentencepiece.

This module must not know what learns from the numbers.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from vecwise.errors import Damaged

UNKNOWN: Final = 0
END: Final = 1
MOST_LONG: Final = 200  # pieces of a line; what comes later in it is neither learned nor judged
_FEWEST: Final = 100
_A_ROOT: Final = 40  # 1,200 pieces for 30,000 characters, 4,000 for a million: most words are one
_MOST: Final = 8000
_MOST_SIGNS: Final = 6000  # different characters; rarer ones are unknown


@dataclass(frozen=True, slots=True, eq=False)
class Pieces:
    """A vocabulary of pieces of words: frequent words are one piece, others are spelled (Sennrich et al. 2016,
    doi:10.18653/v1/P16-1162; Kudo and Richardson 2018, doi:10.18653/v1/D18-2012).
    """

    model: bytes
    _reader: Any = field(repr=False)

    @classmethod
    def learned(cls, lines: Sequence[str], wanted: int | None = None) -> Pieces:
        """Learn 100 to 8,000 pieces, `wanted` or as many as the text is long; the rarest characters are left out."""
        from sentencepiece import SentencePieceTrainer

        signs = Counter(sign for line in lines for sign in line)
        rare = dict.fromkeys((ord(sign) for sign, _ in signs.most_common()[_MOST_SIGNS:]), " ")
        if wanted is None:
            wanted = round(_A_ROOT * sum(signs.values()) ** (1 / 3))
        size = min(max(wanted, _FEWEST, min(len(signs), _MOST_SIGNS) + _FEWEST), _MOST)
        made = io.BytesIO()
        SentencePieceTrainer.train(
            sentence_iterator=(line.translate(rare) for line in lines),
            model_writer=made,
            model_type="bpe",
            vocab_size=size,
            hard_vocab_limit=False,
            character_coverage=1.0,
            normalization_rule_name="identity",
            max_sentence_length=1 << 20,
            unk_id=UNKNOWN,
            eos_id=END,
            bos_id=-1,
            pad_id=-1,
            num_threads=1,
            minloglevel=2,
        )
        return cls.of(made.getvalue())

    @classmethod
    def of(cls, model: bytes) -> Pieces:
        """Read pieces from the bytes of their model; raises `Damaged`."""
        from sentencepiece import SentencePieceProcessor

        try:
            return cls(model, SentencePieceProcessor(model_proto=model))
        except (RuntimeError, ValueError) as error:
            raise Damaged("The pieces of a saved generator cannot be read. Train it again.") from error

    def __len__(self) -> int:
        return int(self._reader.vocab_size())

    def texts(self) -> list[str]:
        """Give the text of every piece, without the space before it; what stands for none is blank."""
        pieces = [self._reader.id_to_piece(number) for number in range(len(self))]
        return ["" if number in (UNKNOWN, END) else piece.replace("\u2581", " ").strip()
                for number, piece in enumerate(pieces)]  # fmt: skip

    def begins(self) -> np.ndarray:
        """Tell of each piece whether a word begins with it."""
        return np.array(
            [self._reader.id_to_piece(number).startswith("\u2581") for number in range(len(self))]
        )

    def cut(self, lines: Iterable[str]) -> list[np.ndarray]:
        """Give each line as numbers, the last of which ends it; a line of more than 200 pieces goes on unended."""
        found = self._reader.encode(list(lines))
        return [np.array([*line, END][:MOST_LONG], np.int64) for line in found]

    def joined(self, lines: Iterable[Sequence[int]]) -> list[str]:
        """Give the texts of numbers; what ends a line is no text."""
        return [self._reader.decode([number for number in line if number != END]) for line in lines]
