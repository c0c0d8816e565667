"""The log: a line for a person, or a JSON value for a machine."""

import json
import logging
import sys
from datetime import UTC, datetime

from edge_runtime.terminal import on_one_line


class AsJson(logging.Formatter):
    """One JSON value a line: ``at``, ``level``, ``from``, ``message``, and ``fault`` with the traceback of one."""

    def format(self, record: logging.LogRecord) -> str:
        """See :meth:`logging.Formatter.format`."""
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "from": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["fault"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


class AsLine(logging.Formatter):
    """``edge-runtime: `` and the message on one line, with the traceback of a fault below it."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        """See :meth:`logging.Formatter.format`, which calls it."""
        return f"edge-runtime: {on_one_line(record.message)}"


def set_up(how: str) -> None:
    """Send the log to standard error, ours from information on, that of libraries from warnings on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(AsJson() if how == "json" else AsLine())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.getLogger("edge_runtime").setLevel(logging.INFO)
    logging.getLogger("asyncio").setLevel(logging.ERROR)  # it warns of each client that goes in the midst of an answer
    drop_warnings()


def drop_warnings() -> None:
    """Drop what libraries warn of by Python's own means, which print it. Pillow does so of a photo with odd EXIF, in words that
    whoever sends it may choose; whether it could be read is said in a sentence of ours."""
    logging.captureWarnings(True)
    logging.getLogger("py.warnings").setLevel(logging.ERROR)
