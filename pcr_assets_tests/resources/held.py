"""What a store holds, and digests to publish under."""

from pcr_assets.resources.artifacts import Artifacts


def digest(letter: str) -> str:
    return letter * 64


def held(artifacts: Artifacts) -> dict[str, str]:
    """Files of the store and their etags."""
    return {entry.key: entry.etag for entry in artifacts.store.list()}
