"""The page: its files, and the way in for those who have the token."""

from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from edge_runtime.server.access import COOKIE_DAYS, Gate
from edge_runtime.server.bodies import small_body
from edge_runtime.server.problems import Refused, retry_after
from edge_runtime.server.uploads import Buckets

FOLDER = Path(__file__).with_name("page")
TRIES, A_SECOND = 5, 0.2
"""Tokens that a client may try at once, and after that each second."""


def routes(gate: Gate, *, secure: bool) -> list[BaseRoute]:
    """For Starlette. ``secure``: the cookie is for HTTPS alone."""
    tries = Buckets(A_SECOND, TRIES)

    async def index(_: Request) -> Response:
        return FileResponse(FOLDER / "index.html", headers={"cache-control": "no-cache"})

    async def login(request: Request) -> Response:
        wait = tries.wait(request.client.host if request.client else "")
        if wait:
            raise Refused(429, "rate", "too many tokens were tried: wait a little", retry_after(wait))
        shown = (await small_body(request, "token")).strip()
        if gate.closed and not gate.is_token(shown):
            raise Refused(401, "token", "that is not the token")
        answer = JSONResponse({"signed_in": True})
        answer.set_cookie(
            gate.cookie_name,
            gate.cookie(),
            max_age=COOKIE_DAYS * 86400,
            httponly=True,
            samesite="strict",
            secure=secure,
        )
        return answer

    return [
        Route("/", index),
        Route("/login", login, methods=["POST"]),
        Mount("/page", _Files(directory=FOLDER)),
    ]


class _Files(StaticFiles):
    """Files that the browser asks for again each time, so that an update is seen at once; unchanged ones cost a 304."""

    def file_response(self, *given: object, **named: object) -> Response:
        response = super().file_response(*given, **named)  # type: ignore[arg-type]
        response.headers["cache-control"] = "no-cache"
        return response
