"""Metadata that whoever may write into the store put back there, or signed with keys that were replaced: nothing of it is signed
anew, and devices go on."""

import shutil

import pytest
from tuf.api.metadata import Metadata, MetaFile, TargetFile

from edge_runtime.releases.proof import target_path
from pcr_assets import digests, layout
from pcr_assets.trust.channels import path_of, renew, replace_key
from pcr_assets.trust.keys import TIMESTAMP_FILE, Keys, TrustError
from pcr_assets.trust.metadata import key_of
from pcr_assets_tests.trust.offering import TRUST

ALL = 2.0
"""The share of its time that no role has left."""


def newest(world, role):
    repository, _ = world.open()
    return key_of(role, repository.roles[role].version)


def renewed(world, share=ALL):
    repository, keys = world.open()
    return renew(repository, keys, TRUST.days, share)


def replaced(world, role):
    """Replace the key of a role, as it was stolen; gives the thief's folder."""
    thief = world.folder / "thief"
    repository, keys = world.open()
    (old,) = replace_key(repository, keys, TRUST.days, role, world.key_folder)
    thief.mkdir(exist_ok=True)
    shutil.move(old, thief)
    return thief


def test_an_old_timestamp_is_not_signed_anew(world):
    """A device that was set up since then took the release of that time for the newest."""
    old = world.store.read(layout.TIMESTAMP)
    world.publish("second")
    kept = world.store.read(layout.TIMESTAMP)
    world.store.write(layout.TIMESTAMP, old)
    with pytest.raises(TrustError, match=r"number 1, and the last one .* lies with them, 2: an old copy\): restore"):
        renewed(world)
    assert kept == (world.key_folder / TIMESTAMP_FILE).read_bytes(), "what is to be put back is at hand"
    world.store.write(layout.TIMESTAMP, kept)
    renewed(world)
    assert world.offered() == "second"


@pytest.mark.parametrize("role", ["stable", "targets", "snapshot"])
def test_an_old_version_under_a_newer_name_is_not_signed_anew(world, role):
    """Of a channel it led all devices back to an old release, under a number that they had not seen; of targets it entitled keys
    again that had been replaced."""
    old = world.store.read(newest(world, role))
    replaced(world, "stable")
    world.publish("second")
    assert world.offered() == "second"
    world.store.write(newest(world, role), old)
    with pytest.raises(TrustError, match=rf"can't be believed .*{role}\.json is not the one that was signed"):
        renewed(world)


def test_keys_that_were_replaced_sign_no_metadata_that_are_signed_anew(world):
    """A thief whose keys had been replaced wrote into the store what they had been entitled to: the publisher took it for what one
    that was killed had left, and signed the thief's channel with its new keys."""
    for role in ("targets", "snapshot", "timestamp", "stable"):
        thief = replaced(world, role)
    world.publish("second")
    assert world.offered() == "second"
    _forge(world, Keys([thief]))
    with pytest.raises(TrustError, match="timestamp is not signed as its publisher asks for"):
        renewed(world)


def test_where_the_timestamp_went_a_channel_s_replaced_key_stays_replaced(world):
    """Its file may lie there still: as if it were the first time, all keys with the channel's name were entitled."""
    repository, keys = world.open()
    (old,) = replace_key(repository, keys, TRUST.days, "stable", world.key_folder)
    world.store.remove(layout.TIMESTAMP)
    world.publish("second")
    repository, keys = world.open()
    assert old.exists()
    assert [keys.file(keyid).name for keyid in repository.entitled("stable").keyids] == ["stable-2.pem"]
    assert world.offered() == "second"


def test_where_the_timestamp_went_with_what_it_leads_to_nothing_begins_anew(world):
    world.store.remove(newest(world, "targets"))
    world.store.remove(layout.TIMESTAMP)
    with pytest.raises(TrustError, match=r"1\.targets\.json does not exist\): restore them from a backup"):
        world.publish("second")


def test_a_publisher_that_begins_anew_forgets_the_timestamp_of_before(world):
    world.publish("second")
    shutil.rmtree(f"{world.store.root}/{layout.METADATA}")
    (world.key_folder / "root.json").unlink()
    world.publish("third")
    world.pin()
    assert world.offered(device="new device") == "third"
    world.publish("fourth")
    assert world.offered(device="new device") == "fourth"


def test_keys_in_a_folder_that_may_only_be_read_publish(world):
    """As a Secret of Kubernetes is mounted."""
    (world.key_folder / TIMESTAMP_FILE).unlink()
    (world.key_folder / TIMESTAMP_FILE).mkdir()  # root may write anywhere else
    world.publish("second")
    assert world.offered() == "second"


def test_a_damaged_timestamp_beside_the_keys_is_named(world):
    (world.key_folder / TIMESTAMP_FILE).write_text("<html>")
    with pytest.raises(TrustError, match=r"timestamp\.json that lies with the keys is damaged: remove that"):
        world.publish("second")


def _forge(world, stolen):
    """Publish a release as the thief would, with the keys of his folder alone."""
    repository, _ = world.open()
    targets, stable, snapshot, timestamp = (
        repository.roles[name] for name in ("targets", "stable", "snapshot", "timestamp")
    )
    for keyid in list(targets.get_delegated_role("stable").keyids):
        targets.revoke_key(keyid, "stable")
    targets.add_key(stolen.named("stable")[0].public_key, "stable")
    manifest = b"manifest of the thief"
    for path in (target_path("stable"), path_of("stable", "stolen")):
        said = {"custom": {"release_id": "stolen", "order": 9}}
        stable.targets[path] = TargetFile(len(manifest), {"sha256": digests.of_bytes(manifest)}, path, said)

    def written(role, signed):
        signed.version += 1
        metadata = Metadata(signed)
        metadata.sign(*stolen.named(role))
        key = layout.TIMESTAMP if role == "timestamp" else key_of(role, signed.version)
        world.store.write(key, metadata.to_bytes())
        return MetaFile.from_data(signed.version, metadata.to_bytes(), ["sha256"])

    for role, signed in (("targets", targets), ("stable", stable)):
        snapshot.meta[f"{role}.json"] = written(role, signed)
    timestamp.snapshot_meta = written("snapshot", snapshot)
    written("timestamp", timestamp)
