"""What a device says while it watches."""

import json

EVENTS = [
    {"event": "appeared", "stay": 1, "status": "unknown", "confidence": 0.0},
    {"event": "confirmed", "stay": 1, "status": "confirmed", "confidence": 0.9},
    {"event": "left", "stay": 1, "status": "confirmed", "confidence": 0.98},
    {"event": "left", "stay": 2, "status": "unknown", "confidence": 0.1},
]


def lines(events):
    """Events as a device writes them."""
    return [json.dumps(event) for event in events]
