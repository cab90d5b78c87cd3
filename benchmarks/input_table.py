"""Tables to matrices: `TableEncoder` against scikit-learn's `ColumnTransformer`, fit and transform.

Run it with `python -m benchmarks.input_table`; it takes half a minute on two cores. Both make the same dense float64
matrix, which is compared before anything is timed.
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction import FeatureHasher
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import vecwise as vw
from benchmarks.timing import Work, run

HOUSES = vw.read(Path(__file__).parent.parent / "examples" / "houses.csv")
LABELS = ["zipcode", "view", "condition", "grade", "waterfront"]
NUMBERS = [name for name in HOUSES.column_names if name not in (*LABELS, "id", "date")]
ALONE = len(sys.argv) == 3  # one contender, whose peak memory is measured
FLOOR = "the matrix is 18.7 MB; written once at the 8 GB/s of one core it takes 2.3 ms"


def compared(encoder: vw.TableEncoder, rows: Any, theirs: Any, frame: Any) -> tuple[Any, Any]:
    """Both contenders, which must agree."""
    if not ALONE:
        np.testing.assert_allclose(encoder.fit_transform(rows), theirs(frame), rtol=1e-9, atol=1e-9)
    return partial(encoder.fit_transform, rows), partial(theirs, frame)


def houses(*, arrow: bool, scale: str | None = None, text: bool = False) -> tuple[Any, Any]:
    """Labels one-hot, numbers as they are or standardized."""
    table = HOUSES
    if text:  # labels as the text they often are
        for name in LABELS[:-1]:
            place = table.column_names.index(name)
            table = table.set_column(place, name, table.column(name).cast(pa.string()))
    frame = table.to_pandas()
    numbers = StandardScaler() if scale else "passthrough"
    theirs = ColumnTransformer(
        [("labels", OneHotEncoder(sparse_output=False), LABELS), ("numbers", numbers, NUMBERS)]
    )
    encoder = vw.TableEncoder([*LABELS, *NUMBERS], categorical=LABELS, scale=scale, order="sorted")
    if text:  # text sorts 10 before 9, in both
        encoder.set_params(categorical=["waterfront"])
    if arrow:  # scikit-learn reads no Arrow: whoever holds it converts first
        return compared(encoder, table, lambda rows: theirs.fit_transform(rows.to_pandas()), table)
    return compared(encoder, frame, theirs.fit_transform, frame)


def gaps() -> tuple[Any, Any]:
    """A fifth of the cells missing: the mean and an indicator."""
    rng = np.random.default_rng(0)
    values = rng.standard_normal((50_000, 20))
    values[rng.random(values.shape) < 0.2] = np.nan
    theirs = make_pipeline(SimpleImputer(add_indicator=True))
    order = [place for i in range(20) for place in (i, 20 + i)]  # ours stand beside their column
    encoder = vw.TableEncoder(missing="indicator")
    np.testing.assert_allclose(
        encoder.fit_transform(values), theirs.fit_transform(values)[:, order], rtol=1e-12
    )
    return partial(encoder.fit_transform, values), partial(theirs.fit_transform, values)


def many(categories: str) -> tuple[Any, Any]:
    """100,000 different categories in 200,000 rows."""
    rng = np.random.default_rng(0)
    users = np.array([f"user {i}" for i in range(100_000)], dtype=object)
    column = users[np.concatenate([rng.permutation(100_000), rng.integers(0, 100_000, 100_000)])]
    table = pa.table({"user": pa.array(column)})
    encoder = vw.TableEncoder(categories=categories)
    if categories == "one-hot":
        return compared_sparse(encoder, table, OneHotEncoder().fit_transform, column.reshape(-1, 1))

    def hashed(cells: Any) -> Any:
        return FeatureHasher(1024, input_type="string").transform([[f"user={cell}"] for cell in cells])

    return compared_sparse(encoder, table, hashed, column)


def compared_sparse(encoder: vw.TableEncoder, rows: Any, theirs: Any, cells: Any) -> tuple[Any, Any]:
    """Both contenders, which must agree without being made dense."""
    assert ALONE or (encoder.fit_transform(rows) != theirs(cells)).nnz == 0
    return partial(encoder.fit_transform, rows), partial(theirs, cells)


WORKS = [
    Work("houses, from pandas", "ColumnTransformer, pandas", partial(houses, arrow=False), FLOOR, 15, "3"),
    Work("houses, from Arrow", "to_pandas, ColumnTransformer", partial(houses, arrow=True), FLOOR, 15, "3"),
    Work(
        "houses, labels are text, from pandas",
        "ColumnTransformer, pandas",
        partial(houses, arrow=False, text=True),
        FLOOR,
        15,
        "3",
    ),
    Work(
        "houses, standardized, from pandas",
        "ColumnTransformer with StandardScaler",
        partial(houses, arrow=False, scale="standard"),
        FLOOR,
        15,
    ),
    Work("50,000 x 20 with gaps, mean and indicator", "SimpleImputer(add_indicator)", gaps, "16 MB: 2 ms", 7),
    Work("100,000 categories, one-hot CSR", "OneHotEncoder", partial(many, "one-hot"), "", 3),
    Work("100,000 categories, hashed CSR", "FeatureHasher", partial(many, "hashing"), "", 3),
]

if __name__ == "__main__":
    run(WORKS, ["vecwise", "scikit-learn", "pandas", "pyarrow", "numpy"])
