"""The real training, which stops on its way: the first time, after a step, a rank waits to be killed, or fails."""

import json
import os
import sys
import time
from pathlib import Path

import psutil

from pcr_assets.compute.ray_bench import WAIT_SECONDS
from pcr_assets.learning import train
from pcr_assets_tests.engines.elsewhere import PATIENCE, note


def stopping(tell, stop, diary):
    """A pace that stops this process after a step, as the job says."""

    def told(pace, done, loss):
        tell(pace, done, loss)
        if int(os.environ["RANK"]) != stop["rank"] or done != stop["after"]:
            return
        if "fails" in stop:
            sys.exit(stop["fails"])
        first = diary / "first"
        if not first.exists():
            time.sleep(2 * WAIT_SECONDS)  # for the checkpoint to travel
            open_to = {found.laddr.ip for found in psutil.Process().net_connections() if found.status == "LISTEN"}
            (diary / "open_to").write_text(" ".join(sorted(open_to)))
            first.write_text(str(psutil.Process(os.getppid()).ppid()))
            time.sleep(PATIENCE)

    return told


if __name__ == "__main__":
    file = Path(sys.argv[1])
    job = json.loads(file.read_text())
    stop, diary = job.pop("stop"), Path(job.pop("diary"))
    file.write_text(json.dumps(job))
    note(diary, str(os.getpid()))
    train.Pace.tell = stopping(train.Pace.tell, stop, diary)  # type: ignore[method-assign]
    sys.exit(train.main([str(file)]))
