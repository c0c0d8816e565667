"""A release grown to as many cards as are asked for, by cards that no game has: put together from its own, embedded by its model.

A new card has the upper edge of one card, the art of a second and the text of a third, the last two mirrored: no photo of a real
card shows them. A tenth are reprints: a card in another light, a little shifted. So pictures, points and vectors belong together
as in a real release of that size, and a frame costs what it would cost there. The cards of the release's self-test are not
reprinted: a reprint might be nearer to its queries.
"""

import csv
import hashlib
import json
import shutil
import zipfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime  # noqa: F401  (before uSearch, see edge_runtime.gallery)
from tqdm import tqdm
from usearch.index import Index

from edge_runtime.embedder import Embedder
from edge_runtime.engine import open_engine
from edge_runtime.gallery import Card, Gallery
from edge_runtime.geometry import full_frame, rectify
from edge_runtime.jpeg import jpeg
from edge_runtime.judging.features import features
from edge_runtime.judging.references import SIZE, References, features_name, picture_name
from edge_runtime.releases.release import Release
from edge_runtime.releases.selftest import read_self_test
from pcr_assets.gallery.keys import keys_of
from pcr_assets.gallery.references import JPEG_QUALITY

REPRINTS = 0.1
ART = (slice(36, 184), slice(14, 238))
"""Where a reference picture shows the art, within the frame of any layout: rows and columns."""
TEXT = (slice(190, 334), slice(14, 238))
PER_ARCHIVE = 100


@dataclass(frozen=True)
class Made:
    """A scan of the grown release: its key, its card, its picture as JPEG, and its local features as they travel."""

    key: int
    card: Card
    picture: bytes
    points: bytes


def grow(release: Release, count: int, folder: Path) -> Path:
    """Write the grown release to a folder, unsigned: one variant, the default one of those for the processor."""
    embedder, variant, _ = open_engine(release, variant=release.default_variant)
    gallery, references = Gallery.open(variant.index, release.catalogue), References(release.references)
    own = [key for key in gallery.keys if key in references][:count]
    folder.mkdir(parents=True)
    index = Index(ndim=gallery.dim, metric="cos", dtype="f16")
    index.add(np.array(own, np.uint64), gallery.vectors(own))
    archives = []
    with (folder / "catalogue.csv").open("w", newline="", encoding="utf-8") as file:
        catalogue = csv.writer(file)
        catalogue.writerow(["key", "card_id", "view", "name", "set", "number", "art_group"])
        for number, scans in enumerate(_portions(release, gallery, references, own, count)):
            archives.append(f"references-{number:04d}.zip")
            _pack(folder / archives[-1], scans)
            for made in scans:
                card = made.card
                catalogue.writerow([made.key, card.card_id, 0, card.name, card.set_id, card.number, card.art_group])
            new = [made for made in scans if made.key not in index]
            if new:
                index.add(np.array([made.key for made in new], np.uint64), _embedded(embedder, new))
    embedder.close()
    index.save(str(folder / "grown.usearch"))
    for file in (variant.model, release.outline_filter, release.printing_verifier, release.self_test):
        if file:
            shutil.copy(file, folder / file.name)
    said: dict[str, Any] = json.loads(json.dumps(release.manifest))
    said |= {"release_id": f"grown-{count}", "catalogue": "catalogue.csv", "references": archives}
    entry = {**said["variants"][variant.name], "model": variant.model.name, "index": "grown.usearch"}
    said |= {"variants": {variant.name: entry}, "default_variant": variant.name}
    said["files"] = {path.name: _listed(path) for path in sorted(folder.iterdir())}
    (folder / "manifest.json").write_text(json.dumps(said))
    return folder


def new_card(pictures: Sequence[np.ndarray]) -> np.ndarray:
    """One of three cards, uint8 RGB H×W×3 of :data:`SIZE`: of the first it keeps the frame and the name."""
    frame, art, text = pictures
    made = frame.copy()
    made[ART], made[TEXT] = art[ART][:, ::-1], text[TEXT][:, ::-1]
    return made


def reprint(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The same card from another printer and scanner: a little lighter or darker, warmer or colder, larger or smaller."""
    light = rng.uniform(0.9, 1.1, 3)
    shift = rng.uniform(-3, 3, (4, 2)).astype(np.float32)
    moved = rectify(picture, full_frame(*SIZE) + shift, SIZE)
    return (moved * light).clip(0, 255).astype(np.uint8)


def _portions(
    release: Release, gallery: Gallery, references: References, own: Sequence[int], count: int
) -> Iterator[list[Made]]:
    """All scans, the release's own first, an archive's at a time."""
    asked = {known.card_id for known in read_self_test(release.self_test).queries} if release.self_test else set()

    def scan(number: int) -> Made:
        if number < len(own):
            key = own[number]
            return Made(key, gallery.card(key), references.encoded(key), references.features(key).to_bytes())
        rng = np.random.default_rng(number)
        bases = [own[row] for row in rng.choice(len(own), 3)]
        base, pictures = gallery.card(bases[0]), [references.picture(key) for key in bases]
        again = bool(rng.random() < REPRINTS) and base.card_id not in asked
        picture = reprint(pictures[0], rng) if again else new_card(pictures)
        name = f"{base.card_id}-made{number}"
        card = Card(name, base.name, base.set_id, str(number), base.art_group if again else name)
        return Made(keys_of([(name, 0)])[name, 0], card, jpeg(picture, JPEG_QUALITY), features(picture).to_bytes())

    with ThreadPoolExecutor() as pool, tqdm(total=count, desc="cards", unit="card", disable=None) as bar:
        for start in range(0, count, PER_ARCHIVE):
            yield list(pool.map(scan, range(start, min(start + PER_ARCHIVE, count))))
            bar.update(min(PER_ARCHIVE, count - start))


def _embedded(embedder: Embedder, scans: Sequence[Made]) -> np.ndarray:
    pictures = [cv2.imdecode(np.frombuffer(made.picture, np.uint8), cv2.IMREAD_COLOR_RGB) for made in scans]
    return embedder.embed(np.stack([rectify(each, full_frame(*SIZE), embedder.input_size) for each in pictures]))


def _pack(path: Path, scans: Sequence[Made]) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for made in scans:
            archive.writestr(picture_name(made.key), made.picture)
            archive.writestr(features_name(made.key), made.points)


def _listed(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        return {"sha256": hashlib.file_digest(file, "sha256").hexdigest(), "size": path.stat().st_size}
