"""The language model: a gated recurrent network over pieces, told at every step the vector that steers the line.

This module must not know texts, nor how the network is trained; it loads torch, so it is imported where that is needed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

_NORMAL: Final = 1e-6  # a smaller spread of the vectors is none


@dataclass(frozen=True, slots=True)
class Shape:
    """How large the network is: numbers a piece, numbers it remembers by, and the share left out while it learns."""

    piece: int
    memory: int
    dropout: float


def shape_for(pieces: int) -> Shape:
    """Give the size that serves so many pieces of text: more text fills more numbers before it is learned by heart."""
    if pieces < 60_000:
        return Shape(128, 256, 0.5)
    return Shape(192, 384, 0.25) if pieces < 2_000_000 else Shape(256, 512, 0.1)


class Network(nn.Module):  # type: ignore[misc]  # torch's types are not looked into
    """Gated recurrent units (Cho et al. 2014, doi:10.3115/v1/D14-1179) whose pieces are written as they are read (Press
    and Wolf 2017, arXiv:1608.05859).

    `pieces` are numbers below the size of the vocabulary; that size itself stands for the beginning of a line. Vectors
    are centered and scaled by one number, so that their coordinates are about 1 whatever the encoder.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, pieces: int, vectors: np.ndarray | int, shape: Shape) -> None:
        super().__init__()
        dim = vectors if isinstance(vectors, int) else vectors.shape[1]
        self.pieces, self.shape = pieces, shape
        self.table = nn.Embedding(pieces + 1, shape.piece)
        self.steer = nn.Linear(dim, shape.piece)
        self.begin = nn.Linear(shape.piece, shape.memory)
        self.memory = nn.GRU(2 * shape.piece, shape.memory, batch_first=True)
        self.say = nn.Linear(shape.memory, shape.piece)
        self.usual = nn.Parameter(torch.zeros(pieces))
        self.register_buffer("mean", torch.zeros(dim))
        self.register_buffer("scale", torch.ones(()))
        if not isinstance(vectors, int):
            mean = vectors.mean(axis=0)
            spread = float(np.sqrt(((vectors - mean) ** 2).mean()))
            self.mean += torch.from_numpy(mean.astype(np.float32))
            self.scale *= spread if spread > _NORMAL else 1.0

    def begun(self, known: np.ndarray, chance: torch.Generator) -> Network:
        """Draw the first weights from a source of chance of its own; pieces begin at what is known of them.

        `known` has a row for each piece, `(pieces, at most shape.piece)`; one of zeros says nothing of its piece.
        """
        with torch.no_grad():
            for name, weights in self.named_parameters():
                if weights.ndim > 1:
                    width = self.shape.piece if name.startswith("table") else weights.shape[1]
                    weights.copy_(torch.randn(weights.shape, generator=chance) / width**0.5)
                else:
                    weights.zero_()
            told = np.flatnonzero(known.any(axis=1))
            spread = float(np.sqrt((known[told] ** 2).mean())) if len(told) else 0.0
            if spread > _NORMAL:
                scaled = torch.from_numpy((known[told] / spread / self.shape.piece**0.5).astype(np.float32))
                self.table.weight[told, : known.shape[1]] = scaled
        return self

    def steered(self, vectors: Tensor, kept: Tensor) -> Tensor:
        """Give what steers each line, `(lines, piece)`: nothing, that is zeros, where `kept` is 0."""
        return torch.tanh(self.steer((vectors - self.mean) / self.scale)) * kept[:, None]

    def forward(self, tokens: Tensor, steering: Tensor, memory: Tensor | None = None,
                chance: torch.Generator | None = None) -> tuple[Tensor, Tensor]:  # fmt: skip
        """Give the scores of what comes after each token, `(lines, tokens, pieces)`, and what is remembered then.

        With a source of chance, numbers are left out as they are in training.
        """
        start = torch.tanh(self.begin(steering))[None] if memory is None else memory
        read = dropped(self.table(tokens), self.shape.dropout, chance)
        along = steering[:, None].expand(-1, tokens.shape[1], -1)
        known, last = self.memory(torch.cat([read, along], dim=2), start.contiguous())
        said = self.say(dropped(known, self.shape.dropout, chance))
        said = dropped(said, self.shape.dropout, chance)
        return said @ self.table.weight[: self.pieces].T + self.usual, last


def dropped(values: Tensor, share: float, chance: torch.Generator | None) -> Tensor:
    """Set a share of the numbers to zero and enlarge the others; nothing without a source of chance."""
    if chance is None:
        return values
    kept = torch.rand(values.shape, generator=chance, device=values.device) >= share
    return values * kept / (1 - share)


def weights_of(network: nn.Module) -> dict[str, np.ndarray]:
    """Give all numbers of a network by their names."""
    return {name: value.detach().cpu().numpy().copy() for name, value in network.state_dict().items()}


def network_of(weights: dict[str, Any], shape: Shape) -> Network:
    """Build a network from its numbers again; raises `KeyError` and `RuntimeError` for numbers of another one."""
    pieces, dim = len(weights["usual"]), len(weights["mean"])
    made = Network(pieces, dim, shape)
    made.load_state_dict({name: torch.from_numpy(np.array(value)) for name, value in weights.items()})
    return made.eval()


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute in one thread, so that sums have the same bits on any number of cores; the caller's number stays."""
    wanted = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(wanted)
