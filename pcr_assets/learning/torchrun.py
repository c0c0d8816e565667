"""``python -m pcr_assets.learning.torchrun --processes N MODULE JOB.json``: a program in several processes that share its work.

With ``--nodes M --rendezvous HOST:PORT`` the same command runs on each of M machines, whose folders are the same. torchrun's
own report of who failed is left out: the program itself says why, in its last line.
"""

import argparse
import logging
import sys

from pcr_assets.learning.meeting import PARTED


def main(arguments: list[str]) -> int:
    """Start the processes, wait for them; gives 0, or the code of the one that failed first."""
    given = _parser().parse_args(arguments)
    logging.disable(logging.ERROR)  # in this process: the others are programs of their own
    from torch.distributed import run
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError

    meeting = ["--standalone"]
    if given.nodes > 1:
        meeting = ["--nnodes", str(given.nodes), "--rdzv-backend", "c10d", "--rdzv-endpoint", given.rendezvous]
        meeting += ["--rdzv-id", "pcr", *(["--node-rank", str(given.node)] if given.node is not None else [])]
    try:
        run.run(run.parse_args([*meeting, "--nproc-per-node", str(given.processes), "-m", given.module, given.job]))
    except ChildFailedError as error:
        # One that only lost another has nothing to tell, and may be noticed before it.
        first = min(error.failures.values(), key=lambda failed: (failed.exitcode == PARTED, failed.timestamp))
        return first.exitcode if first.exitcode > 0 else 128 - first.exitcode
    except SignalException as error:
        return 128 + int(error.sigval)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m pcr_assets.learning.torchrun", description="A program in several processes that share its work."
    )
    parser.add_argument("--processes", type=int, required=True, help="on each machine")
    parser.add_argument("--nodes", type=int, default=1, help="machines")
    parser.add_argument("--node", type=int, help="which of them this one is, from 0; 0 meets the others")
    parser.add_argument("--rendezvous", default="", metavar="HOST:PORT", help="where they meet: one of them")
    parser.add_argument("module")
    parser.add_argument("job")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
