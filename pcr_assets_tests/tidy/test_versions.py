"""Which versions of artifacts go, which shards, and what killed writers left."""

import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from pcr_assets import layout
from pcr_assets.resources.ahead import Ahead
from pcr_assets.resources.store import FolderStore
from pcr_assets.resources.turns import PUBLISHING
from pcr_assets.tidy.found import DAY

LARGE = bytes(range(256)) * 36_000


def models(site, *contents):
    for data in contents:
        site.artifacts.publish("models/student", {"weights": data}, digest=data.hex() * 32, numbered=True)


def versions(site, name):
    return sorted({key.removeprefix(f"{name}/").split("/")[0] for key in site.keys(name)} - {"current.json"})


def test_files_that_the_current_version_names_again_stay_in_the_folder_of_the_old_one(site):
    first = site.artifacts.publish("cards", {"base1": b"1", "base2": b"2"}, digest="a" * 64)
    site.artifacts.publish("cards", {"base2": b"new"}, digest="b" * 64, kept={"base1": first.files["base1"]})
    assert site.sweep() == ["version"]
    found = site.artifacts.find("cards")
    assert {name: site.artifacts.fetch(found, name).read_bytes() for name in found.files} == {
        "base1": b"1",
        "base2": b"new",
    }
    assert site.store.size(first.files["base2"].key) is None


def test_content_that_comes_back_after_its_version_went_is_published_anew(site):
    for letter in "ab":
        site.artifacts.publish("cards", {"x": letter.encode()}, digest=letter * 64)
    assert site.sweep() == ["claim", "version"]
    again = site.artifacts.publish("cards", {"x": b"a"}, digest="a" * 64)
    assert site.artifacts.find("cards") == again
    assert site.artifacts.fetch(again, "x").read_bytes() == b"a"


def test_the_newest_versions_of_a_model_stay_and_numbers_go_on(site):
    models(site, b"0", b"1", b"2")
    site.later(days=100, releases=2)
    site.sweep()
    assert versions(site, "models/student") == ["v1.1", "v1.2"]
    models(site, b"3")
    assert site.artifacts.current("models/student").version == "v1.3"


def test_a_model_that_a_kept_release_holds_stays_with_it(site):
    models(site, b"shipped", b"later")
    site.release("a" * 16, b"shipped")
    site.sweep()
    assert versions(site, "models/student") == ["v1.0", "v1.1"]


def test_a_version_that_the_projects_manifest_names_stays(site):
    models(site, b"0", b"1")
    site.store.write("metadata/project_manifest.json", b'{"teacher": {"path": "models/student/v1.0/weights"}}')
    site.sweep()
    assert versions(site, "models/student") == ["v1.0", "v1.1"]


def test_a_model_that_nobody_claimed_stays(site):
    """One that was adopted: it was made elsewhere, and nobody could train it again."""
    models(site, b"adopted", b"later")
    site.store.remove("models/student/.claims/v1.0")
    assert "version" not in site.sweep()
    assert versions(site, "models/student") == ["v1.0", "v1.1"]


def test_a_model_that_is_current_again_stays_whole_though_others_are_newer(site):
    files = {"weights": b"0", "trace": b"of the training"}
    first = site.artifacts.publish("models/student", files, digest="a" * 64, numbered=True)
    models(site, b"1", b"2")
    site.artifacts.adopt(replace(first, files={"weights": first.files["weights"]}))
    site.sweep()
    assert versions(site, "models/student") == ["v1.0", "v1.2"]
    assert site.store.read(first.files["trace"].key) == b"of the training"


def claims(site, name):
    return [entry.key.rpartition("/")[2] for entry in site.store.list(f"{name}/.claims")]


def test_claims_go_with_their_versions_and_that_of_a_publisher_at_work_stays(site):
    for letter in "ab":
        site.artifacts.publish("cards", {"x": letter.encode()}, digest=letter * 64)
    site.sweep()
    assert claims(site, "cards") == ["b" * 16]
    site.store.write(f"cards/.claims/{'c' * 16}", b"{}")
    site.later(hours=23)
    assert site.sweep() == []
    site.later(hours=25)
    assert site.sweep() == ["claim"]
    assert claims(site, "cards") == ["b" * 16]


def test_why_something_goes_is_told(site):
    site.release("a" * 16, b"old")
    site.release("b" * 16, b"new")
    site.store.write(f"{layout.RELEASES}/{'c' * 16}/note.json", b"its publisher was killed")
    told = {each.key: each.why for each in site.look()}
    assert "replaced over 30 days ago" in told[f"{layout.RELEASES}/{'a' * 16}/manifest.json"]
    assert told[f"{layout.RELEASES}/{'c' * 16}/note.json"] == "its publisher was killed"


@pytest.mark.parametrize("site", ["folder"], indirect=True)
def test_an_empty_folder_and_what_publishers_announce_on_a_clock_that_runs_ahead_are_left_alone(site):
    site.artifacts.publish("cards", {"x": b"1"}, digest="a" * 64)
    root = Path(site.store.root)
    for folder in ("cards/empty", f"{layout.RELEASES}/empty", PUBLISHING):
        (root / folder).mkdir(parents=True, exist_ok=True)
    (root / PUBLISHING / ".aside-half").write_bytes(b"half")
    assert site.sweep() == []
    assert (root / PUBLISHING / ".aside-half").exists()


def test_what_others_put_beside_our_versions_is_none_of_ours(site):
    models(site, b"0", b"1")
    for key in ("calibration/cards.npy", "v0.9/model.tar.gz", "README.md"):
        site.store.write(f"models/student/{key}", b"the user's own")
    site.sweep()
    assert versions(site, "models/student") == ["README.md", "calibration", "v0.9", "v1.1"]


def test_shards_of_a_run_that_was_killed_go_when_they_are_old(site, tmp_path):
    (tmp_path / "shard.parquet").write_bytes(b"cards")
    ahead = Ahead(site.store, "cards")
    kept = ahead.keep("1" * 64, {"scans": 1}, tmp_path / "shard.parquet", "base1")
    (tmp_path / "shard.parquet").write_bytes(b"other cards")
    lost = ahead.keep("2" * 64, {"scans": 1}, tmp_path / "shard.parquet", "base1")
    record = {"sets": {"base1": {"inputs": "1" * 64}}}
    site.artifacts.publish("cards", {}, digest="a" * 64, kept={"base1": kept}, record=record)
    site.later(hours=23)
    assert site.sweep() == []
    site.later(hours=25)
    assert site.sweep() == ["note of a shard", "shard"]
    assert (site.store.size(kept.key), site.store.size(lost.key)) == (5, None)
    assert ahead.find("1" * 64) == ({"scans": 1}, kept), "what the current version was made from is still known"


def test_raw_cards_are_not_even_listed(site, monkeypatch):
    site.store.write(f"{layout.RAW}/base1-4_Charizard.png", b"scan")
    listed, ask = [], site.store.list
    monkeypatch.setattr(site.store, "list", lambda prefix="": listed.append(prefix) or ask(prefix))
    site.sweep()
    assert "" not in listed
    assert not [prefix for prefix in listed if prefix.startswith("data")]
    assert site.keys(layout.RAW)


def test_what_a_killed_writer_left_goes_and_what_one_at_work_has_so_far_stays(site):
    if isinstance(site.store, FolderStore):
        site.store.write("cards/x", b"")
        (site.workdir.parent / "store" / "cards" / ".aside-killed").write_bytes(b"half")
    else:
        at = {"Bucket": site.store.bucket, "Key": f"{site.store.prefix}/cards/x"}
        upload = site.store.client.create_multipart_upload(**at)["UploadId"]
        site.store.client.upload_part(**at, UploadId=upload, PartNumber=1, Body=LARGE)
    site.later(hours=1)
    assert site.sweep() == []
    assert len(list(site.store.unfinished())) == 1
    site.later(days=2)
    (left,) = site.look()
    assert (left.kind, left.size > 0) == ("unfinished write", True)
    assert site.sweep() == ["unfinished write"]
    assert list(site.store.unfinished()) == []


@pytest.mark.parametrize("site", ["folder"], indirect=True)
def test_scratch_of_killed_steps_goes_and_work_that_a_run_may_go_on_with_stays_for_days(site):
    for name in ("passing/tmp1", f"student-{'a' * 16}", "new_cards"):
        (site.workdir / name).mkdir(parents=True)
        (site.workdir / name / "file").write_bytes(b"x" * 10)
    left = lambda: sorted(path.relative_to(site.workdir).as_posix() for path in site.workdir.glob("*"))  # noqa: E731
    site.later(days=2)
    site.sweep()
    assert not list((site.workdir / "passing").iterdir())
    assert f"student-{'a' * 16}" in left()
    site.later(days=8)
    site.sweep()
    assert left() == ["new_cards", "passing"]


@pytest.mark.parametrize("site", ["folder"], indirect=True)
def test_of_downloads_those_not_used_for_the_longest_go_until_the_rest_fits(site, tmp_path):
    now = time.time()
    for number in range(4):
        path = tmp_path / "cache" / str(number) / "weights"
        path.parent.mkdir(parents=True)
        path.write_bytes(b"x" * 10)
        os.utime(path, (now - number * DAY, now - 50 * DAY))
    site.later(cache_bytes=25)
    assert site.sweep() == ["download"]
    assert sorted(path.name for path in (tmp_path / "cache").iterdir()) == ["0", "1"]
