"""Pixels: decoding and cleaning scans, hashing them, the camera simulator, the rendered sample cards."""
