"""Models that lie in a project's folder already: what is taken over as this pipeline's own, and what is only recorded."""

import json

import numpy as np
import pytest
from safetensors.numpy import save_file

from pcr_assets import digests, layout
from pcr_assets.adopt import models
from pcr_assets.learning.weights import tensor_digest
from pcr_assets.project_records import card_pictures
from pcr_assets.project_records.models import collect
from pcr_assets.resources.artifacts import Artifacts
from pcr_assets.resources.store import FolderStore
from pcr_assets.resources.stored import listed
from pcr_assets_tests.project_records.synthetic import SPEC, sources_of


def test_weights_and_a_spec_of_this_pipelines_form_are_adopted_whole(tmp_path):
    store = FolderStore(str(tmp_path))
    for version, value in (("v1.9", 1.0), ("v1.10", 2.0)):
        folder = tmp_path / layout.STAGE2 / version
        folder.mkdir(parents=True)
        save_file({"head.weight": np.full((2, 2), value, np.float32)}, folder / "weights.safetensors")
        (folder / "model.json").write_text(json.dumps(SPEC))
        (folder / "metrics.json").write_text(json.dumps({"parameters": 4, "steps": 180}))
    (found,) = models.find(store, listed(store), frozenset())
    assert (found.version, found.usable, found.finding.verdict) == ("v1.10", True, "fits"), "v1.10 comes after v1.9"
    adopted = models.adopt(Artifacts(store), found)
    assert adopted.digest == digests.of_json([tensor_digest(folder / "weights.safetensors"), SPEC])
    assert {name: adopted.record[name] for name in ("backbone", "parameters", "steps", "teacher_license")} == {
        "backbone": "efficientnet_lite0",
        "parameters": 4,
        "steps": 180,
        "teacher_license": "Apache-2.0",
    }
    assert Artifacts(store).find(layout.STAGE2) == adopted
    assert models.find(store, listed(store), frozenset({layout.STAGE2})) == [], (
        "what has a pointer is not adopted again"
    )


def test_a_student_that_is_adopted_carries_the_licence_of_its_teacher(tmp_path):
    store = FolderStore(str(tmp_path))
    Artifacts(store).publish(layout.TEACHER, {}, digest="0" * 64, record={"teacher_license": "DINOv3 License"})
    folder = tmp_path / layout.STAGE2 / "v1.0"
    folder.mkdir(parents=True)
    save_file({"head.weight": np.zeros((2, 2), np.float32)}, folder / "weights.safetensors")
    (folder / "model.json").write_text(json.dumps(SPEC))
    (found,) = models.find(store, listed(store), frozenset({layout.TEACHER}))
    assert models.adopt(Artifacts(store), found).record["teacher_license"] == "DINOv3 License"


def test_a_model_that_an_old_manifest_calls_otherwise_is_known_by_that_name_too(tmp_path):
    store = FolderStore(str(tmp_path))
    said = {"models": {"efficientnet-hailo-optimized": {"version": "v1.2"}}}
    store.write("metadata/project_manifest.json", json.dumps(said).encode())
    (found,) = models.find(store, listed(store), frozenset())
    assert (found.known.name, found.version) == ("efficientnet-hailo", "v1.2")


@pytest.mark.parametrize("metrics", [b"no json", b"[1, 2]", b"\xff"])
def test_measures_that_do_not_read_keep_no_model_from_being_adopted(tmp_path, metrics):
    folder = tmp_path / layout.TEACHER / "v1.0"
    folder.mkdir(parents=True)
    save_file({"head.weight": np.zeros((2, 2), np.float32)}, folder / "weights.safetensors")
    (folder / "model.json").write_text(json.dumps(SPEC))
    (folder / "metrics.json").write_bytes(metrics)
    store = FolderStore(str(tmp_path))
    (found,) = models.find(store, listed(store), frozenset())
    record = models.adopt(Artifacts(store), found).record
    assert record["backbone"] == SPEC["backbone"]
    assert "steps" not in record
    assert card_pictures.draw(Artifacts(store), lambda _, drawn: drawn()) == {}


@pytest.mark.parametrize(
    ("spec", "weights"),
    [
        (b'{"model_type": "vit"}', None),
        (b"[]", None),
        (b"no json", None),
        (json.dumps(SPEC).encode(), b"a pickle"),
        (json.dumps(SPEC | {"input_size": 224, "embedding_dim": "768-d"}).encode(), None),
    ],
)
def test_files_that_only_have_the_names_of_this_pipelines_form_are_recorded(tmp_path, spec, weights):
    folder = tmp_path / layout.TEACHER / "v1.0"
    folder.mkdir(parents=True)
    save_file({"head.weight": np.zeros((2, 2), np.float32)}, folder / "weights.safetensors")
    if weights:
        (folder / "weights.safetensors").write_bytes(weights)
    (folder / "model.json").write_bytes(spec)
    store = FolderStore(str(tmp_path))
    (found,) = models.find(store, listed(store), frozenset())
    adopted = models.adopt(Artifacts(store), found)
    assert "not of this pipeline's form" in adopted.record["adopted"]["reason"]
    assert set(adopted.files) == {"model.json", "weights.safetensors"}
    assert collect(sources_of(Artifacts(store))[0])["dinov3-teacher"].status == "current"


def test_what_an_old_manifest_says_in_another_form_is_left_out(tmp_path):
    """The new manifest has a field of one type for it, and would never be written."""
    says = {"version": "v1.0", "architecture": ["ViT-L", 16], "embedding_dim": "1024-d", "parameters": "0.3B"}
    says |= {"training_date": {"began": "2026-01-10"}, "registry_arn": 4, "registry_status": "Approved"}
    store = FolderStore(str(tmp_path))
    for key, data in {
        "metadata/project_manifest.json": json.dumps({"models": {"dinov3-teacher": says}}).encode(),
        f"{layout.TEACHER}/v1.0/model.tar.gz": b"an archive",
    }.items():
        store.write(key, data)
    (found,) = models.find(store, listed(store), frozenset())
    models.adopt(Artifacts(store), found)
    record = collect(sources_of(Artifacts(store))[0])["dinov3-teacher"]
    assert (record.architecture, record.embedding_dim, record.parameters, record.training_date) == (None,) * 4
    assert (record.registry_arn, record.registry_status) == (None, "Approved")
