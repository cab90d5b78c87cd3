"""The paper that pictures of the guide are drawn on: SVG with the project's colours, for a light and a dark page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

import numpy as np

from vecwise.draw.theme import PALETTES, VIRIDIS, Palette

HERE = Path(__file__).parent
_NAMES = ("surface", "ink", "muted", "line", "accent", "rest")


def _colours(look: Palette) -> str:
    made = [f"svg{{--h:{look.surface}}}"]
    made += [f".{name}{{fill:{getattr(look, name)};--c:{getattr(look, name)}}}" for name in _NAMES]
    made += [f".c{i}{{fill:{colour};--c:{colour}}}" for i, colour in enumerate(look.categories)]
    steps = VIRIDIS if look is PALETTES["light"] else VIRIDIS[2:]  # the darkest vanish on a dark page
    made += [f".v{i}{{--c:{steps[round(i * (len(steps) - 1) / 5)]};fill:var(--c)}}" for i in range(6)]
    made += [f".s{i}{{fill:{colour};--c:{colour}}}" for i, colour in enumerate(look.signed)]
    return "".join(made)


STYLE = (
    f"<style>text{{font:12px system-ui,sans-serif}}.b{{font-weight:600}}.e{{text-anchor:end}}.m{{text-anchor:middle}}"
    f"{_colours(PALETTES['light'])}@media(prefers-color-scheme:dark){{{_colours(PALETTES['dark'])}}}"
    ".h{paint-order:stroke;stroke:var(--h);stroke-width:4px}.o{fill:none;stroke:var(--c)}.d{fill:none;stroke:var(--c);stroke-linecap:round}</style>"
)


class Sheet:
    """A picture that grows; colours are classes: `ink`, `muted`, `line`, `accent`, `rest`, `c0` … and `v0` to `v5`."""

    def __init__(self, width: int, height: int, title: str) -> None:
        self.parts = [
            f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width} {height}' width='{width}' height='{height}' "
            f"role='img'><title>{escape(title)}</title>{STYLE}",
            f"<rect width='{width}' height='{height}' class='surface'/>",
        ]

    def words(self, x: float, y: float, text: str, style: str = "ink") -> None:
        """Words; `e` in the style ends them at x, `m` puts their middle there, `b` makes them bold."""
        self.parts.append(f"<text x='{x:g}' y='{y:g}' class='{style}'>{escape(text)}</text>")

    def bar(self, x: float, y: float, width: float, height: float, style: str = "accent") -> None:
        self.parts.append(
            f"<rect x='{x:.4g}' y='{y:.4g}' width='{width:.4g}' height='{height:.4g}' class='{style}'/>"
        )

    def box(
        self, x: float, y: float, width: float, height: float, style: str = "line", more: str = ""
    ) -> None:
        self.parts.append(
            f"<rect x='{x:g}' y='{y:g}' width='{width:g}' height='{height:g}' rx='6' class='o {style}' {more}/>"
        )

    def path(self, points: Iterable[Sequence[float]], style: str = "rest", more: str = "") -> None:
        """A line through points."""
        made = "L".join(f"{x:.4g} {y:.4g}" for x, y in points)
        self.parts.append(f"<path d='M{made}' class='o {style}' {more}/>")

    def dots(self, points: np.ndarray, styles: Sequence[str], size: float = 4, alpha: float = 0.8) -> None:
        """A dot a point, those of one colour as one path; of two at one place the later colour is on top."""
        at = np.round(np.asarray(points, np.float64)).astype(int)
        named = np.asarray(styles)
        for style in sorted(dict.fromkeys(styles)):
            made = "".join(f"M{x} {y}h0" for x, y in at[named == style].tolist())
            self.parts.append(
                f"<path d='{made}' class='d {style}' stroke-width='{size:g}' stroke-opacity='{alpha:g}'/>"
            )

    def save(self, name: str) -> None:
        folder = HERE / "pictures"
        folder.mkdir(exist_ok=True)
        (folder / name).write_text("\n".join([*self.parts, "</svg>\n"]), encoding="utf-8")


def placed(points: np.ndarray, x: float, y: float, width: float, height: float) -> np.ndarray:
    """Points `(rows, 2)` on a field of the sheet, both axes on one scale, the outermost hundredth at its edge."""
    low, high = np.percentile(points, [0.5, 99.5], axis=0)
    scale = min((width - 8) / (high[0] - low[0]), (height - 8) / (high[1] - low[1]))
    at = (points - (low + high) / 2) * scale * [1, -1] + [width / 2, height / 2]
    return np.clip(at, 4, [width - 4, height - 4]) + np.array([x, y])
