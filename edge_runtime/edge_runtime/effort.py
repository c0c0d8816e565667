"""How hard a picture is looked at: a photo as well as can be, a stream's frame as hard as what it follows asks for."""

from enum import IntEnum


class Effort(IntEnum):
    """From the least to the most."""

    ONE = 0
    """As :data:`QUICK`, and a large card that is named ends the look: for a stream that follows one card. Others beside it are
    missed."""
    QUICK = 1
    """Where a first step names all that it finds there is no second one: a card beside others may be missed. Where a glance is
    sure of the artwork, which printing a card is goes without a look: for cards that were named before."""
    THOROUGH = 2
    """All that may be found is, and no printing is taken for another."""
