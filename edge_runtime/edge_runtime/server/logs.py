"""The log: a line for a person, or a JSON value for a machine."""

import json
import logging
import sys
from datetime import UTC, datetime

FORMATS = ("human", "json")


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


def set_up(how: str) -> None:
    """Send the log to standard error, ours from information on, that of libraries from warnings on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(AsJson() if how == "json" else logging.Formatter("edge-runtime: %(message)s"))
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.getLogger("edge_runtime").setLevel(logging.INFO)
