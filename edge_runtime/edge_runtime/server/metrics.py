"""What Prometheus is told. Counters are moved as things happen; what can be looked up is looked up when it is asked for."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import generate_latest

from edge_runtime.following.tracks import Event, Kind
from edge_runtime.server.machine import Machine
from edge_runtime.server.served import Served

PARTS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
"""Seconds: from a search on a PC to the embedding of all that lies on a crowded photo, which takes one 1.2 s, on a Pi."""
WHOLE = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Seconds: from a frame with one card on a PC to that photo, which takes one core of it 4 s, and a Pi's up to four times as long.
After 30 s whoever sent it waits no longer."""


class Metrics:
    """One registry for one service, so that two in one process don't meet."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self._part = Histogram(
            "edge_part_seconds",
            "Time of a frame that was read, by part: find, filter, rectify, embed, search, look, judge.",
            ["part"],
            buckets=PARTS,
            registry=self.registry,
        )
        self._frame = Histogram(
            "edge_frame_seconds", "All parts of a frame that was read.", buckets=WHOLE, registry=self.registry
        )
        self._photo = Histogram(
            "edge_photo_seconds", "Recognising an uploaded photo.", buckets=WHOLE, registry=self.registry
        )
        self._frames = self._counter("edge_frames", "Frames, by what became of them.", "outcome")
        self.read, self.spared, self.dropped, self.failed = (
            self._frames.labels(outcome) for outcome in ("read", "spared", "dropped", "failed")
        )
        self._decisions = self._counter("edge_decisions", "What was said of a card in front of the camera.", "status")
        self._photos = self._counter("edge_photos", "Uploaded photos, by their answer.", "status")
        self._refused = self._counter("edge_uploads_refused", "Uploads that got no answer, by reason.", "reason")
        self._delivered = self._counter(
            "edge_notices",
            "Events told to a webhook, by what became of them; of MQTT those that were dropped.",
            "to",
            "outcome",
        )
        self._release = Gauge(
            "edge_release_info",
            "The release that answers.",
            ["release_id", "variant", "engine"],
            registry=self.registry,
        )

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(name, text, labels, registry=self.registry)

    def looked(self, spent: Mapping[str, float], *, was_read: bool, events: Iterable[Event]) -> None:
        """A frame was looked at."""
        (self.read if was_read else self.spared).inc()
        if was_read:
            for part, seconds in spent.items():
                self._part.labels(part).observe(seconds)
            self._frame.observe(sum(spent.values()))
        for event in events:
            if event.kind in (Kind.CONFIRMED, Kind.CHANGED):
                self._decisions.labels(event.state.value).inc()

    def answered(self, status: str, seconds: float) -> None:
        """A photo was answered."""
        self._photos.labels(status).inc()
        self._photo.observe(seconds)

    def refused(self, reason: str) -> None:
        """An upload was refused."""
        self._refused.labels(reason).inc()

    def told(self, to: str, outcome: str) -> None:
        """An event was delivered, retried or dropped."""
        self._delivered.labels(to, outcome).inc()

    def serves(self, served: Served) -> None:
        """Another release answers."""
        about = served.as_json()
        self._release.clear()
        self._release.labels(served.release_id, about["variant"] or "", about["engine"] or "").set(1)

    def watch(self, now: Callable[[], Mapping[str, Any]], machine: Machine) -> None:
        """Ask these at each scrape: how the service stands, and the machine that it runs on."""
        self.registry.register(_AtScrape(now, machine))

    def text(self) -> bytes:
        """The metrics in Prometheus' text format."""
        return generate_latest(self.registry)


class _AtScrape:
    """What nobody keeps up to date: counters, whose names say so, and gauges. Each is left out where it isn't known."""

    def __init__(self, now: Callable[[], Mapping[str, Any]], machine: Machine):
        self._now = now
        self._machine = machine

    def describe(self) -> list[Metric]:
        """Nothing is asked when the collector is registered."""
        return []

    def collect(self) -> Iterator[Metric]:
        """See prometheus_client.registry.Collector."""
        for name, (text, value) in self._now().items():
            if value is not None:
                family = CounterMetricFamily if name.endswith("_total") else GaugeMetricFamily
                yield family(name, text, value=value)
        temperatures = GaugeMetricFamily("edge_temperature_celsius", "By thermal zone.", labels=["zone"])
        for zone, degrees in self._machine.temperatures().items():
            temperatures.add_metric([zone], degrees)
        yield temperatures
        throttled = GaugeMetricFamily("edge_throttled", "What the firmware of a Pi reports, 1 if so.", labels=["what"])
        for what, is_so in self._machine.throttled().items():
            throttled.add_metric([what], is_so)
        yield throttled
