"""Cards followed from frame to frame: where they lie now, and what several frames say together."""
