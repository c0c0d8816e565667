"""A publisher on the web: ``https://…``, and ``http://…`` on this very machine. urllib3 asks, waits and asks again.

A body that is cut is gone on from where it ended (RFC 9110, section 14). Redirects stay on their host, compression is not
asked for, and a body that trickles is given up: what is read is bounded in time here, and in size by whoever reads.
"""

import ipaddress
from collections.abc import Iterator
from functools import cached_property
from typing import Any
from urllib.parse import SplitResult, quote, urljoin, urlsplit
from urllib.request import getproxies, proxy_bypass

from edge_runtime.publishers import resumed as tries
from edge_runtime.publishers.base import PIECE
from edge_runtime.publishers.deadline import Deadline, ask, watched
from edge_runtime.publishers.resumed import CONNECT_SECONDS, SILENCE_SECONDS, resumed
from edge_runtime.releases.refusals import NotPublished, Unreachable

MOST_REDIRECTS = 3
TRANSIENT = (408, 429, 500, 502, 503, 504)
GONE = (403, 404, 410)
"""A bucket behind a web server answers 403 for what isn't there, to those who may not list it."""


class WebPublisher:
    """See :class:`~edge_runtime.publishers.base.Publisher`."""

    def __init__(self, url: str):
        parts = _parts(url)
        self.name = url.rstrip("/")
        if parts is None or parts.scheme not in ("https", "http") or not parts.hostname:
            raise Unreachable(f"{url} is no place for releases: name a folder, https://HOST/PATH or s3://BUCKET/PREFIX")
        if parts.scheme == "http" and not _is_this_machine(parts.hostname):
            raise Unreachable(f"{url} is not encrypted: name it with https://. http:// is for this machine alone")
        if parts.username or parts.password:
            raise Unreachable(f"the URL of {parts.hostname} carries a password: releases are signed, and need none")

    @property
    def root_hint(self) -> str:
        """See :attr:`Publisher.root_hint`."""
        return "root.json"

    @cached_property
    def _pool(self) -> Any:
        import urllib3

        retries = urllib3.Retry(
            tries.TRIES - 1,
            redirect=False,
            backoff_factor=tries.BACKOFF,
            status_forcelist=TRANSIENT,
            respect_retry_after_header=False,
        )
        options: dict[str, Any] = {
            "retries": retries,
            "timeout": urllib3.Timeout(connect=CONNECT_SECONDS, read=SILENCE_SECONDS),
            "headers": {"User-Agent": "edge-runtime", "Accept-Encoding": "identity"},
            "maxsize": 8,
        }
        host = urlsplit(self.name)
        proxy = None if proxy_bypass(host.hostname or "") else getproxies().get(host.scheme)
        pool = urllib3.ProxyManager(proxy, **options) if proxy else urllib3.PoolManager(**options)
        pool.pool_classes_by_scheme = {scheme: watched(kind) for scheme, kind in pool.pool_classes_by_scheme.items()}
        return pool

    def read(self, path: str, start: int = 0) -> Iterator[bytes]:
        """See :meth:`Publisher.read`."""
        import urllib3

        url, deadline = f"{self.name}/{quote(path)}", Deadline()

        def trickles() -> Unreachable:
            return Unreachable(deadline.said(url))

        def body(at: int) -> Iterator[bytes]:
            try:
                for piece in self._body(url, at, deadline):
                    deadline.bytes += len(piece)
                    if deadline.over:
                        raise trickles()
                    yield piece
                if deadline.over:  # a head that is cut is taken for a whole one, of an empty body
                    raise trickles()
            except urllib3.exceptions.HTTPError as error:
                if deadline.over:
                    raise trickles() from error
                if not isinstance(error, urllib3.exceptions.MaxRetryError):
                    raise
                raise Unreachable(
                    f"{url} can't be reached ({_reason(error)}): look after the network, then pull again"
                ) from error

        try:
            yield from resumed(url, start, body, (urllib3.exceptions.HTTPError,), _reason)
        finally:
            deadline.end()

    def _body(self, url: str, start: int, deadline: Deadline) -> Iterator[bytes]:
        """The body from a byte on, once; redirects on the same host are followed."""
        headers = {**self._pool.headers, **({"Range": f"bytes={start}-"} if start else {})}
        for _ in range(MOST_REDIRECTS + 1):
            response = ask(self._pool, url, headers, deadline)
            try:
                if response.status in (301, 302, 303, 307, 308):
                    url = self._redirected(url, response.headers.get("Location", ""))
                    continue
                yield from _pieces(response, url, start)
                return
            finally:
                response.close()
        raise Unreachable(f"{url} is redirected again and again: name the place that it ends at")

    def _redirected(self, url: str, location: str) -> str:
        to = _parts(location)
        if to is None:
            raise Unreachable(f"{url} is redirected to what is no address: is it the publisher's place?")
        target = urljoin(url, location)
        if urlsplit(target)[:2] != urlsplit(url)[:2]:
            raise Unreachable(f"{url} is redirected to another host, {to.netloc}: name that one if it is right")
        return target


def _parts(url: str) -> SplitResult | None:
    """The parts of a URL, which may be a relative one; None for what is none."""
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises for what is no number
    except ValueError:
        return None
    return parts


def _pieces(response: Any, url: str, start: int) -> Iterator[bytes]:
    if response.status in GONE:
        raise NotPublished(f"{url} is missing ({response.status})")
    if start and response.status == 416:  # it ends where what is here ends
        return
    if response.status not in (200, 206):
        raise Unreachable(f"{url} answers {response.status}: is it the publisher's place? Pull again later")
    skipped = 0
    if response.status == 206 and not response.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
        raise Unreachable(f"{url} answers with another range than was asked for: pull again later")
    # What has come, as soon as it has: to wait for a whole piece may take as long as the server likes.
    while piece := response.read1(PIECE, decode_content=False):
        ahead = 0 if response.status == 206 else max(0, start - skipped)
        skipped += len(piece)
        if piece[ahead:]:
            yield piece[ahead:]


def _reason(error: Exception) -> str:
    """What went wrong, in few words: urllib3's own begin with the object that it happened to."""
    cause = getattr(error, "reason", None) or error
    return str(cause).rpartition("): ")[2] or type(cause).__name__


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
