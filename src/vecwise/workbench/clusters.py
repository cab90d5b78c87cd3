"""The rows of a file in clusters, told and written.

This module must not know how its answers are printed.
"""

from __future__ import annotations

from typing import Any

from vecwise.loading import load
from vecwise.store.row_files import write_rows
from vecwise.telling.answer import Answer
from vecwise.telling.clustered import clustered
from vecwise.workbench.outputs import refuse_overwriting
from vecwise.workbench.tracked import tracked
from vecwise.workbench.views import display_name


@tracked("cluster")
def cluster_of(
    path: str,
    *,
    k: int | None = None,
    method: str = "kmeans",
    metric: str = "auto",
    csv: str | None = None,
    parquet: str | None = None,
    seed: int = 0,
    text: str | None = None,
    **options: Any,
) -> Answer:
    """Put the rows of a PATH into clusters; `csv` and `parquet` are where a row's id, cluster, name and distance go."""
    from vecwise.structure.clusters import cluster

    refuse_overwriting(path, csv, parquet)
    made = load(path, seed=seed, text=text, **options)
    way = None if metric == "auto" else metric
    found = cluster(made.vectors, k, method=method, metric=way, seed=seed, text=text)
    for target, ending in ((csv, ".csv"), (parquet, ".parquet")):
        if target is not None:
            write_rows(found.to_arrow(), target, ending)
    written = [target for target in (csv, parquet) if target is not None]
    return clustered(display_name(path), found, made.plan, written)
