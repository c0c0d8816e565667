"""Does Dagster stay usable with 10,000 sets? The planner, the sensor, a refresh, the event log and the pages, by sets.

    python benchmarks/sets.py --store STORE [--sets N …] [--work DIR] [--output FILE]

For each number of sets a store is filled with two tiny drawn cards a set, models and report being those of STORE and the first
embeddings drawn, but for some (no model embeds 20,000 cards here in the time; what changes later is embedded). Then, each in a
process of its own: a plan, a refresh with nothing to do, a refresh for one changed card, a tick of the sensor; and what the pages
of `dagster-webserver` ask. Seconds are of CPU: other programs on the machine count less. The named limit of each row is the same
for the smallest number of sets, of each kilobyte and millisecond too: what is flat is 1, a straight line the ratio of the sets.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from growth.many_sets import PER_SET, write_card, write_sets
from growth.metered import bytes_below, ran
from growth.one_refresh import give_models
from growth.pages import PAGES, pages, webserver
from scorecard.machine import machine
from scorecard.places import ended
from scorecard.ratio import Ratio, write

RESULT = Path(__file__).parent / "results" / "sets.json"
SELECTED = " or ".join(
    f"key:{name}"
    for name in (
        "processed_cards",
        "training_snapshot",
        "card_references",
        "card_embeddings",
        "card_index",
        "edge_release",
    )
)


def measure(place: Path, store: Path, row: dict[str, Any], keep: Callable[[], None]) -> None:
    """Fill a store with so many sets, then take everything that a day brings; each part is noted in the row and kept."""
    sets: int = row["sets"]
    give_models(store, place)
    home, cards = place / "home", place / "cards"
    home.mkdir()
    shutil.copy(Path(__file__).parents[1] / "dagster.yaml", home)
    write_sets(cards, range(sets))
    environment = os.environ | {
        "DAGSTER_HOME": str(home),
        "PCR_STORE": str(place / "store"),
        "PCR_CARDS": str(cards),
        "PCR_KEYS": str(place / "keys"),
        "PCR_PROFILE": "embedded",
        "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]),
    }

    def refresh(command: str, select: str = SELECTED, fine: Sequence[int] = (0,)) -> dict[str, Any]:
        before = bytes_below(home / "history") if (home / "history").exists() else 0
        done = ran(["-m", "pcr_assets.refresh", command, "--select", select], environment, fine)
        return {**done, "event_log_kb": round((bytes_below(home / "history") - before) / 1e3)}

    def tell(name: str, said: dict[str, Any]) -> None:
        row[name] = {**said, "load": round(os.getloadavg()[0], 1)}
        print(f"{sets:>6} sets  {name:18} {json.dumps(row[name])}", file=sys.stderr, flush=True)
        keep()

    tell("build cards", refresh("run", "processed_cards"))
    ran(["-m", "growth.many_sets", "made-up", str(place)], environment)
    tell("build the rest", refresh("run"))
    tell("plan", refresh("plan"))
    tell("nothing to do", refresh("run"))
    write_card(cards, 0, 0, seed=-1 % 2**32)
    tell("one set changed", refresh("run"))
    tell("tick", json.loads(ran(["-m", "growth.many_sets", "tick", str(place)], environment)["said"]))
    with webserver(environment, place / "webserver.log") as url:
        tell("pages", pages(url))


def ratios(rows: Sequence[Mapping[str, Any]]) -> list[Ratio]:
    """Each size beside the smallest, in what was measured of both."""
    found, (least, *others) = [], rows
    for row in others:
        times, limit, sets = row["sets"] / least["sets"], f"{least['sets']:,} sets", f"{row['sets']:,} sets"
        for name in ("plan", "nothing to do", "one set changed", "tick"):
            for what in ("cpu_seconds", "event_log_kb"):
                if what in row.get(name, {}):
                    ours, theirs = row[name][what], max(least[name][what], 0.01)
                    found.append(Ratio(f"{name}, {sets}: {what}", limit, ours / theirs, asked=times))
        for page in PAGES if "pages" in row else ():
            ours, theirs = row["pages"][page]["milliseconds"], least["pages"][page]["milliseconds"]
            found.append(Ratio(f"page of {page}, {sets}", limit, ours / theirs, asked=times))
    return found


def keep(rows: Sequence[Mapping[str, Any]], output: Path) -> None:
    """Write what is measured so far: a large number of sets takes hours, and a run may be stopped."""
    write({"machine": machine(), "rows": rows}, ratios(rows), output)


def main(arguments: Sequence[str] | None = None) -> int:
    """Fill, measure, write after each part."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", type=Path, required=True, help="a built store: its models and report are taken")
    parser.add_argument("--sets", type=int, nargs="+", default=[150, 1_000, 10_000], metavar="N")
    parser.add_argument("--work", type=Path, help="where the stores are made (default: the system's)")
    parser.add_argument("--output", type=Path, default=RESULT)
    given = parser.parse_args(arguments)
    rows: list[dict[str, Any]] = []
    for sets in sorted(given.sets):
        rows.append({"sets": sets, "cards": sets * PER_SET})
        with tempfile.TemporaryDirectory(prefix="sets-", dir=given.work) as work:
            measure(Path(work), given.store, rows[-1], lambda: keep(rows, given.output))
    return 0


if __name__ == "__main__":
    sys.exit(ended(main))
