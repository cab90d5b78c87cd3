"""Verdicts: what was found, in one sentence, and what to do about it.

This module must not know how anything was found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from vecwise.draw.words import count as amount
from vecwise.draw.words import share, verb
from vecwise.errors import some
from vecwise.measure.leaks import Leak
from vecwise.measure.samples import FEWEST_DIMENSIONS, FEWEST_ROWS, NEAR, Sampled

ALIKE: Final = 0.5  # a mean cosine above this leaves little to tell rows apart by
FLAT: Final = 0.1  # an effective rank below this share of the dimensions
HUBS: Final = 2.0  # a skewness above this: few rows are neighbours of very many
SPARSE: Final = 0.05  # a share of cells below this is better kept sparse
FULL: Final = 1 / 3  # and above this, dense


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at: `verdict` is `"fine"`, `"look"` or `"wrong"`, with the reason and the remedy."""

    name: str
    verdict: str
    reason: str
    remedy: str = ""


def no_rows() -> Check:
    """That there are no rows, of which nothing else can be said."""
    return Check("rows", "wrong", "there are no rows", "Give at least one row; see what left them all out.")


def finite(bad: np.ndarray, count: int) -> Check:
    """Rows with NaN or infinity, by their ids."""
    if not len(bad):
        return Check("finite", "fine", "every number is finite")
    reason = f"{_of(len(bad), count, 'hold')} NaN or infinity: {some(bad.tolist())}"
    return Check(
        "finite", "wrong", reason, "Repair or leave out those rows; nothing can be compared with them."
    )


def nonzero(zeros: np.ndarray, count: int) -> Check:
    """Rows of zeros, by their ids."""
    if not len(zeros):
        return Check("zero rows", "fine", "no row is all zeros")
    verdict = "wrong" if len(zeros) == count else "look"
    reason = f"{_of(len(zeros), count, 'are')} all zeros: {some(zeros.tolist())}"
    return Check(
        "zero rows", verdict, reason, "A zero row has no cosine and ranks last; see why it is empty."
    )


def lengths(l1: np.ndarray, l2: np.ndarray, unit: bool) -> Check:
    """Whether rows have one length, and whether some dwarf the others."""
    if unit:
        return Check("length", "fine", "every row has length 1")
    if not np.isfinite(l1).all():  # never below the L2 norm
        long = int((~np.isfinite(l1)).sum())
        reason = f"{amount(long, 'row')} {verb(long, 'are')} longer than float64 can tell"
        return Check("length", "wrong", reason, "Scale the columns down: X / 1e100.")
    shortest, longest = float(l2.min(where=l2 > 0, initial=np.inf)), float(l2.max(initial=0))
    if longest > 1000 * shortest:
        reason = f"lengths run from {shortest:.3g} to {longest:.3g}"
        return Check(
            "length", "look", reason, "Use cosine or `normalize`: long rows win every inner product."
        )
    return Check("length", "fine", "rows are not unit length, and none dwarfs the others")


def repeats(duplicates: int, count: int) -> Check:
    """Rows that equal an earlier one."""
    if not duplicates:
        return Check("duplicates", "fine", "no two rows are equal")
    reason = f"{_of(duplicates, count, 'equal')} an earlier row"
    return Check(
        "duplicates", "look", reason, "Keep one of each if counts matter or if rows are split for a test."
    )


def near_repeats(found: Sampled, whole: bool, *, mixed: bool) -> Check:
    """Rows that another row nearly equals, in the sample."""
    name, of = "near duplicates", f"{found.compared:,} {_rows(whole)}"
    if found.near is None:
        few = f"with fewer than {FEWEST_DIMENSIONS} dimensions rows lie close together by nature"
        return Check(name, "fine", few if found.compared > 1 else "there are no two rows to compare")
    if not found.near:
        return Check(name, "fine", f"no two of {of} have a cosine of {NEAR} or more")
    by = " of standardized columns" if mixed else ""
    more = "" if whole else ", and more will have one among all rows"
    part = f"{found.near:,} of {of} ({share(found.near / found.compared)}) {verb(found.near, 'have')}"
    reason = f"{part} another of them at a cosine{by} of {NEAR} or more{more}"
    return Check(name, "look", reason, "Thin them out, or keep near rows on one side of a split.")


def constants(constant: int, dim: int) -> Check:
    """Dimensions that never vary."""
    if not constant:
        return Check("constant dimensions", "fine", "every dimension varies")
    reason = (
        f"{constant:,} of {amount(dim, 'dimension')} {verb(constant, 'have')} the same value in every row"
    )
    return Check("constant dimensions", "look", reason, "They tell no row from another; leave them out.")


def equal_dimensions(groups: Sequence[tuple[int, ...]], names: Sequence[str], *, sparse: bool) -> Check:
    """Dimensions that equal an earlier one in every row."""
    name = "duplicate dimensions"
    if not groups:
        return Check(name, "fine", "no two varying dimensions are equal")
    many = sum(len(group) - 1 for group in groups)
    pairs = [f"{names[group[0]]} = {names[other]}" for group in groups for other in group[1:]]
    reason = (
        f"{amount(many, 'dimension')} {verb(many, 'equal')} an earlier one in every row: {some(pairs, 3)}"
    )
    if sparse:  # of words that occur once, those of one row are equal columns
        return Check(name, "fine", f"{reason}, as rare words do")
    return Check(name, "look", reason, "Each counts twice in every distance; keep one of each.")


def units(mixed: bool, varying: np.ndarray) -> Check:
    """Whether columns have different units."""
    if not mixed:
        return Check("units", "fine", "no dimension drowns the others")
    reason = f"standard deviations of the columns run from {varying.min():.3g} to {varying.max():.3g}"
    return Check(
        "units", "look", reason, "Distances would follow the largest column: use `standardize` first."
    )


def outliers(ids: np.ndarray, count: int, *, scaled: bool) -> Check:
    """Rows far from the center, the farthest first, by their ids."""
    if not len(ids):
        return Check("outliers", "fine", "no row lies far outside the others")
    by = " of standardized columns" if scaled else ""
    reason = (
        f"{len(ids):,} of {amount(count, 'row')} {verb(len(ids), 'lie')} far from the center{by}, more than "
        "6 robust deviations beyond most: "
        f"{some(ids[:5].tolist())}{f' and {len(ids) - 5:,} more' if len(ids) > 5 else ''}"
    )
    return Check("outliers", "look", reason, "Read those rows: they pull means, components and clusters.")


def rank(found: Sampled, whole: bool, *, mixed: bool) -> Check:
    """How many directions the rows vary along."""
    if np.isnan(found.rank):
        return Check("effective rank", "fine", "nothing varies, so there are no directions to count")
    by = " of standardized columns" if mixed else ""
    reason = f"{found.rows:,} {_rows(whole)} vary along about {found.rank:.3g} of {found.directions:,} directions{by}"
    if found.rank >= max(2.0, FLAT * found.directions) or found.directions < FEWEST_DIMENSIONS:
        return Check("effective rank", "fine", reason)
    remedy = "Most dimensions hold next to nothing: `pca` to that many loses little."
    return Check("effective rank", "look", reason, remedy)


def isotropy(mean_cosine: float, *, judged: bool) -> Check:
    """How alike any two rows are."""
    if np.isnan(mean_cosine):
        return Check("isotropy", "fine", "there are no two rows with a length")
    reason = f"the mean cosine of all pairs of rows is {mean_cosine:.3f}"
    if not judged:
        more = "" if mean_cosine < ALIKE else ", as that of numbers of one sign or of columns is"
        return Check("isotropy", "fine", reason + more)
    if mean_cosine <= ALIKE:
        return Check("isotropy", "fine", f"{reason}; 0 is even in all directions")
    remedy = "All rows point one way: subtract their mean (`standardize`) before comparing by cosine."
    return Check("isotropy", "look", f"{reason}, where 0 is even in all directions", remedy)


def hubs(found: Sampled, whole: bool) -> Check:
    """Whether a few rows are neighbours of very many."""
    if np.isnan(found.hubness):
        return Check("hubness", "fine", f"with fewer than {FEWEST_ROWS} different rows hubs cannot be told")
    often = f"how often {found.compared:,} {_rows(whole)} are among the 10 nearest of another"
    reason = f"{often} has a skewness of {found.hubness:.2g}"
    if found.hubness <= HUBS:
        return Check("hubness", "fine", reason)
    remedy = "A few rows are near to very many: subtract the mean, or expect them in most answers."
    return Check("hubness", "look", reason, remedy)


def storage(density: float, cells: int, dtype: str, *, sparse: bool, single: bool) -> Check:
    """Whether the numbers could be kept in less memory; never more than advice."""
    name = "storage"
    if sparse and density > FULL:
        reason = f"{share(density)} of the cells are not zero, and they are kept sparse"
        return Check(name, "fine", reason, "A dense array takes less memory and less time.")
    if not sparse and density < SPARSE and cells >= 10_000:
        reason = f"only {share(density)} of the cells are not zero, and all are kept"
        return Check(name, "fine", reason, "Keep them sparse: scipy.sparse.csr_array(X).")
    if dtype == "float64" and single:
        reason = "every number looked at is a float32 number kept as float64"
        return Check(name, "fine", reason, "astype(np.float32) halves the memory and loses nothing.")
    return Check(name, "fine", f"{dtype} in {'sparse' if sparse else 'dense'} rows suits these numbers")


def leakage(leaks: Sequence[Leak]) -> Check:
    """Rows of one split that equal or nearly equal rows of another."""
    name = "leakage"
    equal, near = [leak for leak in leaks if leak.equal], [leak for leak in leaks if leak.near]
    if not equal and not near:
        return Check(name, "fine", "no row of one split equals or nearly equals a row of another")
    told = [
        f"{leak.equal:,} of {amount(leak.rows, 'row')} of `{leak.left}` "
        f"{verb(leak.equal, 'equal')} a row of `{leak.right}`: "
        f"{some(leak.ids.tolist())}"
        for leak in equal
    ] + [
        f"{leak.near:,} of {amount(leak.compared, 'row' if leak.whole else 'sampled row')} of `{leak.left}` "
        f"{verb(int(leak.near or 0), 'have')} a cosine of {NEAR} or more with a row of `{leak.right}`"
        for leak in near
    ]
    remedy = "Remove those rows from one side, or split again by groups of equal and near rows."
    return Check(name, "wrong" if equal else "look", "; ".join(told), remedy)


def _of(some_of: int, count: int, does: str) -> str:
    """So many of all rows, and a verb that agrees."""
    return f"{some_of:,} of {amount(count, 'row')} {verb(some_of, does)}"


def _rows(whole: bool) -> str:
    return "rows" if whole else "sampled rows"
