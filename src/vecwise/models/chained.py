"""Models in a row: encoder, maps and an estimator as one, which predicts from raw rows and is saved as one folder.

This module must not know how an estimator was chosen, nor the command line.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from itertools import pairwise
from typing import Any, Final

import numpy as np

from vecwise.encoders.base import Encoder
from vecwise.encoders.registry import from_data, to_data
from vecwise.errors import Damaged, Inapplicable, NotFitted, SpaceMismatch, VecwiseError, WrongType
from vecwise.kernels.arrays import dense
from vecwise.models.skops_files import estimator_bytes, estimator_of
from vecwise.models.targets import answers_array
from vecwise.space import Space
from vecwise.store.rows import as_table
from vecwise.store.state_folders import StateFolder
from vecwise.table_text import preview_html, preview_text
from vecwise.vectors import Vectors, as_vectors
from vecwise.verbs import Chain, Map, entrance, onward
from vecwise.verbs import chain as composed

MODELS: Final = StateFolder("model", "fit the model again")


@dataclass(frozen=True, slots=True, eq=False)
class ChainModel:
    """An encoder (or none), and a fitted scikit-learn estimator on its vectors.

    `encoder` maps rows to vectors of `space`; `estimator` predicts from them; `classes` are what its class
    numbers stand for, if it predicts those; `target` is what is predicted.
    """

    encoder: Map | None
    estimator: Any = field(repr=False)
    space: Space
    classes: tuple[Any, ...] | None = None
    target: str = ""

    def vectors(self, rows: Any) -> Vectors:
        """Give what the estimator sees: raw rows are encoded; vectors go on from wherever in the chain they stand.

        Arrays are what the encoder takes, if that is vectors, and else what the estimator does. Raises `SpaceMismatch`,
        and `WrongType` for raw rows where no encoder reads them.
        """
        takes = taken_by(self)
        if (isinstance(rows, np.ndarray) and rows.dtype.kind in "fiub") or hasattr(rows, "tocsr"):
            first = takes or self.space
            rows = as_vectors(rows, like=Vectors(np.zeros((1, first.dim)), space=first))
        if isinstance(rows, Vectors):
            if self.encoder is None:
                self.space.must_match(rows.space, "predict from")
            return rows if self.encoder is None else onward(self.encoder, rows)
        if self.encoder is None or takes is not None:
            raise WrongType(
                "This model has no encoder of rows: give it vectors or an array of numbers, not raw rows."
            )
        return self.encoder(as_table([rows] if isinstance(rows, str) else rows))

    def predict(self, rows: Any) -> np.ndarray:
        """Predict one value a row: classes as they were given when the model learned, or numbers."""
        X = self.vectors(rows)
        said = np.asarray(self.estimator.predict(X.values if X.is_sparse else dense(X.values)))
        if self.classes is None:
            return said
        return answers_array(self.classes, said)

    def predict_proba(self, rows: Any) -> np.ndarray:
        """Give probabilities `(rows, classes)`, in the order of `classes` (without them of the estimator's own).

        Raises `Inapplicable` for numbers, and for estimators that know none, such as support vector machines.
        """
        if not hasattr(self.estimator, "predict_proba"):
            last = self.steps[-1][0]
            raise Inapplicable(
                f"{last} gives no probabilities: take a linear model, neighbours, boosting or a network."
            )
        X = self.vectors(rows)
        known = np.asarray(
            self.estimator.predict_proba(X.values if X.is_sparse else dense(X.values)), np.float64
        )
        if self.classes is None:
            return known
        found = np.zeros((len(known), len(self.classes)))
        found[:, np.asarray(self.estimator.classes_, np.int64)] = known
        return found

    @property
    def steps(self) -> list[tuple[str, int]]:
        """The names of the steps, and how many numbers come out of each (1 from the estimator)."""
        inner = [name for name, _ in self.estimator.steps] if hasattr(self.estimator, "steps") else []
        last = " > ".join(inner) or type(self.estimator).__name__
        return [*([] if self.encoder is None else steps_of(self.encoder)), (last, 1)]

    def save(self, path: str | os.PathLike[str]) -> None:
        """Save the whole as a folder: maps as JSON and safetensors, the estimator by skops, which holds no code.

        Raises `NotSavable` for a map that is no plain data, `MissingPackage` without skops.
        """
        encoder = None if self.encoder is None else to_data(self.encoder)
        data = {
            "encoder": encoder,
            "estimator": np.frombuffer(estimator_bytes(self.estimator), np.uint8),
            "space": self.space.to_data(),
            "classes": None if self.classes is None else list(self.classes),
            "target": self.target,
        }
        MODELS.save(data, path)

    def _preview(self) -> tuple[str, list[str], list[list[str]], int]:
        head = f"Model of {self.target or 'a target'}: {' → '.join(name for name, _ in self.steps)}"
        return head, ["step", "numbers out"], [[name, f"{dim:,}"] for name, dim in self.steps], 0

    def __repr__(self) -> str:
        return preview_text(*self._preview())

    def _repr_html_(self) -> str:
        return preview_html(*self._preview()) + self.diagram()

    def diagram(self) -> str:
        """Draw the steps as boxes in a row, the number of dimensions on each arrow; an SVG picture."""
        return drawn(self)


def steps_of(whole: ChainModel | Map) -> list[tuple[str, int]]:
    """Give the names of the steps of a chain or a map, and how many numbers come out of each."""
    if isinstance(whole, ChainModel):
        return whole.steps
    maps = whole.maps if isinstance(whole, Chain) else (whole,)
    return [(type(step).__name__.removesuffix("Map"), step.target.dim) for step in maps]


def drawn(whole: ChainModel | Map) -> str:
    """Draw a chain or a map as boxes in a row, from what goes in to what comes out; an SVG picture."""
    takes = taken_by(whole)
    start = ("rows", 0) if takes is None else ("vectors", takes.dim)
    return diagram(
        [start, *steps_of(whole)],
        (whole.target or "answers") if isinstance(whole, ChainModel) else "vectors",
    )


def taken_by(whole: ChainModel | Map) -> Space | None:
    """Give the space of the vectors that a chain or a map takes; `None` for one that reads rows."""
    if not isinstance(whole, ChainModel):
        return entrance(whole)
    return whole.space if whole.encoder is None else entrance(whole.encoder)


def chain(*steps: Any, target: str = "") -> ChainModel | Chain:
    """Chain fitted encoders, maps and, last, a scikit-learn estimator into one; every joint is checked.

    Steps are fitted encoders, maps (`vw.pca(X)`, `X.encoder`), fitted scikit-learn Pipelines of these, and an estimator
    with `predict`, or a whole `ChainModel`. A step that brings the beginning of the chain with it (`found(X).encoder`
    behind `X.encoder`, a model with its encoder) goes on from where the chain stands. Without an estimator a `Map` is
    given, else a `ChainModel`, which predicts from what the first step reads. `target` is what the answers are called.

    Raises `SpaceMismatch` where the vectors of one step are not what the next was fitted on, `NotFitted`, and
    `WrongType` for a step that is none, or that stands behind an estimator.

    >>> import vecwise as vw
    >>> from sklearn.linear_model import LogisticRegression
    >>> encoder = vw.CountEncoder().fit(["good film", "bad film"])
    >>> model = LogisticRegression().fit(encoder.transform(["good film", "bad film"]), ["+", "-"])
    >>> vw.chain(encoder, model).predict(["a good one", "so bad"]).tolist()
    ['+', '-']
    """
    maps: list[Any] = []
    last: Any = None
    for step in steps:
        if last is not None:
            raise WrongType(f"{type(last).__name__} predicts, so nothing can stand behind it.")
        parts = _parts(step)
        if _predicts(parts[-1]):
            last = parts.pop()
        maps += _behind(maps, parts)
    if not maps and last is None:
        raise WrongType("A chain has at least one step.")
    _check_joints(maps)
    whole = composed(*maps) if maps else None
    if last is None and whole is not None:
        return whole
    if isinstance(steps[-1], ChainModel):
        model = steps[-1]
        return ChainModel(whole, last, _space_before(whole, model), model.classes, target or model.target)
    return ChainModel(whole, last, _space_of(whole, last), None, target)


def open_model(path: str | os.PathLike[str], /) -> ChainModel:
    """Open a saved model; nothing in the folder is executed, and types that are not trusted are refused.

    Raises `FileMissing`, `UnknownFormat`, `Damaged`, `WrongType` naming the types, `MissingPackage` without skops.

    >>> import tempfile, vecwise as vw
    >>> found = vw.probe([[0.0], [1.0], [2.0], [3.0]] * 5, ["low", "low", "high", "high"] * 5, model="linear")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     found.chain().save(folder + "/model")
    ...     vw.open_model(folder + "/model").predict(np.array([[0.0], [3.0]])).tolist()
    ['low', 'high']
    """
    from vecwise.store.os_errors import shown
    from vecwise.tracking.registry import names_a_model, resolve_model

    if names_a_model(path):
        path = resolve_model(str(path))
    state = MODELS.load(path)
    try:
        encoder = None if state["encoder"] is None else from_data(state["encoder"])
        estimator = estimator_of(np.asarray(state["estimator"]).tobytes(), shown(path))
        classes = None if state["classes"] is None else tuple(state["classes"])
        return ChainModel(encoder, estimator, Space.from_data(state["space"]), classes, str(state["target"]))
    except VecwiseError:
        raise
    except (KeyError, TypeError, AttributeError) as error:
        raise Damaged(f"The model in {shown(path)} is incomplete. Fit the model again.") from error


def diagram(steps: Sequence[tuple[str, int]], answer: str) -> str:
    """Boxes from left to right, as SVG: the numbers that come out of each stand on the arrow behind it.

    >>> diagram([("rows", 0), ("Count", 3)], "kind").count("<rect")
    3
    """
    boxes, x = [], 4
    words = [*[(name, f"{dim:,}" if dim else "") for name, dim in steps], (answer, "")]
    for place, (name, out) in enumerate(words):
        width = 24 + 7 * len(name)
        boxes.append(
            f"<rect x='{x}' y='14' width='{width}' height='30' rx='6' fill='none' stroke='currentColor'/>"
            f"<text x='{x + width / 2}' y='33' text-anchor='middle'>{escape(name)}</text>"
        )
        x += width
        if place < len(words) - 1:
            boxes.append(
                f"<path d='M{x} 29h56m-6 -4l6 4l-6 4' fill='none' stroke='currentColor'/>"
                f"<text x='{x + 28}' y='22' text-anchor='middle' font-size='10'>{out}</text>"
            )
            x += 56
    head = f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {x + 4} 58' width='{x + 4}' height='58'"
    return f"{head} font-family='system-ui, sans-serif' font-size='12' fill='currentColor'>{''.join(boxes)}</svg>"


def _parts(step: Any) -> list[Any]:
    """A step as fitted maps and, perhaps, an estimator at the end."""
    if isinstance(step, ChainModel):
        return [*([] if step.encoder is None else _parts(step.encoder)), step.estimator]
    if isinstance(step, Encoder):
        return _parts(step.map_)
    if isinstance(step, Chain):
        return list(step.maps)
    if hasattr(step, "target") and callable(step):
        return [step]
    if hasattr(step, "steps") and hasattr(step, "predict"):
        return _of_pipeline(step)
    if _predicts(step):
        _check_fitted(step)
        return [step]
    raise WrongType(
        f"{type(step).__name__} is no step of a chain: give a fitted encoder, a map, or a fitted scikit-learn "
        "estimator."
    )


def _behind(maps: Sequence[Any], parts: list[Any]) -> list[Any]:
    """The maps of a step that go on from where the chain stands: it may bring the beginning of the chain with it."""
    if not maps or not parts or entrance(parts[0]) is not None:
        return parts
    at = maps[-1].target
    return next((parts[i + 1 :] for i, part in enumerate(parts) if part.target.same_axes(at)), parts)


def _of_pipeline(pipeline: Any) -> list[Any]:
    """The encoders at the head of a scikit-learn Pipeline as maps, the rest of it as one estimator."""
    _check_fitted(pipeline)
    inner = [step for _, step in pipeline.steps]
    head = 0
    while head < len(inner) and isinstance(inner[head], Encoder):
        head += 1
    return [*(part for step in inner[:head] for part in _parts(step)), pipeline[head:] if head else pipeline]


def _predicts(step: Any) -> bool:
    return hasattr(step, "predict") and not isinstance(step, (Encoder, ChainModel))


def _check_fitted(step: Any) -> None:
    from sklearn.exceptions import NotFittedError
    from sklearn.utils.validation import check_is_fitted

    try:
        check_is_fitted(step)
    except NotFittedError as error:
        raise NotFitted(f"{type(step).__name__} is not fitted. Call `fit` first.") from error


def _check_joints(maps: Sequence[Any]) -> None:
    for before, after in pairwise(maps):
        source = entrance(after)
        if source is not None:
            source.must_match(
                before.target, f"chain {type(before).__name__} and {type(after).__name__} between"
            )
        elif not hasattr(after, "reads_vectors"):
            raise WrongType(
                f"{type(after).__name__} reads rows and not vectors, so it stands first in a chain."
            )


def _space_before(whole: Map | None, model: ChainModel) -> Space:
    """The space that a whole model predicts from, which what stands before it must make."""
    if whole is None or whole.target.kind == model.space.kind == "own":
        _space_of(whole, model.estimator)
        return model.space if whole is None else whole.target
    model.space.must_match(whole.target, f"chain the model of {model.target or 'a target'} behind")
    return model.space


def _space_of(whole: Map | None, estimator: Any) -> Space:
    """The space that the estimator predicts from; its dimension is what the estimator was fitted on."""
    dim = getattr(estimator, "n_features_in_", None)
    if whole is None:
        if dim is None:
            raise WrongType(
                f"{type(estimator).__name__} does not say how many numbers it takes: chain it behind an encoder."
            )
        return Vectors(np.zeros((1, int(dim)))).space
    if dim is not None and int(dim) != whole.target.dim:
        raise SpaceMismatch(
            f"{type(estimator).__name__} was fitted on {int(dim):,} numbers a row, and {whole.target.label} has "
            f"{whole.target.dim:,}. Fit it on the vectors of this encoder."
        )
    return whole.target
