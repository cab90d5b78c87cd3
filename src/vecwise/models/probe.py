"""`vw.probe`: what can be learned from vectors, with what to trust and what to look at.

This module must not know the command line, nor how files are read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from vecwise.encoders.base import Encoder
from vecwise.encoders.guess import plan
from vecwise.encoders.registry import as_encoder
from vecwise.errors import Inapplicable, OutOfRange, UnknownName, missing_package, unknown
from vecwise.kernels.arrow import whole_numbers
from vecwise.models.chained import ChainModel
from vecwise.models.estimators import BASELINE
from vecwise.models.probing import MAIN, Tried, fitted, inputs, tried
from vecwise.models.reasons import MOST_COLUMNS, Fold, alone, columns_of, constant, importance, repeated
from vecwise.models.sources import Ready, Source, open_to_new, source_of, without_target
from vecwise.models.splits import FOLDS, Split, splits
from vecwise.models.targets import Target, answers_array, beside, read_target, without_rare
from vecwise.runner import Progress
from vecwise.store.rows import as_table
from vecwise.store.sources import read
from vecwise.table_text import preview_html, preview_text
from vecwise.vectors import Vectors, as_vectors


@dataclass(frozen=True, slots=True, eq=False)
class Mistakes:
    """Rows that were told worst, worst first: their ids and places, the truth, what was said, and how far off.

    `off` is the distance from the truth; for classes how clearly the wrong one was chosen.
    """

    ids: np.ndarray
    places: np.ndarray
    truth: list[Any]
    said: list[Any]
    off: np.ndarray
    rows: Any = field(repr=False, default=None)


@dataclass(frozen=True, slots=True, eq=False)
class Probe:
    """What models learned from vectors, each judged on rows it had not seen.

    `tried` holds every model, `baseline` first, with its scores in each fold; `best` names the one with the highest
    mean of `metric` (accuracy, or R²). Since the best of several is named by the same folds, its score is a little too
    good: trust differences larger than the spread. `importance` says by how much the score falls when a column is
    shuffled, `alone` names columns that tell the target all by themselves (a leak?), `repeated` counts judged rows that
    equal a learned one, `constant` names columns of a table that are the same in all rows, `left_out` are models that
    were not tried, with the reason.
    """

    target: Target
    tried: tuple[Tried, ...]
    best: str
    how: str
    judged: np.ndarray = field(repr=False)
    importance: dict[str, float]
    alone: dict[str, float]
    repeated: int
    left_out: tuple[str, ...]
    source: Source = field(repr=False)
    seed: int = 0
    constant: tuple[str, ...] = ()
    _made: list[Any] = field(default_factory=list, repr=False)

    @property
    def task(self) -> str:
        """Give "classes" or "numbers"."""
        return self.target.task

    @property
    def metric(self) -> str:
        """The score that models are compared by: "accuracy" or "r2"."""
        return MAIN[self.task]

    @property
    def score(self) -> float:
        """The best model's mean score over the folds."""
        return self[self.best].mean(self.metric)

    @property
    def baseline(self) -> float:
        """The mean score of always saying the most frequent class, or the mean."""
        return self[BASELINE].mean(self.metric)

    @property
    def learned(self) -> bool:
        """Whether the best model beats the baseline by more than the spread of both over the folds."""
        spread = self[self.best].spread(self.metric) + self[BASELINE].spread(self.metric)
        return self.score - self.baseline > spread

    def __getitem__(self, model: str) -> Tried:
        for one in self.tried:
            if one.model == model:
                return one
        raise unknown("model", model, [one.model for one in self.tried])

    def predictions(self, model: str | None = None) -> tuple[np.ndarray, list[Any], list[Any]]:
        """Give places of the judged rows, the truth, and what the model said of each while it had not seen it."""
        one = self[model or self.best]
        truth = self.target.values[self.judged]
        return self.target.places[self.judged], self._named(truth), self._named(one.said)

    def mistakes(self, n: int = 10, *, model: str | None = None) -> Mistakes:
        """Give the n rows that a model (the best without `model`) told worst; ties by row order."""
        if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 1:
            raise OutOfRange(f"`n` is how many rows to give, a whole number of at least 1, not {n!r}.")
        one = self[model or self.best]
        truth, places = self.target.values[self.judged], self.target.places[self.judged]
        if self.target.classes is None:
            off = np.abs(truth - one.said)
            wrong = np.flatnonzero(off > 0)
        else:
            off = one.sure if one.sure is not None else np.zeros(len(truth))
            wrong = np.flatnonzero(truth != one.said)
        order = wrong[np.lexsort((places[wrong], -off[wrong]))][: int(n)]
        X = self.source.all()
        rows = None if X.rows is None else X.rows.take(whole_numbers(places[order]))
        return Mistakes(
            X.ids[places[order]],
            places[order],
            self._named(truth[order]),
            self._named(one.said[order]),
            off[order],
            rows,
        )

    def confusion(self, model: str | None = None) -> np.ndarray:
        """Count judged rows `(classes, classes)`: the truth in rows, what was said in columns."""
        if self.target.classes is None:
            raise Inapplicable("Numbers have no confusion matrix; see `mistakes` and `plot`.")
        table = np.zeros((len(self.target.classes),) * 2, np.int64)
        np.add.at(table, (self.target.values[self.judged], self[model or self.best].said), 1)
        return table

    @property
    def estimator(self) -> Any:
        """The best model, fitted on all rows that have a target: a scikit-learn estimator over the vectors."""
        if not self._made:
            X = self.source.all()[self.target.places]
            self._made.append(fitted(self.best, X, self.target.values, self.task, self.seed))
        return self._made[0]

    def predict(self, rows: Any) -> np.ndarray:
        """Predict new rows (raw ones, where the vectors know their encoder) by the best model of all rows.

        Classes come back as they were given: texts, truth values or numbers.
        """
        said = np.asarray(self.estimator.predict(inputs(self.source.of(rows))))
        return said if self.target.answers is None else answers_array(self.target.answers, said)

    def chain(self) -> ChainModel:
        """Give the best model of all rows with the encoder of the vectors: predicts from raw rows, and saves as one."""
        X = self.source.all()
        return ChainModel(X.encoder, self.estimator, X.space, self.target.answers, self.target.name)  # type: ignore[arg-type]

    def _named(self, values: np.ndarray) -> list[Any]:
        classes = self.target.answers
        return values.tolist() if classes is None else [classes[int(value)] for value in values.tolist()]

    def charts(self) -> dict[str, Any]:
        """The confusion matrix or the residuals, and what matters, as plain data that a run keeps and draws."""
        from vecwise.models.judging import confusion_chart, residuals_chart

        _, truth, said = self.predictions()
        made = {"confusion matrix": confusion_chart(np.array(truth), np.array(said))} if self.target.classes else {
            "residuals": residuals_chart(np.array(truth), np.array(said), self.seed)}  # fmt: skip
        shown = [(name, fall) for name, fall in self.importance.items() if fall > 0][:30]
        if shown:
            made["feature importance"] = {"features": [n for n, _ in shown], "weights": [f for _, f in shown],
                                          "what": f"fall of {self.metric}"}  # fmt: skip
        return made

    def plot(self) -> Any:
        """Draw the confusion matrix, or predicted against true numbers; a plotly figure."""
        from vecwise.draw.figures import to_plotly
        from vecwise.draw.run_figures import chart_figure

        name, data = next(iter(self.charts().items()))
        drawn = chart_figure(name, data)
        if drawn is None:
            raise Inapplicable(f"The {name} cannot be drawn.")
        title, figure = drawn
        figure["layout"]["title"] = {"text": title}
        return to_plotly(figure)

    def to_pandas(self) -> Any:
        """Give a frame with a row for each model: the mean and spread of every score, and seconds."""
        try:
            import pandas as pd
        except ImportError as error:
            raise missing_package("pandas", "to_pandas", "'vecwise[pandas]'") from error
        return pd.DataFrame(
            [
                {"model": one.model}
                | {name: one.mean(name) for name in one.scores}
                | {f"{name}_spread": one.spread(name) for name in one.scores}
                | {"seconds": one.seconds}
                for one in self.tried
            ]
        )

    def _preview(self) -> tuple[str, list[str], list[list[str]], int]:
        name = self.target.name
        head = (
            f"Probe of {name} on {len(self.judged):,} rows, {self.how}: {self.best} reaches "
            f"{self.metric} {self.score:.3f} (baseline {self.baseline:.3f})"
        )
        metrics = list(self.tried[0].scores)
        cells = [
            [
                one.model,
                *(f"{one.mean(m):.4g} ± {one.spread(m):.2g}" for m in metrics),
                f"{one.seconds:.1f} s",
            ]
            for one in self.tried
        ]
        return head, ["model", *metrics, "time"], cells, 0

    def __repr__(self) -> str:
        return preview_text(*self._preview())

    def _repr_html_(self) -> str:
        return preview_html(*self._preview())


def probe(
    X: Any,
    y: Any,
    /,
    *,
    encoder: str | Encoder = "auto",
    model: str | Sequence[str] = "auto",
    task: str = "auto",
    folds: int = FOLDS,
    groups: Any = None,
    order: Any = None,
    columns: Sequence[str] | None = None,
    text: str | None = None,
    missing: str | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Probe:
    """Tell what a classifier or a regressor can learn of `y` from vectors or rows, judged on rows it has not seen.

    `X` are `Vectors`, an array, or rows (a table, texts, a path), which are encoded by `encoder`; encoders that learn
    from rows are fitted anew in each fold, on the rows learned from alone. `y` is the name of a column of the rows,
    which is then left out of the vectors, or a target for each row. Texts, truth values and up to 20 different whole
    numbers are classes, other numbers are numbers; `task="classes"` or `"numbers"` overrules. Rows without a target are
    left out, and so are classes of fewer rows than folds, as long as two others stay.
    `model` is `"auto"` (those that take no more than some seconds a fold), or some of `"linear"`, `"neighbors"`,
    `"kernel"`, `"boosting"` and `"network"`: scikit-learn's, with usual settings, not tuned.

    Rows are cut into `folds`, classes in proportion. `groups` (a column or a list) keeps rows of a group on one side,
    `order` judges by later rows only. A baseline that always says the most frequent class, or the mean, stands beside.
    The same seed gives the same folds and the same models.

    Raises `UnknownName`, `Inapplicable` where the vectors hold the target itself, `OutOfRange` for a single class, a
    constant target or fewer rows than folds, `EmptyInput`, `WrongShape`, and what the encoder raises.

    >>> import numpy as np, vecwise as vw
    >>> x = np.random.default_rng(0).standard_normal((60, 2))
    >>> found = vw.probe(x, 3 * x[:, 0] - x[:, 1], model="linear")
    >>> found.best, round(found.score, 3)
    ('linear', 1.0)
    """
    named = encoder if isinstance(encoder, str) else "auto"
    made = partial(plan, encoder=named, columns=columns, text=text, missing=missing)
    source, rows = _source(X, y if isinstance(y, str) else None, encoder, made, (groups, order), progress)
    return probed(
        source,
        rows,
        y,
        model=model,
        task=task,
        folds=folds,
        groups=groups,
        order=order,
        seed=seed,
        progress=progress,
    )


def probed(
    source: Source,
    rows: Any,
    y: Any,
    /,
    *,
    model: str | Sequence[str] = "auto",
    task: str = "auto",
    folds: int = FOLDS,
    groups: Any = None,
    order: Any = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Probe:
    """Probe rows from any source; `rows` is the Arrow table (or `None`) that names of columns are names in."""
    name = y if isinstance(y, str) else str(getattr(y, "name", None) or "target")
    cells = _column(rows, y) if isinstance(y, str) else y
    target = read_target(cells, len(source), name=name, task=task)
    if order is None and isinstance(folds, int):
        target = without_rare(target, folds)
    keys = {
        key: None
        if given is None
        else beside(_column(rows, given) if isinstance(given, str) else given, target, key)
        for key, given in (("groups", groups), ("order", order))
    }
    cut, how = splits(target, folds=folds, seed=seed, **keys)
    still = constant(source.all()[target.places])
    trial = tried(source, target, cut, model=model, seed=seed, progress=progress)
    best = max(trial.tried[1:], key=lambda one: one.mean(MAIN[target.task])).model
    falls, telling = _reasons(source, target, cut, trial.made[best], seed)
    equal = repeated(source.all(), target, cut)
    return Probe(
        target, trial.tried, best, how, trial.judged, falls, telling, equal, trial.left_out, source, seed,
        tuple(still),
    )  # fmt: skip


def _reasons(
    source: Source, target: Target, cut: Sequence[Split], made: Sequence[Any], seed: int
) -> tuple[dict[str, float], dict[str, float]]:
    """What matters to the models of some folds, and what tells the target alone, where columns have names."""
    first, *_ = parts = [source.cut(target.places[s.train], target.places[s.test]) for s in cut[:1]]
    columns = columns_of(first[0].space)
    if first[0].is_sparse or not 0 < len(columns) <= MOST_COLUMNS:
        return {}, {}
    parts += [source.cut(target.places[s.train], target.places[s.test]) for s in cut[1 : len(made)]]
    folds = [Fold(m, *part, target.values[s.test]) for m, part, s in zip(made, parts, cut, strict=False)]
    return importance(folds, target.task, seed=seed), alone(*first, target, cut[0], columns)


def _source(
    X: Any, name: str | None, encoder: Any, made: Any, keys: tuple[Any, ...], progress: Progress | None
) -> tuple[Source, Any]:
    """The rows to learn from, and the table that names the target, if there is one."""
    if isinstance(X, Vectors) or _is_numbers(X):
        vectors = as_vectors(X)
        if name is not None:
            without_target(vectors, name)
        return Ready(vectors), vectors.rows
    table = read(X) if isinstance(X, (str, Path)) else as_table(X)
    beside = [key for key in (name, *keys) if isinstance(key, str)]
    if not isinstance(encoder, str):
        ready = as_encoder(encoder)
        return source_of(ready, table.drop_columns(beside), progress=progress), table
    for column in beside:
        if column not in table.column_names:
            raise unknown("column", column, table.column_names)
    planned = made(table, leave_out=beside)
    if planned.encoder is None:
        from vecwise.store.vector_columns import vectors_of

        column = str(planned.vectors)
        return Ready(
            Vectors(vectors_of(table.column(column), column), rows=table.drop_columns([column]))
        ), table
    return source_of(open_to_new(planned.encoder), table, progress=progress), table


def _is_numbers(X: Any) -> bool:
    """Whether X is an array, a sparse matrix or a tensor of numbers, and no frame or list of texts."""
    if hasattr(X, "tocsr") or (hasattr(X, "__dlpack__") and not isinstance(X, np.ndarray)):
        return True
    if isinstance(X, (list, tuple)):
        return len(X) > 0 and isinstance(X[0], (list, tuple, np.ndarray))
    return isinstance(X, np.ndarray) and X.dtype.kind in "fiub"


def _column(rows: Any, name: str) -> Any:
    if rows is None:
        raise UnknownName(
            f"There is no column `{name}`: these vectors carry no rows. Give a target for each row as a list."
        )
    if name not in rows.column_names:
        raise unknown("column", name, rows.column_names)
    return rows.column(name)
