"""Refusals in the words of the command line: the library names its arguments, and here they become options.

This module must not know any command, nor how a message is printed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

import click

from vecwise.errors import Inapplicable, OutOfRange, TooLarge

_ABOUT_OPTIONS: Final = (
    OutOfRange,
    Inapplicable,
    TooLarge,
)  # other refusals may quote a column that is called like one
_CALLED: Final = {"splits": "split"}  # arguments whose option has another name
_GIVEN: Final = re.compile(r"""(?<![\w."'])(\w+)=("[^"`]*"|'[^'`]*'|…|[\w+-]+(?:\.\d+)?)""")
_QUOTED: Final = re.compile(r"(\b[Cc]olumns? )?`(\w+)`")
_FIRST: Final = re.compile(r"(?:^|(?<=[.:] ))()`(\w+)`(?= [a-z])")
_SAMPLE: Final = re.compile(r"\ba sample: X\[[^\]]*\]")
_IN_PYTHON: Final = re.compile(r" \(in Python: `.*?`\)")
_TWICE: Final = re.compile(r"(`?)(--?[\w-]+)(?: [^\s`]+)?\1 \((\2(?: [^)]*)?)\)")


def options_of(params: Iterable[click.Parameter]) -> dict[str, str]:
    """Give the option that stands for each argument of the library: `{"at_least": "--at-least", "k": "-k"}`."""
    made: dict[str, str] = {}
    for param in params:
        if isinstance(param, click.Option) and param.name is not None:
            made[param.name] = next((word for word in param.opts if word.startswith("--")), param.opts[0])
    return made | {name: made[option] for name, option in _CALLED.items() if option in made}


def spoken(error: Exception, options: dict[str, str]) -> str:
    """Give an error's message with options in place of arguments: `--at-least` for `at_least`.

    A value that is given is written as it is typed, `most=264_285_736` as `--most 264285736`, and what is said for
    Python alone is left out. What is said both ways is
    said once. Only what `options` names is changed.

    >>> spoken(OutOfRange("`k` is at least 1. Leave out `p`, or more: `most=2_000`."), {"k": "-k", "most": "--most"})
    '`-k` is at least 1. Leave out `p`, or more: `--most 2000`.'
    """

    def given(found: re.Match[str]) -> str:
        name, value = found.groups()
        if name not in options:
            return found[0]
        plain = value.strip("\"'")
        typed = plain.replace("_", "") if plain[:1].isdigit() else plain
        return f"{options[name]} {typed}"

    def quoted(found: re.Match[str]) -> str:
        of_data, name = found.groups()
        return found[0] if of_data or name not in options else f"`{options[name]}`"

    about = isinstance(error, _ABOUT_OPTIONS)
    message = _GIVEN.sub(given, _IN_PYTHON.sub("", str(error)))
    message = (_QUOTED if about else _FIRST).sub(quoted, message)
    if "sample" in options:
        message = _SAMPLE.sub("--sample N", message)
    return _TWICE.sub(r"\1\3\1", message)
