"""Weighing candidates: at a glance by their similarities, and with a second look where those leave a doubt."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import cv2
import numpy as np

from edge_runtime.gallery import Match
from edge_runtime.geometry import full_frame, turned, width
from edge_runtime.judging.decide import Calibration, Evidence, Status, at_a_glance, borne_out, refuted
from edge_runtime.judging.printing_verifier import SMALL, PrintingVerifier
from edge_runtime.judging.references import SIZE
from edge_runtime.judging.second_look import SecondLook, Seen, Support, likeliest_first, strongest_first
from edge_runtime.timing import timed

CANDIDATES = 24
"""Cards that a second look compares with: at the hardest camera of the simulator 19 of 20 right cards are among them."""
AT_ONCE = 4
"""Candidates compared before looking whether one stands out."""
HOPELESS = 8
"""Candidates compared with none of which a single point agrees, after which the rest are spared: what was cut out is no card of the
gallery, or lies the wrong way up. At the hardest camera 1 card of 400 more is refused, and a stranger costs half."""
OUTSTANDING = 40
"""Agreeing points from which a candidate stands out, if it has ``TIMES`` as many as all others so far."""
TIMES = 3
MOST_TWINS = 8
"""Twins compared where they differ, those with the most agreeing points. Where there are more, none is named: it may be one of
those that were not compared."""
FAR = 0.2
"""How far from the outline's corners those of the picture lie at most, by the outline's diagonal, to be taken for the card's."""
STRONGEST, NEAREST = 3, 2
"""Arts that may be the answer: those whose points agree best, and the most similar ones."""


@dataclass(frozen=True)
class Judgement:
    """An answer: ``matches`` best first, its ``confidence`` 0..1, and the ``corners`` of the card, float32 4×2.

    ``evidence``: what the confidence was computed from. ``twin_lead``: how much better than any twin the best one agrees
    where their pictures differ; None without a twin, or without a second look. ``other_printing``: whether the artwork is that of
    the first match, but the card another printing of it, which is unknown: its confidence is that of its being the first match
    after all. ``denied``: arts whose picture shows something else, each with the points that agree: it lies exactly on the card, or
    the card is sharp. ``elsewhere``: where the picture of the first match lies, corners float32 4×2, if that is far from the card.
    ``printing``: how likely the card is the printing that the picture of the first match shows, 0..1; None where that was not
    looked at.
    """

    status: Status
    confidence: float
    matches: tuple[Match, ...]
    corners: np.ndarray
    evidence: Evidence
    twin_lead: float | None = None
    other_printing: bool = False
    denied: Mapping[str, int] = field(default_factory=dict)
    elsewhere: np.ndarray | None = None
    printing: float | None = None

    @property
    def left_open(self) -> bool:
        """Whether it says no more than that the card is none that it knows."""
        return self.status is Status.UNKNOWN and not self.other_printing


class Judge:
    """The calibration of one model and, where a release carries pictures, the second look; with a verifier no card is named as
    another printing than the one that its picture shows."""

    def __init__(
        self,
        calibration: Calibration,
        second_look: SecondLook | None = None,
        verifier: PrintingVerifier | None = None,
    ):
        self.calibration = calibration
        self.second_look = second_look
        self.verifier = verifier

    @property
    def _look(self) -> SecondLook:
        """The second look, where it is known that there is one."""
        assert self.second_look is not None
        return self.second_look

    @timed("judge")
    def glance(self, corners: np.ndarray, matches: Sequence[Match]) -> Judgement:
        """What similarities alone say of a card with these candidates, best first."""
        evidence = at_a_glance(matches)
        confidence = self.calibration.confidence(evidence)
        twins = _prints(matches)
        clear = len(twins) < 2 or twins[0].similarity - twins[1].similarity >= self.calibration.twin_margin
        return Judgement(self._status(confidence, clear), confidence, tuple(matches), corners, evidence)

    @timed("judge")
    def judge(self, image: np.ndarray, corners: np.ndarray, matches: Sequence[Match]) -> Judgement:
        """The answer for a card on a photo: a second look where a glance leaves a doubt, at its art or between twins. The answer's
        corners are those of its picture where enough points agree, even of a card that a glance is sure of, and those of the other
        way up where it took the card for lying on its head."""
        seen = self.glance(corners, matches)
        settled = self.settles(seen.status, seen.confidence)
        if self.second_look is None or not matches or (settled and self.verifier is None):
            return seen
        likely = matches[: 1 if settled else CANDIDATES]
        card, supports = self._compared(image, corners, likely)
        if supports and self.second_look.upside_down(card, supports[0]):
            seen = replace(seen, corners=turned(corners))
            card, supports = self._compared(image, seen.corners, likely)
        if settled and self._borne_out(card, seen, supports):
            verified = self._verified(card, seen, supports)
            if not verified.other_printing:  # of one the artwork alone agrees, which doesn't say where its sides lie
                corners, elsewhere = fitted(seen.corners, supports[0]) if supports else (seen.corners, None)
                return replace(verified, corners=corners, elsewhere=elsewhere)
            if len({match.card.card_id for match in _prints(matches)}) == 1:
                return verified
        if settled:
            supports = self._supports(card, matches[:CANDIDATES])
        if not supports:
            return seen
        return self._verified(card, self._looked_at(image, card, seen, supports), supports)

    def _compared(self, image: np.ndarray, corners: np.ndarray, matches: Sequence[Match]) -> tuple[Seen, list[Support]]:
        """The card within corners, and the support of the candidates, strongest first."""
        card = self._look.seen(image, corners)
        return card, self._supports(card, matches)

    def place_of(self, image: np.ndarray, corners: np.ndarray, match: Match) -> np.ndarray:
        """Where a candidate's picture lies on a photo, as the points within these corners have it, float32 4×2; these corners where
        too few agree, or where there is no picture of it."""
        _, supports = self._compared(image, corners, [match])
        return fitted(corners, supports[0])[0] if supports else corners

    def _borne_out(self, card: Seen, seen: Judgement, supports: Sequence[Support]) -> bool:
        """Whether the card is like what a glance is sure of; ``supports``: that one alone. Points that deny an artwork don't count
        against a glance: of the cards of which a fifth is covered they would refuse seven of 400 more."""
        return all(borne_out(found) for _, found in self._weighed(card, seen, supports))

    def settles(self, status: Status, confidence: float) -> bool:
        """Whether what a glance says leaves no doubt about the art, nor between twins."""
        return confidence >= self.calibration.sure and status is Status.CONFIRMED

    def _verified(self, card: Seen, judgement: Judgement, supports: Sequence[Support]) -> Judgement:
        """The judgement, less those of the cards it names that are another printing; an unknown card if all that can be told are,
        and an uncertain one if it is small and can't be laid over its picture.

        A card that was told from its twins is verified alone: were it another printing, the next best twin would be none either.
        """
        if self.verifier is None or self.second_look is None or judgement.status is Status.UNKNOWN:
            return judgement
        twins, compared = _prints(judgement.matches), {support.match.key: support for support in supports}
        meant = twins[: 1 if judgement.status is Status.CONFIRMED else MOST_TWINS]
        looked = (
            (m, self.second_look.same_printing(card, compared[m.key], self.verifier))
            for m in meant
            if m.key in compared
        )
        likely = {match.key: value for match, value in looked if value is not None}
        wide = width(judgement.corners)
        least = self.verifier.least(wide)
        left = [match for match in meant if match.key in likely and likely[match.key] >= least]
        if len(left) == len(likely):
            doubts = least > 0 and wide < SMALL  # one that learned too little asks for 0, and doubts nothing
            unverified = len(likely) < len(meant)
            status = Status.UNCERTAIN if doubts and unverified else judgement.status
            return replace(judgement, status=status, printing=likely.get(judgement.matches[0].key))
        if not left:
            printing = max(likely.values())
            confidence = min(judgement.confidence, printing)
            return replace(
                judgement, status=Status.UNKNOWN, confidence=confidence, other_printing=True, printing=printing
            )
        alone = len(likely) == len(twins) and len({match.card.card_id for match in left}) == 1
        rest = (match for match in judgement.matches if match.key not in likely)
        status = Status.CONFIRMED if alone else Status.UNCERTAIN
        return replace(judgement, status=status, matches=(*left, *rest), printing=likely[left[0].key])

    def _looked_at(self, image: np.ndarray, card: Seen, seen: Judgement, supports: Sequence[Support]) -> Judgement:
        weighed = self._weighed(card, seen, supports)
        best, evidence = max(weighed, key=lambda pair: self.calibration.confidence(pair[1]))
        art = best.match.card.art_group
        confidence = self.calibration.confidence(evidence)
        sure = seen.confidence >= self.calibration.sure and seen.matches[0].card.art_group == art
        if sure and borne_out(evidence):
            confidence = max(confidence, seen.confidence)
        twins = [support for support in supports if support.match.card.art_group == art]
        prints, lead = self._told_apart(image, seen.corners, twins)
        clear = lead is None or (lead >= self.calibration.twin_lead and len(twins) <= MOST_TWINS)
        rest = sorted((m for m in seen.matches if m not in prints), key=lambda m: m.card.art_group != art)
        corners, elsewhere = fitted(seen.corners, best)
        return Judgement(
            self._status(confidence, clear),
            confidence,
            (*prints, *rest),
            corners,
            evidence,
            lead,
            elsewhere=elsewhere,
            denied={one.match.card.art_group: found.points or 0 for one, found in weighed if refuted(found)},
        )

    def _weighed(self, card: Seen, seen: Judgement, supports: Sequence[Support]) -> list[tuple[Support, Evidence]]:
        """The candidates that may be the answer, each with all evidence together; ``supports``: strongest first.

        Points alone mislead where a picture is so poor that hardly any agree.
        """
        likely = _likely(supports)
        alike = {art: self._look.likeness(card, support) for art, support in likely.items()}
        return [(support, _evidence(card, art, seen.matches, supports, alike)) for art, support in likely.items()]

    def _status(self, confidence: float, clear: bool) -> Status:
        if not confidence >= self.calibration.accept:
            return Status.UNKNOWN
        return Status.CONFIRMED if clear else Status.UNCERTAIN

    def _supports(self, card: Seen, matches: Sequence[Match]) -> list[Support]:
        """The support of the candidates, strongest first; those after one that stands out, its twins aside, are spared, and so are
        those after many with which nothing agrees.
        """
        found: list[Support] = []
        for start in range(0, len(matches), AT_ONCE):
            found = strongest_first([*found, *self._look.supports(card, matches[start : start + AT_ONCE])])
            art = found[0].match.card.art_group if found else ""
            rival = max((support.points for support in found if support.match.card.art_group != art), default=0)
            if found and stands_out(found[0].points, rival):
                compared = {support.match.key for support in found}
                twins = [m for m in matches if m.card.art_group == art and m.key not in compared]
                return strongest_first([*found, *self._look.supports(card, twins)])
            if len(found) >= HOPELESS and not found[0].points:
                break
        return found

    def _told_apart(
        self, image: np.ndarray, corners: np.ndarray, twins: Sequence[Support]
    ) -> tuple[list[Match], float | None]:
        """The twins that were compared, likeliest first, and the lead of the first one over the next."""
        if len(twins) < 2:
            return [twins[0].match], None
        compared = twins[:MOST_TWINS]
        ordered, lead = likeliest_first(compared, self._look.tell_apart(image, corners, compared))
        return [support.match for support in ordered], lead


def _prints(matches: Sequence[Match]) -> list[Match]:
    """The matches that have the art of the first one, itself among them."""
    return [match for match in matches if match.card.art_group == matches[0].card.art_group]


def _likely(supports: Sequence[Support]) -> dict[str, Support]:
    """The arts that may be the answer, each with its strongest support; ``supports``: strongest first, and so are the arts."""
    strongest = _of_each_art(supports)
    nearest = _of_each_art(sorted(supports, key=lambda support: -support.match.similarity))
    return {art: strongest[art] for art in [*[*strongest][:STRONGEST], *[*nearest][:NEAREST]]}


def _of_each_art(supports: Iterable[Support]) -> dict[str, Support]:
    """The first support of each art, in order."""
    found: dict[str, Support] = {}
    for support in supports:
        found.setdefault(support.match.card.art_group, support)
    return found


def _evidence(
    card: Seen, art: str, matches: Sequence[Match], supports: Sequence[Support], alike: Mapping[str, float]
) -> Evidence:
    """What speaks for an art, of which at least one candidate was compared; ``alike``: how alike artworks are, by art."""
    own = [support for support in supports if support.match.card.art_group == art]
    similarity = max(support.match.similarity for support in own)
    nearest = max((match.similarity for match in matches if match.card.art_group != art), default=-1.0)
    rival = max((support.points for support in supports if support.match.card.art_group != art), default=0)
    rival_alike = max((value for other, value in alike.items() if other != art), default=0.0)
    points = max(support.points for support in own)
    return Evidence(similarity, similarity - nearest, points, rival, alike[art], rival_alike, card.sharpness)


def stands_out(points: int, rival: int) -> bool:
    """Whether so many agreeing points, against those of the best candidate with other art, leave no doubt about the art."""
    return points >= max(OUTSTANDING, TIMES * rival)


def fitted(corners: np.ndarray, support: Support) -> tuple[np.ndarray, np.ndarray | None]:
    """The corners that the picture of the card has on the photo, where enough points agree; else those of the outline. Corners far
    from the outline come second instead: points may have agreed by chance, so the card is to be looked at there."""
    found = where_it_agrees(corners, support)
    if found is None:
        return corners, None
    moved = np.linalg.norm(found - corners, axis=1).max()
    return (found, None) if moved < FAR * np.linalg.norm(corners[2] - corners[0]) else (corners, found)


def where_it_agrees(corners: np.ndarray, support: Support) -> np.ndarray | None:
    """The corners, float32 4×2, that a candidate's picture has on the photo, however far from those that were compared with it;
    None where too few points agree."""
    if support.homography is None or not support.fits:
        return None
    to_card = cv2.getPerspectiveTransform(full_frame(*SIZE), corners.astype(np.float32))
    try:
        onto_photo = to_card @ np.linalg.inv(support.homography)
    except np.linalg.LinAlgError:
        return None
    found = cv2.perspectiveTransform(full_frame(*SIZE)[None], onto_photo)[0].astype(np.float32)
    return found if np.isfinite(found).all() and cv2.isContourConvex(found) else None
