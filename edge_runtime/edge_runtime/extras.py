"""What a part of this package needs besides, and how to install it."""

import re
import shlex

OF_AN_EXTRA = re.compile(r"""(.+?)\s*;\s*extra == ["'](\w+)["']""")


def cure(extra: str) -> str:
    """The command that installs the packages of one of this package's extras, as its metadata name them.

    It does not name the package itself: that lies on no registry, and whoever put another there would be installed.
    """
    from importlib.metadata import PackageNotFoundError, requires

    try:
        found = [OF_AN_EXTRA.fullmatch(each) for each in requires("edge-runtime") or ()]
    except PackageNotFoundError:  # run out of a checkout
        found = []
    packages = [each[1] for each in found if each and each[2] == extra]
    return f"pip install {shlex.join(packages or [f'./edge_runtime[{extra}]'])}"
