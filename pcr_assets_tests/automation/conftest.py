"""A folder of card scans, a clock, and the sensor's ticks; and what S3 says of a bucket."""

import json
from pathlib import Path

import dagster as dg
import pytest

from pcr_assets.automation.new_cards import new_cards_sensor
from pcr_assets.automation.refresh_job import refresh_job_for
from pcr_assets.automation.watch import Watch
from pcr_assets.resources.project import Project


@pytest.fixture
def instance():
    with dg.DagsterInstance.ephemeral() as made:
        yield made


class Daemon:
    """What the daemon does with the sensor, tick by tick: it keeps the cursor, and starts a run for each new run key."""

    def __init__(self, raw: str, instance: dg.DagsterInstance, folder: Path, watch: Watch):
        self.instance, self.watch = instance, watch
        self.project = Project(raw=raw, scratch=str(folder / "scratch"))
        self.job = refresh_job_for(dg.Definitions)
        self.now, self.cursor = 1000.0, None
        self.runs: dict[str, dg.DagsterRun] = {}
        self.said = ""
        self.restart()

    def restart(self) -> None:
        """A new process: it knows the cursor, and nothing else."""
        self.sensor = new_cards_sensor(self.job, watch=self.watch, clock=lambda: self.now)

    def tick(self, after: float = 0, *, dies: bool = False) -> dict[str, str]:
        """One tick; gives the tags of the run that it starts, or nothing. It may die after that, before it keeps the cursor."""
        self.now += after
        context = dg.build_sensor_context(self.instance, cursor=self.cursor, resources={"project": self.project})
        result = self.sensor.evaluate_tick(context)
        if not dies:
            self.cursor = result.cursor
        self.said = result.skip_message or ""
        for request in result.run_requests or []:
            if request.run_key in self.runs:
                continue
            tags = {**request.tags, "dagster/run_key": request.run_key}
            self.runs[request.run_key] = self.instance.create_run_for_job(
                self.job, run_config=request.run_config, tags=tags, status=dg.DagsterRunStatus.SUCCESS
            )
            return {tag.removeprefix("pcr/"): said for tag, said in request.tags.items() if tag.startswith("pcr/")}
        return {}

    def sets(self, after: float = 0) -> str:
        """The sets that a tick asks for."""
        return self.tick(after).get("sets", "")


class Folder(Daemon):
    """A raw folder on this machine, and the daemon that watches it."""

    def __init__(self, raw: Path, instance: dg.DagsterInstance, watch: Watch):
        raw.mkdir()
        self.raw = raw
        super().__init__(str(raw), instance, raw.parent, watch)

    def put(self, *names: str, content: str = "scan") -> None:
        for name in names:
            path = self.raw / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(content)

    def delete(self, name: str) -> None:
        (self.raw / name).unlink()


@pytest.fixture
def folder(tmp_path, instance):
    """Watched with a quiet time of 60 s and a longest wait of 600 s."""
    return Folder(tmp_path / "raw", instance, Watch(quiet_seconds=60, most_seconds=600))


def notification(
    *keys: str, event: str = "ObjectCreated:Put", bucket: str = "cards", sequencer: str = "0055AED6DCD90281E5"
) -> str:
    """What S3 sends, in the words of its documentation."""
    records = [
        {
            "eventVersion": "2.1",
            "eventSource": "aws:s3",
            "eventName": event,
            "s3": {"bucket": {"name": bucket}, "object": {"key": key, "size": 4, "sequencer": sequencer}},
        }
        for key in keys
    ]
    return json.dumps({"Records": records})
