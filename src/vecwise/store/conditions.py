"""Conditions on rows, written as words: `price < 300000 and town = 'Kent'`, read into an expression of Arrow.

This module must not know vectors, nor run anything that a condition says: it is taken apart word by word.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import Any, Final

from vecwise.errors import BadCondition, unknown

_WORDS: Final = re.compile(
    r"\s*(?:(?P<number>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?![\w.]))|(?P<text>'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\")"
    r"|(?P<quoted>`[^`]+`)|(?P<name>[^\W\d][\w.]*)|(?P<sign><=|>=|==|!=|<>|=|<|>|\(|\)|,))"
)
_COMPARED: Final[dict[str, Callable[[Any, Any], Any]]] = {
    **{"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge},
    **{"=": operator.eq, "==": operator.eq, "!=": operator.ne, "<>": operator.ne},
}
_RESERVED: Final = ("and", "or", "not", "in", "is", "missing", "true", "false")
_DEEPEST: Final = 50  # brackets in brackets


def condition(text: str, schema: Any) -> Any:
    """Read a condition on columns of an Arrow schema as an expression that rows can be filtered by.

    Comparisons (`<`, `<=`, `>`, `>=`, `=`, `!=`) of a column with a number, a text in quotes, `true` (or 1) or
    `false` (or 0); `in (...)`, `is missing`, `is not missing`; joined by `and`, `or`, `not` and brackets. A column
    whose name is no single word stands between backticks, a date is a text. A missing cell satisfies no comparison.
    Raises `BadCondition`, and `UnknownName` for a column that is not there.

    >>> import pyarrow as pa
    >>> houses = pa.table({"price": [1, 5, 9], "town": ["Kent", "Kent", None]})
    >>> houses.filter(condition("price > 2 and (town = 'Kent' or town is missing)", houses.schema)).num_rows
    2
    """
    return _Reader(text, schema).whole()


class _Reader:
    """One condition, read from left to right."""

    def __init__(self, text: str, schema: Any) -> None:
        self._text, self._schema, self._depth = text, schema, 0
        self._words: list[tuple[str, str]] = []
        at = 0
        while text[at:].strip():
            found = _WORDS.match(text, at)
            if not found:
                raise BadCondition(
                    f"The condition `{text}` cannot be read from `{text[at:].strip()[:20]}` on."
                )
            self._words.append((str(found.lastgroup), found[str(found.lastgroup)]))
            at = found.end()

    def whole(self) -> Any:
        made = self._either()
        if self._words:
            raise self._wrong("`and` or `or`")
        return made

    def _either(self) -> Any:
        made = self._both()
        while self._take("or"):
            made = made | self._both()
        return made

    def _both(self) -> Any:
        made = self._one()
        while self._take("and"):
            made = made & self._one()
        return made

    def _one(self) -> Any:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise BadCondition(f"A condition nests at most {_DEEPEST} brackets.")
        if self._take("not"):
            made = ~self._one()
        elif self._take("("):
            made = self._either()
            self._need(")")
        else:
            made = self._comparison()
        self._depth -= 1
        return made

    def _comparison(self) -> Any:
        import pyarrow.compute as pc

        name = self._column()
        kind = self._schema.field(name).type
        field = pc.field(name)
        if self._take("is"):
            negated = self._take("not")
            self._need("missing")
            return field.is_valid() if negated else field.is_null()
        negated = self._take("not")
        if self._take("in"):
            self._need("(")
            values = [self._value(name, kind)]
            while self._take(","):
                values.append(self._value(name, kind))
            self._need(")")
            made = field == values[0]
            for value in values[1:]:
                made = made | (field == value)
            return ~made if negated else made
        sign = self._next()[1]
        if negated or sign not in _COMPARED:
            self._words.insert(0, ("sign", sign))
            raise self._wrong("`in`" if negated else "`<`, `<=`, `>`, `>=`, `=`, `!=`, `in` or `is missing`")
        return _COMPARED[sign](field, self._value(name, kind))

    def _column(self) -> str:
        kind, word = self._next()
        if kind not in ("name", "quoted") or (kind == "name" and word.lower() in _RESERVED):
            self._words.insert(0, (kind, word))
            raise self._wrong("a column")
        name = word.strip("`")
        if name not in self._schema.names:
            raise unknown("column", name, self._schema.names)
        return name

    def _value(self, name: str, kind: Any) -> Any:
        """A value of the column's own type."""
        import pyarrow as pa
        from pyarrow import types

        word, text = self._next()
        if word == "text":
            made: Any = text[1:-1].replace(text[0] * 2, text[0])
        elif word == "number":
            made = int(text) if re.fullmatch(r"[-+]?\d+", text) else float(text)
        elif word == "name" and text.lower() in ("true", "false"):
            made = text.lower() == "true"
        else:
            self._words.insert(0, (word, text))
            raise self._wrong("a number, a text in quotes, `true` or `false`")
        number = types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind)
        if types.is_boolean(kind) and word == "number" and made in (0, 1):  # as many files write them
            word, made = "name", made == 1
        fits = number if word == "number" else types.is_boolean(kind) if word == "name" else not number
        try:
            if not fits:
                raise pa.ArrowInvalid
            # A number keeps its own type: 2.5 is no whole number, and yet a column of them can be below it.
            return pa.scalar(made) if word != "text" else pa.scalar(made).cast(_plain(kind))
        except (pa.ArrowException, OverflowError) as error:
            raise BadCondition(
                f"Column `{name}` holds {_kind_words(kind)}, which cannot be compared with {text}."
            ) from error

    def _next(self) -> tuple[str, str]:
        return self._words.pop(0) if self._words else ("end", "the end")

    def _take(self, word: str) -> bool:
        found = (
            bool(self._words) and self._words[0][0] in ("name", "sign") and self._words[0][1].lower() == word
        )
        if found:
            self._words.pop(0)
        return found

    def _need(self, word: str) -> None:
        if not self._take(word):
            raise self._wrong(f"`{word}`")

    def _wrong(self, expected: str) -> BadCondition:
        found = self._words[0][1] if self._words else "the end"
        return BadCondition(
            f"The condition `{self._text}` has {found} where {expected} was expected. Write, for example, "
            "\"price < 300000 and town = 'Kent'\"."
        )


def _plain(kind: Any) -> Any:
    from pyarrow import types

    return kind.value_type if types.is_dictionary(kind) else kind


def _kind_words(kind: Any) -> str:
    from pyarrow import types

    kind = _plain(kind)
    if types.is_string(kind) or types.is_large_string(kind):
        return "texts (write them in quotes)"
    if types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind):
        return "numbers"
    return "true or false" if types.is_boolean(kind) else f"values of type {kind}"
