"""A program as a training job of SageMaker: its inputs by S3 URIs, its outputs back into the scratch folder.

In the place for such jobs, everything of one piece of work lies below its stem:

    inputs/SHA256/NAME                    files that no artifact of the store is
    STEM/job/job.json, STEM/…manifest     the job file as the job sees it, and which objects are its inputs
    STEM/checkpoints/                     all attempts go on from here; once it was archived, from STEM/checkpoints-2/
    STEM/JOB/output/, STEM/JOB/pipes/     what one attempt made, and said
"""

import json
import time
from collections.abc import Mapping
from itertools import chain, count
from pathlib import Path
from typing import Any

import dagster as dg

from pcr_assets import digests, layout
from pcr_assets.cloud import clients, training_jobs
from pcr_assets.compute import container
from pcr_assets.compute.job_files import files_of, named_anew
from pcr_assets.compute.launcher import JobFailed, Ran
from pcr_assets.compute.pipes_sagemaker import PipesSageMakerClient
from pcr_assets.compute.settings import SageMaker
from pcr_assets.compute.training_request import Channel, training_request
from pcr_assets.resources import runs
from pcr_assets.resources.project import Project
from pcr_assets.resources.s3_store import S3Store
from pcr_assets.resources.stored import listed

USUAL_PLACE = "models/embedding"
"""In the bucket of the store: the lifecycle rules archive what is old there."""
ARCHIVES = {"GLACIER", "DEEP_ARCHIVE"}
"""Storage classes out of which an object must be restored before it can be read."""
NOT_TRAINED = ("profile_steps",)
"""What a job is asked that changes no weights: with it or without it goes on from the same checkpoints."""
READ_BY_TRAINING = (layout.SNAPSHOT, layout.TEACHER, layout.STAGE1, layout.STAGE2)
"""Artifacts whose files a job reads where they lie, if the store is a bucket."""


class SageMakerCompute:
    """Runs programs as training jobs. ``sleep`` waits between two looks."""

    def __init__(self, settings: SageMaker, project: Project, sleep: training_jobs.Sleep = time.sleep):
        self.settings, self.project, self.sleep = settings, project, sleep
        self.place = S3Store(settings.place or self._usual_place())

    def _usual_place(self) -> str:
        store = self.project.root
        if not isinstance(store, S3Store):
            raise JobFailed(
                f"a training job reads and writes S3, and the store {store.root} is a folder: set sagemaker.place in the section "
                "compute of the profile to s3://bucket/prefix"
            )
        return f"s3://{store.bucket}/{USUAL_PLACE}"

    def run(self, module: str, job: Mapping[str, Any], workdir: Path) -> Ran:
        """See :meth:`pcr_assets.compute.launcher.Launcher.run`. Raises JobFailed, CloudError and StoreError."""
        work = {key: value for key, value in job.items() if key != "out"}
        inputs = {path: digests.of_file(path) for path in files_of(work)}
        same = {key: value for key, value in work.items() if key not in NOT_TRAINED}
        identity = [module, named_anew(same, lambda path: inputs[path]), self.settings.image]
        stem = f"pcr-{job.get('stage', module.rpartition('.')[2])}-{digests.of_json(identity)[:12]}".replace("_", "-")
        channels = self._put(stem, work, inputs)
        request = training_request(self.settings, module, self.place.root, stem, channels, self._checkpoints(stem))
        seen = self._followed(stem, request)
        self._bring(seen["ModelArtifacts"]["S3ModelArtifacts"], workdir)
        found = json.loads((workdir / container.HARDWARE).read_text())
        resources, paid = seen["ResourceConfig"], self._attempts(stem)
        rented = {
            "instance": resources["InstanceType"],
            "instances": resources["InstanceCount"],
            "spot": seen.get("EnableManagedSpotTraining", False),
            "jobs": [attempt["TrainingJobName"] for attempt in paid],
        }
        return Ran({**found, **rented}, sum(map(training_jobs.billed_seconds, paid), 0.0))

    def _followed(self, stem: str, request: dict[str, Any]) -> Mapping[str, Any]:
        """The description of the job that completed; its messages are in the run's log where this is a step of a run."""
        client = PipesSageMakerClient(
            sagemaker=clients.client("sagemaker"),
            logs=clients.client("logs"),
            s3=self.place.client,
            bucket=self.place.bucket,
            prefix=f"{self.place.prefix}/{stem}".strip("/"),
            poll_seconds=self.settings.poll_seconds,
            sleep=self.sleep,
        )
        context = _step()
        if context is None:
            return client.follow(client.picked(stem, print, self._serves), request, print)
        return client.run(context=context, stem=stem, request=request, serves=self._serves).seen

    def _checkpoints(self, stem: str) -> str:
        """The folder below the stem that attempts go on from: another one where the bucket's rules archived what lies there, for
        no job could begin with that."""
        names = chain(["checkpoints"], (f"checkpoints-{number}" for number in count(2)))
        return next(name for name in names if not self._archived(f"{stem}/{name}"))

    def _archived(self, folder: str) -> bool:
        return any(entry.storage_class in ARCHIVES for entry in listed(S3Store(f"{self.place.root}/{folder}")))

    def _serves(self, name: str) -> bool:
        """Whether the outputs of a completed job are still there."""
        stem = name.rpartition("-")[0]
        return any(entry.size for entry in self.place.list(f"{stem}/{name}/output"))

    def _put(self, stem: str, work: Mapping[str, Any], inputs: Mapping[Path, str]) -> list[Channel]:
        """Put what the job reads where it can read it, and name it. Nothing is sent twice."""
        lying = self._lying()
        store, staged = Channel("store"), Channel("staged")
        names: dict[Path, str] = {}
        for path, sha256 in inputs.items():
            key = lying.get(sha256)
            channel = store if key else staged
            if key is None:
                key = f"inputs/{sha256}/{path.name}"
                if not self._readable(key):
                    self.place.write(key, path)
            channel.keys.append(key)
            names[path] = str(container.INPUTS / channel.name / key)
        self.place.write(f"{stem}/job/job.json", digests.canonical_json(named_anew(work, names.__getitem__)))
        channels = []
        for channel, root in ((store, self.project.root.root), (staged, self.place.root)):
            if channel.keys:
                manifest = f"{stem}/{channel.name}.manifest"
                self.place.write(manifest, json.dumps([{"prefix": f"{root}/"}, *sorted(set(channel.keys))]).encode())
                channels.append(Channel(channel.name, channel.keys, f"{self.place.root}/{manifest}"))
        return channels

    def _readable(self, key: str) -> bool:
        """Whether an object is there and no archive holds it: the bucket's rules move there what is old (docs/aws.md)."""
        folder, _, name = key.rpartition("/")
        lying = listed(S3Store(f"{self.place.root}/{folder}"))
        return any(entry.key == name and entry.storage_class not in ARCHIVES for entry in lying)

    def _lying(self) -> dict[str, str]:
        """Keys in the store by SHA-256, of what a job can read there."""
        if not isinstance(self.project.root, S3Store):
            return {}
        artifacts = self.project.artifacts
        named = filter(None, (artifacts.named(name) for name in READ_BY_TRAINING))
        return {file.sha256: file.key for artifact in named for file in artifact.files.values()}

    def _bring(self, uri: str, workdir: Path) -> None:
        """Fetch what the job left in its model folder; each file appears whole, the one that says it is all there last.

        Of other names none: a key may be a path from the root on, and whoever writes into the job's place would write here.
        """
        outputs, known = S3Store(uri), {*container.RESULTS, container.HARDWARE}
        left = (entry for entry in outputs.list() if entry.key in known)
        entries = sorted(left, key=lambda entry: (entry.key == container.LAST, entry.key))
        if not any(entry.key == container.LAST for entry in entries):
            raise JobFailed(
                f"{uri} holds no {container.LAST}: the image in the section compute is not that of docker/training.Dockerfile"
            )
        for entry, path in zip(entries, outputs.fetch_many(entries), strict=True):
            if not isinstance(path, Path):
                raise path
            target = workdir / entry.key
            target.parent.mkdir(parents=True, exist_ok=True)
            aside = target.with_name(f".{target.name}.aside")
            aside.write_bytes(path.read_bytes())
            aside.replace(target)

    def _attempts(self, stem: str) -> list[Mapping[str, Any]]:
        """The attempts at this work that the log of runs does not tell of: a run that died before its end told nothing."""
        logged = {job for run in runs.logged(self.project.root) for job in run.hardware.get("jobs", ())}
        sagemaker = clients.client("sagemaker")
        names = [job["TrainingJobName"] for job in training_jobs.jobs_of(sagemaker, stem, self.sleep)]
        return [training_jobs.look(sagemaker, name, self.sleep) for name in names if name not in logged]


def _step() -> dg.AssetExecutionContext | None:
    """The step of a run that this is called from, or None."""
    try:
        return dg.AssetExecutionContext.get()
    except dg.DagsterInvariantViolationError:
        return None
