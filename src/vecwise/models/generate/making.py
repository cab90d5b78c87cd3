"""`vw.generator`: lines in, a trained generator out; stopped at any moment, it goes on where it was.

This module must not know the command line, nor how anything is drawn.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from vecwise.encoders.base import Encoder
from vecwise.encoders.registry import as_encoder
from vecwise.errors import Inapplicable, TooLarge, VecwiseError, whole_number
from vecwise.kernels.arrays import dense
from vecwise.measure.components import pca
from vecwise.models.generate.generator import GENERATORS, Generator, needs_torch, open_generator, saved_parts
from vecwise.models.generate.judged import held_out, n_grams_of, share_of
from vecwise.models.generate.lines import Lines, read_lines
from vecwise.models.generate.pieces import Pieces
from vecwise.models.sources import fresh_copy
from vecwise.runner import Progress
from vecwise.store.os_errors import shown
from vecwise.store.rows import as_table
from vecwise.store.sources import read
from vecwise.table_text import count
from vecwise.verbs import Map

if TYPE_CHECKING:
    from vecwise.models.generate.drawing import Writer
    from vecwise.models.generate.network import Shape
    from vecwise.models.generate.passes import Coded
    from vecwise.models.generate.training import Epoch, State

MOST_DIM: Final = 4096
MOST_EPOCHS: Final = 100
_KEPT_EVERY: Final = 10.0  # seconds between two states on disk


def generator(
    rows: Any,
    /,
    *,
    text: str | None = None,
    encoder: Any = "sentence",
    epochs: int = MOST_EPOCHS,
    seed: int = 0,
    into: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
    watch: Callable[[Epoch, float], None] | None = None,
) -> Generator:
    """Train a text generator on lines, which a sentence's vector steers: sentence, vector, language model, new lines.

    `rows` are lines: a list of texts, a table with one column of texts or the one named `text`, or the path of a file.
    A small recurrent network learns them piece by piece, half of them with the vector that `encoder` gives the line, so
    that it writes with a prompt and without. A tenth of the different lines is held out to be judged by and as many to
    stop by, at most 1,000 each: training ends when those are told no better for five epochs, or after `epochs`.

    What it is worth stands in `report` and `words`: perplexity on held-out lines beside that of the best of n-grams
    (Kneser-Ney) of the same pieces, neither knowing the line's vector, and how much nearer lines are to their own
    prompt than to others. `watch(epoch, n_grams)` is called after each epoch with its numbers and the perplexity of
    n-grams. With `into=DIR` all of it is kept there after the first epoch, then every ten seconds and at the end; the
    same call goes on from there, and ends as if it had never stopped. The same seed gives the same generator on a CPU,
    with any number of cores; on a GPU, which is used if torch sees one, nearly the same.

    Raises `EmptyInput` without lines, `OutOfRange` for fewer than 50 different ones, `MissingValue` for nulls,
    `TooLarge` for vectors of more than 4,096 dimensions, `Inapplicable` where DIR holds another training,
    `MissingPackage` without torch.

    >>> import vecwise as vw
    >>> vw.generator(["the same line"] * 100)
    Traceback (most recent call last):
    vecwise.errors.OutOfRange: All 100 lines are the same, “the same line”: there is nothing to learn but that line.
    """
    most = whole_number("epochs", epochs, "how many times the lines are learned at most")
    whole_number("seed", seed, "", least=0)
    lines = read_lines(read(rows) if isinstance(rows, (str, Path)) else rows, text, seed)
    needs_torch("A generator")
    work = _Training(lines, as_encoder(encoder), seed, most, into)
    return work.done(progress, watch)


class _Training:
    """One training: what it learns from, and the folder it is kept in."""

    def __init__(self, lines: Lines, encoder: Encoder, seed: int, most: int, into: Any) -> None:
        self.lines, self.seed, self.most, self.into = lines, seed, most, into
        self.encoder = _fitted(encoder, lines.train)
        self.identity = {"seed": seed, "encoder": str(self.encoder.target.frame), "lines": lines.digest}

    def done(self, progress: Progress | None, watch: Callable[[Epoch, float], None] | None) -> Generator:
        """Train to the end, or take what was trained already."""
        from vecwise.models.generate.drawing import Writer
        from vecwise.models.generate.network import network_of, one_thread, shape_for
        from vecwise.models.generate.passes import log_probabilities
        from vecwise.models.generate.training import begin, learn

        kept = self._kept()
        if isinstance(kept, Generator):
            return kept
        self.pieces = Pieces.learned(self.lines.train)
        train, stop, judge = (
            self._coded(part) for part in (self.lines.train, self.lines.stop, self.lines.judge)
        )
        shape = shape_for(train.pieces)
        n_grams = n_grams_of(train.tokens, stop.tokens, len(self.pieces))
        plainly = float(np.exp(-n_grams.log_probabilities(stop.tokens).mean()))
        state = kept or begin(self._known(shape), train, shape, self.seed)
        with one_thread(), self._keeping(shape) as keep:
            for reached in learn(
                state, train, stop, shape, seed=self.seed, most=self.most, progress=progress
            ):
                keep(reached)
                if watch:
                    watch(reached.epochs[-1], plainly)
            network = network_of(state.best, shape)
            share = share_of(log_probabilities(network, stop), n_grams.log_probabilities(stop.tokens))
            writer = Writer(network, n_grams, share)
            report = self._report(writer, state, train, judge) | {"n_grams_to_stop_by": plainly}
        made = Generator.of(self.encoder, self.pieces, writer, self.lines, report)
        report["margin"] = made.margin(seed=self.seed).to_data()
        if self.into is not None:
            made.save(self.into)
        return made

    def _coded(self, lines: list[str]) -> Coded:
        from vecwise.models.generate.passes import Coded

        vectors = dense(self.encoder(as_table(lines)).values)
        return Coded(self.pieces.cut(lines), np.ascontiguousarray(vectors, np.float32))

    def _known(self, shape: Shape) -> np.ndarray:
        """Give what the encoder knows of each piece: its place on the main axes of all, or zeros."""
        X = self.encoder(as_table(self.pieces.texts()))
        known = np.flatnonzero(dense(X.values).any(axis=1))
        axes = min(shape.piece, X.space.dim, len(known) - 1)
        if axes < 1:
            return np.zeros((len(X), 1))
        places = dense(pca(X[known], k=axes)(X[known]).values)
        found = np.zeros((len(X), places.shape[1]))
        found[known] = places
        return found

    def _report(self, writer: Writer, state: State, train: Coded, judge: Coded) -> dict[str, Any]:
        from vecwise.models.generate.passes import log_probabilities

        told = log_probabilities(writer.network, judge), writer.n_grams.log_probabilities(judge.tokens)
        lengths = np.array([len(line) for line in judge.tokens])
        characters = np.array([len(line) + 1 for line in self.lines.judge])
        best = min(state.epochs, key=lambda one: one.perplexity * one.steered)
        counts = {part: len(getattr(self.lines, part)) for part in ("train", "stop", "judge")}
        found = held_out(*told, writer.share, lengths, characters, self.seed)
        found["n_grams"] |= {"order": len(writer.n_grams.levels)}
        return found | {
            "lines": counts | {"repeated": self.lines.repeated, "blank": self.lines.blank},
            "pieces": {"different": len(self.pieces), "train": train.pieces, "judge": judge.pieces},
            "parameters": sum(value.numel() for value in writer.network.parameters()),
            "best_epoch": best.number,
            "epochs": [asdict(one) for one in state.epochs],
            "seconds": sum(epoch.seconds for epoch in state.epochs),
            "seed": self.seed,
        }

    # ---- what is kept ----

    def _kept(self) -> State | Generator | None:
        """Give what the folder holds of this training: its state, or the generator that came out."""
        from vecwise.models.generate.training import State

        if self.into is None or not GENERATORS.holds(self.into):
            return None
        held = GENERATORS.load(self.into)
        identity = {
            "lines": Lines(**held["lines"]).digest,
            "encoder": str(_frame(held)),
            "seed": held["report"]["seed"],
        }
        if identity != self.identity:
            other = next(name for name in self.identity if identity[name] != self.identity[name])
            raise Inapplicable(
                f"{shown(self.into)} holds a generator of another {other}. Give another folder, or remove that one."
            )
        return open_generator(self.into) if held["training"] is None else State.from_data(held["training"])

    @contextmanager
    def _keeping(self, shape: Shape) -> Iterator[Callable[[State], None]]:
        """Give what keeps a state in the folder now and then, and at an interruption."""
        last: list[State] = []
        saved = [-np.inf]

        def write() -> None:
            parts = saved_parts(self.encoder, self.pieces, shape, last[0].best, self.lines)
            more = {"report": {"seed": self.seed}, "training": last[0].to_data()}
            GENERATORS.save(parts | more, self.into)
            saved[0] = time.monotonic()

        def keep(state: State) -> None:
            last[:] = [state]
            if self.into is not None and time.monotonic() - saved[0] >= _KEPT_EVERY:
                write()

        try:
            yield keep
        except KeyboardInterrupt as stop:
            if self.into is None or not last:
                raise
            write()
            raise type(stop)(
                f"Stopped. {count(len(last[0].epochs), 'epoch')} are kept in {shown(self.into)}: the same command goes "
                "on from there."
            ) from stop


def _frame(held: dict[str, Any]) -> Any:
    from vecwise.encoders.registry import from_data

    try:
        return from_data(held["encoder"]).target.frame
    except VecwiseError:
        return None


def _fitted(encoder: Encoder, lines: list[str]) -> Map:
    """Fit an encoder that learns from rows on the lines that are learned from, and on no others."""
    made = encoder if encoder.is_fitted else fresh_copy(encoder).fit(lines)
    if made.space.dim > MOST_DIM:
        raise TooLarge(
            f"A generator is steered by vectors of at most {MOST_DIM:,} dimensions, not {made.space.dim:,}: use the "
            "encoder `sentence`, or max_features."
        )
    return made.map_
