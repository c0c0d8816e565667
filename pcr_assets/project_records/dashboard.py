"""``analytics/dashboards/dashboard_config.json``: what is watched, and when somebody is told. CloudWatch is set from it."""

from typing import Any

from pcr_assets import layout
from pcr_assets.project_records.manifest import ProjectManifest, as_json

FILE = f"{layout.DASHBOARDS}/dashboard_config.json"
NAME = "pokemon-card-recognition"
TRAINING, RELEASE, EDGE = "PCR/Training", "PCR/Release", "PCR/Edge"
FELL = 0.8
"""An edge that names less than this share of what the release's report promises has drifted."""
LONGEST_ANSWER_MS = 500
DAY, HOUR = 86400, 3600


def config(manifest: ProjectManifest) -> dict[str, Any]:
    """Metrics, widgets and alarms. Limits of drift alarms are figured from the release's own report."""
    promised = _answered(manifest)
    return {
        "name": NAME,
        "metrics": {
            TRAINING: {"dimensions": ["Stage"], "names": ["Seconds", "CostUSD", "RecallAt1"]},
            RELEASE: {"dimensions": ["Variant", "Camera"], "names": ["RecallAt1", "Answered"]},
            EDGE: {
                "dimensions": ["Device"],
                "names": ["Answers", "ConfirmedRate", "UnknownRate", "Confidence", "LatencyMs"],
            },
        },
        "widgets": [
            _widget("Recall@1 of the release", RELEASE, "RecallAt1", "Variant,Camera", "Average", DAY),
            _widget("Cards that devices name", EDGE, "ConfirmedRate", "Device", "Average", HOUR),
            _widget("Cards that devices don't know", EDGE, "UnknownRate", "Device", "Average", HOUR),
            _widget("Confidence of devices", EDGE, "Confidence", "Device", "p10", HOUR),
            _widget("Time for an answer, ms", EDGE, "LatencyMs", "Device", "p95", HOUR),
            _widget("Training cost, US dollars", TRAINING, "CostUSD", "Stage", "Sum", DAY),
        ],
        "alarms": [
            _alarm(
                "drift-confirmed", "ConfirmedRate", "LessThanThreshold", round(FELL * promised, 4), "Average", HOUR, 3
            )
            | {"why": f"devices name less than {FELL:.0%} of what the report of the release promises ({promised:.1%})"},
            _alarm(
                "drift-unknown",
                "UnknownRate",
                "GreaterThanThreshold",
                round(1 - FELL * promised, 4),
                "Average",
                HOUR,
                3,
            )
            | {"why": "more cards are unknown than the report lets expect: a new set, another game, or a lens"},
            _alarm("slow-answers", "LatencyMs", "GreaterThanThreshold", LONGEST_ANSWER_MS, "p95", HOUR, 3)
            | {"why": "a person waits for the answer"},
        ],
        "release": manifest.release.id if manifest.release else None,
    }


def files(manifest: ProjectManifest) -> dict[str, bytes]:
    """The configuration: its key in the store, and its bytes."""
    return {FILE: as_json(config(manifest))}


def _answered(manifest: ProjectManifest) -> float:
    """The share of known cards that the default variant answers, its worst strength; 1 where no release says it."""
    answers = manifest.release.answers.get("int8", {}) if manifest.release else {}
    shares = [found["answered"] for found in answers.values() if "answered" in found]
    return min(shares, default=1.0)


def _widget(title: str, namespace: str, metric: str, dimensions: str, stat: str, period: int) -> dict[str, Any]:
    search = f"SEARCH('{{{namespace},{dimensions}}} MetricName=\"{metric}\"', '{stat}', {period})"
    return {"title": title, "namespace": namespace, "metric": metric, "search": search, "stat": stat, "period": period}


def _alarm(
    name: str, metric: str, comparison: str, threshold: float, stat: str, period: int, evaluations: int
) -> dict[str, Any]:
    """An alarm over all devices: published once without a dimension for it."""
    return {
        "name": f"{NAME}-{name}",
        "namespace": EDGE,
        "metric": metric,
        "comparison": comparison,
        "threshold": threshold,
        "stat": stat,
        "period": period,
        "evaluations": evaluations,
    }
