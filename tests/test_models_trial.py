"""Models as their users meet them: rare labels, targets of any kind, equal times, estimators that are not opened."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import TimeSeriesSplit

import vecwise as vw
from conftest import run
from vecwise.draw.run_figures import chart_figure
from vecwise.errors import Inapplicable, NotSavable, OutOfRange, UnknownName, WrongType
from vecwise.models.estimators import Size, chosen
from vecwise.models.judging import confusion_chart
from vecwise.models.splits import splits
from vecwise.models.targets import read_target
from vecwise.stage_pictures import trace_report


@pytest.fixture
def rare() -> pa.Table:
    """200 rows whose column `kind` holds one label once."""
    rng = np.random.default_rng(0)
    kind = np.array(["flat", "house"])[rng.integers(0, 2, 200)].astype(object)
    kind[17] = "boat"
    return pa.table({"kind": kind.tolist(), "size": rng.normal(size=200), "sold": (kind == "flat").tolist()})


def test_a_label_that_only_judged_rows_hold_stops_no_probe(rare: pa.Table, tmp_path: Path) -> None:
    assert vw.probe(rare, "sold", model="linear").score == 1.0
    path = tmp_path / "rare.csv"
    pyarrow.csv.write_csv(rare, path)
    kept = str(tmp_path / "model")
    found = run("probe", str(path), "--target", "sold", "--model", "linear", "--save", kept)
    assert found.returncode == 0, found.stderr
    path.write_text("kind,size\nflat,0.5\ncastle,0.5\n")
    found = run("predict", kept, str(path), "--json")
    assert json.loads(found.stdout)["predictions"][0] == {"id": 0, "said": True}


def test_a_label_stops_a_probe_where_it_is_to(rare: pa.Table, tmp_path: Path) -> None:
    path = tmp_path / "rare.csv"
    pyarrow.csv.write_csv(rare, path)
    asked = [
        "probe",
        str(path),
        "--target",
        "sold",
        "--set",
        "unknown=error",
        "--encoder",
        "table",
        "--no-track",
    ]
    found = run(*asked)
    assert found.returncode == 2
    assert "boat" in found.stderr


def test_progress_is_told_of_rows_that_are_encoded_in_folds(rare: pa.Table) -> None:
    told: list[tuple[int, int]] = []
    found = vw.probe(rare, "sold", model="linear", progress=lambda done, of: told.append((done, of)))
    assert told[-1][0] == told[-1][1]
    assert found.mistakes(1).ids.tolist() == []


@pytest.mark.parametrize("classes", [[3, 7], [False, True], [0.5, 2.5], ["a", "b"]])
def test_classes_come_back_as_they_were_given(classes: list[object], tmp_path: Path) -> None:
    y = np.array(classes * 20)
    x = np.tile([[0.0], [1.0]], (20, 1))
    found = vw.probe(x, y, model="linear", task="classes")
    assert (found.predict(x) == y).all()
    assert found.predictions()[1][0] in classes
    found.chain().save(tmp_path / "model")
    again = vw.open_model(tmp_path / "model").predict(x)
    assert (again == y).all()
    assert again.dtype == found.predict(x).dtype
    assert again.dtype.kind == (y.dtype.kind if y.dtype.kind != "U" else "O")


def test_an_estimator_that_would_not_be_opened_is_not_saved(tmp_path: Path) -> None:
    X = vw.Vectors(np.tile([[0.0], [1.0]], (20, 1)))
    model = RandomForestClassifier(5, random_state=0).fit(X.values, [0, 1] * 20)
    with pytest.raises(NotSavable, match=r"sklearn\.tree"):
        vw.chain(vw.pca(X, k=1), model).save(tmp_path / "forest")
    assert not (tmp_path / "forest").exists()


def test_a_model_of_given_vectors_is_asked_about_a_column_of_them(tmp_path: Path) -> None:
    path = tmp_path / "vectors.jsonl"
    rows = [{"emb": [float(i % 2), 1.0], "label": "ab"[i % 2]} for i in range(20)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    kept = str(tmp_path / "model")
    asked = ["probe", str(path), "--target", "label", "--vectors", "emb", "--model", "linear", "--save", kept]
    assert run(*asked).returncode == 0
    found = run("predict", kept, str(path), "--vectors", "emb", "--json")
    assert found.returncode == 0, found.stderr
    assert [one["said"] for one in json.loads(found.stdout)["predictions"]] == ["a", "b"] * 10


def test_importance_is_that_of_all_folds() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(300, 3))
    y = (x[:, 0] + 0.5 * x[:, 1] + rng.normal(size=300) > 0).astype(int)
    X = vw.Vectors(x, space=vw.Space(3, "mine-1", ("a", "b", "c")))
    found = vw.probe(X, y, model="linear", folds=5)
    cut, _ = splits(read_target(y, 300), folds=5)
    falls = []
    for split in cut:
        model = LogisticRegression().fit(x[split.train], y[split.train])
        falls.append(
            permutation_importance(model, x[split.test], y[split.test], n_repeats=20, random_state=0)
        )
    truth = np.mean([one.importances_mean for one in falls], axis=0)
    assert np.allclose([found.importance[name] for name in "abc"], truth, atol=0.04)
    many = vw.probe(X, y, model="linear", folds=100)  # three judged rows each
    assert np.allclose([many.importance[name] for name in "abc"], truth, atol=0.06)


def test_rows_of_one_time_stand_on_one_side() -> None:
    rng = np.random.default_rng(2)
    times = rng.integers(0, 30, 200)
    cut, _ = splits(read_target(rng.normal(size=200), 200), folds=4, order=times)
    for split in cut:
        assert times[split.train].max() < times[split.test].min()
    judged = np.concatenate([split.test for split in cut])
    assert len(np.unique(judged)) == len(judged)
    cut, _ = splits(read_target(rng.normal(size=203), 203), folds=4, order=np.arange(203))
    for split, (train, test) in zip(cut, TimeSeriesSplit(4).split(np.zeros((203, 1))), strict=True):
        assert split.train.tolist() == train.tolist()
        assert split.test.tolist() == test.tolist()
    with pytest.raises(OutOfRange, match="same place in the order"):
        splits(read_target(rng.normal(size=200), 200), folds=4, order=np.repeat([0, 1], 100))


def test_groups_that_cannot_be_cut_are_told_with_what_to_do() -> None:
    y = np.arange(20) / 7
    with pytest.raises(OutOfRange, match="folds=3 or fewer"):
        vw.probe(y[:, None], y, groups=[i % 3 for i in range(20)], model="linear")
    with pytest.raises(OutOfRange, match="belong to one group"):
        vw.probe(y[:, None], y, groups=[1] * 20, model="linear")


def test_numbers_are_judged_by_two_rows_a_fold_at_least() -> None:
    y = np.arange(8) / 7
    with pytest.raises(OutOfRange, match="folds=4"):
        vw.probe(y[:, None], y, model="linear")
    assert vw.probe(y[:, None], y, model="linear", folds=4).score > 0


def test_the_picture_of_very_many_classes_says_what_was_right() -> None:
    rng = np.random.default_rng(3)
    truth = rng.integers(0, 80, 2000)
    said = np.where(rng.random(2000) < 0.5, truth, rng.integers(0, 80, 2000))
    drawn = chart_figure("confusion matrix", confusion_chart(truth, said))
    assert drawn is not None
    assert drawn[0].startswith(f"{round(100 * (truth == said).mean())}%")


def test_an_estimator_instead_of_a_name_is_told() -> None:
    with pytest.raises(WrongType, match="LogisticRegression"):
        vw.probe([[0.0], [1.0]] * 10, [0, 1] * 10, model=LogisticRegression())  # type: ignore[arg-type]


def test_layers_that_do_not_exist_are_told_beside_those_that_do() -> None:
    torch = pytest.importorskip("torch")
    model = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.ReLU())
    x = np.ones((4, 3), np.float32)
    with pytest.raises(UnknownName, match="`input`, `0`, `1`"):
        vw.trace(model, x, layers="middle")
    assert list(vw.trace(model, x, layers=["in*", "1"])) == ["input", "1"]
    with pytest.raises(WrongType, match="layer itself"):
        vw.weights(model[0].weight)


def test_a_trace_warns_of_rows_that_were_learned_from_and_names_classes(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(60, 2))
    pyarrow.csv.write_csv(
        pa.table({"a": x[:, 0], "b": x[:, 1], "kind": (x[:, 0] > 0).astype(int)}), tmp_path / "t.csv"
    )
    asked = ("t.csv", "--target", "kind")
    assert run("probe", *asked, "--model", "linear", "--save", "m", cwd=tmp_path).returncode == 0
    found = run("trace", "m", *asked, "--html", "m.html", cwd=tmp_path)
    assert "look better than they are" in found.stdout
    traced = vw.trace(vw.open_model(tmp_path / "m"), vw.read(tmp_path / "t.csv"))
    report = trace_report(traced, traced.summary("kind"), name="t", target="kind")
    assert set(report.columns["kind"]) == {"0", "1"}


def test_spaces_that_agree_have_no_rows_that_moved(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(40, 3))
    for name, values in {"a": x, "flat": np.ones((40, 2))}.items():
        np.save(tmp_path / f"{name}.npy", values)
    same = run("compare", "a.npy", "a.npy", cwd=tmp_path).stdout
    assert "Moved most" not in same
    assert "No row has other neighbours" in same
    assert "All vectors of flat.npy are the same" in run("compare", "a.npy", "flat.npy", cwd=tmp_path).stdout


def test_an_encoder_that_follows_no_scores_is_not_recommended() -> None:
    pairs = [("the car stopped", "an automobile halted", 0.9), ("a physician came", "the doctor arrived", 0.8),
             ("he purchased bread", "the film was dull", 0.2), ("big house", "large home", 0.9),
             ("fast train", "it is raining", 0.05)]  # fmt: skip
    texts = sorted({text for a, b, _ in pairs for text in (a, b)})
    found = vw.choose(texts, pairs=pairs, encoders=["count", "sentence"])
    assert found["count"].quality.mean <= 0 < found["sentence"].quality.mean
    assert found.recommended == "sentence"
    assert "do not follow the scores" in found.words or "clearly above" in found.words


def test_boosting_is_left_out_of_very_many_classes() -> None:
    assert "boosting" not in chosen("auto", Size(2_400, 8, 120, False))[0]
    assert "boosting" in chosen("auto", Size(1_400, 64, 10, False))[0]


def test_weights_of_nothing_use_no_direction() -> None:
    assert vw.weights(np.zeros((3, 2))).effective_rank == 0


def test_probabilities_are_those_of_the_estimator(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(90, 2)), np.repeat([5, 2, 9], 30)
    found = vw.probe(x, y, model="linear")
    found.chain().save(tmp_path / "m")
    model = vw.open_model(tmp_path / "m")
    assert model.classes == (2, 5, 9)
    chances = model.predict_proba(x)
    assert np.allclose(chances, found.estimator.predict_proba(x), atol=1e-12)
    assert (np.array(model.classes)[chances.argmax(axis=1)] == model.predict(x)).all()
    with pytest.raises(Inapplicable, match="no probabilities"):
        vw.probe(x, y, model="kernel").chain().predict_proba(x)


def test_constant_columns_are_named_and_nothing_but_constants_is_refused(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=60)
    table = pa.table({"x": x, "year": [2020] * 60, "land": ["NL"] * 60, "y": np.where(x > 0, "up", "down")})
    found = vw.probe(table, "y", model="linear")
    assert found.constant == ("year", "land")
    assert vw.probe(table.select(["x", "y"]), "y", model="linear").constant == ()
    pyarrow.csv.write_csv(table, tmp_path / "t.csv")
    made = run("probe", "t.csv", "--target", "y", "--model", "linear", cwd=tmp_path)
    assert (
        "nothing is told by it: year, land." in made.stdout or "nothing is told by it: year." in made.stdout
    )
    pyarrow.csv.write_csv(table.select(["year", "y"]), tmp_path / "still.csv")
    refused = run(
        "probe", "still.csv", "--target", "y", "--columns", "year", "--model", "linear", cwd=tmp_path
    )
    assert refused.returncode == 2
    assert "All 60 rows have the same vector" in refused.stderr
