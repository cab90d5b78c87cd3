"""What is to be predicted: a target read from any column or array, its kind, and the rows that have none.

This module must not know vectors, estimators or files.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np

from vecwise.errors import EmptyInput, OutOfRange, WrongShape, WrongType, some, unknown
from vecwise.kernels.arrow import numbers, whole_numbers

TASKS: Final = ("auto", "classes", "numbers")
MOST_WHOLE: Final = 20  # different whole numbers that are still taken for the names of classes
MOST_CLASSES: Final = 1000


@dataclass(frozen=True, slots=True)
class Target:
    """Targets `(rows,)` of the rows at `places`: class numbers into `classes`, or float64 if `classes` is None.

    `classes` are names to read, `answers` the same classes as they were given: texts, truth values or numbers. `total`
    counts all rows, those without a target included; `why` says how the kind was told.
    """

    values: np.ndarray
    places: np.ndarray
    classes: tuple[str, ...] | None
    total: int
    name: str = "target"
    why: str = ""
    rare: dict[str, int] = field(default_factory=dict)  # classes that were left out, with their rows
    answers: tuple[Any, ...] | None = None

    @property
    def task(self) -> str:
        """Give "classes" or "numbers"."""
        return "numbers" if self.classes is None else "classes"

    @property
    def without(self) -> int:
        """How many rows have no target."""
        return self.total - len(self.places) - sum(self.rare.values())


def read_target(given: Any, rows: int, /, *, name: str = "target", task: str = "auto") -> Target:
    """Read targets, one a row: an Arrow column, an array, a list or a Series; null and NaN mean none.

    Texts, truth values and up to 20 different whole numbers are classes, other numbers are numbers, unless `task`
    says. Raises `WrongShape` unless there is one a row, `EmptyInput` where no row has one, `WrongType` for cells that
    are neither texts nor numbers, `OutOfRange` for a single class, a constant number, or over 1,000 classes.

    >>> read_target(["sea", None, "sky"], 3).classes
    ('sea', 'sky')
    >>> read_target([0.5, 1.5, float("nan")], 3).values.tolist()
    [0.5, 1.5]
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if task not in TASKS:
        raise unknown("task", task, TASKS)
    column = _column(given, name)
    if len(column) != rows:
        raise WrongShape(f"`{name}` has {len(column):,} targets for {rows:,} rows: give one for each row.")
    if pa.types.is_floating(column.type):
        column = pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column)
    places = np.flatnonzero(np.asarray(pc.is_valid(column)))
    kept = column.drop_null()
    if not len(kept):
        raise EmptyInput(f"No row has a target: `{name}` is empty in all {rows:,}.")
    numeric = (
        pa.types.is_integer(kept.type) or pa.types.is_floating(kept.type) or pa.types.is_decimal(kept.type)
    )
    kind, why = _kind(kept, numeric, task, name)
    if kind == "numbers":
        return Target(
            _checked(numbers(kept.cast(pa.float64()), np.float64, 0.0), name), places, None, rows, name, why
        )
    labels = kept.cast(pa.string()) if not numeric else _as_names(kept)
    given_as = dict(zip(labels.to_pylist(), _plain(kept), strict=True))
    found = list(given_as)
    classes = sorted(found, key=lambda label: (float(label), label)) if numeric else sorted(found)
    _check_classes(classes, name)
    position = {label: place for place, label in enumerate(classes)}
    values = np.array([position[label] for label in labels.to_pylist()], dtype=np.int64)
    answers = tuple(given_as[label] for label in classes)
    return Target(values, places, tuple(classes), rows, name, why, answers=answers)


def without_rare(target: Target, least: int) -> Target:
    """Leave out the classes of fewer rows, which no fold could learn and judge; raises `OutOfRange` below two classes.

    >>> without_rare(read_target(["a", "a", "b", "b", "c"], 5), 2).rare
    {'c': 1}
    """
    if target.classes is None:
        return target
    sizes = np.bincount(target.values, minlength=len(target.classes))
    small = [(name, int(size)) for name, size in zip(target.classes, sizes, strict=True) if size < least]
    if not small:
        return target
    kept = np.flatnonzero(sizes >= least)
    if len(kept) < 2:
        listed = ", ".join(f"`{name}` ({size})" for name, size in small[:5])
        listed += f" and {len(small) - 5} more" if len(small) > 5 else ""
        less = "Use fewer folds or more rows." if least > 2 else "Use more rows."
        raise OutOfRange(
            f"Classes of fewer rows than the {least} folds leave nothing to tell apart: {listed}. {less}"
        )
    keep = np.isin(target.values, kept)
    position = np.cumsum(sizes >= least) - 1
    names = tuple(target.classes[int(place)] for place in kept)
    answers = None if target.answers is None else tuple(target.answers[int(place)] for place in kept)
    return replace(
        target,
        values=position[target.values[keep]],
        places=target.places[keep],
        classes=names,
        rare=dict(small),
        answers=answers,
    )


def _column(given: Any, name: str) -> Any:
    """The targets as one Arrow array of texts, truth values or numbers."""
    import pyarrow as pa

    if isinstance(given, (str, bytes)):
        raise WrongType(f"`{name}` is one target a row, not a single text.")
    try:
        if isinstance(given, pa.ChunkedArray):
            column = given.combine_chunks()
        elif isinstance(given, pa.Array):
            column = given
        elif isinstance(given, np.ndarray) and given.ndim != 1:
            raise WrongShape(f"`{name}` has the shape {given.shape}: give one target a row, a single column.")
        else:
            column = pa.array(given, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, TypeError) as error:
        raise WrongType(f"`{name}` cannot be read as a column of texts or numbers: {error}") from error
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_null(column.type):
        raise EmptyInput(f"No row has a target: `{name}` is empty.")
    kind = column.type
    tests = ("integer", "floating", "decimal", "boolean", "string", "large_string", "string_view")
    if not any(getattr(pa.types, f"is_{test}")(kind) for test in tests):
        raise WrongType(f"`{name}` holds {kind}; a target is a text (a class), a truth value or a number.")
    return column


def _kind(column: Any, numeric: bool, task: str, name: str) -> tuple[str, str]:
    import pyarrow as pa
    import pyarrow.compute as pc

    if task == "numbers" and not numeric:
        raise WrongType(f"`{name}` holds {column.type}, which are no numbers to predict; leave `task` out.")
    if task != "auto":
        return task, "chosen"
    if not numeric:
        return "classes", "texts" if not pa.types.is_boolean(column.type) else "truth values"
    different = pc.count_distinct(column).as_py()
    whole = bool(pc.all(pc.equal(pc.floor(column.cast(pa.float64())), column.cast(pa.float64()))).as_py())
    if whole and different <= MOST_WHOLE:
        return "classes", f"{different} different whole numbers"
    return "numbers", "numbers"


def _as_names(column: Any) -> Any:
    """Numbers as the names of classes: 3.0 is "3"."""
    import pyarrow as pa

    return pa.array(
        [f"{value:g}" if float(value) != int(value) else str(int(value)) for value in column.to_pylist()]
    )


def _plain(column: Any) -> list[Any]:
    """Cells as texts, truth values, whole numbers or floats."""
    import pyarrow as pa

    return list((column.cast(pa.float64()) if pa.types.is_decimal(column.type) else column).to_pylist())


def answers_array(answers: Sequence[Any], numbers: np.ndarray) -> np.ndarray:
    """Give the classes of class numbers `(rows,)`: texts as an array of objects, else of the kind of the answers.

    >>> answers_array((3, 7), np.array([1, 0])).tolist(), answers_array((False, True), np.array([1])).dtype.kind
    ([7, 3], 'b')
    """
    said = [answers[int(number)] for number in numbers]
    kinds = {type(answer) for answer in answers}
    return np.array(
        said, dtype=object if kinds - {bool, int, float} else kinds.pop() if len(kinds) == 1 else float
    )


def _check_classes(classes: Sequence[str], name: str) -> None:
    if len(classes) < 2:
        raise OutOfRange(
            f"All rows have the same target, `{classes[0]}` in `{name}`: there is nothing to tell apart."
        )
    if len(classes) > MOST_CLASSES:
        raise OutOfRange(
            f"`{name}` has {len(classes):,} different values (such as {some(classes, 3)}), too many to be classes: "
            f"at most {MOST_CLASSES:,}."
        )


def _checked(values: np.ndarray, name: str) -> np.ndarray:
    if not np.isfinite(values).all():
        raise OutOfRange(f"`{name}` holds infinity, which nothing can predict.")
    if (values == values[0]).all():
        raise OutOfRange(
            f"All rows have the same target, {values[0]:g} in `{name}`: there is nothing to predict."
        )
    return values


def beside(given: Any, target: Target, key: str) -> Any:
    """Give the groups or times of the rows that have a target; raises `WrongShape`."""
    import pyarrow as pa

    column = given if isinstance(given, (pa.Array, pa.ChunkedArray)) else pa.array(
        given.tolist() if isinstance(given, np.ndarray) else list(given), from_pandas=True)  # fmt: skip
    if len(column) != target.total:
        raise WrongShape(
            f"`{key}` has {len(column):,} entries for {target.total:,} rows: give one for each row."
        )
    return column.take(whole_numbers(target.places))
