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
        whole = values * float(1 << shift) if shift else values
        if np.array_equal(np.rint(whole), whole):
            return _whole_sums(whole.astype(np.int64), shift)
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


def _whole_sums(whole: np.ndarray, shift: int) -> ExactSums:
    total, squares = int(whole.sum()), int(np.dot(whole, whole))
    return ExactSums(len(whole), Fraction(total, 1 << shift), Fraction(squares, 1 << 2 * shift))


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
