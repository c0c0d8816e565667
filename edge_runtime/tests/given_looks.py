"""A second look whose findings are given, and candidates for it."""

from types import SimpleNamespace

import numpy as np

from edge_runtime.gallery import Card, Match
from edge_runtime.geometry import full_frame
from edge_runtime.judging.decide import Calibration
from edge_runtime.judging.printing_verifier import SMALL
from edge_runtime.judging.references import SIZE
from edge_runtime.judging.second_look import Support

WHOLE = full_frame(*SIZE)
PICTURE = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
CALIBRATION = Calibration(
    glance=(-14.0, 14.0, 14.0),
    look=(-11.0, 12.0, 16.0, 0.3, 0.6, 1.0),
    accept=0.95,
    sure=0.999,
    twin_margin=0.02,
    twin_lead=0.05,
)
VERIFIER = SimpleNamespace(least=lambda width: 0.6 if width < SMALL else 0.2)


class Counted:
    """A second look that finds so many agreeing points with each card, all of them moved by one homography, and of twins
    that one agrees so well where they differ. ``printing``: how likely the card is the very printing, by card;
    ``sharpness``: of the photo."""

    def __init__(self, points, agrees=None, homography=None, likeness=None, printing=None, sharpness=0.0):
        self.points = points
        self.like = likeness or {}
        self.agrees = agrees or {}
        self.homography = homography
        self.printing = printing or {}
        self.card = SimpleNamespace(sharpness=sharpness)
        self.compared = []

    def seen(self, image, corners):
        return self.card

    def supports(self, card, matches):
        self.compared += [match.card.card_id for match in matches]
        return [Support(match, self.points.get(match.card.card_id, 0), self.homography) for match in matches]

    def upside_down(self, card, support):
        return False

    def likeness(self, card, support):
        return self.like.get(support.match.card.card_id, 1.0)

    def same_printing(self, card, support, verifier):
        return self.printing.get(support.match.card.card_id)

    def tell_apart(self, image, corners, twins):
        return [self.agrees.get(twin.match.card.card_id, 0.0) for twin in twins]


def matches(**similarities):
    found = [
        Match(Card(name, name, "demo", "1", name), similarity, at)
        for at, (name, similarity) in enumerate(similarities.items())
    ]
    return sorted(found, key=lambda match: -match.similarity)


def shifted(across, down):
    """The homography of a picture that lies so many pixels further to the right and down on the cut-out card."""
    return np.array([[1, 0, -across], [0, 1, -down], [0, 0, 1]], float)
