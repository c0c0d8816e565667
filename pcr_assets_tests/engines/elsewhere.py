"""What the tests have done on nodes of a cluster: a task that waits to be killed, and a training that does.

Each writes down the process of its node: Ray's raylet, which starts the processes of a node.
"""

import json
import os
import sys
import time
from pathlib import Path

import psutil

from pcr_assets.cards.making import MadeShard, SetOfScans, make_shard
from pcr_assets.compute.ray_bench import WAIT_SECONDS
from pcr_assets.resources.engine import Place

PATIENCE = 60


def slowly(request: SetOfScans, place: Place) -> MadeShard:
    """Make a shard; the first node that is given the set ``base1`` waits, its shard made but not told, until it is killed."""
    diary = Path(request.store).parent / "diary"
    made = make_shard(request, place)
    note(diary, f"{request.set_id} {'found' if made.found else 'made'}")
    first = diary / "first"
    if request.set_id == "base1" and not first.exists():
        first.write_text(str(os.getppid()))
        time.sleep(PATIENCE)
    return made


def waiting(request: str, place: Place) -> str:
    """Wait to be killed."""
    time.sleep(PATIENCE)
    return request


def note(diary: Path, line: str) -> None:
    """Write down that something was done."""
    diary.mkdir(exist_ok=True)
    with (diary / "notes").open("a") as file:
        file.write(f"{line}\n")


def train(job_file: str) -> None:
    """A training of four steps with a checkpoint after each; started the first time, it waits after the second to be killed."""
    job = json.loads(Path(job_file).read_text())
    out, diary = Path(job["out"]), Path(job["diary"])
    checkpoints = sorted((out / "checkpoints").glob("step-*"))
    start = int(checkpoints[-1].name[5:]) if checkpoints else 0
    scans = b"".join(Path(shard).read_bytes() for shard in job["shards"])
    for step in range(start, 4):
        note(diary, f"step {step + 1}")
        print(f"step {step + 1} of 4, {len(scans)} bytes of scans", flush=True)
        writing = out / "checkpoints" / "writing"
        writing.mkdir(parents=True)
        (writing / "weights").write_bytes(scans[: 1 << 20] * (step + 1))
        (writing / "progress.json").write_text(str(step))
        writing.rename(out / "checkpoints" / f"step-{step + 1}")
        for old in sorted((out / "checkpoints").glob("step-*"))[:-1]:
            for file in old.iterdir():
                file.unlink()
            old.rmdir()
        if step + 1 == 2 and start == 0 and job["killed"]:
            time.sleep(2 * WAIT_SECONDS)  # for the checkpoint to travel
            (diary / "first").write_text(str(psutil.Process(os.getppid()).ppid()))
            time.sleep(PATIENCE)
    (out / "metrics.json").write_text(json.dumps({"steps": 4, "bytes": len(scans)}))


if __name__ == "__main__":
    train(sys.argv[1])
