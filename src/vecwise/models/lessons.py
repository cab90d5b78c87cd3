"""What a transformation is learned from and judged by: pairs or labels, cut so that no held-out row is learned from.

This module must not know how anything is learned.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

import numpy as np

from vecwise.draw.words import count
from vecwise.errors import OutOfRange, some
from vecwise.measure.views import View
from vecwise.models.contrast import Batch
from vecwise.models.judged_pairs import JudgedPairs, partner_ranks, similarity_blocks
from vecwise.models.targets import Target

FEWEST_GROUPS: Final = 5  # of pairs that hang together
FEWEST_ROWS: Final = 4  # of a label, below which none of its rows are held out
NEAREST: Final = 10
MOST_PAIRS: Final = 1024  # of a batch
VALIDATION: Final = 0.25  # of what is learned from, for early stopping


class Retrieved(NamedTuple):
    """For each query the rank of the first row that was to be found, its score, from 0 to 1, and its group."""

    ranks: np.ndarray
    scores: np.ndarray
    groups: np.ndarray


class Lessons(Protocol):
    """Rows to learn from, to stop by, and to judge by."""

    @property
    def fitting(self) -> np.ndarray:
        """Places that the mean and the axes may be taken from: none of the held-out rows."""
        ...

    @property
    def held_rows(self) -> np.ndarray:
        """Places of the rows that judge, and that nothing is learned from."""
        ...

    @property
    def how(self) -> str:
        """What is judged, in words."""
        ...

    @property
    def left_out(self) -> str:
        """What nothing could be learned from, in words; nothing where all could be."""
        ...

    @property
    def metric(self) -> str:
        """What the score of a query is called."""
        ...

    def batch(self, points: np.ndarray, rng: np.random.Generator) -> Batch:
        """Draw partners from the rows that are learned from."""
        ...

    def within(self, points: np.ndarray) -> np.ndarray:
        """Differences between partners, `(n, dim)`, of rows that are learned from."""
        ...

    def found(self, X: View, *, held_out: bool) -> Retrieved:
        """What is found of held-out rows, or of those to stop by."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class PairLessons:
    """Judged pairs, cut into groups of pairs that share rows."""

    train_pairs: JudgedPairs
    check_pairs: JudgedPairs
    held_pairs: JudgedPairs
    group: np.ndarray  # of every row, -1 for rows in no pair
    train: np.ndarray
    fitting: np.ndarray
    how: str
    left_out: str = ""
    metric: str = "mrr"

    @property
    def held_rows(self) -> np.ndarray:
        """Both sides of the held-out pairs."""
        return np.union1d(self.held_pairs.left, self.held_pairs.right)

    def batch(self, points: np.ndarray, rng: np.random.Generator) -> Batch:
        """All pairs, or as many as a batch holds, with the sides at random."""
        pairs = self.train_pairs
        keep = np.sort(rng.permutation(len(pairs))[:MOST_PAIRS])
        left, right = pairs.left[keep], pairs.right[keep]
        turned = rng.random(len(keep)) < 0.5
        left, right = np.where(turned, right, left), np.where(turned, left, right)
        return Batch(points[left], points[right], self.group[left])

    def within(self, points: np.ndarray) -> np.ndarray:
        """Differences of the partners."""
        return np.asarray(points[self.train_pairs.left] - points[self.train_pairs.right])

    def found(self, X: View, *, held_out: bool) -> Retrieved:
        """Partners: of held-out pairs among all rows, of those to stop by among all that are not held out."""
        pairs = self.held_pairs if held_out else self.check_pairs
        ranks = partner_ranks(X, pairs, None if held_out else self.fitting).ravel()
        return Retrieved(ranks, 1 / ranks, np.tile(self.group[pairs.left], 2))


@dataclass(frozen=True, slots=True, eq=False)
class LabelLessons:
    """Rows with labels."""

    labels: np.ndarray  # of every row, -1 for none
    train: np.ndarray
    check: np.ndarray
    held: np.ndarray
    how: str
    left_out: str = ""
    metric: str = f"precision@{NEAREST}"

    @property
    def fitting(self) -> np.ndarray:
        """The rows that are learned from."""
        return self.train

    @property
    def held_rows(self) -> np.ndarray:
        """The held-out rows of every label."""
        return self.held

    def batch(self, points: np.ndarray, rng: np.random.Generator) -> Batch:
        """Rows at random, each with another row of its label."""
        left = rng.permutation(self.train)[:MOST_PAIRS]
        return Batch(points[left], points[self._partners(left, rng)], self.labels[left])

    def _partners(self, rows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        found = np.empty_like(rows)
        for label in np.unique(self.labels[rows]):
            members = self.train[self.labels[self.train] == label]
            asked = np.flatnonzero(self.labels[rows] == label)
            at = np.searchsorted(members, rows[asked])
            found[asked] = members[(at + rng.integers(1, len(members), len(asked))) % len(members)]
        return found

    def within(self, points: np.ndarray) -> np.ndarray:
        """Rows less the mean of their label, times the root of two, as differences of two rows are."""
        labels = self.labels[self.train]
        made = points[self.train].copy()
        for label in np.unique(labels):
            made[labels == label] -= made[labels == label].mean(axis=0)
        return np.asarray(made * np.sqrt(2))

    def found(self, X: View, *, held_out: bool) -> Retrieved:
        """Rows of the same label among the ten nearest of the held-out rows, or of those to stop by.

        The score is their share of ten, or of as many as there are; rows at the same distance come in their order.
        """
        pool = self.held if held_out else self.check
        labels = self.labels[pool]
        ranks, scores = np.empty(len(pool)), np.empty(len(pool))
        for rows, near in similarity_blocks(X, pool, pool):
            own = np.arange(rows.start, rows.start + len(near))
            near[np.arange(len(near)), own] = -np.inf  # itself comes last
            same = labels[None, :] == labels[own][:, None]
            same[np.arange(len(near)), own] = False
            ranks[own], found = nearest_same(near, same, min(NEAREST, len(pool) - 1))
            scores[own] = found / np.minimum(NEAREST, same.sum(axis=1))
        return Retrieved(ranks, scores, np.arange(len(pool)))


def nearest_same(near: np.ndarray, same: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Give row by row the rank, from 1, of the nearest that is `same`, and how many of the k nearest are.

    Equal ones come in their order, as a stable sort would have them, which takes many times as long. A row without any
    has the rank 1.

    >>> nearest_same(np.array([[0.9, 0.5, 0.5, 0.1]]), np.array([[False, False, True, True]]), 2)
    (array([3]), array([0]))
    """
    wide = near.shape[1]
    best = np.where(same, near, -np.inf).max(axis=1, keepdims=True)
    level = near == best
    first = (level & same).argmax(axis=1)
    before = (near > best).sum(axis=1) + (level & (np.arange(wide) < first[:, None])).sum(axis=1)
    least = np.partition(near, wide - k, axis=1)[:, wide - k, None]
    taken = near >= least
    if bool((taken.sum(axis=1) > k).any()):  # more at the last distance than there is room for
        above, at = near > least, near == least
        taken = above | (at & (at.cumsum(axis=1) <= k - above.sum(axis=1, keepdims=True)))
    return np.where(same.any(axis=1), 1 + before, 1), (taken & same).sum(axis=1)


def pair_lessons(pairs: JudgedPairs, rows: int, held_out: float, seed: int) -> PairLessons:
    """Hold out whole groups of pairs that hang together by shared rows; raises `OutOfRange` for fewer than five."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    table = coo_array((np.ones(len(pairs)), (pairs.left, pairs.right)), shape=(rows, rows))
    _, of_row = connected_components(table, directed=False)
    _, of_pair = np.unique(of_row[pairs.left], return_inverse=True)
    groups = int(of_pair.max()) + 1
    if groups < FEWEST_GROUPS:
        raise OutOfRange(
            f"The pairs hang together in {groups} {'group' if groups == 1 else 'groups'} of rows, which cannot be "
            f"learned from and held out at once; give pairs of at least {FEWEST_GROUPS}, or `labels`."
        )
    rng = np.random.default_rng(seed)
    order = rng.permutation(groups)
    held = max(1, round(held_out * groups))
    check = max(1, round(VALIDATION * (groups - held)))
    parts = [order[held + check :], order[held : held + check], order[:held]]
    train, stop, judge = (_some(pairs, np.isin(of_pair, part)) for part in parts)
    group = np.full(rows, -1)
    for side in (pairs.left, pairs.right):
        group[side] = of_pair
    hidden = np.union1d(judge.left, judge.right)
    fitting = np.setdiff1d(np.arange(rows), hidden)
    how = f"{len(judge):,} held-out pairs of {held:,} groups, their partner to be found among {rows:,} rows"
    return PairLessons(train, stop, judge, group, np.union1d(train.left, train.right), fitting, how)


def _some(pairs: JudgedPairs, keep: np.ndarray) -> JudgedPairs:
    return JudgedPairs(pairs.left[keep], pairs.right[keep])


def label_lessons(target: Target, held_out: float, seed: int) -> LabelLessons:
    """Hold out rows of every label of four rows or more; labels of one row are left out.

    Raises `OutOfRange` where fewer than two labels are left, and for too few rows.
    """
    assert target.classes is not None  # noqa: S101  labels are read as classes
    sizes = np.bincount(target.values, minlength=len(target.classes))
    single = [name for name, size in zip(target.classes, sizes.tolist(), strict=True) if size == 1]
    if len(single) > len(target.classes) - 2:
        raise OutOfRange(
            f"Labels of one row have nothing to come closer to: {some(single)}. "
            "Give at least two labels of several rows."
        )
    labels = np.full(target.total, -1)
    labels[target.places] = np.where(sizes[target.values] > 1, target.values, -1)
    rng = np.random.default_rng(seed)
    parts: list[list[np.ndarray]] = [[], [], []]
    for label in np.flatnonzero(sizes > 1).tolist():
        rows = rng.permutation(target.places[target.values == label])
        held = max(2, round(held_out * len(rows))) if len(rows) >= FEWEST_ROWS else 0
        left = len(rows) - held
        check = max(2, round(VALIDATION * left)) if left >= FEWEST_ROWS else 0
        for part, piece in zip(parts, np.split(rows, [left - check, left]), strict=True):
            part.append(piece)
    train, check_rows, held_rows = (np.sort(np.concatenate(part)) for part in parts)
    if not len(held_rows) or not len(check_rows):
        raise OutOfRange(
            "No label has enough rows to learn from, to stop by and to be judged by: at least 6 rows of one are needed."
        )
    how = f"{len(held_rows):,} held-out rows, those of the same label to be found among them"
    return LabelLessons(labels, train, check_rows, held_rows, how, _left_out(single, target.without))


def _left_out(single: list[str], without: int) -> str:
    """What nothing could be learned from, in words."""
    parts = [
        f"{count(len(single), 'label')} of one row ({some(single, 3)})" if single else "",
        f"{count(without, 'row')} without a label" if without else "",
    ]
    return " and ".join(part for part in parts if part)
