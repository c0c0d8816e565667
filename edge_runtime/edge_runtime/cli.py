"""The command ``edge-runtime``."""

import argparse
import errno
import json
import logging
import sys
from collections.abc import Callable, Sequence
from functools import partial
from importlib.metadata import version
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING

from edge_runtime.answers import answer_for, in_words
from edge_runtime.bench import command as bench
from edge_runtime.feedback.command import add_commands
from edge_runtime.releases.proof import CHANNELS
from edge_runtime.releases.refusals import ReleaseError
from edge_runtime.releases.trust import NotARoot, read_root, root_id, trust, user_folder
from edge_runtime.server import command as serve
from edge_runtime.server.logs import drop_warnings
from edge_runtime.terminal import add_command, nobody_reads, tell, thread_count
from edge_runtime.watch import add_options, run

if TYPE_CHECKING:
    from edge_runtime.recognizer import Recognizer
    from edge_runtime.releases.release import Release

log = logging.getLogger(__name__)

INTERRUPTED = 130
"""As shells have it: 128 and the number of SIGINT."""
ENGINES = ("auto", "hailo", "int8", "fp32")
"""As :mod:`edge_runtime.engine` has them, which is not loaded for a page of help."""
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
"""What a disk says that takes no more."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; gives the exit code: 0, 1 when a photo or source could not be read, or nothing more written, 2 when no
    release was opened, 130 when it was stopped by Ctrl-C."""
    options = _parser().parse_args(arguments)
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a file's name may be no text: printed as JSON has it
    try:
        return int(options.run(options))
    except KeyboardInterrupt:
        _complain("stopped")
        return INTERRUPTED
    except ImportError as error:
        _complain(f"a package can't be loaded ({error}): `edge-runtime doctor` says which, and what to do")
        return 2
    except OSError as error:
        if error.filename is not None or error.errno not in FULL:
            raise
        nobody_reads()
        _complain(f"there is no room for what is to be written ({error.strerror}): free some, or write it elsewhere")
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="edge-runtime",
        description="Name cards on photos and in front of a camera, offline, with a signed release.",
    )
    parser.add_argument("--version", action="version", version=version("edge-runtime"))
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    recognize = add_command(commands, "recognize", "name the cards on photos", aliases=["recognise"])
    _add_release_options(recognize)
    recognize.add_argument("--json", action="store_true", help="one line of JSON for each photo")
    recognize.add_argument("photos", nargs="+", metavar="PHOTO")
    recognize.set_defaults(run=_recognize)
    watch = add_command(commands, "watch", "name the cards in front of a camera, or on a video")
    _add_release_options(watch)
    add_options(watch)
    watch.set_defaults(run=_watch)
    server = add_command(commands, "serve", "a page, an API and metrics for the cards in front of a camera")
    _add_release_options(server)
    serve.add_options(server)
    server.set_defaults(run=_serve)
    pull = add_command(commands, "pull", "fetch what is new in a publisher's releases, for recognising offline")
    pull.add_argument(
        "source", metavar="SOURCE", help="the publisher's folder of releases, https://HOST/PATH, or s3://BUCKET/PREFIX"
    )
    _add_channel(pull)
    pull.add_argument(
        "--home", type=Path, help="where they are kept (default: in this user's cache, by the source's name)"
    )
    pull.add_argument("--again", action="store_true", help="try a release that failed here before once more")
    pull.set_defaults(run=_pull)
    doctor = add_command(commands, "doctor", "say whether this device is fit to recognise cards, and what to do if not")
    doctor.add_argument(
        "--releases",
        metavar="PLACE",
        help="the home, or folder of releases, to look at; of a publisher what was pulled from it (default: the service's)",
    )
    doctor.add_argument("--source", help="what is watched, as for serve: it must be there then")
    doctor.add_argument("--json", action="store_true", help="one JSON value")
    doctor.set_defaults(run=_doctor)
    timing = add_command(commands, "bench", "time each model of a release on this device, part by part")
    bench.add_options(timing)
    timing.set_defaults(run=bench.run)
    add_commands(add_command(commands, "feedback", "what this device was unsure of: list, correct, send"))
    pin = add_command(commands, "trust", "pin a publisher's root: releases that lead back to it are opened from now on")
    pin.add_argument("root", type=Path, metavar="root.json")
    place = pin.add_mutually_exclusive_group()
    place.add_argument("--folder", type=Path, help="where pinned roots are kept (default: with this installation)")
    place.add_argument(
        "--user", dest="folder", action="store_const", const=user_folder(), help="pin for this user only"
    )
    pin.set_defaults(run=_trust)
    return parser


def _add_release_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--releases",
        required=True,
        metavar="PLACE",
        help="a publisher's folder of releases, https://HOST/PATH, s3://BUCKET/PREFIX, or the home of an earlier pull",
    )
    _add_channel(parser)
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--engine",
        default="auto",
        choices=ENGINES,
        help="what runs the model: a Hailo chip, or the processor with integers or floats (default: the best there is)",
    )
    which.add_argument("--variant", help="one model of the release by its name")
    parser.add_argument(
        "--threads", type=thread_count, help="threads of one model call on the processor (default: one for each core)"
    )
    parser.add_argument(
        "--feedback", type=Path, metavar="FOLDER", help="keep the cards it is unsure of there, cut out of the picture"
    )


def _add_channel(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--channel", choices=CHANNELS, help="which releases of a publisher (default: as before, at first stable)"
    )


def _newest(options: argparse.Namespace, say: Callable[[str], None]) -> "Release":
    """The release that the options choose; ``say`` is told what a person should know of it. Raises a ReleaseError."""
    from edge_runtime.releases.opening import open_newest

    return open_newest(options.releases, channel=options.channel, say=say, progress=_progress)


def _load(
    options: argparse.Namespace, release: "Release", after_each: Callable[[], object] = lambda: None
) -> "Recognizer":
    """The recogniser of a release, as the options choose it. ``after_each`` and what is raised: see :meth:`Recognizer.open`."""
    from edge_runtime.recognizer import Recognizer

    recognizer = Recognizer.open(release, options.variant, options.threads, options.engine, after_each)
    if options.feedback:
        from edge_runtime.feedback.box import FeedbackBox

        box = FeedbackBox(options.feedback, release.release_id, recognizer.choice.variant if recognizer.choice else "")
        recognizer.notice = box.notice
    return recognizer


def _load_to_serve(
    options: argparse.Namespace, release: "Release", after_each: Callable[[], object] = lambda: None
) -> "Recognizer":
    """The same for a service, which is not to wait for a disk."""
    from edge_runtime.feedback.background import Background

    recognizer = _load(options, release, after_each)
    recognizer.notice = Background(recognizer.notice) if recognizer.notice else None
    return recognizer


def _opened(options: argparse.Namespace) -> "Recognizer | None":
    """The recogniser of the release that the options choose; None after saying why there is none."""
    from edge_runtime.embedder import EmbedderError
    from edge_runtime.gallery import GalleryError

    _log()
    try:
        return _load(options, _newest(options, _complain))
    except (ReleaseError, EmbedderError, GalleryError, NotARoot) as error:
        _complain(str(error))
        return None


def _log() -> None:
    """Our own lines as they are; of others only errors, as what they warn of is told in a sentence of ours."""
    logging.basicConfig(format="edge-runtime: %(message)s", level=logging.ERROR)
    logging.getLogger("edge_runtime").setLevel(logging.INFO)
    drop_warnings()


def _watch(options: argparse.Namespace) -> int:
    recognizer = _opened(options)
    if recognizer is None:
        return 2
    with recognizer:
        return run(recognizer, options)


def _serve(options: argparse.Namespace) -> int:
    return serve.run(partial(_newest, options, log.warning), partial(_load_to_serve, options), options)


def _recognize(options: argparse.Namespace) -> int:
    recognizer = _opened(options)
    if recognizer is None:
        return 2
    code = 0
    with recognizer:
        try:
            for photo in options.photos:
                answer = answer_for(recognizer, photo)
                code = max(code, int(answer["status"] == "error"))
                print(json.dumps(answer, ensure_ascii=False) if options.json else in_words(answer), flush=True)
        except BrokenPipeError:
            nobody_reads()
    return code


def _pull(options: argparse.Namespace) -> int:
    from edge_runtime.releases.pull import pull

    _log()
    try:
        pulled = pull(
            options.source, options.home, channel=options.channel, mend=True, again=options.again, progress=_progress
        )
    except (ReleaseError, NotARoot) as error:
        _complain(str(error))
        return 2
    tell(
        f"release {pulled.release_id} ({pulled.channel}) is in {pulled.folder}: fetched {pulled.fetched / 1e6:.2f} of "
        f"{pulled.size / 1e6:.1f} MB, in {pulled.parts} parts"
    )
    return 0


def _doctor(options: argparse.Namespace) -> int:
    from edge_runtime.doctor.command import run as examine

    return examine(options)


def _complain(line: str) -> None:
    print(f"edge-runtime: {line}", file=sys.stderr)


def _progress(done: int, total: int) -> None:
    """A line that is written over while parts come in; none where nobody looks."""
    if sys.stderr.isatty():
        print(
            f"\rfetching {done / 1e6:.1f} of {total / 1e6:.1f} MB", end="\n" if done == total else "", file=sys.stderr
        )


def _trust(options: argparse.Namespace) -> int:
    try:
        root = read_root(options.root)
        pinned = trust(root, options.folder)
    except NotARoot as error:
        _complain(str(error))
        return 2
    except OSError as error:
        _complain(f"{error.filename} can't be written ({error.strerror}): try --user")
        return 2
    tell(f"trusting the publisher of root {root_id(root)}, pinned in {pinned}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
