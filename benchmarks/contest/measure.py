"""Asking a method, and what its answers are worth: recall, refusal, time."""

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from peers.base import Peer, Ranking

from contest.evidence import Evidence, Query
from pcr_assets import measures
from pcr_assets.gallery.thresholds import accept_threshold

STRANGERS_PASS = 0.005
"""Share of strangers that may be named at the strict threshold."""
ACCEPTED = 0.95
"""Share of right answers that the lenient threshold accepts."""


@dataclass(frozen=True)
class Answers:
    """Rankings of some queries and the CPU milliseconds that each took."""

    rankings: Sequence[Ranking]
    ms: np.ndarray

    @property
    def confidences(self) -> np.ndarray:
        """How sure each answer is, float Q."""
        return np.array([ranking.confidence for ranking in self.rankings])


class Metered:
    """Cards on their way to a gallery: counts those taken, and the CPU time that decoding them took."""

    def __init__(self, cards: Iterable[np.ndarray]):
        self._cards, self.taken, self.seconds = cards, 0, 0.0

    def __iter__(self) -> Iterator[np.ndarray]:
        cards = iter(self._cards)
        while True:
            began = time.process_time()
            card = next(cards, None)
            self.seconds += time.process_time() - began
            if card is None:
                return
            self.taken += 1
            yield card


def ms_to_add(peer: Peer, cards: Iterable[np.ndarray]) -> float:
    """Enrol the gallery; CPU milliseconds a card, decoding aside."""
    metered = Metered(cards)
    began = time.process_time()
    peer.enrol(metered)
    return 1e3 * (time.process_time() - began - metered.seconds) / max(1, metered.taken)


def ask(peer: Peer, queries: Iterable[Query]) -> Answers:
    """Ask a method one query after the other."""
    rankings, ms = [], []
    for query in queries:
        began = time.process_time()
        rankings.append(peer.rank(query.picture))
        ms.append(1e3 * (time.process_time() - began))
    return Answers(rankings, np.array(ms))


def judged(answers: Answers, queries: Sequence[Query], strangers: Answers, evidence: Evidence) -> dict[str, Any]:
    """Recall with its 95 % interval, false accepts, and the median time of a query."""
    by_card = np.array([_rank(r, q, evidence) for r, q in zip(answers.rankings, queries, strict=True)])
    by_art = [
        evidence.art_groups[evidence.card_ids[ranking.rows[0]]] == query.art_group
        for ranking, query in zip(answers.rankings, queries, strict=True)
    ]
    first = measures.recall_at(by_card, 1)
    right, confidences = by_card == 0, answers.confidences
    return {
        "queries": len(queries),
        "recall_at_1": first["recall"],
        "low": first["low"],
        "high": first["high"],
        "art_recall_at_1": float(np.mean(by_art)),
        "recall_at_5": measures.recall_at(by_card, 5)["recall"],
        "ms": float(np.median(answers.ms)),
        "ms_95th": float(np.percentile(answers.ms, 95)),
        **refusals(confidences, right, strangers.confidences),
        "own_decision": _own_decision(answers, right, strangers),
    }


def refusals(confidences: np.ndarray, right: np.ndarray, strangers: np.ndarray) -> dict[str, Any]:
    """What the two thresholds let through; nothing where no stranger was asked or nothing was right."""
    if not strangers.size or not right.any():
        return {"strangers": int(strangers.size), "false_accepts": None, "recall_strict": None, "strict": None}
    lenient = np.quantile(confidences[right], 1 - ACCEPTED, method="lower")
    strict = accept_threshold(strangers, STRANGERS_PASS)
    return {
        "strangers": int(strangers.size),
        "false_accepts": float((strangers >= lenient).mean()),
        "recall_strict": float((right & (confidences >= strict)).mean()),
        "strict": strict,
    }


def _own_decision(answers: Answers, right: np.ndarray, strangers: Answers) -> dict[str, float] | None:
    """Shares named by the method's own decision, where it makes one."""
    decided = [ranking.named for ranking in answers.rankings]
    if None in decided:
        return None
    named = np.array(decided, bool)
    strange = [bool(ranking.named) for ranking in strangers.rankings]
    return {
        "named_right": float((named & right).mean()),
        "named_wrong": float((named & ~right).mean()),
        "strangers_named": float(np.mean(strange)) if strange else 0.0,
    }


def _rank(ranking: Ranking, query: Query, evidence: Evidence) -> int:
    """The place of the right card among the different cards of a ranking; their number when it is not there."""
    cards = list(dict.fromkeys(evidence.card_ids[row] for row in ranking.rows))
    places = (n for n, card in enumerate(cards) if query.right(card, evidence.names[evidence.rows[card]]))
    return next(places, len(cards))


def crops_judged(answers: Answers, crops: Sequence[Query], strict: float | None, evidence: Evidence) -> dict[str, Any]:
    """What became of real cards, cut out by hand: right ones of the gallery's, and those of no scan that were named."""
    known = [(r, q) for r, q in zip(answers.rankings, crops, strict=True) if q.card_id]
    strange = [(r, q) for r, q in zip(answers.rankings, crops, strict=True) if not q.card_id]
    right = [_rank(ranking, crop, evidence) == 0 for ranking, crop in known]
    sure = [_named(ranking, strict) for ranking, _ in known]
    # A reprint whose name stands on the card is no false answer, though its scan is another's.
    named = [_named(ranking, strict) and evidence.names[ranking.rows[0]] != crop.name for ranking, crop in strange]
    return {
        "cards": len(known),
        "right": sum(right),
        "right_and_sure": sum(one and other for one, other in zip(right, sure, strict=True)),
        "strangers": len(strange),
        "strangers_named": sum(named),
    }


def _named(ranking: Ranking, strict: float | None) -> bool:
    """The method's own decision, or that of the strict threshold."""
    return ranking.named if ranking.named is not None else strict is not None and ranking.confidence >= strict
