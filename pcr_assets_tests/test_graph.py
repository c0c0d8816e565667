"""The real graph on sample cards: what a change makes stale, and nothing else."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest
from PIL import Image

from pcr_assets import layout
from pcr_assets.assets import project
from pcr_assets.assets.report import evidence_of
from pcr_assets.definitions import FLOORS, build_defs
from pcr_assets.gallery import new_sets
from pcr_assets.project_records import cost_report, manifest
from pcr_assets.resources import runs
from pcr_assets.resources.hailo import HailoCompiler

GALLERY = ["card_embeddings", "card_index", "recognition_report", "edge_release"]


def shard_times(world):
    folder = Path(world.project.root.root, layout.EMBEDDINGS)
    return {path.relative_to(folder).as_posix(): path.stat().st_mtime_ns for path in folder.rglob("*.parquet")}


def a_card(world, set_id="dawn1"):
    return sorted((world.raw / set_id).glob("*.png"))[0]


def test_an_empty_store_gets_every_asset_once(built_world):
    graph = build_defs().resolve_asset_graph()
    assert sorted(built_world.built) == sorted(key.to_user_string() for key in graph.materializable_asset_keys)


def test_nothing_changed_nothing_runs(world):
    _, built = world.refresh("*")
    assert built == []


def test_a_price_rebuilds_records_alone(world):
    world.set("records", device_usd=200)
    _, built = world.refresh("*")
    records = {made.key.to_user_string() for made in dg.load_assets_from_modules([project]) if made.is_executable}
    assert {"project_manifest", "cost_report"} <= set(built) <= records
    report = world.project.artifacts.fetch(world.project.artifacts.current(layout.COSTS), cost_report.PAGE).read_text()
    assert "| device with an accelerator | $200.00 |" in report


def test_the_manifest_tells_of_the_runs_that_made_the_models(built_world):
    artifacts = built_world.project.artifacts
    written = json.loads(artifacts.fetch(artifacts.current(layout.MANIFEST), manifest.FILE).read_text())
    trained = written["models"]["efficientnet-student-stage2"]
    config = trained["training_config"]
    assert config["steps"] == config["settings"]["settings"]["phases"][0]["steps"] == 2
    assert config["settings"]["spec"]["backbone"] == trained["architecture"]
    assert config["hardware"]["threads"] == 2 and config["seconds"] > 0
    assert trained["parent_model"] == "efficientnet-student-stage1:v1.0"
    logged = {run.asset for run in runs.logged(artifacts.store)}
    assert logged == {"teacher_weights", "student_stage1", "student_stage2", "outline_filter", "printing_verifier"}


def trusted(world):
    return [world.project.root.read(f"{layout.RELEASES}/root.json")]


def pulled(world):
    """What a device that trusts this world's publisher pulled, and tried, in a process of its own."""
    from edge_runtime.pull import pull

    return pull(Path(world.project.root.root, layout.RELEASES), world.folder / "device", trusted(world))


def test_a_new_card_costs_its_own_set_in_the_store_and_its_own_parts_on_the_device(world):
    before = {name: set(world.project.artifacts.current(name).files) for name in (layout.PROCESSED, layout.REFERENCES)}
    shards, first, report = shard_times(world), pulled(world), world.project.artifacts.current(layout.REPORT)
    index = world.project.artifacts.fetch(world.project.artifacts.current(layout.INDEX), "int8.usearch").read_bytes()
    Image.open(a_card(world)).transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(world.raw / "dawn1" / "dawn1-99_New.png")
    outcome, _ = world.refresh()
    assert int(outcome.ending) == 0, str(outcome)
    for name, files in before.items():
        new = set(world.project.artifacts.current(name).files) - files
        assert {file.rpartition("/")[2].split("-")[0] for file in new} == {"dawn1"}, name
    assert {name.split("/")[-1].split("-")[0] for name in set(shard_times(world)) - set(shards)} == {"dawn1"}
    updated = world.project.artifacts.fetch(world.project.artifacts.current(layout.INDEX), "int8.usearch").read_bytes()
    assert index[64:2000] == updated[64:2000]
    assert world.project.artifacts.current(layout.REPORT).digest == report.digest, "a single card was judged again"
    evidence = evidence_of(world.project, most_strangers=0)
    assert [row["card_id"] for row in evidence.splits["new"]] == ["dawn1-99"], "the next report asks for it"
    assert evidence.cards.image(evidence.cards.row("dawn1-99")).ndim == 3
    second = pulled(world)
    assert second.release_id != first.release_id
    assert 0 < second.fetched < first.fetched / 4
    assert (first.folder / "fp32.onnx").samefile(second.folder / "fp32.onnx")


@pytest.mark.faults
def test_a_lost_part_and_a_lost_shard_are_noticed_and_only_what_holds_them_is_made_again(world):
    part = max(Path(world.project.root.root, layout.PARTS).iterdir(), key=lambda path: path.stat().st_size)
    entry = world.project.artifacts.current(layout.PROCESSED).record["sets"]["dawn1"]["file"]
    shard = Path(world.project.root.root, world.project.artifacts.current(layout.PROCESSED).files[entry].key)
    for lost in (part, shard):
        lost.unlink()
    outcome, built = world.refresh()
    assert (int(outcome.ending), sorted(built)) == (0, ["edge_release", "processed_cards", "training_snapshot"])
    assert part.exists()
    assert shard.exists()
    assert world.refresh()[1] == []


def test_a_lost_part_is_written_again_when_the_release_is_asked_for(world):
    lost = max(Path(world.project.root.root, layout.PARTS).iterdir(), key=lambda path: path.stat().st_size)
    lost.unlink()
    with dg.DagsterInstance.ephemeral() as instance:
        assets, resources = dg.load_assets_from_modules(FLOORS), {**world.resources, "hailo": HailoCompiler()}
        dg.materialize(assets, selection=["edge_release"], resources=resources, instance=instance)
    assert lost.exists()


def test_a_replaced_card_rebuilds_its_set_and_the_gallery_and_trains_nothing(world):
    before = shard_times(world)
    card = a_card(world)
    Image.open(card).rotate(180).save(card)
    _, built = world.refresh()
    assert sorted(built) == sorted(["processed_cards", "training_snapshot", "card_references", *GALLERY])
    after = shard_times(world)
    assert {name: time for name, time in after.items() if name in before} == before, (
        "files of the last version were touched"
    )
    assert {name.split("/")[-1].split("-")[0] for name in set(after) - set(before)} == {"dawn1"}


def test_a_card_saved_again_with_the_same_pixels_stops_at_the_shard(world):
    card = a_card(world)
    Image.open(card).save(card, compress_level=1)
    _, built = world.refresh()
    assert built == ["processed_cards"]


def test_a_stage_2_setting_rebuilds_stage_2_and_what_follows(world):
    world.set("stage2", seed=5)
    _, built = world.refresh()
    assert built[0] == "student_stage2"
    assert not {"processed_cards", "training_snapshot", "teacher_weights", "student_stage1", "calibration_set"} & set(
        built
    )
    assert {"student_onnx", "student_int8", *GALLERY} <= set(built)


@pytest.mark.parametrize("network", ["outline_filter", "printing_verifier"])
def test_a_setting_of_a_network_of_the_edge_trains_that_one_and_no_student(world, network):
    world.set(network, seed=5)
    _, built = world.refresh()
    assert built[0] == network
    assert set(built) <= {network, "recognition_report", "edge_release"}


def test_a_calibration_seed_rebuilds_the_integer_branches_only(world):
    world.set("calibration", seed=5)
    _, built = world.refresh()
    assert built[0] == "calibration_set"
    assert set(built) <= {
        "calibration_set",
        "student_int8",
        "student_hef",
        "model_packages",
        "model_registry",
        *GALLERY,
    }
    assert "student_int8" in built


def snapshot_why(world):
    """What the last materialization of the training snapshot says of itself: whether it moved, and why."""
    with dg.DagsterInstance.local_temp(str(world.home)) as instance:
        made = instance.get_latest_materialization_event(dg.AssetKey("training_snapshot")).asset_materialization
    return made.metadata["moved"].value, made.metadata["why"].value


def add_a_set(world):
    """Eleven cards of a set that was not there, with pictures that were not: fewer than half of the 24 that were."""
    (world.raw / "new1").mkdir()
    cards = [card for set_id in ("dawn1", "tide1") for card in sorted((world.raw / set_id).glob("*.png"))]
    for number, card in enumerate(cards[:11], start=1):
        flipped = Image.open(card).transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        flipped.save(world.raw / "new1" / f"new1-{number}_New{chr(96 + number)}.png")


def snapshot_says(world):
    """What the last materialization of the training snapshot says of itself: whether it moved, and why."""
    with dg.DagsterInstance.local_temp(str(world.home)) as instance:
        made = instance.get_latest_materialization_event(dg.AssetKey("training_snapshot")).asset_materialization
    return made.metadata["moved"].value, made.metadata["why"].value


def test_a_new_set_is_in_the_gallery_without_training(world):
    add_a_set(world)
    _, built = world.refresh()
    assert sorted(built) == sorted(["processed_cards", "training_snapshot", "card_references", *GALLERY])
    catalogue = world.project.artifacts.fetch(
        world.project.artifacts.current(layout.INDEX), "catalogue.csv"
    ).read_text()
    assert "new1-" in catalogue
    found = world.project.artifacts.current(layout.REPORT).record["recognised worse"]
    assert (found["sets"], found["said"]) == ([], "new cards are answered as test cards are")
    moved, why = snapshot_says(world)
    assert not moved
    assert why.startswith(
        "11 cards came to the 24 of the last snapshot, fewer than 50%; by the last report, no card came"
    )
    assert world.refresh()[1] == []


def test_a_new_set_that_is_recognised_worse_is_released_and_then_learnt_from_once(world, monkeypatch):
    rule, worse = new_sets.judged, {"sets": ["new1"], "said": "int8 answers half of new1"}
    asked_new = lambda variants: any("new cards" in found for found in variants.values())  # noqa: E731
    monkeypatch.setattr(new_sets, "judged", lambda variants: worse if asked_new(variants) else rule(variants))
    add_a_set(world)
    outcome, built = world.refresh()
    assert int(outcome.ending) == 0, str(outcome)
    assert built.index("edge_release") < built.index("teacher_weights"), "the new cards waited for the training"
    assert [built.count(name) for name in ("training_snapshot", "teacher_weights", "edge_release")] == [2, 1, 2]
    assert snapshot_says(world) == (True, "by the last report, int8 answers half of new1")
    report = world.project.artifacts.current(layout.REPORT).record["recognised worse"]
    assert (report["sets"], report["said"]) == ([], "no card came after the training snapshot")
    assert world.refresh()[1] == [], "it moved again for a set that it holds"


def test_a_lost_artifact_is_built_again(world):
    lost = world.project.artifacts.current(layout.CALIBRATION)
    Path(world.project.root.fetch(lost.files["check.npy"].key)).unlink()
    _, built = world.refresh()
    assert built == ["calibration_set"]


def test_a_stranger_that_can_not_be_read_is_left_out_and_told_of(world):
    strangers = Path(world.project.strangers_root)
    (strangers / "0_bad.png").write_text("no picture")
    outcome, built = world.refresh()
    assert int(outcome.ending) == 0, str(outcome)
    assert built == ["recognition_report", "edge_release"]
    record = world.project.artifacts.current(layout.REPORT).record
    assert record["unreadable strangers"] == ["0_bad.png is no picture: send JPEG, PNG or WebP"]


def test_bad_files_are_in_quarantine_with_their_reasons_and_all_other_cards_go_on(world):
    from pcr_assets.imaging.sample import bad_files

    bad = bad_files(world.raw / "bad1")
    before = world.project.artifacts.current(layout.PROCESSED).record
    outcome, built = world.refresh()
    assert int(outcome.ending) == 0
    assert "processed_cards" in built
    record = world.project.artifacts.current(layout.PROCESSED).record
    quarantined = {Path(row["key"]).name: row["reason"] for row in record["quarantine"]}
    good = {"cmyk", "deep"}
    assert {path.name for kind, path in bad.items() if kind not in good} == set(quarantined)
    assert all(len(reason.split()) > 3 for reason in quarantined.values())
    assert record["scans"] >= before["scans"]
    assert all(entry["scans"] == 0 for entry in record["without_cards"].values())


def test_a_teacher_worse_than_hashing_is_not_distilled_and_the_last_release_stays(world):
    release = world.project.root.read(f"{layout.METADATA}/timestamp.json")
    world.set("gates", teacher_lead=2.0)
    world.set("teacher", settings={**world.project.settings.section("teacher")["settings"], "seed": 5})
    outcome, built = world.refresh()
    assert int(outcome.ending) == 4
    assert built == ["teacher_weights"]
    assert "teacher_beats_hashing" in str(outcome)
    assert world.project.root.read(f"{layout.METADATA}/timestamp.json") == release


def test_an_empty_bucket_is_one_clear_sentence_and_the_last_release_stays(world):
    release = world.project.root.read(f"{layout.METADATA}/timestamp.json")
    shutil.rmtree(world.raw)
    outcome, _ = world.refresh()
    assert int(outcome.ending) == 1
    assert "there are no card scans in" in str(outcome)
    assert world.project.root.read(f"{layout.METADATA}/timestamp.json") == release


def test_the_release_names_a_sample_card_on_its_own_scan(world):
    from edge_runtime.photo import load_photo
    from edge_runtime.recognizer import Recognizer
    from edge_runtime.release import open_release

    release = open_release(pulled(world).folder, trusted(world))
    found = Recognizer.open(release, threads=2).recognize(load_photo(a_card(world)))
    assert found.cards[0].card.card_id == "dawn1-1"
    assert found.cards[0].similarity > 0.9


def test_every_asset_says_who_owns_it_what_it_is_and_which_code_made_it():
    graph = build_defs().resolve_asset_graph()
    for key in graph.get_all_asset_keys():
        node = graph.get(key)
        assert node.description, key
        assert node.owners, key
        assert node.kinds, key
        assert node.group_name != "default", key
        if node.is_materializable:
            assert node.code_version, key


def test_loading_the_definitions_imports_nothing_heavy():
    code = (
        "import sys, pcr_assets.definitions as d; d.defs.resolve_asset_graph();"
        "heavy = 'torch numpy pyarrow timm cv2 onnxruntime pandas matplotlib PIL mlflow'.split();"
        "print([m for m in heavy if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_the_definitions_load_as_dagster_loads_them():
    dg.Definitions.validate_loadable(build_defs())


@pytest.mark.parametrize("asset", ["student_onnx", "edge_release"])
def test_an_asset_whose_input_was_never_made_says_what_to_do(tmp_path, monkeypatch, asset):
    monkeypatch.setenv("PCR_STORE", str(tmp_path))
    command = [
        sys.executable,
        "-m",
        "dagster",
        "asset",
        "materialize",
        "-m",
        "pcr_assets.definitions",
        "--select",
        asset,
    ]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert found.returncode != 0
    assert "is not in the store" in found.stderr + found.stdout
    assert "make refresh" in found.stderr + found.stdout
