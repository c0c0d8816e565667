"""Queries whose truth is known, judged as the edge judges them: what it takes to calibrate a variant and to measure it.

Each query is asked twice: as it is, and as if its card were a stranger, with its art and all cards of its name taken out
of the gallery.
"""

import hashlib
import os
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np

from edge_runtime.embedder import Embedder
from edge_runtime.gallery import Match
from edge_runtime.geometry import full_frame
from edge_runtime.judging.decide import Calibration, Status, at_a_glance
from edge_runtime.judging.judge import CANDIDATES, Judge, Judgement, stands_out
from edge_runtime.judging.references import References
from edge_runtime.judging.second_look import SecondLook, Seen, Support
from edge_runtime.reading.reader import Reader, Searches
from edge_runtime.reading.readings import Reading
from edge_runtime.reading.weighing import Weighing
from pcr_assets import measures
from pcr_assets.gallery.confidence import fit_curve
from pcr_assets.gallery.queries import GalleryWithout, ranks
from pcr_assets.gallery.thresholds import accept_confidence, ambiguity_margin

NEVER = 2.0
"""A confidence that nothing reaches."""
OPEN = Calibration(glance=(0.0,) * 3, look=(0.0,) * 8, accept=0.0, sure=NEVER, twin_margin=0.0, twin_lead=0.0)
"""Takes a second look at everything and accepts it: what evidence is gathered with before there is a calibration."""
LEAST_CONFIDENCE = 0.5
"""Nothing is named that is more likely wrong than right, however few strangers were asked."""
LEAST_SURE = 0.995
"""Confidence at a glance below which a second look is always taken: it costs a few milliseconds, a photo offers a hundred
outlines, and the curve of a glance knows nothing of the pictures."""
MOST_MARGIN = 0.1
LEAST_TWIN_MARGIN = 0.02
"""In cosine: twins nearer to each other than this are a toss-up at a glance, whatever a few queries suggest."""
LEAST_TWIN_LEAD = 0.02
"""In correlation: pictures that agree better than this can't be told apart, whatever a few queries suggest."""
ROUNDS = 2
"""Times that the curve of a second look is fitted: first to the candidates with the most points, then to those that the curve
before finds likeliest."""

Answer = TypeVar("Answer", Judgement, Reading)


@dataclass(frozen=True)
class Query:
    """A picture that is nothing but a card, its candidates (best first), and what is true of it; ``""`` for a stranger.

    ``embedder`` and ``gallery``: what gave the candidates, to be asked again within other corners.
    """

    picture: Callable[[], np.ndarray]
    matches: Sequence[Match]
    card_id: str = ""
    art_group: str = ""
    name: str = ""
    set_id: str = ""
    embedder: Embedder = field(kw_only=True)
    gallery: Searches = field(kw_only=True)

    def as_stranger(self) -> "Query":
        """The same picture with its own art and name taken out of the gallery."""
        others = GalleryWithout(self.gallery, self.art_group, self.name)
        return Query(self.picture, others.left(self.matches), embedder=self.embedder, gallery=others)


class RememberingLook(SecondLook):
    """Compares a picture with a candidate once, however often it is asked: by each variant, and with and without its own art.

    Remembers by the picture's bytes, for a report whose queries are the same arrays again; not for photos.
    """

    def __init__(self, references: References):
        super().__init__(references)
        self._seen: dict[bytes, Seen] = {}
        self._supports: dict[tuple[int, int], Support] = {}
        self._alike: dict[tuple[int, int], float] = {}

    def seen(self, image: np.ndarray, corners: np.ndarray) -> Seen:
        """See :meth:`SecondLook.seen`."""
        name = hashlib.blake2b(image.tobytes() + corners.tobytes(), digest_size=16).digest()
        if name not in self._seen:
            # Of several threads the first one's object serves all: what is remembered of it goes by its identity.
            self._seen.setdefault(name, super().seen(image, corners))
        return self._seen[name]

    def supports(self, card: Seen, matches: Sequence[Match]) -> list[Support]:
        """See :meth:`SecondLook.supports`."""
        fresh = [match for match in matches if (id(card), match.key) not in self._supports]
        self._supports |= {(id(card), found.match.key): found for found in super().supports(card, fresh)}
        known = [(match, self._supports.get((id(card), match.key))) for match in matches]
        return [replace(found, match=match) for match, found in known if found is not None]

    def likeness(self, card: Seen, support: Support) -> float:
        """See :meth:`SecondLook.likeness`."""
        asked = id(card), support.match.key
        if asked not in self._alike:
            self._alike[asked] = super().likeness(card, support)
        return self._alike[asked]


def as_strangers(queries: Sequence[Query]) -> list[Query]:
    """The queries as strangers, but for those without which the gallery would be empty."""
    return [stranger for query in queries if (stranger := query.as_stranger()).matches]


def judged(judge: Judge, queries: Sequence[Query]) -> list[Judgement]:
    """What one look at each query says."""

    def answer(query: Query) -> Judgement:
        picture = query.picture()
        return judge.judge(picture, full_frame(*picture.shape[1::-1]), query.matches[:CANDIDATES])

    return _on_all_cores(answer, queries)


def answered(judge: Judge, queries: Sequence[Query]) -> list[Reading]:
    """What the edge says to each query in the end: where it knows nothing, it looks again, the other way up and at what lies within
    other corners."""

    def answer(query: Query) -> Reading:
        picture = query.picture()
        return Weighing(Reader(query.embedder, query.gallery, judge)).read_at(
            picture, full_frame(*picture.shape[1::-1])
        )

    return _on_all_cores(answer, queries)


def _on_all_cores(answer: Callable[[Query], Answer], queries: Sequence[Query]) -> list[Answer]:
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        return list(pool.map(answer, queries))


def calibrate(
    second_look: SecondLook, known: Sequence[Query], strange: Sequence[Query], *, far: float, precision: float
) -> Calibration:
    """The calibration of a variant, from queries of validation cards and from strangers.

    ``far``: the share of strangers that may be named, in any of the looks that the edge takes at them; ``precision``: the share
    of named twins that must be the right one. A stranger that agrees with a picture of the gallery beyond doubt shows the same
    art (a printing in another language, say): it teaches nothing about strangers and is left out.
    """
    others = [*as_strangers(known), *strange]
    asked = [*known, *others]
    glances = [at_a_glance(query.matches) for query in asked]
    looked = judged(Judge(OPEN, second_look), asked)
    apart = [*range(len(known)), *(r for r in range(len(known), len(asked)) if not same_art_beyond_doubt(looked[r]))]
    asked, glances, looked = ([rows[row] for row in apart] for rows in (asked, glances, looked))
    named = np.array([bool(q.art_group) and q.matches[0].card.art_group == q.art_group for q in asked])
    curves = replace(OPEN, glance=fit_curve(glances, named))
    for _ in range(ROUNDS):
        found = np.array([right_art(judgement, query) for judgement, query in zip(looked, asked, strict=True)])
        compared = [row for row, judgement in enumerate(looked) if judgement.evidence.points is not None]
        curves = replace(curves, look=fit_curve([looked[row].evidence for row in compared], found[compared]))
        looked = judged(Judge(replace(OPEN, look=curves.look), second_look), asked)
    curves = replace(curves, sure=_never_wrong([curves.confidence(glance) for glance in glances], named))
    # One that names nothing takes all of its looks.
    refusing = Judge(replace(curves, accept=NEVER), SecondLook(second_look.references))
    ends = np.array([reading.confidence for reading in answered(refusing, asked[len(known) :])])
    accept = max(LEAST_CONFIDENCE, accept_confidence(ends, far))
    curves = replace(curves, accept=accept, sure=max(curves.sure, accept, LEAST_SURE))
    margin, lead = _twin_leads(known, looked[: len(known)], precision)
    return replace(curves, twin_margin=margin, twin_lead=lead)


def same_art_beyond_doubt(answer: Judgement) -> bool:
    """Whether a second look found the picture of a candidate, points and all."""
    evidence = answer.evidence
    return evidence.points is not None and stands_out(evidence.points, evidence.rival)


def _never_wrong(confidence: Sequence[float], right: np.ndarray) -> float:
    """The confidence at a glance that no wrong answer reached."""
    wrong = [value for value, is_right in zip(confidence, right, strict=True) if not is_right]
    return float(np.nextafter(max(wrong), np.inf))


def _twin_leads(known: Sequence[Query], looked: Sequence[Judgement], precision: float) -> tuple[float, float]:
    """The leads that twins need, in similarity and where their pictures differ, from queries of cards that share their art."""
    pairs = [
        (query, judgement)
        for query, judgement in zip(known, looked, strict=True)
        if judgement.twin_lead is not None and right_art(judgement, query)
    ]
    right = np.array([judgement.matches[0].card.card_id == query.card_id for query, judgement in pairs], bool)
    leads = np.array([judgement.twin_lead for _, judgement in pairs])
    nearest = np.array([query.matches[0].card.card_id == query.card_id for query, _ in pairs], bool)
    margins = np.array([_margin(query.matches) for query, _ in pairs])
    lead = max(LEAST_TWIN_LEAD, ambiguity_margin(leads, right, precision, 1.0))
    return max(LEAST_TWIN_MARGIN, ambiguity_margin(margins, nearest, precision, MOST_MARGIN)), lead


def _margin(matches: Sequence[Match]) -> float:
    twins = [match.similarity for match in matches if match.card.art_group == matches[0].card.art_group]
    return twins[0] - twins[1] if len(twins) > 1 else 1.0


def right_art(judgement: Judgement | Reading, query: Query) -> bool:
    """Whether an answer's best candidate has the art of the query's card; never for a stranger."""
    return bool(query.art_group) and judgement.matches[0].card.art_group == query.art_group


def measured(queries: Sequence[Query], answers: Sequence[Reading]) -> dict[str, Any]:
    """What became of queries whose card is in the gallery, and recall@1 and @5 of the whole answer with their 95 % intervals.

    A card that was asked more than once counts once in an interval.
    """
    own = [query.card_id for query in queries]
    rank, cards = ranks([answer.matches for answer in answers], own, lambda card: card.card_id), len(set(own))
    art = np.array([not right_art(answer, query) for query, answer in zip(queries, answers, strict=True)], int)
    first, fifth = measures.recall_at(rank, 1, cards), measures.recall_at(rank, 5, cards)
    outcomes = [_outcome(query, answer) for query, answer in zip(queries, answers, strict=True)]
    missed = np.array([outcome not in ("right", "one of these") for outcome in outcomes], int)
    answered = measures.recall_at(missed, 1, cards)
    share = {
        name: outcomes.count(name) / max(len(outcomes), 1) for name in ("right", "one of these", "wrong", "refused")
    }
    return {
        "recall_at_1": first["recall"],
        "low": first["low"],
        "high": first["high"],
        "queries": first["queries"],
        "cards": cards,
        "recall_at_5": fifth["recall"],
        "low_at_5": fifth["low"],
        "high_at_5": fifth["high"],
        "art_recall_at_1": measures.recall_at(art, 1)["recall"],
        "answered": answered["recall"],
        "answered_high": answered["high"],
        **share,
    }


def by_set(queries: Sequence[Query], answers: Sequence[Reading]) -> dict[str, dict[str, Any]]:
    """The same as :func:`measured`, for the cards of each set: a new set may be recognised worse than the rest."""
    rows: defaultdict[str, list[int]] = defaultdict(list)
    for row, query in enumerate(queries):
        rows[query.set_id].append(row)
    return {s: measured([queries[row] for row in rows[s]], [answers[row] for row in rows[s]]) for s in sorted(rows)}


def _outcome(query: Query, answer: Reading) -> str:
    if answer.status is Status.UNKNOWN:
        return "refused"
    if answer.status is Status.UNCERTAIN:
        return "one of these" if right_art(answer, query) else "wrong"
    return "right" if answer.matches[0].card.card_id == query.card_id else "wrong"


def named_share(answers: Sequence[Reading]) -> float:
    """The share of answers that name a card: of strangers, the false accepts."""
    return float(np.mean([answer.status is not Status.UNKNOWN for answer in answers])) if answers else 0.0
