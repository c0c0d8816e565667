"""The release bundle, as the edge opens it."""

import json
from pathlib import Path

import pytest

from edge_runtime import release as edge
from edge_runtime.decide import Calibration
from pcr_assets.gallery import bundle
from pcr_assets.resources.signing import ReleaseSigner

CALIBRATION = Calibration((0.0,) * 3, (0.0,) * 5, accept=0.5, sure=0.9, twin_margin=0.0, twin_lead=0.1)


@pytest.fixture
def signer(tmp_path, monkeypatch):
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home"))
    return ReleaseSigner()


def variant(folder: Path, model: bytes = b"model") -> bundle.Variant:
    (folder / "student.onnx").write_bytes(model)
    (folder / "a.usearch").write_bytes(b"index")
    return bundle.Variant("onnx", folder / "student.onnx", folder / "a.usearch", (160, 224), 768, CALIBRATION.as_json())


def shared(folder: Path) -> dict[str, Path]:
    names = ("catalogue.csv", "report.json", "references-base1.zip")
    for name in names:
        (folder / name).write_text(name)
    return {name: folder / name for name in names}


def made(folder: Path, signer: ReleaseSigner, model: bytes = b"model") -> tuple[bytes, str]:
    return bundle.manifest(
        {"int8": variant(folder, model)},
        shared(folder),
        references=["references-base1.zip"],
        default_variant="int8",
        made_from={"card_index": "1"},
        teacher_license="Apache-2.0",
        keyid=bundle.keyid(signer.public_key()),
    )


def test_the_same_parts_make_the_same_release(tmp_path, signer):
    assert made(tmp_path, signer) == made(tmp_path, signer)


def test_another_model_makes_another_release(tmp_path, signer):
    assert made(tmp_path, signer)[1] != made(tmp_path, signer, b"other")[1]


def test_an_outline_filter_among_the_parts_is_named_in_the_manifest(tmp_path, signer):
    filtering = tmp_path / bundle.OUTLINE_FILTER
    filtering.write_bytes(b"filter")
    manifest, _ = bundle.manifest(
        {"int8": variant(tmp_path)},
        {**shared(tmp_path), filtering.name: filtering},
        references=["references-base1.zip"],
        default_variant="int8",
        made_from={},
        teacher_license="Apache-2.0",
        keyid=bundle.keyid(signer.public_key()),
    )
    said = json.loads(manifest)
    assert said["outline_filter"] in said["files"]


def test_the_edge_opens_what_the_pipeline_signed(tmp_path, signer):
    manifest, digest = made(tmp_path, signer)
    releases, key = tmp_path / "releases", signer.public_key()
    folder = releases / digest[:16]
    folder.mkdir(parents=True)
    for name, path in bundle.bundle_files({"int8": variant(tmp_path)}, shared(tmp_path)).items():
        (folder / name).write_bytes(path.read_bytes())
    (folder / "manifest.json").write_bytes(manifest)
    (folder / "manifest.sig").write_bytes(bundle.signature(manifest, key, signer.sign(manifest)))
    (releases / "latest.json").write_bytes(bundle.pointer(digest[:16], manifest))

    opened = edge.open_release(releases, {bundle.keyid(key): key})

    assert opened.release_id == digest[:16] == json.loads(manifest)["release_id"]
    assert opened.variant().calibration == CALIBRATION
    assert [path.name for path in opened.references] == ["references-base1.zip"]
    assert opened.outline_filter is None
    (folder / "int8.onnx").write_bytes(b"evil!")
    with pytest.raises(edge.Damaged, match=r"int8\.onnx"):
        edge.open_release(releases, {bundle.keyid(key): key})
