"""Texts through a transformer model on this machine: `TransformerEncoder` and its map.

This module must not know how a model is run, nor what its folder looks like.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from threading import Lock
from typing import Any, Final, Self

import numpy as np

from vecwise.draw.words import count
from vecwise.encoders.base import Encoder, choice
from vecwise.encoders.cuts import tell
from vecwise.encoders.ready import Ready, installed, named, needed, other_files
from vecwise.encoders.texts import MISSING, texts_of
from vecwise.encoders.tokens import Tokenizer, Windows, opened
from vecwise.errors import Inapplicable, OutOfRange, TextCut, TooLarge, some
from vecwise.kernels.pooling import POOLINGS, window_means
from vecwise.kernels.pooling_head import Head
from vecwise.space import Space, mint_frame
from vecwise.store.model_files import arrays_of, bytes_of, model_path
from vecwise.store.model_folders import Recipe, read_recipe, ways
from vecwise.vectors import Vectors

LONG: Final = ("cut", "error", "mean")
BACKENDS: Final = ("auto", "torch", "onnx")
DEVICES: Final = ("auto", "cpu", "cuda")
PACKAGES: Final = {
    "torch": (("torch", "transformers", "tokenizers"), "'vecwise[transformers]'"),
    "onnx": (("onnxruntime", "tokenizers"), "'vecwise[onnx]'"),
}
BATCH_ROWS, BATCH_TOKENS = 32, 2048  # a core's cache; a GPU takes sixteen times as many
FILLED: Final = 0.8  # of a batch's width, at least, by every text in it: padding costs as much as text

_LOADING = Lock()


@dataclass(frozen=True)
class Options:
    """What was asked for, with the backend decided and paths absolute; all of it is saved."""

    model: str
    tokenizer: str | None
    pooling: str | None
    normalize: bool | None
    max_tokens: int | None
    long: str
    prompt: str | None
    backend: str
    device: str
    column: str | None
    missing: str

    def recipe(self) -> Recipe:
        """What the files say, with what was asked for in its place."""
        made = read_recipe(self.model, self.tokenizer, onnx=self.backend == "onnx")
        if self.pooling is not None:
            made = replace(made, poolings=(self.pooling,))
        if self.normalize is not None:
            kept = tuple(step for step in made.head if step is not None)
            made = replace(made, head=(*kept, None) if self.normalize else kept)
        if self.prompt is not None:
            made = replace(made, prompt=self.prompt)
        if made.prompt and not made.with_prompt:
            raise Inapplicable("This model leaves its prompt out of the pooling, which is not done here.")
        limit = made.limit if self.max_tokens is None else self.max_tokens
        if not 0 < limit <= made.most:
            raise OutOfRange(f"`max_tokens` is {limit:,}; this model reads 1 to {made.most:,} tokens.")
        return replace(made, limit=limit)


def backend_for(model: str, asked: str) -> str:
    """Decide how a model is run: by PyTorch where it and the weights are there, otherwise by ONNX Runtime.

    Raises `MissingPackage` with the line that installs what is lacking.
    """
    weights, onnx = ways(model)
    if asked == "auto":
        ready = all(map(installed, PACKAGES["torch"][0]))
        asked = "onnx" if onnx and not (weights and ready) else "torch"
    if asked == "torch" and not Path(model).is_dir():
        raise Inapplicable(f"`{model}` is an ONNX file, which PyTorch does not run: backend='onnx'.")
    needed(PACKAGES[asked][0], "TransformerEncoder", PACKAGES[asked][1])
    return asked


def frame_of(recipe: Recipe, long: str, by_token: bool) -> str:
    """The frame: files, pooling and head, and what is read of a text, so that one frame never mixes two readings.

    A model that gives one vector a text (not `by_token`) leaves nothing to pool, whatever its folder says.
    """
    poolings = recipe.poolings if by_token else ()
    head = ["normalize" if step is None else step.activation for step in recipe.head]
    reading = [recipe.lowercase, recipe.prompt, recipe.limit, long]
    return mint_frame("transformer", [recipe.digests(), poolings, head, reading])


class Running:
    """A loaded model: tokenizer, transformer and head."""

    def __init__(self, recipe: Recipe, device: str) -> None:
        data = bytes_of(recipe.tokenizer)
        control = int(opened(data, None).num_special_tokens_to_add(False))
        if recipe.limit <= control:
            raise OutOfRange(f"`max_tokens` is {recipe.limit}; {control} tokens frame every text already.")
        self.tokenizer = Tokenizer(data, recipe.limit, recipe.lowercase)
        self.recipe = recipe
        self._model = _model(
            recipe.onnx or recipe.folder, recipe.onnx is None, tuple(recipe.digests()), device
        )
        self.by_token = self._model.by_token
        self._width = self._model.hidden * (len(recipe.poolings) if self.by_token else 1)
        layers = [(arrays_of(step.file), step.activation) if step else None for step in recipe.head]
        self._head = Head(layers, self._width, recipe.folder.name)
        self.dim, self.device = self._head.dim, self._model.device

    def __call__(self, windows: Windows, texts: int) -> np.ndarray:
        """Encode token windows into one vector for each of the texts; a text without tokens is zero."""
        sizes = np.array([len(ids) for ids in windows.ids], dtype=np.int64)
        vectors = np.zeros((len(sizes), self._width), np.float32)
        for batch, ids, lengths in self._padded(windows, sizes):
            vectors[batch] = self._model(ids, lengths, self.recipe.poolings)
        made = self._head(window_means(vectors, windows.owners, sizes, texts))
        made[self._empty(windows, sizes, texts)] = 0
        return made

    def stages(self, windows: Windows, texts: int) -> dict[str, np.ndarray]:
        """Give the texts behind the embeddings and every layer, pooled as the last is, and behind the head.

        A model that does not show its layers, such as one of ONNX, gives its vectors alone.
        """
        sizes = np.array([len(ids) for ids in windows.ids], dtype=np.int64)
        if not hasattr(self._model, "layers"):
            return {"transformer": self(windows, texts)}
        layers: list[np.ndarray] = []
        for batch, ids, lengths in self._padded(windows, sizes):
            for place, values in enumerate(self._model.layers(ids, lengths, self.recipe.poolings)):
                if place == len(layers):
                    layers.append(np.zeros((len(sizes), self._width), np.float32))
                layers[place][batch] = values
        if not layers:
            return {"transformer": self(windows, texts)}
        pooled = [window_means(values, windows.owners, sizes, texts) for values in layers]
        names = ["embeddings", *(f"layer {number}" for number in range(1, len(pooled)))]
        made = dict(zip(names, pooled, strict=True)) | {"transformer": self._head(pooled[-1].copy())}
        for values in made.values():
            values[self._empty(windows, sizes, texts)] = 0
        return made

    def _empty(self, windows: Windows, sizes: np.ndarray, texts: int) -> np.ndarray:
        """Which texts have no tokens."""
        return np.asarray(np.bincount(windows.owners, weights=sizes, minlength=texts) == 0)

    def _padded(
        self, windows: Windows, sizes: np.ndarray
    ) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Batches of windows: their numbers, token ids padded to one width, and lengths."""
        room = 16 if self.device == "cuda" else 1
        rows = 1 if self._model.one_by_one else BATCH_ROWS * room
        for batch in batches(sizes, rows, BATCH_TOKENS * room):
            lengths = sizes[batch]
            ids = np.full((len(batch), int(lengths.max())), self.recipe.pad, np.int64)
            ids[np.arange(ids.shape[1]) < lengths[:, None]] = np.concatenate([windows.ids[i] for i in batch])
            yield batch, ids, lengths


def batches(sizes: np.ndarray, rows: int = BATCH_ROWS, tokens: int = BATCH_TOKENS) -> Iterator[np.ndarray]:
    """Give window numbers in batches, the longest first, cut where padding would grow; empty ones are left out.

    >>> [batch.tolist() for batch in batches(np.array([3, 0, 100, 90, 3]))]
    [[2, 3], [0, 4]]
    """
    order = np.argsort(-sizes, kind="stable")
    order = order[sizes[order] > 0]
    falling = -sizes[order]
    start = 0
    while start < len(order):
        width = -falling[start]
        similar = int(np.searchsorted(falling, -FILLED * width, side="right"))
        stop = min(start + min(rows, max(1, tokens // width)), similar)
        yield order[start:stop]
        start = stop


@lru_cache(maxsize=2)
def _model(path: Path, torch: bool, digests: tuple[str, ...], device: str) -> Any:
    """The transformer alone, so that encoders which differ in the rest share one."""
    if torch:
        from vecwise.kernels.torch_model import TorchModel

        return TorchModel(path, device)
    from vecwise.kernels.onnx_model import OnnxModel

    return OnnxModel(path, device)


def running(recipe: Recipe, device: str) -> Running:
    """Load a model, or give the one that is loaded already; two transformers stay loaded."""
    with _LOADING:  # several threads may want it first
        return _running(recipe, device, tuple(recipe.digests()))


@lru_cache(maxsize=8)
def _running(recipe: Recipe, device: str, digests: tuple[str, ...]) -> Running:
    return Running(recipe, device)


@dataclass(frozen=True)
class TransformerMap:
    """Texts through one model into its vectors; nothing is learned from rows."""

    target: Space
    options: Options
    by_token: bool = True  # whether the model gives a vector a token, which are pooled

    @classmethod
    def of(cls, options: Options) -> Self:
        """Load the model and mint its space; raises `Inapplicable` for a pooling that would have no effect."""
        recipe = options.recipe()
        model = running(recipe, options.device)
        if options.pooling is not None and not model.by_token:
            raise Inapplicable(
                f"`{Path(options.model).name}` gives one vector a text and none a token, so "
                f"pooling={options.pooling!r} has no effect. Leave out `pooling`."
            )
        return cls(_space(recipe, options, model.dim, model.by_token), options, model.by_token)

    def _ready(self) -> Running:
        recipe = self.options.recipe()
        if frame_of(recipe, self.options.long, self.by_token) != self.target.frame:
            raise other_files(self.options.model)
        return running(recipe, self.options.device)

    def __call__(self, table: Any, /) -> Vectors:
        """Encode the text of every row; warns with `TextCut`, or raises `TooLarge`, for texts too long."""
        model, windows, texts = self._read(table)
        return Vectors(model(windows, texts), rows=table, space=self.target, encoder=self)

    def stages(self, table: Any, /) -> dict[str, np.ndarray]:
        """Give what every layer makes of the texts, `(rows, width)` by name; the last are the vectors."""
        model, windows, texts = self._read(table)
        return model.stages(windows, texts)

    def _read(self, table: Any) -> tuple[Running, Windows, int]:
        model = self._ready()
        texts = self._texts(table, model.recipe.prompt)
        windows = model.tokenizer.windows(texts, all_of=self.options.long == "mean")
        self._tell(windows.several, model.recipe.limit)
        return model, windows, len(texts)

    def cut_rows(self, table: Any, /) -> np.ndarray:
        """Which rows hold more text than the model reads in one go: a boolean for each; tokens are only counted."""
        recipe = self.options.recipe()
        tokenizer = Tokenizer(bytes_of(recipe.tokenizer), recipe.limit, recipe.lowercase)
        return tokenizer.too_long(self._texts(table, recipe.prompt))

    def texts(self, table: Any, /) -> Sequence[str]:
        """The texts that are encoded, one a row, with the prompt before each."""
        return self._texts(table, self.options.recipe().prompt)

    def _texts(self, table: Any, prompt: str) -> Sequence[str]:
        texts = texts_of(table, self.options.column, self.options.missing)
        return [prompt + text for text in texts] if prompt else texts

    def _tell(self, several: np.ndarray, limit: int) -> None:
        rows = np.flatnonzero(several)
        if not len(rows) or self.options.long == "mean":
            return
        if self.options.long == "error":
            raise TooLarge(
                f"{len(rows):,} of {count(len(several), 'text')} have more than {limit:,} tokens: rows "
                f"{some(rows.tolist())} (counted from 0). Split them into passages first (vw.passages), or choose "
                'long="mean" or long="cut".'
            )
        tell(TextCut(len(rows), len(several), limit))

    def state(self) -> dict[str, Any]:
        """Plain data: the model stays where it is, known by the frame."""
        made = {"frame": self.target.frame, "dim": self.target.dim, "options": asdict(self.options)}
        return {**made, "by_token": self.by_token}

    @classmethod
    def from_state(cls, state: dict[str, Any], /) -> Self:
        """Build the same map without loading the model.

        Raises `FileMissing`, and `SpaceMismatch` when other files lie there now.
        """
        options = Options(**state["options"])
        by_token = bool(state.get("by_token", True))
        space = _space(options.recipe(), options, int(state["dim"]), by_token)
        if space.frame != state["frame"]:
            raise other_files(options.model)
        return cls(space, options, by_token)


def _space(recipe: Recipe, options: Options, dim: int, by_token: bool) -> Space:
    claims = frozenset({"unit"}) if recipe.head[-1:] == (None,) else frozenset()
    name = f"TransformerEncoder: {Path(options.model).name}"
    return Space(dim, frame_of(recipe, options.long, by_token), claims=claims, name=name)


class TransformerEncoder(Encoder):
    """Texts to vectors by a transformer model that lies on this machine; nothing needs fitting.

    `model` is a sentence-transformers folder (Transformer, Pooling, Dense, Normalize; safetensors weights)
    or an `.onnx` file with `tokenizer` (a `tokenizer.json` or the folder of one). `backend` `"auto"` takes
    PyTorch, and for a folder with `onnx/model.onnx` ONNX Runtime where PyTorch is absent. `pooling` ("mean",
    "cls", "max", "mean_sqrt_len_tokens", "weightedmean", "lasttoken") and `normalize` override the folder;
    a bare ONNX file has the mean, not normalized. An ONNX file that gives one vector a text leaves nothing to
    pool. `device` is `"auto"`, `"cpu"` or `"cuda"`. `prompt` is put before every text; `None` takes the
    folder's default. Of a model with one prompt for questions and another
    for documents, give the questions the documents' space: `vw.Vectors(Q.values, space=X.space)`.
    `column` names the text column, `missing` is `"error"` or `"empty"`.

    **Long texts.** A model reads up to its limit of tokens (`max_tokens`; `None`: the folder's own).
    `long="cut"` warns with `errors.TextCut` how many texts were longer, `"error"` refuses them, `"mean"`
    encodes them in windows of the limit and averages these, weighted by their tokens, before the head.
    `map_.cut_rows(table)` tells which rows they are.

    Gives float32. A row's vector is the same alone and in any batch to 1e-6 of its length. "" is what the
    model makes of its control tokens alone, and zero where the tokenizer has none. Control tokens written
    out in a text (`[CLS]`, `</s>`) are cut as text. Nothing is downloaded and no code is run from files.

    Source: Reimers and Gurevych 2019, doi:10.18653/v1/D19-1410. Raises `FileMissing` (also for a name on a
    hub), `Damaged`, `Inapplicable` (pickled weights, a model with code of its own, a pooling
    where there is nothing to pool, a CUDA device that is not there), `MissingPackage`, `MissingValue`.

    >>> from vecwise import TransformerEncoder
    >>> TransformerEncoder("minilm", long="mean")
    TransformerEncoder(model='minilm', long='mean')
    """

    reads = "text"
    needs_rows = False
    costly = True

    def __init__(
        self,
        model: str | Path | None = None,
        *,
        tokenizer: str | Path | None = None,
        pooling: str | None = None,
        normalize: bool | None = None,
        max_tokens: int | None = None,
        long: str = "cut",
        prompt: str | None = None,
        backend: str = "auto",
        device: str = "auto",
        column: str | None = None,
        missing: str = "error",
    ) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.pooling = pooling
        self.normalize = normalize
        self.max_tokens = max_tokens
        self.long = long
        self.prompt = prompt
        self.backend = backend
        self.device = device
        self.column = column
        self.missing = missing

    def _fold(self) -> Ready:
        asked = choice("backend", self.backend, BACKENDS)
        model = str(model_path(named(self)))
        options = Options(
            model,
            None if self.tokenizer is None else str(model_path(self.tokenizer)),
            None if self.pooling is None else choice("pooling", self.pooling, POOLINGS),
            self.normalize,
            self.max_tokens,
            choice("way with long texts", self.long, LONG),
            self.prompt,
            backend_for(model, asked),
            choice("device", self.device, DEVICES),
            self.column,
            choice("policy for missing texts", self.missing, MISSING),
        )
        return Ready(partial(TransformerMap.of, options))
