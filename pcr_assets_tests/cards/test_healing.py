"""A run of ``processed_cards`` that was killed, and files of it that were lost: what is whole is not made again."""

import dagster as dg
import pytest

from pcr_assets import layout
from pcr_assets.assets.cards import processed_cards, raw_card_images
from pcr_assets.cards import shards
from pcr_assets.definitions import build_defs
from pcr_assets.imaging import decode as decode_module
from pcr_assets.planner import published_in, run
from pcr_assets.planner.execution import execute
from pcr_assets.resources.project import Project
from pcr_assets.resources.store import FolderStore, Shut
from pcr_assets_tests.cards.drawn import card, encoded


class Killed(BaseException):
    """As SIGKILL, but for the test's own process: nothing catches it."""


@pytest.fixture
def project(store, tmp_path):
    """A project with three sets of two cards, in a folder and on S3."""
    project = Project(store=store.root, scratch=str(tmp_path / "work"))
    raw = project.open(project.raw_root)
    for number in range(6):
        raw.write(f"base{number // 2}-{number}_Drawn.png", encoded(card(number)))
    return project


@pytest.fixture
def built(monkeypatch):
    """The sets that were decoded, and how many of their scans were taken over."""
    seen, build = [], shards.build_shard

    def noted(set_id, scans, raw, workers=None, known=shards.NOTHING):
        if "killed" in seen and len(seen) == 3:
            raise Killed
        seen.append(f"{set_id}: {len(known)} of {len(scans)} known")
        return build(set_id, scans, raw, workers, known)

    monkeypatch.setattr(shards, "build_shard", noted)
    return seen


def process(project):
    with dg.DagsterInstance.ephemeral() as instance:
        dg.materialize([processed_cards], instance=instance, resources={"project": project})
    return project.artifacts.find(layout.PROCESSED)


@pytest.mark.faults
def test_shards_of_a_killed_run_are_found_again(project, built):
    built.append("killed")
    with pytest.raises(Killed):
        process(project)
    assert project.artifacts.find(layout.PROCESSED) is None
    built.clear()
    published = process(project)
    assert built == ["base2: 0 of 2 known"]
    assert (published.record["cards"], len([name for name in published.files if "shards/" in name])) == (6, 3)


def test_what_is_published_is_the_same_whether_a_run_was_killed_or_not(project, built, tmp_path):
    built.append("killed")
    with pytest.raises(Killed):
        process(project)
    built.clear()
    healed, never = process(project), Project(store=str(tmp_path / "other"), raw=project.raw_root)
    straight = process(never)
    assert healed.digest == straight.digest
    assert {name: file.sha256 for name, file in healed.files.items()} == {
        name: file.sha256 for name, file in straight.files.items()
    }


@pytest.mark.faults
@pytest.mark.parametrize("lost", ["a shard", "the table of all scans"])
def test_a_file_that_was_lost_is_made_again_and_no_other(project, built, lost):
    before = process(project)
    entry = before.record["sets"]["base1"]
    for inputs in [each["inputs"] for each in before.record["sets"].values()]:
        project.root.remove(f"{layout.PROCESSED}/ahead/{inputs}.json")  # as `make gc` does, some time later
    project.root.remove(before.files[entry["file"] if lost == "a shard" else "cards.parquet"].key)
    built.clear()
    assert project.artifacts.find(layout.PROCESSED) is None
    after = process(project)
    assert built == (["base1: 0 of 2 known"] if lost == "a shard" else [])
    assert after.digest == before.digest
    assert project.artifacts.find(layout.PROCESSED) == after


def test_of_a_set_that_changed_only_the_new_scans_are_decoded(project, built):
    process(project)
    built.clear()
    project.open(project.raw_root).write("base1-9_Drawn.png", encoded(card(9)))
    process(project)
    assert built == ["base1: 2 of 3 known"]


def test_the_same_cards_written_down_in_another_way_are_the_same_content_in_new_shards(project, built, monkeypatch):
    before = process(project)
    monkeypatch.setattr(shards, "TRANSFORM_VERSION", shards.TRANSFORM_VERSION + 1)
    after = process(project)
    assert built[3:] == ["base0: 0 of 2 known", "base1: 0 of 2 known", "base2: 0 of 2 known"]
    assert after.digest == before.digest
    for entry in after.record["sets"].values():
        assert entry["file"] not in before.files
        assert project.artifacts.fetch(after, entry["file"]).stat().st_size > 0


@pytest.mark.faults
def test_scans_that_may_not_be_read_are_read_once_their_rights_are_mended_and_no_other(tmp_path, built, monkeypatch):
    """Mended rights change no listing: the scans stayed in quarantine for ever."""
    project = Project(store=str(tmp_path / "store"), scratch=str(tmp_path / "work"))
    raw = project.open(project.raw_root)
    for number in range(5):
        raw.write(f"base{number // 2}-{number}_Drawn.png", encoded(card(number)))
    read, closed = FolderStore.read, ["base1-2_Drawn.png", "base2-4_Drawn.png"]  # base2 has no other scan

    def refused(store, key, etag=None):
        if key in closed:
            raise Shut(key)
        return read(store, key, etag)

    monkeypatch.setattr(FolderStore, "read", refused)
    version = seen(project)
    first = process(project)
    reason = "it may not be read: mend its rights, then `make refresh`"
    assert [(row["key"], row["reason"]) for row in first.record["quarantine"]] == [(key, reason) for key in closed]
    assert seen(project) == version, "as long as they are shut there is nothing to do"
    closed.clear()
    assert seen(project) != version
    built.clear()
    mended = process(project)
    assert built == ["base1: 1 of 2 known", "base2: 0 of 1 known"]
    assert (mended.record["scans"], mended.record["quarantine"]) == (5, [])
    assert mended.digest == process(Project(store=str(tmp_path / "other"), raw=project.raw_root)).digest
    assert seen(project) == version
    built.clear()
    assert process(project).digest == mended.digest
    assert built == []


@pytest.mark.faults
def test_a_scan_over_which_the_memory_ran_out_is_read_once_more(project, built, monkeypatch):
    """It was called damaged, and stayed in quarantine until its file changed."""
    whole = encoded(card(2))
    with monkeypatch.context() as patched:
        patched.setattr(decode_module, "_plain", lambda picture, data: no_memory() if data == whole else None)
        short, version = process(project), seen(project)
        (row,) = short.record["quarantine"]
        assert (row["key"], row["reason"].partition(":")[0]) == (
            "base1-2_Drawn.png",
            "the memory ran out while the picture was decoded",
        )
        assert process(project).record["quarantine"] == [row]
        assert seen(project) == version, "what fails again is no news"
    built.clear()
    mended = process(project)
    assert built == ["base1: 1 of 2 known"]
    assert (mended.record["scans"], mended.record["quarantine"]) == (6, [])


def no_memory():
    raise MemoryError


def seen(project):
    """The data version of the raw folder."""
    with dg.DagsterInstance.ephemeral() as instance:
        assert execute(build_defs({"project": project}), instance, [raw_card_images.key], lambda _: None) == []
        (record,) = instance.fetch_observations(raw_card_images.key, limit=1).records
        return record.asset_observation.data_version


def test_a_scan_that_came_and_went_with_a_run_by_hand_between_is_taken_out_again(project, built, tmp_path):
    raw, defs = project.open(project.raw_root), build_defs({"project": project})
    with dg.instance_for_test(temp_dir=str(tmp_path)) as instance:

        def refreshed():
            outcome = run(defs, instance, "processed_cards", published_in(defs, instance))
            return [key.to_user_string() for key in outcome.built], project.artifacts.find(layout.PROCESSED)

        refreshed()
        raw.write("base0-6_Drawn.png", encoded(card(6)))
        dg.materialize([processed_cards], instance=instance, resources={"project": project})
        assert project.artifacts.find(layout.PROCESSED).record["cards"] == 7
        raw.remove("base0-6_Drawn.png")

        again, published = refreshed()
        assert (again, published.record["cards"]) == (["processed_cards"], 6)
        assert refreshed()[0] == []
