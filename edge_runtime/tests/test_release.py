"""What is opened, and above all what is refused."""

import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge_runtime.release import (
    BadSignature,
    Damaged,
    NoRelease,
    ReleaseError,
    UnknownKey,
    Unsigned,
    WrongSchema,
    open_release,
)


def change(path, **values):
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def test_the_newest_release_of_a_folder_is_opened(publisher):
    release = open_release(publisher.releases, publisher.trusted)
    assert release.release_id == publisher.folder.name
    assert release.variant().input_size == (80, 112)
    assert release.variant("fp32").model == publisher.folder / "fp32.onnx"


def test_a_single_release_folder_is_opened_without_a_pointer(publisher):
    folder = publisher.folder
    (publisher.releases / "latest.json").unlink()
    assert open_release(folder, publisher.trusted).folder == folder


def test_a_variant_that_the_release_lacks_is_refused_by_name(publisher):
    with pytest.raises(ReleaseError, match="no variant 'hef': it has fp32"):
        open_release(publisher.releases, publisher.trusted).variant("hef")


@pytest.mark.parametrize("place", ["nowhere", "empty", "file.txt"])
def test_a_folder_without_a_release_is_refused(tmp_path, place):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file.txt").write_text("no folder")
    with pytest.raises(NoRelease, match=place):
        open_release(tmp_path / place, {})


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"release_id": 3}', "[" * 100_000])
def test_a_damaged_pointer_is_refused(publisher, content):
    (publisher.releases / "latest.json").write_text(content)
    with pytest.raises(Damaged, match=r"latest\.json"):
        open_release(publisher.releases, publisher.trusted)


@pytest.mark.parametrize("release_id", ["..", ".", "../elsewhere", "/etc", "gone", ""])
def test_a_pointer_leads_nowhere_but_to_a_release_beside_it(publisher, release_id):
    (publisher.releases.parent / "manifest.json").write_bytes((publisher.folder / "manifest.json").read_bytes())
    change(publisher.releases / "latest.json", release_id=release_id)
    with pytest.raises(NoRelease, match="which is not there"):
        open_release(publisher.releases, publisher.trusted)


def test_a_pointer_to_another_manifest_is_refused(publisher):
    change(publisher.releases / "latest.json", manifest_sha256="0" * 64)
    with pytest.raises(Damaged, match="not the one that"):
        open_release(publisher.releases, publisher.trusted)


@pytest.mark.parametrize(
    "content", [None, "", "[]", '{"keyid": "0"}', '{"keyid": "0", "signature": "xyz"}', "[" * 100_000]
)
def test_a_manifest_without_a_signature_is_refused(publisher, content):
    signature = publisher.folder / "manifest.sig"
    signature.unlink()
    if content is not None:
        signature.write_text(content)
    with pytest.raises(Unsigned):
        open_release(publisher.releases, publisher.trusted)


def test_a_release_by_an_unknown_key_is_refused_with_the_cure(publisher):
    with pytest.raises(UnknownKey, match="edge-runtime trust"):
        open_release(publisher.releases, {})


def test_a_key_that_only_claims_the_name_of_a_trusted_one_is_refused(publisher):
    trusted = publisher.trusted
    publisher.key = Ed25519PrivateKey.generate()
    publisher.publish(publisher.folder, publisher.manifest)
    change(publisher.folder / "manifest.sig", keyid=next(iter(trusted)))
    with pytest.raises(BadSignature):
        open_release(publisher.releases, trusted)


@pytest.mark.parametrize("signature", ["", "00" * 64, "00" * 63])
def test_a_wrong_signature_is_refused(publisher, signature):
    change(publisher.folder / "manifest.sig", signature=signature)
    with pytest.raises(BadSignature):
        open_release(publisher.releases, publisher.trusted)


def test_a_changed_manifest_is_refused_before_it_is_read(publisher):
    folder = publisher.folder
    (publisher.releases / "latest.json").unlink()
    (folder / "manifest.json").write_bytes(b"no json at all")
    with pytest.raises(BadSignature):
        open_release(folder, publisher.trusted)


@pytest.mark.parametrize("name", ["fp32.onnx", "fp32.usearch", "catalogue.csv"])
def test_a_changed_file_is_refused(publisher, name):
    path = publisher.folder / name
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(Damaged, match=f"{name} is not the file that was signed"):
        open_release(publisher.releases, publisher.trusted)


def test_a_file_of_another_size_is_refused(publisher):
    path = publisher.folder / "fp32.onnx"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(Damaged, match=r"fp32\.onnx has \d+ bytes instead of \d+"):
        open_release(publisher.releases, publisher.trusted)


def test_a_missing_file_is_refused(publisher):
    (publisher.folder / "fp32.usearch").unlink()
    with pytest.raises(Damaged, match=r"fp32\.usearch is missing"):
        open_release(publisher.releases, publisher.trusted)


@pytest.mark.parametrize("name", ["../outside", "/etc/hostname", "a/b", "..", ".", ""])
def test_a_signed_manifest_can_still_name_no_file_outside_its_folder(publisher, name):
    manifest = publisher.manifest
    manifest["files"][name] = {"sha256": "0" * 64, "size": 1}
    publisher.publish(publisher.folder, manifest)
    with pytest.raises(Damaged, match="lie in its own folder"):
        open_release(publisher.releases, publisher.trusted)


def test_a_file_that_the_manifest_uses_but_does_not_list_is_refused(publisher):
    manifest = publisher.manifest
    del manifest["files"]["fp32.onnx"]
    publisher.publish(publisher.folder, manifest)
    with pytest.raises(Damaged, match=r"uses 'fp32\.onnx' without listing it"):
        open_release(publisher.releases, publisher.trusted)


def test_a_schema_from_the_future_is_refused_with_the_cure(publisher):
    publisher.publish(publisher.folder, {**publisher.manifest, "schema": 4})
    with pytest.raises(WrongSchema, match="update edge_runtime"):
        open_release(publisher.releases, publisher.trusted)


def test_a_schema_of_the_past_is_refused_though_it_is_signed(publisher):
    publisher.publish(publisher.folder, {**publisher.manifest, "schema": 2})
    with pytest.raises(WrongSchema, match="publish the release again"):
        open_release(publisher.releases, publisher.trusted)


@pytest.mark.parametrize("lacking", ["files", "variants", "catalogue", "default_variant", "release_id"])
def test_a_signed_manifest_that_lacks_a_part_is_refused(publisher, lacking):
    manifest = publisher.manifest
    del manifest[lacking]
    publisher.publish(publisher.folder, manifest)
    with pytest.raises(WrongSchema, match=lacking):
        open_release(publisher.releases, publisher.trusted)


@pytest.mark.parametrize("manifest", [[], "text", {"schema": 1}, None])
def test_signed_bytes_that_are_no_manifest_are_refused(publisher, manifest):
    publisher.publish(publisher.folder, manifest)
    with pytest.raises(WrongSchema):
        open_release(publisher.releases, publisher.trusted)
