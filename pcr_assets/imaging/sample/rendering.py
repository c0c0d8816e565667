"""The whole sample in a folder, written once: rendered aside, moved into place, remembered by a stamp."""

import json
import shutil
from pathlib import Path

from pcr_assets.imaging.sample.photos import write_photos
from pcr_assets.imaging.sample.scans import write_scans
from pcr_assets.imaging.sample.sets import specs
from pcr_assets.imaging.sample.strangers import write_strangers

RECIPE = 1
"""Raise it when the pixels change: folders of an older recipe are rendered anew."""
STAMP = ".sample.json"
PARTS = ("card_images", "photos", "photos.csv", "strangers", "strangers.csv")


class SampleError(Exception):
    """The sample cannot be written there."""


def render(folder: Path, *, sets: int = 6, cards_per_set: int = 40, seed: int = 0, strangers: int = 40) -> None:
    """Renders sample cards, strangers and photos into `folder`, unless its stamp says that they lie there already.

    Raises:
        SampleError: the folder holds pictures that this did not render.
        ValueError: fewer than two sets or four cards.
    """
    recipe = {"recipe": RECIPE, "sets": sets, "cards_per_set": cards_per_set, "seed": seed, "strangers": strangers}
    stamp = folder / STAMP
    if _read(stamp) == recipe | {"complete": True}:
        return
    taken = [part for part in PARTS if (folder / part).exists()]
    if taken and not stamp.exists():
        raise SampleError(f"{folder / taken[0]} was not rendered here: choose a folder of its own for the sample cards")
    cards = specs(seed, sets=sets, cards_per_set=cards_per_set)
    aside = folder / ".sample.partial"
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    write_scans(aside / "card_images", cards, seed)
    write_strangers(aside / "strangers", seed, strangers)
    write_photos(aside / "photos", cards, seed)
    # The stamp comes first, so that a kill between the moves leaves a folder that the next call may replace.
    stamp.write_text(json.dumps(recipe | {"complete": False}))
    for part in PARTS:
        _move(aside / part, folder / part)
    aside.rmdir()
    stamp.write_text(json.dumps(recipe | {"complete": True}))


def _read(stamp: Path) -> object:
    try:
        return json.loads(stamp.read_text())
    except (FileNotFoundError, ValueError):
        return None


def _move(source: Path, target: Path) -> None:
    if target.is_dir():
        shutil.rmtree(target)
    source.replace(target)
