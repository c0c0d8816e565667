"""What a package says of its model, and what SageMaker takes: the card by its schema, the request by its interface."""

import json
import re
from dataclasses import replace

import jsonschema

from pcr_assets import layout, settings
from pcr_assets.cloud import model_package, registry
from pcr_assets.project_records.models import collect
from pcr_assets.project_records.sources import gather
from pcr_assets.serving import packing
from pcr_assets.serving.settings import ServingSettings

CARD = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "model_overview": {
            "additionalProperties": False,
            "properties": {"model_creator": {"maxLength": 1024}, "model_artifact": {"type": "array", "maxItems": 15}},
        },
        "intended_uses": {
            "additionalProperties": False,
            "properties": {
                "purpose_of_model": {"maxLength": 2048},
                "intended_uses": {"maxLength": 2048},
                "factors_affecting_model_efficiency": {"maxLength": 2048},
                "risk_rating": {"enum": ["High", "Medium", "Low", "Unknown"]},
            },
        },
        "evaluation_details": {
            "items": {
                "required": ["name"],
                "properties": {
                    "metric_groups": {
                        "items": {
                            "required": ["name", "metric_data"],
                            "properties": {
                                "metric_data": {
                                    "items": {
                                        "required": ["name", "type", "value"],
                                        "properties": {"type": {"const": "number"}, "value": {"type": "number"}},
                                    }
                                }
                            },
                        }
                    }
                },
            }
        },
        "additional_information": {
            "properties": {
                "custom_details": {"additionalProperties": {"type": "string", "minLength": 1, "maxLength": 1024}}
            }
        },
    },
}
"""Of SageMaker's schema for the card of a package what ours uses."""


def test_the_card_follows_sagemakers_schema_and_the_request_its_interface(artifacts, sagemaker, profile):
    """moto keeps no card: it is looked at on its way out, after botocore has checked the request's shape."""
    sent = []
    sagemaker.meta.events.register(
        "before-call.sagemaker.CreateModelPackage", lambda params, **_: sent.append(json.loads(params["body"]))
    )
    registry.register(sagemaker, artifacts, settings.load(str(profile)))
    assert len({request["ClientToken"] for request in sent}) == 2
    for request in sent:
        content = json.loads(request["ModelCard"]["ModelCardContent"])
        jsonschema.validate(content, CARD)
        assert request["ModelCard"]["ModelCardStatus"] == "PendingReview"
        for value in request["CustomerMetadataProperties"].values():
            assert re.fullmatch(r"[\w\s.:/=+\-@]{1,256}", value), "as the published interface has it"


def test_a_licence_is_told_in_the_letters_that_sagemaker_takes(artifacts, profile):
    profile, packages = settings.load(str(profile)), artifacts.current(layout.PACKAGES)
    packed = replace(packing.packed_in(packages)[0], licence="CC BY-NC 4.0 (no money)")
    model = collect(gather(artifacts, profile)[0])[packed.model]
    chosen = ServingSettings(**profile.section("serving"))
    request = model_package.request(packed, packages, artifacts.store.root, model, chosen)
    assert request["CustomerMetadataProperties"]["teacher_license"] == "CC BY-NC 4.0 -no money-"
