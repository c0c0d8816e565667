"""All benchmarks in one report: ``make bench CARDS=… STORE=…``, or ``make bench`` for those that need no real cards.

    python benchmarks/bench.py [--store STORE --cards DIR] [--runs 5] [--only NAME …] [--output DIR] [--dry]

Each benchmark runs in a process of its own so many times; the report shows the middle and the range of each ratio, what was
asked, and how it stands beside the last report: *worse* or *better* where the ranges don't meet. Writes report.json, .md and
.html (report_drawn without a store) after each benchmark; ``--dry`` only prints and compares. One that fails is said, the
others go on. What did not run keeps its ratios of the last report, if that was of the same processor.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from scorecard import page
from scorecard.machine import machine
from scorecard.plan import BENCHMARKS, Benchmark
from scorecard.ratio import Spread, gathered, spread_from
from tqdm import tqdm

HERE = Path(__file__).parent
RESULTS = HERE / "results"


def measured(benchmark: Benchmark, places: Mapping[str, str] | None, runs: int, work: Path) -> list[Spread]:
    """The ratios of one benchmark over some runs. Raises RuntimeError with the last words of a run that failed."""
    found = []
    for run in range(runs):
        output = work / f"{benchmark.name}-{run}.json"
        command = [sys.executable, *benchmark.command(places, output)]
        done = subprocess.run(command, cwd=HERE, env=os.environ, capture_output=True, text=True, check=False)
        if done.returncode or not output.exists():
            said = (done.stderr or done.stdout).strip().splitlines()
            raise RuntimeError(said[-1] if said else f"ended with {done.returncode}")
        found.append(json.loads(output.read_text())["ratios"])
    return gathered(found)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, compare, write, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", help="a built store (default: only what needs none runs)")
    parser.add_argument("--cards", help="the scans that it was built from")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only", nargs="+", metavar="NAME", choices=[one.name for one in BENCHMARKS])
    parser.add_argument("--output", type=Path, default=RESULTS, help="folder of the report")
    parser.add_argument("--dry", action="store_true", help="compare with the last report and leave it as it is")
    given = parser.parse_args(arguments)
    if bool(given.store) != bool(given.cards):
        parser.error("a store needs the scans it was built from, and they a store: make bench CARDS=… STORE=…")
    if given.store and "://" in f"{given.store}{given.cards}":
        parser.error("what is measured must lie in folders of this machine: make bench CARDS=… STORE=…")
    places = (
        {"store": str(Path(given.store).absolute()), "cards": str(Path(given.cards).absolute())}
        if given.store
        else None
    )
    chosen = [
        one for one in BENCHMARKS if (not given.only or one.name in given.only) and (places or one.drawn is not None)
    ]
    if not places and (barred := set(given.only or ()) - {one.name for one in chosen}):
        parser.error(f"without a store there is nothing to ask {', '.join(sorted(barred))}: make bench CARDS=… STORE=…")
    name = "report" if places else "report_drawn"
    before = page.read(given.output / f"{name}.json")
    last = {key: [spread_from(said) for said in spreads] for key, spreads in before.get("benchmarks", {}).items()}
    about = machine()
    failed: dict[str, str] = {}
    rows: dict[str, list[Spread]] = {}
    kept = last if page.same_processor(about, before) else {}
    report: dict[str, Any] = {
        "machine": about,
        "runs": given.runs,
        "on": "real cards" if places else "drawn cards",
        "last_machine": before.get("machine", {}).get("processor"),
        "failed": failed,
    }
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        for benchmark in tqdm(chosen, unit="benchmark"):
            try:
                known = {**places, "work": folder} if places else None
                rows[benchmark.name] = measured(benchmark, known, given.runs, Path(folder))
            except RuntimeError as error:
                failed[benchmark.name] = str(error)
            if not given.dry:
                page.write(given.output / name, report, page.sections(BENCHMARKS, rows, last, kept), {**kept, **rows})
    print(page.markdown(report, page.sections(BENCHMARKS, rows, last)))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
