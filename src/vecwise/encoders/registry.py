"""The closed list of encoders: by the names that people use, and as plain data in files and back.

This module must not know files; it turns fitted encoders into data (JSON with arrays in it) and back.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Final

import numpy as np

from vecwise.encoders.base import Encoder
from vecwise.encoders.fitted import FittedEncoder
from vecwise.errors import Damaged, NotSavable, WrongType, some, unknown
from vecwise.verbs import Chain, Map, chain

# What `--encoder NAME` and `vw.encode(rows, "name")` make: module and class.
ENCODERS: Final = {
    "table": ("table", "TableEncoder"),
    "sentence": ("sentence", "SentenceEncoder"),
    "count": ("counts", "CountEncoder"),
    "tfidf": ("counts", "TfidfEncoder"),
    "average": ("average", "AverageEncoder"),
    "static": ("static", "StaticEncoder"),
    "transformer": ("transformer", "TransformerEncoder"),
    "image": ("image", "ImageEncoder"),
    "chain": ("chained", "ChainEncoder"),
}

# A file names one of these and nothing else: no module is imported because a file says so.
MAPS: Final = {
    "words": ("encoders.word_maps", "WordMap"),
    "hashed words": ("encoders.word_maps", "HashedMap"),
    "average": ("encoders.average_map", "AverageMap"),
    "sentence": ("encoders.sentence", "SentenceMap"),
    "table": ("encoders.table", "TableMap"),
    "image": ("encoders.image_map", "ImageMap"),
    "static": ("encoders.static", "StaticMap"),
    "transformer": ("encoders.transformer", "TransformerMap"),
    "normalized": ("measure.norms", "Normalized"),
    "standardized": ("measure.standardized", "Standardized"),
    "components": ("measure.components", "Components"),
    "learned": ("encoders.learned", "Learned"),
}
_TUPLE: Final = "vecwise tuple"  # JSON has lists only
_ENCODER: Final = "vecwise encoder"  # the key of a JSON object that stands for an encoder among parameters


def encoder_class(name: str) -> type[Encoder]:
    """Give the class of a named encoder; raises `UnknownName`."""
    if name not in ENCODERS:
        raise unknown("encoder", name, tuple(ENCODERS))
    module, kind = ENCODERS[name]
    made: type[Encoder] = getattr(import_module(f"vecwise.encoders.{module}"), kind)
    return made


def made_by_name(name: str, settings: Mapping[str, Any]) -> Encoder:
    """Make a named encoder with these constructor arguments; raises `UnknownName` for one that it does not take."""
    kind = encoder_class(name)
    for key in settings:
        if key not in kind._parameter_names():
            raise unknown(f"setting of the encoder `{name}`", key, kind._parameter_names())
    return kind(**settings)


def told(encoder: Encoder, **arguments: Any) -> Encoder:
    """Set arguments of a new encoder that were left at their defaults; of a chain, those of its encoder."""
    inner = encoder
    while "encoder" in inner._parameter_names():
        inner.encoder = as_encoder(inner.encoder)  # type: ignore[attr-defined]
        inner = inner.encoder  # type: ignore[attr-defined]
    defaults = type(inner)().get_params(deep=False)
    for name, value in arguments.items():
        given = inner.get_params(deep=False).get(name)
        if name in defaults and value is not None and given == defaults[name]:
            setattr(inner, name, value)
    return encoder


def as_encoder(encoder: Any) -> Encoder:
    """Give an encoder object as it is, and make one from a name; raises `UnknownName`, `WrongType`."""
    if isinstance(encoder, str):
        return encoder_class(encoder)()
    if isinstance(encoder, type):
        raise WrongType(f"`encoder` is a class; give an encoder object: {encoder.__name__}().")
    if not hasattr(type(encoder), "map_"):
        raise WrongType(f'`encoder` is {type(encoder).__name__}; give an encoder object or a name: "auto".')
    made: Encoder = encoder
    return made


# ---- fitted maps ----


def to_data(fitted: Any) -> dict[str, Any]:
    """Give a fitted map, or a chain of them, as data.

    Raises `NotSavable` for a map that is not in the list, such as a stranger's, and for one that holds a
    Python function.
    """
    if isinstance(fitted, Chain):
        return {"map": "chain", "state": {"maps": [to_data(step) for step in fitted.maps]}}
    for name in MAPS:
        if type(fitted) is _map_class(name):
            return {"map": name, "state": fitted.state()}
    raise NotSavable(
        f"{type(fitted).__name__} is none of the maps that are saved as plain data: {some(MAPS)}."
    )


def from_data(data: dict[str, Any]) -> Map:
    """Build the map again; raises `UnknownName`, `Damaged`."""
    name = str(data.get("map"))
    if name != "chain" and name not in MAPS:
        raise unknown("fitted encoder", name, [*MAPS, "chain"])
    try:
        if name == "chain":
            return chain(*(from_data(step) for step in data["state"]["maps"]))
        made: Map = _map_class(name).from_state(data["state"])
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise Damaged(
            f"The saved encoder `{name}` is incomplete: {error!r}. Encode the rows again."
        ) from error
    return made


def _map_class(name: str) -> Any:
    module, kind = MAPS[name]
    return getattr(import_module(f"vecwise.{module}"), kind)


# ---- estimators: their parameters, and what they learned ----


def encoder_to_data(encoder: Encoder) -> dict[str, Any]:
    """Give a fitted encoder as data: its kind, its parameters and its map; raises `NotSavable`, `NotFitted`."""
    known = {} if isinstance(encoder, FittedEncoder) else _unfitted(encoder)
    return {**known, "fitted": to_data(encoder.map_)}


def encoder_from_data(data: dict[str, Any]) -> Encoder:
    """Build the fitted encoder again; raises `UnknownName`, `Damaged`."""
    try:
        if _ENCODER not in data:
            return FittedEncoder.of(from_data(data["fitted"]))
        made = _made(data)
        made._map, made._opened = from_data(data["fitted"]), True
    except (KeyError, TypeError, AttributeError) as error:
        raise Damaged(f"The saved encoder is incomplete: {error!r}. Fit it again.") from error
    return made


def _unfitted(encoder: Encoder) -> dict[str, Any]:
    for name in ENCODERS:
        if type(encoder) is encoder_class(name):
            params = {key: _plain(key, value) for key, value in encoder.get_params(deep=False).items()}
            return {_ENCODER: name, "parameters": params}
    raise NotSavable(f"{type(encoder).__name__} is none of the encoders that can be saved: {some(ENCODERS)}.")


def _plain(name: str, value: Any) -> Any:
    if isinstance(value, Encoder):
        return _unfitted(value)
    if isinstance(value, Mapping):
        if _ENCODER in value or _TUPLE in value:
            raise NotSavable(f"`{name}` holds a name that stands for something else in files: {some(value)}.")
        return {str(key): _plain(name, inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        listed = [_plain(name, inner) for inner in value]
        return {_TUPLE: listed} if isinstance(value, tuple) else listed
    if value is None or isinstance(value, (str, bool, int, float, np.ndarray)):
        return value
    if isinstance(value, np.generic):
        return value.item()
    if hasattr(value, "__fspath__"):
        return str(value)
    raise NotSavable(f"The parameter `{name}` is {type(value).__name__}, which a file cannot hold safely.")


def _made(data: Any) -> Encoder:
    kind = encoder_class(str(data[_ENCODER]))
    return kind(**{name: _restored(value) for name, value in data["parameters"].items()})


def _restored(value: Any) -> Any:
    if isinstance(value, dict):
        if value.keys() == {_TUPLE}:
            return tuple(_restored(inner) for inner in value[_TUPLE])
        return _made(value) if _ENCODER in value else {k: _restored(v) for k, v in value.items()}
    return [_restored(inner) for inner in value] if isinstance(value, list) else value
