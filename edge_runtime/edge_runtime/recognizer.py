"""From a photo to named cards: find, cut out, embed, search, decide. The Python API of this package.

>>> recognizer = Recognizer.open(open_release(Path("releases")))          # doctest: +SKIP
>>> recognizer.recognize(load_photo("photo.jpg")).cards[0].card.name      # doctest: +SKIP
'Charizard'
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from edge_runtime.embedder import Embedder
from edge_runtime.engine import Choice, open_engine
from edge_runtime.finding.locate import (
    DOUBTS,
    JOINED_READ,
    LINES,
    OUTLINES,
    Quad,
    around,
    at_edges,
    at_hand,
    beside_known,
    in_steps,
)
from edge_runtime.finding.outline_filter import OutlineFilter
from edge_runtime.finding.rows import gaps
from edge_runtime.finding.support import LEAST_SCORE
from edge_runtime.gallery import Gallery, GalleryError
from edge_runtime.judging.decide import Calibration, Status
from edge_runtime.judging.judge import Judge
from edge_runtime.judging.printing_verifier import PrintingVerifier
from edge_runtime.judging.references import References
from edge_runtime.judging.second_look import SecondLook
from edge_runtime.pair import require_pair
from edge_runtime.photo import LEAST_SIDE, as_photo
from edge_runtime.reading.effort import Effort
from edge_runtime.reading.explained import Explained
from edge_runtime.reading.followed import Followed
from edge_runtime.reading.half_hidden import HalfHidden
from edge_runtime.reading.reader import Reader
from edge_runtime.reading.readings import (
    PROMISING,
    Reading,
    Recognition,
    by_confidence,
    known_corners,
    named_first,
    of_one_size,
    one_each,
    overruled,
    refused,
    settled,
)
from edge_runtime.reading.so_far import HOPELESS, SoFar
from edge_runtime.reading.together import seen_together
from edge_runtime.reading.weighing import Weighing
from edge_runtime.releases.release import Release

WORTH_JUDGING = HOPELESS
"""Confidence at a glance from which an outline is judged that nothing else explained, after all were read."""
CONVINCING = 0.75
"""Locator score from which an outline that matches nothing is reported as an unknown card."""


class Recognizer:
    """One model, its gallery and its judge, loaded once; without an outline filter every outline is read."""

    def __init__(
        self,
        embedder: Embedder,
        gallery: Gallery,
        judge: Judge,
        outline_filter: OutlineFilter | None = None,
        choice: Choice | None = None,
        release: Release | None = None,
    ):
        if embedder.dim != gallery.dim:
            raise GalleryError(
                f"the model makes vectors of {embedder.dim}, the index holds {gallery.dim}: pull the release again"
            )
        if judge.second_look:
            require_pair(embedder, gallery, judge.second_look.references)
        self.embedder = embedder
        self.gallery = gallery
        self.judge = judge
        self._reader = Reader(embedder, gallery, judge)
        self._weighing = Weighing(self._reader)
        self._followed = Followed(self._reader, self._weighing)
        self._explained = Explained(judge)
        look = judge.second_look
        self._half_hidden = HalfHidden(embedder, gallery, judge, look, outline_filter) if look else None
        self.outline_filter = outline_filter
        self.choice = choice
        """What answers, and why; None where the model was not chosen here."""
        self.notice: Callable[[np.ndarray, Recognition], None] | None = None
        """Told of every picture and what was found on it; :mod:`edge_runtime.feedback` has one."""
        self.release = release
        """Where all this came from; None where it was not opened from a release."""

    @classmethod
    def open(
        cls,
        release: Release,
        variant: str | None = None,
        threads: int | None = None,
        engine: str = "auto",
        after_each: Callable[[], object] = lambda: None,
    ) -> "Recognizer":
        """Load a model of a verified release and the index made with it; which one, :func:`open_engine` says.

        ``after_each`` is called once the model is open, and once the index is: what one needed may be given back before the other.
        Raises a ReleaseError, EmbedderError or GalleryError.
        """
        embedder, chosen, choice = open_engine(release, engine, variant, threads)
        try:
            after_each()
            second_look = SecondLook(References(release.references)) if release.references else None
            verifier = PrintingVerifier(release.printing_verifier, threads) if release.printing_verifier else None
            judge = Judge(chosen.calibration, second_look, verifier)
            outline_filter = OutlineFilter(release.outline_filter, threads) if release.outline_filter else None
            gallery = Gallery.open(chosen.index, release.catalogue)
            after_each()
            return cls(embedder, gallery, judge, outline_filter, choice, release)
        except BaseException:
            embedder.close()
            raise

    def __enter__(self) -> "Recognizer":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give back what the model holds, a chip above all."""
        self.embedder.close()

    @property
    def calibration(self) -> Calibration:
        """How this model's evidence becomes a confidence."""
        return self.judge.calibration

    def recognize(
        self,
        image: np.ndarray,
        most: int = OUTLINES,
        *,
        effort: Effort = Effort.THOROUGH,
        followed: Sequence[Reading] = (),
    ) -> Recognition:
        """Name the cards on a picture uint8 RGB H×W×3. ``most``: outlines looked at; ``followed``: cards that were named on the
        frame before, with the corners that they have by now: with less than all effort these are read first. Raises PhotoError
        for other arrays, EmbedderError where a model fails, GalleryError where a file of the gallery is damaged by now.
        """
        image = as_photo(image)
        found = self._recognized(image, most, effort, followed)
        if self.notice is not None:
            self.notice(image, found)
        return found

    def _recognized(self, image: np.ndarray, most: int, effort: Effort, followed: Sequence[Reading]) -> Recognition:
        if min(image.shape[:2]) < LEAST_SIDE or not len(self.gallery):
            return Recognition(())
        seen = self._followed.seen(image, followed, effort) if effort is not Effort.THOROUGH else []
        read = SoFar(list(seen))
        if effort <= Effort.FOLLOWED and len(seen) == len(followed):
            return self._recognition(image, read, seen)
        if any(card.status is Status.UNKNOWN for card in followed):
            effort = max(effort, Effort.PLAIN)
        if effort <= Effort.ONE and len(followed) < 2 and (large := self._large(image, seen, followed)):
            return large

        def explained() -> list[np.ndarray]:
            return self._explained.places(seen)

        outlines: list[np.ndarray] = []
        for step, quads in enumerate(in_steps(image, most, explained)):
            outlines += [quad.corners for quad in quads]
            likely = self._worth_reading(image, quads, seen)[: JOINED_READ if step == LINES else None]
            seen = self._looked_at(image, likely, read, seen, effort, followed)
            if _is_last(step, seen, effort):
                break
        if effort is Effort.THOROUGH:
            seen = self._beside_known(image, outlines, read, seen)
        return self._recognition(image, read, seen)

    def _beside_known(
        self, image: np.ndarray, outlines: Sequence[np.ndarray], read: SoFar, seen: Sequence[Reading]
    ) -> list[Reading]:
        """What is seen after the gaps in rows of known cards as well, where corners say that others lie beside them, what lies half
        under one, and beside those in turn."""
        seen, rows, tried = list(seen), 0, set[bytes]()
        while len(known := known_corners(seen)) > rows:
            rows = len(known)
            places = [place for place in gaps(known, image.shape[1::-1]) if place.tobytes() not in tried]
            tried |= {place.tobytes() for place in places}
            # A corner may be that of anything, so of a place where no card is named nothing is said.
            there = around(image, known)
            guessed = [replace(quad, score=LEAST_SCORE) for quad in at_edges(image, beside_known(there))]
            likely = self._worth_reading(image, [*at_edges(image, places), *guessed], seen)
            seen = self._looked_at(image, likely, read, seen, Effort.THOROUGH, ())
            known = known_corners(seen)
            hidden = self._half_hidden.found(image, known, outlines, there) if self._half_hidden else []
            seen = one_each([*seen, *hidden], by_confidence) if hidden else seen
        return seen

    def _large(self, image: np.ndarray, seen: Sequence[Reading], followed: Sequence[Reading]) -> Recognition | None:
        """The large cards on a frame of a stream, if nothing is left open of them."""
        read = SoFar(list(seen))
        likely = self._worth_reading(image, at_hand(image), seen)
        seen = self._looked_at(image, likely, read, seen, Effort.ONE, followed)
        return self._recognition(image, read, seen) if settled(seen) else None

    def _looked_at(
        self,
        image: np.ndarray,
        quads: Sequence[Quad],
        read: SoFar,
        seen: Sequence[Reading],
        effort: Effort,
        followed: Sequence[Reading],
    ) -> list[Reading]:
        """What is seen after these outlines as well: what promised something was judged. All readings are noted in ``read``.

        With less than all effort a glance that settles the art will do.
        """
        seen, left = list(seen), list(quads)
        while left := read.worth_reading(left):
            portion, left = self._explained.portion(left, seen)
            readings = self._reader.read(image, portion, followed)
            readings = readings if effort >= Effort.PLAIN else self._reader.glanced(readings)
            read.note(readings)
            seen = self._judged(image, one_each([*seen, *readings], by_confidence), read, PROMISING)
        return seen

    def _judged(self, image: np.ndarray, readings: Sequence[Reading], read: SoFar, least: float) -> list[Reading]:
        """The readings, judged where they promise so much, and each so far as what was read before leaves it standing."""
        pairs = zip(readings, self._weighing.judged(image, readings, least), strict=True)
        judged = [now if now is was else read.weighed(now, self.calibration.accept) for was, now in pairs]
        return [refused(each) if overruled(each, read.readings) else each for each in judged]

    def _recognition(self, image: np.ndarray, read: SoFar, seen: Sequence[Reading]) -> Recognition:
        """What is said in the end: the cards that were named, and what looks like a card that is not known."""
        seen = one_each(self._judged(image, seen, read, WORTH_JUDGING), by_confidence)
        if self.judge.verifier is not None:
            seen = seen_together(seen, self.judge.verifier.least)
        named = [each for each in seen if each.status is not Status.UNKNOWN]
        strangers = [each for each in read.readings if each.status is Status.UNKNOWN and each.outline >= CONVINCING]
        unknown = [each for each in seen if each.status is Status.UNKNOWN]
        convincing = [each for each in unknown if each.outline >= CONVINCING or each.other_printing]
        return Recognition(tuple(of_one_size(one_each([*named, *convincing, *strangers], named_first))))

    def read_at(self, image: np.ndarray, corners: np.ndarray) -> Reading:
        """The card within known corners (float32 4×2, either way up) on a picture uint8 RGB H×W×3."""
        return self._weighing.read_at(image, corners)

    def _worth_reading(self, image: np.ndarray, quads: Sequence[Quad], seen: Sequence[Reading]) -> list[Quad]:
        """The outlines that no card which was seen explains and that may be whole cards, the likeliest first; as they come where
        there is no filter."""
        quads = self._explained.left(quads, seen)
        if self.outline_filter is None:
            return quads
        return [quads[row] for row in self.outline_filter.likeliest(image, [quad.corners for quad in quads])]


def _is_last(step: int, seen: Sequence[Reading], effort: Effort) -> bool:
    """Whether the steps after this one, counted from 0, are not worth their time."""
    if settled(seen) and step >= (1 if effort >= Effort.PLAIN else 0):
        return True
    if step + 1 in DOUBTS and effort is not Effort.THOROUGH:
        return True
    return step + 1 == LINES and not all(reading.left_open for reading in seen)
