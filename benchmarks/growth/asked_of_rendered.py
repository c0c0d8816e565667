"""``python -m growth.asked_of_rendered STORE CARDS COUNT``: are rendered cards told apart, and are others of their game refused?

COUNT of the CARDS rendered cards of the gallery, and as many that were drawn from another seed, through the camera at each
strength, by the model and the judge of the newest release. The last line is JSON: what became of the answers, and the share of
the others that was named. They are of the same game: nothing but their art, their name and their number tells them.
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

from edge_runtime.recognizer import Recognizer
from edge_runtime.references import SIZE
from growth.rendered_sets import SEED, cards
from pcr_assets.gallery import judging, queries
from pcr_assets.gallery.judging import Query
from pcr_assets.imaging.camera import rectified
from pcr_assets.imaging.sample import Card, render_card, specs

STRENGTHS = ("medium", "hard")
OTHER_SEED = SEED + 1


def asked(recognizer: Recognizer, shown: Sequence[Card], strength: str, in_gallery: bool) -> list[Query]:
    """Each card through the camera, with its candidates. Nothing is true of what is not in the gallery."""
    pictures = [
        rectified(render_card(card.design), np.random.default_rng([SEED, index]), strength, SIZE)
        for index, card in enumerate(shown)
    ]
    found = queries.ask(recognizer.embedder, recognizer.gallery, pictures.__getitem__, len(pictures))
    made = [Query(partial(pictures.__getitem__, index), matches) for index, matches in enumerate(found)]
    if not in_gallery:
        return made
    known = [recognizer.gallery.cards[card.card_id] for card in shown]
    return [
        Query(query.picture, query.matches, card.card_id, card.art_group, card.name, card.set_id)
        for query, card in zip(made, known, strict=True)
    ]


def answered(recognizer: Recognizer, count: int, drawn: int) -> dict[str, Any]:
    """What became of ``drawn`` of the ``count`` rendered cards, and of as many others, at each strength."""
    ours, others = spread(cards(count), drawn), spread(specs(OTHER_SEED, sets=6, cards_per_set=drawn), drawn)
    found = {}
    for strength in STRENGTHS:
        known, strange = (asked(recognizer, shown, strength, shown is ours) for shown in (ours, others))
        outcome = judging.measured(known, judging.judged(recognizer.judge, known))
        named = judging.named_share(judging.judged(recognizer.judge, strange))
        found[strength] = {**outcome, "others asked": len(strange), "others named": named}
    return found


if __name__ == "__main__":
    print(json.dumps(answered(opened(Path(sys.argv[1])), int(sys.argv[2]), int(sys.argv[3]))))
