"""Measures as lines of JSON in CloudWatch's embedded metric format, and such lines as requests to CloudWatch.

A line is complete in itself: a log agent on a device may ship it, or :mod:`pcr_assets.cloud.watching` publishes it.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MOST_VALUES = 1000
"""Measures in one request to CloudWatch."""
DAYS = 14
"""CloudWatch takes no measure that is older."""
NO_UNIT = "None"
UNITS = {"Seconds": "Seconds", "LatencyMs": "Milliseconds", "Answers": "Count"}


class BadLine(ValueError):
    """A line that is no measure; the message names it."""


@dataclass(frozen=True)
class Measure:
    """One value of one metric. ``time`` is in seconds since 1970; values are finite."""

    namespace: str
    name: str
    value: float
    dimensions: tuple[tuple[str, str], ...]
    time: float
    unit: str = NO_UNIT


def line(
    namespace: str, dimensions: Mapping[str, str], values: Mapping[str, float], time: float, *, total: bool = False
) -> str:
    """One line. With ``total`` the values also count without their dimensions: alarms over all devices watch those."""
    sets: list[list[str]] = [list(dimensions), *([[]] if total else [])]
    metrics = [{"Name": name, "Unit": UNITS.get(name, NO_UNIT)} for name in values]
    directive = {"Namespace": namespace, "Dimensions": sets, "Metrics": metrics}
    about = {"Timestamp": round(time * 1000), "CloudWatchMetrics": [directive]}
    return json.dumps({"_aws": about, **dimensions, **values}, sort_keys=True, allow_nan=False)


def read(lines: Iterable[str], source: str) -> Iterator[Measure]:
    """The measures of lines; blank lines are skipped. Raises BadLine."""
    for number, text in enumerate(lines, start=1):
        if not text.strip():
            continue
        try:
            yield from _measures(json.loads(text))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise BadLine(
                f"{source}, line {number} is not in the embedded metric format ({type(error).__name__}: {error}): write lines "
                "as docs/aws.md shows, or pass --events for those of `edge-runtime watch --json`"
            ) from error


def _measures(value: dict[str, Any]) -> Iterator[Measure]:
    about = value["_aws"]
    for directive in about["CloudWatchMetrics"]:
        for names in directive["Dimensions"]:
            dimensions = tuple((name, str(value[name])) for name in names)
            for metric in directive["Metrics"]:
                number = value[metric["Name"]]
                for one in number if isinstance(number, list) else [number]:
                    if isinstance(one, bool) or not isinstance(one, int | float) or not math.isfinite(one):
                        raise ValueError(f"{metric['Name']} is {one}, which is no number")
                    when, unit = about["Timestamp"] / 1000, metric.get("Unit", NO_UNIT)
                    yield Measure(directive["Namespace"], metric["Name"], float(one), dimensions, when, unit)


def requests(measures: Sequence[Measure], now: float) -> Iterator[dict[str, Any]]:
    """Requests for ``put_metric_data``, at most :data:`MOST_VALUES` measures each; those that are too old are left out."""
    fresh = [measure for measure in measures if now - measure.time < DAYS * 86400]
    for namespace in sorted({measure.namespace for measure in fresh}):
        data = [_datum(measure) for measure in fresh if measure.namespace == namespace]
        for start in range(0, len(data), MOST_VALUES):
            yield {"Namespace": namespace, "MetricData": data[start : start + MOST_VALUES]}


def _datum(measure: Measure) -> dict[str, Any]:
    return {
        "MetricName": measure.name,
        "Dimensions": [{"Name": name, "Value": value} for name, value in measure.dimensions],
        "Timestamp": measure.time,
        "Value": measure.value,
        "Unit": measure.unit,
    }
