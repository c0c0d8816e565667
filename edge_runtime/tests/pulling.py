"""A publisher that is watched, and what a device serves."""

from edge_runtime.publishers import FolderPublisher
from edge_runtime.releases.release import open_release


class Counting(FolderPublisher):
    """Remembers which parts were asked for."""

    def __init__(self, folder):
        super().__init__(folder)
        self.asked = []

    def read(self, path, start=0):
        if path.startswith("parts/"):
            self.asked.append(path.removeprefix("parts/"))
        yield from super().read(path, start)


def served(home, published):
    return open_release(home / "releases", published.trusted)
