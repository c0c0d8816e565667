"""``python -m edge_runtime.inference [serve]``: answers ``/ping`` and ``/invocations`` with the model in a folder.

SageMaker runs a container as ``docker run IMAGE serve``, with the model unpacked in ``/opt/ml/model``.
"""

import argparse
import contextlib
import sys
from collections.abc import Sequence
from pathlib import Path

from edge_runtime.embedder import EmbedderError
from edge_runtime.extras import cure
from edge_runtime.inference.handlers import model_fn
from edge_runtime.server.command import port_number
from edge_runtime.terminal import thread_count
from edge_runtime.watch import at_least_one

MODEL_DIR = Path("/opt/ml/model")
PORT = 8080
STOPPING_SECONDS = 25
"""SageMaker kills a container 30 s after it was asked to stop."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the service until it is asked to stop. Exit code: 1 when the model or the port can't be used."""
    parser = argparse.ArgumentParser(
        prog="python -m edge_runtime.inference",
        description="Answers /ping and /invocations with the model in a folder.",
    )
    parser.add_argument("serve", nargs="?", choices=["serve"], help="what SageMaker says; it changes nothing")
    parser.add_argument("--model", type=Path, default=MODEL_DIR, help=f"folder with model.onnx (default: {MODEL_DIR})")
    parser.add_argument("--bind", default="127.0.0.1", help="address to listen on (default: this machine alone)")
    parser.add_argument("--port", type=port_number, default=PORT)
    parser.add_argument(
        "--most-mb", type=at_least_one, default=6, metavar="MB", help="largest body, in MiB (default: 6)"
    )
    parser.add_argument("--threads", type=thread_count, help="of one embedding (default: one for each core)")
    given = parser.parse_args(argv)
    try:
        import uvicorn

        from edge_runtime.inference.app import Limits, application
    except ImportError as error:
        print(f"{error.name} is not installed: {cure('serve')}", file=sys.stderr)
        return 1
    try:
        model = model_fn(given.model, given.threads)
    except EmbedderError as error:
        print(error, file=sys.stderr)
        return 1
    served = application(model, Limits(bytes=given.most_mb << 20))
    config = uvicorn.Config(
        served,
        host=given.bind,
        port=given.port,
        http="h11",
        loop="asyncio",
        ws="none",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=STOPPING_SECONDS,
    )
    server = uvicorn.Server(config)
    with contextlib.suppress(SystemExit):  # it says itself why it can't listen
        server.run()
    return 0 if server.started else 1


if __name__ == "__main__":
    sys.exit(main())
