"""What a publisher signs, as a device believes it: channels, promotion, renewal, new keys, publishers side by side."""

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from edge_runtime.channel import newest
from edge_runtime.publishers import open_publisher
from edge_runtime.refusals import Expired, NoRelease, ReleaseError
from pcr_assets import layout
from pcr_assets.resources.store import FolderStore, Moved, open_store
from pcr_assets.trust.channels import HISTORY, initialised, promote, publish_release, releases_in, renew, replace_key
from pcr_assets.trust.keys import Keys, TrustError
from pcr_assets.trust.metadata import Repository
from pcr_assets.trust.settings import CHANNELS, ROLES, Days, TrustSettings, expiry

TRUST = TrustSettings()
CANARY_ONLY = TrustSettings(channels=("canary",))


class World:
    """A store, its keys, and a device that pinned the first root."""

    def __init__(self, folder: Path, store=None):
        self.folder, self.key_folder = folder, folder / "keys"
        self.store = store or FolderStore(str(folder / "store"))

    def open(self):
        return initialised(self.store, [self.key_folder], TRUST.days, may_make=True)

    def publish(self, release_id, trust=TRUST):
        repository, keys = self.open()
        return publish_release(repository, keys, trust, release_id, f"manifest of {release_id}".encode())

    def pin(self):
        self.root = self.store.read(f"{layout.RELEASES}/root.json")

    def offered(self, channel="stable", device="device"):
        """What a device takes for the newest."""
        publisher = open_publisher(f"{self.store.root}/{layout.RELEASES}")
        return newest(publisher, self.folder / device, channel, [self.root]).release_id


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path)
    world.publish("first")
    world.pin()
    return world


def test_a_release_is_offered_in_both_channels_by_default(world):
    assert (world.offered("stable"), world.offered("canary")) == ("first", "first")


def test_the_same_release_again_signs_nothing(world):
    before = world.store.read(f"{layout.METADATA}/timestamp.json")
    assert not world.publish("first")
    assert world.store.read(f"{layout.METADATA}/timestamp.json") == before


def test_a_canary_becomes_stable_when_it_is_promoted(world):
    world.publish("second", CANARY_ONLY)
    assert (world.offered("stable"), world.offered("canary")) == ("first", "second")
    repository, keys = world.open()
    assert promote(repository, keys, TRUST, "second")
    assert world.offered("stable") == "second"
    repository, keys = world.open()
    assert not promote(repository, keys, TRUST, "second")


def test_an_earlier_release_can_be_promoted_again_and_devices_take_it(world):
    world.publish("second")
    assert world.offered() == "second"
    repository, keys = world.open()
    promote(repository, keys, TRUST, "first")
    assert world.offered() == "first"


def test_only_releases_that_a_channel_signed_can_be_promoted(world):
    world.store.write(f"{layout.RELEASES}/evil/manifest.json", b"evil")
    repository, keys = world.open()
    with pytest.raises(TrustError, match="no channel names evil: first may be promoted"):
        promote(repository, keys, TRUST, "evil")


def test_a_channel_remembers_a_few_releases(world):
    for name in ("second", "third", "fourth"):
        world.publish(name)
    repository, _ = world.open()
    assert releases_in(repository, "stable") == ["second", "third", "fourth"]
    assert HISTORY == 3


def test_a_channel_in_which_nothing_was_published_offers_nothing(tmp_path):
    world = World(tmp_path)
    world.publish("first", CANARY_ONLY)
    world.pin()
    with pytest.raises(NoRelease, match="nothing in the channel stable"):
        world.offered()


def expired(world, *roles):
    """Sign some roles so that they have expired."""
    short = Days(**dict.fromkeys({"channel" if role in CHANNELS else role for role in roles}, 1e-9))
    repository, keys = world.open()
    for role in roles:
        if role not in ("snapshot", "timestamp"):
            repository.sign(role, keys, short)
    repository.publish(keys, short, renew=True)


def test_what_has_expired_is_renewed_while_nothing_is_new(world):
    expired(world, "snapshot", "timestamp")
    with pytest.raises(Expired, match=r"pcr_assets\.trust renew"):
        world.offered()
    repository, keys = world.open()
    assert renew(repository, keys, TRUST.days).signed == ("snapshot", "timestamp")
    assert world.offered() == "first"


def test_roles_that_are_due_are_renewed_when_their_keys_are_here_and_named_when_not(world):
    expired(world, "targets", *CHANNELS)
    (world.key_folder / "targets.pem").rename(world.folder / "targets.pem")
    repository, keys = world.open()
    done = renew(repository, keys, TRUST.days)
    assert done.waiting == ("targets",)
    assert {"canary", "stable"} <= set(done.signed)
    (world.folder / "targets.pem").rename(world.key_folder / "targets.pem")
    repository, keys = world.open()
    assert renew(repository, keys, TRUST.days).waiting == ()
    assert world.offered() == "first"


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


def test_signed_metadata_say_when_they_were_signed(world):
    signed = json.loads(world.store.read(f"{layout.METADATA}/timestamp.json"))["signed"]
    assert abs(datetime.fromisoformat(signed["x-signed-at"]) - datetime.now(UTC)) < timedelta(hours=1)


def test_a_bucket_is_published_to_and_pulled_from(bucket, tmp_path, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", os.environ["PCR_S3_ENDPOINT"])
    world = World(tmp_path, open_store(bucket))
    world.publish("first")
    world.pin()
    assert world.offered() == "first"
    world.publish("second")
    assert world.offered() == "second"
    publisher = open_publisher(f"{bucket}/{layout.RELEASES}")
    world.store.write(f"{layout.PARTS}/{'0' * 64}", b"0123456789")
    assert b"".join(publisher.read(f"parts/{'0' * 64}", 4)) == b"456789"
    assert b"".join(publisher.read(f"parts/{'0' * 64}", 10)) == b""
    with pytest.raises(ReleaseError, match="is missing, or may not be read"):
        b"".join(publisher.read("parts/none"))
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setattr("edge_runtime.publishers.resumed.TRIES", 1)
    with pytest.raises(ReleaseError, match="can't be reached"):
        b"".join(open_publisher(bucket).read("parts/none"))
