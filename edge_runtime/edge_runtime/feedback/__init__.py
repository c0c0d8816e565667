"""What a device gives back, if its owner asks it to: cards it was unsure of, cards that were corrected, and counts.

Of a picture nothing is kept but the card itself, cut out at its corners: no table, no hand, no room. The publisher's project
sums it up in the asset ``field_feedback``; no release depends on it.
"""
