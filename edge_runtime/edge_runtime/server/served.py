"""A release that is open and answers: the recogniser, its cards by their id, and the pictures of their scans.

The loop's thread alone uses the recogniser, and closes it. Cards and pictures may be asked for from any thread, also after
that: whoever still holds a release that was followed by another gets answers from that one.
"""

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from edge_runtime.gallery import Card
from edge_runtime.judging.references import References
from edge_runtime.recognizer import Recognizer
from edge_runtime.releases.release import Release
from edge_runtime.releases.trial import Trial
from edge_runtime.search.card_search import find_cards


@dataclass(eq=False)
class Served:
    """One release, open."""

    release_id: str
    recognizer: Recognizer
    expires: datetime | None = None
    opened: float = field(default_factory=time.time)
    trial: Trial = field(default_factory=lambda: Trial(None))
    """Counts its starts until it has served well, so that one that ends the service twice is rolled back."""

    def __post_init__(self) -> None:
        gallery = self.recognizer.gallery
        look = self.recognizer.judge.second_look
        self._references: References | None = look.references if look else None
        self._cards = gallery.cards
        self._keys: dict[str, int] = {}
        for key in self._references.held(gallery.keys) if self._references else ():
            self._keys.setdefault(gallery.card(key).card_id, key)

    @classmethod
    def open(cls, release: Release, recognizer: Recognizer, trial: Trial | None = None) -> "Served":
        """What a verified release and the recogniser that was opened with it, within a trial, give."""
        expires = release.signed.expires if release.signed else None
        return cls(release.release_id, recognizer, expires, trial=trial or Trial(None))

    def __len__(self) -> int:
        return len(self._cards)

    def card(self, card_id: str) -> Card | None:
        """A card of this release."""
        return self._cards.get(card_id)

    def find(self, asked: str, most: int) -> list[Card]:
        """The cards of this release that somebody asks for by name, set and number."""
        return find_cards(self._cards.values(), asked, most)

    def picture(self, card_id: str) -> bytes | None:
        """The picture of a card's scan as JPEG."""
        key = self._keys.get(card_id)
        if key is None or self._references is None:
            return None
        try:
            return self._references.encoded(key)
        except KeyError:
            return None

    @property
    def expired(self) -> bool:
        """Whether the release should have been followed by another by now."""
        return self.expires is not None and self.expires <= datetime.now(UTC)

    def as_json(self) -> dict[str, Any]:
        """The release for the API; no path and no reason stands in it."""
        choice = self.recognizer.choice
        return {
            "release_id": self.release_id,
            "cards": len(self),
            "variant": choice.variant if choice else None,
            "engine": choice.engine if choice else None,
            "chip": choice.chip if choice else None,
            "opened": datetime.fromtimestamp(self.opened, UTC).isoformat(timespec="seconds"),
            "expires": self.expires.isoformat(timespec="seconds") if self.expires else None,
            "expired": self.expired,
        }

    def served_well(self) -> None:
        """It answers without fault: from now on it is the last good release."""
        self.trial.served_well()

    def stands(self) -> None:
        """It has been open for long, and had no frame to answer: what ends the service is not its doing."""
        self.trial.excuse()

    def close(self, ended_by: Exception | None = None) -> None:
        """Give back the model, and a chip with it. ``ended_by``: why it can't answer; see :meth:`Trial.ended_by`."""
        self.trial.ended_by(ended_by)
        self.recognizer.close()
