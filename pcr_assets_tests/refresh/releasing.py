"""A graph that ends in a release."""

from collections.abc import Callable

import dagster as dg

from pcr_assets.assets.declare import in_a_sentence
from pcr_assets.resources.project import Project
from pcr_assets.resources.signing import ReleaseSigner


def ending_in_a_release(
    project: Project,
    signer: ReleaseSigner,
    built: list[str],
    sign: Callable[[Project, ReleaseSigner], None] = lambda project, signer: None,
) -> dg.Definitions:
    """A model, and a release that is signed with these keys, for this store; ``built`` is told of each once it is made."""

    @dg.asset
    def model():
        built.append("model")

    @dg.asset(deps=[model])
    @in_a_sentence
    def edge_release(project: Project, signer: ReleaseSigner):
        sign(project, signer)
        built.append("edge_release")

    resources = {"project": project, "signer": signer}
    return dg.Definitions([model, edge_release], resources=resources, executor=dg.in_process_executor)
