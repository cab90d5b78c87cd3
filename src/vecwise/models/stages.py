"""The stages of models of vectors and rows: what a scikit-learn network, a Pipeline, a chain or an encoder computes.

This module must not know torch, nor what becomes of what is computed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from vecwise.encoders.base import Encoder
from vecwise.errors import NotFitted, WrongType
from vecwise.models.chained import ChainModel, taken_by
from vecwise.models.weights_digest import digest_of
from vecwise.store.rows import as_table
from vecwise.vectors import Vectors
from vecwise.verbs import Chain, entrance, rest_of

INPUT: Final = "input"
Layer = tuple[
    str, Any
]  # a name, and an array `(rows, width)`, sparse or not, or vectors of a space of their own


@dataclass(slots=True)
class Reached:
    """The layer that is being computed now."""

    layer: str = ""
    done: list[str] = field(default_factory=list)

    def at(self, layer: str) -> str:
        """Note the layer before it is computed."""
        if self.layer:
            self.done.append(self.layer)
        self.layer = layer
        return layer


@dataclass(frozen=True, slots=True)
class Stages:
    """How a model is walked through: `walk(chunk, reached)` gives its layers in order, `weights` tell it from others.

    `rows` says whether it reads rows (a table) and not numbers, `vectors` whether it asks for those of its space.
    """

    walk: Callable[[Any, Reached], Iterator[Layer]]
    weights: str
    rows: bool = False
    vectors: bool = False


def stages_of(model: Any) -> Stages:
    """Give the stages of a model; raises `WrongType` for what is none, `NotFitted`."""
    if isinstance(model, ChainModel):
        reads = taken_by(model) is None
        return Stages(lambda chunk, reached: _chain(model, chunk, reached), _weights(model), reads, not reads)
    if isinstance(model, Encoder):
        model = model.map_
    if callable(model) and hasattr(model, "target"):
        reads = entrance(model) is None
        return Stages(
            lambda chunk, reached: _maps(model, chunk, reached), model.target.frame, reads, not reads
        )
    if not any(hasattr(model, name) for name in ("predict", "transform")):
        raise WrongType(
            f"{type(model).__name__} has no layers that can be looked at: give a torch module, a fitted scikit-learn "
            "estimator or Pipeline, a fitted encoder, or a chain of them. Of a file of weights alone nothing can be "
            "computed."
        )
    _check_fitted(model)
    reads = isinstance(getattr(model, "steps", [("", None)])[0][1], Encoder)
    return Stages(lambda chunk, reached: _estimator(model, chunk, reached), _weights(model), reads)


def _weights(model: Any) -> str:
    if isinstance(model, ChainModel):
        return f"{model.space.frame} {digest_of(model.estimator)}"
    return digest_of(model)


def _check_fitted(model: Any) -> None:
    from sklearn.exceptions import NotFittedError
    from sklearn.utils.validation import check_is_fitted

    try:
        check_is_fitted(model)
    except NotFittedError as error:
        raise NotFitted(f"{type(model).__name__} is not fitted. Call `fit` first.") from error


def _chain(model: ChainModel, chunk: Any, reached: Reached) -> Iterator[Layer]:
    if model.encoder is not None:
        for name, made in _maps(model.encoder, chunk, reached):
            yield name, made
            chunk = made
    elif isinstance(chunk, Vectors):
        chunk = model.vectors(chunk)
    yield from _estimator(model.estimator, _numbers(chunk), reached)


def _maps(model: Any, chunk: Any, reached: Reached) -> Iterator[Layer]:
    """The vectors behind every map; those of the sentence encoder and of transformers behind every stage.

    Vectors go on from wherever they stand; arrays are what the first map takes.
    """
    source, steps = entrance(model), model.maps if isinstance(model, Chain) else (model,)
    if source is not None and not isinstance(chunk, Vectors):
        chunk = Vectors(chunk, space=source.with_claims(()))
    if isinstance(chunk, Vectors):
        steps = rest_of(model, chunk)
    for step in steps:
        name = _called(step)
        reached.at(name)
        if hasattr(step, "stages"):
            *inner, (last, values) = step.stages(chunk).items()
            yield from inner
            chunk = Vectors(values, rows=chunk, space=step.target, encoder=step)
            yield last, chunk
        else:
            chunk = step(chunk)
            yield name, chunk


def _called(step: Any) -> str:
    """What a map is called: by its encoder, "count", or by its class."""
    name = str(step.target.name).partition(":")[0]
    return (
        name.removesuffix("Encoder") if name.endswith("Encoder") else type(step).__name__.removesuffix("Map")
    ).lower()


def _estimator(model: Any, chunk: Any, reached: Reached) -> Iterator[Layer]:
    if hasattr(model, "steps"):
        yield from _pipeline(model, chunk, reached)
    elif hasattr(model, "coefs_") and hasattr(model, "out_activation_"):
        yield from network(model, chunk, reached)
    elif hasattr(model, "regressor_") and hasattr(model, "transformer_"):  # a regressor of a scaled target
        yield from _estimator(model.regressor_, chunk, reached)
        yield reached.at("answer"), _column(model.predict(chunk))
    elif hasattr(model, "transform") and not hasattr(model, "predict"):
        yield reached.at(type(model).__name__.lower()), _step(model, chunk)
    else:
        yield reached.at(type(model).__name__.lower()), _column(_answer(model, chunk))


def _pipeline(model: Any, chunk: Any, reached: Reached) -> Iterator[Layer]:
    last = len(model.steps) - 1
    for place, (name, step) in enumerate(model.steps):
        if step is None or step == "passthrough":
            continue
        if place == last and hasattr(step, "coefs_"):
            yield from network(step, _numbers(chunk), reached)
        elif place == last and hasattr(step, "predict"):
            yield reached.at(name), _column(_answer(step, _numbers(chunk)))
        else:
            reached.at(name)
            chunk = _step(step, chunk)
            yield name, chunk


def _step(step: Any, chunk: Any) -> Any:
    if isinstance(step, Encoder):
        return step.map_(as_table(chunk))
    made = step.transform(_numbers(chunk))
    return made if hasattr(made, "tocsr") else np.asarray(made)


def network(model: Any, chunk: Any, reached: Reached) -> Iterator[Layer]:
    """Give the layers of `MLPClassifier` and `MLPRegressor` from their weights: "hidden 1", …, "output".

    The output is after its last function (softmax, logistic, or none), one column for two classes.
    """
    from sklearn.neural_network._base import ACTIVATIONS

    values = chunk
    layers = list(zip(model.coefs_, model.intercepts_, strict=True))
    for number, (weights, bias) in enumerate(layers, 1):
        final = number == len(layers)
        name = reached.at("output" if final else f"hidden {number}")
        values = np.asarray(values @ weights) + bias
        ACTIVATIONS[model.out_activation_ if final else model.activation](values)
        yield name, values.copy()


def _answer(model: Any, chunk: Any) -> Any:
    """How a model leans where it says so, else what it says."""
    for name in ("decision_function", "predict_proba"):
        if hasattr(model, name):
            return getattr(model, name)(chunk)
    return model.predict(chunk)


def _column(values: Any) -> np.ndarray:
    made = np.asarray(values)
    if made.dtype.kind not in "fiub":
        raise WrongType(f"The answers are words ({made.dtype}), which are no activations.")
    return made.reshape(len(made), -1)


def _numbers(chunk: Any) -> Any:
    return chunk.values if isinstance(chunk, Vectors) else chunk
