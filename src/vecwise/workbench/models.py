"""Registered models as use cases: register what a run made, list, name a version.

This module must not know how its answers are printed.
"""

from __future__ import annotations

from pathlib import Path

from vecwise.encoders.fitted import FittedEncoder
from vecwise.errors import Inapplicable
from vecwise.store.encoder_folders import is_encoder_folder
from vecwise.storing import open, save
from vecwise.telling.answer import Answer
from vecwise.telling.models import listed_models, registered
from vecwise.tracking.records import Run, all_runs
from vecwise.tracking.resolving import unchanged

_KEPT = ("model", "encoder", "vectors")  # of a run's results, what is registered first


def register_model(run: str, name: str, *, alias: str | None = None) -> Answer:
    """Register what a run made under a name: its model, or the encoder that its vectors carry.

    Raises `Inapplicable` for a run that made neither, `FileMissing` where its files are gone.
    """
    from vecwise.tracking.registry import place_for, register

    own = place_for(name)  # refuses a name that no folder should have
    found = all_runs().find(run)
    entry = next((entry for kind in _KEPT for entry in found.results if entry.get("kind") == kind), None)
    if entry is None:
        raise Inapplicable(f"Run {found.id} ({found.kind}) made no model and saved no vectors.")
    path, kind = Path(unchanged(entry)), str(entry["kind"])
    if kind == "vectors":
        place = own / str(entry["hash"]).rpartition(":")[2][:16]
        _keep_encoder(found, path, place)
        path, kind = place, "encoder"
    return registered(register(found, name, path, kind, alias=alias))


def _keep_encoder(run: Run, path: Path, place: Path) -> None:
    """A copy by itself: vectors may be moved or made anew, and a registered encoder stays."""
    encoder = open(path).encoder
    if encoder is None:
        raise Inapplicable(
            f"The vectors of run {run.id} came without an encoder, so there is nothing to register."
        )
    if not is_encoder_folder(place):
        save(FittedEncoder.of(encoder), place)  # type: ignore[arg-type]


def list_models() -> Answer:
    """Tell all registered models, their versions and aliases."""
    from vecwise.tracking.registry import versions

    return listed_models(versions())


def alias_model(name: str, version: int, alias: str) -> Answer:
    """Let an alias mean a version."""
    from vecwise.tracking.registry import set_alias, versions

    set_alias(name, version, alias)
    return listed_models(versions(name))
