"""Where the time of a training goes: some steps traced by torch's profiler, a trace to open and a table to read.

Writes ``out/profile/trace.json.gz`` (chrome://tracing, or https://ui.perfetto.dev) and ``out/profile/summary.json``. Tracing
changes no weights, and only the leader's steps are traced. The first steps are passed over: they allocate and compile.
"""

import gzip
import json
import shutil
from pathlib import Path
from typing import Any

import torch
from torch.autograd import DeviceType
from torch.profiler import ProfilerActivity, profile, schedule

from pcr_assets.learning.job import Job
from pcr_assets.learning.together import Team

PASSED_OVER = 3
WARM_UP = 1
SHOWN = 15
FOLDER = "profile"
BETWEEN = "between operators"


class Tracing:
    """Traces so many steps of a run; of none, it does nothing."""

    def __init__(self, out: Path, steps: int):
        self._out, self._steps = out / FOLDER, steps
        self._profile: profile | None = None

    def __enter__(self) -> "Tracing":
        if self._steps:
            kinds = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if torch.cuda.is_available() else [])]
            moments = schedule(wait=PASSED_OVER, warmup=WARM_UP, active=self._steps, repeat=1)
            self._profile = profile(activities=kinds, schedule=moments, on_trace_ready=self._write)
            self._profile.__enter__()
        return self

    def __exit__(self, *what: Any) -> None:
        if self._profile is not None:
            self._profile.__exit__(*what)

    def step(self) -> None:
        """A step of training has ended."""
        if self._profile is not None:
            self._profile.step()

    def _write(self, traced: profile) -> None:
        aside = self._out.with_name(f"{FOLDER}.writing")
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir(parents=True)
        traced.export_chrome_trace(str(aside / "trace.json"))
        with (aside / "trace.json").open("rb") as plain, gzip.open(aside / "trace.json.gz", "wb") as packed:
            shutil.copyfileobj(plain, packed)
        (aside / "trace.json").unlink()
        (aside / "summary.json").write_text(json.dumps(_summary(traced, self._steps), indent=1))
        shutil.rmtree(self._out, ignore_errors=True)
        aside.rename(self._out)


def of(job: Job, team: Team) -> Tracing:
    """The tracing that a job asks for."""
    return Tracing(job.out, job.profile_steps if team.leads else 0)


def _summary(traced: profile, steps: int) -> dict[str, Any]:
    """The operators that take most time by themselves, in milliseconds a step, on the GPU where there is one."""
    on = "device" if torch.cuda.is_available() else "cpu"
    rows = [
        (BETWEEN if event.key.startswith("ProfilerStep") else event.key, event)
        for event in traced.key_averages()
        # A GPU's kernels stand in the list once more, below the operators that started them, and so do whole steps.
        if event.device_type == DeviceType.CPU and not (event.is_user_annotation and on == "device")
    ]
    events = [
        (name, getattr(event, f"self_{on}_time_total") / 1e3 / steps, event.count / steps) for name, event in rows
    ]
    events.sort(key=lambda event: -event[1])
    total = sum(taken for _, taken, _ in events)
    return {
        "steps": steps,
        "on": "GPU" if on == "device" else "CPU",
        "ms_a_step": round(total, 2),
        "operators": [
            {
                "operator": name,
                "ms_a_step": round(taken, 2),
                "share": round(taken / max(total, 1e-9), 4),
                "calls_a_step": calls,
            }
            for name, taken, calls in events[:SHOWN]
        ],
    }
