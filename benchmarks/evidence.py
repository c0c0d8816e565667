"""What each kind of evidence of a second look is worth: the cards that are named, and those that must not be.

    python benchmarks/evidence.py --cards DIR --store STORE [--queries N]

The 8-bit model of a store is calibrated on validation cards, once without and once with the likeness of artworks, and judged on
test cards through the easy, the medium and the hard camera, each also as a stranger and as a made-up other printing, and on
pictures of other games; with the likeness also beside the printing verifier. Then it is calibrated on fewer of the validation
cards, drawn anew five times. Writes benchmarks/results/evidence.json.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from recognition import REFUSED, project_of
from scorecard.machine import machine

from edge_runtime.judging.judge import Judge
from edge_runtime.judging.second_look import Seen, Support
from pcr_assets.assets import evidence
from pcr_assets.gallery import judging
from pcr_assets.gallery.evidence import Asking, Subject
from pcr_assets.gallery.judging import RememberingLook
from pcr_assets.gallery.settings import ReportSettings

RESULT = Path(__file__).parent / "results" / "evidence.json"
ALL = 10**6
"""More strangers than there are."""


class WithoutArtwork(RememberingLook):
    """A second look that compares points alone."""

    def likeness(self, card: Seen, support: Support) -> float:
        """All is alike."""
        return 1.0


KINDS = (
    ("similarity and points", WithoutArtwork, False),
    ("and artwork", RememberingLook, False),
    ("and the printing verifier", RememberingLook, True),
)
CAMERAS = ("easy", "medium", "hard")
FEWER = (100, 200, 300)
"""Validation cards that a calibration is made from, besides all that are asked for."""
DRAWS = 5
"""Times that so few are drawn."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Ask, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cards", required=True, help="folder of the raw scans; strangers lie beside it")
    parser.add_argument("--strangers", help="pictures that must be refused (default: beside the cards)")
    parser.add_argument("--store", required=True, help="store with an index of these cards")
    parser.add_argument("--queries", type=int, default=400, help="cards of each split at each camera")
    parser.add_argument("--output", type=Path, default=RESULT)
    given = parser.parse_args(arguments, argparse.Namespace(photos=None))
    try:
        project = project_of(given)
        many = {"queries": given.queries, "calibration_queries": given.queries, "strangers": ALL, "photos": 0}
        settings = ReportSettings(**{**project.settings.section("report"), **many})
        asking = Asking(
            subject := evidence.subjects_of(project)["int8"], evidence.evidence_of(project, settings), settings
        )
    except REFUSED as error:
        print(f"evidence: {error}", file=sys.stderr)
        return 2
    rows = {**measured(asking, subject, settings), **on_fewer(asking, subject, settings)}
    given.output.parent.mkdir(parents=True, exist_ok=True)
    result = {"machine": machine(), "queries": given.queries, "rows": rows}
    given.output.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")
    for name, row in rows.items():
        print(name, json.dumps(row))
    return 0


def measured(asking: Asking, subject: Subject, settings: ReportSettings) -> dict[str, dict[str, Any]]:
    """A row for each choice of evidence; queries, candidates and points are the same in all."""
    known = [query for strength in settings.strengths for query in asking.cards("validation", strength)]
    asked = {strength: asking.cards("test", strength) for strength in CAMERAS}
    others = {strength: asking.other_printings("test", strength) for strength in CAMERAS}
    strangers = asking.strangers()
    rows = {}
    for name, kind, verifying in KINDS:
        look = kind(subject.second_look.references)
        far, precision = settings.false_accept_rate, settings.precision
        calibration = judging.calibrate(look, known, strangers[::2], far=far, precision=precision)
        judge = subject.judge(calibration, look) if verifying else Judge(calibration, look)
        row: dict[str, Any] = {"calibration": calibration.as_json()}
        for strength, queries in asked.items():
            as_strangers = judging.answered(judge, judging.as_strangers(queries))
            found = judging.measured(queries, judging.answered(judge, queries))
            row[strength] = {
                "art found": found["art_recall_at_1"],
                "named right": found["answered"],
                "named wrong": found["wrong"],
                "refused": found["refused"],
                "as strangers named": judging.named_share(as_strangers),
                "as other printings named": judging.named_share(judging.answered(judge, others[strength])),
            }
        row["other games named"] = judging.named_share(judging.answered(judge, strangers[1::2]))
        rows[name] = row
    return rows


def on_fewer(asking: Asking, subject: Subject, settings: ReportSettings) -> dict[str, dict[str, Any]]:
    """A row for each number of validation cards: for each draw, the share of test cards, at all strengths of the report, that are
    named right, and how many of them are named as strangers."""
    look = RememberingLook(subject.second_look.references)
    known = [asking.cards("validation", strength) for strength in settings.strengths]
    asked = [query for strength in settings.strengths for query in asking.cards("test", strength)]
    unknown, strangers = judging.as_strangers(asked), asking.strangers()[::2]
    rng, whole, rows = np.random.default_rng(settings.seed), len(known[0]), {}
    for size in (*(few for few in FEWER if few < whole), whole):
        draws = []
        for _ in range(DRAWS if size < whole else 1):
            rows_drawn = rng.permutation(whole)[:size]
            taught = [queries[row] for queries in known for row in rows_drawn]
            calibration = judging.calibrate(
                look, taught, strangers, far=settings.false_accept_rate, precision=settings.precision
            )
            judge = Judge(calibration, look)
            found = judging.measured(asked, judging.answered(judge, asked))
            named = judging.named_share(judging.answered(judge, unknown))
            draws.append({"named right": found["answered"], "as strangers named": round(named * len(unknown))})
        rows[f"calibrated on {size}"] = {"asked": len(asked), "draws": draws}
    return rows


if __name__ == "__main__":
    sys.exit(main())
