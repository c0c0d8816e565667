"""A release: one immutable folder, verified before anything in it is read.

The order is fixed: signatures from a pinned root to the manifest's bytes; then size and SHA-256 of every file that the
manifest names; only then is a file parsed. Each refusal has its own exception.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

from edge_runtime.disk import LOST
from edge_runtime.judging.decide import Calibration
from edge_runtime.releases.proof import FILE, Signed, verified_proof
from edge_runtime.releases.refusals import Damaged, NoRelease, NotReadable, ReleaseError, WrongSchema
from edge_runtime.releases.trust import trusted_roots

SCHEMA = 6
READABLE = (4, 5, SCHEMA)
"""A device that was updated goes on with the release that it has."""
MOST_MANIFEST_BYTES = 1 << 20
MOST_PROOF_BYTES = 8 << 20
BESIDE = ("manifest.json", FILE)
"""What is written into a release's folder beside the files that the manifest names. Those may be shared with another release: one
called so would be written over there too."""
HASHED_AT_ONCE = 2
"""Files: more would take the cores of a service that opens a release beside the one that answers."""
LONGEST_NAME = 255
"""Bytes, on all usual file systems."""
NOT_AS_EXPECTED = (ValueError, KeyError, TypeError, RecursionError, OverflowError)
"""What reading JSON of unknown making may raise."""


@dataclass(frozen=True)
class Variant:
    """A model, the index that was made with it, and how its evidence becomes a confidence."""

    name: str
    engine: str
    model: Path
    index: Path
    input_size: tuple[int, int]
    embedding_dim: int
    calibration: Calibration
    hw_arch: str | None = None
    """What a HEF was compiled for, ``hailo8`` or ``hailo8l``; None for models that a processor runs."""


@dataclass(frozen=True)
class Release:
    """A verified release."""

    release_id: str
    folder: Path
    catalogue: Path
    references: tuple[Path, ...]
    """Archives of reference pictures; none in a release whose cards get no second look."""
    variants: Mapping[str, Variant]
    default_variant: str
    manifest: Mapping[str, Any]
    outline_filter: Path | None = None
    """The model that says which outlines are worth reading; a release without one has all of them read."""
    printing_verifier: Path | None = None
    """The model that tells printings apart; a release without one names them by their artwork alone."""
    self_test: Path | None = None
    """Known queries with their answers, see :mod:`edge_runtime.releases.selftest`; a release may lack them."""
    signed: Signed | None = None
    """What its signatures say; None for a release that is only described."""

    @property
    def expired(self) -> bool:
        """Whether the publisher's word for it is out of date. It goes on being served: nothing here is worse than before."""
        return self.signed is not None and datetime.now(UTC) >= self.signed.expires

    def variant(self, name: str | None = None) -> Variant:
        """A variant by name, the default one without. Raises :class:`ReleaseError`."""
        chosen = name or self.default_variant
        if chosen not in self.variants:
            raise ReleaseError(
                f"release {self.release_id} has no variant '{chosen}': it has {', '.join(self.variants)}"
            )
        return self.variants[chosen]


@contextmanager
def as_who_may() -> Iterator[None]:
    """Raises :class:`NotReadable` where this user may not look: a service's home is that user's alone."""
    try:
        yield
    except PermissionError as error:
        raise NotReadable(
            f"{error.filename} may not be read by this user: be the one that it belongs to, "
            "`sudo -u edge-runtime edge-runtime …` for the service's"
        ) from error


@contextmanager
def _kept_by_disk(path: Path) -> Iterator[None]:
    """Raises :class:`Damaged` for a file that the disk gives back no more: the release before may be whole."""
    try:
        yield
    except OSError as error:
        if error.errno not in LOST:
            raise
        raise Damaged(
            f"{path} can't be read ({error.strerror}): pull the release again, or replace the disk"
        ) from error


@as_who_may()
def open_release(folder: Path, roots: Sequence[bytes] | None = None) -> Release:
    """Verify and open a release folder, or the newest in a folder of releases. ``roots``: trusted ones, by default the pinned.

    Raises a :class:`ReleaseError` of the kind that fits.
    """
    release = signed_release(newest(Path(folder)), roots)
    with ThreadPoolExecutor(HASHED_AT_ONCE) as hashing:
        list(hashing.map(lambda listed: _verify_file(release.folder, *listed), release.manifest["files"].items()))
    return release


def signed_release(folder: Path, roots: Sequence[bytes] | None = None) -> Release:
    """What the signed manifest in a release's folder says. None of its files is looked at: :func:`open_release` does that."""
    data, proof = _read(folder / "manifest.json", MOST_MANIFEST_BYTES), None
    if (folder / FILE).exists():
        proof = _read(folder / FILE, MOST_PROOF_BYTES)
    beside = folder.parent / "root.json"
    hint = str(beside if beside.exists() else beside.name)
    signed = verified_proof(proof, data, str(folder), trusted_roots() if roots is None else roots, hint)
    return described(folder, manifest_of(data, str(folder)), signed)


def _read(path: Path, most: int) -> bytes:
    with _kept_by_disk(path):
        if path.stat().st_size > most:
            raise Damaged(f"{path} is larger than any such file: pull the release again")
        return path.read_bytes()


def described(folder: Path, manifest: Mapping[str, Any], signed: Signed | None = None) -> Release:
    """What a verified manifest says of the release in a folder; no file is looked at. Raises Damaged and WrongSchema."""
    try:
        for name, entry in manifest["files"].items():
            if not is_plain_name(name) or name in BESIDE:
                raise Damaged(
                    f"the manifest of {folder} names the file '{name}': a release's files lie in its own folder, beside "
                    f"{' and '.join(BESIDE)}"
                )
            if not isinstance(entry["sha256"], str) or not isinstance(entry["size"], int):
                raise TypeError(f"{name} has no SHA-256 and size")
        return Release(
            release_id=manifest["release_id"],
            folder=folder,
            catalogue=_inside(folder, manifest["catalogue"], manifest),
            references=tuple(_inside(folder, name, manifest) for name in manifest["references"]),
            variants={name: _variant(folder, name, entry, manifest) for name, entry in manifest["variants"].items()},
            default_variant=manifest["default_variant"],
            manifest=manifest,
            outline_filter=_optional(folder, "outline_filter", manifest),
            printing_verifier=_optional(folder, "printing_verifier", manifest),
            self_test=_optional(folder, "self_test", manifest),
            signed=signed,
        )
    except (*NOT_AS_EXPECTED, AttributeError) as error:
        raise WrongSchema(
            f"{folder}/manifest.json is signed, but not as schema {SCHEMA} has it ({error}): publish the release again"
        ) from error


def newest(folder: Path) -> Path:
    """The folder of the newest release in a folder of releases; a folder that is a release is its own newest."""
    if (folder / "manifest.json").exists():
        return folder
    try:
        with _kept_by_disk(folder / "latest.json"):
            pointer = (folder / "latest.json").read_bytes()
    except (FileNotFoundError, NotADirectoryError) as error:
        lacks = "holds no release" if folder.is_dir() else "is not there"
        raise NoRelease(
            f"{folder} {lacks}: fetch one with `edge-runtime pull`, or name a publisher's folder `releases`"
        ) from error
    release_id, digest = read_pointer(pointer, folder)
    found = folder / release_id
    if not is_plain_name(release_id) or not (found / "manifest.json").exists():
        raise NoRelease(f"{folder}/latest.json names {release_id}, which is not there: pull the release again")
    if hashlib.sha256(_read(found / "manifest.json", MOST_MANIFEST_BYTES)).hexdigest() != digest:
        raise Damaged(f"{found}/manifest.json is not the one that latest.json names: pull the release again")
    return found


def read_pointer(data: bytes, place: Path | str) -> tuple[str, str]:
    """The release id and the manifest's SHA-256 that the ``latest.json`` of a place names. Raises :class:`Damaged`."""
    try:
        pointer = json.loads(data)
        return str(pointer["release_id"]), str(pointer["manifest_sha256"])
    except NOT_AS_EXPECTED as error:
        raise Damaged(f"{place}/latest.json is damaged: pull the release again") from error


def manifest_of(data: bytes, place: str) -> dict[str, Any]:
    """A verified manifest's content. ``place``: the release's folder, for messages. Raises WrongSchema."""
    try:
        manifest = json.loads(data)
        schema = manifest["schema"]
    except NOT_AS_EXPECTED as error:
        raise WrongSchema(f"{place}/manifest.json is signed, but no manifest: publish the release again") from error
    if schema not in READABLE:
        cure = "publish the release again" if isinstance(schema, int) and schema < SCHEMA else "update edge_runtime"
        raise WrongSchema(f"{place}/manifest.json has schema {schema}, this edge_runtime reads {SCHEMA}: {cure}")
    return dict(manifest)


def _verify_file(folder: Path, name: str, entry: Mapping[str, Any]) -> None:
    path = folder / name
    try:
        size = path.stat().st_size
    except FileNotFoundError as error:
        raise Damaged(f"{path} is missing: pull the release again") from error
    if size != entry["size"]:
        raise Damaged(f"{path} has {size} bytes instead of {entry['size']}: pull the release again")
    with _kept_by_disk(path), path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != entry["sha256"]:
        raise Damaged(f"{path} is not the file that was signed: pull the release again")


def is_plain_name(name: str) -> bool:
    """Whether a file may have this name and stays in its folder: no separators, and neither that folder nor the one above."""
    may_be = name.isprintable() and len(name.encode()) <= LONGEST_NAME
    return may_be and name not in ("", "..") and PurePosixPath(name).name == name


def _inside(folder: Path, name: str, manifest: Mapping[str, Any]) -> Path:
    """A file of the release; one that the manifest doesn't list was not verified and is never opened."""
    if name not in manifest["files"]:
        raise Damaged(f"the manifest of {folder} uses '{name}' without listing it: publish the release again")
    return folder / name


def _optional(folder: Path, role: str, manifest: Mapping[str, Any]) -> Path | None:
    return _inside(folder, manifest[role], manifest) if role in manifest else None


def _variant(folder: Path, name: str, entry: Mapping[str, Any], manifest: Mapping[str, Any]) -> Variant:
    width, height = entry["input_size"]
    return Variant(
        name=name,
        engine=entry["engine"],
        model=_inside(folder, entry["model"], manifest),
        index=_inside(folder, entry["index"], manifest),
        input_size=(int(width), int(height)),
        embedding_dim=int(entry["embedding_dim"]),
        calibration=Calibration.from_json(entry["calibration"]),
        hw_arch=entry.get("hw_arch"),
    )
