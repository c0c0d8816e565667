"""All parts of the service put together, started and stopped in order."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from typing import Protocol, Self

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.types import ASGIApp

from edge_runtime.feedback.corrections import Corrections
from edge_runtime.following.stillness import STILL
from edge_runtime.following.tracks import LEAVE
from edge_runtime.server import live, page
from edge_runtime.server.access import Gate, Names, is_loopback
from edge_runtime.server.album import Album
from edge_runtime.server.api import Api
from edge_runtime.server.board import Board, Notice, Sight
from edge_runtime.server.feed import Feed
from edge_runtime.server.guard import Guard
from edge_runtime.server.history import History
from edge_runtime.server.hub import Hub
from edge_runtime.server.inbox import Inbox
from edge_runtime.server.loop import Loop
from edge_runtime.server.machine import Machine
from edge_runtime.server.metrics import Metrics
from edge_runtime.server.outbox import Messenger
from edge_runtime.server.problems import Refused, on_error, on_http, on_refused
from edge_runtime.server.prompt import Entrance, PromptProtocol, PromptWebSocket
from edge_runtime.server.proving import PROVE
from edge_runtime.server.served import Served
from edge_runtime.server.settings import Settings
from edge_runtime.server.systemd import READY, STOPPING, WATCHDOG, notify, serving, watchdog_seconds
from edge_runtime.server.uploads import Uploads
from edge_runtime.server.viewfinder import Viewfinder
from edge_runtime.sources import Source

REFRESH = 1.0
"""Seconds after which watchers are told of a camera that was lost, or a release that expired."""
STOPPING_SECONDS = 5
MOST_CONNECTIONS = 128
MOST_SENT_TO_US = 4096
"""Bytes of a WebSocket message of a client."""

log = logging.getLogger(__name__)


class Service:
    """``served`` and ``source`` are open, and closed here. ``corrections``: None where nothing is kept; ``reopen``: see
    :class:`Feed`; ``prove``: see :class:`Proving`."""

    def __init__(
        self,
        served: Served,
        source: Source,
        settings: Settings,
        *,
        metrics: Metrics | None = None,
        messengers: Sequence[Messenger] = (),
        corrections: Corrections | None = None,
        reopen: Callable[[], Source] | None = None,
        leave: float = LEAVE,
        still: float = STILL,
        prove: float = PROVE,
    ):
        self.settings = settings
        self.failed = False
        """Whether it ended since the recogniser failed, or a thread that it can't do without."""
        self.metrics = metrics or Metrics()
        self.inbox = Inbox(settings.limits.at_once)
        self._messengers = messengers
        self._hub = Hub()
        self._viewfinder = Viewfinder(self._hub, settings.fps, self._give_up)
        self.feed = Feed(source, self.inbox, self._give_up, reopen)
        notices: list[Notice] = [messenger.put for messenger in messengers]
        sights: list[Sight] = [messenger.sees for messenger in messengers]
        history = History(settings.history)
        self.board = Board(
            history,
            self._hub,
            self._viewfinder,
            self._source,
            self._served,
            notices,
            sights,
            corrects=corrections is not None,
        )
        self.loop = Loop(
            served, self.inbox, self.metrics, self.board.look, self._give_up, leave=leave, still=still, prove=prove
        )
        self.metrics.serves(served)
        self.metrics.watch(self._at_scrape, Machine())
        album = Album(history.run) if corrections is not None else None
        self._uploads = Uploads(self.inbox, settings.limits, self.metrics.refused, album)
        self._api = Api(
            self._served, self.board, self._uploads, self.metrics, self._health, self._why_not_ready, corrections, album
        )
        self._server = _Server(self._config(), self)

    def __enter__(self) -> Self:
        try:
            for part in self._parts():
                part.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.ExitStack() as closing:  # from the last to the first, each though another can't be closed
            for part in self._parts():
                closing.callback(part.close)
            closing.callback(self.inbox.close)  # whoever waits for a place in it is let go

    def serve(self, listening: socket.socket) -> None:
        """Answer on a socket until the process is asked to stop, or :meth:`stop` is called."""
        self._server.run(sockets=[Entrance(listening)])

    def stop(self) -> None:
        """Have :meth:`serve` end. May be called from any thread."""
        self._server.should_exit = True

    def renewed(self, release_id: str, expires: datetime | None) -> None:
        """Take note until when the signatures of a release hold. May be called from any thread."""
        served = self.loop.served
        if served.release_id != release_id or served.expires == expires:
            return
        served.expires = expires
        log.info("release %s was signed anew%s", release_id, f", until {expires:%Y-%m-%d}" if expires else "")

    def _give_up(self) -> None:
        """End by a fault: whoever started this is to start it anew."""
        self.failed = True
        self.stop()

    @property
    def _alive(self) -> bool:
        return not self.failed and self.loop.alive

    @property
    def busy(self) -> bool:
        """Whether, once closed, a frame is still being read."""
        return self.loop.busy

    def _parts(self) -> list["_Part"]:
        """What has threads of its own, in the order of starting: who is told first, then who tells."""
        return [*self._messengers, self._viewfinder, self.loop, self.feed]

    def app(self) -> ASGIApp:
        """The application, guarded."""
        gate = Gate(self.settings.token)
        names = Names(self.settings.hosts)
        secure = self.settings.tls_cert is not None
        app = Starlette(
            routes=[
                *self._api.routes(),
                live.route(self._hub, self.board.state),
                *page.routes(gate, secure=secure),
            ],
            middleware=[Middleware(Guard, names=names, gate=gate)],
            exception_handlers={Refused: on_refused, HTTPException: on_http, Exception: on_error},
            lifespan=self._lifespan,
        )
        app.router.redirect_slashes = False  # it would lead out of a proxy's path, and from its https:// to http://
        return app

    def _config(self) -> uvicorn.Config:
        return uvicorn.Config(
            self.app(),
            http=PromptProtocol,
            loop="asyncio",
            ws=PromptWebSocket,
            ws_max_size=MOST_SENT_TO_US,
            ws_per_message_deflate=False,  # a JPEG shrinks by a hundredth, for more time than it takes to make it
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            limit_concurrency=MOST_CONNECTIONS,
            timeout_graceful_shutdown=STOPPING_SECONDS,
            ssl_certfile=self.settings.tls_cert,
            ssl_keyfile=self.settings.tls_key,
        )

    @contextlib.asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        self._hub.open()
        tasks = [asyncio.create_task(self._refresh()), asyncio.create_task(self._watchdog())]
        try:
            yield
        finally:
            notify(STOPPING)
            self._hub.close()
            for task in tasks:
                task.cancel()

    async def _refresh(self) -> None:
        while True:
            await asyncio.sleep(REFRESH)
            try:
                self.board.refresh()
            except Exception:
                log.exception("watchers could not be told how things stand")

    async def _watchdog(self) -> None:
        """Signs of life for the supervisor, while the loop gives some: it and this event loop must move, and nothing be broken."""
        seconds = watchdog_seconds()
        while seconds is not None:
            if self._alive:
                notify(WATCHDOG)
            await asyncio.sleep(seconds)

    def ready(self, url: str) -> None:
        """The socket is open: tell whoever started this."""
        log.info("open %s", url)
        if is_loopback(self.settings.bind) and not self.settings.token:
            log.info("only this machine reaches it; others need --bind 0.0.0.0 and --token-file")
        elif not is_loopback(self.settings.bind):
            name = socket.gethostname().split(".", maxsplit=1)[0]
            log.info("from other machines %s, with the token", url.replace("127.0.0.1", f"{name}.local"))
        notify(READY, serving(self.loop.served.release_id))

    def _served(self) -> Served:
        return self.loop.served

    def _source(self) -> str:
        return self.feed.state

    def _health(self) -> tuple[bool, float]:
        return self._alive, self.loop.age

    def _why_not_ready(self) -> str:
        if not self._alive:
            return "the recogniser does not move"
        return {
            "waiting": "the source has given no frame yet",
            "lost": "the camera is lost and waited for",
            "ended": "the source has ended",
        }.get(self.feed.state, "")

    def _at_scrape(self) -> dict[str, tuple[str, float | None]]:
        served = self.loop.served
        return {
            "edge_loop_age_seconds": ("Since the loop last moved.", self.loop.age),
            "edge_source_live": ("1 while the source gives frames.", float(self.feed.state == "live")),
            "edge_source_frames_total": ("Frames that the source had.", float(self.feed.frames)),
            "edge_source_damaged_frames_total": ("Frames that could not be decoded.", float(self.feed.damaged)),
            "edge_watchers": ("Pages and programs that watch.", float(self._hub.watching)),
            "edge_release_cards": ("Cards of the release.", float(len(served))),
            "edge_release_opened_timestamp_seconds": ("When it was opened.", served.opened),
            "edge_release_expires_timestamp_seconds": (
                "When it ceases to be current.",
                served.expires.timestamp() if served.expires else None,
            ),
            "edge_release_expired": ("1 if it should have been followed by another.", float(served.expired)),
        }


class _Part(Protocol):
    def start(self) -> None: ...

    def close(self) -> None: ...


class _Server(uvicorn.Server):
    """Says when the socket is open."""

    def __init__(self, config: uvicorn.Config, service: Service):
        super().__init__(config)
        self._service = service

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """See uvicorn."""
        await super().startup(sockets=sockets)
        if self.started and sockets:
            host, port = sockets[0].getsockname()[:2]
            shown = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104 - only how it is shown
            scheme = "https" if self.config.is_ssl else "http"
            self._service.ready(f"{scheme}://{f'[{shown}]' if ':' in shown else shown}:{port}/")
