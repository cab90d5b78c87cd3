"""Why two vectors are close: the part of each feature in their inner product, cosine or distance.

This module must not know encoders, files or how words are left out of a text; it shows what others found as well.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import fsum, isnan
from typing import Any, Final

import numpy as np

from vecwise.draw.words import count, number
from vecwise.draw.words import share as positive_share
from vecwise.errors import NonFinite, missing_package, whole_number
from vecwise.kernels.arrays import dense
from vecwise.kernels.norms import row_norms, scale_rows
from vecwise.measure.bounds import unknown_metric
from vecwise.table_text import preview_html, preview_text
from vecwise.vectors import Vectors

WORDS_OF: Final = {"dot": "inner product", "cosine": "cosine", "euclidean": "squared Euclidean distance"}
METRICS: Final = tuple(WORDS_OF)
_HEADERS: Final = {
    "features": ("feature", "a", "b", "product", "share"),
    "words": ("word of a", "its length", "b along it", "product", "share", "most of it with"),
    "left out": ("word", "without it in a", "without it in b", "change"),
}
_SQUARES: Final = "squared difference"


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """What makes two vectors close, the largest part first; `how` says what the parts are.

    - `"features"`: `a` and `b` are the two vectors' values of each feature, `products` their product, of unit
      rows for a cosine, the squared difference for a distance. They sum to `total`: the inner product, the
      cosine or the squared distance.
    - `"words"` of an average: the words of a. `a` is the length of what the word adds to the vector, `b` the
      length of the other vector along it, `products` the two multiplied, which sum to `total`; `partners` is the
      word of b that each owes most to.
    - `"left out"`: the words of both texts. `a` and `b` are the score without the word, in the text it stands
      in (NaN in the other), and `products` what the score loses by leaving it out: `total` minus that.

    `shares` are parts of `total` (NaN where it is 0, and for words that were left out); they sum to 1, and
    single ones may lie above it or below 0. `others` parts are not listed, and `rest` is the sum of their products.
    `measure` says in words what the rows are compared by, and `note` what could not be known of them.
    """

    metric: str
    how: str
    total: float
    names: tuple[str, ...]
    a: np.ndarray
    b: np.ndarray
    products: np.ndarray
    others: int
    rest: float
    titles: tuple[str, str] = ("a", "b")
    partners: tuple[str, ...] = ()
    measure: str = ""
    note: str = ""

    @property
    def shares(self) -> np.ndarray:
        """What part of `total` each product is."""
        if self.how == "left out" or not self.total:
            return np.full(len(self.names), np.nan)
        return np.asarray(self.products / self.total)

    def __len__(self) -> int:
        return len(self.names)

    @property
    def _part(self) -> str:
        """What `products` are, in words."""
        if self.how == "left out":
            return "change"
        return _SQUARES if self.metric == "euclidean" else "product"

    def rows(self) -> list[dict[str, Any]]:
        """Give the parts as a list of dicts: `feature` (or `word`), `a`, `b`, `product`, `share`.

        What a distance is made of is called `squared_difference`, and what a score loses `change`.
        """
        first = "feature" if self.how == "features" else "word"
        part_of = self._part.replace(" ", "_")
        columns = zip(self.names, self.a.tolist(), self.b.tolist(), self.products.tolist(), strict=True)
        made = [{first: name, "a": a, "b": b, part_of: product} for name, a, b, product in columns]
        if self.how == "left out":
            return made
        for row, part in zip(made, self.shares.tolist(), strict=True):
            row["share"] = part
        if self.partners:
            for row, partner in zip(made, self.partners, strict=True):
                row["partner"] = partner
        return made

    def to_pandas(self) -> Any:
        """Give a pandas DataFrame, a row a part. Raises `MissingPackage` without pandas."""
        try:
            import pandas as pd
        except ImportError as error:
            raise missing_package("pandas", "to_pandas()", "'vecwise[pandas]'") from error
        return pd.DataFrame(self.rows())

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain data."""
        plain = {name: getattr(self, name) for name in ("metric", "how", "total", "others", "rest")}
        return {**plain, "a": self.titles[0], "b": self.titles[1], "parts": self.rows()}

    def headline(self) -> str:
        """Say what is explained, in one line."""
        by = {
            "features": "by feature",
            "words": "by the words of a",
            "left out": "and what it loses without a word",
        }
        of = " of standardized columns" if "standardized" in self.measure else ""
        return f"{WORDS_OF[self.metric]}{of} {number(self.total)}, {by[self.how]}"

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Give the parts in words: a header and cells, with a last row for those that are not listed."""
        cells = [self._cells(i) for i in range(len(self))]
        if self.others:
            blank = [""] * (len(_HEADERS[self.how]) - 1)
            blank[2] = "" if self.how == "left out" else number(self.rest)
            if self.how != "left out" and self.total:
                blank[3] = percent(self.rest / self.total)
            cells.append([count(self.others, "other"), *blank])
        return [self._part if name == "product" else name for name in _HEADERS[self.how]], cells

    def _cells(self, i: int) -> list[str]:
        numbers = [float(column[i]) for column in (self.a, self.b, self.products)]
        if self.how == "left out":
            return [
                self.names[i],
                *("" if isnan(x) else f"{x:.4f}" for x in numbers[:2]),
                f"{numbers[2]:+.4f}",
            ]
        share = float(self.shares[i])
        told = [self.names[i], *map(number, numbers), "" if isnan(share) else percent(share)]
        return [*told, self.partners[i]] if self.partners else told if self.how == "features" else [*told, ""]

    def __repr__(self) -> str:
        said = preview_text(f"Explanation: {self.headline()}", *self.table(), 0)
        return f"{said}\n  {self.note}" if self.note else said

    def _repr_html_(self) -> str:
        head = f"Explanation: {self.headline()}" + (f". {self.note}" if self.note else "")
        return preview_html(head, *self.table(), 0)


def explained(
    metric: str,
    how: str,
    total: float,
    names: Callable[[int], str],
    parts: tuple[np.ndarray, np.ndarray, np.ndarray],
    *,
    most: int | None,
    titles: tuple[str, str],
    partners: Sequence[str] = (),
) -> Explanation:
    """Order the parts by the size of their product, ties as they come, and keep the first `most` of them."""
    a, b, products = parts
    order = np.argsort(-np.abs(products), kind="stable")
    kept = order[:most]
    return Explanation(
        metric, how, total, tuple(names(i) for i in kept.tolist()), a[kept], b[kept], products[kept],
        len(order) - len(kept), fsum(products[order[len(kept) :]]), titles,
        tuple(partners[i] for i in kept.tolist()) if partners else (),
    )  # fmt: skip


def by_features(a: Vectors, b: Vectors, metric: str, most: int | None) -> Explanation:
    """Explain two one-row vectors by their features; those that add nothing are left out.

    Products of float32 vectors are exact in float64, those of float64 rounded once, and their sum is rounded
    once. For a cosine both rows are first brought to length 1, which costs (dim / 16 + 12) · 2^-53.
    """
    columns, left, right = _cells(a, b)
    if metric == "cosine":
        zero = not (left.any() and right.any())
        left, right = (scale_rows(x[None, :], 2)[0] if len(x) else x for x in (left, right))
    with np.errstate(over="ignore", under="ignore"):
        products = np.square(left - right) if metric == "euclidean" else left * right
    if not np.isfinite(products).all():
        raise NonFinite(f"A {metric} of these vectors is too large for float64. Scale them down: X / 1e100.")
    total = fsum(products)
    if metric == "cosine":
        total = float("nan") if zero else min(1.0, max(-1.0, total))
    some = products != 0
    features = a.space.features

    def name(i: int) -> str:
        column = int(columns[some][i])
        return f"dim_{column}" if features is None else features[column]

    parts = (left[some], right[some], products[some])
    return explained(metric, "features", total, name, parts, most=most, titles=titles_of(a, b))


def _cells(a: Vectors, b: Vectors) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Columns that are not zero in both, and the values of both there, float64."""
    if a.is_sparse and b.is_sparse:
        columns = np.union1d(a.values.indices, b.values.indices)
        left, right = np.zeros(len(columns)), np.zeros(len(columns))
        for cells, row in ((left, a.values), (right, b.values)):
            cells[np.searchsorted(columns, row.indices)] = row.data
        return columns, left, right
    return np.arange(a.space.dim), dense(a.values)[0], dense(b.values)[0]


def percent(share: float) -> str:
    """Write a share that may be negative."""
    return f"-{positive_share(-share)}" if share < 0 else positive_share(share)


def titles_of(a: Vectors, b: Vectors) -> tuple[str, str]:
    """What the two rows are called: their ids."""
    return str(a.ids.tolist()[0]), str(b.ids.tolist()[0])


def length(a: Vectors) -> float:
    """The Euclidean length of one row."""
    return float(row_norms(a.values, 2)[0])


def checked(most: int | None, metric: str | None) -> None:
    """Raise `OutOfRange` or `UnknownName` for options that are none."""
    if most is not None:
        whole_number("most", most, "how many parts to list (None: all)")
    if metric not in (None, "auto", *METRICS):
        raise unknown_metric(metric, METRICS, "metric that can be explained")
