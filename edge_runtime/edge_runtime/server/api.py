"""The addresses of the API. What they give is written down in ``openapi.json``, which the tests hold the answers against."""

import asyncio
import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from starlette.convertors import IntegerConvertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from edge_runtime.feedback import CARD_ID
from edge_runtime.feedback.corrections import Corrections
from edge_runtime.following.tracks import Kind
from edge_runtime.server.album import Album
from edge_runtime.server.board import Board
from edge_runtime.server.bodies import small_body
from edge_runtime.server.metrics import Metrics
from edge_runtime.server.problems import Refused
from edge_runtime.server.served import Served
from edge_runtime.server.uploads import Uploads

MOST_EVENTS = 1000
MOST_FOUND = 100
MOST_ASKED = 100
MOST_DIGITS = 16
DESCRIPTION = Path(__file__).with_name("openapi.json")
A_DAY = "private, max-age=86400"
Default = TypeVar("Default", int, None)


class EventNumber(IntegerConvertor):
    """A number in an address, of no more digits than one of the query: Python makes no number of thousands of them."""

    regex = f"[0-9]{{1,{MOST_DIGITS}}}"


register_url_convertor("event", EventNumber())

log = logging.getLogger(__name__)


class Api:
    """``served`` gives the release that answers now; ``health`` says whether the loop lives, ``ready`` why it is not of use;
    ``corrections`` keeps what clients say of events, and of the cards in the ``album``; both None where nothing is kept."""

    def __init__(
        self,
        served: Callable[[], Served],
        board: Board,
        uploads: Uploads,
        metrics: Metrics,
        health: Callable[[], tuple[bool, float]],
        ready: Callable[[], str],
        corrections: Corrections | None,
        album: Album | None,
    ):
        self._served = served
        self._board = board
        self._uploads = uploads
        self._metrics = metrics
        self._health = health
        self._ready = ready
        self._corrections = corrections
        self._album = album

    def routes(self) -> list[BaseRoute]:
        """For Starlette."""
        return [
            Route("/api/v1/recognize", self.recognize, methods=["POST"]),
            Route("/api/v1/release", self.release),
            Route("/api/v1/cards", self.cards),
            Route("/api/v1/cards/{card_id}", self.card),
            Route("/api/v1/cards/{card_id}/picture", self.card_picture),
            Route("/api/v1/events", self.events),
            Route("/api/v1/events.csv", self.events_csv),
            Route("/api/v1/events/{number:event}/picture", self.event_picture),
            Route("/api/v1/events/{number:event}/correction", self.correct, methods=["POST"]),
            Route("/api/v1/photos/{id}/correction", self.correct_photo, methods=["POST"]),
            Route("/api/v1/stream", self.stream),
            Route("/openapi.json", self.description),
            Route("/healthz", self.healthz),
            Route("/readyz", self.readyz),
            Route("/metrics", self.metrics),
        ]

    async def recognize(self, request: Request) -> Response:
        """Name the cards on the photo in the body."""
        return JSONResponse(await self._uploads.recognize(request))

    async def release(self, _: Request) -> Response:
        """The release that answers."""
        return JSONResponse(self._served().as_json())

    async def cards(self, request: Request) -> Response:
        """The cards that a name, a set, a number or several of them mean. Beside the event loop: all cards are looked through."""
        asked = request.query_params.get("q", "")
        if not 0 < len(asked.strip()) <= len(asked) <= MOST_ASKED:
            raise Refused(422, "query", f"q must say what to look for, in at most {MOST_ASKED} characters")
        limit = _whole(request, "limit", 20, least=1, most=MOST_FOUND)
        served = self._served()
        found = await asyncio.to_thread(served.find, asked, limit)
        return JSONResponse({"release_id": served.release_id, "cards": [card.as_json() for card in found]})

    async def card(self, request: Request) -> Response:
        """What the catalogue says of a card."""
        served = self._served()
        card = served.card(request.path_params["card_id"])
        if card is None:
            raise Refused(404, "card", "the release knows no such card")
        return JSONResponse({**card.as_json(), "art_group": card.art_group, "release_id": served.release_id})

    async def card_picture(self, request: Request) -> Response:
        """The picture of a card's scan. Beside the event loop: it is read from a memory card, which may stall."""
        jpeg = await asyncio.to_thread(self._served().picture, request.path_params["card_id"])
        if jpeg is None:
            raise Refused(404, "picture", "the release has no picture of such a card")
        return Response(jpeg, media_type="image/jpeg", headers={"cache-control": A_DAY})

    async def events(self, request: Request) -> Response:
        """A page of events: the newest before a number, or the oldest after one."""
        limit = _whole(request, "limit", 50, least=1, most=MOST_EVENTS)
        after = _whole(request, "after", None)
        before = _whole(request, "before", None)
        if after is not None and before is not None:
            raise Refused(422, "query", "ask for events before a number or after one, not both")
        found = self._board.history.before(before, limit) if after is None else self._board.history.after(after, limit)
        following = found[-1]["number"] if len(found) == limit else None
        return JSONResponse({"run": self._board.history.run, "events": found, "next": following})

    async def events_csv(self, request: Request) -> Response:
        """All events that are kept, as a table; with a byte order mark if asked for, by which spreadsheets know UTF-8."""
        mark = "\ufeff" if _whole(request, "bom", 0, most=1) else ""
        headers = {"content-disposition": 'attachment; filename="cards.csv"'}
        return Response(mark + self._board.history.table(), media_type="text/csv; charset=utf-8", headers=headers)

    async def event_picture(self, request: Request) -> Response:
        """What the camera saw of a card at an event."""
        entry = self._board.history.entry(request.path_params["number"])
        if entry is None or not entry.thumbnail:
            raise Refused(404, "picture", "there is no picture of such an event any more")
        return Response(entry.thumbnail, media_type="image/jpeg", headers={"cache-control": A_DAY})

    async def correct(self, request: Request) -> Response:
        """Keep which card it was that an event names otherwise, or that left without a name."""
        corrections = self._box()
        card_id, event_id = _correction(await small_body(request, "correction"))
        entry = self._board.history.entry(request.path_params["number"])
        if entry is not None and event_id not in (None, entry.value["id"]):
            entry = None  # another event has its number, since the service was started anew
        if entry is None or not entry.thumbnail or not (entry.value["cards"] or entry.value["event"] == Kind.LEFT):
            raise Refused(404, "event", "there is no such event any more, or its card may be named yet")
        kept = await self._kept(corrections, entry.value, entry.thumbnail, card_id)
        self._board.correct(entry.number, card_id)
        return kept

    async def correct_photo(self, request: Request) -> Response:
        """Keep which card it was that was found on a photo."""
        corrections = self._box()
        card_id, _ = _correction(await small_body(request, "correction"))
        card = self._album.card(request.path_params["id"]) if self._album else None
        if card is None:
            raise Refused(404, "card", "this card is not remembered any more: send its photo again")
        return await self._kept(corrections, *card, card_id)

    def _box(self) -> Corrections:
        """Where corrections are kept. Raises :class:`Refused` where none are."""
        if self._corrections is None:
            raise Refused(409, "feedback", "this service keeps nothing: start it with --feedback FOLDER")
        return self._corrections

    async def _kept(self, corrections: Corrections, told: dict[str, Any], picture: bytes, card_id: str) -> Response:
        variant = self._variant_of(told["release_id"])
        try:
            await asyncio.to_thread(corrections.keep, told, picture, card_id, variant)
        except OSError as error:
            log.warning("a correction is not kept: %s (%s)", error.filename, error.strerror)
            raise Refused(507, "disk", "it could not be kept: the log of the service says why") from error
        return JSONResponse({"kept": True}, 201)

    async def stream(self, _: Request) -> Response:
        """The WebSocket's address, asked otherwise: :mod:`edge_runtime.server.live` has it."""
        upgrade = {"upgrade": "websocket", "connection": "upgrade"}
        raise Refused(426, "websocket", "this is a WebSocket: open it with a program that speaks it", upgrade)

    def _variant_of(self, release_id: str) -> str:
        """The model that answers; of a release that answers no more it is not known."""
        about = self._served().as_json()
        return str(about["variant"] or "") if about["release_id"] == release_id else ""

    async def description(self, _: Request) -> Response:
        """The API's description."""
        return Response(DESCRIPTION.read_bytes(), media_type="application/json")

    async def healthz(self, _: Request) -> Response:
        """Whether the process lives and its loop moves."""
        alive, age = self._health()
        return JSONResponse({"alive": alive, "loop_seconds": round(age, 1)}, 200 if alive else 503)

    async def readyz(self, _: Request) -> Response:
        """Whether cards in front of the camera would be named now."""
        why_not = self._ready()
        return JSONResponse({"ready": not why_not, "why_not": why_not or None}, 503 if why_not else 200)

    async def metrics(self, _: Request) -> Response:
        """For Prometheus. Beside the event loop: a Pi's firmware is asked, which may take its time."""
        text = await asyncio.to_thread(self._metrics.text)
        return Response(text, media_type="text/plain; version=1.0.0; charset=utf-8")


def _correction(body: bytes) -> tuple[str, str | None]:
    """The card of a correction, and the id of the event where one is named. Raises :class:`Refused`."""
    try:
        said = json.loads(body)
        card_id, event_id = said["card_id"], said.get("id")
    except (ValueError, KeyError, TypeError, RecursionError):
        card_id = event_id = None
    if not isinstance(card_id, str) or not CARD_ID.fullmatch(card_id) or not isinstance(event_id, str | None):
        raise Refused(422, "correction", 'send the id of the card, such as {"card_id": "base1-4"}')
    return card_id, event_id


def _whole(request: Request, name: str, default: Default, least: int = 0, most: int = 2**53) -> int | Default:
    """A whole number of the query, or the default where it names none. Raises :class:`Refused`."""
    text = request.query_params.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS and least <= int(text) <= most):
        raise Refused(422, "query", f"{name} must be a whole number from {least} to {most}")
    return int(text)


def description() -> dict[str, Any]:
    """The API's description, parsed."""
    return dict(json.loads(DESCRIPTION.read_bytes()))
