"""``python -m growth.asked_of_made STORE SCANS CARDS COUNT``: are made cards told apart, and are others made like them refused?

COUNT of the CARDS cards that the gallery grew by, and as many that were put together of the same scans but never came to it,
through the camera at each strength, by the model and the judge of the newest release. The last line is JSON: what became of the
answers, and the share of the others that was named.
"""

import json
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from contest.evidence import spread
from scorecard.places import opened

from edge_runtime.judging.references import SIZE
from edge_runtime.recognizer import Recognizer
from growth.made_sets import SEED, made_card, named, sources_of
from pcr_assets.cards.names import read_name
from pcr_assets.gallery import judging, queries
from pcr_assets.gallery.judging import Query
from pcr_assets.imaging.camera import rectified

STRENGTHS = ("medium", "hard")


def asked(recognizer: Recognizer, cards: Sequence[np.ndarray], card_ids: Sequence[str], strength: str) -> list[Query]:
    """Each card through the camera, with its candidates. Nothing is true of those whose id is ``""``."""
    pictures = [
        rectified(card, np.random.default_rng([SEED, index]), strength, SIZE) for index, card in enumerate(cards)
    ]
    embedder, gallery = recognizer.embedder, recognizer.gallery
    found = queries.ask(embedder, gallery, pictures.__getitem__, len(pictures))
    made = []
    for index, (matches, card_id) in enumerate(zip(found, card_ids, strict=True)):
        known = gallery.cards.get(card_id)
        truth = (known.card_id, known.art_group, known.name, known.set_id) if known else ()
        picture = partial(pictures.__getitem__, index)
        made.append(Query(picture, matches, *truth, embedder=embedder, gallery=gallery))
    return made


def answered(recognizer: Recognizer, scans: Path, count: int, drawn: int) -> dict[str, Any]:
    """What became of ``drawn`` of the ``count`` made cards, and of as many others, at each strength."""
    sources, files = sources_of(scans), list(named(count))
    numbers = spread(range(count), drawn)
    names = [read_name(files[number].name) for number in numbers]
    card_ids = [name.card_id for name in names if name]
    ours, others = ([made_card(sources, number, seed) for number in numbers] for seed in (SEED, SEED + 1))
    found = {}
    for strength in STRENGTHS:
        known = asked(recognizer, ours, card_ids, strength)
        strange = asked(recognizer, others, [""] * len(others), strength)
        outcome = judging.measured(known, judging.answered(recognizer.judge, known))
        share = judging.named_share(judging.answered(recognizer.judge, strange))
        found[strength] = {**outcome, "others asked": len(strange), "others named": share}
    return found


if __name__ == "__main__":
    print(json.dumps(answered(opened(Path(sys.argv[1])), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))))
