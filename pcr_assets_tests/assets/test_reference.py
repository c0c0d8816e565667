"""The gallery's assets, where there is nothing to make a gallery of."""

import dagster as dg
import pytest

from pcr_assets.assets.cards import processed_cards, raw_card_images
from pcr_assets.assets.reference import card_embeddings
from pcr_assets.resources.project import Project


def test_a_folder_of_pictures_that_are_no_cards_is_told_of(tmp_path):
    """As when the folder of photos is named as that of cards; numpy had no array to concatenate."""
    project = Project(store=str(tmp_path / "store"), scratch=str(tmp_path / "work"))
    project.open(project.raw_root).write("base1-4_Holiday.png", b"no picture")
    assets = [raw_card_images, processed_cards, card_embeddings]
    with pytest.raises(dg.Failure, match=r"all 1 scans are in quarantine, as base1-4_Holiday\.png is .*CARDS"):
        dg.materialize(assets, resources={"project": project})
