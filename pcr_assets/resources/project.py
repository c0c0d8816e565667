"""The project as the assets see it: its store and artifacts, its raw folders, its settings, its scratch folders."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

import dagster as dg

from pcr_assets import layout, settings
from pcr_assets.command_options import usual_profile, usual_store
from pcr_assets.resources.artifacts import Artifact, Artifacts
from pcr_assets.resources.engine import Engine
from pcr_assets.resources.engines import engine
from pcr_assets.resources.store import Store, open_store, parent


class Project(dg.ConfigurableResource):
    """Each field defaults to an environment variable, then to the embedded default: a folder ``store`` where you stand."""

    store: str = ""
    """Folder or ``s3://bucket``, else ``PCR_STORE``, else ``store``."""
    raw: str = ""
    """Folder or URL of the card scans, else ``PCR_CARDS``, else ``data/raw/card_images`` of the store."""
    photos: str = ""
    """Folder or URL of labelled photos, else ``PCR_PHOTOS``, else ``data/raw/photos`` of the store."""
    strangers: str = ""
    """Folder or URL of pictures that must be refused, else ``PCR_STRANGERS``, else ``strangers`` beside the scans."""
    profile: str = ""
    """Profile's name or YAML file, else ``PCR_PROFILE``, else ``embedded``."""
    runs_on: str = ""
    """Where card sets are made, ``local`` or ``ray``, else ``PCR_ENGINE``, else ``local``: what is made is the same."""
    scratch: str = ""
    """Folder for unfinished work, else ``work`` in ``DAGSTER_HOME``, else ``.cache/work``."""

    @cached_property
    def root(self) -> Store:
        """The project's part of the store: everything below :data:`pcr_assets.layout.PROJECT`."""
        return open_store(f"{self.store or usual_store()}/{layout.PROJECT}")

    @cached_property
    def artifacts(self) -> Artifacts:
        """What has been published."""
        return Artifacts(self.root)

    def published(self, name: str) -> Artifact | None:
        """The current artifact of a name as others find it: a release is none without the signed metadata that lead to it."""
        found = self.artifacts.find(name)
        if found and name == layout.RELEASES:
            from pcr_assets.trust.lost import lost

            return None if lost(self.root) else found
        return found

    @property
    def raw_root(self) -> str:
        """Where the card scans are."""
        return self.raw or _variable("PCR_CARDS", f"{self.root.root}/{layout.RAW}")

    @property
    def photos_root(self) -> str:
        """Where the labelled photos are."""
        return self.photos or _variable("PCR_PHOTOS", f"{self.root.root}/{layout.PHOTOS}")

    @property
    def strangers_root(self) -> str:
        """Where the pictures are that must be refused; empty where nobody named them and the scans fill a whole bucket."""
        return self.strangers or _variable("PCR_STRANGERS", _beside(self.raw_root, "strangers"))

    def names(self, folder: str) -> bool:
        """Whether somebody named the folder of the ``photos``, or the ``strangers``; else it is the usual one, which may lack."""
        return bool(getattr(self, folder) or _variable(f"PCR_{folder.upper()}", ""))

    def open(self, root: str) -> Store:
        """A store for one of the raw roots."""
        return open_store(root)

    def above(self, root: str) -> Store | None:
        """The folder or prefix that one of them lies in, where a table may stand beside it; None for a whole bucket."""
        place = parent(root)
        return self.open(place) if place else None

    @property
    def engine(self) -> Engine:
        """What makes the card sets of a step. Raises EngineError."""
        return engine(self.runs_on, [self.root.root, self.open(self.raw_root).root])

    @property
    def settings(self) -> settings.Settings:
        """The profile, read anew: it may change while a webserver runs."""
        return settings.load(self.profile or usual_profile())

    @contextmanager
    def passing_workdir(self) -> Iterator[Path]:
        """A scratch folder for one step, gone afterwards."""
        with TemporaryDirectory(dir=self.workdir("passing")) as folder:
            yield Path(folder)

    def workdir(self, name: str) -> Path:
        """A scratch folder that survives a killed run, so that the next one picks up there."""
        home = os.environ.get("DAGSTER_HOME")
        base = Path(self.scratch or (f"{home}/work" if home else ".cache/work")).absolute()
        folder = base / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder


def _beside(root: str, name: str) -> str:
    """What lies beside a folder or a prefix; nothing lies beside a bucket but the buckets of others."""
    if "://" not in root:
        return str(Path(root).expanduser().absolute().with_name(name))
    above = parent(root)
    return f"{above}/{name}" if above else ""


def _variable(name: str, default: str) -> str:
    return os.environ.get(name) or default
