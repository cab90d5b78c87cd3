"""`vw.fit_encoder`: a transformation of vectors learned from pairs or labels, with what it is worth on held-out rows.

This module must not know the command line, files, or how anything is drawn.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import numpy as np

from vecwise.draw.words import count
from vecwise.encoders.learned import Learned
from vecwise.errors import EmptyInput, Inapplicable, OutOfRange, TooLarge, UnknownName, unknown, whole_number
from vecwise.kernels.arrays import dense
from vecwise.kernels.blas import one_blas_thread
from vecwise.measure.views import advised, view
from vecwise.models.judged_pairs import JudgedPairs, pairs_by_name
from vecwise.models.learning import applied, learned, points_of, retrieval
from vecwise.models.lessons import Lessons, Retrieved, label_lessons, pair_lessons
from vecwise.models.qualities import DRAWS, FEWEST
from vecwise.models.targets import read_target
from vecwise.runner import Progress
from vecwise.vectors import Vectors, as_vectors

KINDS: Final = ("linear", "network")
MOST_DIM: Final = 2048


def fit_encoder(
    X: Any,
    /,
    *,
    pairs: Any = None,
    labels: Any = None,
    kind: str = "linear",
    dim: int | None = None,
    held_out: float = 0.2,
    seed: int = 0,
    progress: Progress | None = None,
) -> Learned:
    """Learn a transformation of vectors by which rows judged similar come closer, and judge it on held-out rows.

    `pairs` are rows judged similar, by their ids or texts: a list of twos, or a table with columns a, b. Or `labels`:
    the name of a column of the vectors' rows, or one a row (null: none); rows of one label are similar. `kind` is
    `"linear"` (NumPy and SciPy) or `"network"` (the linear map and a layer of 256 units beside it; needs torch, works
    on a GPU if torch sees one). `dim` is how many dimensions come out: without it at most 256, and fewer where they
    serve better. Labels of one row and rows without one are left out.

    The loss is contrastive: a partner is to be nearer, by cosine, than all others of a batch. It starts from the space
    as it is or from whitened discriminant axes, and stops early by a quarter of what is learned from. `held_out` is the
    share of groups of pairs (pairs that share rows stay together) or of the rows of each label that nothing is learned
    from. On them retrieval is measured before, as `vw.nearest` compares the given vectors, and after, by cosine, with
    an interval from drawing them again. Where it does not improve, `words` says so, and the map is there all the same.

    Gives a `Map` with a space of its own: `found(X)` are vectors, whose encoder is that of X followed by it, so that
    new rows go the whole way; it is saved with them as plain data. The same seed gives the same map (on a CPU). Cost:
    seconds for some thousand rows of some hundred dimensions.

    Raises `Inapplicable` for both or neither of pairs and labels, `UnknownName` for ids, `MissingValue` for a pair with
    an empty side, `EmptyInput`, `NonFinite`, `OutOfRange` for one label alone, no two labels of several rows, and pairs
    that hang together in fewer than five groups, `TooLarge` above 2,048 dimensions, `MissingPackage` without torch.

    >>> import numpy as np, vecwise as vw
    >>> rng = np.random.default_rng(0)
    >>> kind = np.repeat(np.arange(6), 20)
    >>> x = np.hstack([0.3 * np.eye(6)[kind] + 0.1 * rng.standard_normal((120, 6)), rng.standard_normal((120, 10))])
    >>> found = vw.fit_encoder(x, labels=kind)
    >>> found.improved, found.after["recall@1"] > found.before["recall@1"]
    (True, True)
    >>> found(vw.Vectors(x, space=found.source)).shape
    (120, 16)
    """
    return taught(
        X, pairs=pairs, labels=labels, kind=kind, dim=dim, held_out=held_out, seed=seed, progress=progress
    )[0]


def taught(
    X: Any,
    /,
    *,
    pairs: Any = None,
    labels: Any = None,
    kind: str = "linear",
    dim: int | None = None,
    held_out: float = 0.2,
    seed: int = 0,
    progress: Progress | None = None,
) -> tuple[Learned, Lessons]:
    """Learn as `fit_encoder` does, and give what was learned from beside it: which rows judged, and which taught."""
    given = as_vectors(X)
    if kind not in KINDS:
        raise unknown("kind of transformation", str(kind), KINDS)
    if isinstance(held_out, bool) or not 0 < held_out <= 0.5:
        raise OutOfRange(
            f"`held_out` is the share of rows to judge by, above 0 and at most 0.5, not {held_out!r}."
        )
    if given.space.dim > MOST_DIM:
        raise TooLarge(
            f"Transformations are learned of at most {MOST_DIM:,} dimensions, not {given.space.dim:,}: take "
            "components first, by the encoder `chain` with the step `pca:300` (in Python: `vw.pca(X, k=300)(X)`)."
        )
    size = None if dim is None else whole_number("dim", dim, "how many dimensions come out")
    if size is not None and size > given.space.dim:
        raise OutOfRange(f"`dim` is at most the {given.space.dim:,} dimensions of the vectors, not {size:,}.")
    lessons = _lessons(given, pairs, labels, held_out, seed)
    with one_blas_thread:
        points = points_of(
            dense(given.values).astype(np.float64), lessons, by_column=advised(given) == "standardized"
        )
        found, rounds = learned(points.values, lessons, kind=kind, dim=size, seed=seed, progress=progress)
        before = lessons.found(view(given), held_out=True)
        after = retrieval(applied(found, points.values), lessons, held_out=True)
    report = _report(before, after, lessons, seed) | {
        "rounds": rounds,
        "seed": seed,
        "pairs": pairs is not None,
        "labels": labels if isinstance(labels, str) else "",
        "left_out": lessons.left_out,
    }
    return Learned.of(points.unscaled(found), given.space.with_claims(()), report), lessons


def _lessons(X: Vectors, pairs: Any, labels: Any, held_out: float, seed: int) -> Lessons:
    if (pairs is None) == (labels is None):
        raise Inapplicable("A transformation is learned from `pairs` or from `labels`: give one of them.")
    if len(X) < 2:
        raise EmptyInput(f"There are too few rows to learn from: {len(X)}.")
    if pairs is not None:
        found = pairs_by_name(pairs, X.ids, X.rows)
        if found.scores is not None:
            raise Inapplicable(
                "Pairs to learn from are all similar: keep those that were judged so, and leave the scores out."
            )
        made = pair_lessons(_once(found), len(X), held_out, seed)
        selves = f"{count(found.selves, 'pair')} of a row with itself" if found.selves else ""
        return replace(made, left_out=selves)
    if isinstance(labels, str):
        if X.rows is None:
            raise UnknownName(
                f"There is no column `{labels}`: these vectors carry no rows. Give a label a row."
            )
        if labels not in X.rows.column_names:
            raise unknown("column", labels, X.rows.column_names)
        return label_lessons(
            read_target(X.rows.column(labels), len(X), name=labels, task="classes"), held_out, seed
        )
    return label_lessons(read_target(labels, len(X), name="labels", task="classes"), held_out, seed)


def _once(pairs: JudgedPairs) -> JudgedPairs:
    """Every pair once, whichever side comes first."""
    both = np.sort(np.column_stack([pairs.left, pairs.right]), axis=1)
    kept = np.unique(both, axis=0)
    return JudgedPairs(kept[:, 0].copy(), kept[:, 1].copy())


def _report(before: Retrieved, after: Retrieved, lessons: Lessons, seed: int) -> dict[str, Any]:
    """Retrieval before and after, and the interval of the gain over draws of the held-out groups."""
    _, group = np.unique(before.groups, return_inverse=True)
    groups, sizes = int(group.max()) + 1, np.bincount(group)
    gains = np.bincount(group, weights=after.scores - before.scores)
    rng = np.random.default_rng([seed, 2])
    drawn = [rng.integers(0, groups, groups) for _ in range(DRAWS)]
    draws = [gains[places].sum() / sizes[places].sum() for places in drawn]
    gain = float(gains.sum() / sizes.sum())
    low, high = (float(np.quantile(draws, part)) for part in (0.025, 0.975))
    made: dict[str, Any] = {
        "metric": lessons.metric,
        "before": _numbers(before, lessons),
        "after": _numbers(after, lessons),
        "gain": [gain, low, high],
        "improved": groups >= FEWEST and low > 0,
        "queries": len(group),
        "groups": groups,
    }
    return made | {"words": _words(made, lessons.how)}


def _numbers(found: Retrieved, lessons: Lessons) -> dict[str, float]:
    return {
        "mrr": float((1 / found.ranks).mean()),
        "recall@1": float((found.ranks <= 1).mean()),
        "recall@10": float((found.ranks <= 10).mean()),
    } | {lessons.metric: float(found.scores.mean())}


def _words(made: dict[str, Any], how: str) -> str:
    before, after = (made[when][made["metric"]] for when in ("before", "after"))
    gain, low, high = made["gain"]
    what = "mean reciprocal rank" if made["metric"] == "mrr" else "same label among the 10 nearest"
    numbers = f"{what} {before:.3f} before, {after:.3f} after (by {gain:+.3f}, {low:+.3f} to {high:+.3f})"
    if made["groups"] < FEWEST:
        verdict = f"Whether it helps cannot be told from {count(made['groups'], 'held-out group')}"
    elif made["improved"]:
        verdict = "It helps"
    elif high < 0:
        verdict = "It makes retrieval worse; use the vectors as they were"
    else:
        verdict = "It does not clearly help"
    return f"{verdict}: {numbers}, of {how}."
