"""Before anything else: is the request meant for us, from a page of ours, by someone who may; and what browsers are told."""

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from edge_runtime.server.access import Gate, Names
from edge_runtime.server.problems import Refused, problem

OPEN = ("/", "/login", "/healthz", "/readyz")
"""Paths that need no token: the page without what it shows, the way in, and what a supervisor asks."""
OPEN_BELOW = "/page/"
HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
        "manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
POLICY_VIOLATION = 1008
"""How a WebSocket is closed that may not be opened (RFC 6455)."""


class Guard:
    """Wraps the application."""

    def __init__(self, app: ASGIApp, names: Names, gate: Gate):
        self._app = app
        self._names = names
        self._gate = gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the ASGI specification."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        refused = self._refused(scope, Headers(scope=scope))
        if refused is None:
            await self._app(scope, receive, _with_headers(send))
        elif scope["type"] == "http":
            await problem(refused)(scope, receive, _with_headers(send))
        else:
            await receive()
            await send({"type": "websocket.close", "code": POLICY_VIOLATION, "reason": str(refused)[:120]})

    def _refused(self, scope: Scope, headers: Headers) -> Refused | None:
        host = headers.get("host", "")
        if host not in self._names:
            return Refused(421, "host", "this service is not known by that name: start it with --host NAME to add one")
        changes = scope["type"] == "websocket" or scope["method"] not in ("GET", "HEAD", "OPTIONS")
        origin = headers.get("origin")
        if changes and origin is not None and origin.partition("://")[2].lower() != host.lower():
            return Refused(403, "origin", "pages of other sites may not do this")
        path = scope["path"]
        if path in OPEN or path.startswith(OPEN_BELOW):
            return None
        cookies = cookie_parser(headers.get("cookie", ""))  # a browser sends those of all services of this machine
        if not self._gate.admits(headers.get("authorization", ""), cookies.get(self._gate.cookie_name, "")):
            how = {"www-authenticate": 'Bearer realm="edge-runtime"'}
            return Refused(401, "token", "show the token: sign in on the page, or send Authorization: Bearer", how)
        return None


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
            headers.setdefault("cache-control", "no-store")
        await send(message)

    return sending
