"""The real graph when something is lost, damaged or worse than before: what is made again, what is refused, what stays."""

import shutil
from pathlib import Path

import dagster as dg
import pytest
from PIL import Image

from pcr_assets import layout
from pcr_assets.assets import release
from pcr_assets.assets.release import edge_release
from pcr_assets.assets.report import recognition_report
from pcr_assets.definitions import FLOORS
from pcr_assets.resources.hailo import HailoCompiler
from pcr_assets_tests.sample_world import a_card, pulled


@pytest.mark.faults
def test_a_lost_part_and_a_lost_shard_are_noticed_and_only_what_holds_them_is_made_again(world):
    part = max(Path(world.project.root.root, layout.PARTS).iterdir(), key=lambda path: path.stat().st_size)
    entry = world.project.artifacts.current(layout.PROCESSED).record["sets"]["dawn1"]["file"]
    shard = Path(world.project.root.root, world.project.artifacts.current(layout.PROCESSED).files[entry].key)
    for lost in (part, shard):
        lost.unlink()
    outcome, built = world.refresh()
    assert (int(outcome.ending), sorted(built)) == (0, ["edge_release", "processed_cards", "training_snapshot"])
    assert part.exists()
    assert shard.exists()
    assert world.refresh()[1] == []


@pytest.mark.faults
def test_signed_metadata_that_are_gone_are_noticed_and_the_release_is_offered_again(world):
    """No device could pull any more, and nothing was stale."""
    for lost in (layout.TIMESTAMP, layout.ROOT_COPY):
        Path(world.project.root.root, lost).unlink()
        outcome, built = world.refresh()
        assert (int(outcome.ending), built) == (0, ["edge_release"])
        assert pulled(world).folder.name == world.project.artifacts.current(layout.RELEASES).version
    assert world.refresh()[1] == []


def test_a_lost_part_is_written_again_when_the_release_is_asked_for(world):
    lost = max(Path(world.project.root.root, layout.PARTS).iterdir(), key=lambda path: path.stat().st_size)
    lost.unlink()
    with dg.DagsterInstance.ephemeral() as instance:
        assets, resources = dg.load_assets_from_modules(FLOORS), {**world.resources, "hailo": HailoCompiler()}
        dg.materialize(assets, selection=["edge_release"], resources=resources, instance=instance)
    assert lost.exists()


@pytest.mark.parametrize(
    ("newer", "told"),
    [
        (layout.INT8, "the int8 embeddings are of another model"),
        (layout.EMBEDDINGS, "the int8 index holds other embeddings"),
        (layout.OUTLINE_FILTER, "the report judged with another outline filter"),
        (layout.PRINTING_VERIFIER, "the report judged with another printing verifier"),
    ],
)
def test_no_release_is_made_of_what_does_not_belong_together(world, newer, told):
    """As after *Materialize* on one asset, and then on the release: thresholds and index would be those of another model."""
    artifacts = world.project.artifacts
    held = artifacts.current(newer)
    variants = held.record.get("variants", {})
    record = {**held.record, "variants": {name: {**found, "sets": {}} for name, found in variants.items()}}
    artifacts.publish(newer, {}, kept=dict(held.files), digest="f" * 64, record=record)
    with pytest.raises(dg.Failure, match=told):
        edge_release(project=world.project, signer=world.resources["signer"])


@pytest.mark.faults
@pytest.mark.parametrize(
    ("newer", "told"),
    [
        (layout.ONNX, "the fp32 embeddings are of another model"),
        (layout.EMBEDDINGS, "the int8 index holds other embeddings"),
    ],
)
def test_no_report_is_made_on_the_gallery_of_another_model(world, newer, told):
    """`content_changes` trained and judged in one run, before the cards were embedded anew: all answers were wrong, and it told
    to train for longer."""
    artifacts = world.project.artifacts
    held = artifacts.current(newer)
    variants = held.record.get("variants", {})
    record = {**held.record, "variants": {name: {**found, "sets": {}} for name, found in variants.items()}}
    world.set("report", queries=11)
    artifacts.publish(newer, {}, kept=dict(held.files), digest="f" * 64, record=record)
    with pytest.raises(dg.Failure, match=told):
        recognition_report(project=world.project)


@pytest.mark.faults
def test_no_release_is_made_whose_pictures_show_other_cards_than_its_index_holds(world):
    """As after a replaced scan, and *Materialize* on the cards, their pictures and the release."""
    replaced = a_card(world)
    replaced.write_bytes(sorted((world.raw / "tide1").glob("*.png"))[0].read_bytes())
    before = world.project.artifacts.current(layout.RELEASES).digest
    by_hand = ["processed_cards", "card_references", "edge_release"]
    with dg.DagsterInstance.ephemeral() as instance:
        assets, resources = dg.load_assets_from_modules(FLOORS), {**world.resources, "hailo": HailoCompiler()}
        with pytest.raises(dg.Failure, match="the reference pictures of dawn1 are of other cards than the embeddings"):
            dg.materialize(assets, selection=by_hand, resources=resources, instance=instance)
    assert world.project.artifacts.current(layout.RELEASES).digest == before


@pytest.mark.faults
def test_no_release_is_made_of_more_new_cards_than_the_report_may_hold_for(world):
    """As after *Materialize* on all of the gallery but the report: nobody had asked whether these cards are recognised."""
    came = world.raw / "dusk1"
    came.mkdir()
    for scan in sorted((world.raw / "dawn1").glob("*.png")):
        (came / scan.name.replace("dawn1", "dusk1")).write_bytes(scan.read_bytes())
    before = world.project.artifacts.current(layout.RELEASES).digest
    by_hand = ["processed_cards", "card_references", "card_embeddings", "card_index", "edge_release"]
    with dg.DagsterInstance.ephemeral() as instance:
        assets, resources = dg.load_assets_from_modules(FLOORS), {**world.resources, "hailo": HailoCompiler()}
        with pytest.raises(dg.Failure, match=r"since the report, \d+ scans of \d+ came.*make refresh"):
            dg.materialize(assets, selection=by_hand, resources=resources, instance=instance)
    assert world.project.artifacts.current(layout.RELEASES).digest == before


@pytest.mark.faults
def test_no_release_is_made_by_a_report_that_was_asked_with_other_settings(world):
    """As after a bar was raised, and *Materialize* on the release alone: it was judged by the lower one."""
    before = world.project.artifacts.current(layout.RELEASES).digest
    world.set("report", least_recall=1.0)
    with pytest.raises(dg.Failure, match="the report was asked with other settings"):
        edge_release(project=world.project, signer=world.resources["signer"])
    assert world.project.artifacts.current(layout.RELEASES).digest == before


@pytest.mark.faults
@pytest.mark.parametrize(
    ("gate", "told"),
    [("int8_loss", "a loss of surely more than -100 is refused"), ("calibration_error", "surely more than -100")],
)
def test_what_a_check_of_the_report_refuses_is_not_released_by_hand(world, gate, told):
    """As after *Materialize* on the release alone: the checks on the report are in no run with it."""
    before = world.project.root.read(f"{layout.METADATA}/timestamp.json")
    world.set("gates", **{gate: -1.0})
    with pytest.raises(dg.Failure, match=told):
        edge_release(project=world.project, signer=world.resources["signer"])
    assert world.project.root.read(f"{layout.METADATA}/timestamp.json") == before


def test_no_release_is_made_of_what_is_replaced_meanwhile(world, monkeypatch):
    artifacts = world.project.artifacts
    made = release._self_test

    def replaced_meanwhile(*given):
        held = artifacts.current(layout.HEF)
        artifacts.publish(layout.HEF, {}, kept=dict(held.files), digest="f" * 64, record=dict(held.record))
        return made(*given)

    monkeypatch.setattr(release, "_self_test", replaced_meanwhile)
    before = artifacts.current(layout.RELEASES).digest
    with pytest.raises(dg.Failure, match="published while this release"):
        edge_release(project=world.project, signer=world.resources["signer"])
    assert artifacts.current(layout.RELEASES).digest == before


def test_a_lost_artifact_is_built_again(world):
    lost = world.project.artifacts.current(layout.CALIBRATION)
    Path(world.project.root.fetch(lost.files["check.npy"].key)).unlink()
    _, built = world.refresh()
    assert built == ["calibration_set"]


def test_a_stranger_that_can_not_be_read_is_left_out_and_told_of(world):
    strangers = Path(world.project.strangers_root)
    (strangers / "0_bad.png").write_text("no picture")
    outcome, built = world.refresh()
    assert int(outcome.ending) == 0, str(outcome)
    assert built == ["recognition_report", "edge_release"]
    record = world.project.artifacts.current(layout.REPORT).record
    assert record["unreadable strangers"] == ["0_bad.png is no picture: send JPEG, PNG or WebP"]


def test_bad_files_are_in_quarantine_with_their_reasons_and_all_other_cards_go_on(world):
    from pcr_assets.imaging.sample import bad_files

    bad = bad_files(world.raw / "bad1")
    before = world.project.artifacts.current(layout.PROCESSED).record
    outcome, built = world.refresh()
    assert int(outcome.ending) == 0
    assert "processed_cards" in built
    record = world.project.artifacts.current(layout.PROCESSED).record
    quarantined = {Path(row["key"]).name: row["reason"] for row in record["quarantine"]}
    good = {"cmyk", "deep"}
    assert {path.name for kind, path in bad.items() if kind not in good} == set(quarantined)
    assert all(len(reason.split()) > 3 for reason in quarantined.values())
    assert record["scans"] >= before["scans"]
    assert all(entry["scans"] == 0 for entry in record["without_cards"].values())


def test_a_teacher_worse_than_hashing_is_not_distilled_and_the_last_release_stays(world):
    release = world.project.root.read(f"{layout.METADATA}/timestamp.json")
    world.set("gates", teacher_lead=2.0)
    world.set("teacher", settings={**world.project.settings.section("teacher")["settings"], "seed": 5})
    outcome, built = world.refresh()
    assert int(outcome.ending) == 4
    assert built == ["teacher_weights"]
    assert "teacher_beats_hashing" in str(outcome)
    assert world.project.root.read(f"{layout.METADATA}/timestamp.json") == release


def test_an_empty_bucket_is_one_clear_sentence_and_the_last_release_stays(world):
    release = world.project.root.read(f"{layout.METADATA}/timestamp.json")
    shutil.rmtree(world.raw)
    outcome, _ = world.refresh()
    assert int(outcome.ending) == 1
    assert "there are no card scans in" in str(outcome)
    assert world.project.root.read(f"{layout.METADATA}/timestamp.json") == release


@pytest.mark.faults
def test_most_of_the_scans_gone_at_once_take_no_card_from_the_release_and_are_told(world):
    """Sets that are not mounted, a copy that broke off: fewer cards are easier to tell apart, so no other gate minds."""
    release = world.project.root.read(f"{layout.METADATA}/timestamp.json")
    for set_id in ("tide1", "echo1"):
        shutil.move(world.raw / set_id, world.folder / set_id)
    outcome, built = world.refresh()
    assert (int(outcome.ending), built) == (4, ["processed_cards"])
    assert "scans that the gallery was made of are gone, more than 50%: put them back" in str(outcome)
    Image.open(a_card(world)).rotate(180).save(a_card(world))
    assert int(world.refresh()[0].ending) == 4, "what is left changed, and is no gallery yet"
    assert world.project.root.read(f"{layout.METADATA}/timestamp.json") == release
    world.set("gates", lost_scans=1.0)
    assert int(world.refresh()[0].ending) == 0
    assert world.project.root.read(f"{layout.METADATA}/timestamp.json") != release
