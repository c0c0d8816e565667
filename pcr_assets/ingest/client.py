"""Polite HTTP: a rate limit, an honest name, patience with a server that is busy, and limits on what it may send.

requests makes the connections, tenacity repeats what may pass by itself: cut connections, time-outs, 408, 425, 429, 5xx,
and answers that the caller can't use. What the server means for good (404, a redirect loop, a body beyond the limit) is
not asked for again.
"""

import re
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from types import TracebackType
from typing import Any, TypeVar
from urllib.parse import urlsplit

import requests
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential_jitter
from urllib3.exceptions import HTTPError, InvalidHeader
from urllib3.util import Retry

from pcr_assets.ingest.pace import Pace

T = TypeVar("T")
REDIRECTS = 5
CHUNK = 64 << 10
LONGEST_PAUSE = 300.0
"""Seconds. A server that asks for a longer pause is left alone: the next run goes on from there."""
PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})


class FetchError(Exception):
    """An address gave nothing of use; the message says what was wrong with the answer."""


class Passing(FetchError):
    """May be another time: asked for again. ``after``: seconds that the server wants to be left alone."""

    def __init__(self, said: str, after: float = 0.0):
        super().__init__(said)
        self.after = after


class Unreachable(Passing):
    """There was no answer at all."""


class Busy(FetchError):
    """The server wants a longer pause than a run lasts: everything stops."""


@dataclass(frozen=True)
class Answer:
    """The body of an answer with status 200 and the type that the server gave it, lower case, without parameters."""

    data: bytes
    content_type: str


@dataclass(frozen=True)
class Manners:
    """How a client behaves: requests a second, tries for each address, seconds to the first repetition, and so on."""

    rate: float = 4.0
    tries: int = 5
    backoff: float = 1.0
    """Seconds before the first repetition; doubles each time, with as much again at random."""
    connect_timeout: float = 10.0
    silence: float = 30.0
    """Seconds without a byte after which an answer is given up."""

    @property
    def patience(self) -> float:
        """Seconds that an answer may take as a whole."""
        return 4 * self.silence

    @property
    def user_agent(self) -> str:
        """Who asks, without disguise."""
        return (
            f"pcr-assets/{version('pcr-assets')} (card recognition, make ingest) {requests.utils.default_user_agent()}"
        )


class Client:
    """Fetches addresses from several threads at one common pace. Use it in a ``with`` block.

    ``plain``: whether ``http://`` is asked. Else a catalogue, or whoever it redirects to, could have this machine ask its own
    services, such as Dagster's, which starts a run for who asks for an address.
    """

    def __init__(self, manners: Manners, *, plain: bool = False):
        self.manners = manners
        self._plain = plain
        self.pace = Pace(manners.rate)
        self._open: set[Any] = set()
        self._local = threading.local()
        self._sessions: list[requests.Session] = []

    def __enter__(self) -> "Client":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        for session in self._sessions:
            session.close()

    def stop(self) -> None:
        """End what is under way in any thread: it raises ``Stopped`` there."""
        self.pace.stop()
        for raw in list(self._open):
            with suppress(OSError, ValueError):  # it may have ended by itself meanwhile
                raw.shutdown()

    def get(self, url: str, read: Callable[[Answer], T], most_bytes: int) -> T:
        """What ``read`` makes of the answer. It raises :class:`Passing` for an answer that is worth another try.

        Raises :class:`FetchError` when no try gave one, :class:`Busy`, or ``Stopped`` when the run is ended meanwhile.
        """
        return self._patiently(lambda: read(self._answer(url, most_bytes)))

    def size(self, url: str) -> int | None:
        """Bytes of a picture as the server announces them; None where it doesn't. Raises as :meth:`get` does."""
        return self._patiently(lambda: self._announced(url))

    def _patiently(self, ask: Callable[[], T]) -> T:
        retrying = Retrying(
            stop=stop_after_attempt(self.manners.tries),
            wait=self._wait,
            retry=retry_if_exception_type(Passing),
            sleep=self.pace.rest,
            reraise=True,
        )
        return retrying(ask)

    def _wait(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        backoff = wait_exponential_jitter(multiplier=self.manners.backoff, max=60.0, jitter=self.manners.backoff)(state)
        return max(backoff, error.after if isinstance(error, Passing) else 0.0)

    def _answer(self, url: str, most_bytes: int) -> Answer:
        with self._asked("GET", url) as response:
            kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
            return Answer(self._body(response, most_bytes), kind)

    def _announced(self, url: str) -> int | None:
        with self._asked("HEAD", url) as response:
            return _length(response)

    def _asked(self, method: str, url: str) -> requests.Response:
        """An open answer with status 200."""
        self.pace.turn()
        try:
            response = self._session.request(
                method,
                url,
                stream=True,
                timeout=(self.manners.connect_timeout, self.manners.silence),
                allow_redirects=True,
            )
        except requests.exceptions.InvalidSchema as error:
            raise FetchError("it is not at an https:// address, or leads to another kind") from error
        except requests.TooManyRedirects as error:
            raise FetchError(f"it redirects more than {REDIRECTS} times") from error
        except (requests.ConnectionError, requests.Timeout) as error:
            raise Unreachable(f"{urlsplit(url).netloc} can't be reached ({_cause(error)})") from error
        except (requests.RequestException, ValueError) as error:
            raise FetchError(f"{url} can't be asked for ({_cause(error)})") from error
        if response.status_code != 200:
            with response:
                self._refuse(response)
        return response

    def _refuse(self, response: requests.Response) -> None:
        said = f"the server answers {response.status_code} {response.reason}".rstrip()
        if response.status_code not in PASSING:
            raise FetchError(said)
        after = _retry_after(response)
        if after > LONGEST_PAUSE:
            host = urlsplit(response.url).netloc
            raise Busy(f"{host} asks to be left alone for {after:.0f} seconds ({said}): run again after that")
        if after:
            self.pace.pause(after)
        raise Passing(said, after)

    def _body(self, response: requests.Response, most_bytes: int) -> bytes:
        """The whole body, read as it comes, so that neither a huge nor a dripping one is waited out."""
        announced = _length(response)
        if announced is not None and announced > most_bytes:
            raise FetchError(_too_large(announced, most_bytes))
        ends, body, raw = time.monotonic() + self.manners.patience, bytearray(), response.raw
        self._open.add(raw)
        try:
            while chunk := raw.read1(CHUNK, decode_content=True):
                body += chunk
                if len(body) > most_bytes:
                    raise FetchError(_too_large(len(body), most_bytes))
                if time.monotonic() > ends:
                    raise Passing(f"the answer was not whole after {self.manners.patience:.0f} seconds")
        except (HTTPError, OSError) as error:
            raise Passing(f"the connection broke after {len(body)} bytes ({_cause(error)})") from error
        finally:
            self._open.discard(raw)
        return bytes(body)

    @property
    def _session(self) -> requests.Session:
        """One for each thread: requests does not promise that threads may share one."""
        if not hasattr(self._local, "session"):
            session = requests.Session()
            session.max_redirects = REDIRECTS
            session.headers["User-Agent"] = self.manners.user_agent
            if not self._plain:
                del session.adapters["http://"]
            self._local.session = session
            self._sessions.append(session)
        return self._local.session


def _retry_after(response: requests.Response) -> float:
    """Seconds that ``Retry-After`` asks for, written as a number or a date; 0 where it asks for none."""
    try:
        return max(0.0, Retry().parse_retry_after(response.headers.get("Retry-After", "0")))
    except (InvalidHeader, ValueError):  # the latter of a year that is none, and of thousands of digits
        return 0.0


def _length(response: requests.Response) -> int | None:
    """How many bytes a body has, as the server says; None where it says nothing that can be so."""
    said = response.headers.get("Content-Length", "")
    return int(said) if re.fullmatch("[0-9]{1,18}", said) else None


def _too_large(found: int, most: int) -> str:
    return f"{found / 1e6:.1f} MB are more than the {most / 1e6:.0f} MB that it may have"


def _cause(error: Any) -> str:
    """The innermost reason, which alone says what happened: requests and urllib3 wrap it several times."""
    while True:
        inner = getattr(error, "reason", None) or error.__cause__ or error.__context__
        if not isinstance(inner, BaseException):
            return str(error) or type(error).__name__
        error = inner
