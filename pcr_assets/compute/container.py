"""``python -m pcr_assets.compute.container train``: what the training image runs on each host of a training job.

Reads what SageMaker tells a container (hyperparameters, hosts, the job file's channel), starts the program by torchrun over
all processes of all hosts, and leaves its results in the model folder. Checkpoints lie in ``checkpoints/``, which SageMaker
copies to S3 while the job runs and brings back after an interruption. What went wrong is one sentence in ``output/failure``.

https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-running-container.html
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pcr_assets.compute.said import KEPT_LINES, sentence
from pcr_assets.resources import hardware

ROOT = Path("/opt/ml")
INPUTS = ROOT / "input/data"
HARDWARE = "hardware.json"
LAST = "metrics.json"
"""The result that is written last: where it is, all are."""
RESULTS = ("weights.safetensors", "model.json", "assess.json", "profile/trace.json.gz", "profile/summary.json", LAST)
PORT = 29500
STARTER = "pcr_assets.learning.torchrun"
TOLD_SECONDS = 60
"""A line of progress is told to Dagster so often; CloudWatch has all."""
LONGEST_FAILURE = 1000
TERMINATED = 128 + signal.SIGTERM


class BadContainer(Exception):
    """What SageMaker gave is not what the program needs; the message says what to change."""


@dataclass(frozen=True)
class Cluster:
    """The hosts of a job, in the order that all agree on, and how many processes run on each."""

    hosts: tuple[str, ...]
    current: str
    processes: int

    @property
    def leads(self) -> bool:
        """Whether this host is the one whose results count."""
        return self.current == self.hosts[0]

    def starter(self) -> list[str]:
        """Arguments of :mod:`pcr_assets.learning.torchrun`."""
        given = ["--processes", str(self.processes)]
        if len(self.hosts) > 1:
            given += ["--nodes", str(len(self.hosts)), "--node", str(self.hosts.index(self.current))]
            given += ["--rendezvous", f"{self.hosts[0]}:{PORT}"]
        return given


def cluster(environment: Mapping[str, str], resources: Mapping[str, Any], processes: int) -> Cluster:
    """What ``SM_HOSTS``, ``SM_CURRENT_HOST`` and ``SM_NUM_GPUS`` say, else ``resourceconfig.json``, else this machine."""
    hosts = json.loads(environment.get("SM_HOSTS") or "null") or resources.get("hosts") or ["algo-1"]
    current = environment.get("SM_CURRENT_HOST") or resources.get("current_host") or hosts[0]
    if current not in hosts:
        raise BadContainer(f"this host is called {current} and is none of {', '.join(hosts)}: SM_HOSTS must name it")
    return Cluster(tuple(sorted(hosts)), current, processes or max(1, _gpus(environment)))


def _gpus(environment: Mapping[str, str]) -> int:
    if told := environment.get("SM_NUM_GPUS"):
        return int(told)
    import torch

    return torch.cuda.device_count()


def main(arguments: list[str], root: Path = ROOT) -> int:
    """Train; gives the exit code. What a person can mend is one sentence on the last line, and in ``output/failure``."""
    try:
        return _train(root)
    except BadContainer as error:
        return _failed(root, str(error), 1)


def _train(root: Path) -> int:
    given = _read(root / "input/config/hyperparameters.json")
    resources = _read(root / "input/config/resourceconfig.json", {})
    if "module" not in given:
        raise BadContainer("the hyperparameters name no module: start this image by the profile's `engine: sagemaker`")
    here = cluster(os.environ, resources, int(given.get("processes", 0)))
    if kind := resources.get("current_instance_type"):
        os.environ.setdefault("SM_CURRENT_INSTANCE_TYPE", kind)
    out = root / "checkpoints"
    file = _job(root, out, here)
    program = [sys.executable, "-u", "-m", STARTER, *here.starter(), given["module"], str(file)]
    print(
        f"{given['module']}: {len(here.hosts)} hosts of {here.processes} processes, this is {here.current}", flush=True
    )
    told = _Told() if here.leads else None
    lines, code = _run(program, told)
    if code == TERMINATED:
        return code  # interrupted: the job goes on elsewhere, and what is told of it goes on too
    if code:
        if told:
            told.end()
        return _failed(root, sentence(lines), code)
    if here.leads:
        _leave(out, root / "model", json.loads(file.read_text())["threads"])
    if told:
        told.end()
    return 0


def _job(root: Path, out: Path, here: Cluster) -> Path:
    """Write the job file for this host: the same job, writing to where SageMaker keeps checkpoints."""
    job = _read(root / "input/data/job/job.json")
    threads = max(1, (os.cpu_count() or 1) // here.processes)
    job = {**_below(job, root), "out": str(out), "threads": threads, "keep_checkpoints": 2}
    try:
        out.mkdir(parents=True, exist_ok=True)
        file = out / f"job-{here.current}.json"
        file.write_text(json.dumps(job, indent=1, sort_keys=True))
    except OSError as error:
        raise BadContainer(
            f"{out} can't be written by user {os.getuid()} ({error.strerror}): build the image with --build-arg RUN_AS=0"
        ) from error
    return file


def _below(value: Any, root: Path) -> Any:
    """A job whose inputs lie below another root, as they do in tests."""
    if root == ROOT:
        return value
    return json.loads(json.dumps(value).replace(str(ROOT), str(root)))


def _run(program: list[str], told: "_Told | None") -> tuple[deque[str], int]:
    """Run a program, print its lines, and end it with this one. Gives its last lines and its code."""
    process = subprocess.Popen(
        program, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", errors="backslashreplace"
    )
    interrupted = []

    def forward(number: int, frame: Any) -> None:
        interrupted.append(number)
        process.terminate()

    before = signal.signal(signal.SIGTERM, forward)
    lines: deque[str] = deque(maxlen=KEPT_LINES)
    assert process.stdout is not None
    for line in process.stdout:
        print(line, end="", flush=True)
        lines.append(line.rstrip())
        if told:
            told.line(line.rstrip())
    code = process.wait()
    signal.signal(signal.SIGTERM, before)
    return lines, TERMINATED if interrupted else code if code >= 0 else 128 - code


def _leave(out: Path, model: Path, threads: int) -> None:
    """Copy the results to where SageMaker takes them from."""
    model.mkdir(parents=True, exist_ok=True)
    (model / HARDWARE).write_text(json.dumps(hardware.here(threads)))
    for name in RESULTS:
        if (out / name).exists():
            (model / name).parent.mkdir(exist_ok=True)
            shutil.copyfile(out / name, model / name)


def _failed(root: Path, said: str, code: int) -> int:
    print(said, file=sys.stderr, flush=True)
    (root / "output").mkdir(parents=True, exist_ok=True)
    (root / "output/failure").write_text(said[:LONGEST_FAILURE])
    return code


def _read(file: Path, otherwise: Any = None) -> dict[str, Any]:
    try:
        return dict(json.loads(file.read_text()))
    except FileNotFoundError as error:
        if otherwise is not None:
            return dict(otherwise)
        raise BadContainer(f"{file} is not there: this image is started by SageMaker, not by hand") from error
    except ValueError as error:
        raise BadContainer(f"{file} is no JSON ({error}): start the job anew") from error


class _Told:
    """What Dagster is told while a job runs, by Pipes. Where nobody listens, or S3 refuses, the job goes on all the same."""

    def __init__(self) -> None:
        from pcr_assets.compute.pipes_messages import opened

        self._pipes = opened()
        self._last = -float(TOLD_SECONDS)

    def line(self, line: str) -> None:
        """Tell a line now and then."""
        now = time.monotonic()
        if self._pipes is not None and line and now - self._last >= TOLD_SECONDS:
            self._last = now
            self._pipes.log.info(line)

    def end(self) -> None:
        """Say that this was all."""
        if self._pipes is not None:
            self._pipes.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
