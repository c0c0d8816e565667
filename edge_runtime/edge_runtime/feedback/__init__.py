"""What a device gives back, if its owner asks it to: cards it was unsure of, cards that were corrected, and counts.

Of a picture nothing is kept but the card itself, cut out at its corners: no table, no hand, no room. The publisher's project
sums it up in the asset ``field_feedback``; no release depends on it.
"""

import re

CARD_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9.!?+_-]{0,79}")
"""What a correction may call a card: the publisher's project takes no longer one, and a name in its place is no card there."""
