"""``make demo``: build what is stale, then recognise photos with the release that was made, and say where to look next.

Without cards of your own, in ``PCR_CARDS`` or in the store, it renders the sample cards first. Everything it does is one call of
what the other commands do.
"""

import argparse
import os
import shlex
import shutil
import sys
import time
from pathlib import Path

from edge_runtime.releases.trust import trust
from pcr_assets import layout
from pcr_assets.cards.names import is_picture
from pcr_assets.command_options import MISUSED
from pcr_assets.gallery.watched import labels_file
from pcr_assets.refresh.command import main as refresh
from pcr_assets.resources.project import Project
from pcr_assets.resources.store import FolderStore
from pcr_assets.trust.keys import Keys, key_folder
from pcr_assets.trust.settings import TIMESTAMP, trust_settings

PHOTOS_SHOWN = 12


def main() -> int:
    """Run the demo; the exit code is that of ``refresh run``, or 1 when a photo could not be read."""
    argparse.ArgumentParser(
        prog="python -m pcr_assets.demo",
        description="Build what is stale, then recognise photos with the release. PCR_STORE, PCR_CARDS, PCR_PHOTOS, "
        "PCR_STRANGERS and PCR_PROFILE say of what; `make demo` sets them.",
    ).parse_args()
    project = Project()
    if not isinstance(project.root, FolderStore):
        print(
            f"the demo works in a folder, not in {project.root.root}: `make refresh` builds in a bucket, and `make recognize` "
            "reads photos with the release there (docs/s3.md)",
            file=sys.stderr,
        )
        return MISUSED
    if not os.environ.get("PCR_CARDS"):
        _render_sample(project)
    code = refresh(["run"])
    if code != 0:
        return code
    _trust_own_releases(project)
    releases = Path(project.root.root, layout.RELEASES)
    photos = _photos(Path(project.photos_root))
    if not photos:
        print(f"\nno photos in {project.photos_root}: pass PHOTOS=/path/to/photos to see some recognised")
    else:
        print(f"\n{len(photos)} photos, read by edge_runtime from the release:")
        code = _recognise(releases, photos)
    print(_where_next(project, releases))
    return code


def _render_sample(project: Project) -> None:
    from pcr_assets.imaging.sample import SampleError, render

    started = time.perf_counter()
    print("drawing sample cards, photos and strangers, about half a minute the first time", flush=True)
    try:
        render(Path(project.root.root) / "data" / "raw")
    except SampleError:  # as after `make ingest`
        print(f"none are drawn: {project.root.root}/data/raw holds your own")
        return
    print(
        f"sample cards, photos and strangers are in {project.root.root}/data/raw ({time.perf_counter() - started:.1f} s)"
    )


def _trust_own_releases(project: Project) -> None:
    """Pin the store's root for the edge_runtime of this environment, as `edge-runtime trust` does on a Pi.

    The metadata are believed first as the keys of this machine ask, and renewed if they would expire: a demo that is run
    again after a year works.
    """
    from pcr_assets.trust.channels import RENEW_AT, renew
    from pcr_assets.trust.metadata import Repository

    settings, keys = trust_settings(project.settings), Keys([key_folder()])
    repository = Repository.open(project.root, keys)
    if repository.pointer is not None and repository.expires_within(TIMESTAMP, RENEW_AT, settings.days):
        renew(repository, keys, settings.days)
    trust(project.root.read(layout.ROOT_COPY))


def _photos(folder: Path) -> list[Path]:
    """At most PHOTOS_SHOWN photos, those with a labelled card of the gallery first, spread over the folder."""
    from pcr_assets.gallery.photos import labels_of_each, read_labels

    if not folder.is_dir():
        return []
    store = FolderStore(str(folder))
    found = [entry.key for entry in store.list() if is_picture(entry.key)]
    said = labels_of_each(read_labels(labels_file(store, FolderStore(str(folder.parent)))), found)
    found = [photo for photo in found if any(label.in_gallery for label in said[photo])] or found
    step = max(1, len(found) // PHOTOS_SHOWN)
    return [folder / photo for photo in found[::step][:PHOTOS_SHOWN]]


def _recognise(releases: Path, photos: list[Path]) -> int:
    from edge_runtime import cli

    return cli.main(["recognize", "--releases", str(releases), *map(str, photos)])


def _where_next(project: Project, releases: Path) -> str:
    """Commands that work as they are printed, in the folder where `make` was run."""
    report = project.artifacts.find(layout.REPORT)
    page = Path(project.root.root, report.files["report.html"].key) if report else None
    store = project.root.root.removesuffix(f"/{layout.PROJECT}")
    of_store = "" if Path(store) == Path("store").absolute() else f" STORE={shlex.quote(store)}"
    return "\n".join(
        [
            "",
            "Where to look next:",
            f"  the report on this release   {page}",
            f"  the release                  {releases}",
            f"  the graph in the Dagster UI  make dev{of_store}, then http://127.0.0.1:3000",
            f"  your own photo               make recognize PHOTO=photo.jpg{of_store}",
            f"  a camera, on a page          make serve{of_store}, then http://127.0.0.1:8080",
            f"  what is stale, and why       make plan{of_store}",
        ]
    )


if __name__ == "__main__":
    if shutil.which("edge-runtime") is None:
        sys.exit("edge_runtime is not installed in this environment: pip install ./edge_runtime, or use `make demo`")
    sys.exit(main())
