"""The real graph on sample cards: what a changed setting makes stale, and nothing else."""

import json

import pytest

from pcr_assets import layout
from pcr_assets.definitions import build_defs
from pcr_assets.project_records import cost_report, manifest
from pcr_assets.resources import runs
from pcr_assets_tests.sample_world import GALLERY, a_card, pulled, trusted


def test_an_empty_store_gets_every_asset_once(built_world):
    graph = build_defs().resolve_asset_graph()
    assert sorted(built_world.built) == sorted(key.to_user_string() for key in graph.materializable_asset_keys)


def test_nothing_changed_nothing_runs(world):
    _, built = world.refresh("*")
    assert built == []


def test_a_price_rebuilds_records_alone(world):
    world.set("records", device_usd=200)
    _, built = world.refresh("*")
    graph = build_defs().resolve_asset_graph()
    records = {
        key.to_user_string() for key in graph.materializable_asset_keys if graph.get(key).group_name == "project"
    }
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
    assert config["hardware"]["threads"] == 1 and config["seconds"] > 0
    assert trained["parent_model"] == "efficientnet-student-stage1:v1.0"
    logged = {run.asset for run in runs.logged(artifacts.store)}
    assert logged == {"teacher_weights", "student_stage1", "student_stage2", "outline_filter", "printing_verifier"}


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


def test_the_release_names_a_sample_card_on_its_own_scan(world):
    from edge_runtime.photo import load_photo
    from edge_runtime.recognizer import Recognizer
    from edge_runtime.releases.release import open_release

    release = open_release(pulled(world).folder, trusted(world))
    found = Recognizer.open(release, threads=2).recognize(load_photo(a_card(world)))
    assert found.cards[0].card.card_id == "dawn1-1"
    assert found.cards[0].similarity > 0.9
