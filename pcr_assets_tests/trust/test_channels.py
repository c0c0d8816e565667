"""What a publisher signs, as a device believes it: channels, promotion, renewal."""

import json
import os
from datetime import UTC, datetime, timedelta

import pytest

from edge_runtime.publishers import open_publisher
from edge_runtime.releases.refusals import Expired, NoRelease, ReleaseError
from pcr_assets import layout
from pcr_assets.resources.store import open_store
from pcr_assets.trust.channels import HISTORY, promote, releases_in, renew
from pcr_assets.trust.keys import TrustError
from pcr_assets.trust.settings import CHANNELS, Days
from pcr_assets_tests.trust.offering import CANARY_ONLY, TRUST, World


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


def test_what_was_taken_back_does_not_return_when_something_of_it_is_mended_but_when_it_is_made_anew(world):
    world.publish("bad", CANARY_ONLY)
    promote(*world.open(), TRUST, "first", "canary")
    world.publish("bad", CANARY_ONLY, again=True)
    assert world.offered("canary") == "first"
    world.publish("never offered, for its publisher was killed", CANARY_ONLY, again=True)
    assert world.offered("canary") == "never offered, for its publisher was killed"
    promote(*world.open(), TRUST, "first", "canary")
    world.publish("bad", CANARY_ONLY)
    assert world.offered("canary") == "bad"


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


def test_to_publish_the_same_release_again_renews_what_has_expired(world):
    expired(world, "snapshot", "timestamp")
    assert world.publish("first")
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
