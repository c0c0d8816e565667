"""When a release has served well: once frames were answered for a while, one after the other, without a fault. And from when on the
end of a service that had no frame to answer is not its doing."""

PROVE = 5.0
"""Seconds of frames: models, kernels and buffers of all kinds were in use by then."""
STANDS = 300.0
"""Seconds without anything to do after which a release has stood: what it breaks by being open is broken by then. A camera may be
lost for days, and the power be cut each evening."""
MOST_BETWEEN = 1.0
"""Seconds between two frames that count at most: while the camera is lost nothing is proved."""


class Proving:
    """``seconds``: how long frames must be answered; 0 takes the first one."""

    def __init__(self, seconds: float):
        self._seconds = seconds
        self.begin()

    def begin(self) -> None:
        """Start anew: another release answers, or there was a fault."""
        self._last: float | None = None
        self._counted = self._idle = 0.0

    def answered(self, now: float) -> bool:
        """A frame was answered at this time, in seconds; whether the release has served well."""
        if self._last is not None:
            self._counted += min(now - self._last, MOST_BETWEEN)
        self._last = now
        return self._counted >= self._seconds

    def stood(self, seconds: float) -> bool:
        """There was nothing to do for so many seconds more; whether it has stood."""
        self._idle += seconds
        return self._idle >= STANDS
