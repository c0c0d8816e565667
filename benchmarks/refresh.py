"""What does a refresh with nothing to do cost, beside starting Dagster with the same number of assets and nothing else?

    python benchmarks/refresh.py [--store STORE --cards DIR] [--turns N] [--output FILE]

`python -m pcr_assets.refresh plan` reads what the store holds and says that nothing is stale; where something is, the store is not
measured. Without a store it is asked of an empty one with a few rendered cards, where everything is. The named limit is a process
that defines and resolves as many empty assets.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from scorecard.processes import seconds
from scorecard.ratio import Ratio, write

from pcr_assets.imaging.sample import specs
from pcr_assets.imaging.sample.scans import write_scans

RESULT = Path(__file__).parent / "results" / "refresh.json"
PLAN, PENDING = ("-m", "pcr_assets.refresh", "plan"), 3
EMPTY = """
import dagster as dg
assets = [dg.asset(name=f"a{number}")(lambda: None) for number in range(%d)]
dg.Definitions(assets=assets).get_repository_def()
"""
COUNT = """
from pcr_assets.definitions import defs
print(len(defs.resolve_all_asset_keys()))
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Time, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", type=Path, help="a built store with its .dagster (default: an empty one)")
    parser.add_argument("--cards", type=Path, help="the scans that the store was built from")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--output", type=Path, default=RESULT)
    given = parser.parse_args(arguments)
    if bool(given.store) != bool(given.cards):
        parser.error("a store needs the scans it was built from, and they a store")
    if given.store and not (given.store / ".dagster").is_dir():
        parser.error(f"{given.store} has no .dagster: name a store that `make demo` or `make refresh` has built")
    with tempfile.TemporaryDirectory(prefix="refresh-bench-") as work:
        store = given.store.absolute() if given.store else Path(work)
        home = store / ".dagster"
        if not given.store:
            home.mkdir()
            (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
            write_scans(Path(work, "cards"), specs(sets=2, cards_per_set=4), seed=0)
        cards = str(given.cards or Path(work, "cards"))
        environment = {**os.environ, "PCR_STORE": str(store), "PCR_CARDS": cards, "DAGSTER_HOME": str(home)}
        done = subprocess.run(
            [sys.executable, "-c", COUNT], env=environment, capture_output=True, text=True, check=True
        )
        if given.store and _pending(environment):
            parser.error(f"{store} is not up to date: `make refresh`, then see what a refresh with nothing to do costs")
        assets = int(done.stdout.splitlines()[-1])
        spent = {
            "import dagster": seconds(["-c", "import dagster"], environment, given.turns),
            "empty assets": seconds(["-c", EMPTY % assets], environment, given.turns),
            "our definitions": seconds(
                ["-c", "from pcr_assets.definitions import defs; defs.get_repository_def()"], environment, given.turns
            ),
            "refresh plan": seconds(PLAN, environment, given.turns, [PENDING]),
        }
    limit = "dagster with as many empty assets"  # no number: by this name the report finds the last one
    ratios = [
        Ratio("loading the definitions", limit, spent["our definitions"] / spent["empty assets"]),
        Ratio(
            "a refresh with nothing to do" if given.store else "a plan of an empty store",
            limit,
            spent["refresh plan"] / spent["empty assets"],
        ),
    ]
    result = {
        "assets": assets,
        "seconds": {name: round(value, 3) for name, value in spent.items()},
    }
    write(result, ratios, given.output)
    print(json.dumps(result, indent=1))
    return 0


def _pending(environment: Mapping[str, str]) -> bool:
    return (
        subprocess.run([sys.executable, *PLAN], env=environment, capture_output=True, check=False).returncode == PENDING
    )


if __name__ == "__main__":
    sys.exit(main())
