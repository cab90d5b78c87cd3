"""Draw the pictures of `inputs.md`, `outputs.md` and `models.md` from the examples: `python docs/pictures.py [NAME]`."""

from __future__ import annotations

import base64
from html import escape
from pathlib import Path

import model_pictures
import numpy as np

import vecwise as vw
from vecwise.draw.theme import PALETTES, VIRIDIS
from vecwise.kernels.png import png_bytes

HERE = Path(__file__).parent
EXAMPLES = HERE.parent / "examples"
LOOK = PALETTES["light"]
FONT = "font-family='system-ui, sans-serif' font-size='12'"


def rgb(colour: str) -> np.ndarray:
    return np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)], dtype=np.float64)


def painted(values: np.ndarray, stops: tuple[str, ...], low: float, high: float) -> np.ndarray:
    """Numbers as colours between stops, `(rows, columns, 3)`."""
    places = np.clip((values - low) / (high - low), 0, 1) * (len(stops) - 1)
    below = np.minimum(places.astype(int), len(stops) - 2)
    table = np.array([rgb(stop) for stop in stops])
    share = (places - below)[..., None]
    return (table[below] * (1 - share) + table[below + 1] * share).round().astype(np.uint8)


class Picture:
    """An SVG file that grows: words, and matrices as blocks of pixels."""

    def __init__(self, width: int, height: int) -> None:
        self.parts = [
            f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width} {height}' width='{width}' height='{height}'>",
            f"<rect width='{width}' height='{height}' fill='{LOOK.surface}'/>",
        ]

    def words(self, x: float, y: float, text: str, *, end: bool = False, muted: bool = False) -> None:
        anchor = " text-anchor='end'" if end else ""
        colour = LOOK.muted if muted else LOOK.ink
        self.parts.append(f"<text x='{x}' y='{y}' {FONT} fill='{colour}'{anchor}>{escape(text)}</text>")

    def matrix(self, x: int, y: int, width: int, height: int, pixels: np.ndarray) -> None:
        data = base64.b64encode(png_bytes(pixels)).decode()
        self.parts.append(
            f"<image x='{x}' y='{y}' width='{width}' height='{height}' preserveAspectRatio='none' "
            f"style='image-rendering:pixelated' href='data:image/png;base64,{data}'/>"
        )
        self.parts.append(
            f"<rect x='{x}' y='{y}' width='{width}' height='{height}' fill='none' stroke='{LOOK.line}'/>"
        )

    def save(self, name: str) -> None:
        folder = HERE / "pictures"
        folder.mkdir(exist_ok=True)
        (folder / name).write_text("\n".join([*self.parts, "</svg>\n"]), encoding="utf-8")


def houses() -> None:
    table = vw.read(EXAMPLES / "houses.csv")
    names = [name for name in table.column_names if name != "id"]
    X = vw.encode(table, vw.TableEncoder(columns=names))
    many = vw.standardize(X).values[:12]
    drawn = Picture(760, 420)
    drawn.words(20, 24, "One house: 20 named numbers")
    for row, (name, value) in enumerate(zip(X.space.features, X.values[0], strict=True)):
        drawn.words(130, 50 + 18 * row, name, end=True, muted=True)
        drawn.words(220, 50 + 18 * row, f"{value:,.10g}", end=True)
    drawn.words(300, 24, "Twelve houses: a matrix, a row each (standardized)")
    drawn.matrix(300, 40, 440, 264, painted(many, LOOK.signed, -3, 3))
    for row in range(12):
        drawn.words(290, 56 + 22 * row, str(row), end=True, muted=True)
    drawn.words(
        300, 326, "← 20 columns, from the smallest (orange) to the largest (blue) values →", muted=True
    )
    drawn.save("houses.svg")


def counts() -> None:
    lines = (EXAMPLES / "lyrics.txt").read_text(encoding="utf-8").splitlines()
    X = vw.encode(lines, "count")
    some = X.values[:40, :129].toarray()
    drawn = Picture(900, 400)
    drawn.words(
        20,
        24,
        f"The first 40 of {len(lines)} lines, and the first 129 of {X.space.dim:,} words: dark is counted",
    )
    drawn.matrix(20, 40, 860, 320, painted(some, (LOOK.page, LOOK.accent), 0, 1))
    full = X.values.nnz / (X.shape[0] * X.shape[1])
    drawn.words(
        20, 384, f"Of all {X.shape[0]:,} × {X.shape[1]:,} counts, {full:.1%} are not zero", muted=True
    )
    drawn.save("counts.svg")


def sentences() -> None:
    rows = (EXAMPLES / "sentences.txt").read_text(encoding="utf-8").splitlines()
    X = vw.encode(rows, "sentence")
    table = vw.cosine(X).values
    drawn = Picture(900, 330)
    drawn.words(20, 24, "Five sentences, 512 numbers each")
    for row, text in enumerate(rows):
        drawn.words(20, 56 + 56 * row, text, muted=True)
        drawn.matrix(20, 62 + 56 * row, 512, 20, painted(X.values[[row]], LOOK.signed, -0.15, 0.15))
    drawn.words(580, 24, "Their cosines")
    drawn.matrix(580, 40, 280, 280, painted(table, VIRIDIS, -0.05, 1))
    for i, line in enumerate(table):
        for j, value in enumerate(line.round(2)):
            drawn.parts.append(
                f"<text x='{580 + 56 * j + 28}' y='{40 + 56 * i + 32}' {FONT} text-anchor='middle' "
                f"fill='{'#fff' if value < 0.6 else '#000'}'>{value + 0.0:.2f}</text>"
            )
    drawn.save("sentences.svg")


def a_seven() -> np.ndarray:
    """A seven of 28 × 28 pixels, drawn for this page with soft edges."""
    y, x = np.mgrid[0:28, 0:28].astype(np.float64)

    def stroke(x0: float, y0: float, x1: float, y1: float) -> np.ndarray:
        along = np.clip(
            ((x - x0) * (x1 - x0) + (y - y0) * (y1 - y0)) / ((x1 - x0) ** 2 + (y1 - y0) ** 2), 0, 1
        )
        away = np.hypot(x - x0 - along * (x1 - x0), y - y0 - along * (y1 - y0))
        return np.clip(2.1 - away, 0, 1)

    ink = np.maximum.reduce([stroke(7, 6, 20, 6), stroke(20, 6, 12, 22), stroke(11, 14, 19, 14)])
    return (255 * ink).round().astype(np.uint8)


def digit() -> None:
    seven = a_seven()
    encoder = vw.ImageEncoder()
    X = vw.encode(seven[None], encoder.fit(seven[None]))
    drawn = Picture(900, 330)
    drawn.words(20, 24, "28 × 28 grey pixels")
    drawn.matrix(20, 40, 224, 224, seven)
    drawn.words(280, 24, "the same as 784 numbers, row after row")
    for part in range(4):
        drawn.matrix(
            280, 40 + 60 * part, 340, 44, X.values[:, 196 * part : 196 * (part + 1)].astype(np.uint8)
        )
    drawn.words(656, 24, "the picture made of the numbers")
    drawn.matrix(656, 40, 224, 224, encoder.picture(X[0]))
    drawn.words(280, 300, "from row_0_col_0 to row_27_col_27", muted=True)
    drawn.save("digit.svg")


def dots(points: np.ndarray, colours: np.ndarray, side: int) -> np.ndarray:
    """Points as pixels of a square, the later ones on top."""
    low, high = np.percentile(points, [0.2, 99.8], axis=0)
    at = ((points - low) / (high - low).max() * (side - 8) + 4).round().astype(int)
    drawn = np.empty((side, side, 3), np.uint8)
    drawn[:] = rgb(LOOK.surface).astype(np.uint8)
    inside = ((at >= 0) & (at < side - 1)).all(axis=1)
    for right in (0, 1):
        for down in (0, 1):
            drawn[side - 1 - at[inside, 1] - down, at[inside, 0] + right] = colours[inside]
    return drawn


def maps() -> None:
    X = vw.encode(EXAMPLES / "speeches.csv")
    years = np.array(X.rows.column("year").to_pylist(), dtype=np.float64)
    colours = painted(years[None], VIRIDIS, years.min(), years.max())[0]
    drawn = Picture(900, 500)
    for place, (method, words) in enumerate((("pca", "Principal components"), ("umap", "UMAP"))):
        made = vw.layout(X, dim=2, method=method)
        kept = made.faithfulness.neighbors_kept
        drawn.words(20 + 440 * place, 24, f"{words}: {kept:.1%} of the 10 nearest rows are kept")
        drawn.matrix(20 + 440 * place, 40, 420, 420, dots(made.coordinates, colours, 840))
    drawn.words(
        20, 484, "10,000 sentences of American presidents, from 1790 (dark) to 2026 (yellow)", muted=True
    )
    drawn.save("maps.svg")


if __name__ == "__main__":
    import sys

    for draw in (houses, counts, sentences, digit, maps, *model_pictures.DRAWN):
        if len(sys.argv) < 2 or draw.__name__ in sys.argv[1:]:
            draw()
