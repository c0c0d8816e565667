"""``edge-runtime feedback``: what is kept on this device, correcting it, and sending it."""

import argparse
import contextlib
import sys
from collections.abc import Callable
from pathlib import Path

from edge_runtime.feedback import CARD_ID
from edge_runtime.terminal import add_command, counted, tell

DEFAULT = Path("/var/lib/edge-runtime/feedback")
"""Where the service keeps it."""


def add_commands(parser: argparse.ArgumentParser) -> None:
    """The commands below ``feedback``."""
    parser.add_argument("--folder", type=Path, default=DEFAULT, help=f"where it is kept (default: {DEFAULT})")
    below = parser.add_subparsers(required=True, metavar="WHAT")
    add_command(below, "list", "show the cards that are kept").set_defaults(run=_saying(_list))
    correct = add_command(below, "correct", "say which card a kept one is")
    correct.add_argument("name", metavar="ID", help="its id, or the beginning of it")
    correct.add_argument("card_id", type=card_id, metavar="CARD", help="what it is, such as base1-4")
    correct.set_defaults(run=_saying(_correct))
    send = add_command(below, "send", "send what is kept to the publisher; what arrived is removed here")
    send.add_argument(
        "destination", metavar="DEST", help="the publisher's store, or the project's folder in it; or s3://…"
    )
    send.add_argument("--device", help="this device's name there (default: the host's name)")
    send.set_defaults(run=_saying(_send))


def card_id(text: str) -> str:
    """For argparse: the id of a card, as the page takes it."""
    if not CARD_ID.fullmatch(text):
        raise argparse.ArgumentTypeError(f"must be the id of a card, such as base1-4, is '{text}'")
    return text


def _saying(work: Callable[[argparse.Namespace], None]) -> Callable[[argparse.Namespace], int]:
    """The exit code is 1, after one sentence, where the work refuses."""

    def run(options: argparse.Namespace) -> int:
        from edge_runtime.feedback.box import NoSuchCard
        from edge_runtime.feedback.sending import CannotSend

        try:
            with contextlib.suppress(FileNotFoundError):  # nothing was kept yet
                next(options.folder.iterdir(), None)
            work(options)
        except (NoSuchCard, CannotSend) as error:
            return _refuse(str(error))
        except OSError as error:
            if error.filename is None:  # not the folder: what is listed can't be written
                raise
            return _refuse(
                f"{error.filename} can't be used ({error.strerror}): be the user that it belongs to, "
                "`sudo -u edge-runtime edge-runtime feedback …` for the service's"
            )
        return 0

    return run


def _refuse(sentence: str) -> int:
    print(f"edge-runtime: {sentence}", file=sys.stderr)
    return 1


def _list(options: argparse.Namespace) -> None:
    from edge_runtime.feedback.box import kept

    cards = list(kept(options.folder))
    if not cards:
        print(f"no card is kept in {options.folder}", file=sys.stderr)
    lines = []
    for said in cards:
        is_now = f", corrected to {said['corrected']}" if said["corrected"] else ""
        similarity = "" if said["similarity"] is None else f" {said['similarity']:.2f}"
        lines.append(f"{said['id'][:12]}  {said['at']}  {said['status']:<10}{said['card_id']}{similarity}{is_now}")
    if lines:
        tell("\n".join(lines))


def _correct(options: argparse.Namespace) -> None:
    from edge_runtime.feedback.box import correct

    correct(options.folder, options.name, options.card_id)


def _send(options: argparse.Namespace) -> None:
    from edge_runtime.feedback.sending import PREFIX, device_name, project_in, send

    device, destination = options.device or device_name(), project_in(options.destination)
    cards, tallies = send(options.folder, destination, device)
    place = f"{destination.rstrip('/')}/{PREFIX}/{device}"
    print(f"sent {counted(cards, 'card')} and the tallies of {counted(tallies, 'day')} to {place}")
