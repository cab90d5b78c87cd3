"""What a generator is worth: its perplexity on held-out lines beside n-grams, and how much a prompt matters.

This module must not know how the network learns, nor load torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from vecwise.kernels.kneser_ney import KneserNey

ORDERS: Final = (1, 2, 3, 4, 5, 6)
PROMPTS: Final = 20
EACH: Final = 5  # lines a prompt
DRAWS: Final = 2000
SHARES: Final = tuple(share / 20 for share in range(21))
_LOW, _HIGH = 0.025, 0.975


def n_grams_of(train: Sequence[np.ndarray], stop: Sequence[np.ndarray], size: int) -> KneserNey:
    """Count n-grams of the pieces that the network reads, of the length that tells the lines to stop by best."""
    made = KneserNey.of(train, size, ORDERS[0])
    best = float(made.log_probabilities(stop).sum())
    for order in ORDERS[1:]:
        longer = KneserNey.of(train, size, order)
        score = float(longer.log_probabilities(stop).sum())
        if score <= best:
            break
        made, best = longer, score
    return made


def mixed(network: np.ndarray, counted: np.ndarray, share: float) -> np.ndarray:
    """Give the logarithm of a mixture of two probabilities, given by theirs; `share` is that of the first."""
    with np.errstate(divide="ignore"):  # the logarithm of no share at all
        return np.asarray(np.logaddexp(np.log(share) + network, np.log(1 - share) + counted))


def share_of(network: np.ndarray, counted: np.ndarray) -> float:
    """Give the share of the network, in twentieths, by which the two together tell these pieces best."""
    return float(max(SHARES, key=lambda share: float(mixed(network, counted, share).sum())))


def held_out(network: np.ndarray, counted: np.ndarray, share: float, lengths: np.ndarray, characters: np.ndarray,
             seed: int) -> dict[str, Any]:  # fmt: skip
    """Compare log-probabilities of the pieces of held-out lines: those of network and n-grams mixed, and of each alone.

    `lengths` and `characters` are how many pieces and characters each line has. `gain` is by which part the perplexity
    of the mixture is below that of n-grams, with its 95% interval from drawing the lines again; `better` whether all of
    it is above zero.
    """
    starts = np.cumsum(lengths) - lengths
    both = mixed(network, counted, share)
    ahead = np.add.reduceat(both - counted, starts)
    places = np.random.default_rng([seed, 3]).integers(0, len(lengths), (DRAWS, len(lengths)))
    drawn = ahead[places].sum(axis=1) / lengths[places].sum(axis=1)
    low, high = (float(1 - np.exp(-np.quantile(drawn, part))) for part in (_LOW, _HIGH))

    def told(scores: np.ndarray) -> dict[str, float]:
        return {"perplexity": float(np.exp(-scores.mean())),
                "bits_per_character": float(-scores.sum() / np.log(2) / characters.sum())}  # fmt: skip

    return {
        **told(both),
        "n_grams": told(counted),
        "network": told(network) | {"share": share},
        "gain": [float(1 - np.exp(-ahead.sum() / lengths.sum())), low, high],
        "better": low > 0,
    }


@dataclass(frozen=True, slots=True)
class Margin:
    """How much a prompt matters: the mean likeness of lines to their own prompt above that to the others.

    `own` and `other` are those two for each prompt; `mean` their difference, `low` to `high` its 95% interval from
    drawing the prompts again.
    """

    prompts: list[str]
    own: np.ndarray
    other: np.ndarray
    mean: float
    low: float
    high: float

    def to_data(self) -> dict[str, Any]:
        """Give plain data."""
        return {"mean": self.mean, "low": self.low, "high": self.high, "prompts": len(self.prompts),
                "own": float(np.mean(self.own)), "other": float(np.mean(self.other))}  # fmt: skip


def margin_of(prompts: Sequence[str], likeness: np.ndarray, seed: int) -> Margin:
    """Measure the margin from `likeness`, `(prompts, prompts, lines)`: of each prompt to the lines of each.

    Prompts without a vector have no likeness (NaN), and are left out; lines without one count for nothing.
    """
    kept = np.flatnonzero(np.isfinite(likeness).any(axis=(1, 2)))
    with np.errstate(invalid="ignore"):
        found = np.nansum(likeness, axis=2) / np.isfinite(likeness).sum(axis=2)
    found = found[np.ix_(kept, kept)]
    own = np.diagonal(found).copy()
    other = (found.sum(axis=1) - own) / max(len(kept) - 1, 1)
    apart = own - other
    draws = np.random.default_rng([seed, 4]).integers(0, len(kept), (DRAWS, len(kept)))
    low, high = np.quantile(apart[draws].mean(axis=1), [_LOW, _HIGH])
    return Margin(
        [prompts[i] for i in kept.tolist()], own, other, float(apart.mean()), float(low), float(high)
    )
