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

from vecwise.errors import VecwiseError
from vecwise.models.generate.network import Network, Shape, network_of, weights_of
from vecwise.models.generate.passes import Coded, one_pass, perplexity
from vecwise.runner import Progress

PATIENCE: Final = 5  # epochs without a better perplexity
_CLEAR: Final = 0.01  # by which two perplexities together are clearly less: half a percent each
_HALVED: Final = 2  # epochs without a better one after which steps are halved
_RATE: Final = 3e-3
_DECAY: Final = 0.01


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

    The same seed gives the same bits on any number of cores of a CPU.
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
        loss = one_pass(
            network, average, change, train, steps=state.steps, seed=[seed, number], progress=ticked
        )
        state.steps = _steps(change)
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
    if _score(made) < min((_score(one) for one in state.epochs), default=np.inf):
        state.best = weights_of(average)
    clearly = _score(made) < _passed(state.epochs) - _CLEAR
    state.epochs.append(made)
    state.waited = 0 if clearly else state.waited + 1
    if state.waited and state.waited % _HALVED == 0:
        state.rate /= 2


def _passed(epochs: Sequence[Epoch]) -> float:
    """Give the score of the last epoch that was clearly better than those before."""
    best = np.inf
    for score in map(_score, epochs):
        best = score if score < best - _CLEAR else best
    return best


def _score(epoch: Epoch) -> float:
    return float(np.log(epoch.perplexity) + np.log(epoch.steered))


# ---- what Adam remembers ----


def _steps(change: Any) -> int:
    return int(next(iter(change.state.values()))["step"])


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
