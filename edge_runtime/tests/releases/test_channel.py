"""Attacks on what a channel says: each is refused in a sentence of its own, and a device goes on with what it has."""

import json
import shutil

import pytest
from securesystemslib.signer import CryptoSigner
from signing import Repository, in_days

from edge_runtime.publishers import FolderPublisher
from edge_runtime.releases.channel import newest
from edge_runtime.releases.opening import open_newest
from edge_runtime.releases.pull import pull
from edge_runtime.releases.refusals import (
    BadSignature,
    ClockIsWrong,
    Damaged,
    Downgrade,
    Endless,
    Expired,
    Mixed,
    TooFewSignatures,
    UnknownPublisher,
)
from edge_runtime.releases.release import open_release


@pytest.fixture
def home(tmp_path):
    return tmp_path / "device"


@pytest.fixture
def take(published, home):
    """Lets a device that pinned the first root look for what is new, some channel's."""
    roots = published.trusted

    def newest_of(channel="stable"):
        return newest(FolderPublisher(published.releases), home / "metadata", channel, roots).release_id

    return newest_of


@pytest.mark.faults
def test_freeze_a_source_that_shows_the_same_for_ever_is_found_out_when_it_expires(published, take):
    published.repository.timestamp.expires = in_days(-1)
    published.repository.write_timestamp()
    with pytest.raises(Expired, match="somebody may hold back what is newer"):
        take()


@pytest.mark.faults
@pytest.mark.parametrize("role", ["root", "targets", "snapshot", "stable"])
def test_every_role_expires(published, take, role):
    repository = published.repository
    signed = repository.channels[role] if role == "stable" else getattr(repository, role)
    signed.expires = in_days(-1)
    if role == "root":
        repository.write_root()
    elif role == "targets":
        repository.write_targets()
    elif role == "stable":
        repository.write_channel(role)
    repository.renew()
    with pytest.raises(Expired, match=f"{role}.* is expired"):
        take()


def test_downgrade_an_old_copy_of_everything_is_not_taken(published, take):
    old = shutil.copytree(published.releases / "metadata", published.releases.parent / "old")
    published.change_a_row()
    take()
    shutil.rmtree(published.releases / "metadata")
    shutil.copytree(old, published.releases / "metadata")
    with pytest.raises(Downgrade, match="Is it an old copy"):
        take()


def test_downgrade_with_the_stolen_keys_of_timestamp_and_snapshot_an_old_channel_is_not_taken(published, take):
    repository = published.repository
    old = repository.snapshot.meta["stable.json"]
    published.change_a_row()
    take()
    repository.snapshot.meta["stable.json"] = old
    repository.renew()
    with pytest.raises(Downgrade):
        take()


def test_mix_and_match_a_channel_of_another_moment_is_not_taken(published, take):
    metadata, version = published.releases / "metadata", published.repository.channels["stable"].version
    published.change_a_row()
    (metadata / f"{version + 1}.stable.json").write_bytes((metadata / f"{version}.stable.json").read_bytes())
    with pytest.raises(Mixed, match="never published together"):
        take()


@pytest.mark.parametrize("role", ["snapshot", "stable"])
def test_mix_and_match_metadata_that_are_named_but_lack_are_told(published, take, role):
    repository = published.repository
    version = repository.snapshot.version if role == "snapshot" else repository.channels[role].version
    (published.releases / "metadata" / f"{version}.{role}.json").unlink()
    with pytest.raises(Mixed, match=f"{version}.{role}.json is missing"):
        take()


@pytest.mark.parametrize("file", ["timestamp.json", "1.root.json", "2.root.json"])
def test_endless_data_are_not_read_to_their_end(published, take, file):
    path = published.releases / "metadata" / file
    before = path.read_bytes() if path.exists() else b"{"
    path.write_bytes(before + b" " * (1 << 20))
    with pytest.raises(Endless, match="not taken"):
        take()


@pytest.mark.parametrize("role", ["timestamp", "snapshot", "targets", "stable"])
def test_wrong_key_what_another_key_signed_is_not_taken(published, take, role):
    repository = published.repository
    repository.keys[role] = [CryptoSigner.generate_ed25519()]
    if role == "targets":
        repository.write_targets()
    published.publish()
    with pytest.raises(BadSignature, match=f"{role} is not signed by a key that its publisher entitled"):
        take()


def test_threshold_too_few_signatures_are_not_enough(published, take):
    repository = published.repository
    second = CryptoSigner.generate_ed25519()
    repository.root.add_key(second.public_key, "targets")
    repository.root.roles["targets"].threshold = 2
    repository.write_root()
    repository.write_targets()
    repository.renew()
    with pytest.raises(TooFewSignatures, match="1 good signatures of the 2"):
        take()
    repository.keys["targets"].append(second)
    repository.write_targets()
    repository.renew()
    assert take() == published.folder.name


def test_threshold_one_key_twice_is_one_signature(published, take):
    repository = published.repository
    repository.root.roles["timestamp"].threshold = 2
    repository.root.add_key(CryptoSigner.generate_ed25519().public_key, "timestamp")
    repository.write_root()
    timestamp = json.loads(repository.sign(repository.timestamp, *repository.keys["timestamp"]))
    timestamp["signatures"] *= 2
    (published.releases / "metadata" / "timestamp.json").write_text(json.dumps(timestamp))
    with pytest.raises((Damaged, TooFewSignatures)):
        take()


def test_a_publisher_whose_root_is_not_pinned_is_refused_with_the_cure(published, home):
    with pytest.raises(UnknownPublisher, match=r"edge-runtime trust .*releases/root\.json"):
        newest(FolderPublisher(published.releases), home / "metadata", "stable", [])


def test_the_canary_s_key_can_offer_nothing_as_stable(published, take):
    repository = published.repository
    repository.keys["stable"] = repository.keys["canary"]
    published.change_a_row()
    with pytest.raises(BadSignature):
        take()


def test_a_login_page_instead_of_metadata_is_told(published, take):
    (published.releases / "metadata" / "timestamp.json").write_text("<!DOCTYPE html><html>Welcome!</html>")
    with pytest.raises(Damaged, match="login page"):
        take()


def test_root_rotation_is_followed_over_many_roots_and_the_old_keys_sign_no_more(published, take):
    repository = published.repository
    take()
    for _ in range(3):
        for role in ("root", "timestamp", "snapshot", "targets"):
            before = repository.keys[role]
            repository.keys[role] = [CryptoSigner.generate_ed25519()]
            repository.root.revoke_key(before[0].public_key.keyid, role)
            repository.root.add_key(repository.keys[role][0].public_key, role)
            if role == "root":
                old = before
        repository.write_root(*old)
    repository.write_targets()
    published.change_a_row()
    assert take() == published.folder.name
    repository.keys["timestamp"] = [CryptoSigner.generate_ed25519()]
    repository.renew()
    with pytest.raises(BadSignature):
        take()


def test_a_root_that_the_one_before_did_not_sign_is_not_followed(published, take):
    repository = published.repository
    repository.keys["root"] = [CryptoSigner.generate_ed25519()]
    repository.root.add_key(repository.keys["root"][0].public_key, "root")
    repository.write_root()
    with pytest.raises(BadSignature, match="root is not signed by a key"):
        take()


@pytest.mark.parametrize("rotated", [False, True])
def test_a_publisher_that_began_anew_is_believed_once_its_new_root_is_pinned(published, home, rotated):
    roots = published.trusted
    if rotated:
        published.repository.write_root()
    pull(published.releases, home, roots)
    shutil.rmtree(published.releases / "metadata")
    published.repository = Repository(published.releases)
    published.change_a_row()
    with pytest.raises(UnknownPublisher):
        pull(published.releases, home, roots)
    pulled = pull(published.releases, home, [*roots, *published.trusted])
    assert open_release(pulled.folder, published.trusted).release_id == published.folder.name


@pytest.mark.faults
@pytest.mark.parametrize("pulled_before", [False, True])
def test_a_clock_that_is_behind_is_told_as_that_and_mistaken_for_nothing_else(published, take, pulled_before):
    if pulled_before:
        take()
    published.repository.signed_at = in_days(400)
    published.repository.renew()
    with pytest.raises(ClockIsWrong, match="set the clock"):
        take()
    published.repository.timestamp.expires = in_days(-1)
    published.repository.write_timestamp()
    with pytest.raises(ClockIsWrong):
        take()


def test_a_publisher_whose_clock_is_ahead_by_less_than_an_hour_is_believed(published, take):
    published.repository.signed_at = in_days(0.9 / 24)
    published.repository.renew()
    take()


@pytest.mark.faults
def test_nothing_new_is_taken_from_a_publisher_whose_word_has_expired(published, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    good = open_newest(published.releases, published.trusted).release_id
    published.repository.timestamp.expires = in_days(-1)
    published.change_a_row()
    said = []
    assert open_newest(published.releases, published.trusted, say=said.append).release_id == good
    assert "has expired" in said[0]
    assert "going on with the last good release" in said[0]


@pytest.mark.faults
def test_a_release_whose_signatures_expired_here_is_served_with_a_warning(publisher):
    publisher.repository.channels["stable"].expires = in_days(-1)
    publisher.publish(publisher.folder, publisher.manifest)
    said = []
    assert open_newest(publisher.releases, publisher.trusted, say=said.append).release_id == publisher.folder.name
    assert said[0].startswith("WARNING: the signatures of release")


def test_newer_signatures_of_the_same_release_are_kept_with_it(published, home):
    roots = published.trusted
    published.repository.channels["stable"].expires = in_days(5)
    published.publish()
    first = pull(published.releases, home, roots)
    published.repository.channels["stable"].expires = in_days(500)
    published.publish()
    second = pull(published.releases, home, roots)
    assert (first.release_id, second.parts) == (second.release_id, 0)
    assert open_release(home / "releases", roots).signed.expires > in_days(400)
