"""The one look of every picture: colours, fonts and dot sizes, for a light and a dark page.

This module must not know what is drawn.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

Mode = Literal["light", "dark"]

FONT: Final = 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", Ubuntu, Cantarell, sans-serif'

# Okabe and Ito (2008), "Color Universal Design". Yellow is last but one: on white it is the faintest.
# Their black is the ink of the page, so that it stays visible on a dark one.
_OKABE_ITO: Final = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442")

# Viridis by van der Walt and Smith (2015), at ten even steps.
VIRIDIS: Final = (
    *("#440154", "#482878", "#3e4989", "#31688e", "#26828e"),
    *("#1f9e89", "#35b779", "#6ece58", "#b5de2b", "#fde725"),
)


@dataclass(frozen=True, slots=True)
class Palette:
    """The colours of a page: CSS and plotly are both made from these."""

    page: str
    surface: str
    ink: str
    muted: str
    line: str
    accent: str
    rest: str
    signed: tuple[str, ...]

    @property
    def categories(self) -> tuple[str, ...]:
        """Eight colours that differ for every kind of colour vision."""
        return (*_OKABE_ITO, self.ink)


PALETTES: Final[dict[Mode, Palette]] = {
    "light": Palette(
        page="#f7f8f9",
        surface="#ffffff",
        ink="#1b1f24",
        muted="#59636e",
        line="#dfe3e8",
        accent="#0072b2",
        rest="#a3abb4",
        signed=("#8f3d00", "#d55e00", "#f3b991", "#f7f7f7", "#9dcbe8", "#0072b2", "#00446b"),
    ),
    "dark": Palette(
        page="#121519",
        surface="#1a1e24",
        ink="#e9ecef",
        muted="#9ba6b2",
        line="#2e353d",
        accent="#56b4e9",
        rest="#6d7680",
        signed=("#ffc08f", "#e06a0c", "#7a3f17", "#22272e", "#1b4d6e", "#2288c9", "#9bd6f8"),
    ),
}


def scale(colors: tuple[str, ...]) -> list[list[float | str]]:
    """Spread colours evenly over plotly's 0 to 1.

    >>> scale(("black", "grey", "white"))
    [[0.0, 'black'], [0.5, 'grey'], [1.0, 'white']]
    """
    return [[place / (len(colors) - 1), color] for place, color in enumerate(colors)]


def dot(points: int) -> tuple[float, float]:
    """Give the size (pixels) and the alpha of a dot: both fall with the number of points.

    >>> dot(5), dot(21613)
    ((10.0, 0.95), (2.2, 0.57))
    """
    crowd = max(points, 1)
    return round(min(10.0, 16 / crowd**0.2), 1), round(min(0.95, 2.2 / crowd**0.135), 2)


def template(mode: Mode) -> dict[str, Any]:
    """Give the plotly template of a theme: figures name no colour of their own and take them from here."""
    colors = PALETTES[mode]
    axis = {
        "gridcolor": colors.line,
        "linecolor": colors.line,
        "zerolinecolor": colors.rest,
        "tickcolor": colors.line,
        "tickfont": {"color": colors.muted, "size": 11},
        "title": {"font": {"color": colors.muted, "size": 12}},
    }
    space = {**axis, "showbackground": False, "showspikes": False, "zeroline": False}
    return {
        "layout": {
            "font": {"family": FONT, "size": 12, "color": colors.ink},
            "title": {"font": {"size": 16}, "x": 0, "xanchor": "left", "xref": "paper"},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "colorway": list(colors.categories),
            "colorscale": {"diverging": scale(colors.signed), "sequential": scale(VIRIDIS)},
            "hoverlabel": {
                "bgcolor": colors.surface,
                "bordercolor": colors.rest,
                "align": "left",
                "font": {"family": FONT, "size": 12, "color": colors.ink},
            },
            "xaxis": axis,
            "yaxis": axis,
            "scene": {"xaxis": space, "yaxis": space, "zaxis": space},
            "legend": {"itemsizing": "constant"},
            "shapedefaults": {"line": {"color": colors.ink, "width": 1.5, "dash": "dot"}},
        },
        "data": {
            "bar": [{"marker": {"color": colors.accent, "line": {"width": 0}}}],
            "heatmap": [{"autocolorscale": True}],
        },
    }


def css() -> str:
    """Give the same colours as CSS variables: dark where the reader prefers it, always light on paper."""
    light, dark = (_variables(PALETTES[mode]) for mode in ("light", "dark"))
    return f":root{{{light}}}\n@media screen and (prefers-color-scheme: dark){{:root{{{dark}}}}}"


def _variables(colors: Palette) -> str:
    named = {
        name: getattr(colors, name) for name in ("page", "surface", "ink", "muted", "line", "accent", "rest")
    }
    return "".join(f"--{name}:{value};" for name, value in named.items()) + f"--font:{FONT};"
