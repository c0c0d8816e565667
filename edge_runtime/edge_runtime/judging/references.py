"""Pictures of the gallery's scans, as they travel in a release: what a second look compares with and what a page shows.

One ZIP archive for each card set, so that a new set leaves the others' files as they are. A scan's picture and its local
features are called by its key in the index, in 16 hex digits.
"""

import errno
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from edge_runtime.gallery import GalleryError
from edge_runtime.judging.archives import Archives, BadArchive
from edge_runtime.judging.features import Features

SIZE = (252, 352)
"""Width and height of a reference picture: four pixels for a millimetre of card."""
SMALL = (SIZE[0] // 4, SIZE[1] // 4)
"""Width and height of one that is shrunk: a pixel for a millimetre."""
HALF = (SIZE[0] // 2, SIZE[1] // 2)
"""Width and height of one that is halved: print can still be told from other print."""
PICTURE, FEATURES = ".jpg", ".orb"
RIGHTS = "mend its rights, or be the user that it belongs to (`sudo -u edge-runtime edge-runtime …` for the service's)"
CURES = {
    errno.EACCES: RIGHTS,
    errno.EPERM: RIGHTS,
    errno.ENFILE: "end other programs, or raise fs.file-max: the whole system has too many open files",
}
ELSE = "look after that disk or memory card, then pull the release again"


def picture_name(key: int) -> str:
    """What the picture of a scan is called in its archive."""
    return f"{key:016x}{PICTURE}"


def features_name(key: int) -> str:
    """What the local features of a scan are called in its archive."""
    return f"{key:016x}{FEATURES}"


class References:
    """Reference pictures by the key of their scan. Raises :class:`GalleryError` for an archive that is none."""

    def __init__(self, archives: Sequence[Path]):
        try:
            self._archives = Archives(archives, (PICTURE, FEATURES))
        except BadArchive as error:
            raise GalleryError(f"{error.path} is no archive of reference pictures: pull the release again") from error
        except OSError as error:
            if error.errno != errno.EMFILE:
                raise _unreadable(error) from error
            raise GalleryError(
                f"the {len(archives):,} archives of reference pictures can't be open at once ({error.strerror}): allow more open "
                "files (`ulimit -n`, LimitNOFILE of a service)"
            ) from error

    def __contains__(self, key: int) -> bool:
        return self._archives.has(key, FEATURES)

    def held(self, keys: Sequence[int]) -> list[int]:
        """Those of the keys that it has, in their order."""
        return self._archives.held(keys, FEATURES)

    def encoded(self, key: int) -> bytes:
        """The picture of a scan as JPEG. Raises :class:`KeyError` where there is none, GalleryError for a damaged archive."""
        try:
            return self._archives.read(key, PICTURE)
        except BadArchive as error:
            raise GalleryError(f"{error.path} is damaged: pull the release again") from error
        except OSError as error:
            raise _unreadable(error) from error

    def features(self, key: int) -> Features:
        """The local features of a scan's picture. Raises KeyError, and GalleryError for damaged ones."""
        try:
            return Features.from_bytes(self._archives.read(key, FEATURES))
        except OSError as error:
            raise _unreadable(error) from error
        except ValueError as error:
            raise GalleryError(f"{features_name(key)} holds no features: pull the release again") from error

    def small(self, key: int) -> np.ndarray:
        """The picture of a scan, grey uint8 of :data:`SMALL`: decoded at that size, in a fraction of the time.

        Raises KeyError, and GalleryError for a damaged one.
        """
        return self._decoded(key, cv2.IMREAD_REDUCED_GRAYSCALE_4, SMALL)

    def half(self, key: int) -> np.ndarray:
        """The same of :data:`HALF`."""
        return self._decoded(key, cv2.IMREAD_REDUCED_GRAYSCALE_2, HALF)

    def picture(self, key: int) -> np.ndarray:
        """The picture of a scan, uint8 RGB H×W×3 of :data:`SIZE`. Raises KeyError, and GalleryError for a damaged one."""
        return self._decoded(key, cv2.IMREAD_COLOR_RGB, SIZE)

    def _decoded(self, key: int, how: int, size: tuple[int, int]) -> np.ndarray:
        image = cv2.imdecode(np.frombuffer(self.encoded(key), np.uint8), how)
        if image is None or image.shape[1::-1] != size:
            raise GalleryError(f"the reference picture {picture_name(key)} is damaged: pull the release again")
        return image


def _unreadable(error: OSError) -> GalleryError:
    """The sentence for an archive that the system lets nobody read, with what helps: another pull would not."""
    return GalleryError(f"{error.filename} can't be read ({error.strerror}): {CURES.get(error.errno or 0, ELSE)}")
