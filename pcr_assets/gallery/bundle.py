"""The release bundle: a manifest that names every file by size and SHA-256, and with it the parts that it is made of."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pcr_assets import digests
from pcr_assets.resources.artifacts import PublishedFile

SCHEMA = 6
OUTLINE_FILTER = "outline_filter.onnx"
"""The shared file that says which outlines are worth reading; a release may lack it."""
PRINTING_VERIFIER = "printing_verifier.onnx"
"""The shared file that tells printings of a card apart; a release may lack it."""
SELF_TEST = "selftest.zip"
"""The shared file of known queries, which a device asks a release before it serves it."""
OPTIONAL = {"outline_filter": OUTLINE_FILTER, "printing_verifier": PRINTING_VERIFIER, "self_test": SELF_TEST}
"""What a release may lack, as its manifest names it."""


@dataclass(frozen=True)
class Variant:
    """A model and the index that was made with it: neither is of use with another's partner."""

    engine: str
    model: PublishedFile
    index: PublishedFile
    input_size: tuple[int, int]
    embedding_dim: int
    calibration: Mapping[str, Any]


def file_name(file: PublishedFile, variant: str) -> str:
    """What a variant's file is called inside the bundle: ``int8.onnx``, ``int8.usearch``."""
    return f"{variant}.{file.key.rpartition('.')[2]}"


def bundle_files(variants: Mapping[str, Variant], shared: Mapping[str, PublishedFile]) -> dict[str, PublishedFile]:
    """All files of a bundle by their name in it; ``shared`` are those of no variant (catalogue, report)."""
    files = dict(shared)
    for name, variant in variants.items():
        files[file_name(variant.model, name)] = variant.model
        files[file_name(variant.index, name)] = variant.index
    return files


def mismatches(
    models: Mapping[str, str],
    networks: Mapping[str, str],
    embedded: Mapping[str, Mapping[str, Any]],
    indexed: Mapping[str, Mapping[str, Any]],
    asked_of: Mapping[str, str] | None = None,
) -> list[str]:
    """What does not belong together of what a release would hold, or a report be made on, a sentence for each; none where all does.

    ``models``: the digest of each variant's model; ``networks``: that of each other network;
    ``embedded`` and ``indexed``: what the records of embeddings and index say of each variant; ``asked_of``: what the report was
    made of, where there is one. One asset that is built by hand may be newer than what was made of it.
    """
    found = []
    for variant, model in models.items():
        vectors = embedded[variant]
        if vectors["model"] != model:
            found.append(f"the {variant} embeddings are of another model than the one that is here")
        if indexed[variant]["sets"] != {name: entry["digest"] for name, entry in vectors["sets"].items()}:
            found.append(f"the {variant} index holds other embeddings than those that are here")
        if asked_of is not None and asked_of[f"the {variant} model"] != vectors["made_by"]:
            found.append(f"the report judged another {variant} model")
    if asked_of is not None:
        others = [name for name, network in networks.items() if asked_of[f"the {name}"] != network]
        found += [f"the report judged with another {name}" for name in others]
    return found


def pictured_apart(pictured: Mapping[str, bool], embedded: Mapping[str, bool]) -> list[str]:
    """The sets whose reference pictures and embeddings are not of the same cards, in a sentence; none where all are.

    Of each set that has such: whether they are of the cards that are here. Where neither are, both may well be of the same earlier
    ones.
    """
    apart = sorted(name for name in {*pictured, *embedded} if pictured.get(name) is not embedded.get(name))
    more = f" and {len(apart) - 1} more sets" if len(apart) > 1 else ""
    return [f"the reference pictures of {apart[0]}{more} are of other cards than the embeddings"] if apart else []


def manifest(
    variants: Mapping[str, Variant],
    files: Mapping[str, Mapping[str, Any]],
    *,
    references: Iterable[str],
    default_variant: str,
    made_from: Mapping[str, str],
    teacher_license: str,
) -> tuple[bytes, str]:
    """The manifest's canonical bytes, and the digest that names the release: its first 16 hex digits are the release id.

    ``files``: what :mod:`pcr_assets.gallery.parts` says of each file; ``references``: which of them are archives of
    reference pictures.
    """
    body: dict[str, Any] = {
        "schema": SCHEMA,
        "files": {name: dict(entry) for name, entry in files.items()},
        "catalogue": "catalogue.csv",
        "report": "report.json",
        "references": sorted(references),
        "variants": {name: _described(name, variant) for name, variant in variants.items()},
        "default_variant": default_variant,
        "teacher_license": teacher_license,
        "made_from": dict(made_from),
    }
    body |= {part: name for part, name in OPTIONAL.items() if name in files}
    digest = digests.of_json(body)
    return digests.canonical_json({**body, "release_id": digest[:16]}), digest


def _described(name: str, variant: Variant) -> dict[str, Any]:
    return {
        "engine": variant.engine,
        "model": file_name(variant.model, name),
        "index": file_name(variant.index, name),
        "input_size": list(variant.input_size),
        "embedding_dim": variant.embedding_dim,
        "calibration": dict(variant.calibration),
    }
