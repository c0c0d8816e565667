"""What the training benchmarks do on a machine without Dagster: trainings side by side, and rows asked on validation cards."""

import json
import shutil
from pathlib import Path

import cv2
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from pcr_assets_tests.conftest import QUICK
from pcr_assets_tests.small_student import painted_cards

HERE = Path(__file__).parent
SPLITS = ["train"] * 12 + ["validation"] * 4 + ["test"] * 4
ROW = {"stage": "student_stage2", "begins": "stage1", "batch": 4, "view_size": [64, 96], "phases": [{"epochs": 0.5}]}
SMALLEST = {"backbone": "test_efficientnet", "weights": "none"}


@pytest.fixture(autouse=True)
def _benchmarks(monkeypatch):
    monkeypatch.syspath_prepend(str(HERE.parent / "benchmarks"))


@pytest.fixture
def cards(tmp_path):
    """A folder with snapshot and shards of twenty painted cards, as gpu_training.py takes it."""
    rows = [
        {
            "card_id": f"c{at}",
            "view": 0,
            "set": "s",
            "number": str(at),
            "name": f"card {at}",
            "pixel_digest": f"d{at}",
            "image": cv2.imencode(".jpg", picture)[1].tobytes(),
        }
        for at, picture in enumerate(painted_cards(len(SPLITS), size=(96, 144)))
    ]
    named = [
        {
            **{name: row[name] for name in ("card_id", "view", "set", "pixel_digest")},
            "art_group": row["card_id"],
            "split": split,
        }
        for row, split in zip(rows, SPLITS, strict=True)
    ]
    (tmp_path / "cards" / "shards").mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "cards" / "shards" / "s.parquet")
    pq.write_table(pa.Table.from_pylist(named), tmp_path / "cards" / "snapshot.parquet")
    return tmp_path / "cards"


def test_the_stages_of_a_profile_that_leaves_the_batch_at_its_default_and_a_row_that_goes_on_with_them(
    cards, tmp_path, monkeypatch, capsys
):
    import ablation
    import gpu_training

    profile = yaml.safe_load(QUICK.read_text())
    del profile["teacher"]["settings"]["batch"]
    profile["teacher"]["spec"] |= SMALLEST
    profile["student"] |= SMALLEST
    (tmp_path / "small.yaml").write_text(yaml.safe_dump(profile))
    out = tmp_path / "out"
    asked = ["--cards", str(cards), "--out", str(out), "--profile", str(tmp_path / "small.yaml"), "--at-once", "2"]
    assert gpu_training.main([*asked, "--output", str(tmp_path / "gpu.json"), "teacher", "stage1"]) == 0
    stages = json.loads((tmp_path / "gpu.json").read_text())["stages"]
    assert (stages["teacher"]["batch"], stages["stage1"]["batch"]) == (32, 4)
    assert stages["stage1"]["test"]["recall"]["hard"]["queries"] == SPLITS.count("test")

    rows = {"common": {"validation_queries": 4}, "rows": {"short": ROW}}
    (tmp_path / "ablation.yaml").write_text(yaml.safe_dump(rows))
    monkeypatch.setattr(ablation, "HERE", tmp_path)
    asked = [
        "--cards",
        str(cards),
        "--models",
        str(out),
        "--out",
        str(tmp_path / "rows"),
        "--output",
        str(tmp_path / "rows.json"),
    ]
    assert ablation.main([*asked, "short"]) == 0
    found = json.loads((tmp_path / "rows.json").read_text())
    assert {name: row["steps"] for name, row in found.items()} == {"short": 2}
    assert found["short"]["recall"]["hard"]["queries"] == SPLITS.count("validation")
    shutil.rmtree(out)  # what is in the results is not run again
    assert ablation.main([*asked, "short"]) == 0
    assert "short" in capsys.readouterr().out


def test_a_folder_without_cards_is_one_sentence(tmp_path):
    import gpu_training

    with pytest.raises(SystemExit, match=r"has no snapshot\.parquet or no shards"):
        gpu_training.main(["--cards", str(tmp_path), "--out", str(tmp_path)])


def test_shards_that_lack_scans_are_one_sentence_unless_only_the_sets_that_are_there_are_asked_for(cards, tmp_path):
    from training.places import cards_of

    snapshot = cards / "snapshot.parquet"
    more = pq.read_table(snapshot).to_pylist()
    more.append({**more[0], "card_id": "elsewhere", "set": "t"})
    pq.write_table(pa.Table.from_pylist(more), snapshot)
    with pytest.raises(SystemExit, match=r"lack 1 of 21 scans .* elsewhere among them"):
        cards_of(None, cards, None, tmp_path / "out")
    with pytest.raises(SystemExit, match="has no set u"):
        cards_of(None, cards, ["u"], tmp_path / "out")
    files = cards_of(None, cards, ["s"], tmp_path / "out")
    assert pq.read_table(files["snapshot"]).num_rows == len(SPLITS)


def test_a_failed_training_stops_those_that_go_on_with_it_and_no_other():
    from training.runs import side_by_side

    def fails():
        raise SystemExit("teacher failed: no memory")

    ended = []
    tasks = {"stage2": lambda: "begun", "stage1": lambda: "begun", "teacher": fails, "undistilled": lambda: "trained"}
    after = {"stage1": "teacher", "stage2": "stage1"}
    with pytest.raises(SystemExit, match="no memory"):
        side_by_side(tasks, 2, lambda name, found: ended.append((name, found)), after)
    assert ended == [("undistilled", "trained")]
