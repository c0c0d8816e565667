"""Keys that are replaced, or kept offline, and metadata that nobody here signed."""

import json
import os
import shutil
from pathlib import Path

import pytest

from pcr_assets import layout
from pcr_assets.resources.store import FolderStore
from pcr_assets.trust.channels import initialised, replace_key
from pcr_assets.trust.keys import Keys, TrustError
from pcr_assets.trust.metadata import Repository
from pcr_assets.trust.settings import ROLES
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


def test_offline_keys_are_not_needed_to_publish(world):
    for name in ("root.pem", "targets.pem"):
        (world.key_folder / name).rename(world.folder / name)
    world.publish("second")
    assert world.offered() == "second"


def test_metadata_that_somebody_changed_in_the_store_are_not_signed_again(world):
    repository, _ = world.open()
    key = f"{layout.METADATA}/{repository.channel('stable').version}.stable.json"
    said = json.loads(world.store.read(key))
    said["signed"]["targets"]["stable/manifest.json"]["custom"]["release_id"] = "evil"
    world.store.write(key, json.dumps(said).encode())
    with pytest.raises(TrustError, match="can't be believed"):
        world.publish("second")


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
