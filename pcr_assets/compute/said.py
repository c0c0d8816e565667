"""What a program said of its error, found in the lines that it printed."""

import re
from collections.abc import Iterable

TRACEBACK = "Traceback (most recent call last):"
KEPT_LINES = 200
"""The end of a program's output, in which its error is looked for."""
ASIDE = re.compile(r"\s|For further information visit|.*Warning: ")
"""Lines that are no sentence about the error: what is indented, pydantic's link, warnings."""
OURS = re.compile(r"(__main__|pcr_assets|edge_runtime)\.[\w.]+: ")


def sentence(lines: Iterable[str]) -> str:
    """The line of a program's output that tells its error: that of its last traceback, else the last that is a sentence.

    An error of ours is a sentence for a person, so the name of its class goes; of any other the module's name goes.
    """
    shown = [line for line in lines if line.strip()]
    if TRACEBACK in shown:
        after = shown[len(shown) - shown[::-1].index(TRACEBACK) :]
        error = next((line for line in after if not line.startswith(" ")), after[-1] if after else "")
        return OURS.sub("", error) if OURS.match(error) else _without_module(error)
    return next((line for line in reversed(shown) if not ASIDE.match(line)), shown[-1] if shown else "it said nothing")


def failure(program: str, code: int, lines: Iterable[str]) -> str:
    """One sentence of a program that ended with this code, negative for a signal."""
    ended = f"killed by signal {-code}" if code < 0 else f"exit {code}"
    return f"{program} failed ({ended}): {sentence(lines)}"


def _without_module(error: str) -> str:
    kind, colon, said = error.partition(":")
    return f"{kind.rpartition('.')[2]}{colon}{said}"
