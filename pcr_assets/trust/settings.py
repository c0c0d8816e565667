"""The section ``trust`` of a profile. It is asked when something is signed, and makes nothing stale."""

from datetime import UTC, datetime, timedelta

from pydantic import Field

from edge_runtime.releases.proof import CANARY, STABLE
from pcr_assets.settings import Settings, Strict

CHANNELS = (CANARY, STABLE)
ROOT, TARGETS, SNAPSHOT, TIMESTAMP = "root", "targets", "snapshot", "timestamp"
ROLES = (ROOT, TARGETS, *CHANNELS, SNAPSHOT, TIMESTAMP)
"""All roles, those whose keys belong offline first."""


LONGEST = 36525
"""Days: a century. No date has room for a thousand of them, and nothing would say so before the release is signed."""


class Days(Strict):
    """For how many days a signature of each role is meant to be believed."""

    root: float = Field(default=1825, gt=0, le=LONGEST)
    targets: float = Field(default=1825, gt=0, le=LONGEST)
    channel: float = Field(default=730, gt=0, le=LONGEST)
    snapshot: float = Field(default=180, gt=0, le=LONGEST)
    timestamp: float = Field(default=180, gt=0, le=LONGEST)

    def of(self, role: str) -> timedelta:
        """How long a signature of a role holds."""
        return timedelta(days=getattr(self, "channel" if role in CHANNELS else role))


class TrustSettings(Strict):
    """Where a new release is published, and for how long signatures hold."""

    channels: tuple[str, ...] = Field(CHANNELS, description="Where a new release appears by itself.")
    days: Days = Field(default_factory=Days)

    def model_post_init(self, _: object) -> None:
        """Refuse channels that no device knows."""
        if unknown := set(self.channels) - set(CHANNELS):
            raise ValueError(f"channels must be of {', '.join(CHANNELS)}, not {', '.join(sorted(unknown))}")


def trust_settings(settings: Settings) -> TrustSettings:
    """The section ``trust`` of a profile. Raises SettingsError with each mistake in it."""
    settings.check("trust", TrustSettings)
    return TrustSettings(**settings.section("trust"))


def expiry(role: str, days: Days) -> datetime:
    """When a signature of a role that is made now expires, UTC, whole seconds."""
    return (datetime.now(UTC) + days.of(role)).replace(microsecond=0)
