"""``python -m pcr_assets.cloud.infrastructure > infrastructure.json``: the template, for ``aws cloudformation deploy``."""

import argparse
import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the template. Exit code: 1 where troposphere is not installed."""
    argparse.ArgumentParser(
        prog="python -m pcr_assets.cloud.infrastructure",
        description="Print the template of bucket, queue, roles and repositories: docs/deployment.md.",
    ).parse_args(arguments)
    try:
        from pcr_assets.cloud.infrastructure.template import template
    except ImportError as error:
        print(f"{error.name} is not installed: pip install -c constraints.txt '.[aws]'", file=sys.stderr)
        return 1
    print(template().to_json(indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
