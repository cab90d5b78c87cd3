"""Approximate methods of an index: graphs and lists of usearch and FAISS, behind one face.

This module must not know how their candidates are scored, nor files beyond bytes. Both packages are optional and are
imported where an index is made or opened. Source of the graphs: Malkov and Yashunin 2018,
doi:10.1109/TPAMI.2018.2889473.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from vecwise.errors import TooLarge, UnknownName, missing_package, unknown, whole_number
from vecwise.kernels.arrays import dense
from vecwise.structure.finders import Points

SETTINGS: Final[dict[str, dict[str, Any]]] = {
    "exact": {},
    "usearch": {"connectivity": 16, "expansion_add": 128, "expansion_search": 128, "threads": 1},
    "faiss": {
        "kind": "hnsw",
        **{"connectivity": 32, "expansion_add": 80, "expansion_search": 128, "threads": 1},
        **{"lists": 0, "probes": 0},
    },
}
MOST_ROWS: Final = 100_000_000
_MORE: Final = 10  # candidates beyond k, so that exact scores may reorder what float32 could not


def settings_of(method: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Give all settings of a method; raises `UnknownName` and `OutOfRange`."""
    if method not in SETTINGS:
        raise unknown("method of an index", str(method), tuple(SETTINGS))
    known = SETTINGS[method]
    for name, value in given.items():
        if name not in known:
            if not known:
                raise UnknownName(f'The method "{method}" has no settings; `{name}` was given.')
            raise unknown(f"setting of {method}", name, tuple(known))
        if name == "kind":
            if value not in ("hnsw", "ivf"):
                raise unknown("kind of FAISS index", str(value), ("hnsw", "ivf"))
        else:
            whole_number(name, value, least=0 if name in ("lists", "probes") else 1)
    return {**known, **{name: value if name == "kind" else int(value) for name, value in given.items()}}


@dataclass(frozen=True, slots=True, eq=False)
class Graph:
    """Rows in an index of usearch or FAISS; a key is the place of a row among all."""

    kind: Any  # Usearch or Faiss
    points: Points
    total: int
    kept: np.ndarray | None  # the places of the rows that are in it, if some are not

    @property
    def nbytes(self) -> int:
        """About the bytes of points and links."""
        return int(self.kind.nbytes)

    @property
    def rows(self) -> int:
        """How many rows are in it."""
        return self.total if self.kept is None else len(self.kept)

    def candidates(self, queries: Any, k: int, allowed: np.ndarray | None) -> list[np.ndarray | None]:
        """Give the rows that the graph finds; None where it finds fewer than k, or so many that all are read sooner.

        With a filter, more are asked for until k allowed ones are among them.
        """
        inside = allowed if allowed is None or self.kept is None else allowed[self.kept]
        count = self.rows if inside is None else int(inside.sum())
        share = count / max(1, self.rows)
        wanted = k + _MORE
        points, usable = self.points.queries(dense(queries))
        made: list[np.ndarray | None] = [None] * len(points)
        left = np.flatnonzero(usable)
        while len(left) and share and wanted / share <= self.rows / 4:
            found = self.kind.search(points[left], int(np.ceil(wanted / share)), inside)
            for place, keys in zip(left.tolist(), found, strict=True):
                good = keys if inside is None else keys[inside[keys]]
                if len(good) >= min(k, count):
                    made[place] = np.sort(good if self.kept is None else self.kept[good])
            left = np.array([place for place in left.tolist() if made[place] is None], np.int64)
            if inside is None:
                break
            wanted *= 4
        return made


@dataclass(frozen=True, slots=True, eq=False)
class Usearch:
    """A graph of usearch."""

    index: Any

    @property
    def nbytes(self) -> int:
        """As it says."""
        return int(self.index.memory_usage)

    def search(self, points: np.ndarray, count: int, allowed: np.ndarray | None) -> Iterator[np.ndarray]:
        """Give the keys of about the nearest; it has no filter."""
        found = self.index.search(points.reshape(len(points), -1), count)
        keys, counts = np.atleast_2d(found.keys), np.atleast_1d(getattr(found, "counts", len(found)))
        return (row[:size].astype(np.int64) for row, size in zip(keys, counts.tolist(), strict=True))

    def to_bytes(self) -> bytes:
        """As it writes itself."""
        return bytes(self.index.save())

    @classmethod
    def empty(cls, dim: int, metric: str, settings: Mapping[str, Any]) -> Usearch:
        """Make one without rows."""
        try:
            from usearch.index import Index
        except ImportError as error:
            raise missing_package("usearch", 'index(method="usearch")', "'vecwise[index]'") from error
        names = ("connectivity", "expansion_add", "expansion_search")
        made = Index(
            ndim=dim,
            metric="l2sq" if metric == "euclidean" else "ip",
            dtype="f32",  # others are rescaled or overflow in silence
            **{name: settings[name] for name in names},
        )
        return cls(made)

    @classmethod
    def of(cls, points: np.ndarray, metric: str, settings: Mapping[str, Any], seed: int) -> Usearch:
        """Add all rows, in their order."""
        made = cls.empty(points.shape[1], metric, settings)
        if len(points):
            made.index.add(np.arange(len(points), dtype=np.uint64), points, threads=settings["threads"])
        return made

    @classmethod
    def from_bytes(cls, data: bytes, dim: int, metric: str, settings: Mapping[str, Any]) -> Usearch:
        """Read what `to_bytes` gave; other bytes can end the process, so their hash must have been checked."""
        made = cls.empty(dim, metric, settings)
        made.index.load(data)
        return made


@dataclass(frozen=True, slots=True, eq=False)
class Faiss:
    """A graph or inverted lists of FAISS."""

    index: Any
    links: int

    @property
    def nbytes(self) -> int:
        """Points and links."""
        return int(self.index.ntotal) * (4 * int(self.index.d) + 8 * self.links)

    def search(self, points: np.ndarray, count: int, allowed: np.ndarray | None) -> Iterator[np.ndarray]:
        """Give the keys of about the nearest, allowed ones only."""
        faiss = _faiss()
        extra: dict[str, Any] = {}
        if allowed is not None:
            extra["sel"] = faiss.IDSelectorBitmap(np.packbits(allowed, bitorder="little"))
        if hasattr(self.index, "hnsw"):
            extra["efSearch"] = max(count, self.index.hnsw.efSearch)
            params = faiss.SearchParametersHNSW(**extra)
        else:
            params = faiss.SearchParametersIVF(nprobe=self.index.nprobe, **extra)
        _, keys = self.index.search(points, count, params=params)
        return (row[row >= 0] for row in keys)

    def to_bytes(self) -> bytes:
        """As it writes itself."""
        return bytes(_faiss().serialize_index(self.index))

    @classmethod
    def of(cls, points: np.ndarray, metric: str, settings: Mapping[str, Any], seed: int) -> Faiss:
        """Add all rows, in their order."""
        faiss, dim = _faiss(), points.shape[1]
        kind = faiss.METRIC_L2 if metric == "euclidean" else faiss.METRIC_INNER_PRODUCT
        with _threads(faiss, settings["threads"]):
            if settings["kind"] == "hnsw" or len(points) < 40:
                made = faiss.IndexHNSWFlat(dim, settings["connectivity"], kind)
                made.hnsw.efConstruction = settings["expansion_add"]
                made.hnsw.rng = faiss.RandomGenerator(seed)
            else:
                lists = settings["lists"] or int(4 * len(points) ** 0.5)
                lists = max(1, min(lists, len(points) // 39))  # FAISS warns below 39 rows a list
                coarse = faiss.IndexFlatL2(dim) if metric == "euclidean" else faiss.IndexFlatIP(dim)
                made = faiss.IndexIVFFlat(coarse, dim, lists, kind)
                made.cp.seed = seed
                made.train(points)
            if len(points):
                made.add(points)
        return cls(made, 0)._tuned(settings)

    def _tuned(self, settings: Mapping[str, Any]) -> Faiss:
        if hasattr(self.index, "hnsw"):
            self.index.hnsw.efSearch = settings["expansion_search"]
            return Faiss(self.index, settings["connectivity"])
        self.index.nprobe = settings["probes"] or max(8, self.index.nlist // 16)
        return Faiss(self.index, 1)

    @classmethod
    def from_bytes(cls, data: bytes, dim: int, metric: str, settings: Mapping[str, Any]) -> Faiss:
        """Read what `to_bytes` gave; the hash of other bytes would not be ours."""
        return cls(_faiss().deserialize_index(np.frombuffer(data, np.uint8)), 0)._tuned(settings)


KINDS: Final[dict[str, Any]] = {"usearch": Usearch, "faiss": Faiss}


def opened(
    method: str, data: bytes, points: Points, total: int, kept: np.ndarray | None, settings: Mapping[str, Any]
) -> Graph:
    """Give the graph whose bytes these are; they must be ours to the last bit, which the caller has checked."""
    dim = len(points.center)
    return Graph(KINDS[method].from_bytes(data, dim, points.metric, settings), points, total, kept)


def graph(
    method: str,
    values: np.ndarray,
    points: Points,
    kept: np.ndarray | None,
    settings: Mapping[str, Any],
    seed: int,
) -> Graph:
    """Make a graph of all rows, or of those whose places are `kept`; raises `TooLarge` and `MissingPackage`."""
    if len(values) > MOST_ROWS:
        raise TooLarge(
            f"A graph takes {MOST_ROWS:,} rows at most, not {len(values):,}. Index a part of them: X[:{MOST_ROWS}]."
        )
    rows = points.rows(values if kept is None else values[kept])
    return Graph(KINDS[method].of(rows, points.metric, settings, seed), points, len(values), kept)


def _faiss() -> Any:
    try:
        import faiss
    except ImportError as error:
        raise missing_package("faiss", 'index(method="faiss")', "faiss-cpu") from error
    return faiss


@contextmanager
def _threads(faiss: Any, count: int) -> Iterator[None]:
    """FAISS keeps one number of threads for the whole process."""
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(count)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)
