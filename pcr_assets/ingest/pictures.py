"""Whether a download is a card scan: judged by the code that will read it, so that nothing fetched ends in quarantine."""

from pcr_assets.ingest.client import Answer, Passing

MOST_BYTES = 32_000_000
"""The largest pictures of both catalogues have about 2 MB."""


def picture(answer: Answer) -> bytes:
    """The bytes of a card scan. Raises :class:`Passing` for anything else: an error page, half a picture, no card's shape."""
    from pcr_assets.imaging.clean import clean
    from pcr_assets.imaging.decode import Rejected, decode

    kind = answer.content_type
    if not (kind.startswith("image/") or kind.endswith("/octet-stream")):
        raise Passing(f"the server sends {kind or 'something of no type'} in place of a picture")
    try:
        clean(decode(answer.data))
    except Rejected as error:
        raise Passing(str(error)) from error
    return answer.data
