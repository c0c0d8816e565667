"""Metadata that somebody deleted, or that half a copy lacks: noticed before a device asks for them, mended or refused."""

import pytest

from pcr_assets import layout
from pcr_assets.trust.channels import replace_key
from pcr_assets.trust.keys import TrustError
from pcr_assets.trust.lost import lost, why_unsigned
from pcr_assets.trust.metadata import Repository
from pcr_assets_tests.trust.offering import TRUST, World

SIGNED = ["1.canary.json", "1.root.json", "1.snapshot.json", "1.stable.json", "1.targets.json"]


def test_nothing_is_lost_of_what_was_just_signed(world):
    assert lost(world.store) == []
    repository, keys = world.open()
    replace_key(repository, keys, TRUST.days, "root", world.key_folder)
    assert lost(world.store) == []


@pytest.mark.parametrize("key", [layout.TIMESTAMP, layout.ROOT_COPY, *(f"{layout.METADATA}/{name}" for name in SIGNED)])
@pytest.mark.parametrize("left", [None, b"", b"<html>"])
def test_each_file_that_devices_ask_for_is_missed(world, key, left):
    world.store.remove(key)
    if left is not None:
        world.store.write(key, left)
    read = key.endswith(("timestamp.json", "releases/root.json", "snapshot.json"))
    assert lost(world.store) == ([] if left and not read else [key])


@pytest.mark.parametrize(
    ("key", "signed"),
    [
        (layout.ROOT_COPY, '{"version": 1000000000}'),
        (layout.ROOT_COPY, '{"version": "1"}'),
        (layout.ROOT_COPY, '{"version": 1.5}'),
        (layout.TIMESTAMP, '{"meta": [1]}'),
        (layout.TIMESTAMP, '{"meta": {"../../snapshot.json": {"version": 1}}}'),
        (layout.TIMESTAMP, '{"meta": {"snapshot.json": 1}}'),
        (layout.TIMESTAMP, "[" * 100_000),
    ],
)
def test_what_is_no_metadata_is_missed_at_once(world, key, signed):
    """Somebody who may write into the store put it there: each plan, and so each refresh, ended in a traceback, or never."""
    world.store.write(key, f'{{"signed": {signed}}}'.encode())
    assert set(lost(world.store)) & {key, f"{layout.METADATA}/2.root.json"}


def test_a_root_before_the_newest_one_is_missed(world):
    repository, keys = world.open()
    replace_key(repository, keys, TRUST.days, "root", world.key_folder)
    world.store.remove(f"{layout.METADATA}/1.root.json")
    assert lost(world.store) == [f"{layout.METADATA}/1.root.json"]


@pytest.mark.parametrize("left", [None, b"<html>"])
def test_the_root_that_a_person_carries_to_a_device_comes_back_with_the_same_release(world, left):
    world.store.remove(layout.ROOT_COPY)
    if left:
        world.store.write(layout.ROOT_COPY, left)
    world.publish("first")
    assert world.store.read(layout.ROOT_COPY) == world.root
    assert lost(world.store) == []


def test_a_timestamp_comes_back_with_the_same_release(world):
    world.store.remove(layout.TIMESTAMP)
    world.publish("first")
    assert lost(world.store) == []
    assert world.offered() == "first"


@pytest.mark.faults
@pytest.mark.parametrize(
    ("file", "told"),
    [
        ("1.root.json", r"1\.root\.json is gone, and lies with the keys as root\.json\): restore"),
        ("1.stable.json", r"1\.stable\.json does not exist\): restore"),
        ("1.snapshot.json", r"1\.snapshot\.json does not exist\): restore"),
    ],
)
def test_what_can_not_be_signed_anew_without_knowing_what_it_said_is_named_with_the_cure(world, file, told):
    kept = world.store.read(f"{layout.METADATA}/{file}")
    world.store.remove(f"{layout.METADATA}/{file}")
    with pytest.raises(TrustError, match=told):
        world.publish("second")
    world.store.write(f"{layout.METADATA}/{file}", kept)
    world.publish("second")
    assert world.offered() == "second"


def test_of_two_lost_roots_the_first_one_is_named(world):
    repository, keys = world.open()
    for _ in range(2):
        replace_key(repository, keys, TRUST.days, "root", world.key_folder)
        repository, keys = world.open()
    for number in (2, 3):
        world.store.remove(f"{layout.METADATA}/{number}.root.json")
    with pytest.raises(TrustError, match=r"\(2\.root\.json is gone\)"):
        Repository.open(world.store, keys)


def test_a_store_that_never_had_metadata_is_told_from_one_that_lost_the_timestamp(world, tmp_path):
    world.store.remove(layout.TIMESTAMP)
    assert "timestamp.json is gone: restore it" in why_unsigned(world.store)
    assert "has no metadata yet" in why_unsigned(World(tmp_path / "other").store)
