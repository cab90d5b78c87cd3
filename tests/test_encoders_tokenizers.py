"""What tells one tokenizer from another: names that can be trusted, and objects that are like nothing else."""

from __future__ import annotations

import functools
import gc
import os
import pickle
import re
import subprocess
import sys
import textwrap
import types

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone

import vecwise as vw
from vecwise.encoders.tokenizers import callable_name, must_be_savable, tokenizer_identity
from vecwise.errors import NotSavable
from vecwise.testing import check_encoder

ROWS = ["sea 1 sky", "the sea 22", "rain 3 on the sea"]
TABLE = vw.encode(ROWS).rows
VECTORS = {"sea": [1.0, 0.0], "1": [0.0, 2.0], "sky": [3.0, 3.0]}


def spaces(word):
    return word.split(" ")


def _named_alike(cut):
    def spaces(word):
        return cut(word)

    spaces.__module__, spaces.__qualname__ = __name__, "spaces"
    return spaces


class Cutter:
    """A tokenizer with a setting, whose `repr` does not show it."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern

    def __repr__(self) -> str:
        return "Cutter"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Cutter)

    def __hash__(self) -> int:
        return 1

    def __call__(self, text: str) -> list[str]:
        return re.findall(self.pattern, text)

    def cut(self, text: str) -> list[str]:
        return self(text)


class Slotted:
    __slots__ = ()

    def __call__(self, text: str) -> list[str]:
        return text.split()


WORDS, DIGITS = r"\w+", r"\d"
PAIRS = {
    "built-in methods": (re.compile(WORDS).findall, re.compile(DIGITS).findall),
    "methods": (Cutter(WORDS).cut, Cutter(DIGITS).cut),
    "objects": (Cutter(WORDS), Cutter(DIGITS)),
    "partial": (functools.partial(re.findall, WORDS), functools.partial(re.findall, DIGITS)),
    "lambdas": (lambda text: re.findall(WORDS, text), lambda text: re.findall(DIGITS, text)),
    "a name taken over": (spaces, _named_alike(list)),
    "names taken over": (_named_alike(str.split), _named_alike(list)),
}
ENCODERS = {
    "hashed": lambda cut: vw.CountEncoder(hashing=8, tokenizer=cut),
    "counts": lambda cut: vw.CountEncoder(vocabulary=["sea", "1"], tokenizer=cut),
    "average": lambda cut: vw.AverageEncoder(VECTORS, method="plain", tokenizer=cut),
}


@pytest.mark.parametrize("made", ENCODERS.values(), ids=ENCODERS)
@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)
def test_two_ways_of_cutting_share_no_frame(pair, made) -> None:
    one, other = (made(cut).space for cut in pair)
    assert not one.same_axes(other)
    assert all(made(cut).space.same_axes(made(cut).space) is True for cut in pair)


@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)
@pytest.mark.parametrize("kind", [vw.CountEncoder, vw.TfidfEncoder, vw.AverageEncoder])
def test_fits_by_parts_and_again_keep_the_frame(pair, kind) -> None:
    encoder = kind(tokenizer=pair[0])
    space = encoder.fit(ROWS).space
    assert encoder.fit(ROWS).space.same_axes(space)
    parts = kind(tokenizer=pair[0])
    for row in ROWS:
        parts.partial_fit([row])
    assert parts.space.same_axes(space)


def test_a_tokenizer_that_is_a_function_keeps_the_contract_of_encoders() -> None:
    for cut in (str.split, re.compile(WORDS).findall, spaces):
        encoder = vw.CountEncoder(hashing=8, tokenizer=cut)
        with pytest.raises(NotSavable):  # the last of its rules: saved and opened
            check_encoder(encoder, TABLE)
        assert clone(encoder).space.same_axes(encoder.space)
        assert pickle.loads(pickle.dumps(encoder)).space.same_axes(encoder.space)


def test_names_that_can_be_imported_are_the_identity_in_every_process() -> None:
    assert tokenizer_identity("word") == "word"
    assert tokenizer_identity(spaces) == callable_name(spaces) == f"{__name__}.spaces"
    assert tokenizer_identity(re.findall) == "re.findall"
    code = (
        "import textwrap, vecwise as vw\n"
        "for cut in (str.split, textwrap.wrap):\n"
        "    print(vw.AverageEncoder({'a': [1.0]}, method='plain', tokenizer=cut).space.frame)"
    )
    env = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    made = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    encoders = [
        vw.AverageEncoder({"a": [1.0]}, method="plain", tokenizer=f) for f in (str.split, textwrap.wrap)
    ]
    assert made.stdout.split() == [encoder.space.frame for encoder in encoders]


def test_functions_of_a_script_and_of_a_module_that_is_gone_are_not_known_by_name(monkeypatch) -> None:
    module = types.ModuleType("passing")
    module.cut = types.FunctionType(spaces.__code__, {}, "cut")
    module.cut.__module__, module.cut.__qualname__ = "passing", "cut"
    assert tokenizer_identity(module.cut) != "passing.cut"
    monkeypatch.setitem(sys.modules, "passing", module)
    assert tokenizer_identity(module.cut) == "passing.cut"
    monkeypatch.setattr(sys.modules["__main__"], "cut", module.cut, raising=False)
    module.cut.__module__ = "__main__"
    assert tokenizer_identity(module.cut) != "__main__.cut"


@settings(max_examples=8)  # each collects all garbage there is
@given(st.lists(st.sampled_from([WORDS, DIGITS, ".", "[a-z]"]), min_size=1, max_size=6))
def test_an_object_is_like_itself_alone_and_is_forgotten_when_it_is_gone(patterns) -> None:
    cutters = [Cutter(pattern) for pattern in patterns]
    first = [tokenizer_identity(one) for one in cutters]
    assert [tokenizer_identity(one) for one in cutters] == first
    assert len({*first, *(tokenizer_identity(one.cut) for one in cutters)}) == 2 * len(cutters)
    cutters.clear()
    gc.collect()
    assert not set(first) & {tokenizer_identity(Cutter(pattern)) for pattern in patterns}


def test_what_cannot_be_watched_is_never_alike() -> None:
    one = Slotted()
    assert tokenizer_identity(one) != tokenizer_identity(one)
    assert tokenizer_identity("a".split) != tokenizer_identity("b".split)


def test_only_names_are_savable() -> None:
    must_be_savable("word")
    with pytest.raises(NotSavable, match="Cutter is a Python function"):
        must_be_savable(Cutter(WORDS))
