"""`vw.choose`: encoders compared on one's own rows, by a target, by judged pairs, or by how far they agree.

This module must not know the command line, nor how an answer is told.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np

from vecwise.draw.words import count
from vecwise.encoders.base import Encoder
from vecwise.encoders.guess import Plan
from vecwise.errors import EmptyInput, Inapplicable, UnknownName, some, unknown
from vecwise.kernels.arrow import whole_numbers
from vecwise.measure.health import health
from vecwise.models.candidates import Candidate, Reading, candidates, guessed
from vecwise.models.estimators import BASELINE
from vecwise.models.footprint import encoder_bytes, vector_bytes
from vecwise.models.judged_pairs import JudgedPairs, pair_names, without_selves
from vecwise.models.leaderboard import Choice, Judged
from vecwise.models.probing import MAIN, tried
from vecwise.models.qualities import Quality, agreements, neighbors_of, of_folds, of_pairs
from vecwise.models.sources import Fitted, Ready, Source, fresh_copy
from vecwise.models.splits import FOLDS, Split, splits
from vecwise.models.targets import Target, read_target, without_rare
from vecwise.row_ids import as_ids
from vecwise.runner import Progress
from vecwise.store.rows import as_table
from vecwise.store.sources import read
from vecwise.tracking.recorder import recording
from vecwise.vectors import Vectors


@dataclass(frozen=True, slots=True)
class Question:
    """What encoders are asked: which of them, and what judges them, on which folds; see `choose`."""

    encoders: Any
    target: Any
    pairs: Any
    folds: int
    groups: Any
    order: Any
    ids: Any
    seed: int


def choose(
    rows: Any,
    y: Any = None,
    /,
    *,
    encoders: Any = "auto",
    pairs: Any = None,
    folds: int = FOLDS,
    groups: Any = None,
    order: Any = None,
    ids: Any = None,
    columns: Sequence[str] | None = None,
    text: str | None = None,
    missing: str | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Choice:
    """Try encoders on rows and say which to take: quality with its spread, dimensions, speed, memory, size on disk.

    `rows` are texts, a table, images, or a path to them. Quality is, with a target `y` (a column's name, or one a row),
    the accuracy or R² of the linear model of `vw.probe`, on the same folds for all, encoders that learn from rows being
    fitted in each fold on the learned rows alone. With `pairs` that somebody judged similar (a table with columns a, b
    and, if there are some, score; or a list of tuples), named by id or by text, it is Spearman's correlation of
    similarity with the scores, or without scores the mean reciprocal rank of the partner among all rows. With neither
    it is the share of a row's 10 nearest that the other encoders find too, which is agreement and not quality.

    `encoders` is `"auto"`, which goes by what the rows are, or a list of names and encoder objects, or a mapping from
    names to them. One that raises is listed with the reason, and the others go on. Differences are told from chance by
    a corrected test on the folds (Nadeau and Bengio 2003) or by the bootstrap over pairs and rows, at 95%; among those
    that cannot be told from the best, the smallest is recommended. Each candidate is recorded as a run. Rows a second
    are measured once, on this machine.

    Raises what `vw.probe` raises for targets, `UnknownName` for pairs of unknown rows, `EmptyInput`, `OutOfRange`,
    `Inapplicable` for both `y` and `pairs`, and for rows that are vectors already.

    >>> import vecwise as vw
    >>> lines = ["red apple", "green apple", "sweet apple pie", "iron bolt", "steel bolt", "copper bolt"] * 4
    >>> found = vw.choose(lines, (["food"] * 3 + ["metal"] * 3) * 4, encoders=["count"], folds=3)
    >>> found.recommended, found["count"].quality.mean
    ('count', 1.0)
    """
    path = str(rows) if isinstance(rows, (str, Path)) else None
    table = read(rows) if isinstance(rows, (str, Path)) else as_table(rows)
    asked = Question(encoders, y, pairs, folds, groups, order, ids, seed)
    return chosen(table, asked, Reading(columns, text, missing), progress, path=path)


def chosen(
    table: Any,
    asked: Question,
    reading: Reading,
    progress: Progress | None = None,
    *,
    path: str | None = None,
) -> Choice:
    """Choose among encoders of an Arrow table; `path` is the file it was read from, for the record of runs."""
    if asked.target is not None and asked.pairs is not None:
        raise Inapplicable("Encoders are judged by a target or by pairs, not by both: leave one out.")
    keys = (asked.target, asked.groups, asked.order, asked.ids)
    beside = [name for name in keys if isinstance(name, str)]
    for name in beside:
        if name not in table.column_names:
            raise unknown("column", name, table.column_names)
    if table.num_rows < 2:
        raise EmptyInput(f"Encoders are compared on at least two rows, not {table.num_rows}.")
    reading = replace(reading, leave_out=[*reading.leave_out, *beside])
    made = guessed(table, reading)
    table, task = _task(table, asked, made)
    judge = _Judge(table.drop_columns(beside), task, path)
    found_all = []
    listed = candidates(judge.table, asked.encoders, replace(reading, leave_out=()), made)
    for number, candidate in enumerate(listed):
        if progress:
            progress(number, len(listed))
        found_all.append(judge(candidate))
    if progress:
        progress(len(listed), len(listed))
    return task.finished(found_all, table.num_rows)


def _task(table: Any, asked: Question, made: Plan) -> tuple[Any, _Task]:
    """What judges the encoders, and the table, to which texts that only pairs hold are added."""
    if asked.target is not None:
        return table, _target_task(table, asked)
    if asked.groups is not None or asked.order is not None:
        raise Inapplicable(
            "Rows are cut into folds only where there is a target: leave `groups` and `order` out."
        )
    if asked.pairs is None:
        return table, _Alone(asked.seed)
    column = next((c.name for c in made.columns if c.use == "text"), None)
    names = None if asked.ids is None else _names(table, asked.ids)
    table, found = _placed(table, asked.pairs, names, column)
    return table, _Pairs(found, asked.seed)


def _names(table: Any, ids: Any) -> list[Any]:
    given = table.column(ids).to_pylist() if isinstance(ids, str) else list(ids)
    return as_ids([n if isinstance(n, int) else str(n) for n in given], table.num_rows).tolist()


# ---- what encoders are judged by ----


_WARM: Final = 32  # rows that are encoded before the clock starts


class _Task(ABC):
    """How the vectors of one encoder are judged, and what is made of all judgements."""

    learns = False  # whether encoders are fitted anew on the learned rows of every fold

    @abstractmethod
    def quality(self, source: Source) -> tuple[Quality | None, str | None]: ...

    @abstractmethod
    def finished(self, found: list[Judged], rows: int) -> Choice: ...


@dataclass
class _Folds(_Task):
    """Judged by the linear model on the same folds."""

    target: Target
    cut: list[Split]
    how: str
    seed: int
    learns = True
    baseline: Quality | None = None

    def quality(self, source: Source) -> tuple[Quality, None]:
        trial = tried(source, self.target, self.cut, model="linear", seed=self.seed)
        metric = MAIN[self.target.task]
        share = float(np.mean([len(split.test) / len(split.train) for split in self.cut]))
        scores = {one.model: of_folds(one.scores[metric], share) for one in trial.tried}
        self.baseline = scores[BASELINE]
        return scores["linear"], None

    def finished(self, found: list[Judged], rows: int) -> Choice:
        how = f"a linear model predicts {self.target.name}, {self.how}"
        if self.target.rare:
            listed = [f"{name} ({size})" for name, size in self.target.rare.items()]
            how += f", without classes of fewer rows than folds: {some(listed)}"
        return Choice.of(found, MAIN[self.target.task], how, len(self.target.places), self.baseline)


@dataclass
class _Pairs(_Task):
    """Judged by pairs."""

    pairs: JudgedPairs
    seed: int

    def quality(self, source: Source) -> tuple[Quality, None]:
        return of_pairs(source.all(), self.pairs, self.seed), None

    def finished(self, found: list[Judged], rows: int) -> Choice:
        scored = self.pairs.scores is not None
        how = (
            f"Spearman's, of similarity with the scores of {count(len(self.pairs), 'pair')}"
            if scored
            else f"of the partner among {rows:,} rows, over {count(len(self.pairs), 'pair')}"
        )
        return Choice.of(found, "spearman" if scored else "mrr", how, rows)


@dataclass
class _Alone(_Task):
    """Judged by nothing but each other."""

    seed: int
    kept: list[Vectors] = field(default_factory=list)

    def quality(self, source: Source) -> tuple[None, str]:
        X = source.all()
        verdict = health(X, seed=self.seed).verdict
        self.kept.append(X)
        return None, verdict

    def finished(self, found: list[Judged], rows: int) -> Choice:
        worked = [one for one in found if not one.failure]
        if len(self.kept) > 1:
            agreed = iter(agreements(self.kept, self.seed))
            found = [one if one.failure else replace(one, quality=next(agreed)) for one in found]
        near = neighbors_of(rows)
        how = f"the share of a row's {near} nearest that the other encoders find too, which is not quality"
        if len(worked) == 1:
            how = "one encoder alone, which nothing is compared with"
        return Choice.of(found, "agreement", how, rows)


def _target_task(table: Any, asked: Question) -> _Folds:
    y, folds = asked.target, asked.folds
    named = isinstance(y, str)
    name = y if named else str(getattr(y, "name", None) or "target")
    target = read_target(table.column(y) if named else y, table.num_rows, name=name)
    if asked.order is None and isinstance(folds, int):
        target = without_rare(target, folds)
    keys = {}
    for key, given in (("groups", asked.groups), ("order", asked.order)):
        if given is not None:
            import pyarrow as pa

            column = table.column(given) if isinstance(given, str) else pa.array(given, from_pandas=True)
            keys[key] = column.take(whole_numbers(target.places))
    cut, how = splits(target, folds=folds, seed=asked.seed, **keys)
    return _Folds(target, cut, how, asked.seed)


def _placed(table: Any, given: Any, names: Any, column: str | None) -> tuple[Any, JudgedPairs]:
    """The places of pairs, by id or by text; texts that no row has become rows of their own."""
    import pyarrow as pa

    a, b, scores = pair_names(given)
    wanted = list(dict.fromkeys([*a, *b]))
    place = {str(name): i for i, name in enumerate(range(table.num_rows) if names is None else names)}
    if not all(str(name) in place for name in wanted):
        texts = all(isinstance(name, str) for name in wanted)
        lost = [name for name in wanted if str(name) not in place]
        if column is None or not texts:
            raise UnknownName(
                f"{len(lost):,} names in the pairs are no ids of rows: {some(lost)}. The ids are such as "
                f"{some(list(place)[:3])}."
            )
        own = table.column(column).to_pylist()
        place = {}
        for i, text in enumerate(own):
            place.setdefault(text, i)
        new = [text for text in wanted if text not in place]
        place.update({text: table.num_rows + i for i, text in enumerate(new)})
        more = pa.table({column: pa.array(new, pa.string()).cast(table.column(column).type)})
        table = pa.concat_tables([table, more], promote_options="default")
    key = str if all(isinstance(name, str) for name in place) else (lambda name: name)
    sides = [np.array([place[key(name)] for name in side], np.int64) for side in (a, b)]
    return table, without_selves(sides[0], sides[1], scores)


# ---- one candidate ----


@dataclass
class _Judge:
    """Judges candidates one by one, each as a run of its own."""

    table: Any
    task: _Task
    path: str | None

    def __call__(self, candidate: Candidate) -> Judged:
        params = {"encoder": candidate.name}
        failed = partial(Judged, candidate.name, candidate.encoder)
        try:
            with recording("candidate", name=candidate.name, params=params, inner=True) as run:
                if self.path is not None and self.path != "-":
                    run.read(self.path)
                if candidate.encoder is None:
                    raise Inapplicable(candidate.failure)
                found = self._judged(candidate.name, candidate.encoder)
                run.log(found.numbers())
                return found
        except Exception as error:  # an encoder of anybody's may raise anything; the others go on
            return failed(failure=str(error) or type(error).__name__)

    def _judged(self, name: str, encoder: Encoder) -> Judged:
        ready = encoder.is_fitted or not encoder.needs_rows
        with suppress(Exception):  # what loads once is not counted; what is wrong shows on all rows
            some = self.table.slice(0, _WARM)
            encoder.encode(some) if ready else fresh_copy(encoder).fit_encode(some)
        began = time.perf_counter()
        worker = encoder if ready else fresh_copy(encoder)
        X = worker.encode(self.table) if ready else worker.fit_encode(self.table)
        seconds = time.perf_counter() - began
        source: Source = Ready(X) if ready or not self.task.learns else Fitted(self.table, encoder, None, X)
        quality, verdict = self.task.quality(source)
        return Judged(
            name,
            encoder,
            quality,
            X.space.dim,
            len(X) / max(seconds, 1e-9),
            vector_bytes(X),
            encoder_bytes(worker.map_),
            verdict,
        )
