"""vecwise: rows become vectors that know what they mean; heavy packages load on first use."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOME = {
    "read": "workbench",
    "batches": "workbench",
    "encode": "workbench",
    "save": "workbench",
    "open": "workbench",
    "open_encoder": "workbench",
    "plot": "workbench",
    "similar": "workbench",
    "run": "tracking.running",
    "autolog": "tracking.autologging",
    "import_runs": "tracking.importing",
    "track": "models.keeping",
    "probe": "models.probe",
    "compare": "models.compare",
    "trace": "models.trace",
    "weights": "models.weights",
    "chain": "models.chained",
    "open_model": "models.chained",
    "choose": "models.choose",
    "fit_encoder": "models.fit_encoder",
    "generator": "models.generate.making",
    "open_generator": "models.generate.generator",
    "Vectors": "vectors",
    "Space": "space",
    "TableEncoder": "encoders.table",
    "AverageEncoder": "encoders.average",
    "CountEncoder": "encoders.counts",
    "TfidfEncoder": "encoders.counts",
    "SentenceEncoder": "encoders.sentence",
    "ImageEncoder": "encoders.image",
    "ChainEncoder": "encoders.chained",
    "passages": "encoders.passages",
    "StaticEncoder": "encoders.static",
    "TransformerEncoder": "encoders.transformer",
    "norms": "measure.norms",
    "normalize": "measure.norms",
    "is_unit": "measure.norms",
    "unit_deviation": "measure.norms",
    "norm_summary": "measure.norm_summary",
    "dot": "measure.similarity",
    "cosine": "measure.similarity",
    "distances": "measure.similarity",
    "nearest": "measure.nearest",
    "pairs": "measure.pairing",
    "duplicates": "measure.duplicates",
    "dedupe": "measure.duplicates",
    "explain": "structure.explain",
    "combine": "measure.combine",
    "pca": "measure.components",
    "standardize": "measure.standardized",
    "health": "measure.health",
    "layout": "structure.layout",
    "faithfulness": "structure.faithfulness",
    "open_layout": "reopening",
    "cluster": "structure.clusters",
    "index": "structure.index",
    "open_index": "structure.index",
}

__all__ = [*sorted(_HOME), "__version__", "errors", "testing"]  # noqa: PLE0604

if TYPE_CHECKING:  # what type checkers and editors see; at run time `__getattr__` loads each on use
    from vecwise import errors, testing
    from vecwise.encoders.average import AverageEncoder
    from vecwise.encoders.chained import ChainEncoder
    from vecwise.encoders.counts import CountEncoder, TfidfEncoder
    from vecwise.encoders.image import ImageEncoder
    from vecwise.encoders.passages import passages
    from vecwise.encoders.sentence import SentenceEncoder
    from vecwise.encoders.static import StaticEncoder
    from vecwise.encoders.table import TableEncoder
    from vecwise.encoders.transformer import TransformerEncoder
    from vecwise.measure.combine import combine
    from vecwise.measure.components import pca
    from vecwise.measure.duplicates import dedupe, duplicates
    from vecwise.measure.health import health
    from vecwise.measure.nearest import nearest
    from vecwise.measure.norm_summary import norm_summary
    from vecwise.measure.norms import is_unit, normalize, norms, unit_deviation
    from vecwise.measure.pairing import pairs
    from vecwise.measure.similarity import cosine, distances, dot
    from vecwise.measure.standardized import standardize
    from vecwise.models.chained import chain, open_model
    from vecwise.models.choose import choose
    from vecwise.models.compare import compare
    from vecwise.models.fit_encoder import fit_encoder
    from vecwise.models.generate.generator import open_generator
    from vecwise.models.generate.making import generator
    from vecwise.models.keeping import track
    from vecwise.models.probe import probe
    from vecwise.models.trace import trace
    from vecwise.models.weights import weights
    from vecwise.reopening import open_layout
    from vecwise.space import Space
    from vecwise.structure.clusters import cluster
    from vecwise.structure.explain import explain
    from vecwise.structure.faithfulness import faithfulness
    from vecwise.structure.index import index, open_index
    from vecwise.structure.layout import layout
    from vecwise.tracking.autologging import autolog
    from vecwise.tracking.importing import import_runs
    from vecwise.tracking.running import run
    from vecwise.vectors import Vectors
    from vecwise.workbench import batches, encode, open, open_encoder, plot, read, save, similar


def __getattr__(name: str) -> Any:
    if name in ("errors", "testing"):
        return importlib.import_module(f"vecwise.{name}")
    if name not in _HOME:
        raise AttributeError(f"module 'vecwise' has no attribute '{name}'")
    if name == "Space":  # `Space.zero` needs the vectors' module loaded
        importlib.import_module("vecwise.vectors")
    value = getattr(importlib.import_module(f"vecwise.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
