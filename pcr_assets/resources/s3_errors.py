"""What S3 and the way to it can say, in one sentence each: what happened to which object, and the cure."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from pcr_assets.resources.objects import Missing, Replaced, Shut, StoreError

SKEW_SECONDS = 300
"""A clock that is further from the server's than this is worth a word; servers refuse at 900."""
CREDENTIALS = {
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidToken",
    "SignatureDoesNotMatch",
    "TokenRefreshRequired",
}
ELSEWHERE = {"AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "PermanentRedirect", "301", "307"}
DAMAGED = {"BadDigest", "XAmzContentSHA256Mismatch", "InvalidDigest"}
BESIDES = {
    "DeleteObject": "s3:DeleteObject there",
    "ListMultipartUploads": "s3:ListBucketMultipartUploads",
    "ListParts": "s3:ListMultipartUploadParts",
}
"""Rights beside those that reading and writing need, by the operation that needs them."""
CHAIN = "AWS_PROFILE, PCR_S3_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
AGAIN = "run again; what was built stays"
SAID = {
    "400": f"most likely the credentials have expired; name others: {CHAIN}",  # AWS's answer to HEAD, which says no more
    "ConditionalRequestConflict": f"another write of it was under way, however often it was tried: {AGAIN}",
    "NotImplemented": "its server does not offer what was asked of it: docs/s3.md says what it must, and which were tried",
    "NoSuchUpload": f"somebody ended this upload before it was done (`make gc`, a rule of the bucket): {AGAIN}",
}
"""Of errors that need no second look, by their code."""


@contextmanager
def told(where: str, endpoint: str = "") -> Iterator[None]:
    """Turn what boto3 raises in the block into a StoreError about ``where``, the URL of an object or of a store."""
    from botocore.exceptions import BotoCoreError, ClientError
    from s3transfer.exceptions import RetriesExceededError, S3DownloadFailedError, S3ValidationError

    try:
        yield
    except ClientError as error:
        raise _refused(where, error.operation_name, error.response) from error
    except S3DownloadFailedError as error:  # its one reason: a part with another etag
        raise Replaced(where) from error
    except (BotoCoreError, RetriesExceededError, S3ValidationError) as error:
        raise _unanswered(where, endpoint, error) from error


def status(error: Any) -> int:
    """The HTTP status of a ClientError."""
    return error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)


def _refused(where: str, asked: str, response: Any) -> StoreError:
    """The sentence for an answer of the server to what was asked, an operation by its name."""
    answer, code = response.get("ResponseMetadata", {}), response.get("Error", {}).get("Code", "unknown")
    http, skew = answer.get("HTTPStatusCode", 0), _skew(answer.get("HTTPHeaders", {}).get("date"))
    bucket = where.removeprefix("s3://").split("/")[0]
    match http:
        case _ if code == "RequestTimeTooSkewed" or (http == 403 and abs(skew) > SKEW_SECONDS):
            way = "fast" if skew > 0 else "slow"
            said = f"the clock of this machine is {abs(skew) / 60:.0f} minutes {way}: set it, then run again"
        case _ if code in SAID:
            said = SAID[code]
        case 404 if code == "NoSuchBucket":
            said = f"there is no bucket {bucket}: create it, or mend the name in PCR_STORE, PCR_CARDS or PCR_PHOTOS"
        case 404:
            return Missing(f"{where} does not exist")
        case 412:
            return Replaced(where)
        case _ if code in CREDENTIALS:
            said = f"the credentials are wrong or have expired; name others: {CHAIN}"
        case _ if code in ELSEWHERE:
            said = f"the bucket {bucket} is in another region: name it in PCR_S3_REGION"
        case 403 if code == "InvalidObjectState":
            reason = "it lies in an archive: restore it (`aws s3api restore-object`)"
            return Shut(f"S3 refused {where} ({code}): {reason}, then run again", reason)
        case 403:
            said = "these credentials may not do that: " + (
                _right(asked, response)
                or f"their policy needs ListBucket on {bucket} and GetObject, PutObject and AbortMultipartUpload on what is in it"
            )
            reason = f"S3 does not give it ({code}): mend its rights, or those of the key that encrypts it"
            return Shut(f"S3 refused {where} ({code}): {said}", reason)
        case _ if code in DAMAGED:
            said = (
                f"what arrived is not what was sent, so memory, disk or network damage data: look into it, then {AGAIN}"
            )
        case _ if http >= 500 or http == 429:
            tries = answer.get("RetryAttempts", 0) + 1
            said = f"the server is overloaded or ill, {tries} times in a row: look at it, then {AGAIN}"
        case _:
            said = response.get("Error", {}).get("Message") or "it does not say why"
    return StoreError(f"S3 refused {where} ({code}): {said}")


def _right(asked: str, response: Any) -> str:
    """What the policy lacks or forbids, where AWS names it, for it may be a key's; or where it goes beyond what all need."""
    message = response.get("Error", {}).get("Message", "")
    named = message.partition("not authorized to perform: ")[2].split()
    if named and "explicit deny" in message:
        return f"a policy, theirs or the bucket's, forbids {named[0]} as it was asked for"
    right = named[0] if named else BESIDES.get(asked)
    return f"their policy lacks {right}" if right else ""


def _unanswered(where: str, endpoint: str, error: Exception) -> StoreError:
    """The sentence for a request that got no answer, or a broken one."""
    from botocore import exceptions

    match error:
        case exceptions.NoCredentialsError() | exceptions.PartialCredentialsError() | exceptions.ProfileNotFound():
            return StoreError(f"no AWS credentials for {where} ({error}): set {CHAIN}")
        case exceptions.CredentialRetrievalError() | exceptions.TokenRetrievalError() | exceptions.SSOError():
            return StoreError(f"no AWS credentials for {where} ({error}): log in again, or set {CHAIN}")
        case exceptions.FlexibleChecksumError():
            return StoreError(f"{where} arrived damaged ({error}): look into the network, then {AGAIN}")
        case exceptions.ParamValidationError():
            return StoreError(f"S3 can't be asked for {where}: {error}")
    cause = getattr(error, "last_exception", None) or error
    silent = isinstance(cause, exceptions.ReadTimeoutError | exceptions.ConnectTimeoutError)
    what = "does not answer when asked" if silent else "broke off or can't be reached"
    return StoreError(
        f"S3 at {endpoint or 'AWS'} {what} for {where} ({type(cause).__name__}): look whether it runs "
        f"and whether PCR_S3_ENDPOINT is right, then {AGAIN}"
    )


def _skew(date: str | None) -> float:
    """By how many seconds this machine's clock is ahead of the server's."""
    try:
        return (datetime.now(UTC) - parsedate_to_datetime(date or "")).total_seconds()
    except (TypeError, ValueError):
        return 0.0
