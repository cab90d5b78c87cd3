"""A fitted scikit-learn estimator as a run: its parameters, how good it is, its curves, and itself.

This module must not know the command line.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from vecwise.errors import FileMissing, MissingPackage, NotSavable
from vecwise.models.judging import Judged, judge
from vecwise.models.skops_files import estimator_bytes, estimator_of
from vecwise.tracking.blobs import write_blob
from vecwise.tracking.journal import home
from vecwise.tracking.recorder import Recorder, recording

FOLDER: Final = "artifacts"


@dataclass(frozen=True, slots=True)
class Tracked:
    """What `track` recorded: the run's id, the kind of estimator, its metrics and charts, and where it is kept."""

    run: str
    kind: str
    metrics: dict[str, float]
    charts: dict[str, Any]
    model: str

    def __repr__(self) -> str:
        told = ", ".join(f"{name} {value:.4g}" for name, value in self.metrics.items())
        return f"Tracked {self.kind}, run {self.run or 'not recorded'}: {told}"


def track(estimator: Any, X: Any, y: Any = None, /, *, name: str = "", seed: int = 0) -> Tracked:
    """Summarize a fitted classifier, regressor or clusterer as a run: parameters, metrics, curves, and the model.

    `X` are the rows to judge it on (`Vectors`, an array, a frame), best those it has not seen; `y` their targets.
    A classifier is told by accuracy, macro precision, recall and F1, log loss, ROC and precision-recall; a regressor
    by R², RMSE, MAE and its residuals; a clusterer by silhouette, inertia and sizes; all by what weighs most. The
    model is kept by skops, which holds no code, where that package is installed. Inside `vw.run` it belongs to that
    run.

    Raises `WrongType`, `NotFitted`, `WrongShape`, `EmptyInput`.

    >>> import numpy as np, vecwise as vw
    >>> from sklearn.linear_model import LinearRegression
    >>> X, y = np.array([[0.0], [1.0], [2.0]]), np.array([1.0, 3.0, 5.0])
    >>> vw.track(LinearRegression().fit(X, y), X, y).metrics["r2"]
    1.0
    """
    judged = judge(estimator, X, y, seed=seed)
    params = {"estimator": type(estimator).__name__, **estimator.get_params(deep=True)}
    with recording(judged.kind, name=name or type(estimator).__name__, params=params) as run:
        run.param(**params)
        run.log(judged.metrics)
        path = _keep(run, estimator, judged) if run.id else ""
    return Tracked(run.id, judged.kind, judged.metrics, judged.charts, path)


def _keep(run: Recorder, estimator: Any, judged: Judged) -> str:
    for chart, data in judged.charts.items():
        run.kept(chart, write_blob(data))
    try:
        data = estimator_bytes(estimator)
    except (MissingPackage, NotSavable):
        return ""
    from vecwise.store.durable import make_folder, write_bytes

    path = home() / FOLDER / run.id / f"{type(estimator).__name__}.skops"
    make_folder(path.parent)
    write_bytes(path, data)
    run.wrote(path, "model", estimator=type(estimator).__name__)
    return str(path)


def load_model(path: str | Path, /) -> Any:
    """Open a model that `track` kept; a file that names a type which is not trusted is refused, and nothing runs.

    Raises `FileMissing`, `Damaged`, `WrongType` naming the types, `MissingPackage` without skops.
    """
    place = Path(path)
    if not place.is_file():
        raise FileMissing(f"There is no model at {place}.")
    return estimator_of(place.read_bytes(), str(place))
