"""Models by name, `models:/NAME@champion`: versions and aliases in MLflow's registry, files beside the journal.

This module must not know what a model is: it is given a folder or a file, and keeps where it is and what it hashes to.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from vecwise.errors import OutOfRange, UnknownName, unknown
from vecwise.tracking.fingerprints import fingerprint
from vecwise.tracking.journal import home
from vecwise.tracking.mlflow_store import client, mlflow_id
from vecwise.tracking.records import Run
from vecwise.tracking.resolving import unchanged

PREFIX: Final = "models:/"
_NAME: Final = re.compile(r"[A-Za-z0-9][\w.-]{0,99}")
_PATH: Final = re.compile(r"models:/(?P<name>[^@/]+)(?:@(?P<alias>[^@/]+)|/(?P<version>\d+))?")


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a registered model: its number, aliases, the run that made it, where it is, and its hash."""

    name: str
    version: int
    aliases: tuple[str, ...]
    run: str
    kind: str
    path: str
    hash: str
    made: str

    def to_data(self) -> dict[str, Any]:
        """Give plain data."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def names_a_model(path: Any) -> bool:
    """Tell whether a path is `models:/NAME`."""
    return isinstance(path, str) and path.startswith(PREFIX)


def place_for(name: str) -> Path:
    """Give the folder of the versions of a model; raises `OutOfRange` for a name that no folder should have."""
    if not _NAME.fullmatch(name):
        raise OutOfRange(f"`{name}` is no name for a model: letters, digits, `.`, `_` and `-`, at most 100.")
    return home() / "models" / name


def register(run: Run, name: str, path: Path, kind: str, *, alias: str | None = None) -> Version:
    """Make a new version of a model, made by a run; the version of the same content is given again."""
    from mlflow.exceptions import MlflowException

    found = fingerprint(path)
    if found is None:
        raise UnknownName(f"There is nothing to register at {path}.")
    store = client()
    known = [version for version in versions(name) if version.hash == found.hash]
    if not known:
        try:
            store.create_registered_model(name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        tags = {"vecwise.run": run.id, "vecwise.kind": kind, "vecwise.hash": found.hash}
        store.create_model_version(name, source=found.path, run_id=mlflow_id(store, run), tags=tags)
        known = [version for version in versions(name) if version.hash == found.hash]
    if alias is not None:
        set_alias(name, known[-1].version, alias)
        known = [version for version in versions(name) if version.hash == found.hash]
    return known[-1]


def set_alias(name: str, version: int, alias: str) -> None:
    """Let an alias such as `champion` mean this version; raises `UnknownName` for a version there is not."""
    if version not in [found.version for found in versions(name)]:
        raise UnknownName(f"There is no version {version} of the model `{name}`.")
    if not _NAME.fullmatch(alias):
        raise OutOfRange(f"`{alias}` is no alias: letters, digits, `.`, `_` and `-`.")
    client().set_registered_model_alias(name, alias, str(version))


def versions(name: str | None = None) -> list[Version]:
    """Give all versions of a model, or of all models, the oldest first."""
    store = client()
    made: list[Version] = []
    for model in store.search_registered_models(max_results=1000):
        if name is not None and model.name != name:
            continue
        aliases = dict(model.aliases)
        for found in store.search_model_versions(f"name = '{model.name}'", max_results=1000):
            own = tuple(
                sorted(alias for alias, number in aliases.items() if int(number) == int(found.version))
            )
            made.append(_version(found, own))
    return sorted(made, key=lambda version: (version.name, version.version))


def _version(found: Any, aliases: tuple[str, ...]) -> Version:
    from datetime import UTC, datetime

    made = datetime.fromtimestamp(found.creation_timestamp / 1000, UTC).isoformat(timespec="seconds")
    tags = found.tags
    return Version(
        found.name, int(found.version), aliases, tags.get("vecwise.run", ""), tags.get("vecwise.kind", ""),
        found.source, tags.get("vecwise.hash", ""), made,
    )  # fmt: skip


def resolve_model(path: str) -> str:
    """Find the files of `models:/NAME`, `models:/NAME/3` or `models:/NAME@champion`, as they were registered.

    Without version and alias the newest is meant. Raises `UnknownName`, `FileMissing`, `Inapplicable` for files
    that were changed, `MissingPackage`.
    """
    found = _PATH.fullmatch(path)
    if found is None:
        raise UnknownName(
            f"`{path}` is no model: write models:/NAME, models:/NAME/3 or models:/NAME@champion."
        )
    own = versions(found["name"])
    if not own:
        raise unknown("model", found["name"], sorted({version.name for version in versions()}))
    chosen = [
        version
        for version in own
        if (found["alias"] is None or found["alias"] in version.aliases)
        and (found["version"] is None or int(found["version"]) == version.version)
    ]
    if not chosen:
        known = [f"{v.version}" + "".join(f" @{alias}" for alias in v.aliases) for v in own]
        raise UnknownName(f"`{path}` is none of the versions of `{found['name']}`: {', '.join(known)}.")
    return unchanged({"path": chosen[-1].path, "hash": chosen[-1].hash})
