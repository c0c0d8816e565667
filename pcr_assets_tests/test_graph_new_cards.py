"""The real graph when cards come: what they cost the store, a device and the models, and when models learn from them."""

from pathlib import Path

import dagster as dg
from PIL import Image

from edge_runtime.gallery import read_catalogue
from pcr_assets import layout
from pcr_assets.assets.evidence import evidence_of
from pcr_assets.gallery import new_sets
from pcr_assets.gallery.settings import ReportSettings
from pcr_assets_tests.sample_world import GALLERY, a_card, pulled

OF_PIXELS = [layout.SNAPSHOT, layout.EMBEDDINGS, layout.REFERENCES, layout.REPORT]


def shard_times(world):
    folder = Path(world.project.root.root, layout.EMBEDDINGS)
    return {path.relative_to(folder).as_posix(): path.stat().st_mtime_ns for path in folder.rglob("*.parquet")}


def test_a_new_card_costs_its_own_set_in_the_store_and_its_own_parts_on_the_device(world):
    before = {name: set(world.project.artifacts.current(name).files) for name in (layout.PROCESSED, layout.REFERENCES)}
    shards, first, report = shard_times(world), pulled(world), world.project.artifacts.current(layout.REPORT)
    index = world.project.artifacts.fetch(world.project.artifacts.current(layout.INDEX), "int8.usearch").read_bytes()
    Image.open(a_card(world)).transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(world.raw / "dawn1" / "dawn1-99_New.png")
    outcome, _ = world.refresh()
    assert int(outcome.ending) == 0, str(outcome)
    for name, files in before.items():
        new = set(world.project.artifacts.current(name).files) - files
        assert {file.rpartition("/")[2].split("-")[0] for file in new} == {"dawn1"}, name
    assert {name.split("/")[-1].split("-")[0] for name in set(shard_times(world)) - set(shards)} == {"dawn1"}
    updated = world.project.artifacts.fetch(world.project.artifacts.current(layout.INDEX), "int8.usearch").read_bytes()
    assert index[64:2000] == updated[64:2000]
    assert world.project.artifacts.current(layout.REPORT).digest == report.digest, "a single card was judged again"
    evidence = evidence_of(world.project, ReportSettings(strangers=0, photos=0))
    assert [row["card_id"] for row in evidence.splits["new"]] == ["dawn1-99"], "the next report asks for it"
    assert evidence.cards.image(evidence.cards.row("dawn1-99")).ndim == 3
    second = pulled(world)
    assert second.release_id != first.release_id
    assert 0 < second.fetched < first.fetched / 4
    assert (first.folder / "fp32.onnx").samefile(second.folder / "fp32.onnx")


def test_a_replaced_card_rebuilds_its_set_and_the_gallery_and_trains_nothing(world):
    before = shard_times(world)
    card = a_card(world)
    Image.open(card).rotate(180).save(card)
    _, built = world.refresh()
    assert sorted(built) == sorted(["processed_cards", "training_snapshot", "card_references", *GALLERY])
    after = shard_times(world)
    assert {name: time for name, time in after.items() if name in before} == before, (
        "files of the last version were touched"
    )
    assert {name.split("/")[-1].split("-")[0] for name in set(after) - set(before)} == {"dawn1"}


def test_a_card_saved_again_with_the_same_pixels_stops_at_the_shard(world):
    card = a_card(world)
    Image.open(card).save(card, compress_level=1)
    _, built = world.refresh()
    assert built == ["processed_cards"]


def test_a_renamed_set_reaches_the_release_and_no_picture_is_opened_or_embedded_again(world):
    digests_of = lambda: {name: world.project.artifacts.current(name).digest for name in OF_PIXELS}  # noqa: E731
    before, shards, digests, listed = pulled(world), shard_times(world), digests_of(), world.raw / "cards.csv"
    listed.write_text(listed.read_text().replace("First Dawn", "Dawn of All"))
    outcome, built = world.refresh()
    assert int(outcome.ending) == 0, str(outcome)
    assert sorted(built) == sorted(["processed_cards", "training_snapshot", "card_references", *GALLERY])
    assert digests_of() == digests, "they were looked at, and nothing in them is new"
    assert shard_times(world) == shards
    made = world.project.artifacts.current(layout.PROCESSED)
    assert made.record["set_names"]["dawn1"] == "Dawn of All"
    names = {card.set_name for card in read_catalogue(pulled(world).folder / "catalogue.csv").values()}
    assert {"Dawn of All"} == names - {
        card.set_name for card in read_catalogue(before.folder / "catalogue.csv").values()
    }


def add_a_set(world):
    """Eleven cards of a set that was not there, with pictures that were not: fewer than half of the 24 that were."""
    (world.raw / "new1").mkdir()
    cards = [card for set_id in ("dawn1", "tide1") for card in sorted((world.raw / set_id).glob("*.png"))]
    for number, card in enumerate(cards[:11], start=1):
        flipped = Image.open(card).transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        flipped.save(world.raw / "new1" / f"new1-{number}_New{chr(96 + number)}.png")


def snapshot_says(world):
    """What the last materialization of the training snapshot says of itself: whether it moved, and why."""
    with dg.DagsterInstance.local_temp(str(world.home)) as instance:
        made = instance.get_latest_materialization_event(dg.AssetKey("training_snapshot")).asset_materialization
    return made.metadata["moved"].value, made.metadata["why"].value


def test_a_new_set_is_in_the_gallery_without_training(world):
    add_a_set(world)
    _, built = world.refresh()
    assert sorted(built) == sorted(["processed_cards", "training_snapshot", "card_references", *GALLERY])
    catalogue = world.project.artifacts.fetch(
        world.project.artifacts.current(layout.INDEX), "catalogue.csv"
    ).read_text()
    assert "new1-" in catalogue
    found = world.project.artifacts.current(layout.REPORT).record["recognised worse"]
    assert (found["sets"], found["said"]) == ([], "new cards are answered as test cards are")
    moved, why = snapshot_says(world)
    assert not moved
    assert why.startswith(
        "11 cards came to the 24 of the last snapshot, fewer than 50%; by the last report, of 24 cards, no card came"
    )
    assert world.refresh()[1] == []


def test_a_new_set_that_is_recognised_worse_is_released_and_then_learnt_from_once(world, monkeypatch):
    rule, worse = new_sets.judged, {"sets": ["new1"], "said": "int8 answers half of new1"}
    asked_new = lambda variants: any("new cards" in found for found in variants.values())  # noqa: E731
    monkeypatch.setattr(new_sets, "judged", lambda variants: worse if asked_new(variants) else rule(variants))
    add_a_set(world)
    outcome, built = world.refresh()
    assert int(outcome.ending) == 0, str(outcome)
    assert built.index("edge_release") < built.index("teacher_weights"), "the new cards waited for the training"
    assert [built.count(name) for name in ("training_snapshot", "teacher_weights", "edge_release")] == [2, 1, 2]
    assert snapshot_says(world) == (True, "by the last report, of 35 cards, int8 answers half of new1")
    report = world.project.artifacts.current(layout.REPORT).record["recognised worse"]
    assert (report["sets"], report["said"]) == ([], "no card came after the training snapshot")
    assert world.refresh()[1] == [], "it moved again for a set that it holds"
