"""How a training tells how far it is: a line every few seconds, for the person who watches."""

import time
from collections.abc import Callable

Say = Callable[[str], None]
PACE_SECONDS = 5.0


class Pace:
    """Steps done, the loss, images in a second and the time that is left."""

    def __init__(self, name: str, start: int, steps: int, batch: int, say: Say):
        self.name, self.start, self.steps, self.batch, self.say = name, start, steps, batch, say
        self.began = self.told = time.monotonic()

    def tell(self, done: int, loss: float) -> None:
        """Say where the run is, unless something was said just now."""
        now = time.monotonic()
        if now - self.told < PACE_SECONDS and done < self.steps:
            return
        self.told = now
        pace = (done - self.start) / max(now - self.began, 1e-9)
        left = (self.steps - done) / pace
        self.say(f"{self.name} {done}/{self.steps} loss={loss:.4f} {pace * self.batch:.0f} images/s, {left:.0f} s left")
