"""Transformer models on disk: what a sentence-transformers folder or an ONNX file says is to be done.

This module must not know how a model is run. Names in a folder are read as data: no module, no activation
and no code is imported because a file says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from vecwise.errors import Damaged, FileMissing, Inapplicable, UnknownFormat, some
from vecwise.kernels.pooling import POOLINGS
from vecwise.store.model_files import digest, json_of, model_path
from vecwise.store.os_errors import shown

ACTIVATIONS: Final = ("Identity", "Tanh", "ReLU", "Sigmoid", "GELU")
_ENDLESS: Final = 10**9  # tokenizers say 10^30 for "no limit"
DEFAULT_LIMIT: Final = 512  # tokens, where neither the option nor any file says how many the model reads
_POSITIONS: Final = ("max_position_embeddings", "n_positions", "max_seq_len")
_FLAGS: Final = {  # one flag a pooling, in the order in which several are joined
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}


@dataclass(frozen=True, slots=True)
class Layer:
    """A dense layer after the pooling: its weights' file and its activation."""

    file: Path
    activation: str


@dataclass(frozen=True, slots=True)
class Recipe:
    """What is done to a text: the files, the pooling, and the steps after it (`None`: normalize)."""

    folder: Path
    tokenizer: Path
    weights: tuple[Path, ...]
    onnx: Path | None
    limit: int
    most: int
    lowercase: bool
    poolings: tuple[str, ...]
    with_prompt: bool
    head: tuple[Layer | None, ...]
    prompt: str
    pad: int

    def files(self) -> tuple[Path, ...]:
        """Every file that gives the vectors their meaning."""
        models = self.weights if self.onnx is None else (self.onnx,)
        config = [self.folder / "config.json"] if self.onnx is None else []
        return (*models, *config, self.tokenizer, *(step.file for step in self.head if step is not None))

    def digests(self) -> list[str]:
        """The hashes of these files."""
        return [digest(file) for file in self.files()]


def read_recipe(model: str, tokenizer: str | None, *, onnx: bool) -> Recipe:
    """Read what a model's folder or file says; `onnx` asks for its ONNX file in place of its weights.

    Raises `FileMissing`, `Damaged`, `UnknownFormat`, `Inapplicable`.
    """
    where = model_path(model)
    if where.is_dir():
        return _of_folder(where, tokenizer, onnx)
    if where.suffix != ".onnx":
        raise UnknownFormat(f"{shown(where)} is neither a model's folder nor an `.onnx` file.")
    if tokenizer is None and not (where.parent / "tokenizer.json").is_file():
        raise FileMissing(
            f"There is no `tokenizer.json` beside {shown(where)}. Name it: tokenizer='…/tokenizer.json'."
        )
    beside = where.parent if tokenizer is None else model_path(tokenizer)
    folder = beside if beside.is_dir() else beside.parent
    file = folder / "tokenizer.json" if beside.is_dir() else beside
    config = _optional(folder / "config.json")
    sentence = _optional(folder / "sentence_bert_config.json")
    return Recipe(
        folder=folder,
        tokenizer=_file(file),
        weights=(),
        onnx=where,
        limit=_limit(sentence, _optional(folder / "tokenizer_config.json"), config),
        most=_positions(config),
        lowercase=bool(sentence.get("do_lower_case", False)),
        poolings=("mean",),
        with_prompt=True,
        head=(),
        prompt="",
        pad=_pad(config),
    )


def _of_folder(where: Path, tokenizer: str | None, onnx: bool) -> Recipe:
    steps = _modules(where)
    folder = steps[0][1]
    config, sentence = json_of(folder / "config.json"), _optional(folder / "sentence_bert_config.json")
    if "auto_map" in config and "model_type" not in config:
        raise Inapplicable(f"{shown(where)} needs code of its own to run, and no code is run from files.")
    pooling = [json_of(path / "config.json") for kind, path in steps if kind == "Pooling"]
    told = pooling[0] if pooling else {}
    beside = None if tokenizer is None else model_path(tokenizer)
    file = folder / "tokenizer.json" if beside is None or beside.is_dir() else beside
    return Recipe(
        folder=folder,
        tokenizer=_file(beside / "tokenizer.json" if beside is not None and beside.is_dir() else file),
        weights=() if onnx else _weights(folder),
        onnx=_onnx_in(where, folder) if onnx else None,
        limit=_limit(sentence, _optional(folder / "tokenizer_config.json"), config),
        most=_positions(config),
        lowercase=bool(sentence.get("do_lower_case", False)),
        poolings=_poolings(told, where),
        with_prompt=bool(told.get("include_prompt", True)),
        head=tuple(_step(kind, path) for kind, path in steps if kind in ("Dense", "Normalize")),
        prompt=_default_prompt(where),
        pad=_pad(config),
    )


def _modules(where: Path) -> list[tuple[str, Path]]:
    """The kinds of a folder's modules and where each lies; a bare transformer is one without others."""
    listed = where / "modules.json"
    if not listed.is_file():
        return [("Transformer", where)]
    made = []
    for entry in json_of(listed, list):
        if not isinstance(entry, dict):
            raise Damaged(f"{shown(listed)} holds an entry that is no module.")
        kind, path = str(entry.get("type", "")).rpartition(".")[2], str(entry.get("path", ""))
        if ".." in Path(path).parts or Path(path).is_absolute():
            raise Damaged(f"{shown(listed)} leads out of its folder: {some([path])}.")
        made.append((kind, where / path))
    kinds = [kind for kind, _ in made]
    odd = set(kinds) - {"Transformer", "Pooling", "Dense", "Normalize"}
    if (
        odd
        or kinds[:1] != ["Transformer"]
        or kinds.count("Transformer") > 1
        or kinds[1:2] not in ([], ["Pooling"])
    ):
        hint = " Use StaticEncoder." if "StaticEmbedding" in odd else ""
        raise Inapplicable(
            f"{shown(where)} consists of {some(kinds)}. A Transformer, a Pooling, and then Dense and Normalize "
            f"modules are run.{hint}"
        )
    return made


def _weights(folder: Path) -> tuple[Path, ...]:
    """The safetensors files; pickled weights are refused."""
    if (folder / "adapter_config.json").is_file():
        raise Inapplicable(f"{shown(folder)} is an adapter to another model. Merge it into its model first.")
    whole, index = folder / "model.safetensors", folder / "model.safetensors.index.json"
    if whole.is_file():
        return (whole,)
    if index.is_file():
        names = json_of(index, most=1 << 24).get("weight_map")
        names = sorted(set(names.values())) if isinstance(names, dict) else []
        if not names or any(not isinstance(name, str) or Path(name).name != name for name in names):
            raise Damaged(f"{shown(index)} does not list the files of its weights.")
        return tuple(_file(folder / name) for name in names)
    if (folder / "pytorch_model.bin").is_file():
        raise Inapplicable(
            f"{shown(folder)} holds its weights as a pickle (`pytorch_model.bin`), which can run any code when "
            "it is opened. Convert it where you trust it: model.save_pretrained(folder, safe_serialization=True)."
        )
    raise FileMissing(f"{shown(folder)} holds no `model.safetensors`.")


def ways(model: str) -> tuple[bool, bool]:
    """Tell whether a model has weights for PyTorch, pickled ones included, and whether it has an ONNX file."""
    where = model_path(model)
    if not where.is_dir():
        return False, True
    onnx = any((where / name).is_file() for name in ("onnx/model.onnx", "model.onnx"))
    weights = _modules(where)[0][1].iterdir()
    return any(file.suffix == ".safetensors" or file.name == "pytorch_model.bin" for file in weights), onnx


def _onnx_in(where: Path, folder: Path) -> Path:
    for file in (where / "onnx" / "model.onnx", folder / "onnx" / "model.onnx", folder / "model.onnx"):
        if file.is_file():
            return file
    raise FileMissing(f"{shown(where)} holds no `onnx/model.onnx`.")


def _poolings(told: dict[str, Any], where: Path) -> tuple[str, ...]:
    said = told.get("pooling_mode")
    if said is None:
        said = [name for flag, name in _FLAGS.items() if told.get(flag)] or ["mean"]
    names = tuple([said] if isinstance(said, str) else said)
    if not names or not set(names) <= set(POOLINGS):
        raise UnknownFormat(f"{shown(where)} pools by {some(names)}; there are {some(POOLINGS, 9)}.")
    return names


def _step(kind: str, path: Path) -> Layer | None:
    if kind == "Normalize":
        return None
    config = json_of(path / "config.json")
    activation = str(config.get("activation_function", "torch.nn.modules.activation.Tanh"))
    module, _, name = activation.rpartition(".")
    if not module.startswith("torch.nn") or name not in ACTIVATIONS:
        raise UnknownFormat(
            f"{shown(path)} activates by {some([activation])}; there are {some(ACTIVATIONS)}."
        )
    if config.get("module_input_name", "sentence_embedding") != "sentence_embedding":
        raise UnknownFormat(f"{shown(path)} works on tokens; only a Dense module after the pooling is run.")
    file = path / "model.safetensors"
    if not file.is_file() and (path / "pytorch_model.bin").is_file():
        raise Inapplicable(
            f"{shown(path)} holds its weights as a pickle, which can run any code when opened."
        )
    return Layer(_file(file), name)


def _limit(sentence: dict[str, Any], tokenizer: dict[str, Any], config: dict[str, Any]) -> int:
    """The most tokens of a text: the folder's own word, or the tokenizer's, within the model's positions."""
    said = sentence.get("max_seq_length") or tokenizer.get("model_max_length")
    known = int(said) if isinstance(said, (int, float)) and 0 < said < _ENDLESS else _ENDLESS
    known = min(known, _positions(config))
    return DEFAULT_LIMIT if known == _ENDLESS else known


def _positions(config: dict[str, Any]) -> int:
    """How many positions the model has at all."""
    said = [config[name] for name in _POSITIONS if isinstance(config.get(name), int) and config[name] > 0]
    return min(said, default=_ENDLESS)


def _pad(config: dict[str, Any]) -> int:
    said = config.get("pad_token_id")
    return said if isinstance(said, int) and said >= 0 else 0


def _default_prompt(where: Path) -> str:
    config = _optional(where / "config_sentence_transformers.json")
    prompts = config.get("prompts")
    name = config.get("default_prompt_name")
    return str(prompts.get(name) or "") if name and isinstance(prompts, dict) else ""


def _optional(path: Path) -> dict[str, Any]:
    return dict(json_of(path)) if path.is_file() else {}


def _file(path: Path) -> Path:
    if not path.is_file():
        raise FileMissing(f"There is no file {shown(path)}. Copy the model again.")
    return path
