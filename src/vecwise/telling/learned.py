"""A learned encoder in words and as data: what it was worth on rows held out, and how it is used.

This module must not know the command line, nor compute anything.
"""

from __future__ import annotations

from typing import Any, Final

from vecwise.draw.words import count
from vecwise.encoders.learned import Learned
from vecwise.table_text import clip, grid
from vecwise.telling.answer import Answer
from vecwise.telling.words import cut, short, space_data, wrapped
from vecwise.vectors import Vectors
from vecwise.verbs import Chain, entrance

SCORES: Final = {
    "precision@10": "same label of 10 nearest",
    "mrr": "mean reciprocal rank",
    "recall@1": "nearest is right",
    "recall@10": "right among 10 nearest",
}


def told_learned(name: str, found: Learned, X: Vectors, written: dict[str, str | None]) -> Answer:
    """Tell retrieval before and after, and how the encoder is used; the status is 1 when it does not clearly help."""
    files = {kind: path for kind, path in written.items() if path is not None}
    report = found.report
    mean, low, high = found.gain
    cells = [
        [words, f"{found.before[key]:.3f}", f"{found.after[key]:.3f}"]
        for key, words in SCORES.items()
        if key in found.before
    ]
    what = f"the labels `{clip(report['labels'], 40)}`" if report["labels"] else "judged pairs"
    how = f"{found.kind}, {found.source.dim:,} → {count(found.target.dim, 'dimension')}, learned from {what}"
    at = (
        f" in {count(report['rounds'], 'round')}"
        if report["rounds"]
        else "; no round of learning made it better"
    )
    left_out = str(report.get("left_out", ""))
    data: dict[str, Any] = {
        "name": name,
        "rows": len(X),
        "dim": found.target.dim,
        "kind": found.kind,
        "labels": report["labels"] or None,
        "metric": report["metric"],
        "before": found.before,
        "after": found.after,
        "gain": {"mean": mean, "low": low, "high": high},
        "improved": found.improved,
        "left_out": left_out or None,
        "words": found.words,
        "queries": report["queries"],
        "rounds": report["rounds"],
        "seed": report["seed"],
        "source": space_data(found.source),
        "space": space_data(found.target),
        "written": list(files.values()),
    }
    table = grid(["of held-out rows", "before", "after"], cells)
    sections = [
        (f"{clip(name, 40)}: {count(len(X), 'row')}, before and after", [*wrapped(found.words), "", *table]),
        ("Learned", [*wrapped(how + at), *(wrapped(f"left out: {left_out}") if left_out else [])]),
        ("Use it" if found.improved else "It is saved all the same; to use it", _use(X, files["encoder"])),
        ("Written", list(files.values())),
    ]
    return Answer(sections, data, 0 if found.improved else 1, files)


def _use(X: Vectors, folder: str) -> list[str]:
    """Commands that take the encoder, by what it reads."""
    place = short(folder, 40)
    reads_rows = X.encoder is not None and entrance(X.encoder) is None
    lines = [f"vecwise encode {'FILE' if reads_rows else 'VECTORS'} --encoder {place} -o DIR"]
    if reads_rows:
        first = X.encoder.maps[0] if isinstance(X.encoder, Chain) else X.encoder
        query = '"some words"' if hasattr(first, "texts") else "--row ID"
        lines.append(f"vecwise nearest FILE {query} --encoder {place}")
    lines.append(f"vecwise map {'FILE' if reads_rows else 'VECTORS'} --encoder {place}")
    return [cut(line) for line in lines]
