"""What Prometheus is told of a service, and by which names."""

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
