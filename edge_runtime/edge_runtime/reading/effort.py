"""How hard a picture is looked at: a photo as well as can be, a stream's frame as hard as what it follows asks for."""

from enum import IntEnum


class Effort(IntEnum):
    """From the least to the most."""

    SETTLED = 0
    """As :data:`FOLLOWED`, and a card that a glance takes for what it was is taken for the twin that it was."""
    FOLLOWED = 1
    """The cards that are followed are read where they lie by now, and others are not looked for. Where one of them isn't read as
    what it was, as :data:`ONE` or :data:`QUICK`, or as :data:`PLAIN` if an unknown card is among them."""
    ONE = 2
    """As :data:`QUICK`, and a large card that is named ends the look: for a stream that follows one card. Small ones beside it are
    missed."""
    QUICK = 3
    """Where a first step names all that it finds there is no second one: a card beside others may be missed. Where a glance is
    sure of the artwork, which printing a card is goes without a look: for cards that were named before."""
    PLAIN = 4
    """The cards that lie in plain view are found and named as on a photo. As with less effort, what takes the steps for doubts, or
    lies half under a known card, is missed: for most frames of a stream on which something is not known yet, and few of others."""
    THOROUGH = 5
    """All that may be found is, and no printing is taken for another."""
