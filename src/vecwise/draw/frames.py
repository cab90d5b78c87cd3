"""The stretch of space that a picture shows: around all points, or around the crowd.

This module must not know what the points are, nor how they are coloured.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from vecwise.draw.markup import shown, shown_in_space

Frame = tuple[np.ndarray, np.ndarray]  # the low and the high end of every axis

FEW_FAR: Final = 1000  # rows from which a frame may leave out the farthest two in a thousand
_CAMERA: Final = {"eye": {"x": 0.6, "y": -1.8, "z": 1.0}, "center": {"x": 0, "y": 0, "z": -0.16}}


def whole_frame(points: np.ndarray) -> Frame:
    """Give the ends of a frame around all points: a little air, and no axis too short to see.

    One unit is equally long on every axis, so an axis on which the points hardly differ gets a longer
    stretch than it needs, never a magnifying glass.

    >>> whole_frame(np.array([[0.0, 0.0], [10.0, 0.0]]))[1].tolist()
    [10.3, 2.12]
    """
    return _framed(points.min(axis=0).astype(float), points.max(axis=0).astype(float))


def near_frame(points: np.ndarray) -> Frame:
    """Give the ends of a frame around the crowd, where a few far points would shrink it to a speck.

    It holds the middle 99.8% of every axis and a quarter more on each side, and is the whole frame
    where that would be less than half again as wide.
    """
    whole = whole_frame(points)
    if len(points) < FEW_FAR:
        return whole
    low, high = np.percentile(points, (0.1, 99.9), axis=0)
    air = (high - low) / 4
    near = _framed(np.maximum(low - air, points.min(axis=0)), np.minimum(high + air, points.max(axis=0)))
    wider = (whole[1] - whole[0]).max() / max((near[1] - near[0]).max(), 1e-300)
    return near if wider > 1.5 else whole


def outside(points: np.ndarray, frame: Frame) -> np.ndarray:
    """Give the rows of the points that a frame leaves out."""
    return np.flatnonzero(((points < frame[0]) | (points > frame[1])).any(axis=1))


def _framed(low: np.ndarray, high: np.ndarray) -> Frame:
    reach = float((high - low).max())
    if reach <= 0:
        return low - 1, high + 1
    half = np.maximum((high - low) / 2, 0.2 * reach) * 1.06
    middle = (low + high) / 2
    return middle - half, middle + half


def space_layout(frame: Frame, axes: Sequence[str]) -> dict[str, Any]:
    """Lay out a 3-D scene of a frame, in which one unit is equally long on every axis."""
    low, high = frame
    lengths = high - low
    scene: dict[str, Any] = {"camera": _CAMERA, "dragmode": "turntable", "aspectmode": "manual"}
    scene["aspectratio"] = {
        name: float(1.15 * length / lengths.max()) for name, length in zip("xyz", lengths, strict=True)
    }
    for place, name in enumerate("xyz"):
        ends = [float(low[place]), float(high[place])]
        scene[f"{name}axis"] = {"title": {"text": shown_in_space(axes[place])}, "range": ends, "nticks": 6}
    return {"scene": scene, "margin": {"l": 0, "r": 0, "t": 0, "b": 0}}


def plane_layout(frame: Frame, axes: Sequence[str]) -> dict[str, Any]:
    """Lay out a plane seen from straight above: two dimensions, drawn by WebGL as fast as three."""
    layout = space_layout(frame, axes)
    scene = layout["scene"]
    scene["camera"] = {
        "eye": {"x": 0, "y": 0, "z": 1.5},
        "up": {"x": 0, "y": 1, "z": 0},
        "center": dict.fromkeys("xyz", 0),
    }
    scene["dragmode"] = "pan"
    scene["aspectratio"]["z"] = 0.01
    scene["zaxis"] |= {"visible": False}
    return layout


def flat_layout(frame: Frame, axes: Sequence[str]) -> dict[str, Any]:
    """Lay out a flat scatter of the first two axes of a frame with one unit equally long on both."""
    across, up = ([float(end[place]) for end in frame] for place in (0, 1))
    return {
        "xaxis": {"title": {"text": shown(axes[0])}, "range": across},
        "yaxis": {"title": {"text": shown(axes[1])}, "range": up, "scaleanchor": "x"},
        "margin": {"l": 64, "r": 16, "t": 16, "b": 60},
        "hovermode": "closest",
        "dragmode": "pan",
    }
