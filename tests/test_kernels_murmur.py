"""The hash of many texts: against scikit-learn's own, one text at a time."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from sklearn.utils import murmurhash3_32

from vecwise.kernels.murmur import murmur3_32

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@given(st.lists(TEXTS, max_size=20), st.integers(0, 2**32 - 1))
def test_every_text_hashes_as_scikit_learn_hashes_it(texts, seed) -> None:
    expected = [murmurhash3_32(text.encode(), seed=seed) for text in texts]
    made = murmur3_32(texts, seed)
    assert made.tolist() == expected
    assert made.dtype == np.int32


def test_long_texts_and_short_ones_side_by_side() -> None:
    texts = ["a" * n for n in (0, 1, 3, 4, 5, 511, 512, 513, 514, 515, 2000)] + ["é" * 700]
    assert murmur3_32(texts).tolist() == [murmurhash3_32(text.encode()) for text in texts]
