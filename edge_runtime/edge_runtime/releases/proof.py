"""The proof of a release: the signed metadata that name its manifest, kept beside it, so that it is opened without a network.

A proof leads from a pinned root over its successors to the channel's own word: JSON with ``channel``, ``roots`` (all that the
publisher ever had), ``targets`` and ``role``. A pull makes one; opening a release verifies it, all signatures anew. Expiry
is not asked here: what was good when it came goes on being served, and :attr:`Signed.expires` says until when it was meant to.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from edge_runtime.disk import read_object
from edge_runtime.releases.refusals import BadSignature, TooFewSignatures, UnknownPublisher, Unsigned

FILE = "proof.json"
CHANNELS = STABLE, CANARY = "stable", "canary"
SIGNED_AT = "x-signed-at"
"""A field of roots and timestamps: when they were signed, UTC. A device without a clock of its own knows by it that it is later."""


def target_path(channel: str) -> str:
    """What a channel's newest manifest is called in its signed metadata."""
    return f"{channel}/manifest.json"


@dataclass(frozen=True)
class Signed:
    """What signatures say of a manifest."""

    channel: str
    version: int
    """Of the channel's word: each one that it signs has a higher one."""
    expires: datetime
    """UTC: from then on the first of the signatures is no longer meant to be believed."""


def make_proof(metadata: Path, channel: str) -> bytes:
    """The proof of a channel's newest manifest from a folder of trusted metadata, as python-tuf's updater keeps them.

    Roots beyond the newest may lie there too: those of a publisher that lost its keys and began anew.
    """
    newest = int(json.loads((metadata / "root.json").read_bytes())["signed"]["version"])
    roots = {int(path.name.partition(".")[0]): path for path in (metadata / "root_history").glob("*.root.json")}
    proof = {
        "channel": channel,
        "roots": [json.loads(roots[version].read_bytes()) for version in sorted(roots) if version <= newest],
        "targets": json.loads((metadata / "targets.json").read_bytes()),
        "role": json.loads((metadata / f"{channel}.json").read_bytes()),
    }
    return json.dumps(proof, separators=(",", ":")).encode()


def offered(metadata: Path, channel: str) -> str | None:
    """The SHA-256 of the newest manifest of a channel, from the same folder; None where none was believed yet."""
    said = read_object(metadata / f"{channel}.json")
    try:
        return str(said["signed"]["targets"][target_path(channel)]["hashes"]["sha256"])
    except (KeyError, TypeError):
        return None


def verified_proof(proof: bytes | None, manifest: bytes, place: str, roots: Sequence[bytes], root_hint: str) -> Signed:
    """Verify that signatures lead from one of the trusted ``roots`` to this manifest.

    ``place``: the release's folder, ``root_hint``: where its publisher's root may be; both for messages.

    Raises :class:`Unsigned`, :class:`UnknownPublisher`, :class:`BadSignature`.
    """
    if proof is None:
        raise Unsigned(f"{place} is not signed: name the folder of releases above it, which has the signatures")
    try:
        said = json.loads(proof)
        channel, chain = str(said["channel"]), [json.dumps(root).encode() for root in said["roots"]]
        targets, role = (json.dumps(said[name]).encode() for name in ("targets", "role"))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise Unsigned(f"{place}/{FILE} holds no signatures: pull the release again") from error
    refusal: Exception | None = None
    for root in roots:
        try:
            return _followed(root, chain, targets, role, channel, manifest)
        except _OtherPublisher:
            continue
        except Exception as error:  # python-tuf raises RepositoryError, ValueError, KeyError by what is wrong
            refusal = error
    if refusal is None:
        raise UnknownPublisher(
            f"{place} leads back to no root that this device trusts: if you know its publisher, pin the root that lies beside "
            f"the publisher's releases with `edge-runtime trust {root_hint}`"
        )
    raise refusal_of(refusal, place) from refusal


class _OtherPublisher(Exception):
    """A trusted root has nothing to do with this chain."""


def _followed(
    root: bytes, chain: Sequence[bytes], targets: bytes, role: bytes, channel: str, manifest: bytes
) -> Signed:
    """Follow the chain from one root. Raises what python-tuf raises where a signature is not good."""
    from tuf.api.metadata import Metadata, Root, Targets

    trusted: Metadata[Root] = Metadata.from_bytes(root)
    known: list[Metadata[Any]] = [Metadata.from_bytes(each) for each in chain]
    if not any(each.signed.version == trusted.signed.version and each.signed == trusted.signed for each in known):
        raise _OtherPublisher
    for following in sorted(known, key=lambda each: int(each.signed.version)):
        if following.signed.version == trusted.signed.version + 1:
            for delegator in (trusted.signed, following.signed):
                delegator.verify_delegate(Root.type, following.signed_bytes, following.signatures)
            trusted = following
    top: Metadata[Targets] = Metadata.from_bytes(targets)
    trusted.signed.verify_delegate(Targets.type, top.signed_bytes, top.signatures)
    word: Metadata[Targets] = Metadata.from_bytes(role)
    delegation = top.signed.get_delegated_role(channel)
    path = target_path(channel)
    if not delegation.is_delegated_path(path):  # type: ignore[attr-defined]
        raise ValueError(f"{channel} may not sign {path}")
    top.signed.verify_delegate(channel, word.signed_bytes, word.signatures)
    word.signed.targets[path].verify_length_and_hashes(manifest)
    return Signed(channel, word.signed.version, min(each.signed.expires for each in (trusted, top, word)))


def refusal_of(error: Exception, place: str) -> BadSignature:
    """The refusal for what python-tuf says of signatures and digests."""
    counted = re.search(r"(\S+) was signed by (\d+)/(\d+) keys", str(error))
    if counted and int(counted[2]):
        return TooFewSignatures(
            f"{place}: {counted[1]} carries {counted[2]} good signatures of the {counted[3]} that its publisher asks for: "
            "wait until it is signed by all"
        )
    if counted:
        return BadSignature(
            f"{place}: {counted[1]} is not signed by a key that its publisher entitled to it: it was changed after it was "
            "signed, or somebody else signed it"
        )
    return BadSignature(f"{place} is not what was signed ({error}): it was changed after it was signed")
