"""The self-test: known queries that travel in a release, with the answers they had where it was made.

A model that this machine's software runs otherwise, or an index that it reads otherwise, answers every photo, and wrongly.
Each query is a picture of one card, cut out as the edge cuts it; its nearest card, and how near, must be what they were.

In the archive: ``answers.json`` with ``queries`` (``picture``, ``card_id``, ``similarity`` by variant) and ``tolerance`` by
variant; and the pictures. ``python -m edge_runtime.releases.selftest FOLDER`` tries a release that was verified already.
"""

import io
import json
import resource
import signal
import subprocess
import sys
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from edge_runtime.releases.blame import is_of_the_device
from edge_runtime.releases.refusals import ReleaseError, SelfTestFailed

if TYPE_CHECKING:
    import numpy as np

    from edge_runtime.embedder import Embedder
    from edge_runtime.gallery import Gallery, Match
    from edge_runtime.recognizer import Recognizer

ANSWERS = "answers.json"
TOLERANCE = 0.05
"""In cosine, for a variant that no tolerance came with."""
CPU_SECONDS = 300
"""A release that is tried in a process of its own, and has taken this much CPU time without an answer, never gives one: a Pi needs
a few seconds."""
SECONDS = 900.0
"""After so long by the clock it is given up. It had not the CPU time, or waited: for a card that stalls, say. That is no fault of
the release."""
FAILED = 3
"""Exit code: the release can't be opened, or answers otherwise."""
HINDERED = 4
"""Exit code: this device can't try it."""
KILLED = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
"""Signals that come from outside: the release is not to blame."""


@dataclass(frozen=True)
class Known:
    """A query and its answer. ``similarity``: cosine to the nearest card, by variant."""

    picture: str
    card_id: str
    similarity: Mapping[str, float]


@dataclass(frozen=True)
class SelfTest:
    """The queries of a release, their pictures (uint8 RGB H×W×3), and how far answers may lie apart, by variant."""

    queries: Sequence[Known]
    pictures: Sequence["np.ndarray"]
    tolerance: Mapping[str, float]


def read_self_test(path: Path) -> SelfTest:
    """The queries in an archive. Raises :class:`SelfTestFailed` for one that holds none, ReleaseError where it can't be read: then
    the release is not to blame."""
    import cv2
    import numpy as np

    try:
        data = path.read_bytes()
    except OSError as error:
        raise ReleaseError(
            f"{path} can't be read ({error.strerror}): look after this device's disk, and the rights"
        ) from error
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            said = json.loads(archive.read(ANSWERS))
            known = [Known(each["picture"], str(each["card_id"]), dict(each["similarity"])) for each in said["queries"]]
            encoded = [np.frombuffer(archive.read(each.picture), np.uint8) for each in known]
            tolerance = {str(name): float(value) for name, value in said["tolerance"].items()}
        pictures = [cv2.imdecode(data, cv2.IMREAD_COLOR_RGB) for data in encoded]
    except (OSError, zipfile.BadZipFile, ValueError, KeyError, TypeError, cv2.error) as error:
        raise SelfTestFailed(f"{path} holds no known queries ({error}): publish the release again") from error
    shown = [picture for picture in pictures if picture is not None]
    if not known or len(shown) < len(known):
        raise SelfTestFailed(f"{path} holds no known queries: publish the release again")
    return SelfTest(known, shown, tolerance)


def self_test(recognizer: "Recognizer", path: Path | None = None) -> int:
    """Ask a recogniser the queries that travel in its release, or in ``path``; gives their number, 0 where it carries none.

    Raises :class:`SelfTestFailed` where an answer is not the known one.
    """
    release = recognizer.release
    path = path or (release.self_test if release else None)
    if path is None:
        return 0
    test = read_self_test(path)
    variant = recognizer.choice.variant if recognizer.choice else ""
    for known, matches in zip(test.queries, answers(recognizer, test.pictures), strict=True):
        found = matches[0] if matches else None
        if found is None or found.card.card_id != known.card_id:
            named = found.card.card_id if found else "nothing"
            raise SelfTestFailed(f"self-test: {variant} takes {known.card_id} for {named} ({known.picture})")
        expected = known.similarity.get(variant)
        apart = 0.0 if expected is None else abs(found.similarity - expected)
        if not apart <= test.tolerance.get(variant, TOLERANCE):
            raise SelfTestFailed(
                f"self-test: {variant} sees {known.card_id} at {found.similarity:.3f} instead of {expected:.3f} ({known.picture})"
            )
    return len(test.queries)


class Model(Protocol):
    """What is asked: a model and the gallery that was embedded with it, as a recogniser has them."""

    @property
    def embedder(self) -> "Embedder":
        """The model."""

    @property
    def gallery(self) -> "Gallery":
        """The gallery."""


def answers(model: Model, pictures: Sequence["np.ndarray"]) -> list[list["Match"]]:
    """The nearest cards of pictures that are nothing but a card, best first, one list a picture."""
    import numpy as np

    from edge_runtime.geometry import whole_card
    from edge_runtime.judging.judge import CANDIDATES

    size = model.embedder.input_size
    cards = [whole_card(picture, size) for picture in pictures]
    return [model.gallery.search(model.embedder.embed(card[np.newaxis]), CANDIDATES)[0] for card in cards]


def tried_here(folder: Path) -> int:
    """Open the release in a folder whose files were verified, and ask its queries; gives their number.

    Raises :class:`SelfTestFailed` where it can't be opened, or answers otherwise, another :class:`ReleaseError` where this
    device is to blame for that.
    """
    from edge_runtime.embedder import EmbedderError
    from edge_runtime.gallery import GalleryError
    from edge_runtime.recognizer import Recognizer
    from edge_runtime.releases.release import described, manifest_of

    release = described(folder, manifest_of((folder / "manifest.json").read_bytes(), str(folder)))
    try:
        with Recognizer.open(release) as recognizer:
            return self_test(recognizer)
    except SelfTestFailed:
        raise
    except (ReleaseError, EmbedderError, GalleryError) as error:
        if is_of_the_device(error):
            raise _hindered(str(error)) from error
        raise SelfTestFailed(f"self-test: {error}") from error


def tried_apart(folder: Path) -> int:
    """:func:`tried_here` in a process of its own, so that a release that takes its process down takes down nothing else."""
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "edge_runtime.releases.selftest", str(folder)],
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired as error:
        raise _hindered(f"no answer within {SECONDS:.0f} s, nor the CPU time for one") from error
    if done.returncode == 0:
        return int(done.stdout.split()[-1])
    said = done.stderr.strip().splitlines()
    if done.returncode == FAILED:
        raise SelfTestFailed(said[-1] if said else "self-test failed")
    if done.returncode == -signal.SIGXCPU:
        raise SelfTestFailed(f"self-test: no answer within {CPU_SECONDS} s of CPU time")
    if done.returncode < 0 and -done.returncode not in KILLED:
        raise SelfTestFailed(f"self-test: the release ends its process ({signal.Signals(-done.returncode).name})")
    if done.returncode == HINDERED:
        raise ReleaseError(said[-1])
    raise _hindered(said[-1] if said else f"exit code {done.returncode}")


def _hindered(why: str) -> ReleaseError:
    return ReleaseError(
        f"the self-test could not be made ({why}): pull again when this device has its chip, memory to spare, and edge_runtime "
        "installed whole"
    )


def main(arguments: Sequence[str]) -> int:
    """Try the release in a folder; says how many queries it was asked. The kernel ends it after :data:`CPU_SECONDS`."""
    # The second limit ends a process with SIGKILL, which blames no release: the first one's SIGXCPU has to come before it.
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 1))
    try:
        print(tried_here(Path(arguments[0])))
    except SelfTestFailed as error:
        print(error, file=sys.stderr)
        return FAILED
    except ReleaseError as error:
        print(error, file=sys.stderr)
        return HINDERED
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
