"""The use cases that the command line and notebooks share: read, encode, save, open, explore, compare."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from vecwise.loading import encode, load
    from vecwise.store.sources import batches, read
    from vecwise.storing import open, open_encoder, save
    from vecwise.telling.answer import Answer
    from vecwise.workbench.arithmetic import combined_query
    from vecwise.workbench.chaining import chain_of
    from vecwise.workbench.checking import health_of
    from vecwise.workbench.choosing import choose_of
    from vecwise.workbench.clusters import cluster_of
    from vecwise.workbench.comparing import compare_of
    from vecwise.workbench.explaining import asked_about
    from vecwise.workbench.files import encode_to, explore, plot
    from vecwise.workbench.generating import generate_of
    from vecwise.workbench.learning import fit_encoder_of
    from vecwise.workbench.maps import map_of
    from vecwise.workbench.models import alias_model, list_models, register_model
    from vecwise.workbench.pairs import dedupe_file, pairs_of
    from vecwise.workbench.predicting import predict_of
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
    from vecwise.workbench.tracing import trace_of

_HOME: Final = {
    "encode": "loading",
    "load": "loading",
    "batches": "store.sources",
    "read": "store.sources",
    "open": "storing",
    "open_encoder": "storing",
    "save": "storing",
    "Answer": "telling.answer",
    "combined_query": "workbench.arithmetic",
    "chain_of": "workbench.chaining",
    "health_of": "workbench.checking",
    "choose_of": "workbench.choosing",
    "cluster_of": "workbench.clusters",
    "compare_of": "workbench.comparing",
    "asked_about": "workbench.explaining",
    "encode_to": "workbench.files",
    "explore": "workbench.files",
    "plot": "workbench.files",
    "generate_of": "workbench.generating",
    "fit_encoder_of": "workbench.learning",
    "map_of": "workbench.maps",
    "alias_model": "workbench.models",
    "list_models": "workbench.models",
    "register_model": "workbench.models",
    "dedupe_file": "workbench.pairs",
    "pairs_of": "workbench.pairs",
    "predict_of": "workbench.predicting",
    "probe_of": "workbench.probing",
    "compare_texts": "workbench.queries",
    "nearest_in": "workbench.queries",
    "similar": "workbench.queries",
    "best_run": "workbench.runs",
    "diff_runs": "workbench.runs",
    "import_runs": "workbench.runs",
    "list_runs": "workbench.runs",
    "repeat_run": "workbench.runs",
    "show_run": "workbench.runs",
    "sync_runs": "workbench.runs",
    "trace_of": "workbench.tracing",
}

__all__ = [
    "Answer",
    "alias_model",
    "asked_about",
    "batches",
    "best_run",
    "chain_of",
    "choose_of",
    "cluster_of",
    "combined_query",
    "compare_of",
    "compare_texts",
    "dedupe_file",
    "diff_runs",
    "encode",
    "encode_to",
    "explore",
    "fit_encoder_of",
    "generate_of",
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
    "predict_of",
    "probe_of",
    "read",
    "register_model",
    "repeat_run",
    "save",
    "show_run",
    "similar",
    "sync_runs",
    "trace_of",
]


def __getattr__(name: str) -> Any:
    """Import a use case when it is asked for: a list of runs needs no encoder."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(importlib.import_module(f"vecwise.{_HOME[name]}"), name)
    globals()[name] = found
    return found
