"""Listing a large bucket fast: many pages at a time, and no more parsing than a listing needs. Order is given up for it.

A page of a listing begins where the one before ended, so one paginator waits for each of them. But a listing may begin
after any key: the span of keys still ahead is halved for each worker that has nothing to do, wherever the keys lie in it,
flat or in folders. botocore's own parser takes ten times as long for a page as the XML parser below it: of the two, it
would be the limit.
"""

from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import datetime
from typing import Any
from xml.etree import ElementTree

from pcr_assets.resources.s3_store import S3Store
from pcr_assets.resources.store import Entry, Store, StoreError

WORKERS = 8
EARNED = 4
"""Full pages for each span that may be begun: of the page in which a span ends, half was listed for nothing."""
Span = tuple[str, str | None]
"""Keys above the first and up to the second, or to the end."""


def list_unordered(store: Store) -> Iterator[Entry]:
    """The entries of :meth:`Store.list` in no order; memory holds a few pages, however many there are."""
    return _pages_in_parallel(store) if isinstance(store, S3Store) else store.list()


def _pages_in_parallel(store: S3Store) -> Iterator[Entry]:
    # First, for botocore parses every answer once more to see whether it is an error in disguise.
    store.client.meta.events.register_first("before-parse.s3.ListObjectsV2", _parse_contents, unique_id="pcr-contents")
    with ThreadPoolExecutor(WORKERS, thread_name_prefix="list") as pool:
        running: dict[Future[tuple[list[Entry], str | None]], Span] = {}

        def start(span: Span) -> None:
            running[pool.submit(_page, store, span)] = span

        pages, spans = 0, 1
        start(("", None))
        try:
            while running:
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    _, until = running.pop(future)
                    found, last = future.result()
                    pages, spans = (pages + 1, spans) if found else (pages, spans - 1)
                    if last is not None:
                        idle = WORKERS - 1 - len(running)
                        for _ in range(min(idle, pages // EARNED - spans)):
                            half = between(last, until)
                            if half is None:
                                break
                            start((half, until))
                            until, spans = half, spans + 1
                        start((last, until))
                    yield from found
        finally:
            for future in running:
                future.cancel()


def _page(store: S3Store, span: Span) -> tuple[list[Entry], str | None]:
    """One page of a span, and the key after which the next one begins; None when the span ends here. Raises StoreError."""
    from botocore.exceptions import BotoCoreError, ClientError

    after, until = span
    base = f"{store.prefix}/" if store.prefix else ""
    start = {"StartAfter": base + after} if after else {}
    try:
        page = store.client.list_objects_v2(Bucket=store.bucket, Prefix=base, **start)
    except (ClientError, BotoCoreError) as error:
        why = error.response.get("Error", {}).get("Code") if isinstance(error, ClientError) else error
        raise StoreError(
            f"S3 does not list {store.root} ({why}): check the bucket's name, the region and the credentials"
        ) from error
    last = ""
    entries: list[Entry] = []
    for found in page.get("Contents", ()):
        last = found["Key"][len(base) :]
        if until is not None and last > until:
            return entries, None
        if last and not (last[0] == "." or "/." in last):
            entries.append(Entry(last, found["Size"], found["ETag"].strip('"')))
    return entries, last if page.get("IsTruncated") and last else None


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


def _parse_contents(response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: Any) -> None:
    """Take the contents out of a listing before botocore parses it; what is no listing is left to botocore."""
    if response_dict["status_code"] != 200:
        return
    try:
        root = ElementTree.fromstring(response_dict["body"])  # noqa: S314  # answers of the user's own bucket
    except ElementTree.ParseError:
        return
    space = root.tag.partition("ListBucketResult")[0]
    key, size, etag, time = (f"{space}{name}" for name in ("Key", "Size", "ETag", "LastModified"))
    found = root.findall(f"{space}Contents")
    if not found:
        return
    customized_response_dict["Contents"] = [
        {
            "Key": entry.findtext(key),
            "Size": int(entry.findtext(size, "0")),
            "ETag": entry.findtext(etag, ""),
            "LastModified": datetime.fromisoformat(entry.findtext(time, "1970-01-01T00:00:00Z")),
        }
        for entry in found
    ]
    for entry in found:
        root.remove(entry)
    response_dict["body"] = ElementTree.tostring(root)
