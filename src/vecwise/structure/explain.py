"""Why two vectors are close, by whatever their coordinates mean: features, words of an average, words left out.

This module must not know files or how an answer is shown.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from vecwise.errors import WrongShape
from vecwise.measure.explain import Explanation, by_features, checked
from vecwise.measure.health import ONE_UNIT
from vecwise.measure.norms import is_unit
from vecwise.measure.views import AUTO, View, always_cosine, view
from vecwise.structure.left_out import by_words, is_average, leaving_out
from vecwise.vectors import Vectors, as_vectors

_AS_THEY_ARE: Final = (
    "Columns are compared as they are; give among=X to standardize those of different units."
)


def explain(
    a: Any, b: Any, /, *, most: int | None = 10, metric: str | None = AUTO, among: Any = None
) -> Explanation:
    """Tell why two vectors are close: the part of each feature or word in their score, the largest first.

    `a` and `b` are one row each, of one space: `X["id"]`, `X[0]`, or numbers. `metric` is `"dot"`, `"cosine"` or
    `"euclidean"`. Without one, what is explained is what `vw.nearest` goes by: the cosine, or for rows with named
    columns the Euclidean distance, on columns standardized as those of `among`, the vectors that both are rows of,
    if these have different units. Two rows alone cannot tell units apart: without `among` such columns are compared
    as they are, which `vw.nearest` and the command may not do, and `note` says so. `most` is how many parts to
    list, `None` for all, the sum of the others being told.

    - Features that have names (counts, TF-IDF, tables): the product of both values, which sum exactly to the
      inner product or to the cosine, or the squared differences, which sum to the squared
      distance. Vectors that have neither named features nor a text that says the same are explained by dimension.
    - Averages of words: a vector is the sum of what its words add, common directions taken out, so the inner
      product or cosine (not a distance) is the sum of what each word of `a` adds to it. It agrees with the score
      of the stored float32 vectors to 66 · 2^-24 of the magnitudes of their words.
    - Any other text, such as a sentence: what the score loses when a word is
      left out, of either text. These do not sum to it: words count by what stands around them. Costs an encoding
      for each word. Of scripts without spaces every character is a word.

    Raises `WrongShape` for more than a row, `SpaceMismatch`, `UnknownName` for another metric, `OutOfRange`,
    `NonFinite` where a product overflows, `TooLarge` for texts of more than 2,000 words together.

    >>> import vecwise as vw
    >>> X = vw.encode(["the sea and the sky", "the deep sea", "a cat"], "count")
    >>> vw.explain(X[0], X[1], metric="dot")
    Explanation: inner product 3, by feature
      feature  a  b  product  share
      the      2  1        2    67%
      sea      1  1        1    33%
    """
    checked(most, metric)
    left = as_vectors(a, like=b if isinstance(b, Vectors) else None)
    right = as_vectors(b, like=left)
    left.space.must_match(right.space, "explain")
    for one in (left, right):
        if len(one) != 1:
            raise WrongShape(f"Two single rows are explained, such as X[0] and X[1], not {len(one):,} rows.")
    by, left, right = _viewed(left, right, metric, among)
    made = _explained(left, right, by.metric, most)
    guessed = among is None and metric in (None, AUTO) and by.metric == "euclidean"
    if guessed and left.space.kind not in ONE_UNIT:
        return replace(made, measure=by.words, note=_AS_THEY_ARE)
    return replace(made, measure=by.words)


def _viewed(left: Vectors, right: Vectors, metric: str | None, among: Any) -> tuple[View, Vectors, Vectors]:
    """What both rows are compared by, and both as they are compared."""
    if among is not None:
        every = as_vectors(among, like=left)
        every.space.must_match(left.space, "explain")
        by = view(every, metric)
        return by, by.of(left), by.of(right)
    if metric in (None, AUTO):
        direction = always_cosine(left) or (is_unit(left) and is_unit(right))
        metric = "cosine" if direction else "euclidean"
    return view(left, metric), left, right


def _explained(left: Vectors, right: Vectors, metric: str, most: int | None) -> Explanation:
    average = is_average(left)
    if average and (made := by_words(left, right, metric, most)) is not None:
        return made
    named = left.space.features is not None and not average
    if not named and (made := leaving_out(left, right, metric, most)) is not None:
        return made
    return by_features(left, right, metric, most)
