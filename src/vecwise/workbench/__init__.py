"""The use cases that the command line and notebooks share: read, encode, save, open, explore, compare."""

from vecwise.loading import encode, load
from vecwise.store.sources import batches, read
from vecwise.storing import open, open_encoder, save
from vecwise.telling.answer import Answer
from vecwise.workbench.arithmetic import combined_query
from vecwise.workbench.checking import health_of
from vecwise.workbench.clusters import cluster_of
from vecwise.workbench.explaining import asked_about
from vecwise.workbench.files import encode_to, explore, plot
from vecwise.workbench.maps import map_of
from vecwise.workbench.models import alias_model, list_models, register_model
from vecwise.workbench.pairs import dedupe_file, pairs_of
from vecwise.workbench.probing import probe_of
from vecwise.workbench.queries import compare_texts, nearest_in, similar
from vecwise.workbench.runs import (
    best_run,
    diff_runs,
    import_runs,
    list_runs,
    repeat_run,
    show_run,
    sync_runs,
)

__all__ = [
    "Answer",
    "alias_model",
    "asked_about",
    "batches",
    "best_run",
    "cluster_of",
    "combined_query",
    "compare_texts",
    "dedupe_file",
    "diff_runs",
    "encode",
    "encode_to",
    "explore",
    "health_of",
    "import_runs",
    "list_models",
    "list_runs",
    "load",
    "map_of",
    "nearest_in",
    "open",
    "open_encoder",
    "pairs_of",
    "plot",
    "probe_of",
    "read",
    "register_model",
    "repeat_run",
    "save",
    "show_run",
    "similar",
    "sync_runs",
]
