"""A publisher that is killed at any of its writes, or one of two at once: devices see the old release, the next one
publishes."""

from datetime import timedelta

import pytest

from pcr_assets import layout
from pcr_assets.resources.store import Moved
from pcr_assets.trust.channels import publish_release, replace_key
from pcr_assets.trust.keys import TrustError
from pcr_assets.trust.settings import ROLES, expiry
from pcr_assets_tests.trust.offering import TRUST, World


@pytest.mark.faults
def test_of_two_publishers_at_once_one_is_told_to_run_again(world):
    repository, keys = world.open()
    other, _ = world.open()
    publish_release(repository, keys, TRUST, "second", b"second")
    with pytest.raises(Moved):
        publish_release(other, keys, TRUST, "third", b"third")
    assert world.offered() == "second"
    world.publish("third")
    assert world.offered() == "third"


class Killed(BaseException):
    pass


@pytest.fixture
def killed(monkeypatch):
    """Does something with a store until its n-th write, before which the publisher is killed; gives whether it was."""

    def until(writes, store, work):
        done = 0

        def dying(method):
            def call(*arguments, **named):
                nonlocal done
                done += 1
                if done > writes:
                    raise Killed
                return method(*arguments, **named)

            return call

        with monkeypatch.context() as patch:
            for name in ("create", "write", "swap"):
                patch.setattr(store, name, dying(getattr(store, name)))
            try:
                work()
            except Killed:
                return True
        return False

    return until


@pytest.mark.faults
@pytest.mark.parametrize("writes", range(6))
def test_a_publisher_that_is_killed_at_any_write_leaves_what_was_offered_and_the_next_one_publishes(
    world, killed, writes
):
    repository, keys = world.open()
    if killed(writes, world.store, lambda: publish_release(repository, keys, TRUST, "second", b"second")):
        assert world.offered() == "first"
    world.publish("third")
    assert world.offered() == "third"


@pytest.mark.faults
def test_a_store_that_lost_its_timestamp_offers_to_devices_that_have_seen_later_ones(world):
    """Whatever deleted it left the roots and the other roles: of a timestamp that began anew devices would think that it is old."""
    world.publish("second")
    world.publish("third")
    assert world.offered() == "third"
    world.store.remove(f"{layout.METADATA}/timestamp.json")
    world.publish("fourth")
    assert world.offered() == "fourth"


LATER = timedelta(days=1)


@pytest.mark.faults
@pytest.mark.parametrize("writes", range(8))
def test_a_publisher_that_is_killed_at_any_write_of_the_first_metadata_is_followed_by_one_that_publishes(
    tmp_path, killed, writes, monkeypatch
):
    world = World(tmp_path)
    assert killed(writes, world.store, lambda: world.publish("first"))
    pinned = world.store.read(f"{layout.METADATA}/1.root.json") if writes > 5 else None
    monkeypatch.setattr("pcr_assets.trust.metadata.expiry", lambda role, days: expiry(role, days) + LATER)
    world.publish("second")
    world.pin()
    assert world.offered() == "second"
    assert pinned in (None, world.root), "somebody may have carried it to a device"


def test_a_first_root_of_other_keys_that_nothing_belongs_to_is_told(tmp_path, killed):
    world = World(tmp_path)
    assert killed(6, world.store, lambda: world.publish("first"))
    world.key_folder = tmp_path / "other keys"
    with pytest.raises(TrustError, match=r"1.root.json entitles other keys .* remove releases/metadata and run again"):
        world.publish("second")


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("writes", range(6))
def test_a_publisher_that_is_killed_while_it_replaces_a_key_leaves_nothing_that_the_next_one_does_not_mend(
    world, killed, writes, role
):
    repository, keys = world.open()
    killed(writes, world.store, lambda: replace_key(repository, keys, TRUST.days, role, world.key_folder))
    world.publish("first")  # what is offered already
    assert world.offered() == "first"
    world.publish("second")
    assert world.offered() == "second"
