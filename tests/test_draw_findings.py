"""Findings: the sentences that stand as titles are true."""

from __future__ import annotations

import numpy as np
import pytest

from vecwise.draw.columns import read_column
from vecwise.draw.findings import along, closest, loading, quoted, rounded, score, spread_of


def cloud(rows: int = 400) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(rows, 3)).astype(np.float32)


def test_the_correlation_told_is_pearsons() -> None:
    points = cloud()
    values = -2 * points[:, 1] + np.random.default_rng(1).normal(size=400)
    truth = np.corrcoef(points[:, 1], values)[0, 1]
    told = along(points, read_column("price", values.tolist()))
    assert told == f"“price” falls along component 2 (correlation {truth:.2f})".replace("-", "−")


def test_the_share_told_is_the_share_between_the_groups() -> None:
    points = cloud(4000)
    groups = np.arange(4000) % 2
    points[:, 2] += 2 * groups
    axis = points[:, 2].astype(float)
    means = np.array([axis[groups == g].mean() for g in (0, 1)])
    eta = ((means - axis.mean()) ** 2).mean() / axis.var()
    told = along(points, read_column("kind", ["ab"[g] for g in groups]))
    assert told == f"“kind” sets rows apart along component 3: {100 * eta:.0f}% of its variance"


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (list(range(40)), "“c” follows none of the components"),
        ([1] * 40, "“c” is the same in every row"),
        (["a"] * 40, "“c” is the same in every row"),
        ([None] * 35 + [1, 2, 3, 4, 5], "“c” has too few values to follow"),
        (["ab"[n % 2] for n in range(40)], "“c” hardly shows on the components: under 5% of their variance"),
        ([f"w{n}" for n in range(40)], ""),
    ],
)
def test_what_does_not_follow_is_not_made_to(values, told) -> None:
    points = np.tile([[1, 1, 0], [1, -1, 0], [-1, -1, 0], [-1, 1, 0]], (10, 1)) * [1, 1, 0]
    points[:, 1] = [1, 1, -1, -1] * 10
    assert along(points.astype(np.float32), read_column("c", values)).startswith(told)


def test_few_rows_have_no_correlation() -> None:
    assert along(cloud(9), read_column("c", list(range(9)))) == ""


def test_loadings_name_what_pulls_up_and_what_pulls_down() -> None:
    assert loading(1, [("a", -0.9), ("b", -0.5)]) == "Component 2 falls with a and b"
    assert loading(0, []) == "Component 1 is moved by no feature"


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ([1.0, 1.0000004, 0.9999], "Every L2 norm is 1: unit length"),
        ([7.0, 7.0], "Every L2 norm is 7"),
        ([0.0, 0.0], "Every L2 norm is 0"),
        ([80417.3, 7700071.0, 452163.9], "L2 norms run from 80,400 to 7,700,000, median 452,000"),
        ([np.nan, np.inf], "No row has an L2 norm"),
        ([], "No row has an L2 norm"),
    ],
)
def test_norms_in_words(values, told) -> None:
    assert spread_of("L2", np.array(values)) == told


def test_the_closest_pair_is_found_whatever_the_measure() -> None:
    similar = np.array([[9, 1, np.nan], [1, 9, 5], [np.nan, 5, 9]], dtype=float)
    assert closest("cosine", ["a", "b", "c"], similar) == "b and c are closest: cosine 5.00"
    assert (
        closest("Euclidean distance", ["a", "b", "c"], similar)
        == "a and b are closest: Euclidean distance 1.00"
    )
    assert (
        closest("inner product", ["a", "b", "c"], similar) == "b and c have the largest inner product: 5.00"
    )
    assert closest("cosine", ["a"], np.ones((1, 1))) == "The cosine of one row with itself"
    assert closest("cosine", ["a", "b"], np.full((2, 2), np.nan)) == "The cosine of every two rows"


def test_numbers_and_labels_are_as_short_as_they_may_be() -> None:
    assert [score(v) for v in (-0.25, 1.0, 99.999, -1e9, float("nan"))] == [
        *("−0.25", "1.00", "100.00", "-1,000,000,000", "no value"),
    ]
    assert rounded(0.012345) == "0.0123"
    assert quoted("one two") == "“one two”"
    assert quoted("one") == "one"
    assert quoted("“one two”") == "“one two”"
