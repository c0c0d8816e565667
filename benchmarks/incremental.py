"""What do k new cards cost in a gallery of N, beside a full rebuild?

``python benchmarks/incremental.py --store STORE`` takes the models and the report of a built store, fills new stores with N
cards each (rendered ones, or those of ``--scans`` and the same in other colours), builds all from the scans to the release, and
then adds 1, 10 and 100 cards to one set. Each build is a process of its own, and a device pulls each release. The report is
given, not asked: what it costs is a row of its own in ``docs/incremental.md``.
"""

import argparse
import json
import os
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from growth.many_cards import PER_SET, card_file, write_cards
from growth.metered import files_of
from growth.one_refresh import FLOORS, give_models, given_by, pulled
from scorecard.machine import machine
from scorecard.places import ended
from scorecard.processes import answer_of
from scorecard.ratio import Ratio, write

RESULT = Path(__file__).parent / "results" / "incremental.json"
REACHED_AT_MOST = 0.03


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print and write the result."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--store", type=Path, required=True, help="a built store: its models and report are taken")
    options.add_argument("--cards", type=int, nargs="+", default=[1000, 4000, 16000], metavar="N")
    options.add_argument("--new", type=int, nargs="+", default=[1, 10, 100], metavar="K")
    options.add_argument("--scans", type=Path, help="a folder of real scans to start from (default: rendered cards)")
    options.add_argument(
        "--made-up-vectors",
        action="store_true",
        help="draw the first gallery's embeddings, but for some: the full build is then one without its longest floor, and says so",
    )
    options.add_argument("--work", type=Path, required=True, help="where cards and stores are made; may be kept")
    options.add_argument("--output", type=Path, default=RESULT)
    given = options.parse_args(arguments)
    given_by(given.store)  # before thousands of cards are drawn for nothing
    write_cards(given.work / "cards", max(given.cards) + sum(given.new), given.scans)
    found = []
    for count in sorted(given.cards):
        found += measured(given.work, given.store, count, given.new, given.made_up_vectors)
        result = {
            "machine": machine(),
            "scans": "real and recoloured" if given.scans else "rendered",
            "rows": found,
        }
        write(result, ratios(found), given.output)
    print(table(found))
    return 0


def ratios(rows: list[dict[str, Any]]) -> list[Ratio]:
    """What new cards cost beside the full build of the same gallery, after the start of the process."""
    return [
        Ratio(
            f"{row['new']} new in {row['cards']:,}: seconds",
            "the full build, its embeddings drawn" if row["made_up_vectors"] else "the full build",
            row["share_of_full_seconds"],
            asked=REACHED_AT_MOST if (row["cards"], row["new"]) == (16000, 1) else None,
        )
        for row in rows
        if row["new"]
    ]


def measured(work: Path, store: Path, count: int, news: list[int], made_up: bool) -> list[dict[str, Any]]:
    """A row for the full build of ``count`` cards and one for each number of new ones, added after each other."""
    place = work / f"store-{count}"
    shutil.rmtree(place, ignore_errors=True)
    give_models(store, place)
    raw, device = place / "cards", place / "device"
    for number in range(count):
        add(raw, work / "cards", number)
    rows, own = [refreshed(place, device, count, 0, made_up)], PER_SET
    for new in news:
        # Into the first set, whatever N is: a set is as large in every gallery, and so is the work.
        for number in range(count, count + new):
            own += 1
            add(raw, work / "cards", number, as_number=own, card_set="grow000")
        count += new
        rows.append(refreshed(place, device, count - new, new, made_up))
        for clock in ("seconds", "cpu_seconds"):
            rows[-1][f"share_of_full_{clock}"] = round(rows[-1][clock] / rows[0][clock], 4)
    shutil.rmtree(place)
    return rows


def add(raw: Path, cards: Path, number: int, as_number: int | None = None, card_set: str | None = None) -> None:
    """Put a card where scans are: a link, made as a writer makes it, whole at once."""
    source = card_file(cards, number)
    name = source.name if card_set is None else f"{card_set}-{as_number}_Card{number}.jpg"
    target = raw / (card_set or source.parent.name) / name
    target.parent.mkdir(parents=True, exist_ok=True)
    os.link(source, target)


def refreshed(place: Path, device: Path, cards: int, new: int, made_up: bool = False) -> dict[str, Any]:
    """Build what is stale in a process of its own, then let the device pull: the seconds and bytes of both."""
    before = files_of(place / "store")
    began = time.perf_counter()
    said = answer_of("-m", "growth.one_refresh", str(place), *(["made-up"] if made_up and not new else []))
    seconds = time.perf_counter() - began
    after = files_of(place / "store")
    written = sum(size for path, (size, when) in after.items() if before.get(path) != (size, when))
    began = time.perf_counter()
    fetched = pulled(place, device, made_up)
    row = {
        "cards": cards,
        "new": new,
        "seconds": round(said["seconds"], 2),
        "cpu_seconds": round(said["cpu_seconds"], 2),
        "seconds_with_process_start": round(seconds, 2),
        "floors": said["floors"],
        "made_up_vectors": made_up,
        "scans_embedded": said["embedded"],
        "bytes_written": written,
        "release_bytes": fetched.size,
        "bytes_fetched": fetched.fetched,
        "parts_fetched": fetched.parts,
        "pull_seconds": round(time.perf_counter() - began, 2),
        "load": os.getloadavg()[0],
    }
    print(json.dumps(row), flush=True)
    return row


def table(rows: list[dict[str, Any]]) -> str:
    """The rows as a Markdown table."""
    lines = [
        "| N | new | seconds | of full | CPU seconds | of full | embedded | written | fetched | parts | pull |",
        "|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for row in rows:
        wall, cpu = (
            f"{row[f'share_of_full_{clock}']:.1%}" if row["new"] else "" for clock in ("seconds", "cpu_seconds")
        )
        new = row["new"] or ("all, drawn" if row["made_up_vectors"] else "all")
        lines.append(
            f"| {row['cards']:,} | {new} | {row['seconds']:.1f} | {wall} | {row['cpu_seconds']:.1f} | {cpu} | "
            f"{row['scans_embedded']:,} | {row['bytes_written'] / 1e6:,.1f} MB | {row['bytes_fetched'] / 1e6:,.2f} MB | "
            f"{row['parts_fetched']:,} | {row['pull_seconds']:.1f} s |"
        )
    lines.append(f"\nFloors: {', '.join(FLOORS)}. To reach: k = 1 below {REACHED_AT_MOST:.0%} of the full build.")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(ended(main))
