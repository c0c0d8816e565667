"""What a benchmark is given: a store with a release, a folder of scans. Where one won't do, a benchmark says so in a sentence."""

import math
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np

from edge_runtime.embedder import EmbedderError
from edge_runtime.gallery import GalleryError
from edge_runtime.photo import PhotoError, load_photo
from edge_runtime.recognizer import Recognizer
from edge_runtime.releases.opening import open_newest
from edge_runtime.releases.refusals import ReleaseError
from edge_runtime.releases.release import Release
from edge_runtime.releases.trust import NotARoot, read_root, trusted_roots
from pcr_assets import layout
from pcr_assets.cards.names import is_picture
from pcr_assets.imaging.sample import render_card, specs
from pcr_assets.resources.store import StoreError

REFUSED = (StoreError, ReleaseError, EmbedderError, GalleryError, NotARoot)
"""What is wrong with a place and not with a benchmark; each has a sentence for people."""


def ended(main: Callable[[], int]) -> int:
    """A benchmark's exit code: its own, or 2 after the sentence on standard error where it was given what won't do."""
    try:
        return main()
    except REFUSED as error:
        print(f"{Path(sys.argv[0]).stem}: {error}", file=sys.stderr)
        return 2


def newest(releases: Path) -> Release:
    """The newest release of a folder. The root beside it is trusted here: one's own store is measured. Raises ReleaseError."""
    own = releases / "root.json"
    return open_newest(releases, [*trusted_roots(), *([read_root(own)] if own.exists() else [])])


def opened(store: Path, threads: int | None = 1) -> Recognizer:
    """The newest release of a store on one thread, or on all (None). Raises one of REFUSED."""
    return Recognizer.open(newest(store / layout.PROJECT / layout.RELEASES), threads=threads)


def cards_from(folder: Path | None) -> list[np.ndarray]:
    """At most 64 cards spread over a folder, those that can be read, or 32 rendered ones: uint8 RGB H×W×3. Raises StoreError."""
    if folder is None:
        return [render_card(card.design) for card in specs(sets=4, cards_per_set=8)]
    files = sorted(path for path in folder.rglob("*") if is_picture(path.name))
    cards = []
    for path in files[:: max(1, math.ceil(len(files) / 64))]:
        with suppress(PhotoError):
            cards.append(load_photo(path))
    if not cards:
        raise StoreError(f"{folder} holds no picture that can be read: name a folder of card scans")
    return cards
