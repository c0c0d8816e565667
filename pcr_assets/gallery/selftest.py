"""The self-test that travels in a release: a few cards through the camera's simulator, and what each variant answers.

Cards are chosen by a hash of their id, so that new cards leave the queries as they are, and only those that every variant names
right with a clear lead: on a device the answer may differ by its software alone.
"""

import hashlib
import io
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from edge_runtime.embedder import Embedder
from edge_runtime.gallery import Gallery, Match
from edge_runtime.jpeg import jpeg
from edge_runtime.judging.references import SIZE, References
from edge_runtime.releases.selftest import ANSWERS
from edge_runtime.releases.selftest import answers as nearest
from pcr_assets import digests
from pcr_assets.imaging.camera import rectified

VERSION = 1
"""Raise it when the same models, index and pictures give other queries."""
QUERIES = 8
TRIED = 64
"""Cards that are tried at most until enough are found."""
LEAD = 0.05
"""Cosine by which a query's card must lead over every other, its twins too: of two as near, a device may name the other."""
STRENGTH = "easy"
JPEG_QUALITY = 90
TOLERANCE = {"fp32": 0.01, "int8": 0.02, "hef": 0.05}
"""Cosine by which a device's answer may differ, by variant: other kernels round otherwise, integers more than floats.

On x86 with and without VNNI the INT8 answers were the same bit for bit (see ``edge_runtime.embedder``); this leaves room for
another JPEG decoder, and is far below what a wrong index or model would cost.
"""


class NoSelfTest(Exception):
    """Hardly a card is named right: there is nothing to test a device by."""


@dataclass(frozen=True)
class Subject:
    """A variant: its model and its gallery."""

    embedder: Embedder
    gallery: Gallery


@dataclass(frozen=True)
class Query:
    """A card's picture as JPEG, and what each variant answers, cosine by variant."""

    card_id: str
    jpeg: bytes
    similarity: Mapping[str, float]


def self_test(subjects: Mapping[str, Subject], references: References) -> bytes:
    """The archive of known queries for a release of these variants. Raises :class:`NoSelfTest`."""
    found: list[Query] = []
    for card_id, picture in _chosen(next(iter(subjects.values())).gallery, references):
        query = _asked(card_id, picture, subjects)
        if query is not None:
            found.append(query)
        if len(found) == QUERIES:
            break
    if not found:
        raise NoSelfTest(
            f"of {TRIED} cards through an easy camera not one is named right by {' and '.join(subjects)}: a device could not tell "
            "whether such a release works. See the recognition report, and train for longer"
        )
    return _packed(found, {name: TOLERANCE[name] for name in subjects if name in TOLERANCE})


def sets_asked(gallery: Gallery) -> set[str]:
    """The sets of the cards that may be asked: no picture of any other set is looked at."""
    sets = {card_id: card.set_id for card_id, card in gallery.cards.items()}
    return {sets[card_id] for card_id in sorted(sets, key=digest_of)[:TRIED]}


def _chosen(gallery: Gallery, references: References) -> Iterator[tuple[str, np.ndarray]]:
    """Cards and their reference pictures, in an order that other cards don't change."""
    keys: dict[str, int] = {}
    for key, card in gallery.entries:
        if key in references:
            keys[card.card_id] = min(key, keys.get(card.card_id, key))
    for card_id in sorted(keys, key=digest_of)[:TRIED]:
        yield card_id, references.picture(keys[card_id])


def digest_of(card_id: str) -> str:
    """What a card is ordered by."""
    return hashlib.sha256(f"self-test/{card_id}".encode()).hexdigest()


def _asked(card_id: str, picture: np.ndarray, subjects: Mapping[str, Subject]) -> Query | None:
    """A query and its answers; None where a variant does not name the card, or hardly."""
    seen = rectified(picture, np.random.default_rng(int(digest_of(card_id)[:16], 16)), STRENGTH, SIZE)
    encoded = jpeg(seen, JPEG_QUALITY)
    shown = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_COLOR_RGB)
    assert shown is not None
    answers = {name: nearest(subject, [shown])[0] for name, subject in subjects.items()}
    if not all(_clear(matches, card_id) for matches in answers.values()):
        return None
    return Query(card_id, encoded, {name: round(found[0].similarity, 4) for name, found in answers.items()})


def _clear(matches: Sequence[Match], card_id: str) -> bool:
    if not matches or matches[0].card.card_id != card_id:
        return False
    return all(matches[0].similarity - other.similarity >= LEAD for other in matches[1:])


def _packed(queries: Sequence[Query], tolerance: Mapping[str, float]) -> bytes:
    said = {
        "queries": [
            {"picture": f"{number}.jpg", "card_id": query.card_id, "similarity": dict(query.similarity)}
            for number, query in enumerate(queries)
        ],
        "tolerance": dict(tolerance),
    }
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        # Entries of no time of their own: the same queries give the same archive.
        packed.writestr(zipfile.ZipInfo(ANSWERS), digests.canonical_json(said))
        for number, query in enumerate(queries):
            packed.writestr(zipfile.ZipInfo(f"{number}.jpg"), query.jpeg)
    return archive.getvalue()
