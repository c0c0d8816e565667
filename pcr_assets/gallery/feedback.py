"""What devices gave back, summed up: counts, confusions, similarities over time, and whether these have moved.

Devices are not trusted: what isn't of the form that :mod:`edge_runtime.feedback.box` writes is set aside with its reason.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from edge_runtime.feedback.box import BINS, TALLY

Status = Literal["confirmed", "uncertain", "unknown"]
STATUSES: tuple[Status, ...] = ("confirmed", "uncertain", "unknown")
ENOUGH = 200
"""Answers that both sides of a comparison need: with fewer, chance alone moves the index by more than its limit."""
CHANCE = 36.19
"""99 % quantile of chi-squared with ``BINS - 1`` degrees of freedom; times 1/n + 1/m it is what chance does to the index
(Yurdakul, Statistical Properties of Population Stability Index, 2018)."""
UNNAMED = "no card"
"""What a card was answered that nobody but a person named."""
MOST_CONFUSIONS = 50
MOST_BYTES = 64 << 10
"""Of one JSON file: a tally of some hundred sets takes a tenth."""
TOO_LARGE = f"larger than {MOST_BYTES >> 10} KiB"

Count = Annotated[int, Field(ge=0, le=10**9)]
"""Answers of a day: more than any device gives, and few enough that the sum over all devices and days is a number of 64 bits."""


class Answer(BaseModel):
    """One kept card."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str = Field(pattern=r"^[0-9a-f]{32}$")
    release_id: str = Field(max_length=80)
    variant: str = Field(max_length=80)
    status: Status
    card_id: str = Field(max_length=80)
    """Empty, as the set is, where a person named what the device did not."""
    set: str = Field(max_length=80)
    similarity: float | None = Field(ge=-1.01, le=1.01)
    """None where a person corrected what several frames had said together."""
    confidence: float = Field(ge=0, le=1)
    corrected: str | None = Field(None, max_length=80)


class Counts(BaseModel):
    """The answers of a day under one model of one release."""

    model_config = ConfigDict(extra="ignore")

    similarity: list[Count] = Field(min_length=BINS, max_length=BINS)
    sets: dict[str, dict[Status, Count]] = Field(max_length=2000)


class Tally(BaseModel):
    """All answers of a day, by ``release variant``."""

    model_config = ConfigDict(extra="ignore")

    answers: dict[str, Counts] = Field(max_length=100)


def read_day(day: str, contents: Iterable[tuple[str, bytes]]) -> dict[str, Any]:
    """One device's day as JSON: its cards, its tally, and what was set aside with the reason. ``contents``: keys and bytes, in the
    order of the keys, of which one is held at a time: a device may send as many as it likes."""
    device, _, date = day.partition("/")
    read: dict[str, Any] = {"device": device, "date": date, "answers": [], "tally": {}, "faults": []}
    for key, data in contents:
        if len(data) > MOST_BYTES:
            read["faults"].append({"file": key, "reason": TOO_LARGE})
            continue
        try:
            if PurePosixPath(key).name == TALLY:
                read["tally"] = Tally.model_validate_json(data).model_dump()["answers"]
            else:
                read["answers"].append(Answer.model_validate_json(data).model_dump() | {"picture": f"{key[:-5]}.jpg"})
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"]))
            read["faults"].append({"file": key, "reason": f"{place}: {first['msg']}".removeprefix(": ")})
    return read


def summed_up(days: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The record of ``field_feedback``, from the days of all devices."""
    answers = [answer for day in days for answer in day["answers"]]
    corrected = [answer for answer in answers if answer["corrected"]]
    wrong = [answer for answer in corrected if answer["corrected"] != answer["card_id"]]
    confusions = Counter((answer["card_id"] or UNNAMED, answer["corrected"]) for answer in wrong)
    return {
        "devices": len({day["device"] for day in days}),
        "days": len(days),
        "kept": len(answers),
        "corrected": len(corrected),
        "corrected_wrong": len(wrong),
        "answers": _by_release(days),
        "sets": _by_set(days, corrected),
        "confusions": [
            {"answered": said, "is": true, "times": times}
            for (said, true), times in sorted(confusions.items(), key=lambda item: (-item[1], item[0]))[
                :MOST_CONFUSIONS
            ]
        ],
        "over_time": _over_time(days),
        "drift": _drift(days),
        "running": _running(days),
        "faults": [fault for day in days for fault in day["faults"]],
    }


def _by_release(days: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, int]]:
    total: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for day in days:
        for release, counts in day["tally"].items():
            for of_set in counts["sets"].values():
                total[release].update(of_set)
    return {release: {status: total[release][status] for status in STATUSES} for release in sorted(total)}


def _by_set(days: Sequence[Mapping[str, Any]], corrected: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, int]]:
    """For an unknown card the set is that of the nearest one."""
    total: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for day in days:
        for counts in day["tally"].values():
            for set_id, of_set in counts["sets"].items():
                total[set_id].update(of_set)
    for answer in filter(itemgetter("set"), corrected):
        total[answer["set"]]["corrected"] += 1
    return {set_id: {name: total[set_id][name] for name in (*STATUSES, "corrected")} for set_id in sorted(total)}


def _over_time(days: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    """For each date the answers, the shares that were uncertain and unknown, and the mean similarity (of the bins' middles)."""
    table = {}
    for date, of_date in groupby(sorted(days, key=lambda day: day["date"]), lambda day: day["date"]):
        counts = [counts for day in of_date for counts in day["tally"].values()]
        statuses = sum((Counter(of_set) for each in counts for of_set in each["sets"].values()), Counter[str]())
        answers = sum(statuses.values())
        if answers:
            similar = np.sum([each["similarity"] for each in counts], axis=0)
            middles = (np.arange(BINS) + 0.5) / BINS
            table[date] = {
                "answers": answers,
                "uncertain": round(statuses["uncertain"] / answers, 4),
                "unknown": round(statuses["unknown"] / answers, 4),
                "mean similarity": round(float(similar @ middles / max(similar.sum(), 1)), 4),
            }
    return table


def _drift(days: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    """For each release how far its latest similarities are from its first: the index, its limit by chance, both numbers.

    The first days are as many as give :data:`ENOUGH` answers, the latest too; a release with fewer than both together is left
    out. Another release is another model and gallery, so that releases are never compared with each other.
    """
    series: defaultdict[str, list[np.ndarray]] = defaultdict(list)
    for day in sorted(days, key=lambda day: (day["date"], day["device"])):
        for release, counts in day["tally"].items():
            series[release].append(np.array(counts["similarity"]))
    found = {}
    for release in sorted(series):
        first, used = _until_enough(series[release])
        last, _ = _until_enough(series[release][: used - 1 : -1] if used else [])
        if min(first.sum(), last.sum()) >= ENOUGH:
            found[release] = {
                "psi": round(stability_index(first, last), 4),
                "chance": round(CHANCE * (1 / first.sum() + 1 / last.sum()), 4),
                "first": int(first.sum()),
                "last": int(last.sum()),
            }
    return found


def _running(days: Sequence[Mapping[str, Any]]) -> list[str]:
    """What each device answered with on its last day. Of what it ran before that, nothing can be mended any more."""
    with_answers = sorted((day for day in days if day["tally"]), key=itemgetter("date"))
    last = {day["device"]: day["tally"] for day in with_answers}
    return sorted({release for tally in last.values() for release in tally})


def _until_enough(counts: Sequence[np.ndarray]) -> tuple[np.ndarray, int]:
    """The sum of as many as are needed, and how many those were."""
    total = np.zeros(BINS, np.int64)
    for number, each in enumerate(counts):
        if total.sum() >= ENOUGH:
            return total, number
        total = total + each
    return total, len(counts)


def stability_index(expected: np.ndarray, actual: np.ndarray) -> float:
    """The population stability index of two histograms on the same bins: below 0.1 little has changed, from 0.25 much has.

    Siddiqi, Credit Risk Scorecards, 2006. Half a count is added to each bin, or an empty one would make it infinite.
    """
    before, after = ((counts + 0.5) / (counts + 0.5).sum() for counts in (expected, actual))
    return float(np.sum((after - before) * np.log(after / before)))


def worst(days: Sequence[Mapping[str, Any]], most: int) -> list[dict[str, Any]]:
    """The cards to look at: those that were named wrongly, the surest first; then the rest, the most doubtful first."""

    def order(answer: Mapping[str, Any]) -> tuple[Any, ...]:
        wrong = bool(answer["corrected"]) and answer["corrected"] != answer["card_id"]
        return (not wrong, -answer["confidence"] if wrong else answer["confidence"], answer["id"])

    return sorted((answer for day in days for answer in day["answers"]), key=order)[:most]
