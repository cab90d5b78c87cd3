"""`vw.trace`: the activations of a model's layers as vectors, each layer with a space of its own.

This module must not know the command line, nor how a trace is drawn.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

import numpy as np

from vecwise.encoders.fitted import FittedEncoder
from vecwise.errors import (
    EmptyInput,
    NonFinite,
    VecwiseError,
    WrongShape,
    some,
    unknown,
    whole_number,
)
from vecwise.models.given_rows import Given, given_rows
from vecwise.models.layer_piles import Pile, check_complete
from vecwise.models.stages import INPUT, Layer, Reached, Stages, stages_of
from vecwise.runner import Progress
from vecwise.space import Space, mint_frame
from vecwise.table_text import preview_html, preview_text
from vecwise.vectors import Vectors

BATCH: Final = 1024
POOLS: Final = ("mean", "flatten", "refuse")


@dataclass(frozen=True, slots=True, eq=False)
class Trace(Mapping[str, Vectors]):
    """The activations of every layer, in order, by its name; a mapping that prints as a table."""

    layers: dict[str, Vectors] = field(repr=False)
    model: str

    def __getitem__(self, layer: str) -> Vectors:
        if layer not in self.layers:
            raise unknown("layer", str(layer), list(self.layers))
        return self.layers[layer]

    def __iter__(self) -> Iterator[str]:
        return iter(self.layers)

    def __len__(self) -> int:
        return len(self.layers)

    def __contains__(self, layer: object) -> bool:
        return layer in self.layers

    @property
    def rows(self) -> int:
        """How many rows went through the model."""
        return len(next(iter(self.layers.values())))

    def summary(
        self,
        labels: Any = None,
        *,
        k: int = 10,
        sample: int | None = None,
        seed: int = 0,
        name: str = "",
        progress: Any = None,
    ) -> Any:
        """Tell layer by layer what is left of the rows' labels, how many directions are used, and what changes.

        See `vecwise.models.layers.summarize`.
        """
        from vecwise.models.layers import MOST_ROWS, summarize

        return summarize(
            self.layers,
            labels,
            k=k,
            sample=sample or MOST_ROWS,
            seed=seed,
            progress=progress,
            model=self.model,
            name=name,
        )

    def plot(self, layer: str | None = None, *, color: Any = None) -> Any:
        """Draw a layer, or all with a slider that moves the same rows from layer to layer; a plotly figure.

        `color` names a column of the rows, or gives a value for each. Every layer is shown by its two principal
        components, turned to lie best on the layer before; above 5,000 rows a sample is drawn, the same each time.
        Raises `UnknownName`, `WrongShape` for colours that are not one a row, `MissingPackage` without plotly.
        """
        from vecwise.draw.figures import to_plotly
        from vecwise.models.laid import MOST_POINTS, sliding_figure

        shown = self.layers if layer is None else {layer: self[layer]}
        keep = np.arange(self.rows)
        if len(keep) > MOST_POINTS:
            keep = np.sort(np.random.default_rng(0).choice(self.rows, MOST_POINTS, replace=False))
        values = None if color is None else self._colors(color)
        named = color if isinstance(color, str) else str(getattr(color, "name", None) or "label")
        kept = None if values is None else [values[place] for place in keep.tolist()]
        return to_plotly(sliding_figure(shown, keep, color_name=named if kept else None, color_values=kept))

    def _colors(self, color: Any) -> list[Any]:
        """One value a row, of a column of the rows or as they are given."""
        if isinstance(color, str):
            rows = next(iter(self.layers.values())).rows
            if rows is None or color not in rows.column_names:
                raise unknown("column", color, [] if rows is None else rows.column_names)
            color = rows.column(color).to_pylist()
        values = color.tolist() if hasattr(color, "tolist") else list(color)
        if len(values) != self.rows:
            raise WrongShape(f"`color` has {len(values):,} values for {self.rows:,} rows: give one for each.")
        return values

    def _preview(self) -> tuple[str, list[str], list[list[str]], int]:
        head = f"Trace of {self.model}: {len(self):,} layers, {self.rows:,} rows"
        cells = [[name, f"{X.space.dim:,}", X.dtype.name] for name, X in self.layers.items()]
        return head, ["layer", "numbers a row", "type"], cells, 0

    def __repr__(self) -> str:
        return preview_text(*self._preview())

    def _repr_html_(self) -> str:
        return preview_html(*self._preview())


def trace(
    model: Any,
    rows: Any,
    /,
    *,
    layers: Sequence[str] | str | None = None,
    pool: str = "mean",
    batch: int = BATCH,
    into: str | os.PathLike[str] | None = None,
    ids: Any = None,
    progress: Progress | None = None,
) -> Trace:
    """Give the activations of a model's layers for rows: `trace[name]` are `Vectors` with a space of their own.

    `model` is a torch module (every module without modules inside, by forward hooks, in evaluation mode), an
    `MLPClassifier` or `MLPRegressor`, a fitted Pipeline (each step, and the layers of a network that ends it), a fitted
    encoder (the sentence encoder, and transformers that torch runs, by their stages), or a chain of these. `rows` is
    what the model reads: vectors, an array, a table, texts, a path; for torch also a tensor of any shape whose first
    axis are rows, or a dict of them.
    Numbers that go in are the layer `input`. Ids and rows are carried over. `layers` are names, with `*` for any text.

    A layer that gives `(rows, tokens, dim)` is averaged over the tokens (those that `attention_mask` of a dict marks),
    one of `(rows, channels, height, width)` over the places; `pool="flatten"` keeps all numbers, `"refuse"` raises. Of
    several outputs the first counts. A layer called again is named `name:2`. The frame of a layer comes from the
    model's weights: the same model gives the same axes.

    Rows go through `batch` at a time. `into` is a folder that gets the saved vectors of every layer, which are then
    mapped from disk. Cost: the model's own, and the activations in memory unless `into` is given.

    Raises `NonFinite` naming the layer and rows of a NaN, `VecwiseError` naming the layer a failing model reached,
    `UnknownName`, `WrongShape` for an output without a row each, `WrongType`, `NotFitted`, `EmptyInput`.

    >>> import numpy as np, vecwise as vw
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sklearn.linear_model import LogisticRegression
    >>> X, y = np.array([[0.0, 1], [1, 1], [4, 0], [5, 0]]), [0, 0, 1, 1]
    >>> model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
    >>> vw.trace(model, X)
    Trace of Pipeline: 3 layers, 4 rows
      layer               numbers a row     type
      input                           2  float64
      standardscaler                  2  float64
      logisticregression              1  float64
    """
    if pool not in POOLS:
        raise unknown("pool", str(pool), POOLS)
    size = whole_number("batch", batch, "how many rows go through at a time")
    wanted = None if layers is None else [layers] if isinstance(layers, str) else list(layers)
    if wanted is not None and not wanted:
        raise EmptyInput("`layers` is empty: name some, or leave it out for all.")
    stages, given = _ready(model, rows, wanted, pool, ids)
    if not given.count:
        raise EmptyInput("There are no rows to trace.")
    name = _name(model)
    run = _Run(stages, given, name, wanted, size, progress)
    return Trace(run.saved(Path(into)) if into is not None else run.kept(), name)


def _name(model: Any) -> str:
    if isinstance(model, FittedEncoder):
        return model.space.name.partition(":")[0] or "an encoder"
    target = getattr(model, "target", "")
    return f"the model of {target}" if isinstance(target, str) and target else type(model).__name__


def _ready(model: Any, rows: Any, wanted: Any, pool: str, ids: Any) -> tuple[Stages, Given]:
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(model, torch.nn.Module):
        from vecwise.models.torch_stages import torch_given, torch_stages

        return torch_stages(model, wanted, pool), torch_given(rows, ids)
    stages = stages_of(model)
    return stages, given_rows(rows, ids, as_rows=stages.rows, with_space=stages.vectors)


class _Run:
    """One walk of all rows through the model."""

    def __init__(
        self, stages: Stages, given: Given, name: str, wanted: list[str] | None, size: int, progress: Any
    ) -> None:
        self.stages, self.given, self.name = stages, given, name
        self.wanted, self.size, self.progress = wanted, size, progress
        self.spaces: dict[str, Space] = {}

    def kept(self) -> dict[str, Vectors]:
        """All layers in memory, each written where it stays."""
        piles: dict[str, Pile] = {}
        for start, _, layers in self._batches():
            for name, X in layers.items():
                piles.setdefault(name, Pile(self.given.count)).add(X, start)
        return {name: pile.whole(name, self.given, self.spaces[name]) for name, pile in piles.items()}

    def saved(self, folder: Path) -> dict[str, Vectors]:
        """All layers as saved vectors, each in a folder of its own, written once; memory holds a batch.

        The folders hold vectors when all rows went through, and what they held before where the model failed.
        """
        from vecwise.store import datasets
        from vecwise.store.durable import make_folder

        make_folder(folder)
        places: dict[str, Path] = {}
        adding: dict[str, Callable[[Vectors], None]] = {}
        rows: dict[str, int] = {}
        with ExitStack() as open_folders:
            for _, _, layers in self._batches():
                for name, X in layers.items():
                    rows[name] = rows.get(name, 0) + len(X)
                    if name in adding:
                        adding[name](X)
                        continue
                    places[name] = folder / f"{len(places):02d} {_file(name)}"
                    adding[name] = open_folders.enter_context(datasets.writing(X, places[name]))
            for name, count in rows.items():
                check_complete(name, count, self.given.count)
        return {name: datasets.load(place, verify=False)[0] for name, place in places.items()}

    def _batches(self) -> Iterator[tuple[int, int, dict[str, Vectors]]]:
        total = self.given.count
        for start in range(0, total, self.size):
            stop = min(total, start + self.size)
            yield start, stop, self._batch(start, stop)
            if self.progress:
                self.progress(stop, total)

    def _batch(self, start: int, stop: int) -> dict[str, Vectors]:
        chunk, reached = self.given.take(start, stop), Reached()
        made: dict[str, Vectors] = {}
        seen = []
        ids = self.given.ids[start:stop]
        table = None if self.given.table is None else self.given.table.slice(start, stop - start)
        for layer, values in self._walk(chunk, reached):
            name, again = layer, 1
            while name in seen:
                again += 1
                name = f"{layer}:{again}"
            seen.append(name)
            if self._is_wanted(name):
                made[name] = self._vectors(name, values, ids, table)
        self._check_names(seen)
        return made

    def _walk(self, chunk: Any, reached: Reached) -> Iterator[Layer]:
        try:
            plain = chunk.values if isinstance(chunk, Vectors) else chunk
            if getattr(plain, "ndim", 0) == 2 and str(getattr(plain, "dtype", "object")) != "object":
                yield INPUT, plain
            yield from self.stages.walk(chunk, reached)
        except VecwiseError:
            raise
        except Exception as error:
            before = f", after {some(reached.done)}" if reached.done else ""
            where = f"in its layer `{reached.layer}`{before}" if reached.layer else "before its first layer"
            raise VecwiseError(
                f"{self.name} failed {where}: {type(error).__name__}: {_short(error)}"
            ) from error

    def _is_wanted(self, name: str) -> bool:
        return self.wanted is None or any(_matches(name, pattern) for pattern in self.wanted)

    def _check_names(self, seen: list[str]) -> None:
        for pattern in self.wanted or ():
            if not any(_matches(name, pattern) for name in seen):
                raise unknown("layer", pattern, seen)

    def _vectors(self, name: str, values: Any, ids: np.ndarray, table: Any) -> Vectors:
        own = values.space if isinstance(values, Vectors) else None
        plain = values.values if isinstance(values, Vectors) else values
        if getattr(plain, "ndim", 0) != 2 or plain.shape[0] != len(ids):
            raise WrongShape(
                f"Layer `{name}` gives an array of shape {tuple(plain.shape)} for {len(ids):,} rows: it has no row "
                "each. Name other layers with `layers`."
            )
        if plain.shape[1] == 0:
            raise WrongShape(f"Layer `{name}` gives no numbers.")
        if name not in self.spaces:
            self.spaces[name] = own or self._space(name, int(plain.shape[1]))
        space = self.spaces[name].with_claims(self.spaces[name].claims - {"centered"})
        if space.dim != plain.shape[1]:
            raise WrongShape(
                f"Layer `{name}` gives {plain.shape[1]:,} numbers a row after {space.dim:,} in the rows before: "
                "its width depends on the rows. Average it with pool='mean', or make all rows equally long."
            )
        try:
            return Vectors(plain, ids, table, space)
        except NonFinite as error:
            bad = _bad_rows(plain, ids)
            raise NonFinite(
                f"Layer `{name}` of {self.name} gives NaN or infinity for {some(bad)}. Look at what goes in, or at "
                "the layers before it: layers=[…]."
            ) from error

    def _space(self, name: str, dim: int) -> Space:
        given = self.given.space
        if name == INPUT:
            return given if given is not None and given.dim == dim else Space(dim, name=INPUT)
        meaning = {"weights": self.stages.weights, "layer": name, "dim": dim}
        if given is not None and given.kind != "own":
            meaning["input"] = given.frame
        return Space(dim, mint_frame("layer", meaning), name=f"{self.name}: {name}")


def _matches(name: str, pattern: str) -> bool:
    return name == pattern or fnmatchcase(name, pattern)


def _bad_rows(values: Any, ids: np.ndarray) -> list[Any]:
    cells = values.toarray() if hasattr(values, "toarray") else np.asarray(values)
    return [f"row {name}" for name in ids[~np.isfinite(cells).all(axis=1)].tolist()]


def _short(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text if len(text) <= 300 else text[:299] + "…"


def _file(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "_", name).strip("._") or "layer"
