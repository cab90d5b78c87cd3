"""Secrets kept out of the record: in arguments, settings, addresses and the text of a diff.

This module must not know what is recorded. What looks like a secret is replaced before it reaches any file.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

HIDDEN: Final = "[hidden]"
_NAMES: Final = re.compile(
    r"(?i)(?:^|[^a-z])(?:[a-z]*pass(?:word|wd|phrase)|pass|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|auth"
    r"|authorization|credentials?|bearer|cookie|session[_-]?id)(?:$|[^a-z])"
)
# What the keys of well-known services look like, whatever they are called.
_SHAPES: Final = re.compile(
    r"(?:sk|pk|rk)-[A-Za-z0-9_-]{16,}|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|hf_[A-Za-z0-9]{20,}"
    r"|xox[abprs]-[A-Za-z0-9-]{10,}|AKIA[0-9A-Z]{16}|AIza[0-9A-Za-z_-]{30,}|glpat-[\w-]{16,}"
    r"|eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]{10,}|-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END[A-Z -]*-----|$)"
)
# To the last @; an address that was taken for a path has one slash.
_ADDRESS: Final = re.compile(r"(?P<scheme>[a-zA-Z][a-zA-Z0-9+.-]+:/{1,2})[^/\s]+@")
_HEADER: Final = re.compile(r"(?i)\b(?P<scheme>bearer|basic)\s+[a-z0-9._~+/=-]{6,}")
_ASSIGNED: Final = re.compile(
    r"""(?P<name>[\w.-]+)(?P<sign>["']?\s*[=:]\s*)(?P<value>"[^"]*"|'[^']*'|[^\s,;]+)"""
)


def names_a_secret(name: str) -> bool:
    """Tell whether a setting of this name is kept out.

    >>> [names_a_secret(name) for name in ("api_key", "--token", "tokenizer", "author", "max_tokens")]
    [True, True, False, False, False]
    """
    return bool(_NAMES.search(re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name)))


def clean_text(text: str) -> str:
    """Give the text without what looks like a secret: keys, passwords in addresses, values of telling names.

    >>> clean_text("fetch https://ann:pw@host/x with api_key=123 and sk-abcdefghijklmnopqrst")
    'fetch https://[hidden]@host/x with api_key=[hidden] and [hidden]'
    """
    text = _ADDRESS.sub(lambda found: f"{found['scheme']}{HIDDEN}@", _SHAPES.sub(HIDDEN, text))
    text = _HEADER.sub(lambda found: f"{found['scheme']} {HIDDEN}", text)
    return _ASSIGNED.sub(_assigned, text)


def _assigned(found: re.Match[str]) -> str:
    if not names_a_secret(found["name"]):
        return found[0]
    return f"{found['name']}{found['sign']}{HIDDEN}"


def clean_words(words: Sequence[str]) -> list[str]:
    """Give the words of a command line; the word after `--token` is its value.

    >>> clean_words(["upload", "--token", "abc", "--token=abc", "--k", "3"])
    ['upload', '--token', '[hidden]', '--token=[hidden]', '--k', '3']
    """
    made: list[str] = []
    for word in words:
        value = bool(made) and made[-1].startswith("-") and "=" not in made[-1] and names_a_secret(made[-1])
        made.append(HIDDEN if value else clean_text(word))
    return made


def clean(value: Any, name: str = "") -> Any:
    """Give plain data without secrets, at every depth: values of telling names, and texts that hold one."""
    if name and names_a_secret(name) and value not in (None, "", False):
        return HIDDEN
    if isinstance(value, dict):
        return {str(key): clean(inner, str(key)) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [clean(inner) for inner in value]
    return clean_text(value) if isinstance(value, str) else value
