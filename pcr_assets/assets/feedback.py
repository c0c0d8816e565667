"""Floor *field*: what devices gave back, and what that says. Nothing is built from it: no device can stop a release."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import dagster as dg

from pcr_assets import digests, layout
from pcr_assets.assets import show
from pcr_assets.assets.declare import asset, materialized, observed
from pcr_assets.cards.listing import UNSPELT
from pcr_assets.gallery.watched import days_of
from pcr_assets.resources.objects import spelled
from pcr_assets.resources.project import Project
from pcr_assets.resources.store import Entry, Missing, Shut
from pcr_assets.shard_plan import plan_shards

AGAIN = "`make build ASSET=field_feedback`"
SHOWN = 24
MOST_PICTURE_BYTES = 8 << 20
"""Of a card's picture; devices send a tenth of a megabyte. Nobody vouches for what they send: a large file is not even read."""
MOST_PICTURE_PIXELS = 1_000_000
"""Of the same, of which devices send 252×352: 24 small files of 80 megapixels each would take 6 GB here."""
JPEG = b"\xff\xd8"
"""How a picture of theirs begins. An AVIF of 2 kB may say that it has a thousand pixels, and hold 100 megapixels: 220 MB."""
COUNTS = {
    "devices": "devices",
    "days": "days",
    "kept": "cards kept",
    "corrected": "corrected by a person",
    "corrected_wrong": "of which named wrongly",
}
TABLES = {"answers": "release and model", "sets": "set", "drift": "release and model"}
"""What is shown as a table, and the heading of its rows' names."""


def _listed(project: Project) -> dict[str, list[Entry]]:
    """The files of each ``<device>/<date>``, their keys without the folder's own name."""

    folder = f"{layout.FEEDBACK}/"
    entries = project.root.list(layout.FEEDBACK)
    days = days_of(Entry(entry.key.removeprefix(folder), entry.size, entry.etag) for entry in entries)
    return {spelled(day): files for day, files in days.items()}


def _inputs(files: Sequence[Entry]) -> str:
    return digests.of_json([[spelled(entry.key), entry.size, entry.etag] for entry in files])


@observed("field", kinds={"images", "json"})
def device_feedback(project: Project) -> dg.ObserveResult:
    """Cards that devices were unsure of, cut out of their pictures, and counts of all answers. Listed, not downloaded."""
    days = _listed(project)
    files = sum(len(entries) for entries in days.values())
    digest = digests.of_json({day: _inputs(entries) for day, entries in days.items()})
    metadata: dict[str, Any] = {"files": files, "days": len(days), "root": f"{project.root.root}/{layout.FEEDBACK}"}
    return dg.ObserveResult(data_version=dg.DataVersion(digest), metadata=metadata)


@asset("field", layout.FIELD, deps=[device_feedback], kinds={"json"}, code_version="2")
def field_feedback(project: Project) -> dg.MaterializeResult:
    """What the recogniser meets in the field: answers and refusals, confusions by set, similarities over time, and drift.

    A file for each device and day is kept; only days whose listing changed are read again.
    """
    from pcr_assets.gallery.feedback import summed_up, worst

    artifacts, listed = project.artifacts, _listed(project)
    before = artifacts.find(layout.FIELD)
    known = before.record["read"] if before else {}
    plan = plan_shards({day: _inputs(files) for day, files in listed.items()}, known)
    kept = {entry["file"]: before.files[entry["file"]] for entry in plan.kept.values()} if before else {}
    days = [json.loads(path.read_bytes()) for path in artifacts.fetch_files(file for _, file in sorted(kept.items()))]
    read, files = dict(plan.kept), {}
    for day in plan.built:
        said, whole = _read(project, day, listed[day])
        data = digests.canonical_json(said)
        name = f"days/{digests.of_bytes(data)[:32]}.json"
        files[name] = data
        read[day] = {"file": name, "inputs": _inputs(listed[day]) if whole else ""}
        days.append(said)
    days.sort(key=lambda said: (said["date"], said["device"]))
    record = summed_up(days)
    files["feedback.json"] = digests.canonical_json(record)
    kept = {name: file for name, file in kept.items() if name not in files}
    digest = digests.of_json([record, sorted(entry["file"] for entry in read.values())])
    published = artifacts.publish(layout.FIELD, files, kept=kept, digest=digest, record={**record, "read": read})
    return materialized(published, _shown(record, *_pictures(project, worst(days, SHOWN))))


def _read(project: Project, day: str, files: Sequence[Entry]) -> tuple[dict[str, Any], bool]:
    """What a device's day says, and whether all of it may be read: else it is read again, for rights change no listing."""
    from pcr_assets.gallery.feedback import MOST_BYTES, TOO_LARGE, read_day

    every = [entry for entry in files if entry.key.endswith(".json")]
    said_in = [entry for entry in every if spelled(entry.key) == entry.key]
    wanted = [entry for entry in said_in if entry.size <= MOST_BYTES]
    stored = [Entry(f"{layout.FEEDBACK}/{entry.key}", entry.size, entry.etag) for entry in wanted]
    shut = {}

    def readable() -> Iterator[tuple[str, bytes]]:
        for entry, data in zip(wanted, project.root.read_many(stored), strict=True):
            if isinstance(data, Shut):
                shut[entry.key] = data.reason
            elif isinstance(data, bytes):
                yield entry.key, data

    said = read_day(day, readable())
    said["faults"] += [{"file": key, "reason": f"{why}, then {AGAIN}"} for key, why in shut.items()]
    said["faults"] += [{"file": entry.key, "reason": TOO_LARGE} for entry in said_in if entry.size > MOST_BYTES]
    said["faults"] += [
        {"file": spelled(entry.key), "reason": UNSPELT} for entry in every if spelled(entry.key) != entry.key
    ]
    return said, not shut


def _pictures(project: Project, answers: Sequence[Mapping[str, Any]]) -> tuple[list[Any], list[str]]:
    from edge_runtime.photo import PhotoError, load_photo
    from pcr_assets.gallery.feedback import UNNAMED

    images, captions = [], []
    for answer in answers:
        key = f"{layout.FEEDBACK}/{answer['picture']}"
        try:
            if (project.root.size(key) or 0) > MOST_PICTURE_BYTES:
                continue
            if not (data := project.root.read(key)).startswith(JPEG):
                continue
            images.append(load_photo(data, MOST_PICTURE_PIXELS))
        except (Missing, Shut, PhotoError):
            continue
        named = answer["card_id"] or UNNAMED
        captions.append(f"{named}?" + (f" is {answer['corrected']}" if answer["corrected"] else ""))
    return images, captions


def _shown(record: Mapping[str, Any], images: list[Any], captions: list[str]) -> dict[str, Any]:
    shares = {name: [row[name] for row in record["over_time"].values()] for name in ("uncertain", "mean similarity")}
    return {
        **{shown: record[name] for name, shown in COUNTS.items()},
        **{name: show.rows(record[name], first) for name, first in TABLES.items() if record[name]},
        "confusions": show.listed(record["confusions"]),
        "set aside": show.listed(record["faults"]),
        **({"over time": show.curves(shares, "what devices saw", "day")} if len(record["over_time"]) > 1 else {}),
        **({"worst": show.pictures(images, captions, "cards that were named wrongly, or hardly")} if images else {}),
    }
