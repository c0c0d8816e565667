"""Keys of the index: a number for each view of each card, stable for ever, that needs no counter."""

import hashlib
from collections.abc import Iterable


class KeyCollision(ValueError):
    """Two views share a key."""


def card_key(card_id: str, view: int) -> int:
    """The uint64 key of one view of one card: BLAKE2b of ``card_id/view``, 8 bytes, read big-endian."""
    return int.from_bytes(hashlib.blake2b(f"{card_id}/{view}".encode(), digest_size=8).digest(), "big")


def keys_of(views: Iterable[tuple[str, int]]) -> dict[tuple[str, int], int]:
    """The key of every (card_id, view). Raises :class:`KeyCollision` when a view comes twice or two views share a key."""
    owners: dict[int, tuple[str, int]] = {}
    for card_id, view in views:
        key = card_key(card_id, view)
        if key in owners:
            other, its_view = owners[key]
            raise KeyCollision(
                f"{card_id}/{view} and {other}/{its_view} share a key: give one of them another id or view"
            )
        owners[key] = (card_id, view)
    return {view: key for key, view in owners.items()}
