"""Which model of a release answers: the one for the Hailo chip where chip and driver are there, else one for the processor.

Decided once, at the start, and said with its reason. Nothing here changes an engine later: another engine is another model
with an index of its own, and answers differ a little.
"""

import logging
from dataclasses import asdict, dataclass

from edge_runtime.embedder import Embedder, EmbedderError, OnnxEmbedder
from edge_runtime.hailo.chip import Chip, find_chip
from edge_runtime.hailo.embedder import HailoEmbedder
from edge_runtime.hailo.faults import HailoFault
from edge_runtime.releases.refusals import ReleaseError
from edge_runtime.releases.release import Release, Variant

ENGINES = ("auto", "hailo", "int8", "fp32")
"""What may be asked for: ``int8`` and ``fp32`` are the models of that name, which ONNX Runtime runs on the processor."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Choice:
    """What answers, and why. ``chip``: its architecture, where one is used."""

    asked: str
    engine: str
    variant: str
    reason: str
    chip: str | None = None

    def __str__(self) -> str:
        where = f"the {self.chip} chip" if self.chip else "the processor"
        return f"model {self.variant} on {where}: {self.reason}"

    def as_json(self) -> dict[str, str | None]:
        """For a health report."""
        return asdict(self)


def open_engine(
    release: Release, engine: str = "auto", variant: str | None = None, threads: int | None = None
) -> tuple[Embedder, Variant, Choice]:
    """Load the model that is asked for. ``variant``: one by its name, whatever its engine; ``threads``: as OnnxEmbedder has it.

    ``auto`` takes the chip, else the model that the release recommends, else int8, else fp32. Raises a ReleaseError for a
    release that lacks the model, an EmbedderError for a model that can't be used.
    """
    if engine not in ENGINES:
        raise ValueError(f"engine is one of {', '.join(ENGINES)}, not {engine}")
    if variant is not None:
        found = _open(release.variant(variant), variant, "asked for by name", threads)
    elif engine == "auto":
        found = _best(release, threads)
    elif engine == "hailo":
        found = _on_chip(release, engine, "asked for")
    else:
        found = _open(release.variant(engine), engine, "asked for", threads)
    embedder, chosen, choice = found
    if (embedder.input_size, embedder.dim) != (chosen.input_size, chosen.embedding_dim):
        embedder.close()
        raise EmbedderError(f"{chosen.model} is not the model that the manifest describes: pull the release again")
    log.info("%s", choice)
    return found


def _best(release: Release, threads: int | None) -> tuple[Embedder, Variant, Choice]:
    try:
        return _on_chip(release, "auto", "a Hailo chip is here, and the release has a model for it")
    except (HailoFault, ReleaseError) as why_not:
        return _open(_for_processor(release), "auto", f"no Hailo chip is used, {why_not}", threads)


def _on_chip(release: Release, asked: str, reason: str) -> tuple[Embedder, Variant, Choice]:
    """The release's model for the chip of this machine, opened. The chip is only asked for when there is a model."""
    made = [variant for variant in release.variants.values() if variant.engine == "hailo"]
    if not made:
        raise ReleaseError(f"release {release.release_id} has no model for a Hailo chip: it has {_names(release)}")
    chip = find_chip()
    fitting = [variant for arch in chip.runs for variant in made if variant.hw_arch == arch]
    if not fitting:
        raise _misfit(release, made, chip)
    return _opened_on(chip, fitting[0], asked, reason)


def _open(variant: Variant, asked: str, reason: str, threads: int | None) -> tuple[Embedder, Variant, Choice]:
    """A model of whichever engine."""
    if variant.engine == "onnx":
        return OnnxEmbedder(variant.model, threads), variant, Choice(asked, "onnx", variant.name, reason)
    if variant.engine == "hailo":
        return _opened_on(find_chip(), variant, asked, reason)
    raise ReleaseError(
        f"variant '{variant.name}' runs on {variant.engine}, which this edge_runtime has no driver for: update edge_runtime"
    )


def _opened_on(chip: Chip, variant: Variant, asked: str, reason: str) -> tuple[Embedder, Variant, Choice]:
    if variant.hw_arch not in chip.runs:
        raise HailoFault(f"variant '{variant.name}' is compiled for {variant.hw_arch}, this chip is a {chip.arch}")
    return HailoEmbedder(variant.model), variant, Choice(asked, "hailo", variant.name, reason, chip.arch)


def _for_processor(release: Release) -> Variant:
    names = (release.default_variant, "int8", "fp32", *release.variants)
    for name in names:
        if name in release.variants and release.variants[name].engine == "onnx":
            return release.variants[name]
    raise ReleaseError(f"release {release.release_id} has no model for a processor: it has {_names(release)}")


def _misfit(release: Release, made: list[Variant], chip: Chip) -> ReleaseError:
    archs = ", ".join(sorted(str(variant.hw_arch) for variant in made))
    return ReleaseError(
        f"release {release.release_id} has models for {archs}, which a {chip.arch} does not run: publish one for it"
    )


def _names(release: Release) -> str:
    return ", ".join(release.variants)
