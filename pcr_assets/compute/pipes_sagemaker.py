"""A Pipes client for SageMaker's training jobs: Dagster brings none. Messages and context travel through S3."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import dagster as dg
from dagster_aws.pipes import PipesS3ContextInjector, PipesS3MessageReader

from pcr_assets.cloud import training_jobs
from pcr_assets.cloud.clients import CloudError
from pcr_assets.cloud.log_streams import LogStreams
from pcr_assets.cloud.training_jobs import Picked, Say, Sleep
from pcr_assets.cloud.undoing import ended_as_interrupted
from pcr_assets.compute.launcher import JobFailed

Request = dict[str, Any]
Context = dg.OpExecutionContext | dg.AssetExecutionContext


class PipesSageMakerClient(dg.PipesClient):
    """Runs a training job and follows it: states and messages go to the run's log, what it prints to the run's page.

    ``sagemaker``, ``logs`` and ``s3`` are boto3 clients; messages lie in ``bucket`` below ``prefix``, under the job's name, so
    that a run which joins a job reads them from the first on.
    """

    def __init__(
        self,
        *,
        sagemaker: Any,
        logs: Any,
        s3: Any,
        bucket: str,
        prefix: str,
        poll_seconds: float,
        sleep: Sleep,
    ):
        self._sagemaker, self._logs, self._s3 = sagemaker, logs, s3
        self._bucket, self._prefix = bucket, prefix
        self._poll_seconds, self._sleep = poll_seconds, sleep

    def run(  # type: ignore[override]
        self,
        *,
        context: Context,
        stem: str,
        request: Request,
        serves: Callable[[str], bool],
    ) -> "TrainingInvocation":
        """Run the job of a stem to its end: see :mod:`pcr_assets.cloud.training_jobs` for which one that is.

        ``request`` is what ``create_training_job`` takes, but for the name; ``serves`` says whether the outputs of a completed job
        are still there. What the job said and cost is in the invocation's
        metadata. Raises JobFailed with one sentence, and CloudError. When the run is cancelled the job is stopped.
        """
        picked = self.picked(stem, context.log.info, serves)
        place = f"{self._prefix}/{picked.name}/pipes"
        injector = PipesS3ContextInjector(bucket=self._bucket, client=self._s3, key_prefix=f"{place}/context-")
        reader = MessagesOfJob(bucket=self._bucket, client=self._s3, key_prefix=place, interval=self._poll_seconds)
        with dg.open_pipes_session(context=context, context_injector=injector, message_reader=reader) as session:
            environment = {**request.get("Environment", {}), **session.get_bootstrap_env_vars()}
            tags = [*request.get("Tags", []), *_tags(session.default_remote_invocation_info)]
            seen = self.follow(picked, {**request, "Environment": environment, "Tags": tags}, context.log.info)
        return TrainingInvocation(session, seen)

    def picked(self, stem: str, say: Say, serves: Callable[[str], bool]) -> Picked:
        """Which job of a stem does the work."""
        return training_jobs.pick(self._sagemaker, stem, say, self._sleep, serves)

    def follow(self, picked: Picked, request: Request, say: Say) -> Mapping[str, Any]:
        """Begin the job if it is not there, and follow it; gives its description when it completed. Stops it when this
        process is told to end. Raises JobFailed and CloudError."""
        name, begun = picked.name, picked.there
        try:
            with ended_as_interrupted():
                if not begun and not training_jobs.begin(
                    self._sagemaker, {**request, "TrainingJobName": name}, self._sleep
                ):
                    say(f"{name} was begun by another run: it is followed, no second one is started")
                begun = True
                seen = self._until_it_ended(name, say)
        except CloudError:
            raise  # it could not be asked, so it can't be stopped: the sentence says so
        except BaseException:
            with suppress(OSError):  # nobody reads it once the terminal is closed
                say(f"stopping the training job {name}: what it costs ends, its checkpoints stay")
            training_jobs.stop(self._sagemaker, name, self._sleep, begun=begun)
            raise
        if seen["TrainingJobStatus"] != "Completed":
            raise JobFailed(training_jobs.how_it_ended(seen))
        return seen

    def _until_it_ended(self, name: str, say: Say) -> Mapping[str, Any]:
        lines, told = LogStreams(self._logs, name), 0
        while True:
            seen = training_jobs.look(self._sagemaker, name, self._sleep)
            transitions = seen.get("SecondaryStatusTransitions", [])
            for transition in transitions[told:]:
                say(f"{name}: {transition['Status']}: {transition.get('StatusMessage', '')}".rstrip(": "))
            told = max(told, len(transitions))
            for line in lines.new_lines():
                print(line, flush=True)
            if seen["TrainingJobStatus"] in training_jobs.ENDED:
                return seen
            self._sleep(self._poll_seconds)


class TrainingInvocation(dg.PipesClientCompletedInvocation):
    """A job that completed: ``seen`` is what SageMaker says of it."""

    def __init__(self, session: dg.PipesSession, seen: Mapping[str, Any]):
        super().__init__(session, metadata=_told(seen))
        self.seen = seen


class MessagesOfJob(PipesS3MessageReader):
    """Reads messages from a place that is known by the job: who joins it reads what it said before."""

    def __init__(self, *, key_prefix: str, **given: Any):
        super().__init__(**given)
        self._key_prefix = key_prefix

    @contextmanager
    def get_params(self) -> Iterator[dict[str, Any]]:
        """Where the job writes."""
        with super().get_params() as given:
            yield {**given, "key_prefix": self._key_prefix}


def _tags(info: Mapping[str, str]) -> list[dict[str, str]]:
    """Dagster's words for the run, as AWS takes tags: they show in the bill."""
    return [{"Key": name, "Value": value} for name, value in sorted(info.items()) if value]


def _told(seen: Mapping[str, Any]) -> dict[str, Any]:
    metrics = {entry["MetricName"]: entry["Value"] for entry in seen.get("FinalMetricDataList", [])}
    return {
        "training job": seen["TrainingJobName"],
        "instance": f"{seen['ResourceConfig']['InstanceCount']} × {seen['ResourceConfig']['InstanceType']}",
        "billed seconds": training_jobs.billed_seconds(seen),
        **metrics,
    }
