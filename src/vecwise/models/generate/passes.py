"""One pass of the network over lines, in parts that are learned from side by side, and what it says of lines.

This module must not know when learning ends; it loads torch, so it is imported where that is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from vecwise.models.generate.network import Network

LARGE: Final = 60_000  # pieces from which batches are larger, and learned from in two parts
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


def one_pass(network: Network, average: Network, change: Any, train: Coded, *, steps: int, seed: list[int],
             progress: Callable[[int], None]) -> float:  # fmt: skip
    """Learn from all lines once, `steps` before; gives the mean loss of a piece.

    `average` follows the network. A batch is cut into the same parts on any machine and their slopes are added in
    order, so that the bits do not depend on how many cores there are.
    """
    rng = np.random.default_rng([*seed, 1])
    size, parts = (64, 2) if train.pieces >= LARGE else (32, 1)
    weights = list(network.parameters())
    whole, done = 0.0, 0
    with ThreadPoolExecutor(parts) as pool:
        for places in _batches(train, size, rng):
            pieces = sum(len(train.tokens[i]) for i in places)
            work = [(network, weights, train, part, int(rng.integers(1 << 62)), pieces)
                    for part in np.array_split(places, parts) if len(part)]  # fmt: skip
            found = list(pool.map(_slopes, *zip(*work, strict=True)))
            for place, weight in enumerate(weights):
                weight.grad = sum(slopes[place] for _, slopes in found[1:]) + found[0][1][place]
            torch.nn.utils.clip_grad_norm_(weights, _STEEP)
            change.step()
            steps += 1
            _follow(average, network, min(_AVERAGE, (1 + steps) / (10 + steps)))
            whole += sum(loss for loss, _ in found) * pieces
            done += len(places)
            progress(done)
    return whole / train.pieces


def _slopes(network: Network, weights: list[Tensor], train: Coded, places: np.ndarray, seed: int,
            pieces: int) -> tuple[float, tuple[Tensor, ...]]:  # fmt: skip
    """Give the loss of some lines, a part of that of all `pieces` of a batch, and its slope by every weight."""
    device = network.mean.device
    chance = torch.Generator(device=device).manual_seed(seed)
    read, follow, vectors = (part.to(device) for part in _filled(train, places, network.pieces))
    noise = torch.randn(vectors.shape, generator=chance, device=device)
    kept = (torch.rand(len(places), generator=chance, device=device) >= _UNSTEERED).float()
    steering = network.steered(vectors + _NOISE * network.scale * noise, kept)
    scores, _ = network(read, steering, chance=chance)
    loss = _loss(scores, follow, "sum") / pieces
    return float(loss.detach()), torch.autograd.grad(loss, weights)


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
