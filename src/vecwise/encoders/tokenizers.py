"""What tells one tokenizer from another, so that vectors of two ways of cutting never share a frame.

This module must not know how a text is cut, nor what is done with the words.
"""

from __future__ import annotations

import sys
import threading
import uuid
import weakref
from types import (
    BuiltinFunctionType,
    FunctionType,
    MethodDescriptorType,
    MethodType,
    ModuleType,
)
from typing import Any, Final

from vecwise.errors import NotSavable

_PLAIN: Final = (FunctionType, BuiltinFunctionType, MethodDescriptorType)
_GIVEN: Final[dict[int, str]] = {}  # the identities of living objects, by their addresses
_GIVING: Final = threading.Lock()


def tokenizer_identity(tokenizer: Any) -> str:
    """Give what tells a tokenizer from every other: equal for two only if they cut alike.

    A name such as `"word"` is its own identity. A function that can be imported is known by its name, in every
    process. All else (lambdas, functions of `__main__`, methods of an object, objects that can be called) is
    like nothing else: the same object has the same identity as long as it lives, and only in this process.

    >>> tokenizer_identity("word"), tokenizer_identity(str.split)
    ('word', 'builtins.str.split')
    >>> tokenizer_identity(lambda text: [text]) == tokenizer_identity(lambda text: [text])
    False
    """
    if isinstance(tokenizer, str):
        return tokenizer
    return callable_name(tokenizer) if _is_importable(tokenizer) else _of_object(tokenizer)


def callable_name(function: Any) -> str:
    """Give module and name of a callable, for messages; of one without a name, its `repr`.

    >>> callable_name(str.split)
    'builtins.str.split'
    """
    module, name = _place(function)
    return f"{module}.{name}" if name else repr(function)


def must_be_savable(tokenizer: Any) -> None:
    """Raise `NotSavable` for a tokenizer that is a Python function."""
    if not isinstance(tokenizer, str):
        raise NotSavable(
            f"The tokenizer {callable_name(tokenizer)} is a Python function, which a file cannot hold safely. "
            'Use tokenizer="whitespace" or "word", or save the vectors without it.'
        )


def _place(function: Any) -> tuple[str, str]:
    owner = getattr(function, "__objclass__", function)  # a method of a built-in type names its type alone
    return getattr(owner, "__module__", None) or "?", getattr(function, "__qualname__", "")


def _is_importable(function: Any) -> bool:
    """Whether it is a plain function, and the very one that its module gives under its name."""
    module, name = _place(function)
    # The names of `__main__` mean something else in every script, and after every edit in a notebook.
    if not isinstance(function, _PLAIN) or module == "__main__":
        return False
    found: Any = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    return found is function


def _of_object(function: Any) -> str:
    """A method is made anew whenever it is asked for, so its object and its function say which it is."""
    owner = getattr(function, "__self__", None)
    if owner is None or isinstance(owner, ModuleType):
        return _given(function)
    if isinstance(function, MethodType):
        return f"{_given(owner)}.{tokenizer_identity(function.__func__)}"
    if isinstance(function, BuiltinFunctionType) and type(owner).__weakrefoffset__:
        return f"{_given(owner)}.{function.__name__}"
    return _given(function)


def _given(one: Any) -> str:
    """The identity given to an object when it was first met; one that cannot be watched gets a new one each time."""
    with _GIVING:
        known = _GIVEN.get(id(one))
        if known is not None:
            return known
        made = f"{type(one).__name__}-{uuid.uuid4().hex}"
        try:
            watch = weakref.finalize(one, _GIVEN.pop, id(one), None)
        except TypeError:
            return made
        watch.atexit = False
        _GIVEN[id(one)] = made
        return made
