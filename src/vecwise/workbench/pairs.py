"""Pairs of a file's rows: the labelled table of a few, the edges of many, and rows that repeat others.

This module must not know how its answers are printed.
"""

from __future__ import annotations

import os
import warnings
from functools import partial
from typing import Any

import numpy as np

from vecwise.errors import Inapplicable, TooLarge
from vecwise.kernels.arrow import whole_numbers
from vecwise.loading import Encoded, load
from vecwise.measure.views import View
from vecwise.store.durable import replacing
from vecwise.store.formats import DELIMITERS
from vecwise.store.os_errors import shown
from vecwise.store.row_files import row_format, write_rows
from vecwise.store.sources import read
from vecwise.storing import save
from vecwise.telling.answer import Answer
from vecwise.telling.compared import paired
from vecwise.telling.pairs import edges_told, thinned
from vecwise.workbench.outputs import refuse_overwriting
from vecwise.workbench.tracked import tracked
from vecwise.workbench.views import display_name, viewed

MOST_PAIRED = 50
MOST_SHOWN = 1_000_000  # pairs that are printed as data, some 600 bytes each


@tracked("pairs")
def pairs_of(
    path: str,
    *,
    metric: str = "auto",
    at_least: float | None = None,
    at_most: float | None = None,
    k: int | None = None,
    most: int | None = None,
    csv: str | None = None,
    parquet: str | None = None,
    progress: Any = None,
    **options: Any,
) -> Answer:
    """Give the table of all pairs of up to 50 rows; with a bound or `k`, the pairs that count, of any number."""
    if at_least is None and at_most is None and k is None:
        if csv is not None or parquet is not None or most is not None:
            raise Inapplicable("Say which pairs to write: --at-least 0.8, --at-most D, or -k 5.")
        return _table_of(path, metric, progress=progress, **options)
    from vecwise.measure.pairing import MOST_EDGES, pairs

    refuse_overwriting(path, csv, parquet)
    made = load(path, progress=progress, **options)
    written = [target for target in (csv, parquet) if target is not None]
    held = (MOST_EDGES if written else MOST_SHOWN) if most is None else most
    try:
        found = pairs(
            made.vectors, at_least=at_least, at_most=at_most, k=k, metric=metric, most=held, progress=progress
        )
    except TooLarge as error:
        if held >= MOST_EDGES:
            raise
        raise TooLarge(f"{error} A file takes up to {MOST_EDGES:,} of them: --csv FILE.") from error
    for target in written:
        found.save(target)
    bound = at_least if at_least is not None else at_most
    view = View(made.vectors, found.metric, found.measure)
    return edges_told(display_name(path), found, view, made, bound, k, written)


def _table_of(path: str, metric: str, **options: Any) -> Answer:
    from vecwise.measure.similarity import cosine, distances, dot

    made = load(path, **options)
    if len(made.vectors) > MOST_PAIRED:
        raise TooLarge(
            f"A table of {len(made.vectors):,} × {len(made.vectors):,} pairs is no reading matter; up to "
            f"{MOST_PAIRED} rows are shown. Ask for the pairs that count: --at-least 0.8 or -k 5; or use --sample "
            f"{MOST_PAIRED}, or `vecwise nearest` for single rows."
        )
    view = viewed(made.vectors, metric)
    compare = {"cosine": cosine, "dot": dot}.get(view.metric) or partial(distances, metric=view.metric)
    return paired(display_name(path), compare(view.vectors), view, made)


@tracked("dedupe")
def dedupe_file(
    path: str,
    *,
    at_least: float | None = None,
    at_most: float | None = None,
    metric: str = "auto",
    keep: str | None = None,
    removed: str | None = None,
    progress: Any = None,
    **options: Any,
) -> Answer:
    """Find the rows of a PATH that repeat an earlier one; `keep` is where the others are written, `removed` where it
    is written which row went into which."""
    from vecwise.measure.duplicates import duplicates

    refuse_overwriting(path, keep, removed)
    if removed is not None:
        row_format(removed)
        if keep is not None and os.path.realpath(keep) == os.path.realpath(removed):
            raise Inapplicable("`--keep` and `--removed` name one file. Give each its own.")
    for name in ("sample", "passages"):
        if keep is not None and options.get(name) is not None:
            raise Inapplicable(
                f"`--keep` writes the whole file without its repeated rows: leave out `--{name}`."
            )
    made = load(path, progress=progress, **options)
    found = duplicates(made.vectors, at_least=at_least, at_most=at_most, metric=metric, progress=progress)
    if keep is not None:
        _write_kept(path, made, found.keep, keep, options)
    if removed is not None:
        write_rows(found.to_arrow(), removed)
    view = View(made.vectors, found.metric, found.measure)
    return thinned(display_name(path), found, view, made, keep, removed)


def _write_kept(path: str, made: Encoded, keep: np.ndarray, target: str, options: dict[str, Any]) -> None:
    X, ending = made.vectors, os.path.splitext(target)[1].lower()
    if made.plan is None and not ending:  # vectors already: a folder of vectors again
        save(X[keep], target)
        return
    if made.plan is None and ending == ".npy" and not X.is_sparse:
        with replacing(target) as out:
            np.save(out, X[keep].values, allow_pickle=False)
        return
    if X.rows is None:
        file = "" if X.is_sparse else ", or a file of them, --keep OUT.npy"
        raise Inapplicable(
            f"{shown(path)} holds vectors without rows, which {shown(target)} cannot hold. Name a folder for the "
            f"vectors that stay, --keep DIR{file}."
        )
    row_format(target)
    table = _as_written(path, options, len(X)) or X.rows
    write_rows(table.take(whole_numbers(keep)), target)


def _as_written(path: str, options: dict[str, Any], rows: int) -> Any:
    """The cells of a CSV or TSV as their texts, so that `007` and `1.50` are written as they were read."""
    format = options.get("format") or os.path.splitext(path)[1].lower().removeprefix(".")
    if path == "-" or format not in (*DELIMITERS, "tab"):
        return None
    reading = {name: options[name] for name in ("format", "encoding", "bad_rows") if name in options}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # told when the file was read first
        names = read(path, **reading).column_names
        table = read(path, as_text=names, **reading)
    return table if table.num_rows == rows else None
