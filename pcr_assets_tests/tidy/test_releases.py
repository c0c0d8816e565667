"""Which releases and parts go, and above all which don't."""

import os
import threading

import pytest

from pcr_assets import digests, layout
from pcr_assets.gallery.parts import named, part_key
from pcr_assets.resources.store import Entry, StoreError
from pcr_assets.trust.channels import initialised, publish_release
from pcr_assets.trust.settings import TrustSettings

FIRST, SECOND, THIRD = "a" * 16, "b" * 16, "c" * 16


@pytest.fixture
def offer(site, tmp_path):
    """Publishes a release with so many parts, and signs that channels offer it."""

    def published(release_id, *parts):
        trust = TrustSettings()
        repository, keys = initialised(site.store, [tmp_path / "keys"], trust.days, may_make=True)
        site.release(release_id, *parts)
        publish_release(repository, keys, trust, release_id, b"manifest")

    return published


def test_the_newest_release_and_the_parts_it_names_stay(site):
    site.release(FIRST, b"only in the first", b"in all")
    site.release(SECOND, b"only in the second", b"in all")
    assert {"part", "release", "version", "claim"} <= set(site.sweep())
    assert not site.has_part(b"only in the first")
    assert site.has_part(b"only in the second") and site.has_part(b"in all")
    assert site.keys(f"{layout.RELEASES}/{FIRST}") == []
    assert site.artifacts.find(layout.RELEASES).version == SECOND
    assert site.artifacts.find("cards") is not None
    assert site.look() == [], "a second look finds nothing"


def test_nothing_is_removed_by_looking(site):
    site.release(FIRST, b"old")
    site.release(SECOND, b"new")
    before = site.keys()
    assert site.look()
    assert site.keys() == before


def test_of_a_file_in_many_parts_its_list_and_all_of_them_stay(site):
    site.release(FIRST, os.urandom(100_000))
    (entry,) = site.release(SECOND, os.urandom(100_000)).values()
    site.sweep()
    shas = set(named(site.store, entry))
    assert len(shas) > 3
    assert set(site.keys(layout.PARTS)) == {part_key(sha) for sha in shas}


@pytest.mark.parametrize("pointer", ["current.json", "in_use/pi-1.json"])
def test_a_release_that_somebody_names_stays_though_others_are_newer(site, pointer):
    site.release(FIRST, b"old")
    back_then = site.store.read(f"{layout.RELEASES}/current.json")
    site.release(SECOND, b"new")
    note = digests.canonical_json({"release_id": FIRST})
    site.store.write(f"{layout.RELEASES}/{pointer}", back_then if pointer == "current.json" else note)
    site.later(days=40)
    site.sweep()
    assert site.has_part(b"old")


def test_a_release_that_the_projects_manifest_names_stays_though_others_are_newer(site):
    site.release(FIRST, b"old")
    site.release(SECOND, b"new")
    site.store.write("metadata/project_manifest.json", digests.canonical_json({"release": {"id": FIRST}}))
    site.later(days=40)
    site.sweep()
    assert site.has_part(b"old")


def test_what_the_signed_metadata_offer_stays_though_others_are_newer(site, offer):
    offer(FIRST, b"offered")
    site.release(SECOND, b"never offered")
    site.release(THIRD, b"new")
    site.later(days=40)
    site.sweep()
    assert site.has_part(b"offered")
    assert not site.has_part(b"never offered")


def test_nothing_goes_when_the_signed_metadata_lack_a_file(site, offer):
    offer(FIRST, b"old")
    for key in site.keys(layout.METADATA):
        if key.endswith("snapshot.json"):
            site.store.remove(key)
    with pytest.raises(StoreError, match=r"snapshot.json is missing, .*nothing was removed"):
        site.sweep()


def test_nothing_goes_when_the_signed_metadata_lack_their_timestamp(site, offer):
    """What a channel offers besides the current release, only they say."""
    offer(FIRST, b"offered")
    site.release(SECOND, b"never offered")
    site.store.remove(layout.TIMESTAMP)
    with pytest.raises(StoreError, match=r"timestamp\.json is gone: .*nothing was removed"):
        site.sweep()


def test_a_note_that_is_too_old_or_says_nothing_keeps_no_release(site):
    site.release(FIRST, b"old")
    site.release(SECOND, b"new")
    site.store.write(f"{layout.IN_USE}/pi-1.json", digests.canonical_json({"release_id": FIRST}))
    site.store.write(f"{layout.IN_USE}/pi-2.json", b'{"relea')
    site.store.write(f"{layout.IN_USE}/pi-3.json", b"[" * 100_000)
    site.later(days=40)
    assert "device's note" not in site.sweep()
    assert site.has_part(b"old")
    site.later(days=91)
    assert {"device's note", "release", "part"} <= set(site.sweep())
    assert not site.has_part(b"old")


def test_the_notes_of_many_devices_are_read_several_at_a_time(site, monkeypatch):
    """A publisher waits for ten minutes at most, and those of ten thousand devices took longer, one after the other."""
    site.release(FIRST, b"old")
    site.release(SECOND, b"new")
    for number in range(4):
        site.store.write(f"{layout.IN_USE}/pi-{number}.json", digests.canonical_json({"release_id": FIRST}))
    read, together = site.store.read, threading.Barrier(4, timeout=20)
    monkeypatch.setattr(site.store, "read", lambda key: (together.wait() if layout.IN_USE in key else 0, read(key))[1])
    site.later(days=40)
    site.sweep()
    assert site.has_part(b"old")


def test_what_kept_releases_share_is_read_once(site, monkeypatch):
    """A publisher waits for ten minutes at most, and a month of releases names the files of all sets again and again."""
    shared = os.urandom(100_000)
    releases = [site.release(release_id, shared, release_id.encode()) for release_id in (FIRST, SECOND, THIRD)]
    (shared_list,) = {entry["parts"]["sha256"] for files in releases for entry in files.values() if "parts" in entry}
    site.later(days=20, releases=3)
    read, asked = site.store.read, []
    monkeypatch.setattr(site.store, "read", lambda key: (asked.append(key), read(key))[1])
    site.look()
    assert asked.count(part_key(shared_list)) == 1


def test_a_release_stays_for_a_while_after_a_newer_one_came(site):
    site.release(FIRST, b"old")
    site.release(SECOND, b"new")
    site.later(days=29)
    site.sweep()
    assert site.has_part(b"old")
    site.later(days=31)
    site.sweep()
    assert not site.has_part(b"old")


def test_what_was_written_within_some_hours_stays(site):
    site.release(FIRST, b"current")
    site.store.write(part_key(digests.of_bytes(b"to come")), b"to come")
    site.store.write(f"{layout.RELEASES}/{SECOND}/note.json", b"its publisher is at work")
    site.later(hours=23)
    site.sweep()
    assert site.has_part(b"to come")
    assert site.keys(f"{layout.RELEASES}/{SECOND}")
    site.later(hours=25)
    site.sweep()
    assert not site.has_part(b"to come")
    assert not site.keys(f"{layout.RELEASES}/{SECOND}")


def test_nothing_goes_when_a_kept_release_does_not_say_what_it_needs(site):
    site.release(FIRST, b"old")
    (entry,) = site.release(SECOND, os.urandom(100_000)).values()
    site.store.remove(part_key(entry["parts"]["sha256"]))
    with pytest.raises(StoreError, match="nothing was removed"):
        site.sweep()
    assert site.has_part(b"old")


def test_nothing_goes_when_a_pointer_cannot_be_read(site):
    site.release(FIRST, b"old")
    site.store.write("cards/current.json", b'{"version": ')
    with pytest.raises(StoreError, match=r"cards/current\.json can't be read .*nothing was removed"):
        site.sweep()


def test_a_store_that_tells_no_times_is_left_as_it_is(site, monkeypatch):
    site.release(FIRST, b"a")
    listed = [Entry(entry.key, entry.size, entry.etag) for entry in site.store.list(layout.RELEASES)]
    monkeypatch.setattr(site.store, "list", lambda prefix="": iter(listed if prefix == layout.RELEASES else []))
    with pytest.raises(StoreError, match="doesn't tell when"):
        site.look()


def test_at_least_one_release_is_kept(site):
    site.later(releases=0)
    with pytest.raises(StoreError, match="keep 1 or more"):
        site.look()


@pytest.mark.faults
def test_what_a_killed_clearing_left_goes_with_the_next_one_and_no_manifest_names_a_part_that_is_gone(
    site, monkeypatch
):
    site.release(FIRST, b"old")
    site.release(SECOND, b"new")
    remove, batches = site.store.remove_many, []

    def killed(keys):
        batches.append(list(keys))
        if len(batches) == 2:
            raise KeyboardInterrupt
        remove(batches[0])

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(site.store, "remove_many", killed)
        site.sweep()
    assert site.store.size(f"{layout.RELEASES}/{FIRST}/manifest.json") is None
    assert site.has_part(b"old")
    assert "part" in site.sweep()
    assert not site.has_part(b"old")
    assert site.look() == []
