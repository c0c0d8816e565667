"""Watching: CloudWatch set from the project's own configuration, and told measures of runs, releases and devices."""

import json
import time
from types import SimpleNamespace

import boto3
import pytest
from botocore.stub import Stubber

from pcr_assets import layout
from pcr_assets.cloud import clients, emf, telling, watching
from pcr_assets.cloud.clients import CloudError
from pcr_assets_tests.cloud.device_events import EVENTS, lines

NOW = 1_780_000_000.0


@pytest.fixture
def cloudwatch(aws):
    return boto3.client("cloudwatch")


def test_the_dashboard_and_the_alarms_are_put_and_put_again(config, cloudwatch):
    for _ in range(2):
        names = watching.apply(cloudwatch, config, "us-east-2", topic="arn:aws:sns:us-east-2:123456789012:cards")
    body = json.loads(cloudwatch.get_dashboard(DashboardName=names[0])["DashboardBody"])
    assert [widget["properties"]["title"] for widget in body["widgets"]] == [w["title"] for w in config["widgets"]]
    alarms = {alarm["AlarmName"]: alarm for alarm in cloudwatch.describe_alarms()["MetricAlarms"]}
    assert set(alarms) == set(names[1:])
    drift = alarms["pokemon-card-recognition-drift-confirmed"]
    assert (drift["Threshold"], drift["Statistic"]) == (pytest.approx(0.736), "Average")
    assert alarms["pokemon-card-recognition-slow-answers"]["ExtendedStatistic"] == "p95"


def test_events_of_a_device_become_one_line_of_its_stays():
    (line,) = telling.of_events(lines(EVENTS), "pi5-01", NOW)
    found = {(measure.name, measure.dimensions): measure.value for measure in emf.read([line], "x")}
    device = (("Device", "pi5-01"),)
    assert found["Answers", device] == 2
    assert found["ConfirmedRate", device] == found["UnknownRate", ()] == 0.5
    assert found["Confidence", ()] == pytest.approx(0.54)
    assert telling.of_events(lines(EVENTS[:1]), "pi5-01", NOW) == []


def test_a_card_that_changed_counts_as_what_it_was_told_to_be_last():
    told = {"stay": 1, "confidence": 0.9}
    confirmed = {**told, "event": "confirmed", "status": "confirmed"}
    (line,) = telling.of_events(lines([confirmed, {**told, "event": "changed", "status": "unknown"}]), "pi5-01", NOW)
    assert json.loads(line)["UnknownRate"] == 1.0


def test_measures_go_out_in_requests_that_cloudwatch_takes():
    measures = [emf.Measure("PCR/Edge", "LatencyMs", float(n), (("Device", "a"),), NOW - n) for n in range(2500)]
    old = emf.Measure("PCR/Edge", "LatencyMs", 1.0, (), NOW - 15 * 86400)
    sent = list(emf.requests([*measures, old], NOW))
    assert [len(request["MetricData"]) for request in sent] == [1000, 1000, 500]


def test_measures_of_the_project_and_of_a_device_are_there_afterwards(config, cloudwatch, tmp_path, capsys):
    store = str(tmp_path / "store")
    events = tmp_path / "events.jsonl"
    events.write_text("\n".join(lines(EVENTS)))
    assert watching.main(["--store", store, "publish", "--project", "--events", str(events), "--device", "pi5-01"]) == 0
    assert "sent" in capsys.readouterr().out
    names = {(m["Namespace"], m["MetricName"]) for m in cloudwatch.list_metrics()["Metrics"]}
    assert {("PCR/Release", "RecallAt1"), ("PCR/Edge", "ConfirmedRate")} <= names


def test_a_run_is_sent_once(config, tmp_path, capsys, monkeypatch):
    requests = []
    cloudwatch = SimpleNamespace(put_metric_data=lambda **request: requests.append(request))
    monkeypatch.setattr(clients, "client", lambda *_: cloudwatch)
    monkeypatch.setattr(emf, "DAYS", 365_000)  # the runs of this store are old
    asked = ["--store", str(tmp_path / "store"), "publish", "--project"]

    def training():
        assert watching.main(asked) == 0
        return [
            datum for request in requests if request["Namespace"] == "PCR/Training" for datum in request["MetricData"]
        ]

    assert training()
    requests.clear()
    assert not training()
    (tmp_path / "store" / layout.PROJECT / layout.SENT_RUNS).write_text("[]")
    assert watching.main(asked) == 1
    assert "sent_runs.json names no runs" in capsys.readouterr().err


def test_a_line_of_ones_own_keeps_its_unit():
    own = emf.line("PCR/Edge", {}, {"FreeBytes": 7.0}, NOW).replace('"Unit": "None"', '"Unit": "Bytes"')
    ((request,),) = [list(emf.requests(list(emf.read([own], "x")), NOW))]
    assert [(datum["Value"], datum["Unit"]) for datum in request["MetricData"]] == [(7.0, "Bytes")]


def test_lines_of_the_format_are_published_as_they_are(cloudwatch, tmp_path):
    file = tmp_path / "edge.jsonl"
    file.write_text(emf.line("PCR/Edge", {"Device": "pi5-01"}, {"LatencyMs": 41.5}, time.time(), total=True) + "\n\n")
    assert watching.main(["--store", str(tmp_path), "publish", "--emf", str(file)]) == 0
    found = [m for m in cloudwatch.list_metrics(Namespace="PCR/Edge")["Metrics"] if m["MetricName"] == "LatencyMs"]
    assert sorted(len(metric["Dimensions"]) for metric in found) == [0, 1]


def test_plan_and_dry_run_send_nothing(config, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(clients, "client", lambda *_: pytest.fail("AWS was asked"))
    store = str(tmp_path / "store")
    assert watching.main(["--store", store, "plan"]) == 0
    assert len(json.loads(capsys.readouterr().out)["alarms"]) == 3
    assert watching.main(["--store", store, "publish", "--project", "--dry-run"]) == 0
    assert all("_aws" in json.loads(line) for line in capsys.readouterr().out.splitlines())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("not json", "line 1 is not in the embedded metric format"),
        ('{"_aws": {"Timestamp": 1}}', "line 1 is not in the embedded metric format"),
        (emf.line("N", {}, {"A": 1.0}, NOW).replace('"A": 1.0', '"A": NaN'), "which is no number"),
    ],
)
def test_a_line_that_is_no_measure_is_named(text, said, tmp_path, capsys, aws):
    file = tmp_path / "edge.jsonl"
    file.write_text(text)
    assert watching.main(["--store", str(tmp_path), "publish", "--emf", str(file)]) == 1
    assert said in capsys.readouterr().err


def test_a_store_without_the_configuration_says_which_asset_writes_it(tmp_path, capsys, aws):
    assert watching.main(["--store", str(tmp_path), "apply"]) == 1
    assert "`make build ASSET=dashboard_config` writes it" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("AccessDenied", "add cloudwatch:PutDashboard to their policy"),
        ("ExpiredToken", "the credentials are wrong or have expired"),
        ("Throttling", "the service is busy"),
    ],
)
def test_what_aws_refuses_is_one_sentence(code, said, config, cloudwatch):
    with Stubber(cloudwatch) as stub:
        stub.add_client_error("put_dashboard", service_error_code=code)
        with pytest.raises(CloudError, match=said):
            watching.apply(cloudwatch, config, "us-east-2")


def test_a_busy_service_is_asked_again(aws, monkeypatch):
    """The first two answers are refusals; botocore's own retries go on to the third."""
    from botocore.awsrequest import AWSResponse

    cloudwatch = clients.client("cloudwatch")
    asked = []

    class Body:
        def __init__(self, data):
            self.data = data

        def stream(self, **_):
            yield self.data

    def busy(request, **_):
        asked.append(request.url)
        if len(asked) < 3:
            body = json.dumps({"__type": "ThrottlingException", "message": "slow down"}).encode()
            return AWSResponse(request.url, 400, {"x-amzn-query-error": "Throttling;Sender"}, Body(body))
        return None

    monkeypatch.setattr("time.sleep", lambda _: None)
    cloudwatch.meta.events.register_first("before-send.cloudwatch.*", busy)
    watching.publish(cloudwatch, [emf.line("PCR/Edge", {}, {"LatencyMs": 1.0}, NOW)], "x", NOW)
    assert len(asked) == 3


def test_without_credentials_the_sentence_says_what_to_set(aws, monkeypatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(CloudError, match="there are no AWS credentials"):
        watching.publish(clients.client("cloudwatch"), [emf.line("N", {}, {"A": 1.0}, NOW)], "x", NOW)
