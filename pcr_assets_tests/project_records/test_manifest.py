"""The manifest says what artifacts and the log of runs say, and nothing else."""

import json

import jsonschema
import pytest

from pcr_assets import layout
from pcr_assets.project_records import manifest
from pcr_assets.resources.artifacts import Artifact
from pcr_assets.resources.store import StoreError
from pcr_assets_tests.project_records.synthetic import SPEC, built, store_with_models


def test_it_is_valid_by_the_schema_that_is_published_beside_it(artifacts):
    files = {key: json.loads(data) for key, data in manifest.files(built(artifacts)).items()}
    jsonschema.validate(files[manifest.FILE], files[manifest.SCHEMA])
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**files[manifest.FILE], "models": {"teacher": {"version": 1}}}, files[manifest.SCHEMA])


def test_the_same_store_gives_the_same_bytes_wherever_it_lies(artifacts, tmp_path):
    again = store_with_models(tmp_path / "elsewhere")
    assert manifest.files(built(artifacts)) == manifest.files(built(again))


def test_a_model_tells_its_architecture_training_cost_parent_and_files(artifacts):
    models = built(artifacts).models
    teacher, stage1, int8 = (
        models[name] for name in ("dinov3-teacher", "efficientnet-student-stage1", "efficientnet-student-int8")
    )
    assert (teacher.parameters, teacher.embedding_dim, teacher.architecture) == (303_100_000, 768, SPEC["backbone"])
    assert teacher.training_date == "2026-02-01"
    assert teacher.training_config.cost_usd == pytest.approx(6.554, abs=0.001), "720 s at $32.77 an hour"
    assert teacher.training_config.settings["settings"]["batch"] == 128
    assert stage1.training_config.cost_usd is None, "nobody was paid for a run at home"
    assert stage1.parent_model == "dinov3-teacher:v1.0"
    assert int8.parent_model == "efficientnet-student-onnx:v1.0"
    assert (int8.parameters, int8.licence) == (4_350_000, "Apache-2.0"), "quantization keeps both"
    assert set(teacher.files) == {"weights.safetensors", "model.json", "metrics.json"}


def test_a_stage_whose_files_are_gone_stays_as_transitional(artifacts):
    stage1 = artifacts.current(layout.STAGE1)
    artifacts.store.remove(stage1.files["weights.safetensors"].key)
    found = built(artifacts).models["efficientnet-student-stage1"]
    assert (found.status, found.artifacts_preserved) == ("transitional", False)


def test_a_model_that_was_not_built_says_why(artifacts):
    hef = built(artifacts).models["efficientnet-hailo"]
    assert (hef.status, hef.artifacts_preserved, hef.note) == ("not built", False, "no compiler here")


def test_a_parent_that_moved_on_is_named_by_the_digest_that_was_used(artifacts):
    old = artifacts.current(layout.STAGE2).digest
    stage2 = artifacts.current(layout.STAGE2)
    artifacts.adopt(Artifact(stage2.name, "v1.1", "f" * 64, stage2.files, stage2.record))
    assert (
        built(artifacts).models["efficientnet-student-onnx"].parent_model == f"efficientnet-student-stage2@{old[:16]}"
    )


def test_recorded_history_is_no_part_of_a_model_that_was_made_here(artifacts):
    """The recorded dinov3-teacher v1.0 is another model than the v1.0 of this store."""
    found = built(artifacts)
    assert found.models["dinov3-teacher"].training_config.cost_source.startswith("billed seconds")
    assert found.cost_tracking.recorded_before_usd == 11.5


def test_a_registered_package_is_named(artifacts):
    artifacts.store.write(
        layout.REGISTRY, json.dumps({"dinov3-teacher:v1.0": {"arn": "arn:4", "status": "Approved"}}).encode()
    )
    teacher = built(artifacts).models["dinov3-teacher"]
    assert (teacher.registry_arn, teacher.registry_status) == ("arn:4", "Approved")


@pytest.mark.parametrize("written", [b"{cut off", b"[1, 2]"])
def test_a_book_of_packages_that_is_none_is_named(artifacts, written):
    artifacts.store.write(layout.REGISTRY, written)
    with pytest.raises(StoreError, match=rf"{layout.REGISTRY} names no packages .*: mend or remove it"):
        built(artifacts)
