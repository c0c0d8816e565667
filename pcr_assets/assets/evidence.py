"""Floor *release*, what its report asks about: photos and strangers, test cards and new ones, and the variants that answer."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

from pcr_assets import digests, layout
from pcr_assets.assets.cards import read_scans
from pcr_assets.assets.dataset import snapshot_files
from pcr_assets.assets.declare import observed
from pcr_assets.assets.reference import MODELS
from pcr_assets.cards.names import is_picture
from pcr_assets.gallery.settings import ReportSettings
from pcr_assets.gallery.watched import labels_file
from pcr_assets.resources.objects import spelled
from pcr_assets.resources.project import Project
from pcr_assets.resources.store import Entry, Shut, Store, StoreError

if TYPE_CHECKING:
    from pcr_assets.gallery.evidence import Evidence
    from pcr_assets.gallery.photos import Label


def _observed_folder(project: Project, kind: str, root: str, labels: bytes = b"") -> dg.ObserveResult:
    """The observation of the photos or the strangers. Raises StoreError for a folder that somebody named and that holds nothing: of
    one that is mistyped, or of a disk that is not mounted, a release would be judged as if nobody had asked about it."""
    digest, count = listed(project, root, labels)
    if not count and project.names(kind):
        variable = kind.upper()
        raise StoreError(
            f"there is nothing in {root}: mend {variable} (make) or PCR_{variable}, or name no folder there"
        )
    return dg.ObserveResult(data_version=dg.DataVersion(digest), metadata={"files": count, "root": root})


def listed(project: Project, root: str, labels: bytes = b"") -> tuple[str, int]:
    """The digest of what lies in a folder, by its listing, and the number of files."""
    entries = list(project.open(root).list()) if root else []
    listing = [[spelled(entry.key), entry.size, entry.etag] for entry in entries]
    return digests.of_json([listing, digests.of_bytes(labels)] if labels else listing), len(entries)


@observed("release", kinds={"images"})
def evaluation_photos(project: Project) -> dg.ObserveResult:
    """Photos of cards, labelled in `photos.csv`: only what is measured on them may be called accuracy. May be empty."""
    return _observed_folder(project, "photos", project.photos_root, labels(project))


def labels(project: Project) -> bytes:
    """What ``photos.csv`` says, in the photos' folder or above it."""
    return labels_file(project.open(project.photos_root), project.above(project.photos_root))


@observed("release", kinds={"images"})
def strangers(project: Project) -> dg.ObserveResult:
    """Pictures that must be refused: other games' cards, backs of cards, things. May be empty."""
    return _observed_folder(project, "strangers", project.strangers_root)


def subjects_of(project: Project) -> dict[str, Any]:
    """The variants to be judged: {name: :class:`pcr_assets.gallery.evidence.Subject`}; what is compared is remembered for all."""
    from edge_runtime.judging.references import References
    from pcr_assets.gallery.evidence import Subject
    from pcr_assets.gallery.judging import RememberingLook

    artifacts = project.artifacts
    index, pictures = artifacts.current(layout.INDEX), artifacts.current(layout.REFERENCES)
    archives = artifacts.fetch_files(file for _, file in sorted(pictures.files.items()))
    second_look = RememberingLook(References([*archives]))
    return {
        variant: Subject(
            artifacts.fetch(artifacts.current(name), file),
            artifacts.fetch(index, f"{variant}.usearch"),
            artifacts.fetch(index, "catalogue.csv"),
            second_look,
            artifacts.fetch(artifacts.current(layout.OUTLINE_FILTER), "outline_filter.onnx"),
            artifacts.fetch(artifacts.current(layout.PRINTING_VERIFIER), "printing_verifier.onnx"),
        )
        for variant, (name, file) in MODELS.items()
    }


def evidence_of(project: Project, settings: ReportSettings) -> "Evidence":
    """What variants are judged by, with as many new cards, strangers and photos as the settings ask for at most, evenly."""
    import pyarrow.parquet as pq

    from pcr_assets.cards.processed import groups_of
    from pcr_assets.cards.reader import CardImages
    from pcr_assets.gallery.evidence import Evidence, held_out, newcomers

    artifacts = project.artifacts
    source, processed = snapshot_files(artifacts), artifacts.current(layout.PROCESSED)
    rows = pq.read_table(source["snapshot"]).to_pylist()
    scans = read_scans(artifacts, processed).table.select(["card_id", "view", "set", "pixel_digest"]).to_pylist()
    groups = groups_of(processed.record, [row["card_id"] for row in [*rows, *scans]])
    new = newcomers(scans, rows, groups, settings.queries)
    sets = processed.record["sets"]
    theirs = artifacts.fetch_files(
        processed.files[sets[name]["file"]] for name in sorted({scan["set"] for scan in new})
    )
    asked, faults = strangers_of(project, settings.strangers)
    photos, said, lacking = photos_of(project, settings.photos)
    return Evidence(
        # Of scans in both the last one counts.
        cards=CardImages([*theirs, *(Path(shard) for shard in source["shards"])]),
        splits={**held_out(rows, groups), "new": new},
        strangers=asked,
        photos=photos,
        labels=said,
        lacking=lacking,
        unreadable=faults,
    )


def strangers_of(project: Project, most: int) -> tuple[list[Path], list[str]]:
    """At most so many pictures that must be refused, evenly over all; and what is wrong with those that can't be read."""
    from pcr_assets.gallery.evidence import evenly, readable

    if not project.strangers_root:
        return [], []
    store = project.open(project.strangers_root)
    paths, faults = _fetched(store, evenly(_pictures(store), most))
    good, unreadable = readable([*paths.values()])
    return good, [*faults.values(), *unreadable]


def photos_of(project: Project, most: int) -> tuple[dict[str, Path], "dict[str, Sequence[Label]]", dict[str, str]]:
    """At most so many photos, those with a labelled card of the gallery first, and the labels of each; no other is fetched. And of
    those that can't be fetched, why."""
    from pcr_assets.gallery.photos import labelled_first, labels_of_each, read_labels

    store = project.open(project.photos_root)
    there = {spelled(entry.key): entry for entry in _pictures(store)}
    said = labels_of_each(read_labels(labels(project)), there)
    chosen = labelled_first(said)[:most]
    paths, faults = _fetched(store, [there[photo] for photo in chosen])
    return paths, {photo: said[photo] for photo in paths}, faults


def _fetched(store: Store, entries: Sequence[Entry]) -> tuple[dict[str, Path], dict[str, str]]:
    """The files of some pictures, by their keys, and what is wrong with each of the others: one that is gone, or archived in its
    bucket, stops no report."""
    found = {spelled(entry.key): got for entry, got in zip(entries, store.fetch_many(entries), strict=True)}
    paths = {key: got for key, got in found.items() if isinstance(got, Path)}
    return paths, {
        key: f"{key}: {got.reason}" if isinstance(got, Shut) else f"{key} went after it was listed"
        for key, got in found.items()
        if not isinstance(got, Path)
    }


def _pictures(store: Store) -> list[Entry]:
    """The pictures in a folder, in the order of their keys."""
    return [entry for entry in store.list() if is_picture(entry.key)]
