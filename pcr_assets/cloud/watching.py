"""``python -m pcr_assets.cloud.watching plan|apply|publish``: CloudWatch set from ``dashboard_config.json``, and told measures.

``plan`` prints what ``apply`` would send. ``publish`` sends the measures of runs, of the release, and of devices.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from edge_runtime.terminal import add_command
from pcr_assets import layout
from pcr_assets.cloud import clients, emf, telling
from pcr_assets.cloud.clients import CloudError, told
from pcr_assets.cloud.emf import BadLine
from pcr_assets.command_options import add_store, purpose
from pcr_assets.project_records import dashboard, experiments, manifest
from pcr_assets.project_records.manifest import as_json
from pcr_assets.resources.store import Missing, Store, StoreError, open_store

WIDTH, HEIGHT, COLUMNS = 12, 6, 2
Config = Mapping[str, Any]


def dashboard_body(config: Config, region: str) -> dict[str, Any]:
    """The dashboard as CloudWatch wants it: two widgets a row, each a search, so that new devices appear by themselves."""
    widgets = [
        {
            "type": "metric",
            "x": WIDTH * (at % COLUMNS),
            "y": HEIGHT * (at // COLUMNS),
            "width": WIDTH,
            "height": HEIGHT,
            "properties": {
                "title": widget["title"],
                "region": region,
                "view": "timeSeries",
                "period": widget["period"],
                "metrics": [[{"expression": widget["search"], "id": f"e{at}"}]],
            },
        }
        for at, widget in enumerate(config["widgets"])
    ]
    return {"widgets": widgets}


def alarm_requests(config: Config, topic: str | None) -> list[dict[str, Any]]:
    """A request for each alarm. ``topic``: the ARN of an SNS topic that is told, or None: the alarm is only seen."""
    return [_alarm(alarm, topic) for alarm in config["alarms"]]


def _alarm(alarm: Mapping[str, Any], topic: str | None) -> dict[str, Any]:
    percentile = alarm["stat"].startswith("p")
    return {
        "AlarmName": alarm["name"],
        "AlarmDescription": alarm["why"],
        "Namespace": alarm["namespace"],
        "MetricName": alarm["metric"],
        "ComparisonOperator": alarm["comparison"],
        "Threshold": alarm["threshold"],
        "ExtendedStatistic" if percentile else "Statistic": alarm["stat"],
        "Period": alarm["period"],
        "EvaluationPeriods": alarm["evaluations"],
        "TreatMissingData": "notBreaching",  # a device that is off has not drifted
        **({"AlarmActions": [topic], "OKActions": [topic]} if topic else {}),
    }


def apply(cloudwatch: Any, config: Config, region: str, topic: str | None = None) -> list[str]:
    """Put the dashboard and the alarms; each replaces the one of its name. Gives their names. Raises CloudError."""
    with told(f"put the dashboard {config['name']}", "cloudwatch:PutDashboard"):
        body = json.dumps(dashboard_body(config, region), sort_keys=True)
        answer = cloudwatch.put_dashboard(DashboardName=config["name"], DashboardBody=body)
        if wrong := answer.get("DashboardValidationMessages"):
            raise CloudError(f"CloudWatch finds fault with the dashboard: {wrong[0].get('Message')}")
    for request in alarm_requests(config, topic):
        with told(f"put the alarm {request['AlarmName']}", "cloudwatch:PutMetricAlarm"):
            cloudwatch.put_metric_alarm(**request)
    return [config["name"], *(alarm["name"] for alarm in config["alarms"])]


def publish(cloudwatch: Any, lines: Sequence[str], source: str, now: float) -> int:
    """Send the measures of lines; gives their number, those too old left out. Raises BadLine and CloudError."""
    sent, measures = 0, list(emf.read(lines, source))
    for request in emf.requests(measures, now):
        with told(f"send measures of {request['Namespace']}", "cloudwatch:PutMetricData"):
            cloudwatch.put_metric_data(**request)
        sent += len(request["MetricData"])
    return sent


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; gives the exit code."""
    given = _parser().parse_args(argv)
    try:
        return int(given.command(open_store(f"{given.store}/{layout.PROJECT}"), given))
    except (CloudError, StoreError, BadLine) as error:
        print(error, file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m pcr_assets.cloud.watching", description=purpose(__doc__))
    add_store(parser)
    commands = parser.add_subparsers(required=True, metavar="plan|apply|publish")
    for name, command, about in (
        ("plan", _plan, "print what apply would send; send nothing"),
        ("apply", _apply, "put the dashboard and the alarms"),
    ):
        sub = add_command(commands, name, about)
        sub.set_defaults(command=command)
        sub.add_argument("--topic", help="ARN of an SNS topic that alarms tell")
        sub.add_argument("--region", help="default: that of the AWS configuration")
    sub = add_command(commands, "publish", "send measures of runs, of the release, and of devices")
    sub.set_defaults(command=_publish)
    sub.add_argument(
        "--emf", type=Path, action="append", default=[], metavar="FILE", help="lines in the embedded metric format"
    )
    sub.add_argument("--events", type=Path, metavar="FILE", help="lines of `edge-runtime watch --json`")
    sub.add_argument("--device", default="", help="whose events they are")
    sub.add_argument("--project", action="store_true", help="the runs and the release of the store")
    sub.add_argument("--dry-run", action="store_true", help="print the lines instead")
    return parser


def _record(store: Store, key: str, asset: str) -> dict[str, Any]:
    try:
        return dict(json.loads(store.read(key)))
    except Missing as error:
        raise StoreError(f"{store.root}/{key} is not there yet: `make build ASSET={asset}` writes it") from error


def _plan(store: Store, given: argparse.Namespace) -> int:
    config = _record(store, dashboard.FILE, "dashboard_config")
    body = dashboard_body(config, given.region or "REGION")
    print(json.dumps({"dashboard": body, "alarms": alarm_requests(config, given.topic)}, indent=1))
    return 0


def _apply(store: Store, given: argparse.Namespace) -> int:
    config = _record(store, dashboard.FILE, "dashboard_config")
    cloudwatch = clients.client("cloudwatch")
    for name in apply(cloudwatch, config, given.region or cloudwatch.meta.region_name, given.topic):
        print(f"put  {name}")
    return 0


def _publish(store: Store, given: argparse.Namespace) -> int:
    now = time.time()
    told_of = _sent_runs(store) if given.project else set()
    runs = _runs_but(told_of, store) if given.project else {}
    found = list(_lines(store, given, now))
    if not found:
        raise CloudError("there is nothing to send: name --project, --emf FILE or --events FILE")
    if given.dry_run:
        print("\n".join([*runs.values(), *(text for _, lines in found for text in lines)]))
        return 0
    cloudwatch = clients.client("cloudwatch")
    sent = publish(cloudwatch, list(runs.values()), store.root, now)
    if runs:
        store.write(layout.SENT_RUNS, as_json({"runs": sorted({*told_of, *runs})}))
    sent += sum(publish(cloudwatch, lines, source, now) for source, lines in found)
    print(f"sent {sent} measures")
    return 0


def _runs_but(told_of: set[str], store: Store) -> dict[str, str]:
    """The lines of runs but those that CloudWatch was told of: what is told twice counts twice in its sums."""
    lines = telling.of_runs(_record(store, experiments.FILE, "experiments_index"))
    return {run: text for run, text in lines.items() if run not in told_of}


def _sent_runs(store: Store) -> set[str]:
    try:
        return set(json.loads(store.read(layout.SENT_RUNS))["runs"])
    except Missing:
        return set()
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(
            f"{store.root}/{layout.SENT_RUNS} names no runs ({error}): remove it, and all runs of the last {emf.DAYS} days are sent"
        ) from error


def _lines(store: Store, given: argparse.Namespace, now: float) -> Iterator[tuple[str, list[str]]]:
    """Where lines are from, and the lines: all but those of runs."""
    if given.project:
        written = _record(store, manifest.FILE, "project_manifest")
        yield store.root, telling.of_release(written, now)
    for file in given.emf:
        yield f"{file}", _read(file)
    if given.events:
        if not given.device:
            raise CloudError("--events needs --device NAME: alarms and the dashboard tell devices apart by it")
        yield f"{given.events}", telling.of_events(_read(given.events), given.device, now, f"{given.events}")


def _read(file: Path) -> list[str]:
    try:
        return file.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise CloudError(f"{file} can't be read ({error}): name a file of lines") from error


if __name__ == "__main__":
    sys.exit(main())
