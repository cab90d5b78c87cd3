"""What the vectors of one file say: the facts of `vecwise explore`, computed once, for text, JSON and the report.

This module must not know the command line, nor how a file was read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from vecwise.draw.words import fixed, number, row
from vecwise.encoders.guess import Plan
from vecwise.engines.local import threads
from vecwise.kernels.arrays import dense
from vecwise.kernels.extremes import extreme_pairs
from vecwise.kernels.similarity import PAIRS
from vecwise.measure.components import Components, pca
from vecwise.measure.health import Health, health
from vecwise.measure.nearest import nearest
from vecwise.measure.norms import normalize
from vecwise.measure.views import View, view_of
from vecwise.table_text import clip
from vecwise.vectors import Vectors

PAIR_WORK: Final = (
    1.2e10  # multiplications spent on the closest and farthest pair, under a second on one core
)
SAMPLE_ROWS: Final = 6  # rows whose neighbours are told
NEIGHBORS: Final = 4
MOST_LISTED: Final = 16  # numbers of a list that a cell shows


@dataclass(frozen=True, slots=True)
class PairFound:
    """Two rows, their score by the view's measure, and how many rows were searched."""

    left: int
    right: int
    score: float
    searched: int


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything `explore` tells about vectors."""

    vectors: Vectors
    plan: Plan | None
    health: Health
    view: View
    components: Components | None
    points: np.ndarray
    closest: PairFound | None
    farthest: PairFound | None
    neighbors: tuple[tuple[int, tuple[tuple[int, float], ...]], ...]
    shown: tuple[str, ...]
    notes: tuple[str, ...] = ()  # what was warned of on the way, such as texts that were cut

    def row(self, place: int, width: int = 96) -> str:
        """One row in words."""
        if self.vectors.rows is None:
            return clip(f"row {self.vectors.ids[place]}", width)
        if not self.shown:
            return clip(f"row {self.vectors.ids[place]}", width)
        values = self.vectors.rows.select(self.shown).slice(place, 1).to_pylist()[0]
        return row(values, self.shown, width)


def facts_of(X: Vectors, plan: Plan | None = None, *, seed: int = 0, notes: tuple[str, ...] = ()) -> Facts:
    """Look at vectors from every side that `explore` shows.

    The closest and the farthest pair are exact up to about 33,000 rows of 20 dimensions, and among a
    seeded sample above. Above 2,048 dimensions the components are found by a sketch of the same seed.
    """
    found = health(X)
    view = view_of(X, found)
    components = pca(view.vectors, seed=seed) if len(X) else None
    points = np.zeros((len(X), 3), dtype=np.float32)
    if components is not None:
        made = dense(components(view.vectors).values)
        points[:, : made.shape[1]] = made
    closest, farthest = _extremes(view, found.distinct, seed)
    told = _neighbors(view, seed)
    shown = shown_columns(X, plan)
    return Facts(X, plan, found, view, components, points, closest, farthest, told, shown, notes)


def _extremes(view: View, places: np.ndarray, seed: int) -> tuple[PairFound | None, PairFound | None]:
    X = view.vectors
    if view.metric == "cosine":
        lengths = dense(abs(X.values).max(axis=1)).reshape(-1) if len(X) else np.zeros(0)
        places = places[lengths[places] > 0]
    most = int(np.sqrt(2 * PAIR_WORK / (X.shape[1] + 2)))
    if len(places) > most:
        places = np.sort(np.random.default_rng(seed).choice(places, most, replace=False))
    chosen = X[places]
    points = dense((normalize(chosen) if view.metric == "cosine" else chosen).values)
    found = extreme_pairs(points, threads())
    if found is None:
        return None, None
    pairs = [(int(places[p.left]), int(places[p.right])) for p in found]
    scored = [float(PAIRS[view.metric](X.values[[a]], X.values[[b]])[0, 0]) for a, b in pairs]
    closest, farthest = (PairFound(a, b, s, len(places)) for (a, b), s in zip(pairs, scored, strict=True))
    return closest, farthest


def _neighbors(view: View, seed: int) -> tuple[tuple[int, tuple[tuple[int, float], ...]], ...]:
    X = view.vectors
    if len(X) < 2:
        return ()
    picked = np.sort(np.random.default_rng(seed).choice(len(X), min(SAMPLE_ROWS, len(X)), replace=False))
    found = nearest(X, X[picked], k=NEIGHBORS + 1, metric=view.metric)
    told = []
    for place, near, scores in zip(
        picked.tolist(), found.places.tolist(), found.scores.tolist(), strict=True
    ):
        others = [(p, s) for p, s in zip(near, scores, strict=True) if p != place][:NEIGHBORS]
        told.append((place, tuple(others)))
    return tuple(told)


def shown_columns(X: Vectors, plan: Plan | None) -> tuple[str, ...]:
    """The columns that tell a row in words: the text, the first encoded ones, or those beside vectors."""
    if X.rows is None:
        return ()
    names = readable(X.rows.schema)
    if plan is not None and any(c.type == "image" for c in plan.columns):
        return tuple(names[:6])
    if plan is None or plan.vectors is not None:
        return tuple(names[:6])
    texts = [c.name for c in plan.columns if c.use == "text"]
    return tuple(texts or [c.name for c in plan.columns if c.use == "encode"][:6])


def readable(schema: Any) -> list[str]:
    """The columns to show: bytes of files and lists of pixels are no reading matter."""
    from pyarrow import types

    def is_data(kind: Any) -> bool:
        pixels = types.is_fixed_size_list(kind) and kind.list_size > MOST_LISTED
        return bool(types.is_binary(kind) or types.is_large_binary(kind) or types.is_struct(kind) or pixels)

    return [str(field.name) for field in schema if not is_data(field.type)]


def score_words(metric: str, score: float) -> str:
    """A score with its measure: "cosine 0.500", "distance 1.204"."""
    return f"cosine {fixed(score)}" if metric == "cosine" else f"distance {number(score)}"


def oddities(found: Health) -> str:
    """The rows that deserve a look, counted in one sentence: "No zero row; no row with NaN …"."""
    told = [
        _counted(found.zero_rows, "zero row", "zero rows"),
        _counted(found.nonfinite_rows, "row with NaN or infinity", "rows with NaN or infinity"),
        _counted(found.duplicates, "row equals an earlier one", "rows equal an earlier one"),
    ]
    sentence = "; ".join(told)
    return f"{sentence[0].upper()}{sentence[1:]}."


def _counted(amount: int, one: str, many: str) -> str:
    return f"{amount:,} {one if amount == 1 else many}" if amount else f"no {one}"
