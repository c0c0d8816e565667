"""The recognition report: how well each variant of a release names cards, and what it must refuse.

Everything is asked through edge_runtime, the program that will run the release. Confidences and thresholds are calibrated
on validation cards and on one half of the strangers, and judged on test cards, on the other half, and on photos.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from edge_runtime.answers import card_json
from edge_runtime.embedder import OnnxEmbedder
from edge_runtime.finding.outline_filter import OutlineFilter
from edge_runtime.gallery import Gallery
from edge_runtime.judging.decide import Calibration
from edge_runtime.judging.judge import Judge
from edge_runtime.judging.second_look import SecondLook
from edge_runtime.photo import PhotoError, load_photo
from edge_runtime.reading.readings import Reading
from edge_runtime.recognizer import Recognizer
from pcr_assets import measures
from pcr_assets.gallery import judging, queries
from pcr_assets.gallery import photos as labelled
from pcr_assets.gallery.confidence import calibration_error, error_by_chance, reliability
from pcr_assets.gallery.evidence import Asking, Evidence, Subject, fault
from pcr_assets.gallery.judging import Query
from pcr_assets.gallery.settings import ReportSettings
from pcr_assets.imaging import camera

AMOUNTS = {"half": 0.5, "worst": 1.0}
"""How strong an effect is that is asked about alone, as a share of the worst that the camera draws."""
MOST_CONFUSIONS = 12


@dataclass(frozen=True)
class Confusion:
    """A test card for which another one was found: both pictures, uint8 RGB, and a line about them."""

    asked: np.ndarray
    found: np.ndarray
    caption: str


def judge_variant(
    subject: Subject, evidence: Evidence, settings: ReportSettings
) -> tuple[dict[str, Any], list[Confusion]]:
    """Calibrate and judge one variant: recall of the search alone and of whole answers, refusals, reliability.

    Gives the record, and the worst confusions of arts, the most confident first.
    """
    asking = Asking(subject, evidence, settings)
    taught = settings.calibration_queries
    known = [query for strength in settings.strengths for query in asking.cards("validation", strength, taught)]
    strangers = asking.strangers()
    calibration = judging.calibrate(
        subject.second_look,
        known,
        strangers[::2],
        far=settings.false_accept_rate,
        precision=settings.precision,
    )
    judge = subject.judge(calibration)
    forgetting = subject.judge(calibration, SecondLook(subject.second_look.references))  # strangers take many looks
    asked = {strength: asking.cards("test", strength) for strength in settings.strengths}
    answers = {strength: judging.answered(judge, queries_) for strength, queries_ in asked.items()}
    found = {strength: judging.measured(asked[strength], answers[strength]) for strength in settings.strengths}
    for strength, measured in found.items():
        print(f"report: {strength} camera, recall@1 {measured['recall_at_1']:.1%}, refused {measured['refused']:.1%}")
    tested = [query for strength in settings.strengths for query in asked[strength]]
    given = [answer for strength in settings.strengths for answer in answers[strength]]
    unknown = judging.answered(forgetting, judging.as_strangers(tested))
    strange = judging.answered(forgetting, strangers[1::2])
    reprinted = [query for strength in settings.strengths for query in asking.other_printings("test", strength)]
    reprints = judging.answered(forgetting, reprinted)
    record = {
        "calibration": calibration.as_json(),
        "recall": {strength: _search_alone(queries_) for strength, queries_ in asked.items()},
        "answers": found,
        **_new_cards(judge, asking.cards("new", settings.strengths[0])),
        "sets": judging.by_set(tested, given),
        "right_at_1": {
            strength: [answer.matches[0].card.card_id == query.card_id for query, answer in zip(*pair, strict=True)]
            for strength, pair in ((strength, (asked[strength], answers[strength])) for strength in asked)
        },
        "named": _named({"unknown cards": unknown, "strangers": strange, "other printings": reprints}),
        **_confidences(tested, given, unknown, strange),
    }
    return record, _confusions(judge, tested, given)


def by_effect(
    subject: Subject, calibration: Mapping[str, Any], evidence: Evidence, settings: ReportSettings
) -> dict[str, dict[str, Any]]:
    """What whole answers are worth when one effect of the camera happens alone, at each of :data:`AMOUNTS`: which one hurts."""
    asking = Asking(subject, evidence, settings)
    judge = subject.judge(Calibration.from_json(calibration))
    found = {}
    for effect in camera.EFFECTS if settings.effect_queries else ():
        for word, amount in AMOUNTS.items():
            asked = asking.cards("test", camera.only(effect, amount), settings.effect_queries)
            found[f"{effect}, {word}"] = judging.measured(asked, judging.answered(judge, asked))
    if found:
        worst = min(found, key=lambda effect: found[effect]["art_recall_at_1"])
        share = found[worst]["art_recall_at_1"]
        print(
            f"report: the effect that hurts most alone is '{worst}', art found {share:.1%}"
            if share < 1
            else "report: no effect of the camera alone keeps it from finding the art"
        )
    return found


def loss(full: Mapping[str, Any], small: Mapping[str, Any]) -> dict[str, float]:
    """What a smaller variant loses of recall@1, in points, with its 95 % interval: both answered the same queries.

    The same cards were asked at every strength, and count once in the interval.
    """
    pairs = [
        (before, after)
        for strength, answers in full["right_at_1"].items()
        for before, after in zip(answers, small["right_at_1"][strength], strict=True)
    ]
    lost, gained = pairs.count((True, False)), pairs.count((False, True))
    times = max(len(full["right_at_1"]), 1)
    low, high = measures.paired(lost / times, gained / times, len(pairs) // times)
    points = {"points": (lost - gained) / max(len(pairs), 1), "low": low, "high": high}
    return {name: round(100 * value, 2) for name, value in points.items()}


def _new_cards(judge: Judge, asked: Sequence[Query]) -> dict[str, Any]:
    """What became of cards that came after the training snapshot; nothing where none came."""
    if not asked:
        return {}
    answers = judging.answered(judge, asked)
    return {"new cards": judging.measured(asked, answers), "new sets": judging.by_set(asked, answers)}


def _named(answers: Mapping[str, Sequence[Reading]]) -> dict[str, Any]:
    """Of each kind that must be refused: the share that was named, and how many were asked."""
    shares = {kind: judging.named_share(given) for kind, given in answers.items()}
    return {**shares, **{f"{kind} asked": len(given) for kind, given in answers.items()}}


def _confidences(
    tested: Sequence[Query], given: Sequence[Reading], unknown: Sequence[Reading], strange: Sequence[Reading]
) -> dict[str, Any]:
    """How confidences and truth go together, over cards of the gallery and others."""
    right = np.array([judging.right_art(answer, query) for answer, query in zip(given, tested, strict=True)], bool)
    confidence = np.array([answer.confidence for answer in [*given, *unknown, *strange]])
    truth = np.append(right, np.zeros(len(unknown) + len(strange), bool))
    table = reliability(confidence, truth)
    ends = np.cumsum([len(given), len(unknown)])
    of_known, of_unknown, of_strange = np.split(confidence, ends)
    return {
        "reliability": table,
        "calibration_error": calibration_error(table),
        "calibration_error_by_chance": error_by_chance(confidence, truth),
        "confidences": {
            "right card": _rounded(of_known[right]),
            "card not in the gallery": _rounded(of_unknown),
            "strangers": _rounded(of_strange),
        },
    }


def _confusions(judge: Judge, asked: Sequence[Query], answers: Sequence[Reading]) -> list[Confusion]:
    """Answers with the wrong art, the most confident first."""
    wrong = [
        (query, answer) for query, answer in zip(asked, answers, strict=True) if not judging.right_art(answer, query)
    ]
    worst = sorted(wrong, key=lambda pair: -pair[1].confidence)[:MOST_CONFUSIONS]
    pictures = judge.second_look.references if judge.second_look else None
    return [
        Confusion(
            query.picture(),
            pictures.picture(answer.matches[0].key),
            f"{query.card_id} {query.name} taken for {answer.matches[0].card.card_id} {answer.matches[0].card.name}: "
            f"{answer.status}, {answer.confidence:.0%}",
        )
        for query, answer in worst
        if pictures is not None
    ]


def judge_photos(subject: Subject, calibration: Mapping[str, Any], evidence: Evidence) -> dict[str, Any]:
    """Every photo through the whole of edge_runtime: what became of each labelled card, and what was found."""
    gallery = Gallery.open(subject.index, subject.catalogue)
    judge = subject.judge(Calibration.from_json(calibration), SecondLook(subject.second_look.references))
    outline_filter = OutlineFilter(subject.outline_filter) if subject.outline_filter else None
    recognizer = Recognizer(OnnxEmbedder(subject.model), gallery, judge, outline_filter)
    known = frozenset(gallery.cards)
    verdicts: list[labelled.Verdict] = []
    seen: list[dict[str, Any]] = [
        {"photo": name, "error": said, "cards": []} for name, said in evidence.lacking.items()
    ]
    for number, (name, path) in enumerate(evidence.photos.items(), start=1):
        try:
            answers = [card_json(reading) for reading in recognizer.recognize(load_photo(path)).cards]
        except PhotoError as error:
            seen.append({"photo": name, "error": fault(error, path, name), "cards": []})
            continue
        seen.append({"photo": name, "cards": answers})
        verdicts += labelled.judge(name, evidence.labels[name], answers, known)
        if number % 10 == 0 or number == len(evidence.photos):
            print(f"report: photo {number} of {len(evidence.photos)}, so far {labelled.tally(verdicts)}")
    return {
        "outcomes": labelled.tally(verdicts),
        "photos": seen,
        "verdicts": [_verdict_json(verdict) for verdict in verdicts],
    }


def objections(variants: Mapping[str, Mapping[str, Any]], settings: ReportSettings) -> list[str]:
    """Why these variants must not be released, one sentence each; empty when nothing speaks against it."""
    least = settings.least_recall
    first = {name: next(iter(judged["answers"].values())) for name, judged in variants.items()}
    too_few = [name for name, answers in first.items() if min(answers["high"], answers["answered_high"]) < least]
    return [f"{reached(name, variants[name])}, {least:.0%} is asked" for name in too_few]


def reached(name: str, judged: Mapping[str, Any]) -> str:
    """What a variant reached at the first strength, with its interval."""
    strength, recall = next(iter(judged["answers"].items()))
    return (
        f"{name} finds {recall['recall_at_1']:.1%} ({recall['low']:.1%} to {recall['high']:.1%}) of {recall['queries']} "
        f"test cards at strength {strength} and answers {recall['answered']:.1%}"
    )


def _search_alone(asked: Sequence[Query]) -> dict[str, Any]:
    return queries.measured(
        [query.card_id for query in asked], [query.art_group for query in asked], [query.matches for query in asked]
    )


def _rounded(values: np.ndarray) -> list[float]:
    return [round(float(value), 3) for value in values]


def _verdict_json(verdict: labelled.Verdict) -> dict[str, Any]:
    label = asdict(verdict.label) | {
        "corners": None if verdict.label.corners is None else verdict.label.corners.tolist()
    }
    return {**asdict(verdict), "label": label, "similarity": round(verdict.similarity, 3)}
