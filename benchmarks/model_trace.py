"""Activations of layers against forward hooks by hand and captum: `python -m benchmarks.model_trace`.

A trace also looks at every number (NaN is named by layer and row), carries ids and rows, and gives each layer a space of
its own. The floor is the model's own products.
"""

from __future__ import annotations

import tempfile
from functools import cache, partial
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

import vecwise as vw
from benchmarks.floors import product
from benchmarks.timing import Contender, Work, alone, run, scaled

ROWS, SHAPE, BATCH = scaled(10_000), (784, 512, 256, 10), 1024


@cache
def data() -> np.ndarray:
    return np.random.default_rng(0).standard_normal((ROWS, SHAPE[0]), dtype=np.float32)


@cache
def network() -> Any:
    import torch
    from torch import nn

    torch.manual_seed(0)
    layers: list[Any] = []
    for a, b in pairwise(SHAPE):
        layers += [nn.Linear(a, b), nn.ReLU()]
    return nn.Sequential(*layers[:-1]).eval()


def traced(their_way: Any) -> tuple[Contender, Contender]:
    X, model = data(), network()
    ours, theirs = partial(vw.trace, model, X, batch=BATCH), partial(their_way, model, X)
    if not alone():
        found = ours()
        for name, values in theirs().items():
            np.testing.assert_allclose(found[name].values, values, rtol=1e-5, atol=1e-6, err_msg=name)
    return ours, theirs


def hooks(model: Any, X: np.ndarray) -> dict[str, np.ndarray]:
    """What people write: hooks that keep what each layer gives, and one array a layer in the end."""
    import torch

    kept: dict[str, list[Any]] = {}
    held = [
        module.register_forward_hook(lambda _m, _i, out, name=name: kept.setdefault(name, []).append(out))
        for name, module in model.named_children()
    ]
    with torch.no_grad():
        for start in range(0, len(X), BATCH):
            model(torch.from_numpy(X[start : start + BATCH]))
    for hook in held:
        hook.remove()
    return {name: torch.cat(parts).numpy() for name, parts in kept.items()}


def captum(model: Any, X: np.ndarray) -> dict[str, np.ndarray]:
    import torch
    from captum.attr import LayerActivation

    modules = dict(model.named_children())
    made = LayerActivation(model, list(modules.values()))
    kept = [made.attribute(torch.from_numpy(X[a : a + BATCH])) for a in range(0, len(X), BATCH)]
    parts = zip(*kept, strict=True)
    return {name: torch.cat(part).detach().numpy() for name, part in zip(modules, parts, strict=True)}


def streamed() -> tuple[Contender, Contender]:
    """To disk, layer by layer, whatever the number of rows; by hand all is in memory before it is saved."""
    X, model = np.tile(data(), (5, 1)), network()
    folder = tempfile.TemporaryDirectory()

    def ours() -> None:
        with tempfile.TemporaryDirectory(dir=folder.name) as place:
            vw.trace(model, X, batch=BATCH, into=Path(place) / "t")

    def theirs() -> None:
        with tempfile.TemporaryDirectory(dir=folder.name) as place:
            for name, values in hooks(model, X).items():
                np.save(Path(place) / f"{name}.npy", values)

    return ours, theirs


@cache
def perceptron() -> Any:
    from sklearn.neural_network import MLPClassifier

    few = data()[:2_000]
    return MLPClassifier((256, 64), max_iter=1, random_state=0).fit(few, np.arange(len(few)) % 10)


def scikit_network() -> tuple[Contender, Contender]:
    import warnings

    from scipy.special import softmax

    warnings.simplefilter("ignore")
    X, model = data(), perceptron()

    def by_hand() -> dict[str, np.ndarray]:
        made, values = {}, X
        for number, (weights, bias) in enumerate(zip(model.coefs_, model.intercepts_, strict=True), 1):
            values = values @ weights + bias
            last = number == len(model.coefs_)
            values = softmax(values, axis=1) if last else np.maximum(values, 0)
            made["output" if last else f"hidden {number}"] = values
        return made

    ours = partial(vw.trace, model, X, batch=BATCH)
    if not alone():
        found = ours()
        for name, values in by_hand().items():
            np.testing.assert_allclose(found[name].values, values, rtol=1e-4, atol=1e-5, err_msg=name)
    return ours, by_hand


def singular() -> tuple[Contender, Contender]:
    """What a matrix of weights stretches and squashes."""
    W = np.random.default_rng(0).standard_normal((768, 768))
    ours, theirs = partial(vw.weights, W), partial(np.linalg.svd, W, full_matrices=False)
    if not alone():
        np.testing.assert_allclose(ours().stretch, theirs().S, rtol=1e-9, atol=1e-9)
    return ours, theirs


def forward() -> float:
    return sum(product(ROWS, a, b) for a, b in pairwise(SHAPE))


NAME = f"5 layers of a torch network, {ROWS:,} x 784"
WORKS = [
    Work(
        NAME,
        "forward hooks by hand",
        partial(traced, hooks),
        "the products of its layers",
        least="0.5",
        bound=forward,
    ),
    Work(
        f"5 layers to disk, {5 * ROWS:,} x 784",
        "forward hooks by hand, numpy.save",
        streamed,
        "the products of its layers",
        rounds=1,
        bound=lambda: 5 * forward(),
    ),
    Work(
        f"layers of an MLPClassifier, {ROWS:,} x 784", "NumPy by hand", scikit_network, rounds=3, least="0.5"
    ),
    Work("singular values of weights, 768 x 768", "numpy.linalg.svd", singular, rounds=3, least="0.9"),
]
if find_spec("captum"):
    WORKS.insert(
        1,
        Work(
            f"{NAME}, the same",
            "captum LayerActivation",
            partial(traced, captum),
            rounds=3,
            least="0.8",
            bound=forward,
        ),
    )

if __name__ == "__main__":
    run(WORKS, ["vecwise", "numpy", "torch", "captum", "scikit-learn"])
