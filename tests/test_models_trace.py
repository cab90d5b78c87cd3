"""Layers looked at: against forward passes by hand, scikit-learn's own answers and known alignments."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import vecwise as vw
from images import digits
from vecwise.errors import (
    EmptyInput,
    Inapplicable,
    NonFinite,
    NotFitted,
    OutOfRange,
    UnknownName,
    VecwiseError,
    WrongShape,
    WrongType,
)
from vecwise.models.weights_digest import digest_of

torch = pytest.importorskip("torch")


def random(*shape: int, seed: int = 0) -> np.ndarray:
    made = np.random.default_rng(seed).standard_normal(shape)
    made.flags.writeable = False
    return made


@pytest.fixture(scope="module")
def trained() -> tuple[Any, vw.Vectors, np.ndarray]:
    images, labels = digits()
    X = vw.Vectors(
        images.reshape(len(images), -1) / 255.0,
        ids=[f"d{n}" for n in range(len(images))],
        rows=pa.table({"digit": [str(int(label)) for label in labels]}),
    )
    network = MLPClassifier((48, 16), max_iter=40, random_state=0, alpha=0.01, learning_rate_init=0.01)
    with _quiet():
        network.fit(X.values, labels)
    return network, X, labels


def _quiet() -> Any:
    import warnings

    return warnings.catch_warnings(action="ignore")


# ---- scikit-learn ----


def test_a_network_is_walked_as_it_predicts(trained) -> None:
    network, X, _ = trained
    found = vw.trace(network, X)
    assert list(found) == ["input", "hidden 1", "hidden 2", "output"]
    np.testing.assert_allclose(found["output"].values, network.predict_proba(X.values), atol=1e-12)
    hidden = np.maximum(X.values @ network.coefs_[0] + network.intercepts_[0], 0)  # by hand
    np.testing.assert_allclose(found["hidden 1"].values, hidden, atol=1e-12)
    assert found["hidden 2"].ids.tolist() == X.ids.tolist()
    assert found["hidden 2"].rows.column("digit").to_pylist() == X.rows.column("digit").to_pylist()
    assert found["input"].space == X.space
    assert len({layer.space.frame for layer in found.values()}) == 4
    assert "4 layers, 300 rows" in repr(found)
    assert "<table" in found._repr_html_()


@settings(max_examples=15)
@given(st.sampled_from(["identity", "logistic", "tanh", "relu"]), st.integers(1, 3), st.integers(0, 99))
def test_the_last_layer_of_a_regressor_is_its_answer(activation: str, depth: int, seed: int) -> None:
    X = random(20, 3, seed=seed)
    with _quiet():
        model = MLPRegressor(
            hidden_layer_sizes=(4,) * depth, activation=activation, max_iter=5, random_state=seed
        )
        model.fit(X, X[:, 0])
    found = vw.trace(model, X, batch=7)
    assert len(found) == depth + 2
    np.testing.assert_allclose(found["output"].values[:, 0], model.predict(X), atol=1e-12)


def test_batches_and_the_same_model_give_the_same_axes_and_numbers(trained) -> None:
    network, X, _ = trained
    one, other = vw.trace(network, X), vw.trace(network, X, batch=64)
    for name in one:
        np.testing.assert_allclose(one[name].values, other[name].values, atol=1e-12)
        assert one[name].space.same_axes(other[name].space)
    changed = MLPClassifier((48, 16)).set_params(**network.get_params())
    changed.__dict__.update({**vars(network), "coefs_": [w + 1e-9 for w in network.coefs_]})
    assert vw.trace(changed, X)["output"].space.frame != one["output"].space.frame


def test_every_step_of_a_pipeline_is_a_layer() -> None:
    X = random(40, 3) * [1, 10, 100]
    with _quiet():
        model = make_pipeline(StandardScaler(), MLPClassifier((5,), max_iter=5, random_state=0))
        model.fit(X, X[:, 0] > 0)
    found = vw.trace(model, X)
    assert list(found) == ["input", "standardscaler", "hidden 1", "output"]
    np.testing.assert_allclose(found["standardscaler"].values, model[0].transform(X))
    np.testing.assert_allclose(found["output"].values[:, 0], model.predict_proba(X)[:, 1], atol=1e-12)
    words = ["the sea", "the sky", "a film", "a play"]
    texts = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(words, [0, 0, 1, 1])
    seen = vw.trace(texts, words)
    assert seen["tfidfvectorizer"].is_sparse
    np.testing.assert_allclose(seen["logisticregression"].values[:, 0], texts.decision_function(words))
    assert seen["tfidfvectorizer"].rows.column("text").to_pylist() == words


def test_an_encoder_in_a_pipeline_and_a_chain_keep_its_space() -> None:
    words = ["good film", "bad film", "good play", "bad play"]
    encoder = vw.CountEncoder().fit(words)
    model = LogisticRegression().fit(encoder.transform(words), [1, 0, 1, 0])
    for whole in (make_pipeline(vw.CountEncoder(), LogisticRegression()).fit(words, [1, 0, 1, 0]),
                  vw.chain(encoder, model)):  # fmt: skip
        found = vw.trace(whole, words)
        *_, first, last = found.values()
        assert first.space.dim == encoder.space.dim
        np.testing.assert_allclose(last.values[:, 0], model.decision_function(encoder.transform(words)))
    assert vw.trace(vw.chain(encoder, model), words)["count"].space.same_axes(encoder.space)


def test_the_sentence_encoder_shows_its_stages() -> None:
    lines = ["We looked up into the sky", "", "We looked up into the sky", "Rain fell on the sea"]
    encoder = vw.SentenceEncoder(missing="empty")
    found = vw.trace(encoder, lines)
    assert list(found) == [
        "token average", "n-gram average", "pooled", "dense 1", "dense 2", "dense 3", "sentence"
    ]  # fmt: skip
    assert found["sentence"].values.tobytes() == vw.encode(lines, encoder).values.tobytes()
    assert found["sentence"].space.same_axes(encoder.space)
    assert [found[name].space.dim for name in list(found)[:2]] == [512, 768]
    for layer in found.values():
        np.testing.assert_array_equal(layer.values[0], layer.values[2])
        assert not layer.values[1].any()


# ---- torch ----


class Words(torch.nn.Module):
    """Token ids to one number, by way of tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = torch.nn.Embedding(10, 4)
        self.top = torch.nn.Linear(4, 1)

    def forward(self, input_ids: Any, attention_mask: Any = None) -> Any:
        return self.top(torch.relu(self.embed(input_ids)).mean(dim=1))


def layered() -> Any:
    torch.manual_seed(0)
    return torch.nn.Sequential(
        torch.nn.Linear(3, 5), torch.nn.Tanh(), torch.nn.Dropout(0.9), torch.nn.Linear(5, 2)
    )


def test_hooks_give_what_a_forward_pass_by_hand_gives() -> None:
    model, X = layered(), random(30, 3)
    found = vw.trace(model, vw.Vectors(X, ids=[f"r{n}" for n in range(30)]), batch=8)
    assert list(found) == ["input", "0", "1", "3"]
    weights = [p.detach().numpy() for p in model.parameters()]
    first = X.astype(np.float32) @ weights[0].T + weights[1]
    np.testing.assert_allclose(found["0"].values, first, atol=1e-6)
    np.testing.assert_allclose(found["3"].values, np.tanh(first) @ weights[2].T + weights[3], atol=1e-6)
    assert found["3"].ids[29] == "r29"
    assert model.training  # as it was, and no hook is left
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules())
    assert found["1"].space.frame == vw.trace(layered(), X)["1"].space.frame


def test_tokens_are_averaged_by_the_mask_or_kept_or_refused() -> None:
    torch.manual_seed(0)
    model, tokens = Words(), torch.tensor([[1, 2, 0], [3, 4, 5]])
    table = model.embed.weight.detach().double().numpy()
    found = vw.trace(model, tokens, layers=["embed", "output"])
    np.testing.assert_allclose(found["embed"].values, table[tokens.numpy()].mean(axis=1), atol=1e-6)
    mask = torch.tensor([[1, 1, 0], [1, 1, 1]])
    masked = vw.trace(model, {"input_ids": tokens, "attention_mask": mask}, layers="embed")["embed"]
    np.testing.assert_allclose(masked.values[0], table[[1, 2]].mean(axis=0), atol=1e-6)
    flat = vw.trace(model, tokens, layers="embed", pool="flatten")["embed"]
    np.testing.assert_allclose(flat.values, table[tokens.numpy()].reshape(2, 12), atol=1e-6)
    with pytest.raises(Inapplicable, match="embed"):
        vw.trace(model, tokens, pool="refuse")


def test_pictures_are_averaged_over_their_places() -> None:
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Conv2d(1, 3, 3), torch.nn.Flatten(), torch.nn.Linear(12, 2))
    images = random(5, 1, 4, 4).astype(np.float32)
    found = vw.trace(model, images)
    with torch.no_grad():
        raw = model[0](torch.tensor(images)).numpy()
    np.testing.assert_allclose(found["0"].values, raw.mean(axis=(2, 3)), atol=1e-6)
    assert [layer.space.dim for layer in found.values()] == [3, 12, 2]


def test_a_module_called_twice_is_two_layers() -> None:
    class Twice(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.same = torch.nn.Linear(2, 2)

        def forward(self, x: Any) -> Any:
            return self.same(self.same(x))

    assert list(vw.trace(Twice(), random(3, 2))) == ["input", "same", "same:2"]


def test_the_layer_of_a_nan_and_of_an_error_is_named() -> None:
    model = layered()
    with torch.no_grad():
        model[3].bias[0] = float("nan")
    with pytest.raises(NonFinite, match="Layer `3` of Sequential.*row b"):
        vw.trace(model, vw.Vectors(random(2, 3), ids=["a", "b"]))

    class Broken(torch.nn.Module):
        def forward(self, x: Any) -> Any:
            raise RuntimeError("no memory for this")

    broken = torch.nn.Sequential(torch.nn.Linear(3, 3), Broken())
    with pytest.raises(VecwiseError, match=r"layer `1`, after `0`: RuntimeError: no memory for this"):
        vw.trace(broken, random(4, 3))
    with pytest.raises(VecwiseError, match="layer `0`"):
        vw.trace(layered(), random(4, 9))
    with pytest.raises(WrongType, match="token ids"):
        vw.trace(layered(), ["a text"])
    sideways = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Flatten(0))
    with pytest.raises(WrongShape, match="batch_first"):
        vw.trace(sideways, random(4, 3))


def test_a_pipeline_that_fails_names_its_step() -> None:
    model = make_pipeline(StandardScaler(), Ridge()).fit(random(9, 3), random(9))
    with pytest.raises(VecwiseError, match="layer `standardscaler`"):
        vw.trace(model, random(4, 2))


# ---- what is asked wrongly ----


def test_what_cannot_be_traced_is_refused(trained) -> None:
    network, X, _ = trained
    with pytest.raises(UnknownName, match="hidden 1"):
        vw.trace(network, X, layers=["hiden 1"])
    with pytest.raises(EmptyInput):
        vw.trace(network, X, layers=[])
    with pytest.raises(EmptyInput):
        vw.trace(network, X[:0])
    with pytest.raises(OutOfRange):
        vw.trace(network, X, batch=0)
    with pytest.raises(NotFitted):
        vw.trace(MLPClassifier(), X)
    with pytest.raises(WrongType, match="weights alone"):
        vw.trace({"weight": np.eye(2)}, X)
    with pytest.raises(UnknownName):
        vw.trace(network, X)["nothing"]
    assert list(vw.trace(network, X, layers="hidden*")) == ["hidden 1", "hidden 2"]


def test_large_ones_go_to_a_folder(trained, tmp_path) -> None:
    network, X, _ = trained
    seen = []
    kept = vw.trace(network, X)
    found = vw.trace(network, X, into=tmp_path / "t", batch=100, progress=lambda a, b: seen.append((a, b)))
    assert seen == [(100, 300), (200, 300), (300, 300)]
    assert sorted(path.name for path in (tmp_path / "t").iterdir()) == [
        "00 input", "01 hidden_1", "02 hidden_2", "03 output"
    ]  # fmt: skip
    opened = vw.open(tmp_path / "t" / "02 hidden_2")
    np.testing.assert_allclose(opened.values, kept["hidden 2"].values, atol=1e-12)
    assert opened.ids.tolist() == X.ids.tolist() == found["output"].ids.tolist()
    assert opened.space.same_axes(kept["hidden 2"].space)


def test_digests_tell_weights_apart() -> None:
    made = {digest_of(value) for value in (1, "1", [1], {"a": 1}, {"a": 2}, np.ones(1), np.ones((1, 1)), {1})}
    assert len(made) == 8


# ---- what the layers say ----


def test_classes_part_from_layer_to_layer_of_a_digits_network(trained) -> None:
    network, X, labels = trained
    found = vw.trace(network, X).summary("digit")
    agreement = [one.agreement for one in found.layers]
    assert agreement[0] < agreement[-1]
    assert agreement[-1] > 0.95
    assert found.layers[-1].probe > found.layers[0].probe - 0.02
    assert found.baseline < 0.2
    assert found.chance == pytest.approx(np.mean([(labels == label).sum() - 1 for label in labels]) / 299)
    values = vw.trace(network, X)["hidden 2"].values
    unit = values / np.linalg.norm(values, axis=1, keepdims=True)
    apart = -unit @ unit.T
    near = np.argsort(np.where(np.eye(300, dtype=bool), np.inf, apart), axis=1, kind="stable")[:, :10]
    assert found.layers[2].agreement == pytest.approx((labels[near] == labels[:, None]).mean(), abs=2e-3)
    singular = np.linalg.svd(values - values.mean(axis=0), compute_uv=False)
    shares = singular[singular > 1e-9] / singular.sum()
    assert found.layers[2].rank == pytest.approx(np.exp(-(shares * np.log(shares)).sum()), rel=1e-3)
    assert len(found.to_pandas()) == 4
    assert "linear accuracy" in repr(found)
    assert "<table" in found._repr_html_()


def test_a_turned_layer_is_the_same_layer_and_shapes_need_no_labels() -> None:
    X = random(50, 4)
    turn = np.linalg.qr(random(4, 4, seed=1))[0]
    model = torch.nn.Linear(4, 4, bias=False).double()
    with torch.no_grad():
        model.weight[:] = torch.tensor(3 * turn)
    found = vw.trace(model, X).summary()
    assert found.cka[0, 1] == pytest.approx(1, abs=1e-9)
    assert np.isnan(found.layers[1].probe)
    assert "linear" not in repr(found)
    numbers = vw.trace(model, X).summary(X[:, 0])
    assert numbers.metric == "r2"
    assert numbers.layers[1].probe > 0.99
    with pytest.raises(Inapplicable):
        vw.trace(model, X).summary("digit")
    with pytest.raises(OutOfRange):
        vw.trace(model, X).summary(["one"] * 50)
    with pytest.raises(WrongShape):
        vw.trace(model, X).summary(["one", "two"])


def test_a_layer_that_some_batches_skip_is_named() -> None:
    torch = pytest.importorskip("torch")

    class Sometimes(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.always, self.seldom = torch.nn.Linear(3, 2), torch.nn.Linear(3, 2)

        def forward(self, x):
            return self.always(x) + (self.seldom(x) if float(x[0, 0]) < 4 else 0)

    X = np.arange(24, dtype=np.float32).reshape(8, 3)
    with pytest.raises(WrongShape, match="`seldom` gives 4 of 8 rows"):
        vw.trace(Sometimes(), X, batch=4)


def test_numbers_that_become_wider_or_dense_on_the_way_keep_their_values() -> None:
    from scipy.sparse import csr_array

    from vecwise.models.layer_piles import Pile

    parts = [csr_array(np.eye(3, dtype=np.float32)), np.full((2, 3), 1 / 3, np.float32), np.full((1, 3), 0.1)]
    pile = Pile(6)
    for start, part in zip((0, 3, 5), parts, strict=True):
        pile.add(vw.Vectors(part), start)
    assert pile.array is not None
    assert pile.array.dtype == np.float64
    np.testing.assert_array_equal(pile.array[:3], np.eye(3))
    np.testing.assert_array_equal(pile.array[3:5], parts[1])
    np.testing.assert_array_equal(pile.array[5:], parts[2])


# ---- written once, drawn, and what fails in the middle ----


def test_layers_are_written_once_and_nothing_of_a_model_that_fails(tmp_path) -> None:
    class Late(torch.nn.Module):
        def forward(self, x: Any) -> Any:
            if (x > 900).any():
                raise RuntimeError("no memory for this")
            return x

    model = torch.nn.Sequential(torch.nn.Linear(2, 2), Late()).double()
    X = random(30, 2).copy()
    found = vw.trace(model, X, into=tmp_path / "whole", batch=10)
    held = [path for path in (tmp_path / "whole").rglob("*") if path.suffix == ".parquet"]
    assert len(held) == 3 * 3  # one part a batch and layer, and no copies
    np.testing.assert_array_equal(found["0"].values, vw.trace(model, X)["0"].values)
    with torch.no_grad():
        model[0].weight.fill_(1.0)
    X[25] = 1e3
    with pytest.raises(VecwiseError, match=r"layer `1`, after `0`: RuntimeError"):
        vw.trace(model, X, into=tmp_path / "half", batch=10)
    assert not list((tmp_path / "half").rglob("*.parquet"))
    with pytest.raises(VecwiseError):
        vw.trace(model, X, into=tmp_path / "whole", batch=10)
    assert len(vw.open(tmp_path / "whole" / "01 0")) == 30  # what was there stays


def test_a_layer_that_is_not_called_for_all_rows_is_not_saved(tmp_path) -> None:
    class Sometimes(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.other = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)

        def forward(self, x: Any) -> Any:
            return self.first(x) if len(x) < 10 else self.other(self.first(x))

    with pytest.raises(WrongShape, match="`other` gives 20 of 25 rows"):
        vw.trace(Sometimes(), random(25, 2), into=tmp_path / "t", batch=10)
    assert not list(tmp_path.rglob("*.parquet"))


def test_the_layer_of_a_nan_of_a_network_and_a_pipeline_is_named(trained) -> None:
    network, X, _ = trained
    broken = MLPClassifier((48, 16)).set_params(**network.get_params())
    weights = [w.copy() for w in network.coefs_]
    weights[1][0, 0] = np.nan
    broken.__dict__.update({**vars(network), "coefs_": weights})
    with pytest.raises(NonFinite, match="Layer `hidden 2` of MLPClassifier.*row d0"):
        vw.trace(broken, X)
    scaler = StandardScaler().fit(random(9, 2))
    model = make_pipeline(scaler, Ridge()).fit(random(9, 2), random(9))
    model[0].mean_ = np.array([0.0, np.nan])
    with pytest.raises(NonFinite, match="Layer `standardscaler` of Pipeline"):
        vw.trace(model, random(4, 2))


def test_a_trace_is_drawn_with_a_slider_over_its_layers(trained) -> None:
    network, X, labels = trained
    found = vw.trace(network, X)
    figure = found.plot(color="digit")
    slider = figure.layout.sliders[0]
    assert [step.label for step in slider.steps] == list(found)
    shown = [sum(step.args[0]["visible"]) for step in slider.steps]
    assert len(set(shown)) == 1
    assert sum(shown) == len(figure.data)
    assert sum(len(part.x) for part in figure.data if part.visible) == 300
    alone = found.plot("hidden 2", color=labels)
    assert not alone.layout.sliders
    points = np.column_stack([alone.data[0].x, alone.data[0].y])
    assert points.shape[1] == 2
    with pytest.raises(UnknownName, match="hidden 2"):
        found.plot("hidden 3")
    with pytest.raises(UnknownName, match="digit"):
        found.plot(color="sort")
    with pytest.raises(WrongShape, match="2 values for 300"):
        found.plot(color=["a", "b"])


def test_classes_too_rare_for_the_folds_are_left_out_of_the_linear_model(trained) -> None:
    network, X, labels = trained
    named = [str(label) for label in labels]
    named[7] = "alone"
    keep = np.arange(300) != 7
    found = vw.trace(network, X).summary(named)
    without = vw.trace(network, X[keep]).summary(np.array(named)[keep].tolist())
    assert found.layers[3].probe == pytest.approx(without.layers[3].probe)
    with pytest.raises(OutOfRange, match="fewer rows than the 3 folds"):
        vw.trace(network, X[:4]).summary(["a", "b", "c", "d"])
