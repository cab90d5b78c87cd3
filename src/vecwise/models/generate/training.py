"""How the network learns: epoch by epoch, until lines that it does not learn from are told no better.

This module must not know texts or files; it loads torch, so it is imported where that is needed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from vecwise.errors import VecwiseError
from vecwise.models.generate.network import Network, Shape, network_of, weights_of
from vecwise.runner import Progress

MOST_EPOCHS: Final = 100
PATIENCE: Final = 5  # epochs without a better perplexity
_HALVED: Final = 2  # epochs without a better one after which steps are halved
_RATE: Final = 3e-3
_DECAY: Final = 0.01
_STEEP: Final = 1.0  # the longest gradient
_UNSTEERED: Final = 0.5  # share of lines learned without what steers them
_NOISE: Final = 1.0  # on vectors whose coordinates are about 1: a prompt is near a line, and never at one
_AVERAGE: Final = (
    0.98  # of the weights that are judged, what is kept of them at a step (Polyak and Juditsky 1992)
)
_SORTED: Final = 16  # batches whose lines are sorted by length together, so that little is filled up
_JUDGED: Final = 64  # lines judged at a time


@dataclass(frozen=True, slots=True)
class Coded:
    """Lines as numbers, with the vector of each, `(lines, dim)` float32."""

    tokens: Sequence[np.ndarray]
    vectors: np.ndarray

    @property
    def pieces(self) -> int:
        """How many pieces all lines have, ends counted."""
        return sum(map(len, self.tokens))


@dataclass(frozen=True, slots=True)
class Epoch:
    """One pass over the lines: the mean loss of a piece in it, and the perplexity of a piece of the lines to stop by,
    without and with the vector of the line; `rate` is how large steps were, `seconds` how long it took.
    """

    number: int
    loss: float
    perplexity: float
    steered: float
    rate: float
    seconds: float


@dataclass(slots=True)
class State:
    """All that training goes on from after an epoch: it is the same as if it had never stopped."""

    weights: dict[str, np.ndarray]
    average: dict[str, np.ndarray]
    best: dict[str, np.ndarray]
    moments: dict[str, np.ndarray]
    steps: int = 0
    rate: float = _RATE
    waited: int = 0
    epochs: list[Epoch] = field(default_factory=list)

    @property
    def finished(self) -> bool:
        """Whether nothing more is to be learned."""
        return self.waited >= PATIENCE

    def to_data(self) -> dict[str, Any]:
        """Give plain data with arrays in it."""
        return {name: getattr(self, name) for name in _PLAIN} | {
            "epochs": [asdict(one) for one in self.epochs]
        }

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> State:
        """Build it again."""
        return cls(**{name: data[name] for name in _PLAIN}, epochs=[Epoch(**one) for one in data["epochs"]])


_PLAIN: Final = ("weights", "average", "best", "moments", "steps", "rate", "waited")


def begin(known: np.ndarray, train: Coded, shape: Shape, seed: int) -> State:
    """Give the state before the first epoch; `known` says where each piece begins, see `Network.begun`."""
    first = Network(len(known), train.vectors, shape).begun(known, torch.Generator().manual_seed(seed))
    weights = weights_of(first)
    moments = {f"{kind} {name}": np.zeros(value.shape, np.float32)
               for name, value in first.named_parameters() for kind in ("first", "second")}  # fmt: skip
    return State(weights, weights, weights, moments)


def learn(state: State, train: Coded, stop: Coded, shape: Shape, *, seed: int, most: int,
          progress: Progress | None = None) -> Iterator[State]:  # fmt: skip
    """Learn epoch by epoch, and give the state after each until it is finished or has `most` epochs.

    On a CPU it works in one thread, so that the same seed gives the same bits on any number of cores.
    """
    device = "cuda" if torch.cuda.is_available() else "cpu"
    network, average = (network_of(w, shape).to(device) for w in (state.weights, state.average))
    change = torch.optim.AdamW(network.parameters(), lr=state.rate, weight_decay=_DECAY, betas=(0.9, 0.99))
    _restore(change, network, state)
    while not state.finished and len(state.epochs) < most:
        started, number = time.monotonic(), len(state.epochs) + 1
        for group in change.param_groups:
            group["lr"] = state.rate
        ticked = _ticks(progress, number, len(train.tokens), most)
        loss = _epoch(network, average, change, state, train, seed=[seed, number], progress=ticked)
        free, steered = (perplexity(average, stop, steered=on) for on in (False, True))
        if not np.isfinite([loss, free, steered]).all():
            raise VecwiseError(
                "Training left the range of numbers. Try another seed, or vectors of smaller numbers."
            )
        made = Epoch(number, loss, free, steered, state.rate, time.monotonic() - started)
        _judge(state, made, average)
        state.weights, state.average = weights_of(network), weights_of(average)
        state.moments = _moments(change, network)
        yield state


def _ticks(progress: Progress | None, number: int, lines: int, most: int) -> Callable[[int], None]:
    return lambda done: progress((number - 1) * lines + done, most * lines) if progress else None


def _judge(state: State, made: Epoch, average: Network) -> None:
    """Keep the weights where they are the best so far; take smaller steps where they were not for some time."""
    best = min((_score(one) for one in state.epochs), default=np.inf)
    state.epochs.append(made)
    if _score(made) < best:
        state.best, state.waited = weights_of(average), 0
        return
    state.waited += 1
    if state.waited % _HALVED == 0:
        state.rate /= 2


def _score(epoch: Epoch) -> float:
    return float(np.log(epoch.perplexity) + np.log(epoch.steered))


def _epoch(network: Network, average: Network, change: Any, state: State, train: Coded, *, seed: list[int],
           progress: Callable[[int], None]) -> float:  # fmt: skip
    """Pass over all lines once; gives the mean loss of a piece."""
    rng = np.random.default_rng([*seed, 1])
    device = network.mean.device
    chance = torch.Generator(device=device).manual_seed(int(rng.integers(1 << 62)))
    whole, done = 0.0, 0
    for places in _batches(train, 32 if train.pieces < 60_000 else 64, rng):
        read, follow, vectors = (part.to(device) for part in _filled(train, places, network.pieces))
        vectors = vectors + _NOISE * network.scale * torch.randn(
            vectors.shape, generator=chance, device=device
        )
        kept = (torch.rand(len(places), generator=chance, device=device) >= _UNSTEERED).float()
        scores, _ = network(read, network.steered(vectors, kept), chance=chance)
        loss = _loss(scores, follow, "mean")
        change.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), _STEEP)
        change.step()
        state.steps += 1
        _follow(average, network, min(_AVERAGE, (1 + state.steps) / (10 + state.steps)))
        whole += float(loss.detach()) * int((follow >= 0).sum())
        done += len(places)
        progress(done)
    return whole / train.pieces


def _follow(average: Network, network: Network, kept: float) -> None:
    with torch.no_grad():
        for slow, fast in zip(average.parameters(), network.parameters(), strict=True):
            slow.lerp_(fast, 1 - kept)


def _batches(train: Coded, size: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Lines in a new order, those of about the same length together."""
    lengths = np.array([len(line) for line in train.tokens])
    order = rng.permutation(len(lengths))
    found = []
    for start in range(0, len(order), size * _SORTED):
        some = order[start : start + size * _SORTED]
        some = some[np.argsort(lengths[some], kind="stable")]
        found += [some[i : i + size] for i in range(0, len(some), size)]
    return [found[i] for i in rng.permutation(len(found))]


def _filled(lines: Coded, places: np.ndarray, begins: int) -> tuple[Tensor, Tensor, Tensor]:
    """Give what is read and what follows, `(lines, longest)`, filled up with what is not judged, and the vectors."""
    chosen = [lines.tokens[i] for i in places]
    longest = max(map(len, chosen))
    read = np.full((len(chosen), longest), begins)
    follow = np.full((len(chosen), longest), -1)
    for row, line in enumerate(chosen):
        read[row, 1 : len(line)], follow[row, : len(line)] = line[:-1], line
    return torch.from_numpy(read), torch.from_numpy(follow), torch.from_numpy(lines.vectors[places])


def _loss(scores: Tensor, follow: Tensor, reduction: str) -> Tensor:
    flat = scores.flatten(0, 1)
    return torch.nn.functional.cross_entropy(flat, follow.flatten(), ignore_index=-1, reduction=reduction)


def log_probabilities(network: Network, lines: Coded, *, steered: bool = False) -> np.ndarray:
    """Give the natural logarithm of the probability of each piece of all lines, one line after the other."""
    found = [np.zeros(0)] * len(lines.tokens)
    order = np.argsort([len(line) for line in lines.tokens], kind="stable")
    device = network.mean.device
    with torch.no_grad():
        for start in range(0, len(order), _JUDGED):
            places = order[start : start + _JUDGED]
            read, follow, vectors = (part.to(device) for part in _filled(lines, places, network.pieces))
            kept = torch.full((len(places),), float(steered), device=device)
            scores, _ = network(read, network.steered(vectors, kept))
            each = -_loss(scores, follow, "none").view(follow.shape).double().cpu().numpy()
            for row, place in enumerate(places):
                found[place] = each[row, : len(lines.tokens[place])]
    return np.concatenate([np.zeros(0), *found])


def perplexity(network: Network, lines: Coded, *, steered: bool) -> float:
    """Give the perplexity of a piece of these lines."""
    return float(np.exp(-log_probabilities(network, lines, steered=steered).mean()))


# ---- what Adam remembers ----


def _moments(change: Any, network: Network) -> dict[str, np.ndarray]:
    kinds = (("first", "exp_avg"), ("second", "exp_avg_sq"))
    return {
        f"{kind} {name}": change.state[weights][key].cpu().numpy().copy()
        for name, weights in network.named_parameters()
        for kind, key in kinds
    }


def _restore(change: Any, network: Network, state: State) -> None:
    for name, weights in network.named_parameters():
        first, second = (
            torch.from_numpy(np.array(state.moments[f"{kind} {name}"])).to(weights.device)
            for kind in ("first", "second")
        )
        change.state[weights] = {
            "step": torch.tensor(float(state.steps)),
            "exp_avg": first,
            "exp_avg_sq": second,
        }
