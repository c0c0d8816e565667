"""What the code asks of AWS, held against a policy of the template: each call as the action and the resource that IAM sees."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from typing import Any

from botocore.client import BaseClient

from pcr_assets.cloud.infrastructure.template import template

Call = tuple[str, str]
"""An action, and the ARN of the bucket or object it is for; nothing for other services, whose actions alone are held."""
ACTIONS = {
    "HeadObject": "GetObject",
    "ListObjectsV2": "ListBucket",
    "ListMultipartUploads": "ListBucketMultipartUploads",
    "ListParts": "ListMultipartUploadParts",
    "DeleteObjects": "DeleteObject",
    "CreateMultipartUpload": "PutObject",
    "UploadPart": "PutObject",
    "CompleteMultipartUpload": "PutObject",
    "GetBucketLifecycleConfiguration": "GetLifecycleConfiguration",
    "PutBucketLifecycleConfiguration": "PutLifecycleConfiguration",
    "DeleteMessageBatch": "DeleteMessage",
}
"""Requests whose permission is called otherwise."""


@contextmanager
def asked(monkeypatch: Any) -> Iterator[set[Call]]:
    """All that is asked of AWS in the block."""
    calls: set[Call] = set()
    call = BaseClient._make_api_call

    def noted(client: Any, operation: str, params: dict[str, Any]) -> Any:
        service = client.meta.service_model.service_name
        keys = [each["Key"] for each in params.get("Delete", {}).get("Objects", [])] or [params.get("Key", "")]
        for key in keys if service == "s3" else [""]:
            place = f"arn:aws:s3:::{params['Bucket']}{f'/{key}' if key else ''}" if service == "s3" else ""
            calls.add((f"{service}:{ACTIONS.get(operation, operation)}", place))
        return call(client, operation, params)

    with monkeypatch.context() as patched:
        patched.setattr(BaseClient, "_make_api_call", noted)
        yield calls


def refused(calls: set[Call], bucket: str) -> list[Call]:
    """The calls that the policy of whoever runs the pipeline does not allow."""
    document = template().to_dict()["Resources"]["PipelinePolicy"]["Properties"]["PolicyDocument"]
    written = json.dumps(document, default=lambda value: value.to_dict())
    statements = json.loads(written.replace("${BucketName}", bucket).replace("${AWS::Partition}", "aws"))["Statement"]

    def allowed(action: str, place: str) -> bool:
        return any(
            action in statement["Action"]
            and (not place or any(fnmatchcase(place, _text(each)) for each in statement["Resource"]))
            for statement in statements
        )

    return sorted(call for call in calls if not allowed(*call))


def _text(resource: Any) -> str:
    return resource if isinstance(resource, str) else resource["Fn::Sub"]
