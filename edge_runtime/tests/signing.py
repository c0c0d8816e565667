"""A publisher's signed metadata for tests: all keys at hand, and every step can be done wrongly."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import (
    DelegatedRole,
    Delegations,
    Metadata,
    MetaFile,
    Root,
    Snapshot,
    TargetFile,
    Targets,
    Timestamp,
)

CHANNELS = ("canary", "stable")
ROLES = ("root", "targets", "snapshot", "timestamp", *CHANNELS)
SIGNED_AT = "x-signed-at"


def in_days(days: float) -> datetime:
    return (datetime.now(UTC) + timedelta(days=days)).replace(microsecond=0)


class Repository:
    """The metadata below a folder of releases. ``keys``: signers by role; what ``write`` signs is found by devices."""

    def __init__(self, releases: Path):
        self.folder = releases / "metadata"
        self.keys = {role: [CryptoSigner.generate_ed25519()] for role in ROLES}
        self.root = Root(expires=in_days(1000))
        for role in ("root", "targets", "snapshot", "timestamp"):
            self.root.add_key(self.keys[role][0].public_key, role)
        self.targets = Targets(expires=in_days(900))
        roles = {name: DelegatedRole(name, [], 1, True, [f"{name}/*"]) for name in CHANNELS}
        self.targets.delegations = Delegations({}, roles)
        for name in CHANNELS:
            self.targets.add_key(self.keys[name][0].public_key, name)
        self.channels = {name: Targets(expires=in_days(400)) for name in CHANNELS}
        self.snapshot = Snapshot(expires=in_days(30))
        self.timestamp = Timestamp(expires=in_days(7))
        self.signed_at = datetime.now(UTC)
        self.written: set[str] = set()

    @property
    def trusted(self) -> list[bytes]:
        """The first root, as a device pins it."""
        return [self.first_root]

    def move(self, releases: Path) -> None:
        """Lie below another folder of releases from now on."""
        (self.folder.parent / "root.json").rename(releases / "root.json")
        self.folder = self.folder.rename(releases / "metadata")

    def write_root(self, *also: CryptoSigner) -> None:
        """Sign a new root; ``also``: keys of the root before."""
        self._count("root", self.root)
        self.root.unrecognized_fields[SIGNED_AT] = self.signed_at.isoformat(timespec="seconds")
        data = self.sign(self.root, *self.keys["root"], *also)
        if self.root.version == 1:
            self.first_root = data
        (self.folder / f"{self.root.version}.root.json").write_bytes(data)
        (self.folder.parent / "root.json").write_bytes(data)

    def _count(self, role: str, signed) -> None:
        signed.version += role in self.written
        self.written.add(role)

    def write_targets(self) -> None:
        """Sign who may sign which channel."""
        self._count("targets", self.targets)
        self._write("targets", self.targets)

    def write_channel(self, name: str) -> None:
        self._count(name, self.channels[name])
        self._write(name, self.channels[name])

    def _write(self, role: str, signed: Targets) -> None:
        data = self.sign(signed, *self.keys[role])
        (self.folder / f"{signed.version}.{role}.json").write_bytes(data)
        self.snapshot.meta[f"{role}.json"] = MetaFile.from_data(signed.version, data, ["sha256"])

    def write_snapshot(self) -> None:
        self._count("snapshot", self.snapshot)
        data = self.sign(self.snapshot, *self.keys["snapshot"])
        (self.folder / f"{self.snapshot.version}.snapshot.json").write_bytes(data)
        self.timestamp.snapshot_meta = MetaFile.from_data(self.snapshot.version, data, ["sha256"])

    def write_timestamp(self) -> None:
        self._count("timestamp", self.timestamp)
        self.timestamp.unrecognized_fields[SIGNED_AT] = self.signed_at.isoformat(timespec="seconds")
        (self.folder / "timestamp.json").write_bytes(self.sign(self.timestamp, *self.keys["timestamp"]))

    def sign(self, signed, *keys: CryptoSigner) -> bytes:
        metadata = Metadata(signed)
        for key in keys:
            metadata.sign(key, append=True)
        return metadata.to_bytes()

    def publish(self, release_id: str, manifest: bytes, channel: str = "stable") -> None:
        """Sign a manifest as the newest of a channel."""
        first = "root" not in self.written
        if first:
            self.folder.mkdir(parents=True, exist_ok=True)
            self.write_root()
            self.write_targets()
            for name in CHANNELS:
                self.write_channel(name)
        path = f"{channel}/manifest.json"
        target = TargetFile.from_data(path, manifest, ["sha256"])
        target.unrecognized_fields["custom"] = {"release_id": release_id}
        self.channels[channel].targets[path] = target
        self.write_channel(channel)
        self.renew()

    def renew(self) -> None:
        self.write_snapshot()
        self.write_timestamp()

    def proof(self, channel: str = "stable") -> bytes:
        """What a device would keep beside the newest release."""

        def newest(role, version):
            return json.loads((self.folder / f"{version}.{role}.json").read_bytes())

        proof = {
            "channel": channel,
            "roots": [newest("root", version) for version in range(1, self.root.version + 1)],
            "targets": newest("targets", self.targets.version),
            "role": newest(channel, self.channels[channel].version),
        }
        return json.dumps(proof).encode()
