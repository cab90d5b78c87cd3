"""What the layers of a model say of labelled rows: how classes part from layer to layer, and how alike layers are.

This module must not know models, files or pictures.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from vecwise.errors import Inapplicable, OutOfRange, missing_package, whole_number
from vecwise.kernels.neighbourhoods import effective_rank, singular_values
from vecwise.measure.nearest import nearest
from vecwise.measure.views import advised
from vecwise.models.alignment import alignments
from vecwise.models.compare import MOST_DIM, MOST_WIDE, coordinates
from vecwise.models.probing import MAIN, tried
from vecwise.models.sources import Ready
from vecwise.models.splits import splits
from vecwise.models.targets import Target, read_target, without_rare
from vecwise.runner import Progress
from vecwise.table_text import preview_html, preview_text
from vecwise.vectors import Vectors

MOST_ROWS: Final = 2_000
FOLDS: Final = 3
NONE: Final = float("nan")


@dataclass(frozen=True, slots=True)
class LayerSaid:
    """One layer: `probe` and `spread` of a linear model over the folds, `agreement` of neighbours' labels, and so on.

    `cka` is the unbiased alignment with the layer before (NaN for the first). What does not apply is NaN.
    """

    name: str
    dim: int
    probe: float
    spread: float
    agreement: float
    rank: float
    cka: float


@dataclass(frozen=True, slots=True, eq=False)
class Summary:
    """What the layers say, in order; `cka` `(layers, layers)` is the unbiased alignment of all with all.

    `metric` is what `probe` holds ("accuracy" or "r2"), `chance` what agreement would be among shuffled labels, and
    `baseline` what always saying the most frequent class reaches; `rows` were looked at.
    """

    layers: tuple[LayerSaid, ...]
    cka: np.ndarray = field(repr=False)
    metric: str
    baseline: float
    chance: float
    k: int
    rows: int
    model: str = ""
    target: str = ""

    def to_pandas(self) -> Any:
        """Give a frame with a row for each layer."""
        try:
            import pandas as pd
        except ImportError as error:
            raise missing_package("pandas", "to_pandas", "'vecwise[pandas]'") from error
        names = ("dim", "probe", "spread", "agreement", "rank", "cka")
        index = pd.Index([one.name for one in self.layers], name="layer")
        return pd.DataFrame({n: [getattr(one, n) for one in self.layers] for n in names}, index=index)

    def _preview(self) -> tuple[str, list[str], list[list[str]], int]:
        labelled = ""
        if self.metric:
            name = self.metric.replace("r2", "R²")
            labelled = f"; baseline {name} {self.baseline:.3f}"
            labelled += "" if np.isnan(self.chance) else f", agreement by chance {self.chance:.0%}"
        head = f"Layers of {self.model or 'a model'} on {self.rows:,} rows{labelled}"
        return head, *self.table(), 0

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Give the header and the cells, as they are printed; columns that do not apply are left out."""
        header, cells = ["layer", "numbers"], [[one.name, f"{one.dim:,}"] for one in self.layers]
        columns = {
            f"linear {self.metric.replace('r2', 'R²')}": [
                f"{_put(o.probe)} ± {o.spread:.3f}" for o in self.layers
            ],
            "neighbours agree": [_put(one.agreement, share=True) for one in self.layers],
            "directions used": [_put(one.rank, digits=1) for one in self.layers],
            "CKA with before": [_put(one.cka) for one in self.layers],
        }
        keep = [bool(self.metric), not np.isnan(self.chance), True, len(self.layers) > 1]
        for (name, values), kept in zip(columns.items(), keep, strict=True):
            if kept:
                header.append(name)
                cells = [[*line, value] for line, value in zip(cells, values, strict=True)]
        return header, cells

    def __repr__(self) -> str:
        return preview_text(*self._preview())

    def _repr_html_(self) -> str:
        return preview_html(*self._preview())


def summarize(
    layers: Mapping[str, Vectors],
    labels: Any = None,
    *,
    k: int = 10,
    sample: int = MOST_ROWS,
    seed: int = 0,
    progress: Progress | None = None,
    model: str = "",
    name: str = "",
) -> Summary:
    """Summarize layers over the same rows, up to `sample` of them drawn by `seed`.

    `labels` are a column of the rows, or one for each, called `name`; without them only shapes are told. Then: how well
    a linear model tells the labels from the layer, cross-validated in 3 folds; the share of the k nearest rows with the
    same label; the effective rank (exp of the entropy of the singular values); and the unbiased linear CKA. Near means
    what the layer's vectors advise; columns of several units are standardized.

    Raises what `vw.probe` raises for labels.

    >>> X = Vectors(np.repeat(np.eye(3), 6, axis=0) + np.linspace(0, 0.1, 18)[:, None])
    >>> found = summarize({"a": X, "b": X * 2}, sorted("xyz" * 6), k=3)
    >>> found.layers[1].agreement, round(found.layers[1].cka, 6)
    (1.0, 1.0)
    """
    k = whole_number("k", k, "the number of neighbours")
    whole_number("sample", sample, "how many rows are looked at")
    first = next(iter(layers.values()))
    target = None if labels is None else _target(first, labels, name)
    rows = np.arange(len(first)) if target is None else target.places
    picked = np.arange(len(rows))
    if len(picked) > sample:
        picked = np.sort(np.random.default_rng(seed).choice(len(rows), sample, replace=False))
    if len(picked) < 2:
        raise OutOfRange("Layers of fewer than two rows say nothing: trace more rows.")
    shown = {name: _alone(X, rows[picked]) for name, X in layers.items()}
    told = None if target is None else _cut(target, picked)
    table = _alignments(list(shown.values()), seed)
    made = []
    for place, (layer, X) in enumerate(shown.items()):
        score = (NONE, NONE, NONE) if told is None else _probe(X, told, seed)
        agrees = NONE if told is None or told.classes is None else _agreement(X, told.values, k)
        before = float(table[place, place - 1]) if place else NONE
        rank = effective_rank(singular_values(X.values))
        made.append((score[2], LayerSaid(layer, X.space.dim, score[0], score[1], agrees, rank, before)))
        if progress:
            progress(place + 1, len(shown))
    return Summary(
        tuple(one for _, one in made), table, "" if told is None else MAIN[told.task], made[0][0],
        _chance(told), min(k, len(picked) - 1), len(picked), model, "" if told is None else told.name,
    )  # fmt: skip


def _target(X: Vectors, labels: Any, name: str) -> Target:
    if not isinstance(labels, str):
        return read_target(labels, len(X), name=name or str(getattr(labels, "name", None) or "label"))
    from vecwise.errors import unknown

    if X.rows is None:
        raise Inapplicable(
            f"There is no column `{labels}`: these rows carry none. Give a label for each row."
        )
    if labels not in X.rows.column_names:
        raise unknown("column", labels, X.rows.column_names)
    return read_target(X.rows.column(labels), len(X), name=labels)


def _alone(X: Vectors, rows: np.ndarray) -> Vectors:
    """Some rows of a layer without their cells: labels must not be near the numbers."""
    part = X[rows]
    made = Vectors(part.values, part.ids, None, X.space)
    if advised(made) != "standardized":
        return made
    from vecwise.measure.standardized import standardize

    return standardize(made)  # columns of several units are compared so


def _cut(target: Target, picked: np.ndarray) -> Target:
    """The target of the rows picked, classes that none of them has left out."""
    values, classes = target.values[picked], target.classes
    if classes is not None:
        present, values = np.unique(values, return_inverse=True)
        classes = tuple(classes[int(place)] for place in present)
        if len(classes) < 2:
            raise OutOfRange(f"All rows that are looked at have one class of `{target.name}`.")
    return Target(values, np.arange(len(values)), classes, len(values), target.name, target.why)


def _probe(X: Vectors, target: Target, seed: int) -> tuple[float, float, float]:
    """The linear model's score, its spread over the folds, and the baseline's, without classes too rare for them."""
    target = without_rare(target, FOLDS)
    cut, _ = splits(target, folds=FOLDS, seed=seed)
    found = tried(Ready(X), target, cut, model="linear", seed=seed)
    metric = MAIN[target.task]
    base, linear = found.tried
    return linear.mean(metric), linear.spread(metric), base.mean(metric)


def _agreement(X: Vectors, labels: np.ndarray, k: int) -> float:
    """The share of the k nearest rows, itself left out, that have the label of a row."""
    take = min(k, len(X) - 1)
    places = nearest(X, X, k=take + 1, metric="auto").places
    own = places == np.arange(len(X))[:, None]
    own[~own.any(axis=1), -1] = True  # a row with many equals may not be among its own nearest
    others = places[~own].reshape(len(X), take)
    return float((labels[others] == labels[:, None]).mean())


def _chance(target: Target | None) -> float:
    if target is None or target.classes is None:
        return NONE
    counts = np.bincount(target.values)
    rows = len(target.values)
    return float((counts * (counts - 1)).sum() / (rows * (rows - 1)))


def _alignments(layers: list[Vectors], seed: int) -> np.ndarray:
    """The unbiased CKA of every two layers."""
    keep = np.arange(len(layers[0]))
    if len(keep) > MOST_WIDE and any(X.space.dim > MOST_DIM for X in layers):
        keep = np.sort(np.random.default_rng(seed).choice(len(keep), MOST_WIDE, replace=False))
    return alignments([coordinates(X[keep]) for X in layers])


def _put(value: float, *, share: bool = False, digits: int = 3) -> str:
    if np.isnan(value):
        return "–"
    return f"{value:.0%}" if share else f"{value:.{digits}f}"
