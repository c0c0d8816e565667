"""boto3 clients for services beside S3, and one clear sentence for what they refuse."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from pcr_assets.resources.s3_client import CONNECT_SECONDS, SILENT_SECONDS, TRIES, S3Settings, connect, session_of
from pcr_assets.resources.s3_errors import CHAIN, CREDENTIALS

DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError"}
THROTTLED = {
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestLimitExceeded",
    "SlowDown",
    "TooManyRequestsException",
}
EXPIRED = CREDENTIALS | {"UnrecognizedClientException", "InvalidSignatureException"}
FULL = {
    "ResourceLimitExceeded",
    "InsufficientInstanceCapacity",
    "LimitExceededException",
    "ServiceQuotaExceededException",
}
UNKNOWN = {"NotImplemented", "UnknownOperationException", "InvalidAction"}


class CloudError(Exception):
    """AWS refused or did not answer; the message says what to do about it."""


def s3() -> Any:
    """The client that the store uses: ``PCR_S3_…`` say which server and as whom."""
    return connect(S3Settings.of_environment())


def client(service: str, settings: S3Settings | None = None) -> Any:
    """A client of another service, as whom the store is spoken to and in its region; ``AWS_ENDPOINT_URL_<SERVICE>`` names a
    server that is not AWS. A busy service is asked again, with growing pauses."""
    from botocore.config import Config

    settings = settings or S3Settings.of_environment()
    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=SILENT_SECONDS,
        retries={"total_max_attempts": TRIES, "mode": "standard"},
    )
    try:
        with told(opened := f"open a client for {service}"):
            return session_of(settings).client(service, region_name=settings.region, config=config)
    except ValueError as error:  # botocore's, of an address that is none
        raise CloudError(f"could not {opened} ({error}): AWS_ENDPOINT_URL… must say a URL, or nothing") from error


@contextmanager
def told(what: str, right: str = "") -> Iterator[None]:
    """Turn what boto3 raises in the block into a CloudError. ``what`` was tried; ``right`` is the permission it takes."""
    from botocore import exceptions

    try:
        yield
    except exceptions.ClientError as error:
        raise CloudError(f"could not {what}: {_refused(error, right)}") from error
    except (exceptions.NoCredentialsError, exceptions.PartialCredentialsError, exceptions.ProfileNotFound) as error:
        raise CloudError(f"could not {what}: there are no AWS credentials ({error}): set {CHAIN}") from error
    except (exceptions.CredentialRetrievalError, exceptions.TokenRetrievalError, exceptions.SSOError) as error:
        raise CloudError(f"could not {what}: no AWS credentials ({error}): log in again, or set {CHAIN}") from error
    except exceptions.NoRegionError as error:
        raise CloudError(f"could not {what}: no region is named: set PCR_S3_REGION or AWS_DEFAULT_REGION") from error
    except exceptions.ParamValidationError as error:
        wrong = " ".join(str(error).split())
        raise CloudError(f"could not {what} ({wrong}): mend that in the profile or the command") from error
    except exceptions.BotoCoreError as error:
        raise CloudError(f"could not {what} ({error}): look at the network, then run again") from error


def _refused(error: Any, right: str) -> str:
    code, tries = error.response.get("Error", {}).get("Code", "unknown"), _tries(error)
    if code in DENIED:
        return f"these credentials may not ({code}){f': add {right} to their policy' if right else ''}"
    if code in EXPIRED:
        return f"the credentials are wrong or have expired ({code}): log in again, or set {CHAIN}"
    if code in THROTTLED:
        return f"the service is busy ({code}, {tries} tries): run again in a minute; what was done stays"
    if code in FULL:
        said = error.response["Error"].get("Message") or code
        return f"{said} ({code}): choose another instance or region, or ask for more in Service Quotas; nothing was left running"
    if code in UNKNOWN:
        return f"this server does not know that request ({code}): it takes AWS"
    return f"{error.response.get('Error', {}).get('Message') or 'it does not say why'} ({code})"


def will_pass(error: BaseException) -> bool:
    """Whether a request failed for what passes by itself: AWS is busy or ill, or the network is away."""
    from botocore import exceptions

    if isinstance(error, exceptions.ClientError):
        http = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return error.response["Error"].get("Code") in THROTTLED or http >= 500
    return isinstance(error, exceptions.HTTPClientError | exceptions.ConnectionError)


def if_there(ask: Callable[..., Any], **named: str) -> dict[str, Any] | None:
    """What SageMaker says of something that may not be there, or not be known everywhere yet; then None."""
    from botocore.exceptions import ClientError

    try:
        return dict(ask(**named))
    except ClientError as error:
        if is_missing(error):
            return None
        raise


def create_unless_there(make: Callable[..., Any], **named: Any) -> bool:
    """Create something at SageMaker. False where it is there already: the same thing, for its name says what it is."""
    from botocore.exceptions import ClientError

    try:
        make(**named)
    except ClientError as error:
        if "already exist" not in error.response["Error"].get("Message", ""):
            raise
        return False
    return True


def remove_if_there(remove: Callable[..., Any], **named: Any) -> None:
    """Remove something that may be gone already."""
    from botocore.exceptions import ClientError

    try:
        remove(**named)
    except ClientError as error:
        if not is_missing(error):
            raise


def is_missing(error: Any) -> bool:
    """Whether SageMaker's refusal, a ClientError, says that what was named is not there: it has no code of its own for that."""
    code, said = error.response["Error"].get("Code", ""), error.response["Error"].get("Message", "").lower()
    return code in {"ResourceNotFound", "ResourceNotFoundException"} or (
        code in {"ValidationException", "ValidationError"}
        and any(words in said for words in ("could not find", "does not exist", "resource not found"))
    )


def _tries(error: Any) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("RetryAttempts", 0)) + 1
