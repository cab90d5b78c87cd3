"""Cells of tables: numbers at the edge, categories, and what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn.preprocessing import StandardScaler

import vecwise as vw
from test_encoders_table import SCALERS, homes
from vecwise.errors import (
    BadRow,
    DuplicateName,
    Inapplicable,
    MissingValue,
    NonFinite,
    NothingToEncode,
    OutOfRange,
    TooLarge,
    UnknownName,
    WrongShape,
    WrongType,
)

# ---- numbers at the edge ----


def test_constant_columns_scale_as_in_scikit_learn() -> None:
    values = np.column_stack([np.full(9, 0.1), np.full(9, 3.0), np.zeros(9), np.full(9, -1e3)])
    for scale, scaler in SCALERS.items():
        made = vw.TableEncoder(scale=scale).fit_transform(values)
        assert not made.any()
        np.testing.assert_allclose(made, scaler().fit_transform(values), atol=1e-12)
    far = np.full(
        (9, 1), -1e30
    )  # where scikit-learn's mean is off by its last digit, and its answer by -1e14
    assert not vw.TableEncoder(scale="standard").fit_transform(far).any()
    rounding = np.array([[1e8], [np.nextafter(1e8, 2e8)]] * 5)  # scikit-learn takes such a spread for noise
    made = vw.TableEncoder(scale="standard").fit_transform(rounding)
    np.testing.assert_allclose(made, StandardScaler().fit_transform(rounding), atol=1e-12)


def test_tiny_and_huge_numbers_are_scaled_right_or_refused() -> None:
    tiny = np.array([[1e-300], [2e-300], [3e-300]])
    huge = np.array([[1e300], [2e300], [3e300]])
    for values in (tiny, huge):
        made = vw.TableEncoder(scale="standard").fit_transform(values)[:, 0]
        np.testing.assert_allclose(made, [-(1.5**0.5), 0, 1.5**0.5], rtol=1e-12, atol=1e-12)
        for scale in ("min-max", "robust"):
            made = vw.TableEncoder(scale=scale).fit_transform(values)[:, 0]
            np.testing.assert_allclose(np.diff(made), [made[1] - made[0]] * 2)
    ends = np.array([[-1.7e308], [1.7e308], [1.7e308], [-1.7e308]])
    for scale in ("min-max", "robust"):
        with pytest.raises(OutOfRange, match="beyond float64"):
            vw.TableEncoder(scale=scale).fit(ends)
    assert vw.TableEncoder(scale="standard").fit_transform(ends)[:, 0].tolist() == [-1, 1, 1, -1]
    assert (
        vw.TableEncoder(missing="mean").fit([{"x": 1.7e308}, {"x": 1.7e308}]).map_.columns[0].fill == 1.7e308
    )
    fill = vw.TableEncoder(missing="median").fit([{"x": 1.7e308}, {"x": 1.7e308}]).map_.columns[0].fill
    assert fill == 1.7e308
    with pytest.raises(OutOfRange, match="`x0` leaves float64.*1 row: `1`"):
        vw.TableEncoder(weights={"x0": 10}).fit_transform(np.array([[1.0], [1e308]]))
    fitted = vw.TableEncoder(scale="standard").fit(np.array([[0.0], [1e-300]]))
    with pytest.raises(OutOfRange, match="leaves float64"):
        fitted.transform(np.array([[1e300]]))


def test_infinity_and_gaps_are_refused_whatever_is_learned() -> None:
    for options in (
        {"scale": "robust"},
        {"missing": "indicator"},
        {"missing": "median", "scale": "standard"},
    ):
        with pytest.raises(NonFinite, match="`x` is infinite in 1 row: `1`"):
            vw.TableEncoder(**options).fit_transform({"x": [1.0, np.inf, 2.0]})
    with pytest.raises(MissingValue, match="1 row: `1`"):
        vw.TableEncoder(scale="standard").fit_transform({"x": [1.0, np.nan, 2.0]})
    with pytest.raises(NothingToEncode, match="has no spread"):
        vw.TableEncoder(scale="standard").fit({"x": pa.array([None, None], pa.float64())})


# ---- categories ----


def test_orders() -> None:
    rows = {"k": ["b", "a", "b", "c", "c", "b"], "n": [10, 9, 10, 2, 2, 2]}
    names = {
        order: vw.TableEncoder(categorical=["n"], order=order).fit(rows).get_feature_names_out().tolist()
        for order in ("sorted", "frequency", "first")
    }
    assert names["sorted"] == ["k=a", "k=b", "k=c", "n=2", "n=9", "n=10"]
    assert names["frequency"] == ["k=b", "k=c", "k=a", "n=2", "n=10", "n=9"]
    assert names["first"] == ["k=b", "k=a", "k=c", "n=10", "n=9", "n=2"]
    given_order = vw.TableEncoder(["k"], order={"k": ["c", "b", "a", "z"]}, categories="ordinal")
    assert given_order.fit_transform(rows)[:, 0].tolist() == [1, 2, 1, 0, 0, 1]
    with pytest.raises(UnknownName, match="`order` does not list"):
        vw.TableEncoder(["k"], order={"k": ["a", "b"]}).fit(rows)
    lenient = vw.TableEncoder(["k"], order={"k": ["a", "b"]}, unknown="zeros").fit_transform(rows)
    assert lenient[3].tolist() == [0, 0]


def test_unknown_and_missing_categories_have_a_stated_place() -> None:
    rows = {"k": ["a", "b", None]}
    new = {"k": ["b", "z", None]}
    made = {
        how: vw.TableEncoder(categories=how, missing="indicator", unknown="zeros", hash_dim=2).fit(rows)
        for how in ("one-hot", "ordinal", "hashing")
    }
    assert made["one-hot"].transform(new).tolist() == [[0, 1, 0], [0, 0, 0], [0, 0, 1]]
    assert made["ordinal"].transform(new).tolist() == [[1, 0], [-1, 0], [-1, 1]]
    assert made["hashing"].transform(new)[2].tolist() == [0, 0, 1]
    for how in ("one-hot", "ordinal"):
        with pytest.raises(UnknownName, match="holds `z` in row 1"):
            vw.TableEncoder(categories=how, missing="mean").fit(rows).transform(new)
        with pytest.raises(MissingValue, match="`k` has no value in 1 row: `2`"):
            vw.TableEncoder(categories=how).fit({"k": ["a", "b"]}).transform(rows)


def test_labels_are_the_same_however_a_column_is_stored() -> None:
    plain = vw.TableEncoder(["k"], categorical=["k"])
    texts = plain.fit({"k": ["98178", "98125"]}).space
    for cells in (
        [98178, 98125],
        [98178.0, 98125.0],
        pd.Categorical(["98178", "98125"], ["x", "98125", "98178"]),
    ):
        assert plain.fit(pd.DataFrame({"k": cells})).space == texts
    chunked = pa.chunked_array(
        [pa.array(["b", "a"]).dictionary_encode(), pa.array(["c", "b"]).dictionary_encode()]
    )
    assert plain.fit(pa.table({"k": chunked})).transform(pa.table({"k": chunked})).tolist() == [
        [0, 1, 0], [1, 0, 0], [0, 0, 1], [0, 1, 0],
    ]  # fmt: skip
    holes = vw.TableEncoder(categorical=["k"], missing="mean").fit({"k": [1.5, np.nan, -0.0, 0.0]})
    assert holes.get_feature_names_out().tolist() == ["k=0", "k=1.5"]


def test_options_that_say_nothing_are_refused() -> None:
    cases = [
        ({"scale": {"kind": "standard"}}, Inapplicable, "`scale` names column `kind`"),
        ({"order": {"rooms": "first"}}, Inapplicable, "`order`"),
        ({"hash_dim": {"kind": 3}}, Inapplicable, "`hash_dim`"),
        ({"weights": {"knid": 2}}, UnknownName, "Did you mean `kind`"),
        ({"columns": ["rooms"], "missing": {"area": "mean"}}, UnknownName, "`missing` names some"),
        ({"weights": {"rooms": -1}}, OutOfRange, "from 0"),
        ({"weights": {"rooms": "two"}}, WrongType, "A weight is a number"),
        ({"weights": 2}, WrongType, "mapping"),
        ({"hash_dim": 0}, OutOfRange, "at least 1"),
        ({"hash_dim": 1.5}, WrongType, "whole number"),
        ({"categories": "one hot"}, UnknownName, "Did you mean `one-hot`"),
        ({"scale": "minmax"}, UnknownName, "Did you mean `min-max`"),
        ({"order": {"kind": ["a", "a"]}}, DuplicateName, "once"),
        ({"text": {"rooms": vw.CountEncoder()}}, WrongType, "`rooms` holds int64, not text"),
    ]
    for options, error, words in cases:
        with pytest.raises(error, match=words):
            vw.TableEncoder(**options).fit(homes())


def test_more_than_a_million_one_hot_columns_are_refused(monkeypatch) -> None:
    monkeypatch.setattr("vecwise.encoders.column_folds.MOST_CATEGORIES", 3)
    with pytest.raises(TooLarge, match="hashing"):
        vw.TableEncoder().fit({"x": ["a", "b", "c", "d"]})
    assert vw.TableEncoder(categories="ordinal").fit_transform({"x": ["a", "b", "c", "d"]}).shape == (4, 1)


# ---- cells that no vector can hold ----


def test_columns_of_one_name_are_refused() -> None:
    frame = pd.DataFrame([[1, 2]], columns=["a", "a"])
    with pytest.raises(DuplicateName, match="`a`"):
        vw.TableEncoder().fit(frame)
    with pytest.raises(DuplicateName, match="`a`"):
        vw.TableEncoder().fit(pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"]))


def test_numbers_beyond_float64_in_a_file_never_become_vectors(tmp_path) -> None:
    path = tmp_path / "big.csv"
    for cell in ("1e400", "inf", "-1e400"):
        path.write_text(f"a,b\n{cell},1\n2,2\n")
        for options in ({}, {"missing": "mean"}, {"scale": "robust"}, {"missing": "indicator"}):
            with pytest.raises(NonFinite, match="`a` is infinite in 1 row: `0`"):
                vw.TableEncoder(["a", "b"], **options).fit_transform(vw.read(path))
    path.write_text("a,b\nNA,1\nnan,2\n2,3\n")
    with pytest.raises(MissingValue, match="2 rows: `0`, `1`"):
        vw.TableEncoder(["a", "b"]).fit_transform(vw.read(path))
    assert vw.TableEncoder(["a"], missing="mean").fit_transform(vw.read(path))[:, 0].tolist() == [2, 2, 2]


def test_a_late_text_in_a_column_of_numbers_is_named(tmp_path) -> None:
    path = tmp_path / "late.csv"
    path.write_text("a\n" + "1\n" * 200_000 + "oops\n" + "2\n")
    with pytest.raises(BadRow, match="line 200,002: column `a` holds `oops`"):
        vw.read(path)
    encoder = vw.TableEncoder(["a"]).fit({"a": [1, 2]})
    with pytest.raises(WrongType, match="was a number when fitted and holds string"):
        encoder.transform(vw.read(path, as_text=["a"]))


@pytest.mark.parametrize(
    "cells",
    [
        np.array([1 + 2j, 3]),
        np.array([b"a", b"b"]),
        np.array([object(), 1], dtype=object),
        np.array([np.timedelta64(1, "s")] * 2),
        np.array([[1, 2], [3, 4]]),
    ],
)
def test_cells_of_other_types_are_refused(cells) -> None:
    with pytest.raises((WrongType, WrongShape), match="`c`"):
        vw.TableEncoder(["c"]).fit_transform({"c": cells})


def test_numpy_columns_of_every_kind_come_through() -> None:
    cells = {
        "date": np.array(["2020-01-02", "2020-01-03"], dtype="datetime64[D]"),
        "text": np.array(["b", "a"]),
        "object": np.array([1, 2], dtype=object),
        "half": np.array([1.5, 2], np.float16),
        "swapped": np.array([1, 2]),
    }
    made = vw.TableEncoder().fit(cells)
    assert made.transform(cells).tolist() == [[18263, 0, 1, 1, 1.5, 1], [18264, 1, 0, 2, 2, 2]]
    masked = np.ma.masked_array([1.0, 2.0], [False, True])
    with pytest.raises((MissingValue, WrongType)):
        vw.TableEncoder(["m"]).fit_transform({"m": masked})


def test_null_rows_of_slices_and_chunks_stay_in_their_rows() -> None:
    whole = pa.chunked_array([[1.0, None, 3.0], [4.0], [], [None, 6.0]])
    labels = pa.chunked_array([["a"], ["b", None], ["a", "a", "b"]])
    table = pa.table({"x": whole, "k": labels})
    encoder = vw.TableEncoder(missing="indicator").fit(table)
    made = encoder.transform(table)
    assert made[:, 1].tolist() == [0, 1, 0, 0, 1, 0]
    assert made[:, -1].tolist() == [0, 0, 1, 0, 0, 0]
    for start in range(6):
        assert np.array_equal(encoder.transform(table.slice(start, 3)), made[start : start + 3])
    lists = pa.array([[1.0, 2.0], None, [3.0, 4.0]], pa.list_(pa.float64(), 2))
    with pytest.raises(WrongType, match="fixed_size_list"):
        vw.TableEncoder(["v"]).fit(pa.table({"v": lists}))
