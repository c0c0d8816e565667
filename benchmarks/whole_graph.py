"""The whole graph with pictures, at 17,592 cards and more: what does each step cost when a gallery grows by whole sets?

    python benchmarks/whole_graph.py --store STORE --scans DIR --cards N --work DIR [--output FILE]

STORE is copied, and N cards that are put together from the scans it was built from come to these, in sets of 100 to 250. Nothing
is trained again (`snapshot.growth`): that is how a gallery grows by new sets. Then, each in a process of its own: the refresh, step
by step; a plan; a refresh with nothing to do, with one changed card, with a file that is no picture; a tick of the sensor; what the
pages of `dagster-webserver` ask; `make gc` without its APPLY; a device that pulls the release, recognises a photo and measures
itself; and made cards, of the gallery and others, through the camera. Seconds are of CPU: other programs on the machine count less.
"""

import argparse
import json
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from device.killing import ROOTS, trusting
from growth.made_sets import write_made
from growth.metered import bytes_below, files_of, ran, refreshed
from growth.one_refresh import pulled
from growth.pages import pages, webserver
from scorecard.machine import machine
from scorecard.places import ended, newest
from scorecard.ratio import write

from pcr_assets import layout
from pcr_assets.resources.artifacts import Artifacts
from pcr_assets.resources.store import open_store

RESULT = Path(__file__).parent / "results" / "whole_graph.json"
PROFILE = "extends: embedded\nsnapshot: {growth: 1000, move_for_new_sets: false}\nreport: {effect_queries: 0}\n"
"""Nothing is trained again; and the report leaves out what each effect of the camera does alone, which has no part in this."""
PENDING = 3
ASKED = 200
"""Made cards, and others, that the release is asked about at each strength."""


class Place:
    """Where all of it is made: the copied store, the scans, the device; and what is measured, written after each part."""

    def __init__(self, work: Path, scans: Path, output: Path):
        self.work, self.scans, self.output = work, scans, output
        self.store, self.device = work / "store", work / "device"
        self.cards = work / "raw" / scans.name
        self.home = self.store / ".dagster"
        self.rows: dict[str, Any] = {}
        self.environment = os.environ | {
            "DAGSTER_HOME": str(self.home),
            "PCR_STORE": str(self.store),
            "PCR_CARDS": str(self.cards),
            "PCR_PHOTOS": str(scans.parent / "photos"),
            "PCR_STRANGERS": str(scans.parent / "strangers"),
            "PCR_PROFILE": str(work / "grown.yaml"),
            ROOTS: str(work / "roots"),
            "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]),
        }

    def tell(self, part: str, said: Mapping[str, Any]) -> None:
        """Note a part."""
        self.rows[part] = {**said, "load": round(os.getloadavg()[0], 1)}
        print(f"{part:20} {json.dumps(self.rows[part])}", file=sys.stderr, flush=True)
        write({"machine": machine(), **self.rows}, [], self.output)

    def refresh(self, part: str) -> None:
        """Build what is stale: each step, bytes written, and how the event log grew."""
        before, log = files_of(self.store / "project"), bytes_below(self.home / "history")
        said = refreshed(self.environment, self.work / f"{part.replace(' ', '_')}.log")
        after = files_of(self.store / "project")
        written = sum(size for path, (size, when) in after.items() if before.get(path) != (size, when))
        grown = bytes_below(self.home / "history") - log
        self.tell(part, {**said, "written_mb": round(written / 1e6, 1), "event_log_kb": round(grown / 1e3)})


def grow(place: Place, store: Path, count: int) -> None:
    """Copy the store, and lay the scans it was built from and the made cards side by side: links, nothing is copied twice."""
    made = place.work / "made"
    cards = write_made(made, place.scans, count)
    for old in (place.store, place.cards.parent, place.device):
        shutil.rmtree(old, ignore_errors=True)
    shutil.copytree(store, place.store)
    place.cards.mkdir(parents=True)
    if (catalogue := place.scans.parent / "cards.csv").exists():
        shutil.copy2(catalogue, place.cards.parent)
    for entry in place.scans.iterdir():
        (place.cards / entry.name).symlink_to(entry)
    for card in cards:
        target = place.cards / card.relative_to(made)
        target.parent.mkdir(exist_ok=True)
        os.link(card, target)
    (place.work / "grown.yaml").write_text(PROFILE)


def change_one(place: Place) -> None:
    """Save a made card anew with a bar across its picture, as a better scan of it would come: whole at once."""
    import cv2

    path = min(place.cards.glob("made0/*.jpg"))
    image = cv2.imread(str(path))
    image[200:260] = 255 - image[200:260]
    aside = path.with_suffix(".aside")
    aside.write_bytes(cv2.imencode(".jpg", image)[1].tobytes())
    aside.rename(path)


def spoil_one(place: Place) -> None:
    """A file that is no picture, named like a card."""
    (place.cards / "made0" / "made0-999_Spoiled.png").write_bytes(b"This is not a picture.\n")


def measure(place: Place, count: int) -> None:
    """Everything that the docstring of this file names, in that order."""
    store = str(place.store)
    run = ["-m", "pcr_assets.refresh"]

    def tell(part: str, *words: str, fine: Sequence[int] = (0,)) -> None:
        found = ran(words, place.environment, fine)
        place.tell(part, {**found, "said": found["said"].replace(str(place.work), "WORK")})

    def answer(part: str, *words: str) -> None:
        found = ran(words, place.environment)
        place.tell(part, {**found, "said": json.loads(found["said"])})

    place.rows["made_cards"] = count
    place.tell("report before", report_of(place.store))
    tell("plan before", *run, "plan", fine=(0, PENDING))
    place.refresh("grown")
    place.tell("report", report_of(place.store))
    pull(place, "first pull")
    tell("plan", *run, "plan")
    place.refresh("nothing to do")
    change_one(place)
    place.refresh("one card changed")
    pull(place, "pull of one card")
    spoil_one(place)
    place.refresh("a bad file")
    said = ran(["-m", "growth.many_sets", "tick", str(place.work)], place.environment)
    place.tell("tick", json.loads(said["said"]))
    with webserver(place.environment, place.work / "webserver.log") as url:
        place.tell("pages", pages(url))
    tell("gc", "-m", "pcr_assets.tidy")
    photo = min((Path(place.environment["PCR_PHOTOS"])).glob("*.jpg"))
    home = ["--releases", str(place.device)]
    trusting(place.store / layout.PROJECT / layout.RELEASES, Path(place.environment[ROOTS]))
    tell("recognize", "-m", "edge_runtime.cli", "recognize", *home, str(photo))
    answer("bench", "-m", "edge_runtime.cli", "bench", *home, "--json")
    answer("made cards asked", "-m", "growth.asked_of_made", store, str(place.scans), str(count), str(ASKED))


def report_of(store: Path) -> dict[str, Any]:
    """What the report says: of each variant recall, what was named, and the confidence that takes; of photos the outcomes."""
    record = Artifacts(open_store(str(store / layout.PROJECT))).current(layout.REPORT).record
    wanted = ("recall_at_1", "low", "high", "art_recall_at_1", "answered", "right", "wrong")
    variants = {
        name: {
            "answers": {
                strength: {what: answer[what] for what in wanted} for strength, answer in judged["answers"].items()
            },
            "named": judged["named"],
            "accept": judged["calibration"]["accept"],
        }
        for name, judged in record["variants"].items()
    }
    return {"cards": record["cards"], "variants": variants, "photos": record["photos"]}


def pull(place: Place, part: str) -> None:
    """Let the device fetch the newest release."""
    found = pulled(place.work, place.device, made_up=False)
    scans = sum(1 for _ in newest(place.store / layout.PROJECT / layout.RELEASES).catalogue.open(encoding="utf-8")) - 1
    place.tell(
        part,
        {
            "scans": scans,
            "release_mb": round(found.size / 1e6, 1),
            "fetched_mb": round(found.fetched / 1e6, 2),
            "parts": found.parts,
        },
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Grow, measure, write after each part."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", type=Path, required=True, help="a built store; it is copied")
    parser.add_argument(
        "--scans", type=Path, required=True, help="the scans it was built from, photos and strangers beside"
    )
    parser.add_argument("--cards", type=int, default=13_412, metavar="N", help="cards that come")
    parser.add_argument("--work", type=Path, required=True, help="where all is made (some 8 GB); may be kept")
    parser.add_argument("--output", type=Path, default=RESULT)
    given = parser.parse_args(arguments)
    place = Place(given.work.absolute(), given.scans.absolute(), given.output)
    given.work.mkdir(parents=True, exist_ok=True)
    grow(place, given.store, given.cards)
    measure(place, given.cards)
    return 0


if __name__ == "__main__":
    sys.exit(ended(main))
