"""Numbers and rows in words, as the terminal and the report show them.

This module must not know how anything was computed.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Sequence
from typing import Any, Final

from vecwise.table_text import clip
from vecwise.table_text import count as count  # noqa: PLC0414  for those above, who find all words here
from vecwise.table_text import verb as verb  # noqa: PLC0414

_ROUNDING: Final = 1e-15  # of a score near 0 or 1
_DIGITS: Final = 17


def number(value: float | None, digits: int = 4) -> str:
    """Write a number with no more digits than it deserves; `None` and NaN are "no value".

    >>> number(221900), number(0.50041), number(1234567.0), number(None), number(0.00001234)
    ('221,900', '0.5004', '1,234,567', 'no value', '1.234e-05')
    """
    if value is None or math.isnan(value):
        return "no value"
    if math.isinf(value):
        return "infinite"
    if abs(value) < 1e15 and value == int(value):
        return f"{int(value):,}"
    if abs(value) >= 10 ** (digits - 1):
        return f"{value:,.0f}" if abs(value) < 1e15 else f"{value:.{digits - 1}e}"
    return f"{value:.{digits}g}"


def score(value: float | None, digits: int = 4) -> str:
    """Write a score: as `number` does, but with as many digits as tell it from 1; 1e-15 is the rounding of a score.

    >>> score(0.50041), score(0.9999999), score(1.0), score(-0.99996), score(1 - 2**-53)
    ('0.5004', '0.9999999', '1', '-0.99996', '1')
    """
    told = number(value, digits)
    while value is not None and told in ("1", "-1") and abs(abs(value) - 1) > _ROUNDING and digits < _DIGITS:
        digits += 1
        told = f"{value:.{digits}g}"
    return told


def fixed(value: float, places: int = 3) -> str:
    """Write a score to some places, and to as many as tell it from 0, 1 and -1.

    >>> fixed(0.5), fixed(0.99996), fixed(1.0), fixed(0.00002), fixed(-1e-17)
    ('0.500', '0.99996', '1.000', '0.00002', '0.000')
    """
    told = f"{value:.{places}f}"
    while abs(value - float(told)) > _ROUNDING and float(told) in (0, 1, -1) and places < _DIGITS:
        places += 1
        told = f"{value:.{places}f}"
    return told.lstrip("-") if not float(told) else told


def bound(value: float) -> str:
    """Write a bound, which is told whole: what it is rounded to would be another one.

    >>> bound(0.9999999), bound(0.95), bound(250000.0), bound(0.123456)
    ('0.9999999', '0.95', '250,000', '0.123456')
    """
    told = number(value)
    return told if float(told.replace(",", "")) == value else repr(float(value))


def share(part: float) -> str:
    """Write a share as a percentage; 0% is nothing at all, and 100% all, never what is rounded to them.

    >>> share(0.384), share(0.00012), share(0.995), share(1.0)
    ('38%', '0.01%', '99.5%', '100%')
    """
    percent = 100 * part
    if 0 < abs(percent) < 0.005:
        return "under 0.01%"
    if 99 < percent < 100 - 1e-9:  # nearer than that is the rounding of a sum
        return f"{percent:.3g}%" if percent < 99.9 else f"{min(percent, 99.99):.2f}%"
    return (
        f"{percent:.0f}%"
        if percent >= 10 or percent == 0
        else f"{percent:.1f}%"
        if percent >= 1
        else f"{percent:.2g}%"
        if percent >= 0.1
        else f"{percent:.2f}%"
    )


def tenths(part: float) -> str:
    """Write a share to a tenth of a percent, and as `share` does where that would round it to nothing or all.

    >>> tenths(0.973), tenths(0.9999), tenths(1.0)
    ('97.3%', '99.99%', '100.0%')
    """
    near = 0 < part < 0.0005 or 0.9995 <= part < 1
    return share(part) if near else f"{part:.1%}"


def cell(value: Any) -> str:
    """Write one cell: numbers with separators, dates as ISO, a missing one as a dash.

    >>> import datetime
    >>> cell(5650), cell(2.25), cell(datetime.date(2014, 10, 13)), cell(None), cell(True), cell("a  b")
    ('5,650', '2.25', '2014-10-13', '–', 'yes', 'a b')
    """
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, float)):
        return number(value, 6)
    if isinstance(value, (datetime.date, datetime.datetime)):
        return value.isoformat(sep=" ") if isinstance(value, datetime.datetime) else value.isoformat()
    return " ".join(str(value).split())


def row(values: dict[str, Any], columns: Sequence[str], width: int = 96) -> str:
    """Write a row: the text itself where there is one column, otherwise names and cells, cut to `width`.

    >>> row({"text": "It was raining"}, ["text"])
    '“It was raining”'
    >>> row({"bedrooms": 3, "sqft_lot": 5650}, ["bedrooms", "sqft_lot"])
    'bedrooms 3, sqft_lot 5,650'
    """
    shown = [name for name in columns if name in values]
    if len(shown) == 1 and isinstance(values[shown[0]], str):
        return f"“{clip(values[shown[0]], width - 2)}”"
    return clip(", ".join(f"{name} {cell(values[name])}" for name in shown), width)
