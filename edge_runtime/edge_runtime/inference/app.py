"""SageMaker's container contract as a web application: ``/ping``, ``/invocations``, ``/execution-parameters``.

https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html and, for batches,
https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-batch-code.html
"""

import asyncio
import os
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from edge_runtime.embedder import Embedder
from edge_runtime.inference import handlers
from edge_runtime.server.problems import Refused, on_error, on_http, on_refused, retry_after

HEARD = 4
"""A body of so many times the limit is not read to its end."""
WORDS = {406: "accept", 413: "size", 415: "type", 422: "picture"}


@dataclass(frozen=True)
class Limits:
    """What one request, and all of them together, may ask for."""

    bytes: int = 6 << 20
    """Of a body: an endpoint of SageMaker is sent no more."""
    at_once: int = len(os.sched_getaffinity(0))
    """Pictures decoded and embedded at the same time."""
    waiting: int = 64
    """Requests that wait for their turn; more are sent away."""
    seconds: float = 55.0
    """For one answer: SageMaker gives up after 60."""


class Invocations:
    """Answers requests with one model."""

    def __init__(self, model: Embedder, limits: Limits):
        self._model = model
        self._limits = limits
        self._turns = asyncio.Semaphore(limits.at_once)
        self._here = 0

    async def invoke(self, request: Request) -> Response:
        """The vector of the picture in the body."""
        if self._here >= self._limits.at_once + self._limits.waiting:
            raise Refused(503, "busy", "too many pictures wait already: send it again", retry_after(1))
        self._here += 1
        try:
            async with asyncio.timeout(self._limits.seconds):
                body = await self._body(request)
                async with self._turns:
                    text, kind = await asyncio.to_thread(self._answer, body, request.headers)
                return Response(text, media_type=kind)
        except TimeoutError as error:
            raise Refused(408, "slow", "sending or reading the picture took too long: send a smaller one") from error
        except ClientDisconnect as error:
            raise Refused(400, "cut", "the picture was cut off while it was sent: send it again") from error
        finally:
            self._here -= 1

    def _answer(self, body: bytes, headers: Headers) -> tuple[str, str]:
        try:
            picture = handlers.input_fn(body, headers.get("content-type"))
            return handlers.output_fn(handlers.predict_fn(picture, self._model), headers.get("accept", handlers.GIVEN))
        except handlers.Refused as error:
            raise Refused(error.status, WORDS[error.status], str(error)) from error

    async def _body(self, request: Request) -> bytes:
        """The body. One that is a little too large is read to its end, and not kept: who still sends hears no answer."""
        most = self._limits.bytes
        too_large = Refused(413, "size", f"the picture has more than {most >> 20} MiB: send a smaller one")
        said = request.headers.get("content-length", "0")
        if not said.isdecimal() or len(said) > 12 or int(said) > HEARD * most:
            raise too_large
        body, size = bytearray(), 0
        async for piece in request.stream():
            size += len(piece)
            if size <= most:
                body += piece
            elif size > HEARD * most:
                break
        if size > most:
            raise too_large
        return bytes(body)

    async def ping(self, _: Request) -> Response:
        """The model is loaded before the socket opens: whoever is answered may send pictures."""
        return Response(status_code=200)

    async def execution_parameters(self, _: Request) -> Response:
        """How batch transform should send pictures."""
        most = max(1, self._limits.bytes >> 20)
        told = {"MaxConcurrentTransforms": self._limits.at_once, "BatchStrategy": "SINGLE_RECORD"}
        return JSONResponse({**told, "MaxPayloadInMB": most})


def application(model: Embedder, limits: Limits | None = None) -> Starlette:
    """The application over an open model."""
    answers = Invocations(model, limits or Limits())
    return Starlette(
        routes=[
            Route("/ping", answers.ping, methods=["GET"]),
            Route("/invocations", answers.invoke, methods=["POST"]),
            Route("/execution-parameters", answers.execution_parameters, methods=["GET"]),
        ],
        exception_handlers={Refused: on_refused, HTTPException: on_http, Exception: on_error},
    )
