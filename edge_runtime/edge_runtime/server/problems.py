"""Refusals, all of one shape: ``application/problem+json`` (RFC 9457), with one sentence, and a word or two for programs."""

from collections.abc import Mapping
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response


class Refused(Exception):
    """A request gets no answer. ``reason``: a word or two; ``headers``: to be sent along."""

    def __init__(self, status: int, reason: str, sentence: str, headers: Mapping[str, str] | None = None):
        super().__init__(sentence)
        self.status = status
        self.reason = reason
        self.headers = dict(headers or {})


def retry_after(seconds: float) -> dict[str, str]:
    """The header that asks a client to wait, by whole seconds."""
    return {"retry-after": str(max(1, round(seconds)))}


def problem(refused: Refused) -> Response:
    """The answer that a refusal becomes."""
    body = {
        "title": HTTPStatus(refused.status).phrase,
        "status": refused.status,
        "reason": refused.reason,
        "detail": str(refused),
    }
    return JSONResponse(body, refused.status, refused.headers, media_type="application/problem+json")


async def on_refused(_: Request, refused: Exception) -> Response:
    """For Starlette: a refusal was raised."""
    assert isinstance(refused, Refused)
    return problem(refused)


async def on_http(request: Request, error: Exception) -> Response:
    """For Starlette: no such path, or no such method."""
    assert isinstance(error, HTTPException)
    if error.status_code == 405:
        return problem(Refused(405, "method", f"{request.method} is not for this address", error.headers))
    return problem(Refused(error.status_code, "not found", "there is nothing at this address", error.headers))


async def on_error(_: Request, error: Exception) -> Response:
    """For Starlette: something of ours failed. Its words stay in the log."""
    return problem(Refused(500, "fault", "this could not be answered: the log of the service says why"))
