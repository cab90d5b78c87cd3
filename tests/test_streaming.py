"""Files read in batches: the same folder as in one piece, whatever the format and the encoder, and resumable."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest

import vecwise as vw
from vecwise import streaming
from vecwise.encoders.sentence import SentenceMap
from vecwise.workbench import encode_to

ROWS = 2500


@pytest.fixture(autouse=True)
def every_file_is_large(monkeypatch) -> None:
    monkeypatch.setattr(streaming, "LARGE", 1)
    monkeypatch.setattr(streaming, "ROWS", 700)
    monkeypatch.setattr(streaming, "PART_BYTES", 40_000)


@pytest.fixture(scope="module")
def table() -> pa.Table:
    rng = np.random.default_rng(0)
    words = np.array(["tide", "gull", "harbour", "rope", "salt", "stone", "light"])
    texts = [" ".join(line) for line in words[rng.integers(0, 7, (ROWS, 6))]]
    return pa.table(
        {
            "key": [f"row {n}" for n in range(ROWS)],
            "text": texts,
            "price": rng.integers(1, 1000, ROWS).astype(float),
            "kind": rng.choice(["flat", "house"], ROWS),
        }
    )


def files(table, folder):
    pq.write_table(table, folder / "a.parquet", row_group_size=900)
    feather.write_feather(table, folder / "a.arrow")
    (folder / "a.jsonl").write_text("\n".join(map(json.dumps, table.to_pylist())))
    (folder / "a.csv").write_text(table.to_pandas().to_csv(index=False))
    (folder / "a.txt").write_text("\n".join(table.column("text").to_pylist()))


def same(folder, expected) -> None:
    made = vw.open(folder)
    assert made.space.same_axes(expected.space)
    dense = [v.values.toarray() if v.is_sparse else v.values for v in (made, expected)]
    assert np.array_equal(*dense)
    assert made.ids.tolist() == expected.ids.tolist()
    assert made.rows.to_pydict() == expected.rows.to_pydict()


@pytest.mark.parametrize("name", ["a.parquet", "a.arrow", "a.jsonl", "a.csv", "a.txt"])
def test_a_folder_is_the_same_from_batches(table, tmp_path, name) -> None:
    files(table, tmp_path)
    path = tmp_path / name
    for encoder in ("count", "tfidf", "average"):
        answer = encode_to(str(path), str(tmp_path / "v"), encoder=encoder, text="text")
        same(tmp_path / "v", vw.encode(path, encoder, text="text"))
        assert answer.data["rows"] == ROWS
    if name != "a.txt":
        encode_to(str(path), str(tmp_path / "v"), ids="key", settings={"scale": "standard"}, encoder="table",
                  columns=["price", "kind"])  # fmt: skip
        expected = vw.encode(path, vw.TableEncoder(["price", "kind"], scale="standard"), ids="key")
        same(tmp_path / "v", expected)
        assert len(list((tmp_path / "v").glob("part-*"))) > 1


def test_sentences_are_remembered_between_batches(table, tmp_path, monkeypatch) -> None:
    pq.write_table(table.slice(0, 1500), tmp_path / "a.parquet")
    seen: list[str] = []
    real = SentenceMap.__call__

    def spy(self, part):
        seen.extend(self.texts(part))
        if len(seen) > 900:
            raise KeyboardInterrupt
        return real(self, part)

    monkeypatch.setattr(SentenceMap, "__call__", spy)
    with pytest.raises(KeyboardInterrupt, match="rows are kept"):
        encode_to(str(tmp_path / "a.parquet"), str(tmp_path / "v"), encoder="sentence", text="text")
    monkeypatch.setattr(SentenceMap, "__call__", real)
    answer = encode_to(str(tmp_path / "a.parquet"), str(tmp_path / "v"), encoder="sentence", text="text")
    assert answer.data["known"] >= 700
    made, expected = vw.open(tmp_path / "v"), vw.encode(table.slice(0, 1500), "sentence", text="text")
    assert np.abs(made.values - expected.values).max() < 1e-6
    assert not (tmp_path / "v" / "_unfinished").exists()


def test_vectors_and_samples_go_the_usual_way(table, tmp_path) -> None:
    np.save(tmp_path / "x.npy", np.eye(3))
    assert encode_to(str(tmp_path / "x.npy"), str(tmp_path / "v")).data["rows"] == 3
    pq.write_table(pa.table({"e": [[1.0, 2.0], [3.0, 4.0]], "t": ["a", "b"]}), tmp_path / "e.parquet")
    assert encode_to(str(tmp_path / "e.parquet"), str(tmp_path / "w")).data["dim"] == 2
    pq.write_table(table, tmp_path / "a.parquet")
    sampled = encode_to(
        str(tmp_path / "a.parquet"), str(tmp_path / "s"), encoder="count", text="text", sample=10
    )
    assert sampled.data["rows"] == 10


def test_progress_runs_to_the_end(table, tmp_path) -> None:
    pq.write_table(table, tmp_path / "a.parquet")
    told: list[tuple[int, int]] = []
    encode_to(str(tmp_path / "a.parquet"), str(tmp_path / "v"), encoder="count", text="text",
              progress=lambda *p: told.append(p))  # fmt: skip
    assert [done for done, _ in told] == [700, 1400, 2100, 2500]
    assert all(done < total for done, total in told)


def test_ids_that_rise_and_fall_are_unique_too(tmp_path) -> None:
    ids = [*range(1500), *range(-1500, 0)]
    pq.write_table(pa.table({"n": ids, "x": np.arange(3000.0)}), tmp_path / "a.parquet")
    encode_to(str(tmp_path / "a.parquet"), str(tmp_path / "v"), ids="n")
    assert vw.open(tmp_path / "v").ids.tolist() == ids
    pq.write_table(pa.table({"n": [*range(1500), 7], "x": np.arange(1501.0)}), tmp_path / "b.parquet")
    with pytest.raises(vw.errors.DuplicateName, match="`7`"):
        encode_to(str(tmp_path / "b.parquet"), str(tmp_path / "w"), ids="n")


def test_a_chain_that_learns_encodes_every_row_once(table, tmp_path, monkeypatch) -> None:
    pq.write_table(table.slice(0, 60), tmp_path / "a.parquet")
    seen: list[str] = []
    real = SentenceMap.__call__
    monkeypatch.setattr(
        SentenceMap, "__call__", lambda self, part: (seen.extend(self.texts(part)), real(self, part))[1]
    )
    answer = encode_to(str(tmp_path / "a.parquet"), str(tmp_path / "v"), encoder="chain", text="text",
                       settings={"encoder": "sentence", "steps": ["pca:2"]})  # fmt: skip
    assert answer.data["dim"] == 2
    assert len(seen) == len(set(table.slice(0, 60).column("text").to_pylist()))


def test_idle_options_and_late_rows_are_named(table, tmp_path) -> None:
    pq.write_table(table, tmp_path / "a.parquet")
    vw.save(vw.CountEncoder(column="text").fit(table), tmp_path / "words")
    with pytest.raises(vw.errors.Inapplicable, match="--set"):
        encode_to(str(tmp_path / "a.parquet"), str(tmp_path / "v"), encoder=str(tmp_path / "words"),
                  settings={"binary": True})  # fmt: skip
    gap = [*table.column("text").to_pylist()[:1000], None]
    pq.write_table(pa.table({"text": gap}), tmp_path / "b.parquet")
    with pytest.raises(vw.errors.MissingValue, match=r"`300` .*from row 700"):
        encode_to(str(tmp_path / "b.parquet"), str(tmp_path / "v"), encoder="sentence")
