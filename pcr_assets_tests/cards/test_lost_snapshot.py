"""A training snapshot that lost files: made again as it was where that can be, else moved, with the reason."""

import dagster as dg
import pytest

from pcr_assets import layout
from pcr_assets.assets.cards import processed_cards
from pcr_assets.assets.dataset import training_snapshot
from pcr_assets.resources.project import Project
from pcr_assets_tests.cards.drawn import card, encoded


@pytest.fixture
def pin(store, tmp_path):
    """Processes the cards, in a folder and on S3, and pins what is learnt from; gives it, and whether and why it moved."""
    profile = tmp_path / "profile.yaml"
    profile.write_text("extends: embedded\nsnapshot: {validation: 0.3, test: 0.3}\n")
    project = Project(store=store.root, scratch=str(tmp_path / "work"), profile=str(profile))
    add(project, range(24))
    with dg.DagsterInstance.ephemeral() as instance:

        def pin():
            made = dg.materialize(
                [processed_cards, training_snapshot], instance=instance, resources={"project": project}
            )
            told = made.asset_materializations_for_node("training_snapshot")[0].metadata
            return project.artifacts.find(layout.SNAPSHOT), told["moved"].value, told["why"].value

        pin.project = project
        yield pin


def add(project, numbers):
    raw = project.open(project.raw_root)
    for number in numbers:
        raw.write(f"base{number // 6}-{number}_Drawn.png", encoded(card(number)))


def replace(project, number):
    project.open(project.raw_root).write(f"base{number // 6}-{number}_Drawn.png", encoded(card(99)))


@pytest.mark.faults
def test_a_lost_table_is_made_again_from_the_shards_it_pinned_though_cards_came_since(pin):
    first, moved, _ = pin()
    assert moved
    add(pin.project, range(24, 27))
    replace(pin.project, 3)
    assert pin()[:2] == (first, False)
    pin.project.root.remove(first.files["snapshot.parquet"].key)
    healed, moved, why = pin()
    assert (healed, moved) == (first, False)
    assert why.startswith("3 cards came to the 24 of the last snapshot")


@pytest.mark.faults
def test_a_snapshot_that_can_not_be_made_again_moves_and_says_what_was_lost(pin):
    first, _, _ = pin()
    replace(pin.project, 3)
    pin()
    [changed] = first.files.keys() - pin.project.artifacts.current(layout.PROCESSED).files.keys() - {"snapshot.parquet"}
    pin.project.root.remove(first.files[changed].key)
    second, moved, why = pin()
    assert (moved, why) == (True, f"of the last one {first.files[changed].key} is lost")
    assert second.digest != first.digest
    pin.project.root.remove(f"{layout.SNAPSHOT}/current.json")
    third, moved, why = pin()
    assert (moved, third.digest) == (True, second.digest), "the same cards: nothing is trained anew"
    assert why == "the last one is lost, for data/training_snapshot/current.json is gone from the store"
