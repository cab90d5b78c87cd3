"""Which columns of a table to encode, how, and why: the guess that a person would make, in words.

This module must not know files, vectors or the screen.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from vecwise.draw.words import count
from vecwise.encoders.base import Encoder
from vecwise.encoders.columns import BOOLEAN, CATEGORY, DATE, NUMBER, counts_of, kind_of, words_of
from vecwise.encoders.image_cells import image_column
from vecwise.encoders.registry import ENCODERS, made_by_name, told
from vecwise.errors import NAME_COLUMNS, Inapplicable, NothingToEncode, WrongType, some, unknown
from vecwise.store.vector_columns import lengths_of
from vecwise.table_text import clip

MOST_LABELS: Final = 50  # a text column with more different values than this is no category
SAMPLE: Final = 10_000  # rows that the guess looks at
RUNNING_TEXT: Final = 5  # words; people's names and titles have fewer
_NAME: Final = "a name or a key"
_VECTORS: Final = "holds vectors of "
_GIVES_IDS: Final = "gives the row ids"
_ID_NAME = re.compile(r"(^|_)(id|uuid|guid|index|rowid|row_id)$|^unnamed", re.IGNORECASE)
_DATE = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?")
_PRINTED = re.compile(r"\[\s*[-+]?[\d.][^,\[\]]*\s[^,\[\]]*\]")  # as NumPy prints an array, without commas
_PLAIN = re.compile(r"[+-]?\d+(\.\d+)?")
_DRESSED = re.compile(  # money, percentages, thousands: numbers with signs or separators
    r"\(?[-+]?\s?[$€£¥₹]?\s?[-+]?(\d{1,3}([,.'\s]\d{3})+|\d+)([.,]\d+)?\s?[%$€£¥₹]?\)?"
)
MOSTLY: Final = 0.95  # the share of such cells from which a column of texts is one of numbers
_USES = {NUMBER: "as it is", BOOLEAN: "1 or 0", DATE: "days since 1970"}


@dataclass(frozen=True, slots=True)
class ColumnPlan:
    """One column: its type in words, whether it is encoded, and why."""

    name: str
    type: str
    use: str  # "encode", "text", "vectors" or "skip"
    why: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be encoded: a plan per column and the encoder, not fitted yet; vectors need none (`None`)."""

    columns: tuple[ColumnPlan, ...]
    encoder: Encoder | None

    @property
    def words(self) -> str:
        """What was guessed, in one line: which columns are encoded, and why others are not."""
        used = [c for c in self.columns if c.use != "skip"]
        left = [f"{clip(c.name, 24)} ({c.why})" for c in self.columns if c.use == "skip"]
        one = f"column {clip(used[0].name, 24)} ({used[0].why})"
        columns = one if len(used) == 1 else f"{len(used)} columns"
        more = f" and {len(left) - 3} more" if len(left) > 3 else ""
        return f"encoded: {columns}" + (f", without {', '.join(left[:3])}{more}" if left else "")

    @property
    def vectors(self) -> str | None:
        """The column that holds the vectors, if one does."""
        return next((column.name for column in self.columns if column.use == "vectors"), None)


def plan(
    table: Any,
    *,
    encoder: str = "auto",
    columns: Sequence[str] | None = None,
    text: str | None = None,
    missing: str | None = None,
    vectors: str | None = None,
    settings: Mapping[str, Any] = MappingProxyType({}),
    leave_out: Sequence[str] | Mapping[str, str] = (),
) -> Plan:
    """Choose the columns and the encoder for an Arrow table; every argument overrides the guess.

    The only column of vectors is taken as it is; without one, a column of running text is encoded as
    sentences; otherwise every column of numbers, truth values, dates or few different labels is encoded as
    a table. `settings` are constructor arguments of the encoder, `leave_out` columns
    that are not encoded, with the reason where they do not give the ids. Raises `UnknownName`, `NothingToEncode`, and
    `Inapplicable` for options of encoding beside vectors, which are encoded already.

    >>> import pyarrow as pa
    >>> table = pa.table({"id": [7, 9], "rooms": [3, 4], "kind": ["flat", "house"]})
    >>> for column in plan(table).columns:
    ...     print(column.name, "|", column.use, "|", column.why)
    id | skip | named like an identifier
    rooms | encode | as it is
    kind | encode | 2 labels, one dimension each
    """
    for name in [*(columns or ()), *([text] if text else ()), *([vectors] if vectors else ()), *leave_out]:
        if name not in table.column_names:
            raise unknown("column", name, table.column_names)
    if encoder not in ("auto", *ENCODERS):
        raise unknown("encoder", encoder, ("auto", *ENCODERS))
    guesses = _guesses(table, leave_out)
    ready = None if encoder == "auto" else made_by_name(encoder, settings)
    image = None if columns or text or vectors or (ready and ready.reads != "image") else image_column(table)
    if image is not None:
        ready = ready or made_by_name("image", settings)
        return _one_column_plan(guesses, told(ready, column=image, missing=missing), image)
    own = vectors or (_only_vectors(guesses) if encoder == "auto" and not columns and not text else None)
    if own is not None:
        named = None if encoder == "auto" else encoder
        _refuse_encoding(own, encoder=named, columns=columns, text=text, missing=missing, set=settings)
        return _vectors_plan(guesses, own)
    chosen = _text_choice(table, guesses, ready, columns, text)
    if chosen is not None:
        ready = ready or made_by_name("sentence", settings)
        return _text_plan(guesses, told(ready, column=chosen, missing=missing), chosen)
    if ready is not None and ready.reads == "image":
        raise NothingToEncode(f"No column holds images; the columns are {some(table.column_names, 12)}.")
    return _table_plan(guesses, ready or made_by_name("table", settings), columns, missing)


def _guesses(table: Any, leave_out: Sequence[str] | Mapping[str, str]) -> dict[str, ColumnPlan]:
    guessed = {}
    for field in table.schema:
        use, why = _guess(field, table.column(field.name), table.num_columns)
        if field.name in leave_out:
            use, why = "skip", leave_out[field.name] if isinstance(leave_out, Mapping) else _GIVES_IDS
        guessed[field.name] = ColumnPlan(field.name, words_of(field.type), use, why)
    if all(guess.use == "skip" for guess in guessed.values()):
        names = {n: replace(g, use="text") for n, g in guessed.items() if g.why.endswith(_NAME)}
        guessed.update(names)  # nothing better to encode: names are short texts
    return guessed


def _guess(field: Any, cells: Any, width: int) -> tuple[str, str]:
    kind = kind_of(field.type)
    if len(cells) and cells.null_count < len(cells) and (lengths := lengths_of(cells)) is not None:
        return "skip", _vector_words(lengths)
    if kind is None:
        return "skip", f"{clip(field.type, 40)} is not encoded"
    if len(cells) and cells.null_count == len(cells):
        return "skip", "empty"
    if _ID_NAME.search(field.name) and width > 1 and kind in (NUMBER, CATEGORY):
        return "skip", "named like an identifier"
    if kind != CATEGORY:
        return "encode", _USES[kind]
    head = cells.slice(0, SAMPLE)
    return _guess_text(cells.drop_null().slice(0, SAMPLE) if head.null_count == len(head) else head, width)


def _vector_words(lengths: np.ndarray) -> str:
    """Almost equal lengths are vectors, of which some are broken and will be refused; others are mere lists."""
    found, counts = np.unique(lengths, return_counts=True)
    if counts.max() >= MOSTLY * len(lengths) and found[counts.argmax()]:
        return f"{_VECTORS}{count(int(found[counts.argmax()]), 'number')}"
    return f"lists of {found[0]:,} to {found[-1]:,} numbers, and vectors have one length"


def _only_vectors(guesses: dict[str, ColumnPlan]) -> str | None:
    found = [guess.name for guess in guesses.values() if guess.why.startswith(_VECTORS)]
    return found[0] if len(found) == 1 else None


def _refuse_encoding(column: str, **options: Any) -> None:
    given = [f"--{name}" for name, value in options.items() if value]
    if given:
        raise Inapplicable(
            f"Column `{column}` holds vectors, which are encoded already: {some(given)} would have no effect. "
            f"Leave that out, or name the columns to encode by {NAME_COLUMNS}."
        )


def _vectors_plan(guesses: dict[str, ColumnPlan], chosen: str) -> Plan:
    plans = []
    for guess in guesses.values():
        taken = guess.name == chosen
        why = "chosen" if taken else "beside the vectors, for colour and reading"
        known = guess.why.startswith(_VECTORS) or (guess.why == _GIVES_IDS and not taken)
        use = "vectors" if taken else "skip"
        plans.append(ColumnPlan(guess.name, guess.type, use, guess.why if known else why))
    return Plan(tuple(plans), None)


def _one_column_plan(guesses: dict[str, ColumnPlan], encoder: Encoder, chosen: str) -> Plan:
    plans = []
    for guess in guesses.values():
        use, why = ("encode", "images") if guess.name == chosen else ("skip", "beside the images")
        kind = "image" if guess.name == chosen else guess.type
        plans.append(ColumnPlan(guess.name, kind, use, guess.why if guess.why == _GIVES_IDS else why))
    return Plan(tuple(plans), encoder)


def _guess_text(cells: Any, width: int) -> tuple[str, str]:
    counts = counts_of(cells)
    filled = max(1, sum(counts.values()))
    words = sum(len(label.split()) * count for label, count in counts.items()) / filled
    if _share(counts, _DATE) >= MOSTLY * filled:
        return (
            "skip",
            "dates written as text: read them as dates (vw.read, pandas.to_datetime) to encode them",
        )
    if _share(counts, _PRINTED) >= MOSTLY * filled:
        return "skip", "looks like printed arrays: write vectors as lists with commas, or as Parquet"
    if width == 1:
        return "text", "the only column"
    if len(counts) > 2 and _dressed(counts) >= MOSTLY * filled:
        return "skip", "looks like numbers with signs or separators; write plain numbers to encode it"
    if len(counts) <= MOST_LABELS and (len(counts) <= filled / 2 or words < 3):
        return "encode", f"{count(len(counts), 'label')}, one dimension each"
    if words >= RUNNING_TEXT:
        return "text", f"running text, {words:.0f} words on average"
    return "skip", f"{len(counts):,} different values: {_NAME}"


def _share(counts: dict[str, int], pattern: re.Pattern[str]) -> int:
    """How many cells a pattern describes."""
    return sum(amount for label, amount in counts.items() if pattern.fullmatch(label.strip()))


def _dressed(counts: dict[str, int]) -> int:
    """How many cells are numbers of any look, if some of them are no plain ones, which codes are too."""
    found = [label.strip() for label in counts if _DRESSED.fullmatch(label.strip())]
    if all(_PLAIN.fullmatch(label) for label in found):
        return 0
    return sum(amount for label, amount in counts.items() if _DRESSED.fullmatch(label.strip()))


def _text_choice(
    table: Any,
    guesses: dict[str, ColumnPlan],
    ready: Encoder | None,
    columns: Sequence[str] | None,
    text: str | None,
) -> str | None:
    """The text column to encode, or None for a table."""
    if ready is not None and ready.reads != "text":
        if text:
            raise WrongType(
                "The table encoder reads no text column. Leave out --text, or choose --encoder sentence."
            )
        return None
    wanted = ready is not None
    if text:
        return text
    pool = list(columns) if columns else list(guesses)
    texts = [n for n in pool if guesses[n].use == "text" or (wanted and guesses[n].type == "text")]
    if columns and not wanted and set(texts) != set(columns):
        return None  # a mixed choice of columns is a table
    if not texts and wanted:
        raise NothingToEncode(f"No column holds text; the columns are {some(table.column_names, 12)}.")
    return max(texts, key=lambda n: _mean_length(table.slice(0, SAMPLE).column(n))) if texts else None


def _mean_length(cells: Any) -> float:
    import pyarrow as pa
    import pyarrow.compute as pc

    return float(pc.mean(pc.utf8_length(pc.cast(cells, pa.string()))).as_py() or 0)


def _text_plan(guesses: dict[str, ColumnPlan], encoder: Encoder, chosen: str) -> Plan:
    plans = []
    for guess in guesses.values():
        why = guess.why if guess.use == "text" else "chosen"
        other = (
            "another text column is encoded"
            if guess.use == "text"
            else "beside the text, for colour and reading"
        )
        skip = guess.why if guess.use == "skip" else other
        use = "text" if guess.name == chosen else "skip"
        plans.append(ColumnPlan(guess.name, guess.type, use, why if use == "text" else skip))
    return Plan(tuple(plans), encoder)


def _table_plan(
    guesses: dict[str, ColumnPlan], encoder: Encoder, columns: Sequence[str] | None, missing: str | None
) -> Plan:
    wanted = list(columns) if columns else [g.name for g in guesses.values() if g.use == "encode"]
    if not wanted:
        reasons = "; ".join(f"`{g.name}`: {g.why}" for g in list(guesses.values())[:6])
        raise NothingToEncode(
            f"No column to encode ({reasons}). Name some with {NAME_COLUMNS}, a text with --text "
            "(in Python: `text=`), or a column of vectors with --vectors (in Python: `vectors=`)."
        )
    ready = told(encoder, columns=wanted, missing=missing)
    plans = []
    for guess in guesses.values():
        taken = guess.name in wanted
        why = guess.why if (guess.use == "encode") == taken else "chosen" if taken else "not chosen"
        plans.append(ColumnPlan(guess.name, guess.type, "encode" if taken else "skip", why))
    return Plan(tuple(plans), ready)
