"""`vw.generator`: a text generator trained on lines and steered by a sentence, as a value that is saved and opened.

This module must not know the command line, nor how anything is drawn.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from vecwise.encoders.registry import from_data, to_data
from vecwise.errors import (
    Damaged,
    Inapplicable,
    OutOfRange,
    VecwiseError,
    WrongShape,
    missing_package,
    whole_number,
)
from vecwise.kernels.arrays import dense
from vecwise.kernels.kneser_ney import KneserNey
from vecwise.measure.similarity import cosine
from vecwise.models.generate.copied import KnownLines, various
from vecwise.models.generate.judged import EACH, PROMPTS, Margin, margin_of, mixed
from vecwise.models.generate.lexicon import Lexicon
from vecwise.models.generate.lines import Lines, plain, same
from vecwise.models.generate.pieces import END, MOST_LONG, Pieces
from vecwise.models.generate.written import Written
from vecwise.space import Space
from vecwise.store.os_errors import shown
from vecwise.store.rows import as_table
from vecwise.store.state_folders import StateFolder
from vecwise.table_text import clip, count, preview_html, preview_text
from vecwise.vectors import Vectors, as_vectors
from vecwise.verbs import Map

if TYPE_CHECKING:
    from vecwise.models.generate.drawing import Taste, Writer
    from vecwise.models.generate.network import Shape

GENERATORS: Final = StateFolder("generator", "train it again")
CHOICES: Final = 16
_TRIES: Final = 10  # times as many lines are drawn as were asked for, before fewer are given
_MOST_LINES: Final = 1000
MOST_STRENGTH: Final = 100  # of temperature and guidance


@dataclass(frozen=True, slots=True, eq=False)
class Generator:
    """A language model of a user's lines, which a sentence's vector steers: `write("a ship in the storm")`.

    `encoder` gives a prompt its vector, of the space `source`. `report` holds what training found: perplexity on
    held-out lines beside that of n-grams, how much prompts matter, the epochs; `words` says it in sentences.
    """

    encoder: Map
    pieces: Pieces = field(repr=False)
    writer: Writer = field(repr=False)
    lines: Lines = field(repr=False)
    report: dict[str, Any] = field(repr=False)
    _known: KnownLines = field(repr=False)

    @classmethod
    def of(
        cls, encoder: Map, pieces: Pieces, writer: Writer, lines: Lines, report: dict[str, Any]
    ) -> Generator:
        """Build a generator from its parts."""
        return cls(
            encoder, pieces, writer, lines, report, KnownLines([*lines.train, *lines.stop, *lines.judge])
        )

    @property
    def source(self) -> Space:
        """The space of the vectors that steer."""
        return self.encoder.target

    def write(
        self,
        prompt: Any = None,
        /,
        *,
        n: int = 5,
        temperature: float = 0.7,
        top_p: float = 0.8,
        guidance: float = 1.5,
        choices: int = CHOICES,
        copies: bool = False,
        invent: bool | None = None,
        seed: int = 0,
    ) -> Written:
        """Write `n` new lines, steered by a prompt: a sentence, or one vector of the space `source`.

        `choices` lines are drawn for each that is given; of the half that reads best, those nearest to the prompt are
        kept, nearest first. `temperature` below 1 prefers likely pieces, `top_p` leaves out the unlikeliest, `guidance`
        above 1 follows the prompt more closely than lines do that were learned from. Words that the lines do not have
        are made up with `invent=True`, and where lines have fewer than three words, such as names. Without a prompt
        lines are written as they come.

        Lines that were learned from are refused, but for `copies=True`; no line is given twice, nor one that repeats
        itself (a word at once or three times, a pair of words) or ends before nine in ten of those learned from do.
        Where too few are left, ten times as many are drawn at most, more and more freely; then fewer are given, which
        `words` says. The same seed gives the same lines (on a CPU). Prompts may be in any language that the encoder
        knows.

        Raises `OutOfRange`, `Inapplicable` for a prompt that is blank or that the encoder knows nothing of, and where
        not one new line is found, `SpaceMismatch` for a vector of another space.
        """
        wanted, times = check_lines(n, choices)
        taste = _taste(temperature, top_p, guidance)
        vector = None if prompt is None else self._vector(prompt)
        lines, refused = self._new(
            vector, wanted * times, taste, copies, invent, whole_number("seed", seed, "", least=0)
        )
        if not lines:
            raise Inapplicable(
                f"Not one new line was found among {wanted * times * _TRIES:,} drawn: {refused:,} were lines learned "
                "from, the others said words again or ended early. Raise the temperature, or allow "
                "`copies`."
            )
        return self._written(prompt, vector, lines, refused, wanted)

    def margin(
        self,
        prompts: Iterable[str] | None = None,
        /,
        *,
        n: int = EACH,
        temperature: float = 0.7,
        top_p: float = 0.8,
        guidance: float = 1.5,
        invent: bool | None = None,
        seed: int = 0,
    ) -> Margin:
        """Measure how much prompts matter: how much nearer lines are to their own prompt than to others.

        Without prompts, twenty held-out lines are taken. `n` lines are drawn for each and none is chosen among more:
        what is measured is what the vector does to the network.
        """
        given = list(prompts) if prompts is not None else self._prompts(seed)
        if len(given) < 2:
            raise OutOfRange(f"A margin compares at least two prompts, not {len(given)}.")
        each = whole_number("n", n, "how many lines are drawn for a prompt")
        asked = self._encoded(given)
        repeated = np.repeat(dense(asked.values), each, axis=0)
        drawn = self._draw(
            repeated, len(repeated), _taste(temperature, top_p, guidance), self._lexicon(invent), seed
        )
        near = cosine(asked, self._encoded(drawn)).values.reshape(len(given), len(given), each)
        return margin_of(given, near, seed)

    def perplexity(self, lines: Any, /) -> float:
        """Give the perplexity of a piece of other lines, unsteered; compare it only with that of the same pieces."""
        texts = [plain(line) for line in ([lines] if isinstance(lines, str) else lines)]
        texts = [text for text in texts if text]
        if not texts:
            raise OutOfRange("There is no line whose perplexity could be told.")
        return float(np.exp(-self._told(self.pieces.cut(texts)).mean()))

    def save(self, path: str | os.PathLike[str], /) -> None:
        """Save as a folder: JSON and safetensors. It holds the lines too, so that copies of them are known.

        Raises `NotSavable` for an encoder that is no plain data.
        """
        GENERATORS.save(self.to_data(), path)

    def to_data(self) -> dict[str, Any]:
        """Give plain data with arrays in it."""
        from vecwise.models.generate.network import weights_of

        network = self.writer.network
        parts = saved_parts(self.encoder, self.pieces, network.shape, weights_of(network), self.lines)
        return parts | {"share": self.writer.share, "report": self.report, "training": None}

    @property
    def words(self) -> str:
        """What training found, in sentences."""
        found = self.report
        gain, low, high = found["gain"]
        numbers = (
            f"perplexity {found['perplexity']:.1f} of a piece of {count(len(self.lines.judge), 'held-out line')}, "
            f"{found['n_grams']['perplexity']:.1f} by n-grams "
            f"({abs(gain):.0%} {'less' if gain >= 0 else 'more'}, from {low:.0%} to {high:.0%})"
        )
        better = "It tells lines better than n-grams do"
        return f"{better if found['better'] else 'It is not clearly better than n-grams'}: {numbers}."

    # ---- parts of writing ----

    def _vector(self, prompt: Any) -> np.ndarray:
        if isinstance(prompt, str):
            check_prompt(prompt)
            found = self._encoded([prompt])
            if not dense(found.values).any():
                raise Inapplicable(
                    f"The encoder knows nothing of “{clip(prompt, 40)}”, so it steers nowhere."
                )
        else:
            found = as_vectors(prompt, like=Vectors(np.zeros((1, self.source.dim)), space=self.source))
            self.source.must_match(found.space, "steer by")
        if len(found) != 1:
            raise WrongShape(f"A prompt is one vector, not {len(found):,}. Write for each by itself.")
        return np.asarray(dense(found.values), np.float32)

    def _encoded(self, lines: list[str]) -> Vectors:
        return self.encoder(as_table([plain(line) for line in lines]))

    def _prompts(self, seed: int) -> list[str]:
        judge = self.lines.judge
        places = np.random.default_rng([seed, 5]).permutation(len(judge))[:PROMPTS]
        return [judge[i] for i in np.sort(places)]

    def _draw(
        self, vectors: np.ndarray | None, lines: int, taste: Taste, lexicon: Lexicon | None, *seed: int
    ) -> list[str]:
        import torch

        from vecwise.models.generate.drawing import drawn
        from vecwise.models.generate.network import one_thread

        chance = torch.Generator().manual_seed(int(np.random.default_rng([*seed, 6]).integers(1 << 62)))
        with one_thread():
            found = drawn(self.writer, vectors, lines, taste, MOST_LONG, chance, lexicon)
        return [plain(line) for line in self.pieces.joined(found)]

    def _lexicon(self, invent: bool | None) -> Lexicon | None:
        """Give the words that may be written; None where words may be made up."""
        if self._known.invents if invent is None else invent:
            return None
        words = sorted({word for line in self._known.lines for word in line.split()})
        return Lexicon((word[:-1].tolist() for word in self.pieces.cut(words)), self.pieces.begins(), END)

    def _new(
        self,
        vector: np.ndarray | None,
        wanted: int,
        taste: Taste,
        copies: bool,
        invent: bool | None,
        seed: int,
    ) -> tuple[list[str], int]:
        """Draw lines until there are enough that differ, do not end early and, unless copies are allowed, are new."""
        found: dict[str, str] = {}
        refused = 0
        repeated = None if vector is None else np.repeat(vector, wanted, axis=0)
        lexicon = self._lexicon(invent)
        for number in range(_TRIES):
            for line in self._draw(repeated, wanted, taste.freer(number), lexicon, seed, number):
                if not copies and line in self._known:
                    refused += 1
                elif self._known.reads_like(line) and len(found) < wanted:
                    found.setdefault(same(line), line)
            if len(found) >= wanted:
                break
        return list(found.values()), refused

    def _written(
        self, prompt: Any, vector: np.ndarray | None, lines: list[str], refused: int, wanted: int
    ) -> Written:
        """Keep the lines that read best, half of them or as many as are wanted, and of these the nearest."""
        tokens = self.pieces.cut(lines)
        reads = np.array([scores.mean() for scores in np.split(self._told(tokens), _ends(tokens))])
        best = np.argsort(-reads, kind="stable")[: max(wanted, len(lines) // 2)]
        lines = [lines[i] for i in best]
        made, near = self._encoded(lines), np.full(len(lines), np.nan)
        order = np.arange(len(lines))
        if vector is not None:
            near = cosine(Vectors(vector, space=self.source.with_claims(())), made).values[0]
            order = np.argsort(-near, kind="stable")
        order = order[np.sort(various([lines[i] for i in order], wanted))]
        kept = [lines[i] for i in order]
        told = prompt if isinstance(prompt, str) else None
        return Written(told, kept, near[order], self._known.runs(kept), refused, wanted, made[order])

    def _told(self, tokens: list[np.ndarray]) -> np.ndarray:
        """Give the log-probability of every piece of lines, unsteered."""
        from vecwise.models.generate.network import one_thread
        from vecwise.models.generate.passes import Coded, log_probabilities

        nothing = np.zeros((len(tokens), self.source.dim), np.float32)
        with one_thread():
            network = log_probabilities(self.writer.network, Coded(tokens, nothing))
        return mixed(network, self.writer.n_grams.log_probabilities(tokens), self.writer.share)

    def _preview(self) -> tuple[str, list[str], list[list[str]], int]:
        head = f"Generator of lines, steered by {self.source.name or 'vectors'}. {self.words}"
        return head, ["a line"], [[line] for line in self.lines.train[:3]], len(self.lines.train) - 3

    def __repr__(self) -> str:
        return preview_text(*self._preview())

    def _repr_html_(self) -> str:
        return preview_html(*self._preview(), width=90)


def open_generator(path: str | os.PathLike[str], /) -> Generator:
    """Open a saved generator; nothing in the folder is executed.

    Raises `FileMissing`, `UnknownFormat`, `Damaged`, `Inapplicable` for a training that has not ended yet,
    `SpaceMismatch` where its encoder's weights are no longer the same, `MissingPackage` without torch.

    >>> import vecwise as vw
    >>> vw.open_generator("nowhere")
    Traceback (most recent call last):
    vecwise.errors.FileMissing: There is no folder `nowhere`.
    """
    state = GENERATORS.load(path)
    needs_torch("Opening a generator")
    from vecwise.models.generate.drawing import Writer
    from vecwise.models.generate.network import Shape, network_of

    if state.get("training") is not None:
        raise Inapplicable(
            f"The generator in {shown(path)} is not trained to its end. Train it on: the same call with the same "
            "folder goes on from there."
        )
    try:
        network = network_of(state["weights"], Shape(**state["shape"]))
        pieces, lines = Pieces.of(np.asarray(state["pieces"]).tobytes()), Lines(**state["lines"])
        report = dict(state["report"])
        counted = KneserNey.of(pieces.cut(lines.train), len(pieces), report["n_grams"]["order"])
        writer = Writer(network, counted, float(state["share"]))
        return Generator.of(from_data(state["encoder"]), pieces, writer, lines, report)
    except VecwiseError:
        raise
    except (KeyError, TypeError, AttributeError, RuntimeError) as error:
        raise Damaged(f"The generator in {shown(path)} is incomplete. Train it again.") from error


def saved_parts(
    encoder: Map, pieces: Pieces, shape: Shape, weights: dict[str, Any], lines: Lines
) -> dict[str, Any]:
    """Give what is saved of a generator and of a training alike, as plain data with arrays in it."""
    return {
        "encoder": to_data(encoder),
        "pieces": np.frombuffer(pieces.model, np.uint8),
        "shape": asdict(shape),
        "weights": weights,
        "lines": asdict(lines),
    }


def needs_torch(purpose: str) -> None:
    """Raise `MissingPackage` where torch is not installed."""
    try:
        import torch  # noqa: F401
    except ImportError as error:
        raise missing_package("torch", purpose, "'vecwise[torch]'") from error


def _ends(tokens: list[np.ndarray]) -> np.ndarray:
    return np.cumsum([len(line) for line in tokens])[:-1]


def check_lines(n: Any, choices: Any) -> tuple[int, int]:
    """Give how many lines are written, and drawn for each; raises `OutOfRange`."""
    wanted = whole_number("n", n, "how many lines are written")
    times = whole_number("choices", choices, "how many lines are drawn for each")
    if wanted * times > _MOST_LINES:
        raise OutOfRange(
            f"At most {_MOST_LINES:,} lines are drawn at once, not {wanted * times:,} (n · choices)."
        )
    return wanted, times


def check_taste(temperature: Any, top_p: Any, guidance: Any) -> None:
    """Raise `OutOfRange` for strengths by which nothing can be drawn."""
    for name, value in (("temperature", temperature), ("top_p", top_p), ("guidance", guidance)):
        most = 1 if name == "top_p" else MOST_STRENGTH
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value <= most:
            raise OutOfRange(f"`{name}` is a number above 0 and at most {most}, not {value!r}.")


def check_prompt(prompt: str) -> None:
    """Raise `Inapplicable` for a prompt that says nothing."""
    if not plain(prompt):
        raise Inapplicable("The prompt is blank. Leave it out for lines without one.")


def _taste(temperature: Any, top_p: Any, guidance: Any) -> Taste:
    from vecwise.models.generate.drawing import Taste

    check_taste(temperature, top_p, guidance)
    return Taste(float(temperature), float(top_p), float(guidance))
