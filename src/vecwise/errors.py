"""Every exception of vecwise and its wording: what was given, what was expected, what to do.

This module must not know any other module of vecwise.
"""

from __future__ import annotations

import difflib
import operator
from collections.abc import Iterable, Sequence
from typing import Any, Final


class VecwiseError(Exception):
    """Base class: catch it to catch everything that vecwise refuses on purpose."""


class SpaceMismatch(VecwiseError, ValueError):
    """Vectors of two different spaces met."""


class FileMissing(VecwiseError, FileNotFoundError):
    """The path leads to no file or folder."""


class Unreadable(VecwiseError, OSError):
    """A file exists and cannot be read or written: rights, a full disk, a folder where a file was expected."""


class Damaged(VecwiseError, OSError):
    """A file is not what its manifest, its header or its format says it is."""


class UnknownFormat(VecwiseError, ValueError):
    """Neither the name nor the first bytes of a file say what it is."""


class EmptyInput(VecwiseError, ValueError):
    """There is no row to work on."""


class EmptyQuery(EmptyInput):
    """A query has no vector to go by: it is blank, holds no word that the encoder knows, or only zeros."""


class BadRow(VecwiseError, ValueError):
    """A line of a text file does not fit the others."""


class BadCells(BadRow):
    """Some cells of a column of numbers are none; `rows` are the numbers of their rows, `reasons` what they hold."""

    def __init__(self, message: str, rows: Sequence[int] = (), reasons: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.rows = rows
        self.reasons = reasons


class RowsSkipped(UserWarning):
    """Rows were left out on request; `lines` are the numbers of the lines they begin in."""

    def __init__(self, message: str, lines: Sequence[int] = ()) -> None:
        super().__init__(message)
        self.lines = lines


class TextRepaired(UserWarning):
    """Texts held halves of characters (lone surrogates), which became U+FFFD; `count` is how many texts."""

    def __init__(self, message: str, count: int = 0) -> None:
        super().__init__(message)
        self.count = count


class WrongEncoding(VecwiseError, ValueError):
    """The bytes of a text file are not in the encoding they were read as."""


class NothingToEncode(VecwiseError, ValueError):
    """No column of the table can become numbers."""


class UnknownName(VecwiseError, ValueError):
    """A column, id, encoder, metric or policy of that name does not exist."""


class NoSuchRow(VecwiseError, IndexError):
    """A row number lies outside the vectors."""


class DuplicateName(VecwiseError, ValueError):
    """Two columns or two rows carry the same name."""


class MissingValue(VecwiseError, ValueError):
    """A cell is empty and no policy says what to put there."""


class NonFinite(VecwiseError, ValueError):
    """A vector or a numeric cell is NaN or infinite."""


class NonFiniteQuery(NonFinite):
    """A query holds NaN or infinity, so nothing is near it."""


class EmptyVocabulary(VecwiseError, ValueError):
    """No word is left to count."""


class WrongShape(VecwiseError, ValueError):
    """An array has another shape than the operation needs."""


class WrongType(VecwiseError, TypeError):
    """A value is of a type that cannot become vectors or rows."""


class MixedColumn(WrongType):
    """The cells of one column fit no single type; `row` is the number of the first that does not fit."""

    def __init__(self, message: str, row: int = 0) -> None:
        super().__init__(message)
        self.row = row


class OutOfRange(VecwiseError, ValueError):
    """An option has a value outside its range."""


class BadCondition(VecwiseError, ValueError):
    """A condition on rows cannot be read, or compares a column with what it does not hold."""


class Inapplicable(VecwiseError, ValueError):
    """An option was given that has no effect on this input."""


class TooLarge(VecwiseError, ValueError):
    """The answer would not fit; the message names the way that does."""


class BadImage(VecwiseError, ValueError):
    """An image is empty, truncated, too large, or of a format that is not read."""


class NotFitted(VecwiseError, ValueError, AttributeError):
    """An encoder was used before it saw any rows."""


class NotSavable(VecwiseError, TypeError):
    """An object holds something that cannot be written as plain data."""


class NoEncoder(VecwiseError, ValueError):
    """Raw text or rows were given as a query, and nothing says how to encode them."""


class MissingPackage(VecwiseError, ImportError):
    """An optional package is needed; the message is the line that installs it."""


class TextCut(UserWarning):
    """Texts were longer than a model reads, and were read only up to there: `cut` of `total`."""

    def __init__(self, cut: int, total: int, limit: int) -> None:
        texts = "text has" if total == 1 else "texts have"
        super().__init__(
            f"{cut:,} of {total:,} {texts} more than {limit:,} tokens; what comes after was not read. Split texts into "
            'passages first (vw.passages, --passages N), or choose long="mean".'
        )
        self.cut, self.total, self.limit = cut, total, limit

    def __reduce__(self) -> tuple[type[TextCut], tuple[int, int, int]]:
        return TextCut, (self.cut, self.total, self.limit)


class FewerClusters(UserWarning):
    """Fewer rows differ than clusters were asked for: `found` of `wanted`."""

    def __init__(self, found: int, wanted: int) -> None:
        super().__init__(
            f"Only {found:,} of {wanted:,} clusters were found: no more rows differ from each other. Ask for fewer."
        )
        self.found, self.wanted = found, wanted

    def __reduce__(self) -> tuple[type[FewerClusters], tuple[int, int]]:
        return FewerClusters, (self.found, self.wanted)


def some(names: Iterable[object], limit: int = 5, width: int = 40) -> str:
    """Give the first names in backticks, each cut to `width` characters, and how many more there are."""
    listed = list(names)
    cut = [name if len(name) <= width else name[: width - 1] + "…" for name in map(str, listed[:limit])]
    shown = ", ".join(f"`{name}`" for name in cut)
    return shown + (f" and {len(listed) - limit:,} more" if len(listed) > limit else "")


def whole_number(name: str, value: Any, what: str = "", *, least: int = 1) -> int:
    """Give an option as an int; raise `OutOfRange`, saying what it is, unless it is a whole number from `least` on."""
    try:
        made = None if isinstance(value, bool) else operator.index(value)
    except TypeError:
        made = None
    if made is None or made < least:
        told = f"{what}, a" if what else "a"
        raise OutOfRange(f"`{name}` is {told} whole number of at least {least}, not {value!r}.")
    return made


NAME_COLUMNS: Final = "--columns (in Python: `columns=`)"  # in a message, to both


def unknown(kind: str, name: str, known: Sequence[str]) -> UnknownName:
    """Word an `UnknownName` with the nearest names that exist."""
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    if not near:  # difflib weighs case; people do not
        folded = {other.casefold(): other for other in known}
        near = [folded[k] for k in difflib.get_close_matches(name.casefold(), list(folded), n=3, cutoff=0.5)]
    others = f"There are: {some(known, 12)}." if known else "There is none."
    hint = f"Did you mean {some(near)}?" if near else others
    return UnknownName(f"There is no {kind} `{name}`. {hint}")


def missing_package(package: str, purpose: str, install: str) -> MissingPackage:
    """Word a `MissingPackage` with the exact line that installs it."""
    return MissingPackage(f"{purpose} needs the package `{package}`. Install it: pip install {install}")
