"""What two processes do in test_together.py: ``python -m pcr_assets_tests.learning.pair RUNS.json``.

They are forked once torch is imported: that takes longer than all their runs, and torchrun would have each do it. A run may be
killed after a step; the one after it goes on.
"""

import json
import os
import socket
import sys
from pathlib import Path

from pcr_assets.learning import together, train
from pcr_assets.learning.backbones import import_timm
from pcr_assets.learning.job import Job


class Killed(Exception):
    """Stands for SIGKILL between two steps."""


def dying(last: int):
    """A pace that ends the process's run after a step."""
    tell = train.Pace.tell

    def killing(pace, done, loss):
        tell(pace, done, loss)
        if done > last:
            raise Killed

    return killing


def work(runs):
    """All runs, by this process of the team that the environment names."""
    with together.gathered() as team:
        for run in runs:
            whole = train.Pace.tell
            if run["killed_after"]:
                train.Pace.tell = dying(run["killed_after"])  # type: ignore[method-assign]
            try:
                train.train(Job.model_validate(run["job"]), team=team)
            except (Killed, together.CannotShare) as error:
                print(f"rank {team.rank}: {type(error).__name__}: {error}", flush=True)
            train.Pace.tell = whole  # type: ignore[method-assign]


def free_port() -> int:
    """A port that nobody listened at a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    import_timm()
    asked = json.loads(Path(sys.argv[1]).read_text())
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(free_port()), WORLD_SIZE="2")
    sys.stdout.flush()
    other = os.fork()
    os.environ.update(RANK=str(int(other == 0)), LOCAL_RANK=str(int(other == 0)))
    work(asked)
    if other:
        sys.exit(os.waitstatus_to_exitcode(os.waitpid(other, 0)[1]))
