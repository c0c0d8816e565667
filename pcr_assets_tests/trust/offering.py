"""A store that offers releases, and a device that asks for them."""

from pathlib import Path

from edge_runtime.publishers import open_publisher
from edge_runtime.releases.channel import newest
from pcr_assets import layout
from pcr_assets.resources.store import FolderStore
from pcr_assets.trust.channels import initialised, publish_release
from pcr_assets.trust.settings import TrustSettings

TRUST = TrustSettings()
CANARY_ONLY = TrustSettings(channels=("canary",))


class World:
    """A store, its keys, and a device that pinned the first root."""

    def __init__(self, folder: Path, store=None):
        self.folder, self.key_folder = folder, folder / "keys"
        self.store = store or FolderStore(str(folder / "store"))

    def open(self):
        return initialised(self.store, [self.key_folder], TRUST.days, may_make=True)

    def publish(self, release_id, trust=TRUST, **named):
        repository, keys = self.open()
        return publish_release(repository, keys, trust, release_id, f"manifest of {release_id}".encode(), **named)

    def pin(self):
        self.root = self.store.read(f"{layout.RELEASES}/root.json")

    def offered(self, channel="stable", device="device"):
        """What a device takes for the newest."""
        publisher = open_publisher(f"{self.store.root}/{layout.RELEASES}")
        return newest(publisher, self.folder / device, channel, [self.root]).release_id
