"""Which encoders are worth trying on rows: a list by what the rows are, or the ones that somebody names.

This module must not know targets, pairs or how encoders are judged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from vecwise.encoders.base import Encoder
from vecwise.encoders.guess import Plan, plan
from vecwise.encoders.registry import as_encoder
from vecwise.errors import Inapplicable, VecwiseError, WrongType

# Encoders under names of their own: the encoder's name, and its settings.
PRESETS: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "count": ("count", {}),
    "tfidf": ("tfidf", {}),
    "tfidf components": ("chain", {"encoder": "tfidf", "steps": ["pca:64"]}),
    "average": ("average", {}),
    "sentence": ("sentence", {}),
    "table": ("table", {"unknown": "zeros"}),
    "table standardized": ("table", {"scale": "standard", "unknown": "zeros"}),
    "table min-max": ("table", {"scale": "min-max", "unknown": "zeros"}),
    "table hashed": ("table", {"scale": "standard", "categories": "hashing", "hash_dim": 64}),
    "table ordinal": (
        "table",
        {"scale": "standard", "categories": "ordinal", "order": "frequency", "unknown": "zeros"},
    ),
    "image": ("image", {}),
    "image 14x14": ("image", {"size": [14, 14]}),
    "image components": ("chain", {"encoder": "image", "steps": ["pca:32"]}),
    "image standardized": ("chain", {"encoder": "image", "steps": ["standardize"]}),
}
_TEXTS: Final = (
    "count",
    "tfidf",
    "average",
    "sentence",
)  # components of words take a minute for 10,000 texts
_TABLES: Final = ("table", "table standardized", "table min-max")
_LABELS: Final = ("table hashed", "table ordinal")  # where a column holds categories
_IMAGES: Final = ("image", "image 14x14", "image components", "image standardized")


@dataclass(frozen=True, slots=True)
class Candidate:
    """An encoder to try under its name, or why there is none."""

    name: str
    encoder: Encoder | None
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """How columns are chosen: what `plan` takes."""

    columns: Sequence[str] | None = None
    text: str | None = None
    missing: str | None = None
    leave_out: Sequence[str] = field(default=())

    def of(self, table: Any, encoder: str = "auto", settings: Mapping[str, Any] | None = None) -> Plan:
        """Plan the columns for an encoder."""
        return plan(
            table,
            encoder=encoder,
            columns=self.columns,
            text=self.text,
            missing=self.missing,
            settings=settings or {},
            leave_out=self.leave_out,
        )


def guessed(table: Any, reading: Reading) -> Plan:
    """Plan what the rows are; raises `Inapplicable` for rows that are vectors already."""
    made = reading.of(table)
    if made.encoder is None:
        raise Inapplicable(
            f"Column `{made.vectors}` holds vectors, which are encoded already: there is no encoder to choose. Name "
            "the columns to encode."
        )
    return made


def candidates(table: Any, encoders: Any, reading: Reading, made: Plan) -> list[Candidate]:
    """Give the encoders to try; names that cannot be made into one come with the reason.

    `encoders` is "auto", names, encoder objects, or a mapping from names to either. Raises `WrongType`.
    """
    named = _named(_usual(made) if isinstance(encoders, str) and encoders == "auto" else encoders)
    return [_candidate(name, given, table, reading) for name, given in named.items()]


def _usual(made: Plan) -> list[str]:
    reads = "table" if made.encoder is None else made.encoder.reads
    if reads == "text":
        return list(_TEXTS)
    if reads == "image":
        return list(_IMAGES)
    labels = any(column.use == "encode" and "one dimension each" in column.why for column in made.columns)
    return [*_TABLES, *(_LABELS if labels else ())]


def _named(given: Any) -> dict[str, Any]:
    if isinstance(given, Mapping):
        return {str(name): encoder for name, encoder in given.items()}
    if isinstance(given, (str, Encoder)) or not isinstance(given, Sequence):
        given = [given]
    named: dict[str, Any] = {}
    for encoder in given:
        name = encoder if isinstance(encoder, str) else repr(encoder)
        if not isinstance(encoder, (str, Encoder)) and not hasattr(type(encoder), "map_"):
            raise WrongType(
                f'`encoders` holds {type(encoder).__name__}; give names, encoder objects, or "auto".'
            )
        named.setdefault(name, encoder)
    return named


def _candidate(name: str, given: Any, table: Any, reading: Reading) -> Candidate:
    try:
        if not isinstance(given, str):
            return Candidate(name, as_encoder(given))
        encoder, settings = PRESETS.get(given, (given, {}))
        return Candidate(name, reading.of(table, encoder, settings).encoder)
    except VecwiseError as error:
        return Candidate(name, None, str(error))
