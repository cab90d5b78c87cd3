"""Saved vectors come back as they were, are mapped, and any plain tool reads them."""

import datetime as dt
import decimal
import errno
import io
import json
import mmap
import os
import shutil

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy.sparse import csr_array, random_array

from vecwise.errors import Damaged, DuplicateName, FileMissing, NotSavable, UnknownFormat, Unreadable
from vecwise.space import Space
from vecwise.store import cache, datasets, parts
from vecwise.store.datasets import load, save
from vecwise.store.durable import CALLS
from vecwise.vectors import Vectors


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "points"


def saved_and_loaded(X, folder, **options):
    save(X, folder)
    return load(folder, **options)[0]


def assert_same(X, Y):
    assert (Y.shape, Y.dtype, Y.is_sparse, Y.space) == (X.shape, X.dtype, X.is_sparse, X.space)
    ours, theirs = np.asarray(X), np.asarray(Y)
    assert ours.tobytes() == theirs.tobytes()
    assert X.ids.dtype == Y.ids.dtype
    assert X.ids.tolist() == Y.ids.tolist()
    assert (X.rows is None) == (Y.rows is None)
    if X.rows is not None:
        assert Y.rows.schema.equals(X.rows.schema)
        assert Y.rows.to_pylist() == X.rows.to_pylist()


FINITE = arrays(
    st.sampled_from([np.float32, np.float64]),
    array_shapes(min_dims=2, max_dims=2, max_side=6),
    elements=st.floats(width=32, allow_nan=False, allow_infinity=False),
)


@given(FINITE, st.booleans(), st.data())
def test_whatever_was_saved_is_loaded(values, sparse, data):
    import tempfile

    names = st.lists(st.text(), min_size=len(values), max_size=len(values), unique=True)
    numbers = st.lists(
        st.integers(-(2**63), 2**63 - 1), min_size=len(values), max_size=len(values), unique=True
    )
    ids = data.draw(st.one_of(st.none(), names, numbers))
    claims = data.draw(st.sets(st.sampled_from(["unit", "centered", "non-negative"])))
    features = data.draw(st.one_of(st.none(), st.just([f"é\0{i}" for i in range(values.shape[1])])))
    space = Space(values.shape[1], claims=frozenset(claims), features=features, name=data.draw(st.text()))
    X = Vectors(csr_array(values) if sparse else values, ids=ids, space=space)
    with tempfile.TemporaryDirectory() as folder:
        assert_same(X, saved_and_loaded(X, folder))
        assert_same(X, load(folder)[0])  # now from the cache
        assert_same(X, load(folder, verify=False)[0])


def rows_of_every_type(n=5):
    words = pa.array(["a\0", None, "", "NA", "é"])
    return pa.table(
        {
            "words": words,
            "a.b": pa.array([{"c": 1}] * n),
            "a": pa.array([{"b": 1}, None] + [{"b": None}] * (n - 2)),
            'é " ,': pa.array([b"\xff\0"] * n),
            "seconds": pa.array([1, None, -1, 2, 3], pa.timestamp("s")),
            "zoned": pa.array([1] * n, pa.timestamp("ns", "Europe/Berlin")),
            "time": pa.array([1] * n, pa.time32("s")),
            "day": pa.array([dt.date(2014, 5, 2)] * n),
            "day64": pa.array([86_400_000] * n, pa.date64()),
            "span": pa.array([1] * n, pa.duration("s")),
            "kind": pa.DictionaryArray.from_arrays(pa.array([0, 1, 0, 1, None], pa.int8()), ["b", "a"]),
            "number kind": pa.DictionaryArray.from_arrays(pa.array([0, 1, 0, 1, None], pa.int8()), [7, 8]),
            "nothing": pa.nulls(n),
            "flag": pa.array([True, None, False, True, True]),
            "exact": pa.array([decimal.Decimal("1.50")] * n),
            "small": pa.array([255, None, 0, 1, 2], pa.uint8()),
            "odd": pa.array([np.inf, None, 1e-320, -0.0, 1.0]),
            "list": pa.array([[1, None], None, [], [3], [4]], pa.large_list(pa.int16())),
            "vec": pa.array([[1, 2]] * n, pa.list_(pa.int8(), 2)),
            "map": pa.array([[("a", 1)]] * n, pa.map_(pa.string(), pa.int32())),
        }
    )


def test_rows_keep_their_types_and_nulls(folder):
    table = rows_of_every_type().replace_schema_metadata({"note": "kept"})
    X = Vectors(np.eye(5, dtype=np.float32), ids=["a\0", "a", "", "é", "e\u0301"], rows=table)
    Y = saved_and_loaded(X, folder)
    assert_same(X, Y)
    assert Y.rows.schema.metadata == {b"note": b"kept"}


def test_selections_save_what_they_select(folder):
    X = Vectors(np.arange(20.0).reshape(10, 2), rows=pa.table({"n": list(range(10))}).slice(0))
    assert_same(X[3:7], saved_and_loaded(X[3:7], folder))
    sparse = Vectors(csr_array(np.asarray(X)), rows=X.rows)
    assert_same(sparse[[8, 2]], saved_and_loaded(sparse[[8, 2]], folder))


@pytest.mark.parametrize(
    "values",
    [np.zeros((0, 3)), csr_array((0, 4)), csr_array((7, 4), dtype=np.float32), np.zeros((3, 1), np.float32)],
)
def test_empty_matrices(folder, values):
    X = Vectors(values)
    assert_same(X, saved_and_loaded(X, folder))
    X = Vectors(values, rows=pa.table({"a": pa.array([None] * values.shape[0], pa.int8())}))
    assert_same(X, saved_and_loaded(X, folder))
    bare = Vectors(values, rows=X.rows.select([]))
    assert_same(bare, saved_and_loaded(bare, folder))


@pytest.mark.parametrize("sparse", [False, True])
def test_many_parts_and_row_groups_make_one_dataset(folder, sparse, monkeypatch):
    monkeypatch.setattr(parts, "GROUP_ROWS", 64)
    monkeypatch.setattr(parts.rows_per_part, "__kwdefaults__", {"part_bytes": 20_000})
    numbers = np.random.default_rng(2)
    values = (
        random_array((1000, 30), density=0.1, rng=numbers, format="csr")
        if sparse
        else numbers.normal(size=(1000, 5))
    )
    kinds = pa.array([f"kind {i % 7}" for i in range(1000)]).dictionary_encode()
    X = Vectors(
        values, ids=[f"id {i}" for i in range(1000)], rows=pa.table({"kind": kinds, "n": list(range(1000))})
    )
    Y = saved_and_loaded(X, folder)
    assert_same(X, Y)
    files = sorted(folder.glob("part-*"))
    assert len(files) > 2
    assert {pq.read_metadata(file).row_group(0).num_rows for file in files[:-1]} == {64}


def test_a_part_is_about_its_size():
    X = Vectors(np.zeros((100_000, 256), np.float32))
    assert parts.rows_per_part(X, None) == 65_536
    texts = pa.DictionaryArray.from_arrays(pa.array([0] * 100_000), ["x"])  # 8 bytes a row
    assert parts.rows_per_part(X, pa.table({"t": texts})) == 57_344
    assert parts.rows_per_part(X[:10_000], None, part_bytes=2**21) == 2048
    assert parts.rows_per_part(Vectors(np.zeros((10, 4_000_000), np.float32)), None) == 4
    assert parts.rows_per_part(Vectors(np.zeros((0, 3))), None) == 1


# ---- the record, as others see it ----


def test_plain_tools_read_the_vectors(folder):
    values = np.arange(6, dtype=np.float32).reshape(3, 2)
    X = Vectors(values, ids=["a", "b", "c"], rows=pa.table({"text": ["x", None, "z"]}))
    save(X, folder)
    (file,) = map(str, folder.glob("part-*"))
    frame = pd.read_parquet(file)
    assert np.stack(frame["vecwise_vector"]).tolist() == values.tolist()
    assert frame["vecwise_id"].tolist() == ["a", "b", "c"]
    polars = pl.read_parquet(file)
    assert polars.schema["vecwise_vector"] == pl.Array(pl.Float32, 2)
    assert polars["vecwise_vector"].to_numpy().tolist() == values.tolist()
    found = duckdb.sql(
        f"select vecwise_id, vecwise_vector::FLOAT[2], text from '{file}' order by 1"
    ).fetchall()
    assert found == [("a", (0.0, 1.0), "x"), ("b", (2.0, 3.0), None), ("c", (4.0, 5.0), "z")]
    assert pq.read_table(folder / "part-1-0.parquet").num_rows == 3


def test_plain_tools_read_sparse_vectors(folder):
    save(Vectors(csr_array(np.array([[0, 2.0, 0, 3.0], [0, 0, 0, 0]]))), folder)
    (file,) = map(str, folder.glob("part-*"))
    truth = [(0, [1, 3], [2.0, 3.0]), (1, [], [])]
    assert duckdb.sql(f"select * from '{file}' order by 1").fetchall() == truth
    assert pl.read_parquet(file).rows() == truth
    assert [(i, list(a), list(b)) for i, a, b in pd.read_parquet(file).itertuples(index=False)] == truth


def test_the_vector_column_is_plain_uncompressed_and_checksummed(folder):
    save(Vectors(np.ones((9000, 4)), rows=pa.table({"t": ["same text"] * 9000})), folder)
    file = pq.ParquetFile(next(folder.glob("part-*")))
    field = file.schema_arrow.field("vecwise_vector")
    assert not field.nullable
    assert not field.type.value_field.nullable
    assert field.type == pa.list_(pa.field("element", pa.float64(), nullable=False), 4)
    columns = {
        file.metadata.row_group(0).column(i).path_in_schema: file.metadata.row_group(0).column(i)
        for i in range(3)
    }
    vector = columns["vecwise_vector.list.element"]
    assert (vector.compression, vector.statistics) == ("UNCOMPRESSED", None)
    assert set(vector.encodings) <= {"PLAIN", "RLE"}
    assert columns["t"].compression == "ZSTD"
    assert columns["vecwise_id"].statistics.max == 8191
    raw = bytearray(next(folder.glob("part-*")).read_bytes())
    raw[vector.data_page_offset + vector.total_compressed_size // 2] ^= 1  # inside the numbers
    with pytest.raises(OSError, match="CRC"):
        pq.ParquetFile(io.BytesIO(bytes(raw)), page_checksum_verification=True).read()


def test_the_manifest_is_readable(folder):
    X = Vectors(np.eye(2), space=Space(2, features=("rooms", "price"), claims={"unit"}, name="houses"))
    save(X, folder, encoder={"kind": "table", "steps": [1, 2.5, None]})
    manifest = json.loads((folder / "_manifest.json").read_text())
    assert manifest["format"], manifest["version"] == ("vecwise dataset", 1)
    assert (manifest["rows"], manifest["dtype"], manifest["generation"]) == (2, "float64", 1)
    assert manifest["space"]["features"] == ["rooms", "price"]
    assert [part["name"] for part in manifest["parts"]] == ["part-1-0.parquet"]
    assert load(folder)[1] == {"kind": "table", "steps": [1, 2.5, None]}


# ---- mapping and the cache ----


def base_of(array):
    while getattr(array, "base", None) is not None:
        array = array.base
    return array


def test_vectors_are_mapped_and_read_only(folder):
    dense = saved_and_loaded(Vectors(np.eye(3)), folder)
    assert isinstance(base_of(dense.values), mmap.mmap)
    assert not dense.values.flags.writeable
    sparse = saved_and_loaded(Vectors(csr_array(np.eye(3))), folder)
    assert all(isinstance(base_of(part), mmap.mmap) for part in (sparse.values.data, sparse.values.indices))


def test_old_vectors_stay_readable_while_new_ones_replace_them(folder):
    first = saved_and_loaded(Vectors(np.full((2000, 50), 1.0)), folder)
    second = saved_and_loaded(Vectors(np.full((10, 50), 2.0)), folder)
    assert (first.values == 1.0).all()
    assert (second.values == 2.0).all()
    assert sorted(os.listdir(folder)) == ["_cache", "_manifest.json", "part-2-0.parquet"]
    assert len(os.listdir(folder / "_cache")) == 2


def test_the_cache_is_used_again_and_made_again(folder):
    save(Vectors(np.eye(3)), folder)
    load(folder)
    (file,) = (folder / "_cache").glob("*.npy")
    made = file.stat().st_ino
    load(folder)
    assert file.stat().st_ino == made
    assert np.array_equal(np.load(file), np.eye(3))
    file.write_bytes(file.read_bytes()[:-1])
    assert np.array_equal(load(folder, verify=False)[0].values, np.eye(3))
    assert np.array_equal(np.load(file), np.eye(3))
    shutil.rmtree(folder / "_cache")
    assert np.array_equal(load(folder)[0].values, np.eye(3))
    assert file.exists()


def test_a_header_that_promises_too_much_is_not_believed(folder):
    save(Vectors(np.eye(3)), folder)
    load(folder)
    (file,) = (folder / "_cache").glob("*.npy")
    file.write_bytes(file.read_bytes().replace(b"(3, 3)", b"(9, 9)"))
    assert np.array_equal(load(folder, verify=False)[0].values, np.eye(3))


@pytest.mark.parametrize("code", [errno.EROFS, errno.ENOSPC])
@pytest.mark.parametrize("values", [np.eye(5), csr_array(np.eye(5))])
def test_a_folder_that_cannot_be_written_is_opened_in_memory(folder, monkeypatch, code, values):
    X = Vectors(values)
    save(X, folder)

    def refused(*_):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(CALLS, "write", refused)
    assert_same(X, load(folder)[0])
    assert os.listdir(folder / "_cache") == []


def test_the_cache_belongs_to_the_parts_and_to_nothing_else(folder):
    save(Vectors(np.eye(3)), folder)
    key = cache.key_of(datasets._read_manifest(folder))
    save(Vectors(np.eye(3)), folder)
    assert cache.key_of(datasets._read_manifest(folder)) == key
    save(Vectors(2 * np.eye(3)), folder)
    assert cache.key_of(datasets._read_manifest(folder)) != key


# ---- refusals ----


def test_what_is_no_dataset_is_told_apart(tmp_path):
    with pytest.raises(FileMissing, match=r"no folder `.*point`"):
        load(tmp_path / "point")
    with pytest.raises(UnknownFormat, match=r"manifest\.json"):
        load(tmp_path)
    (tmp_path / "rows.csv").write_text("a\n1\n")
    with pytest.raises(UnknownFormat, match=r"vw\.read"):
        load(tmp_path / "rows.csv")


def test_missing_and_changed_parts_are_named(folder):
    save(Vectors(np.eye(3)), folder)
    (part,) = folder.glob("part-*")
    raw = part.read_bytes()
    part.write_bytes(raw + b"\0")
    with pytest.raises(Damaged, match=r"part-1-0\.parquet` is damaged: it has .* bytes"):
        load(folder, verify=False)
    part.unlink()
    with pytest.raises(Damaged, match=r"part-1-0\.parquet` is missing"):
        load(folder)
    part.write_bytes(raw)
    (folder / "_manifest.json").unlink()
    with pytest.raises(Damaged, match="first save into this folder did not end"):
        load(folder)


def edited(folder, change):
    """Write the manifest again, with a right hash over a wrong content, as an attacker would."""
    from vecwise.store.manifest import digest

    path = folder / "_manifest.json"
    content = json.loads(path.read_text())
    del content["sha256"]
    change(content)
    path.write_text(json.dumps({**content, "sha256": digest(content)}))


def test_a_newer_format_asks_for_an_upgrade(folder):
    save(Vectors(np.eye(3)), folder)
    edited(folder, lambda content: content.update(version=2, parts="elsewhere"))
    with pytest.raises(UnknownFormat, match=r"newer vecwise.*Upgrade"):
        load(folder)


@pytest.mark.parametrize(
    "change",
    [
        lambda m: m["parts"][0].update(name="../elsewhere.parquet"),
        lambda m: m["parts"][0].update(name="/etc/passwd"),
        lambda m: m["parts"][0].update(rows=2),
        lambda m: m["space"].update(dim=2),
        lambda m: m["space"].update(dim=0),
        lambda m: m.update(rows=10**13),
        lambda m: m.update(surprise=1),
        lambda m: m.update(columns=["no such column"]),
        lambda m: m.update(sparse=True),
        lambda m: m.update(parts=[]),
        lambda m: m.update(dtype="object"),
        lambda m: m["parts"].clear() or m.update(rows=0),
        lambda m: m["parts"][0].update(values=10**13),
    ],
)
def test_a_manifest_that_lies_is_refused(folder, change):
    save(Vectors(np.eye(3)), folder)
    edited(folder, change)
    with pytest.raises(Damaged, match="damaged"):
        load(folder)


def test_indices_that_lead_out_of_the_matrix_are_refused(folder):
    save(Vectors(csr_array(np.eye(3))), folder)
    edited(folder, lambda content: content["space"].update(dim=2))
    with pytest.raises(Damaged, match="damaged: its indices"):
        load(folder)


def test_strangers_folders_are_left_alone(tmp_path, folder):
    (tmp_path / "letter.txt").write_text("dear reader")
    with pytest.raises(Unreadable, match=r"holds other files, such as `letter\.txt`"):
        save(Vectors(np.eye(2)), tmp_path)
    with pytest.raises(Unreadable, match="it is a file"):
        save(Vectors(np.eye(2)), tmp_path / "letter.txt")
    folder.mkdir()
    (folder / "_manifest.json").write_text('{"name": "a web page"}')
    with pytest.raises(Unreadable, match=r"manifest\.json"):
        save(Vectors(np.eye(2)), folder)
    assert (folder / "_manifest.json").read_text() == '{"name": "a web page"}'


def test_a_users_own_files_in_a_saved_folder_stay(folder):
    save(Vectors(np.eye(2)), folder)
    (folder / "notes.md").write_text("mine")
    load(folder)
    (folder / "_cache" / "mine.npy").write_text("mine")
    assert (saved_and_loaded(Vectors(np.ones((2, 2))), folder).values == 1).all()
    assert (folder / "notes.md").read_text() == "mine"
    assert (folder / "_cache" / "mine.npy").read_text() == "mine"


def test_a_damaged_dataset_can_be_saved_over(folder):
    save(Vectors(np.eye(2)), folder)
    (folder / "_manifest.json").write_bytes(b"")
    (folder / ".vecwise-0123.tmp").write_bytes(b"left by a killed process")
    assert (saved_and_loaded(Vectors(np.ones((2, 2))), folder).values == 1).all()
    assert sorted(os.listdir(folder)) == ["_cache", "_manifest.json", "part-2-0.parquet"]


def test_what_cannot_be_kept_is_refused_before_anything_is_written(folder):
    def with_rows(**columns):
        return Vectors(np.eye(2), rows=pa.table(columns))

    with pytest.raises(DuplicateName, match="`vecwise_score`"):
        save(with_rows(vecwise_score=[1, 2]), folder)
    with pytest.raises(DuplicateName, match="`a`"):
        save(Vectors(np.eye(2), rows=pa.table([[1, 2], [3, 4]], names=["a", "a"])), folder)
    with pytest.raises(NotSavable, match="JSON"):
        save(Vectors(np.eye(2)), folder, encoder={"model": object()})
    with pytest.raises(NotSavable, match="JSON"):
        save(Vectors(np.eye(2)), folder, encoder={"scale": float("nan")})
    assert not folder.exists()
    with pytest.raises(NotSavable, match=r"`gap` of type month_day_nano_interval"):
        save(with_rows(gap=pa.array([None, None], pa.month_day_nano_interval())), folder)
    with pytest.raises(NotSavable, match="surrogate"):
        save(Vectors(np.eye(2), ids=["a", "\ud800"]), folder)
    assert os.listdir(folder) == []


def test_extension_columns_are_kept_as_their_storage(folder):
    uuids = pa.ExtensionArray.from_storage(pa.uuid(), pa.array([b"0123456789abcdef"], pa.binary(16)))
    found = saved_and_loaded(Vectors([[1.0]], rows=pa.table({"u": uuids})), folder)
    assert found.rows["u"].to_pylist() == [b"0123456789abcdef"]
