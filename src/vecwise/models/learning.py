"""How a transformation is learned: where it starts, round by round, until the rows to stop by get no better.

This module must not know what pairs and labels are called, nor how what is learned is kept.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from vecwise.errors import VecwiseError, missing_package
from vecwise.measure.bounds import MEASURES
from vecwise.measure.views import View
from vecwise.models.contrast import TEMPERATURE, Batch, loss_and_gradient
from vecwise.models.lessons import Lessons, Retrieved
from vecwise.runner import Progress
from vecwise.vectors import Vectors

START_ERRORS: Final = 2.0  # by which a start must be better than the space as it is: some fifteen are tried
ROUNDS: Final = 20
PATIENCE: Final = 4  # rounds without a better retrieval
STEPS: Final = 5  # of a round
NETWORK_BATCH: Final = 512
HIDDEN: Final = 256
USUAL_DIM: Final = 256
_SHRINKS: Final = (0.03, 0.3, 3.0)  # of the spread within partners towards a sphere
_MAIN: Final = (16, 32, 64, 128, 256)  # main axes that discriminants are sought in

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """All rows, centered and scaled as they are learned from, `(rows, dim)` float64, and what that took."""

    values: np.ndarray
    mean: np.ndarray
    scale: np.ndarray

    def unscaled(self, arrays: Arrays) -> Arrays:
        """Give the arrays for rows as they were given."""
        made = {**arrays, "mean": self.mean}
        for name in ("weights", "hidden"):
            if name in made:
                made[name] = made[name] / self.scale[:, None]
        return made


def points_of(values: np.ndarray, lessons: Lessons, *, by_column: bool) -> Points:
    """Scale every column by its deviation, or all by one number; center, unless rows are better found without.

    Only rows that may be learned from, or that learning stops by, are looked at.
    """
    seen = values[lessons.fitting]
    mean, deviation = seen.mean(axis=0), seen.std(axis=0)
    still = seen.min(axis=0) == seen.max(axis=0)
    mean = np.where(still, seen[0], mean)
    if by_column:
        scale = np.where(still | (deviation == 0), 1.0, deviation)
        return Points((values - mean) / scale, mean, scale)
    whole = float(np.sqrt((deviation * deviation).mean()))
    scale = np.full(len(mean), whole if whole > 0 else 1.0)
    centered = Points((values - mean) / scale, mean, scale)
    plain = Points(values / scale, np.zeros(len(mean)), scale)
    return (
        plain
        if _scores(plain.values, lessons).mean() >= _scores(centered.values, lessons).mean()
        else centered
    )


def retrieval(made: np.ndarray, lessons: Lessons, *, held_out: bool = False) -> Retrieved:
    """What is found by cosine in what a transformation made of all rows."""
    return lessons.found(View(Vectors(made), "cosine", MEASURES["cosine"]), held_out=held_out)


def _scores(made: np.ndarray, lessons: Lessons) -> np.ndarray:
    """The score of each query of the rows to stop by."""
    return retrieval(made, lessons).scores


def _passes(new: np.ndarray, old: np.ndarray, errors: float) -> bool:
    """Whether the new is better by more than so many standard errors: the first of many to seem better seldom is."""
    gap = new - old
    return float(gap.mean()) > errors * float(gap.std()) / np.sqrt(len(gap))


def applied(arrays: Arrays, points: np.ndarray) -> np.ndarray:
    """Transform centered rows."""
    made = points @ arrays["weights"]
    if "out" in arrays:
        made = made + np.tanh(points @ arrays["hidden"] + arrays["bias"]) @ arrays["out"]
    return np.asarray(made)


# ---- where it starts ----


def start_of(points: np.ndarray, lessons: Lessons, dim: int | None) -> tuple[np.ndarray, np.ndarray]:
    """The main axes that are learned in, `(dim, main)`, and the best start there, `(main, k)`, for the rows to stop by:
    the space as it is, or the axes that tell partners from others.

    The latter are those of linear discriminants: whitened by the spread within partners, shrunk towards a sphere, among
    all axes or the main ones alone. Without `dim` they may be as few as serve best.
    """
    seen, within = points[lessons.fitting], lessons.within(points)
    wide = points.shape[1]
    plain = _main_axes(seen, min(wide, USUAL_DIM) if dim is None else dim)
    best, top = (plain, np.eye(plain.shape[1])), _scores(points @ plain, lessons)
    first, ranked = top, []
    for main in [size for size in _MAIN if size < wide and size >= (dim or 1)] + [
        min(wide, max(_MAIN[-1], dim or 1))
    ]:
        axes = _main_axes(seen, main)
        flat = within @ axes
        spread = flat.T @ flat / (2 * len(flat))
        level = float(np.trace(spread)) / main
        for shrink in _SHRINKS if level > 0 else ():
            sizes, turned = np.linalg.eigh(spread + shrink * level * np.eye(main))
            whitened = turned / np.sqrt(sizes)
            kept = whitened @ _main_axes(seen @ axes @ whitened, main if dim is None else dim)
            ranked.append(((axes, kept), _scores(points @ axes @ kept, lessons)))
    for start, scores in ranked:
        if _passes(scores, first, START_ERRORS) and scores.mean() > top.mean():
            best, top = start, scores
    return best[0], best[1] * np.sqrt(best[1].shape[1]) / np.linalg.norm(best[1])


def _main_axes(seen: np.ndarray, dim: int) -> np.ndarray:
    """All axes as they are, or the main ones where fewer are asked for."""
    if dim == seen.shape[1]:
        return np.eye(dim)
    _, axes = np.linalg.eigh(seen.T @ seen)
    made = axes[:, ::-1][:, :dim]
    largest = np.take_along_axis(made, np.abs(made).argmax(axis=0)[None], axis=0)
    return np.asarray(made * np.sign(largest))


# ---- round by round ----


def learned(points: np.ndarray, lessons: Lessons, *, kind: str, dim: int | None, seed: int,
            progress: Progress | None = None) -> tuple[Arrays, int]:  # fmt: skip
    """Learn, and give the arrays of the best round with its number; round 0 is the start."""
    axes, start = start_of(points, lessons, dim)
    inner = points @ axes
    rng = np.random.default_rng([seed, 1])
    best: Arrays = {"weights": start}
    step = _network(start, seed) if kind == "network" else _linear(start)
    top, at = _scores(inner @ start, lessons), 0
    for number in range(1, ROUNDS + 1):
        arrays = step(lessons.batch(inner, rng))
        if not all(np.isfinite(array).all() for array in arrays.values()):
            raise VecwiseError(
                "Learning left the range of numbers. Scale the vectors first: vw.standardize(X)."
            )
        scores = _scores(applied(arrays, inner), lessons)
        if _passes(scores, top, 1.0):
            best, top, at = arrays, scores, number
        if progress:
            progress(number, ROUNDS)
        if number - at >= PATIENCE:
            break
    if progress:
        progress(ROUNDS, ROUNDS)
    return {
        name: axes @ array if name in ("weights", "hidden") else array for name, array in best.items()
    }, at


def _linear(start: np.ndarray) -> Callable[[Batch], Arrays]:
    """Rounds of L-BFGS (Liu and Nocedal 1989, doi:10.1007/BF01589116) on a batch each."""
    from scipy.optimize import minimize

    weights = [start]

    def step(batch: Batch) -> Arrays:
        apart = batch.apart()

        def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
            value, slope = loss_and_gradient(flat.reshape(start.shape), start, batch, apart)
            return value, slope.ravel()

        found = minimize(loss, weights[0].ravel(), jac=True, method="L-BFGS-B", options={"maxiter": STEPS})
        weights[0] = found.x.reshape(start.shape)
        return {"weights": weights[0]}

    return step


def _network(start: np.ndarray, seed: int) -> Callable[[Batch], Arrays]:
    """Rounds of Adam with weight decay (Loshchilov and Hutter 2019, arXiv:1711.05101), on a GPU if torch sees one."""
    try:
        import torch
    except ImportError as error:
        raise missing_package("torch", 'kind="network"', "'vecwise[torch]'") from error
    device = "cuda" if torch.cuda.is_available() else "cpu"
    chance = torch.Generator().manual_seed(seed)
    first = torch.randn(len(start), HIDDEN, generator=chance, dtype=torch.float32) / len(start) ** 0.5
    shapes = {"weights": torch.from_numpy(start.astype(np.float32)), "hidden": first,
              "bias": torch.zeros(HIDDEN, dtype=torch.float32),
              "out": torch.zeros(HIDDEN, start.shape[1], dtype=torch.float32)}  # fmt: skip
    arrays = {name: array.to(device).requires_grad_() for name, array in shapes.items()}
    change = torch.optim.AdamW(list(arrays.values()), lr=3e-3, weight_decay=1e-2)

    def step(batch: Batch) -> Arrays:
        few = Batch(*(side[:NETWORK_BATCH] for side in (batch.left, batch.right, batch.groups)))
        sides = (few.left.astype(np.float32), few.right.astype(np.float32), few.apart())
        left, right, apart = (torch.from_numpy(np.ascontiguousarray(side)).to(device) for side in sides)
        for _ in range(2 * STEPS):
            change.zero_grad()
            _torch_loss(torch, arrays, left, right, apart).backward()
            change.step()
        return {name: array.detach().cpu().numpy().astype(np.float64) for name, array in arrays.items()}

    return step


def _torch_loss(torch: Any, arrays: dict[str, Any], left: Any, right: Any, apart: Any) -> Any:
    """The loss of `contrast`, without its decay, which the optimizer brings."""
    sides = []
    for side in (left, right):
        made = side @ arrays["weights"] + torch.tanh(side @ arrays["hidden"] + arrays["bias"]) @ arrays["out"]
        sides.append(torch.nn.functional.normalize(made, dim=1, eps=1e-12))
    near = (sides[0] @ sides[1].T / TEMPERATURE).masked_fill(apart, -torch.inf)
    own = torch.arange(len(near), device=near.device)
    both = torch.nn.functional.cross_entropy
    return (both(near, own) + both(near.T, own)) / 2
