"""How fast is this very device, with this very release? Frames are made of the release's own pictures; nothing is fetched.

Each model is timed in a process of its own, so that its memory and its start are its own too.
"""
