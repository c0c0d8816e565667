"""Cameras that are none."""

import time


class Pictures:
    """A camera that shows pictures in turn, the last for ever, and counts what it showed."""

    def __init__(self, *pictures, pace=0.0):
        self.pictures, self.pace, self.shown = list(pictures), pace, 0

    def read(self):
        time.sleep(self.pace)
        self.shown += 1
        return self.pictures.pop(0) if len(self.pictures) > 1 else self.pictures[0]

    def close(self):
        pass
