"""Sums of numbers and of their squares without any rounding, so that no cut of the rows can change them.

This module must not know any vecwise type. A float64 is a whole number times a power of two, and Python's whole
numbers have no largest one.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any, Final, NamedTuple

import numpy as np

_BLOCK: Final = 1 << 16  # sums of so many products of 18-bit limbs stay below 2^53
_DYADIC: Final = (0, 6)  # whole numbers, and quarters to 64ths, which prices and counts mostly are
_HEAD: Final = 64  # so many numbers tell almost always that not all are whole
_TILE: Final = 1 << 13  # numbers sliced at a time: they stay in cache, and BLAS starts no threads for so few
_SLICES: Final = 6  # more than so many slices: the magnitudes lie too far apart for a common grid
_MODERATE: Final = 200  # powers of two between which no product of slices leaves float64


class ExactSums(NamedTuple):
    """How many numbers, their sum and the sum of their squares, exactly."""

    n: int = 0
    total: Fraction = Fraction(0)
    squares: Fraction = Fraction(0)

    def merged(self, other: ExactSums) -> ExactSums:
        """Join the sums of two stretches."""
        return ExactSums(self.n + other.n, self.total + other.total, self.squares + other.squares)

    @property
    def mean(self) -> Fraction:
        """The mean; there must be a number."""
        return self.total / self.n

    @property
    def variance(self) -> Fraction:
        """The mean squared distance from the mean: never negative, however far from zero the numbers are."""
        return self.squares / self.n - self.mean**2


def exact_sums(values: np.ndarray, *, squares: bool = True) -> ExactSums:
    """Give the exact sums of finite float64 numbers, of any magnitude; without `squares` those may stay 0.

    >>> sums = exact_sums(np.array([1e16, 1.0, -1e16, 0.5]))
    >>> float(sums.total), float(exact_sums(np.array([1e200, 1e-200])).squares / 10**200)
    (1.5, 1e+200)
    """
    if not len(values):
        return ExactSums()
    largest = max(float(values.max()), -float(values.min()))
    for shift in _DYADIC:
        if largest * 2.0**shift >= 2.0**31 or (largest * 2.0**shift) ** 2 * len(values) >= 2.0**62:
            break  # their squares do not fit 64 bits
        if not _are_whole(values[:_HEAD] * float(1 << shift)):
            continue
        whole = values * float(1 << shift) if shift else values
        if _are_whole(whole):
            return _whole_sums(whole.astype(np.int64), shift)
    sliced = _sliced_sums(values, math.frexp(largest)[1], squares)
    if sliced is not None:
        return sliced
    parts = [_limb_sums(values[i : i + _BLOCK], squares) for i in range(0, len(values), _BLOCK)]
    total, square = (sum(sums, Fraction(0)) for sums in zip(*parts, strict=True))
    return ExactSums(len(values), total, square)


def square_root(value: Fraction) -> float:
    """Give the square root of an exact number as float64, also where the number itself is beyond float64.

    >>> square_root(Fraction(10) ** 600) == 1e300, square_root(Fraction(2))
    (True, 1.4142135623730951)
    """
    if value <= 0:
        return 0.0
    # Scaled so that the whole root has some 70 digits of two; rounding it to 53 is the only error.
    shift = (140 - value.numerator.bit_length() + value.denominator.bit_length()) // 2
    scaled = value * Fraction(2) ** (2 * shift)
    return math.ldexp(math.isqrt(scaled.numerator // scaled.denominator), -shift)


def _are_whole(values: np.ndarray) -> bool:
    return np.array_equal(np.rint(values), values)


def _whole_sums(whole: np.ndarray, shift: int) -> ExactSums:
    total, squares = int(whole.sum()), int(np.dot(whole, whole))
    return ExactSums(len(whole), Fraction(total, 1 << shift), Fraction(squares, 1 << 2 * shift))


def _sliced_sums(values: np.ndarray, top: int, squares: bool) -> ExactSums | None:
    """Numbers below 2^top cut into slices on one grid of powers of two; `None` where that takes too many.

    A slice holds so few bits that float64 adds up a tile of slices, or of their products, without rounding.
    Adding and subtracting a large number rounds to a grid: Rump, Ogita and Oishi 2008, doi:10.1137/050645671.
    """
    if abs(top) > _MODERATE:
        return None
    bits = 19 if squares else 38
    totals, products = [0] * _SLICES, [0] * (2 * _SLICES)
    for start in range(0, len(values), _TILE):
        rest, slices = values[start : start + _TILE], list[np.ndarray]()
        while rest.any():
            place = len(slices)
            if place == _SLICES:
                return None
            unit = top - bits * (place + 1)
            grid = 1.5 * 2.0 ** (52 + unit)
            part = rest + grid
            part -= grid
            rest = rest - part
            slices.append(part)
            totals[place] += int(float(part.sum()) * 2.0**-unit)
            for other, twin in enumerate(slices if squares else ()):
                both = float(part.dot(twin)) * 2.0 ** (bits * (place + other + 2) - 2 * top)
                products[place + other] += int(both) * (1 if other == place else 2)
    total = _on_grid(totals, bits, top - bits)
    square = _on_grid(products, bits, 2 * (top - bits))
    return ExactSums(len(values), total, square)


def _on_grid(numbers: list[int], bits: int, unit: int) -> Fraction:
    """The sum of whole numbers times 2^unit, each next one 2^bits finer."""
    whole, last = 0, len(numbers) - 1
    for number in numbers:
        whole = (whole << bits) + number
    return whole * Fraction(2) ** (unit - bits * last)


def _limb_sums(values: np.ndarray, squares: bool) -> tuple[Fraction, Fraction]:
    """The mantissas in three limbs of 18 bits, added up exponent by exponent."""
    mantissas, exponents = np.frexp(values)
    if exponents.min() < exponents.max():  # 16 bits are sorted by their digits, in two passes
        order = np.argsort(exponents.astype(np.int16), kind="stable")
        mantissas, exponents = mantissas[order], exponents[order]
    starts = np.flatnonzero(np.concatenate([[True], exponents[1:] != exponents[:-1]]))
    rest = mantissas * 2.0**53
    high = np.floor(rest * 2.0**-36)
    rest -= high * 2.0**36
    middle = np.floor(rest * 2.0**-18)
    low = rest - middle * 2.0**18
    limbs = ((36, high), (18, middle), (0, low))
    lowest = int(exponents.min())
    places, unit = (exponents[starts] - lowest).tolist(), Fraction(2) ** (lowest - 53)
    total = _placed(limbs, starts, places) * unit
    if not squares:
        return total, Fraction(0)
    products = ((72, high * high), (54, 2 * high * middle), (36, middle * middle + 2 * high * low),
                (18, 2 * middle * low), (0, low * low))  # fmt: skip
    return total, _placed(products, starts, [2 * p for p in places]) * unit * unit


def _placed(limbs: Any, starts: np.ndarray, places: list[int]) -> int:
    """The whole number that limbs at these powers of two make, each also shifted by its group's place."""
    return sum(
        int(part) << (at + place)
        for at, limb in limbs
        for part, place in zip(np.add.reduceat(limb, starts).tolist(), places, strict=True)
    )
