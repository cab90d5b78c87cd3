"""How much of the variance each component explains: bars, and a line for all up to it.

This module must not know how components are found.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from vecwise.draw.words import count, share


def scree_figure(ratios: np.ndarray, *, title: str = "") -> dict[str, Any]:
    """Draw shares of the variance, largest first; the title says what they keep together.

    >>> scree_figure(np.array([0.75, 0.25]))["layout"]["title"]["text"]
    '2 components keep 100% of the variance, the first 75%'
    """
    shares = np.asarray(ratios, dtype=np.float64)
    up_to = np.cumsum(shares)
    places = list(range(1, len(shares) + 1))
    told = [
        f"component {place}: {share(float(part))}, up to it {share(float(sum_))}"
        for place, part, sum_ in zip(places, shares, up_to, strict=True)
    ]
    hover = {"hovertext": told, "hoverinfo": "text"}
    bars = {"type": "bar", "name": "each", "x": places, "y": shares.tolist(), **hover}
    line = {
        "type": "scatter",
        "mode": "lines+markers",
        "name": "all up to it",
        "x": places,
        "y": up_to.tolist(),
    }
    words = f"{count(len(shares), 'component')} {'keeps' if len(shares) == 1 else 'keep'} {share(float(up_to[-1]))}"
    found = f"{words} of the variance, the first {share(float(shares[0]))}"
    layout = {
        "xaxis": {"title": {"text": "component"}, "dtick": max(1, len(shares) // 10), "showgrid": False},
        "yaxis": {"title": {"text": "share of the variance"}, "range": [0, 1.05], "tickformat": ".0%"},
        "legend": {"orientation": "h", "y": 1.08},
        "margin": {"l": 56, "r": 10, "t": 64, "b": 44},
        "height": 320,
        "title": {"text": title or found},
    }
    return {"data": [bars, line | hover], "layout": layout}
