"""Which engine is chosen, and what is said when it can't serve: without any cluster."""

import json
from pathlib import Path

import pytest

from pcr_assets.cards.making import SetOfScans, make_shard
from pcr_assets.compute import ray_files
from pcr_assets.resources import ray_cluster
from pcr_assets.resources.engine import EngineError, Here
from pcr_assets.resources.engines import chosen
from pcr_assets.resources.engines import engine as engine_of
from pcr_assets.resources.project import Project
from pcr_assets.resources.ray_engine import Answer, Order, answer, seen_by_all

TASK = f"{make_shard.__module__}:{make_shard.__qualname__}"


def test_without_a_word_all_is_made_here():
    assert isinstance(Project().engine, Here)


def test_an_engine_that_there_is_not_is_refused_by_name(monkeypatch):
    monkeypatch.setenv("PCR_ENGINE", "celery")
    with pytest.raises(EngineError, match="PCR_ENGINE is celery: write one of local, ray"):
        chosen()


def test_where_ray_is_not_installed_one_sentence_says_how(monkeypatch, tmp_path):
    monkeypatch.setattr(ray_cluster, "find_spec", lambda name: None)
    request = SetOfScans(str(tmp_path), str(tmp_path), "base1", "0", (), {})
    with pytest.raises(EngineError, match=r"Ray is not installed here: pip install .*\[ray\]"):
        list(engine_of("ray", [str(tmp_path)]).each(make_shard, [request], tmp_path))


def answered(**differs):
    order = {"task": TASK, "makeup": ray_cluster.makeup(), "folders": {}, "settings": {}, "threads": 1} | differs
    request = {"store": "/nowhere", "raw": "/nowhere", "set_id": "base1", "inputs": "0", "scans": [], "last": {}}
    return Answer.model_validate_json(answer(Order(**order).model_dump_json(), json.dumps(request).encode()))


def test_a_node_with_other_libraries_makes_nothing_and_names_them():
    failed = answered(makeup={**ray_cluster.makeup(), "pyarrow": "1.0"}).failed
    assert f"it has pyarrow {ray_cluster.makeup()['pyarrow']} instead of 1.0: on each node, pip install" in failed


def test_a_node_with_other_code_makes_nothing():
    assert "it has the code of pcr_assets" in answered(makeup={"the code of pcr_assets": "other"}).failed


def test_a_node_that_does_not_see_a_folder_makes_nothing():
    failed = answered(folders={"/mnt/cards": "/mnt/cards/not-here.png"}).failed
    assert "doesn't see the folder /mnt/cards: share it with all nodes, or use s3://" in failed


def test_only_the_store_is_written_to_for_a_node_to_see_it(tmp_path):
    store, raw = tmp_path / "store", tmp_path / "raw"
    raw.mkdir()
    (raw / "base1-4_Charizard.png").touch()
    with seen_by_all([str(store), str(raw), "s3://cards"]) as folders:
        assert {root: Path(file).exists() for root, file in folders.items()} == {str(store): True, str(raw): True}
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["base1-4_Charizard.png"]


def test_a_file_of_a_checkpoint_that_is_being_written_does_not_travel(tmp_path):
    for name in ("step-1/weights", "writing/weights", "prepared.writing", ".aside-prepared"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    assert list(ray_files.listed(tmp_path)) == ["step-1/weights"]


def test_an_old_checkpoint_goes_when_the_next_one_is_there(tmp_path):
    there, here = tmp_path / "there", tmp_path / "here"
    sent, had = {}, set()
    for step in (1, 2):
        (there / f"step-{step}").mkdir(parents=True)
        (there / f"step-{step}" / "weights").write_text(str(step))
        if step == 2:
            (there / "step-1" / "weights").unlink()
        sent, parcels = ray_files.changed(there, sent, put=bytes)
        ray_files.mirror(here, sent, parcels, bytes, had)
        had = set(sent)
    assert [path.name for path in here.iterdir()] == ["step-2"]


def test_a_file_that_arrives_damaged_is_not_kept(tmp_path):
    (tmp_path / "weights").write_bytes(b"as trained")
    parcel = ray_files.packed(bytes, "weights", tmp_path / "weights")
    with pytest.raises(ValueError, match="arrived as another file than was sent"):
        ray_files.unpack(lambda piece: piece[:-1], parcel, tmp_path / "node")
    assert list((tmp_path / "node").iterdir()) == []


def test_where_no_cluster_listens_one_sentence_says_so_at_once(monkeypatch, tmp_path):
    pytest.importorskip("ray", reason="Ray is not installed: pip install -c constraints.txt '.[ray]'")
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    with pytest.raises(
        EngineError, match=r"no Ray cluster answers at 127.0.0.1:1 \(.*refused\): start one, or name another"
    ):
        ray_cluster.connected()
