"""What is opened, and above all what is refused."""

import json

import pytest
from securesystemslib.signer import CryptoSigner
from signing import Repository, in_days

from edge_runtime.releases.refusals import (
    BadSignature,
    Damaged,
    NoRelease,
    ReleaseError,
    TooFewSignatures,
    UnknownPublisher,
    Unsigned,
    WrongSchema,
)
from edge_runtime.releases.release import open_release


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
    with pytest.raises(Damaged, match=r"latest\.json is damaged: pull the release again"):
        open_release(publisher.releases, publisher.trusted)


@pytest.mark.parametrize("release_id", ["..", ".", "../elsewhere", "/etc", "gone", ""])
def test_a_pointer_leads_nowhere_but_to_a_release_beside_it(publisher, release_id):
    (publisher.releases.parent / "manifest.json").write_bytes((publisher.folder / "manifest.json").read_bytes())
    change(publisher.releases / "latest.json", release_id=release_id)
    with pytest.raises(NoRelease, match="which is not there: pull the release again"):
        open_release(publisher.releases, publisher.trusted)


def test_a_pointer_to_another_manifest_is_refused(publisher):
    change(publisher.releases / "latest.json", manifest_sha256="0" * 64)
    with pytest.raises(Damaged, match=r"not the one that latest\.json names: pull the release again"):
        open_release(publisher.releases, publisher.trusted)


@pytest.mark.parametrize("content", [None, "", "[]", '{"channel": "stable"}', "[" * 100_000])
def test_a_manifest_without_a_proof_is_refused(publisher, content):
    proof = publisher.folder / "proof.json"
    proof.unlink()
    if content is not None:
        proof.write_text(content)
    with pytest.raises(Unsigned):
        open_release(publisher.releases, publisher.trusted)


def test_a_release_by_an_unknown_publisher_is_refused_with_the_cure(publisher, tmp_path):
    other = Repository(tmp_path / "other")
    other.publish("0" * 16, b"manifest")
    for trusted in ([], other.trusted):
        with pytest.raises(UnknownPublisher, match="edge-runtime trust"):
            open_release(publisher.releases, trusted)


@pytest.mark.parametrize("role", ["targets", "role"])
def test_a_role_that_somebody_else_signed_is_refused(publisher, role):
    repository, trusted = publisher.repository, publisher.trusted
    name = "stable" if role == "role" else role
    repository.keys[name] = [CryptoSigner.generate_ed25519()]
    repository.write_targets()
    publisher.publish(publisher.folder, publisher.manifest)
    with pytest.raises(BadSignature, match=f"{name} is not signed by a key that its publisher entitled"):
        open_release(publisher.releases, trusted)


def test_a_role_with_fewer_signatures_than_its_publisher_asks_for_is_refused(publisher):
    repository = publisher.repository
    second = CryptoSigner.generate_ed25519()
    repository.targets.add_key(second.public_key, "stable")
    repository.targets.delegations.roles["stable"].threshold = 2
    repository.write_targets()
    publisher.publish(publisher.folder, publisher.manifest)
    with pytest.raises(TooFewSignatures, match="1 good signatures of the 2"):
        open_release(publisher.releases, publisher.trusted)
    repository.keys["stable"].append(second)
    publisher.publish(publisher.folder, publisher.manifest)
    assert open_release(publisher.releases, publisher.trusted)


def test_another_channel_s_key_can_sign_nothing_for_this_one(publisher):
    repository = publisher.repository
    repository.keys["stable"] = repository.keys["canary"]
    publisher.publish(publisher.folder, publisher.manifest)
    with pytest.raises(BadSignature):
        open_release(publisher.releases, publisher.trusted)


def test_a_changed_manifest_is_refused_before_it_is_read(publisher):
    folder = publisher.folder
    (publisher.releases / "latest.json").unlink()
    (folder / "manifest.json").write_bytes(b"no json at all")
    with pytest.raises(BadSignature, match="it was changed after it was signed"):
        open_release(folder, publisher.trusted)


def test_a_device_that_pinned_the_first_root_follows_its_successors(publisher):
    repository, trusted = publisher.repository, publisher.trusted
    for _ in range(3):
        before = repository.keys["root"]
        new = CryptoSigner.generate_ed25519()
        repository.root.revoke_key(before[0].public_key.keyid, "root")
        repository.root.add_key(new.public_key, "root")
        repository.keys["root"] = [new]
        repository.write_root(*before)
    publisher.publish(publisher.folder, publisher.manifest)
    assert open_release(publisher.releases, trusted)


def test_a_root_that_its_predecessor_did_not_sign_is_not_followed(publisher):
    repository, trusted = publisher.repository, publisher.trusted
    thief = CryptoSigner.generate_ed25519()
    for role in ("root", "targets"):
        repository.root.revoke_key(repository.keys[role][0].public_key.keyid, role)
        repository.root.add_key(thief.public_key, role)
        repository.keys[role] = [thief]
    repository.write_root()
    repository.write_targets()
    publisher.publish(publisher.folder, publisher.manifest)
    with pytest.raises(BadSignature):
        open_release(publisher.releases, trusted)


def test_a_root_that_its_own_keys_did_not_sign_is_not_followed(publisher):
    repository = publisher.repository
    repository.root.revoke_key(repository.keys["root"][0].public_key.keyid, "root")
    repository.root.add_key(CryptoSigner.generate_ed25519().public_key, "root")
    repository.write_root()
    publisher.publish(publisher.folder, publisher.manifest)
    with pytest.raises(BadSignature, match="root is not signed by a key"):
        open_release(publisher.releases, publisher.trusted)


def test_a_channel_s_key_signs_nothing_beyond_the_paths_that_it_was_given(publisher):
    publisher.repository.targets.delegations.roles["stable"].paths = ["another/*"]
    publisher.repository.write_targets()
    publisher.publish(publisher.folder, publisher.manifest)
    with pytest.raises(BadSignature, match="stable may not sign"):
        open_release(publisher.releases, publisher.trusted)


def test_a_release_whose_signatures_have_expired_is_opened_and_says_so(publisher):
    assert not open_release(publisher.releases, publisher.trusted).expired
    publisher.repository.channels["stable"].expires = in_days(-1)
    publisher.publish(publisher.folder, publisher.manifest)
    assert open_release(publisher.releases, publisher.trusted).expired


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
    publisher.publish(publisher.folder, {**publisher.manifest, "schema": 7})
    with pytest.raises(WrongSchema, match="update edge_runtime"):
        open_release(publisher.releases, publisher.trusted)


def test_a_schema_of_the_past_is_refused_though_it_is_signed(publisher):
    publisher.publish(publisher.folder, {**publisher.manifest, "schema": 3})
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
