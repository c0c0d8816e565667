"""Listing a large bucket fast: many pages at a time, and no more parsing than a listing needs. Order is given up for it.

A page of a listing begins where the one before ended, so one paginator waits for each of them. But a listing may begin
after any key: the span of keys still ahead is halved for each worker that has nothing to do, wherever the keys lie in it,
flat or in folders. What is left of the spans is also all that is needed to go on another time. botocore's own parser takes
twenty times as long for a page as looking for four tags: of the two, it would be the limit.
"""

import re
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pcr_assets.resources.objects import Entry, Span, StoreError, always

WORKERS = 8
EARNED = 4
"""Full pages for each span that may be begun: of the page in which a span ends, half was listed for nothing."""
Page = tuple[list[Entry], str | None, bool]
"""Entries, the key after which the next page begins (None where the span ends), and whether its server's spans can be halved."""
BY_FOLDER = ("seaweedfs",)
"""Servers, by what they call themselves, that list folder by folder instead of by bytes, and pass over a folder whose name a
listing is to begin after (SeaweedFS 4.48): a listing may go on there after a key, but not begin at a place between keys."""


@dataclass(frozen=True)
class Bucket:
    """What is listed: keys below ``base + prefix`` of a bucket, given without the base. What is hidden below it is left out."""

    client: Any
    name: str
    base: str
    prefix: str
    told: Callable[[], AbstractContextManager[None]]
    """Turns what boto3 raises into a StoreError."""


def list_unordered(
    bucket: Bucket, left: list[Span] | None = None, more: Callable[[], bool] = always
) -> Iterator[Entry]:
    """The entries in no order; memory holds a few pages, however many there are.

    ``left`` are the spans to list, all keys by default; as long as ``more`` says so, pages are asked for, and some in any case.
    In the end ``left`` holds the spans that were not listed: nothing, unless ``more`` said no. Raises StoreError, and then
    ``left`` is as it was.
    """
    # First, for botocore parses every answer once more to see whether it is an error in disguise.
    bucket.client.meta.events.register_first("before-parse.s3.ListObjectsV2", _parse_contents, unique_id="pcr-contents")
    waiting: list[Span] = [("", None)] if left is None else list(left)
    with ThreadPoolExecutor(WORKERS, thread_name_prefix="list") as pool:
        running: dict[Future[Page], Span] = {}

        def start(span: Span, anyhow: bool = False) -> None:
            if len(running) < WORKERS and (anyhow or more()):
                running[pool.submit(_page, bucket, span)] = span
            else:
                waiting.append(span)

        pages, spans = 0, len(waiting)
        for span in [waiting.pop(0) for _ in range(len(waiting))]:
            start(span, anyhow=True)
        try:
            while running:
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    _, until = running.pop(future)
                    found, last, halves = future.result()
                    pages, spans = (pages + 1, spans) if found else (pages, spans - 1)
                    if last is not None:
                        idle = WORKERS - 1 - len(running) - len(waiting)
                        for _ in range(min(idle, pages // EARNED - spans) if halves else 0):
                            half = between(last, until)
                            if half is None:
                                break
                            start((half, until))
                            until, spans = half, spans + 1
                        start((last, until))
                    elif waiting and more():
                        start(waiting.pop())
                    yield from found
        finally:
            for future in running:
                future.cancel()
    if left is not None:
        left[:] = sorted(waiting, key=lambda span: span[0])


def _page(bucket: Bucket, span: Span) -> Page:
    after, until = span
    below = bucket.base + bucket.prefix
    asked = {"Bucket": bucket.name, "Prefix": below, **({"StartAfter": below + after} if after else {})}
    with bucket.told():
        page = bucket.client.list_objects_v2(**asked)
        while not page.get("Contents") and (token := page.get("NextContinuationToken")):  # an empty page is no end
            page = bucket.client.list_objects_v2(**asked, ContinuationToken=token)
    server = page["ResponseMetadata"]["HTTPHeaders"].get("server", "").lower()
    halves, last = not server.startswith(BY_FOLDER), ""
    entries: list[Entry] = []
    for found in page.get("Contents", ()):
        last = found["Key"][len(below) :]
        if until is not None and last > until:
            return entries, None, halves
        if bucket.prefix + last and not (last[:1] == "." or "/." in last):
            modified = found["LastModified"].timestamp()
            entries.append(Entry(bucket.prefix + last, found["Size"], found["ETag"].strip('"'), modified))
    if page.get("IsTruncated") and last == after:  # else it would be asked for the same page for ever
        raise StoreError(
            f"the server of s3://{bucket.name} does not list after a key (StartAfter): take another, docs/s3.md"
        )
    return entries, last if page.get("IsTruncated") and last else None, halves


def between(low: str, high: str | None) -> str | None:
    """A text about half-way between two keys, or None where there is none that is easily said.

    >>> between("base1-4", "base3-2")
    'base2-3'
    """
    same = next((at for at, (one, other) in enumerate(zip(low, high, strict=False)) if one != other), 0) if high else 0
    first, last = _number(low[same:]), _number(high[same:]) if high else _BASE**_DIGITS - 1
    middle, text = (first + last) // 2, ""
    for _ in range(_DIGITS):
        middle, digit = divmod(middle, _BASE)
        text = chr(_LEAST + digit) + text
    text = low[:same] + text.rstrip()
    return text if low < text and (high is None or text < high) else None


_LEAST, _BASE, _DIGITS = 0x20, 95, 4
"""Keys as numbers: their next four characters as digits, from the blank to the tilde."""


def _number(text: str) -> int:
    value = 0
    for character in text[:_DIGITS].ljust(_DIGITS):
        value = value * _BASE + min(max(ord(character) - _LEAST, 0), _BASE - 1)
    return value


_VALUES = (b"([^<]*)", b"([^<]*)", b'(?:&quot;|&#34;|")?([^<&"]*)(?:&quot;|&#34;|")?', b"([^<]*)")
_FIELDS = [
    re.compile(b"<%s>%s</%s>" % (name, value, name))
    for name, value in zip((b"Key", b"Size", b"ETag", b"LastModified"), _VALUES, strict=True)
]
_BEGIN, _END = b"<Contents>", b"</Contents>"
_CLASS, _USUAL = re.compile(b"<StorageClass>([^<]*)</StorageClass>"), b"<StorageClass>STANDARD</StorageClass>"


def _parse_contents(response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: Any) -> None:
    """Take the contents out of a listing before botocore parses it; what is not plainly that is left to botocore."""
    body = response_dict["body"]
    if response_dict["status_code"] != 200 or b"<ListBucketResult" not in body:
        return
    keys, sizes, etags, times = (field.findall(body) for field in _FIELDS)
    if not len(keys) == len(sizes) == len(etags) == len(times) == body.count(_BEGIN) == body.count(_END + _BEGIN) + 1:
        return
    if any(b"&" in key for key in keys) or b"<!" in body:
        return
    # Entries have no class; but all stores share the client, and who measures the store reads classes by it.
    classes = _CLASS.findall(body) if body.count(b"<StorageClass>") != body.count(_USUAL) else []
    if classes and len(classes) != len(keys):
        return
    contents: list[dict[str, Any]] = [
        {
            "Key": key.decode(),
            "Size": int(size),
            "ETag": f'"{etag.decode()}"',
            "LastModified": datetime.fromisoformat(time.decode()),
        }
        for key, size, etag, time in zip(keys, sizes, etags, times, strict=True)
    ]
    for found, storage_class in zip(contents, classes, strict=False):
        found["StorageClass"] = storage_class.decode()
    customized_response_dict["Contents"] = contents
    response_dict["body"] = body[: body.index(_BEGIN)] + body[body.rindex(_END) + len(_END) :]
