"""Lines drawn piece by piece from the network and the n-grams that it is mixed with.

This module must not know texts; it loads torch, so it is imported where that is needed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from vecwise.kernels.kneser_ney import KneserNey
from vecwise.models.generate.lexicon import Lexicon
from vecwise.models.generate.network import Network
from vecwise.models.generate.pieces import END, UNKNOWN


@dataclass(frozen=True, slots=True)
class Taste:
    """How lines are drawn: `temperature` (low: the likeliest pieces), `top_p`: the share of probability that pieces are
    drawn from (Holtzman et al. 2020, arXiv:1904.09751), `guidance`: how far what steers is followed, 1 as learned (Ho
    and Salimans 2022, arXiv:2207.12598).
    """

    temperature: float = 0.7
    top_p: float = 0.8
    guidance: float = 1.5

    def freer(self, times: int) -> Taste:
        """Give a taste for what is less likely, for lines that were not found otherwise."""
        return replace(
            self, temperature=self.temperature * (1 + times / 5), top_p=1 - (1 - self.top_p) * 0.8**times
        )


@dataclass(frozen=True, slots=True, eq=False)
class Writer:
    """What tells the next piece: the network, and n-grams whose probabilities it is mixed with, `share` its own."""

    network: Network
    n_grams: KneserNey
    share: float


def drawn(writer: Writer, vectors: np.ndarray | None, lines: int, taste: Taste, longest: int,
          chance: torch.Generator, lexicon: Lexicon | None = None) -> list[list[int]]:  # fmt: skip
    """Draw a line of at most `longest` pieces for each vector, `(lines, dim)`; without vectors unsteered ones.

    With a lexicon no word is made up.
    """
    network = writer.network
    found: list[list[int]] = [[] for _ in range(lines)]
    going = np.ones(lines, bool)
    with torch.no_grad():
        steering = _steering(network, vectors, lines)
        token = torch.full((len(steering), 1), network.pieces, device=steering.device)
        memory: Tensor | None = None
        for _ in range(longest):
            scores, memory = network(token, steering, memory)
            told = torch.log_softmax(scores[:, -1].cpu().double(), dim=1)
            chosen = _chosen(_likely(writer, told, found, going, taste, lexicon), taste, chance)
            going &= chosen.numpy() != END
            if not going.any():
                break
            for row in np.flatnonzero(going):
                found[row].append(int(chosen[row]))
            token = chosen.repeat(len(steering) // lines)[:, None].to(steering.device)
    return found


def _steering(network: Network, vectors: np.ndarray | None, lines: int) -> Tensor:
    """Every line as if nothing steered it and, with vectors, after all of these once more as it is steered."""
    device = network.mean.device
    free = torch.zeros(lines, network.shape.piece, device=device)
    if vectors is None:
        return free
    given = torch.from_numpy(np.ascontiguousarray(vectors, np.float32)).to(device)
    return torch.cat([free, network.steered(given, torch.ones(lines, device=device))])


def _likely(writer: Writer, told: Tensor, begun: list[list[int]], going: np.ndarray, taste: Taste,
            lexicon: Lexicon | None) -> Tensor:  # fmt: skip
    """Give the scores of what may come next, `(lines, pieces)`: the likeliest as mixed, then steered beyond that."""
    lines = len(begun)
    free, own = told[:lines], told[-lines:]
    counted = torch.from_numpy(writer.n_grams.following(begun))
    mixed = torch.log(writer.share * own.exp() + (1 - writer.share) * counted)
    open_ = torch.from_numpy(_open(begun, going, writer.network.pieces, lexicon))
    mixed = torch.where(open_, mixed, -torch.inf)
    ordered, pieces = torch.softmax(mixed, dim=1).sort(dim=1, descending=True, stable=True)
    kept = torch.zeros_like(open_).scatter(1, pieces, ordered.cumsum(dim=1) - ordered < taste.top_p)
    return torch.where(kept & open_, mixed + (taste.guidance - 1) * (own - free), -torch.inf)


def _open(begun: list[list[int]], going: np.ndarray, pieces: int, lexicon: Lexicon | None) -> np.ndarray:
    """Tell which pieces may follow: none that is unknown, no end at the beginning, none that makes a word up."""
    found = np.ones((len(begun), pieces), bool)
    if lexicon is not None:
        for row in np.flatnonzero(going):
            found[row] = lexicon.allowed(begun[row])
    found[:, UNKNOWN] = False
    found[[not line for line in begun], END] = False
    return found


def _chosen(scores: Tensor, taste: Taste, chance: torch.Generator) -> Tensor:
    """Draw one piece a line, `(lines,)`."""
    return torch.multinomial(torch.softmax(scores / taste.temperature, dim=1), 1, generator=chance)[:, 0]
