"""What came of comparing encoders: a leaderboard, and which to take in one honest sentence.

This module must not know how encoders are judged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Self

from vecwise.draw.words import number
from vecwise.encoders.base import Encoder
from vecwise.errors import Inapplicable, missing_package, unknown
from vecwise.models.qualities import Quality, clearly_better
from vecwise.models.sources import fresh_copy
from vecwise.table_text import preview_html, preview_text

METRICS: Final = {
    "accuracy": "accuracy",
    "r2": "R²",
    "spearman": "rank correlation",
    "mrr": "mean reciprocal rank",
    "agreement": "agreement",
}


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """One encoder on the rows: its quality, and what it costs; or, in `failure`, why it could not be judged.

    `rows_per_second` is of fitting and encoding all rows once, measured here and now; `encoder_bytes` counts weights
    that lie elsewhere, and is `None` for encoders that cannot be saved. `health` is told where nothing else is.
    """

    name: str
    encoder: Encoder | None = field(repr=False)
    quality: Quality | None = None
    dim: int = 0
    rows_per_second: float = 0.0
    vector_bytes: int = 0
    encoder_bytes: int | None = None
    health: str | None = None
    failure: str = ""

    def numbers(self) -> dict[str, float]:
        """The numbers as a run records them."""
        made = {"dim": float(self.dim), "rows_per_second": self.rows_per_second,
                "vector_bytes": float(self.vector_bytes)}  # fmt: skip
        if self.encoder_bytes is not None:
            made["encoder_bytes"] = float(self.encoder_bytes)
        if self.quality is not None:
            made |= {"quality": self.quality.mean, "spread": self.quality.spread}
        return made

    @property
    def weight(self) -> float:
        """Bytes of the encoder and of the vectors, by which the smaller of equals is told."""
        return float("inf") if self.encoder_bytes is None else self.encoder_bytes + self.vector_bytes


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """Encoders on one's own rows, best first, and which to take.

    `ranked` are those that worked; `failed` those that did not, with the reason. `tied` names the encoders whose
    distance to the best is within chance, the best first; `recommended` is the smallest of them, or `None` where
    nothing can be recommended; `words` says so in one sentence. The best of many is named by the rows that judged it,
    so its quality is a little too good.
    """

    ranked: tuple[Judged, ...]
    failed: tuple[Judged, ...]
    metric: str
    how: str
    rows: int
    baseline: Quality | None
    tied: tuple[str, ...]
    recommended: str | None
    words: str

    @classmethod
    def of(
        cls, found: Sequence[Judged], metric: str, how: str, rows: int, baseline: Quality | None = None
    ) -> Self:
        """Rank encoders by quality (the earlier first of those that differ by a rounding) and say which to take."""
        worked = [one for one in found if not one.failure]
        ranked = sorted(worked, key=lambda one: -round(one.quality.mean if one.quality else 0.0, 9))
        failed = tuple(one for one in found if one.failure)
        fit = [one for one in ranked if one.health != "wrong"]
        tied = [] if not fit else [one for one in fit if one is fit[0] or not _better(fit[0], one)]
        if (
            metric == "spearman"
        ):  # similarity that does not follow the scores at all is worth nothing, however small
            tied = [one for one in tied if one.quality and one.quality.mean > 0] or tied
        best = min(tied, key=lambda one: one.weight, default=None)
        if best is not None and best.quality and baseline is not None:
            tied_names = [one for one in tied if _above(one, baseline)]
            if not tied_names:
                best = None
            elif best not in tied_names:
                best = min(tied_names, key=lambda one: one.weight)
        words = _words(ranked, tied, best, metric, baseline, failed)
        return cls(tuple(ranked), failed, metric, how, rows, baseline, tuple(one.name for one in tied),
                   None if best is None else best.name, words)  # fmt: skip

    def __getitem__(self, name: str) -> Judged:
        for one in (*self.ranked, *self.failed):
            if one.name == name:
                return one
        raise unknown("candidate", name, [one.name for one in (*self.ranked, *self.failed)])

    @property
    def encoder(self) -> Encoder:
        """The recommended encoder, not fitted yet; raises `Inapplicable` where none is recommended."""
        if self.recommended is None:
            raise Inapplicable(self.words)
        made = self[self.recommended].encoder
        assert made is not None  # noqa: S101  what is recommended has worked
        return fresh_copy(made) if made.needs_rows and not getattr(made, "_opened", False) else made

    def to_pandas(self) -> Any:
        """Give a frame with a row for each encoder, best first, those that failed last."""
        try:
            import pandas as pd
        except ImportError as error:
            raise missing_package("pandas", "to_pandas", "'vecwise[pandas]'") from error
        return pd.DataFrame([one_as_data(one) for one in (*self.ranked, *self.failed)])

    def _preview(self) -> tuple[str, list[str], list[list[str]], int]:
        return f"{self.words} ({self.how})", header_of(self), cells_of(self), 0

    def __repr__(self) -> str:
        return preview_text(*self._preview())

    def _repr_html_(self) -> str:
        return preview_html(*self._preview())


def one_as_data(one: Judged) -> dict[str, Any]:
    """Give an encoder's line as data."""
    return {
        "encoder": one.name,
        "quality": None if one.quality is None else one.quality.mean,
        "spread": None if one.quality is None else one.quality.spread,
        "dim": one.dim or None,
        "rows_per_second": one.rows_per_second or None,
        "vector_bytes": one.vector_bytes or None,
        "encoder_bytes": one.encoder_bytes,
        "health": one.health,
        "failure": one.failure or None,
    }


def header_of(found: Choice) -> list[str]:
    """Give the names of the columns of the leaderboard."""
    verdict = ["health"] if found.metric == "agreement" else []
    return ["encoder", METRICS[found.metric], *verdict, "dimensions", "rows/s", "vectors", "on disk"]


def cells_of(found: Choice) -> list[list[str]]:
    """Give the lines of the leaderboard, in words."""
    return [
        [
            one.name,
            "–" if one.quality is None else f"{one.quality.mean:.3f} ± {one.quality.spread:.3f}",
            *([str(one.health)] if found.metric == "agreement" else []),
            f"{one.dim:,}",
            number(round(one.rows_per_second), 3),
            size_words(one.vector_bytes),
            "cannot be saved" if one.encoder_bytes is None else size_words(one.encoder_bytes),
        ]
        for one in found.ranked
    ]


def size_words(amount: int) -> str:
    """Write bytes with a unit.

    >>> size_words(900), size_words(4096), size_words(25_000_000)
    ('900 B', '4.1 kB', '25 MB')
    """
    scaled, unit = float(amount), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if scaled < 1000:
            break
        scaled, unit = scaled / 1000, larger
    return f"{number(scaled, 2 if scaled < 100 else 3)} {unit}"


def _better(one: Judged, other: Judged) -> bool:
    return bool(one.quality and other.quality and clearly_better(one.quality, other.quality))


def _above(one: Judged, baseline: Quality) -> bool:
    return one.quality is not None and clearly_better(one.quality, baseline)


def _words(
    ranked: Sequence[Judged],
    tied: Sequence[Judged],
    best: Judged | None,
    metric: str,
    baseline: Quality | None,
    failed: Sequence[Judged],
) -> str:
    """The recommendation in one sentence, which says no more than the numbers do."""
    if not ranked:
        return "No encoder worked on these rows: see the reasons."
    if metric == "agreement":
        return _unlabelled(ranked, tied, best)
    score = {one.name: one.quality.mean for one in ranked if one.quality}
    what, by = METRICS[metric], "pairs" if metric in ("spearman", "mrr") else "rows"
    if best is None:
        assert baseline is not None  # noqa: S101  only a baseline lets the best be refused
        return (
            f"Take none for this target: the best, {ranked[0].name} ({what} {score[ranked[0].name]:.3f}), is not "
            f"clearly better than saying the same of every row ({baseline.mean:.3f})."
        )
    others = [one.name for one in tied if one is not best]
    if not others:
        if len(ranked) == 1:
            return f"Take {best.name}, the only one that worked ({what} {score[best.name]:.3f})."
        second = next(one for one in ranked if one is not best)
        if not _better(best, second):
            return (
                f"Take {best.name} ({what} {score[best.name]:.3f}): the similarities of {second.name}, the next, do "
                f"not follow the scores ({score[second.name]:.3f}); more {by} would make that sure."
            )
        return (
            f"Take {best.name}: its {what} of {score[best.name]:.3f} is clearly above that of {second.name}, "
            f"the next ({score[second.name]:.3f})."
        )
    listed = ", ".join(f"{name} ({score[name]:.3f})" for name in others)
    smallest = all(best.weight <= one.weight for one in tied)
    of = "of them" if smallest else "that is clearly better than saying the same of every row"
    return (
        f"Take {best.name} ({what} {score[best.name]:.3f}): these {by} cannot tell it from {listed}, and it is the "
        f"smallest {of}."
    )


def _unlabelled(ranked: Sequence[Judged], tied: Sequence[Judged], best: Judged | None) -> str:
    unknown_quality = "without a target or judged pairs nobody can say which is best"
    if best is None:
        return f"Take none as it is, {unknown_quality}: the health of all is wrong."
    if best.quality is None:
        return f"{best.name} is the only one that worked; {unknown_quality}."
    well = f"its health is {'fine' if best.health == 'fine' else 'worth a look'}"
    if len(tied) > 1:
        others = ", ".join(one.name for one in tied if one is not best)
        return (
            f"Begin with {best.name}, though {unknown_quality}: it agrees with the others as well as {others}, is the "
            f"smallest of them, and {well}."
        )
    return (
        f"Begin with {best.name}, though {unknown_quality}: it agrees most with the others "
        f"({best.quality.mean:.0%} of neighbours), and {well}."
    )
