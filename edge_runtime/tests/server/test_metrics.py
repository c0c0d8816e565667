"""What Prometheus is told of a service, and by which names."""

import threading

from prometheus_client.parser import text_string_to_metric_families

from edge_runtime.server.metrics import Metrics


def read(text):
    """The families of the service's own metrics by their name."""
    families = text_string_to_metric_families(text)
    return {family.name: family for family in families if family.name.startswith("edge_")}


def test_what_only_grows_is_a_counter_and_named_as_one(serve, until):
    """``rate()`` is for counters alone: of a gauge it takes a new start of the service for a loss."""
    _, client = serve()
    until(lambda: client.get("/readyz").json()["ready"])
    told = read(client.get("/metrics").text)
    for name in ("edge_source_frames", "edge_source_damaged_frames"):
        assert told[name].type == "counter"
        assert [sample.name for sample in told[name].samples] == [f"{name}_total"]
    assert told["edge_source_frames"].samples[0].value >= 1
    assert not [name for name, family in told.items() if family.type == "gauge" and name.endswith("_total")]


def test_the_time_of_a_crowded_photo_on_a_slow_device_is_told():
    metrics = Metrics()
    metrics.answered("confirmed", 14.0)
    metrics.looked({"embed": 4.5, "look": 4.4}, was_read=True, events=())
    told = read(metrics.text().decode())
    for name, labels in (("photo", {}), ("frame", {}), ("part", {"part": "embed"})):
        counts = {
            sample.labels["le"]: sample.value
            for sample in told[f"edge_{name}_seconds"].samples
            if sample.name.endswith("_bucket") and labels.items() <= sample.labels.items()
        }
        *_, longest, all_of_them = counts
        assert (all_of_them, counts[longest]) == ("+Inf", 1.0), name


def test_whoever_asks_for_metrics_keeps_nobody_waiting(serve, monkeypatch):
    """They ask the firmware of a Pi, which may hang: nobody else was answered for two seconds at each scrape."""
    service, client = serve()
    begun, answered, waited = threading.Event(), threading.Event(), []
    monkeypatch.setattr(service.metrics, "text", lambda: begun.set() or waited.append(answered.wait(10)) or b"")
    scrape = threading.Thread(target=client.get, args=["/metrics"])
    scrape.start()
    assert begun.wait(10)
    assert client.get("/healthz").status_code == 200
    answered.set()
    scrape.join()
    assert waited == [True]


def test_metrics_tell_parts_frames_decisions_and_refusals(serve, hand, scans, photo_of, until, publisher):
    hand.picture = photo_of(scans["demo-1"])
    _, client = serve()
    client.post("/api/v1/recognize", b"no photo")
    until(lambda: 'edge_decisions_total{status="confirmed"} 1.0' in client.get("/metrics").text)
    text = client.get("/metrics").text
    for part in ("find", "rectify", "embed", "search", "judge"):
        assert f'edge_part_seconds_count{{part="{part}"}}' in text
    assert 'edge_frames_total{outcome="read"}' in text
    assert 'edge_uploads_refused_total{reason="photo"} 1.0' in text
    assert f'release_id="{publisher.folder.name}"' in text
    assert "edge_source_live 1.0" in text
    assert "edge_release_expired 0.0" in text
