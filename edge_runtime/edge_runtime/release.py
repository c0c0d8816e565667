"""A release: one immutable folder, verified before anything in it is read.

The order is fixed: signature over the manifest's bytes, by a pinned key; then size and SHA-256 of every file that the
manifest names; only then is a file parsed. Each refusal has its own exception.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from edge_runtime.decide import Calibration
from edge_runtime.keys import trusted_keys

SCHEMA = 3
MOST_MANIFEST_BYTES = 1 << 20
NOT_AS_EXPECTED = (ValueError, KeyError, TypeError, RecursionError)
"""What reading JSON of unknown making may raise."""


class ReleaseError(RuntimeError):
    """A release is refused; the message says why and what to do."""


class NoRelease(ReleaseError):
    """There is no release in the folder."""


class Unsigned(ReleaseError):
    """The manifest carries no signature that can be read."""


class UnknownKey(ReleaseError):
    """The signature is by a key that this device doesn't trust."""


class BadSignature(ReleaseError):
    """The signature is not that of this manifest."""


class Damaged(ReleaseError):
    """A file is not the one that was signed."""


class PartMissing(ReleaseError):
    """The source lacks a part of a release."""


class PartTruncated(ReleaseError):
    """A part of the source ends too early."""


class PartTampered(ReleaseError):
    """A part of the source is not the one that was signed."""


class WrongSchema(ReleaseError):
    """The manifest is of a kind that this version doesn't know."""


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

    def variant(self, name: str | None = None) -> Variant:
        """A variant by name, the default one without. Raises :class:`ReleaseError`."""
        chosen = name or self.default_variant
        if chosen not in self.variants:
            raise ReleaseError(
                f"release {self.release_id} has no variant '{chosen}': it has {', '.join(self.variants)}"
            )
        return self.variants[chosen]


def open_release(folder: Path, keys: Mapping[str, bytes] | None = None) -> Release:
    """Verify and open a release folder, or the newest in a folder of releases. ``keys``: trusted ones, by default the pinned.

    Raises a :class:`ReleaseError` of the kind that fits.
    """
    folder = newest(Path(folder))
    manifest = verified_manifest(folder, trusted_keys() if keys is None else keys)
    release = described(folder, manifest)
    for name, entry in manifest["files"].items():
        _verify_file(folder, name, entry)
    return release


def described(folder: Path, manifest: Mapping[str, Any]) -> Release:
    """What a verified manifest says of the release in a folder; no file is looked at. Raises Damaged and WrongSchema."""
    try:
        for name, entry in manifest["files"].items():
            if not is_plain_name(name):
                raise Damaged(
                    f"the manifest of {folder} names the file '{name}': a release's files lie in its own folder"
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
            outline_filter=_inside(folder, manifest["outline_filter"], manifest)
            if "outline_filter" in manifest
            else None,
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
        pointer = (folder / "latest.json").read_bytes()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NoRelease(
            f"{folder} holds no release: build one with `make demo`, or name the folder that has latest.json"
        ) from error
    release_id, digest = read_pointer(pointer, folder)
    found = folder / release_id
    if not is_plain_name(release_id) or not (found / "manifest.json").exists():
        raise NoRelease(f"{folder}/latest.json names {release_id}, which is not there: publish the release again")
    if hashlib.sha256((found / "manifest.json").read_bytes()).hexdigest() != digest:
        raise Damaged(f"{found}/manifest.json is not the one that latest.json names: publish the release again")
    return found


def read_pointer(data: bytes, place: Path | str) -> tuple[str, str]:
    """The release id and the manifest's SHA-256 that the ``latest.json`` of a place names. Raises :class:`Damaged`."""
    try:
        pointer = json.loads(data)
        return str(pointer["release_id"]), str(pointer["manifest_sha256"])
    except NOT_AS_EXPECTED as error:
        raise Damaged(f"{place}/latest.json is damaged: publish the release again") from error


def verified_manifest(folder: Path, keys: Mapping[str, bytes]) -> dict[str, Any]:
    """The manifest of a release folder, after its signature was verified."""
    path, signature = folder / "manifest.json", folder / "manifest.sig"
    if path.stat().st_size > MOST_MANIFEST_BYTES:
        raise Damaged(f"{path} is larger than any manifest")
    beside = folder.parent / "release_key.pub"
    hint = str(beside if beside.exists() else beside.name)
    return verified(path.read_bytes(), signature.read_bytes() if signature.exists() else None, str(folder), hint, keys)


def verified(
    data: bytes, signature: bytes | None, place: str, key_hint: str, keys: Mapping[str, bytes]
) -> dict[str, Any]:
    """A manifest's content, after its signature was verified. ``place``: the release's folder, ``key_hint``: where its key is."""
    if len(data) > MOST_MANIFEST_BYTES:
        raise Damaged(f"{place}/manifest.json is larger than any manifest")
    _verify_signature(data, signature, place, key_hint, keys)
    try:
        manifest = json.loads(data)
        schema = manifest["schema"]
    except NOT_AS_EXPECTED as error:
        raise WrongSchema(f"{place}/manifest.json is signed, but no manifest: publish the release again") from error
    if schema != SCHEMA:
        cure = "publish the release again" if isinstance(schema, int) and schema < SCHEMA else "update edge_runtime"
        raise WrongSchema(f"{place}/manifest.json has schema {schema}, this edge_runtime reads {SCHEMA}: {cure}")
    return dict(manifest)


def _verify_signature(
    manifest: bytes, signed_as: bytes | None, place: str, key_hint: str, keys: Mapping[str, bytes]
) -> None:
    if signed_as is None:
        raise Unsigned(f"{place} is not signed: only signed releases are opened")
    try:
        signed = json.loads(signed_as)
        keyid, signature = str(signed["keyid"]), bytes.fromhex(signed["signature"])
    except NOT_AS_EXPECTED as error:
        raise Unsigned(f"{place}/manifest.sig holds no signature: publish the release again") from error
    if keyid not in keys:
        raise UnknownKey(
            f"{place} is signed by key {keyid}, which this device doesn't trust: if you know it to be yours, "
            f"pin it with `edge-runtime trust {key_hint}`"
        )
    try:
        Ed25519PublicKey.from_public_bytes(keys[keyid]).verify(signature, manifest)
    except InvalidSignature as error:
        raise BadSignature(
            f"{place}/manifest.sig is not the signature of this manifest: the release was changed after it was signed"
        ) from error


def _verify_file(folder: Path, name: str, entry: Mapping[str, Any]) -> None:
    path = folder / name
    try:
        size = path.stat().st_size
    except FileNotFoundError as error:
        raise Damaged(f"{path} is missing: pull the release again") from error
    if size != entry["size"]:
        raise Damaged(f"{path} has {size} bytes instead of {entry['size']}: pull the release again")
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != entry["sha256"]:
        raise Damaged(f"{path} is not the file that was signed: pull the release again")


def is_plain_name(name: str) -> bool:
    """Whether a name stays in its folder: no separators, and neither the folder itself nor the one above."""
    return name not in ("", "..") and PurePosixPath(name).name == name


def _inside(folder: Path, name: str, manifest: Mapping[str, Any]) -> Path:
    """A file of the release; one that the manifest doesn't list was not verified and is never opened."""
    if name not in manifest["files"]:
        raise Damaged(f"the manifest of {folder} uses '{name}' without listing it: publish the release again")
    return folder / name


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
