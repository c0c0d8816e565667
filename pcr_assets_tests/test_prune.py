"""What is removed of old releases, and above all what is not."""

import os
import time
from pathlib import Path

import pytest

from pcr_assets import digests, layout, prune
from pcr_assets.gallery.parts import Parts, part_key
from pcr_assets.resources.artifacts import Artifacts
from pcr_assets.resources.store import Entry, FolderStore, StoreError
from pcr_assets.trust.channels import initialised, publish_release
from pcr_assets.trust.settings import TrustSettings

DAY = 24 * 3600.0


@pytest.fixture
def store(tmp_path):
    return FolderStore(str(tmp_path / "store"))


def release(store, name, age_days, *contents):
    """Publish a release of a few files; everything that it wrote is so many days old."""
    before = {entry.key for entry in store.list()}
    artifacts = Artifacts(store)
    files = {f"{digests.of_bytes(data)[:8]}.csv": data for data in contents}
    made = artifacts.publish("made", files, digest=digests.of_json([data.hex() for data in contents]))
    entries = Parts(store, {entry.key.rpartition("/")[2] for entry in store.list(layout.PARTS)}).publish(
        made.files, artifacts.fetch_file
    )
    store.write(f"{layout.RELEASES}/{name}/manifest.json", digests.canonical_json({"files": entries}))
    store.write(f"{layout.RELEASES}/current.json", digests.canonical_json({"version": name}))
    when = time.time() - age_days * DAY
    for entry in store.list():
        if entry.key not in before:
            os.utime(Path(store.root, entry.key), (when, when))
    return entries


def present(store, data):
    return store.size(part_key(digests.of_bytes(data))) is not None


def test_the_newest_releases_and_the_parts_they_name_stay(store):
    release(store, "first", 9, b"only in the first", b"in all")
    release(store, "second", 8, b"only in the second", b"in all")
    release(store, "third", 7, b"only in the third", b"in all")
    done = prune.prune(store, keep=2, older_than=DAY)
    assert (done.kept, done.removed, done.parts) == (("third", "second"), ("first",), 1)
    assert not present(store, b"only in the first")
    assert present(store, b"only in the second") and present(store, b"only in the third") and present(store, b"in all")
    assert [entry.key for entry in store.list(f"{layout.RELEASES}/first")] == []


def test_of_a_file_in_many_parts_its_list_and_all_of_them_stay(store):
    data = os.urandom(200_000)
    release(store, "old", 9, os.urandom(200_000))
    (entry,) = release(store, "new", 8, data).values()
    prune.prune(store, keep=1, older_than=DAY)
    from pcr_assets.gallery.parts import named

    shas = named(store, entry)
    assert len(shas) > 3
    assert all(store.size(part_key(sha)) is not None for sha in shas)
    assert len(list(store.list(layout.PARTS))) == len(set(shas))


def test_the_current_release_stays_though_others_are_newer(store):
    release(store, "rolled back to", 9, b"old")
    release(store, "newer", 8, b"new")
    store.write(f"{layout.RELEASES}/current.json", digests.canonical_json({"version": "rolled back to"}))
    assert prune.prune(store, keep=1, older_than=DAY).removed == ()
    assert present(store, b"old")


def test_what_the_signed_metadata_offer_stays(store, tmp_path):
    for age, name in enumerate(("third", "second", "first")):
        release(store, name, 9 - age, name.encode())
    trust = TrustSettings()
    repository, keys = initialised(store, [tmp_path / "keys"], trust.days, may_make=True)
    publish_release(repository, keys, trust, "third", b"manifest")
    done = prune.prune(store, keep=1, older_than=DAY)
    assert (done.kept, done.removed) == (("first", "third"), ("second",))
    assert present(store, b"third")


def test_what_a_publisher_at_work_has_written_so_far_stays(store):
    release(store, "current", 9, b"a")
    store.write(part_key(digests.of_bytes(b"of a release to come")), b"of a release to come")
    assert prune.prune(store, keep=1, older_than=DAY).parts == 0
    assert present(store, b"of a release to come")


def test_a_part_that_no_release_names_goes_when_it_is_old_enough(store):
    release(store, "current", 9, b"a")
    key = part_key(digests.of_bytes(b"of a killed publisher"))
    store.write(key, b"of a killed publisher")
    assert prune.prune(store, keep=1, older_than=DAY, now=time.time() + 2 * DAY).parts == 1


def test_nothing_is_removed_when_a_kept_release_does_not_say_what_it_needs(store):
    release(store, "first", 9, b"old")
    (entry,) = release(store, "second", 8, os.urandom(100_000)).values()
    store.remove(part_key(entry["parts"]["sha256"]))
    with pytest.raises(StoreError, match="nothing was removed"):
        prune.prune(store, keep=1, older_than=DAY)
    assert present(store, b"old")


def test_a_store_that_tells_no_times_is_not_pruned(store, monkeypatch):
    release(store, "current", 9, b"a")
    listed = [Entry(entry.key, entry.size, entry.etag) for entry in store.list(layout.RELEASES)]
    monkeypatch.setattr(store, "list", lambda prefix="": iter(listed))
    with pytest.raises(StoreError, match="doesn't tell when"):
        prune.prune(store)


def test_at_least_one_release_is_kept(store):
    with pytest.raises(StoreError, match="keep 1 or more"):
        prune.prune(store, keep=0)


def test_the_command_says_what_it_did(store, monkeypatch, capsys):
    monkeypatch.setenv("PCR_STORE", store.root)
    inner = FolderStore(f"{store.root}/{layout.PROJECT}")
    release(inner, "first", 9, b"old")
    release(inner, "second", 8, b"new")
    assert prune.main(["--keep", "1"]) == 0
    assert "removed 1 releases and 1 parts" in capsys.readouterr().out
    assert prune.main(["--keep", "0"]) == 1
