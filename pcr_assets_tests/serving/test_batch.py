"""Many pictures at once: a row for each, bad ones with a reason, nothing half written."""

import json
import resource

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from edge_runtime.embedder import OnnxEmbedder
from edge_runtime.geometry import full_frame, rectify
from edge_runtime.photo import load_photo
from pcr_assets import layout
from pcr_assets.resources.artifacts import Artifacts
from pcr_assets.resources.store import FolderStore, open_store
from pcr_assets.serving import archive, batch
from pcr_assets_tests.small_model import small_model
from pcr_assets_tests.small_student import painted_cards


@pytest.fixture
def pictures(tmp_path):
    folder = tmp_path / "pictures"
    (folder / "base1").mkdir(parents=True)
    for number, card in enumerate(painted_cards(3, size=(128, 192))):
        Image.fromarray(card).save(folder / "base1" / f"base1-{number}.png")
    (folder / "base1" / "base1-9.jpg").write_bytes(b"no picture")
    (folder / "notes.txt").write_text("no picture, and not called one")
    return folder


@pytest.fixture
def model(tmp_path):
    return small_model(tmp_path / "student.onnx")


def expected(pictures, model):
    own = OnnxEmbedder(model)
    cards = [
        rectify(load_photo(file), full_frame(128, 192), own.input_size) for file in sorted(pictures.rglob("*.png"))
    ]
    return own.embed(np.stack(cards))


def test_json_lines_have_a_vector_or_a_reason_for_each_picture(pictures, model, tmp_path, capsys):
    output = tmp_path / "vectors.jsonl"
    assert batch.main([str(pictures), "--output", str(output), "--model", str(model)]) == 0
    rows = [json.loads(line) for line in output.read_text().splitlines()]
    assert [row["key"] for row in rows] == [f"base1/base1-{n}.png" for n in range(3)] + ["base1/base1-9.jpg"]
    np.testing.assert_allclose([row["embedding"] for row in rows[:3]], expected(pictures, model), atol=1e-6)
    assert rows[3]["quarantined"].startswith("base1/base1-9.jpg is no picture")
    said = capsys.readouterr()
    assert "3 embedded, 1 quarantined" in said.out
    assert "quarantined  base1/base1-9.jpg is no picture" in said.err


def test_a_file_that_is_larger_than_any_scan_is_not_read_and_stops_no_other(pictures, model, tmp_path, monkeypatch):
    """All of it came into memory: of one with more bytes than there is memory no picture had a vector."""
    with (pictures / "base1" / "base1-1.bmp").open("wb") as large:
        large.truncate(65 << 20)
    read, read_many = [], FolderStore.read_many

    def noted(store, entries):
        entries = list(entries)
        read.extend(entry.key for entry in entries)
        return read_many(store, entries)

    monkeypatch.setattr(FolderStore, "read_many", noted)
    rows = {row.key: row for row in batch.embed(open_store(str(pictures)), model)}
    assert rows["base1/base1-1.bmp"].reason.startswith("base1/base1-1.bmp is larger than any card scan")
    assert "base1/base1-1.bmp" not in read
    assert [key for key, row in rows.items() if row.embedding is not None] == [f"base1/base1-{n}.png" for n in range(3)]


def test_pictures_of_which_none_could_be_read_are_a_failure(model, tmp_path, capsys):
    (tmp_path / "scans").mkdir()
    (tmp_path / "scans" / "base1-9.jpg").write_bytes(b"no picture")
    output = tmp_path / "vectors.jsonl"
    assert batch.main([str(tmp_path / "scans"), "--output", str(output), "--model", str(model)]) == 1
    assert "0 embedded, 1 quarantined" in capsys.readouterr().out
    assert output.exists(), "its reasons are there to be read"


def test_parquet_has_the_same_rows(pictures, model, tmp_path):
    file = tmp_path / "model.tar.gz"
    archive.write(file, model, {})
    output = tmp_path / "vectors.parquet"
    assert batch.main([str(pictures), "--output", str(output), "--model", str(file)]) == 0
    table = pq.read_table(output)
    assert table.column_names == ["key", "embedding", "reason"]
    np.testing.assert_allclose(table["embedding"].to_pylist()[:3], expected(pictures, model), atol=1e-6)
    assert table["embedding"].to_pylist()[3] is None
    assert table["reason"].to_pylist()[:3] == [None] * 3


def test_a_model_of_the_project_is_named_by_its_name(pictures, model, tmp_path):
    artifacts = Artifacts(open_store(str(tmp_path / "store" / layout.PROJECT)))
    artifacts.publish(layout.ONNX, {"student.onnx": model}, digest="a" * 64, numbered=True)
    where = ["--store", str(tmp_path / "store")]
    assert batch.main([str(pictures), "--output", str(tmp_path / "found.jsonl"), *where]) == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--output", "found.csv"], "must end in .jsonl or .parquet"),
        (["--output", "nowhere/found.jsonl"], "there is no folder nowhere"),
        (["--output", "folder.jsonl"], "folder.jsonl is a folder: name a file in it"),
        (["--output", "found.jsonl", "--model", "student"], "is no file, and no model of the project"),
        (["--output", "found.jsonl", "--model", "efficientnet-student-stage2"], "is not in the store"),
        (["--output", "found.jsonl", "--model", "pictures/notes.txt"], "is no model"),
    ],
)
def test_what_can_not_be_done_is_one_sentence_and_nothing_is_written(
    arguments, said, pictures, model, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.jsonl").mkdir()
    before = sorted(tmp_path.rglob("*"))
    given = arguments if "--model" in arguments else [*arguments, "--model", str(model)]
    assert batch.main(["pictures", *given]) == 1
    told = capsys.readouterr().err
    assert said in told and told.count("\n") == 1
    assert sorted(tmp_path.rglob("*")) == before


def test_a_batch_that_breaks_off_leaves_the_last_result(pictures, model, tmp_path):
    output = tmp_path / "vectors.jsonl"
    output.write_text("the last result")

    def breaking():
        yield from batch.embed(open_store(str(pictures)), model)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        batch.write(breaking(), output)
    assert output.read_text() == "the last result"
    assert not list(tmp_path.glob(".batch-*"))


@pytest.mark.parametrize("name", ["vectors.jsonl", "vectors.parquet"])
def test_a_full_disk_is_one_sentence_and_leaves_the_last_result(name, pictures, model, tmp_path, capsys):
    output = tmp_path / name
    output.write_text("the last result")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    try:
        assert batch.main([str(pictures), "--output", str(output), "--model", str(model)]) == 1
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    told = capsys.readouterr().err
    assert f"{output} can't be written (" in told and told.count("\n") == 1
    assert output.read_text() == "the last result"
    assert not list(tmp_path.glob(".batch-*"))


def test_a_folder_that_is_not_there_is_named(tmp_path, capsys):
    assert batch.main([str(tmp_path / "none"), "--output", str(tmp_path / "a.jsonl")]) == 1
    assert "there is no folder" in capsys.readouterr().err
