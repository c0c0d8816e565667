"""What the compiler only says in its log: the optimization level it really used, and the number of contexts."""

import re
from dataclasses import dataclass

_LOWERED = re.compile(r"Reducing optimization level to (\d)", re.IGNORECASE)
_PARTITION = re.compile(r"partition to (\d+) contexts?", re.IGNORECASE)
_SINGLE_FAILED = re.compile(r"Single context flow failed|Using Multi-context flow", re.IGNORECASE)
_SINGLE = re.compile(r"Using Single-context flow", re.IGNORECASE)
_WARNING = re.compile(r"\[warning\]\s*(.+)", re.IGNORECASE)


@dataclass(frozen=True)
class CompileLog:
    """``optimization_level``: the one in effect. ``contexts``: 1 is best; None where the log does not tell."""

    optimization_level: int
    contexts: int | None
    warnings: tuple[str, ...]


def read_log(text: str, requested_level: int) -> CompileLog:
    """Read the compiler's output, of which several copies may be joined (its streams and its log files)."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", text)
    lowered = [int(level) for level in _LOWERED.findall(text)]
    return CompileLog(
        optimization_level=min([requested_level, *lowered]),
        contexts=_contexts(text),
        warnings=tuple(dict.fromkeys(line.strip() for line in _WARNING.findall(text))),
    )


def _contexts(text: str) -> int | None:
    found = [int(count) for count in _PARTITION.findall(text)]
    if found:
        return found[-1]
    if _SINGLE_FAILED.search(text):
        return 2  # several, it does not say how many
    return 1 if _SINGLE.search(text) else None
