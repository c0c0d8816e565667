"""What the commands of this package, and of the pipeline, do alike at a terminal."""

import argparse
import os
import sys
from typing import Any

MOST_THREADS = 1024
"""Threads that may be asked for: the largest machines have no more cores. ONNX Runtime starts as many as it is told, and of 100,000
comes to no end."""


def add_command(commands: Any, name: str, about: str, **options: Any) -> argparse.ArgumentParser:
    """One of several commands; ``about`` stands in the list of commands and above its own options."""
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=about, description=f"{about[0].upper()}{about[1:]}.", **options
    )
    return parser


def thread_count(text: str) -> int:
    """For argparse: a number of threads."""
    if not text.isdecimal() or not 1 <= int(text) <= MOST_THREADS:
        raise argparse.ArgumentTypeError(f"must be 1 to {MOST_THREADS}, is {text}")
    return int(text)


def counted(count: int, what: str) -> str:
    """``1 card``, ``2 cards``."""
    return f"{count} {what}{'' if count == 1 else 's'}"


def nobody_reads() -> None:
    """Whoever read the lines has read enough: what the interpreter flushes at its exit goes nowhere."""
    sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115


def tell(text: str) -> None:
    """Print what a command found, at once: of a disk that is full its caller hears, and whoever left has read enough."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        nobody_reads()


def on_one_line(text: str) -> str:
    """Text that others chose, such as the name of a photo, with its control characters written out: they would colour a terminal,
    or begin another line of a log."""
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)
