"""The report: what it takes, what it refuses, and what the page is given."""

from __future__ import annotations

import dataclasses
import json
import time
from typing import Any

import numpy as np
import pytest

from vecwise.draw.page import json_in_html
from vecwise.draw.report import Neighborhood, Report, Table, page_data, report_html
from vecwise.errors import EmptyInput, NonFinite, UnknownName, WrongShape

SMALL = Report(
    title="houses.csv",
    headline="Two houses",
    facts=[("Rows", "2 rows")],
    points=np.array([[1, 0, 0], [-1, 0, 0]], dtype=np.float32),
    axes=["component 1", "component 2", "component 3"],
    loadings=[[("price", 1.0)], [], []],
    ids=[7, 8],
    columns={"price": [1, 2], "kind": ["a", None]},
    color="kind",
    total=2,
    norms={"L2": np.array([1.0, 2.0])},
    tables=[Table("cosine", ["first", "second"], np.array([[1, np.nan], [np.nan, 1]]))],
    neighborhoods=[Neighborhood("first", [(0.5, "second"), (None, "third")])],
    measure="cosine",
    made="by hand",
)


def changed(**changes: Any) -> Report:
    return dataclasses.replace(SMALL, **changes)


def test_the_page_is_given_words_numbers_and_figures() -> None:
    data = json.loads(json_in_html(page_data(SMALL)))
    assert data["color"] == 1
    assert [column["name"] for column in data["columns"]] == ["price", "kind"]
    assert data["columns"][1]["words"] == ["a", None]
    assert data["tables"][0]["scores"] == [["1.00", "no value"], ["no value", "1.00"]]
    assert data["neighborhoods"][0]["answers"] == [["0.50", "second"], ["no value", "third"]]
    assert data["loadings"][0]["title"] == "Component 1 rises with price"
    assert len(data["loadings"]) == 1
    assert data["norms"][0]["title"] == "L2 norms run from 1 to 2, median 1.5"
    assert data["map"]["labels"]["wide"] == ["first", "second"]


def test_labels_fall_back_to_ids_and_stop_where_they_would_crowd() -> None:
    assert page_data(changed(tables=[]))["map"]["labels"]["wide"] == ["7", "8"]
    rows = 16
    many = changed(points=np.zeros((rows, 3)), ids=list(range(rows)), columns={}, color=None, tables=[])
    assert page_data(many)["map"]["labels"] is None


def test_a_report_without_columns_is_a_report() -> None:
    assert page_data(changed(columns={}, color=None))["columns"] == []


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"ids": []}, EmptyInput, "at least one row"),
        ({"points": np.zeros((2, 2))}, WrongShape, r"\(2, 2\)"),
        ({"points": np.zeros((3, 3))}, WrongShape, r"expected \(2, 3\)"),
        ({"axes": ["a", "b"]}, WrongShape, "2 names"),
        ({"points": np.array([[0, 0, 0], [0, np.nan, 0]])}, NonFinite, "row `8`"),
        ({"columns": {"kind": ["a"]}}, WrongShape, "Column `kind` has 1 cells for 2 rows"),
        ({"color": "knd"}, UnknownName, "Did you mean `kind`"),
        ({"tables": [Table("cosine", ["a"], np.ones((2, 2)))]}, WrongShape, "Table `cosine`"),
        ({"tables": [Table("cosine", ["a"] * 51, np.ones((51, 51)))]}, WrongShape, "at most 50 rows"),
    ],
)
def test_what_cannot_be_drawn_is_refused(changes, error, message) -> None:
    with pytest.raises(error, match=message):
        report_html(changed(**changes))


def test_the_inputs_stay_as_they_were_and_may_be_read_only() -> None:
    arrays = [SMALL.points.copy(), SMALL.norms["L2"].copy(), SMALL.tables[0].values.copy()]
    for array in arrays:
        array.flags.writeable = False
    report = changed(
        points=arrays[0], norms={"L2": arrays[1]}, tables=[Table("cosine", ["a", "b"], arrays[2])]
    )
    assert report_html(report) == report_html(report)


def test_a_seeded_sample_is_the_same_each_time() -> None:
    rows = 5000
    big = changed(points=np.zeros((rows, 3)), ids=list(range(rows)), columns={}, color=None, tables=[])
    one, two = (page_data(big)["map"]["flat"]["rows"] for _ in range(2))
    assert one == two


def test_20000_rows_of_20_columns_are_a_page_in_under_a_second() -> None:
    rows = 20_000
    random = np.random.default_rng(0)
    columns: dict[str, list[Any]] = {f"n{k}": random.normal(size=rows).tolist() for k in range(10)}
    columns |= {f"i{k}": random.integers(0, 1000, rows).tolist() for k in range(8)}
    columns |= {
        "kind": [f"kind {n % 12}" for n in range(rows)],
        "text": [f"row number {n}" for n in range(rows)],
    }
    points = random.normal(size=(rows, 3)).astype(np.float32)
    report = changed(points=points, ids=list(range(rows)), columns=columns, color="n0", total=rows, tables=[])
    report_html(report)
    start = time.perf_counter()
    page = report_html(report)
    assert time.perf_counter() - start < 1.0  # 0.2 s on an idle machine
    assert len(page) < 9_000_000
