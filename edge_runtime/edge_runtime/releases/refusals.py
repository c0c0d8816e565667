"""Why a release is refused: an exception for each reason. Its message is one sentence that says what to do."""


class ReleaseError(RuntimeError):
    """A release is refused; the message says why and what to do."""

    of_the_device = True
    """Nothing is held against the release itself, see :mod:`edge_runtime.releases.blame`: most refusals are of a place, or of
    what is asked for."""


class NoRelease(ReleaseError):
    """There is no release in the folder, or in the channel."""


class Unsigned(ReleaseError):
    """No signatures came with the manifest, or none that can be read."""


class UnknownPublisher(ReleaseError):
    """The signatures lead back to no root that this device trusts."""


class BadSignature(ReleaseError):
    """What was signed is something else, or was signed by keys that are not entitled to it."""


class TooFewSignatures(BadSignature):
    """Some signatures are good, but fewer than the publisher's root asks for."""


class Expired(ReleaseError):
    """The publisher's word has expired: somebody may hold back what is new."""


class Downgrade(ReleaseError):
    """The source offers what is older than what this device has seen already."""


class Mixed(ReleaseError):
    """The source offers metadata that were never published together."""


class Endless(ReleaseError):
    """The source sends more than was signed."""


class ClockIsWrong(ReleaseError):
    """This device's clock is behind what it knows to have happened."""


class Damaged(ReleaseError):
    """A file is not the one that was signed."""


class PartMissing(ReleaseError):
    """The source lacks a part of a release."""


class PartTruncated(ReleaseError):
    """A part of the source ends too early."""


class PartTampered(ReleaseError):
    """A part of the source is not the one that was signed."""


class WrongSchema(ReleaseError):
    """The manifest is of a kind that this version doesn't know."""


class Unreachable(ReleaseError):
    """The source doesn't answer, or not as one that holds releases does."""


class NotPublished(ReleaseError):
    """The source answers, and has no such file."""


class SelfTestFailed(ReleaseError):
    """The release doesn't answer here as it did where it was made."""

    of_the_device = False


class RefusedBefore(ReleaseError):
    """The newest release failed on this device before: another one is waited for."""


class NotReadable(ReleaseError):
    """The release is another user's."""


class CannotPull(ReleaseError):
    """The home can't be written."""
