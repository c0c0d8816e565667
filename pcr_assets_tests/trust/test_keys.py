"""Keys that are replaced, or kept offline, and metadata that nobody here signed."""

import json
import os
import shutil
from pathlib import Path

import pytest
from tuf.api.metadata import Metadata

from pcr_assets import layout
from pcr_assets.resources.store import FolderStore, Moved
from pcr_assets.trust.channels import initialised, replace_key
from pcr_assets.trust.first_metadata import first_roles
from pcr_assets.trust.keys import Keys, TrustError, make_keys
from pcr_assets.trust.metadata import Repository, key_of
from pcr_assets.trust.settings import ROLES, ROOT
from pcr_assets_tests.trust.offering import TRUST, World


@pytest.fixture
def flushed(monkeypatch):
    """What was flushed to the disk, in this order."""
    found, flush = [], os.fsync

    def noted(handle):
        found.append(Path(f"/proc/self/fd/{handle}").readlink())
        flush(handle)

    monkeypatch.setattr(os, "fsync", noted)
    return found


@pytest.mark.parametrize("role", ROLES)
def test_a_key_is_on_the_disk_before_devices_may_trust_it(world, flushed, role):
    """The metadata were flushed, and the key that signs them was not: a loss of power took it for good."""
    repository, keys = world.open()
    replace_key(repository, keys, TRUST.days, role, world.key_folder)
    pointer = next(at for at, path in enumerate(flushed) if layout.METADATA in str(path))
    key = world.key_folder / f"{role}-2.pem"
    assert flushed.index(key) < flushed.index(world.key_folder) < pointer


@pytest.mark.parametrize("role", ROLES)
def test_a_key_is_replaced_and_devices_that_pinned_the_first_root_follow(world, role):
    world.offered()
    repository, keys = world.open()
    (old,) = replace_key(repository, keys, TRUST.days, role, world.key_folder)
    assert old.name == f"{role}.pem"
    old.unlink()
    world.publish("second")
    assert world.offered() == "second"
    assert world.offered(device="new device") == "second"


def test_a_replaced_key_signs_for_nobody(world):
    repository, keys = world.open()
    (old,) = replace_key(repository, keys, TRUST.days, "stable", world.key_folder)
    (world.key_folder / "stable-2.pem").unlink()
    with pytest.raises(TrustError, match="stable must be signed by 1 of its keys, of which 0 are in"):
        world.publish("second")
    assert old.exists()
    assert world.offered() == "first"


def test_a_key_that_can_not_be_replaced_leaves_no_new_one(world):
    repository, _ = world.open()
    (world.key_folder / "root.pem").rename(world.folder / "root.pem")
    with pytest.raises(TrustError, match="root must be signed by 1 of its keys, of which 0 are in"):
        replace_key(repository, Keys([world.key_folder]), TRUST.days, "timestamp", world.key_folder)
    assert not (world.key_folder / "timestamp-2.pem").exists()


def test_offline_keys_are_not_needed_to_publish(world):
    for name in ("root.pem", "targets.pem"):
        (world.key_folder / name).rename(world.folder / name)
    world.publish("second")
    assert world.offered() == "second"


@pytest.mark.parametrize("role", ["targets", "snapshot", "timestamp", "stable", "canary"])
def test_metadata_that_somebody_changed_in_the_store_are_not_signed_again(world, role):
    repository, _ = world.open()
    key = layout.TIMESTAMP if role == "timestamp" else key_of(role, repository.roles[role].version)
    said = json.loads(world.store.read(key))
    said["signed"]["expires"] = "2999-01-01T00:00:00Z"
    world.store.write(key, json.dumps(said).encode())
    with pytest.raises(TrustError, match="can't be believed"):
        world.publish("second")


def test_a_root_that_its_forerunner_did_not_sign_is_not_believed(world, tmp_path):
    """Whoever may write into the store could put keys of their own in the place of the publisher's."""
    make_keys(tmp_path / "strangers", dict.fromkeys(ROLES, 1))
    strangers = Keys([tmp_path / "strangers"])
    root = first_roles(strangers, 1)[ROOT]
    root.version = 2
    forged = Metadata(root)
    forged.sign(*strangers.named(ROOT))
    world.store.write(key_of(ROOT, 2), forged.to_bytes())
    with pytest.raises(TrustError, match="can't be believed"):
        world.publish("second")


def test_of_two_that_replace_a_key_at_once_one_leaves_no_root_behind(world):
    """Devices go from root to root: they would follow one whose keys sign nothing."""
    (first, keys), (second, same_keys) = world.open(), world.open()
    replace_key(first, keys, TRUST.days, "timestamp", world.key_folder)
    with pytest.raises(Moved):
        replace_key(second, same_keys, TRUST.days, "timestamp", world.key_folder)
    assert world.offered() == "first"


def test_metadata_of_another_root_than_lies_with_the_keys_are_not_signed(world, tmp_path):
    other = World(tmp_path / "other")
    other.publish("first")
    with pytest.raises(TrustError, match="others than the one that lies with the keys"):
        Repository.open(other.store, Keys([world.key_folder]))


def test_where_the_metadata_went_nothing_is_signed_as_if_it_were_the_first_time(world):
    """Whoever may write into the store could remove them: a new root entitled keys again that had been replaced."""
    repository, keys = world.open()
    replace_key(repository, keys, TRUST.days, "timestamp", world.key_folder)
    shutil.rmtree(Path(world.store.root, layout.METADATA))
    with pytest.raises(TrustError, match="have signed already, and what they signed is not in"):
        world.publish("second")


def test_keys_of_one_store_sign_for_no_other(world, tmp_path):
    """They did, and the first store could not be published to any more: the root that lay with the keys was the other's."""
    with pytest.raises(TrustError, match="for another store name other keys in PCR_KEYS"):
        initialised(FolderStore(str(tmp_path / "other")), [world.key_folder], TRUST.days, may_make=True)
    world.publish("second")
    assert world.offered() == "second"
